"""The races and faults that the connector stands up to, each with the tests that bear its number.

`python -m tests.catalogue` writes the table into docs/reliability.md (`make docs`). A test bears a number when its
docstring or name says so: "F41" or "test_f41_…".
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- catalogue: begin -->", "<!-- catalogue: end -->"
NUMBERS = re.compile(r"(?<![A-Za-z0-9])(R[0-9]{1,2}|F[0-9]{2})(?![0-9])")
TESTS_SHOWN = 3

RACES: Mapping[str, tuple[str, str]] = {
    "R1": ("Two workers at one connection", "The lane's lease: the second one gets nothing."),
    "R2": (
        "A worker freezes past its lease, another goes on, the first one wakes at its call to Xero",
        "Lease and age are checked before each write; what slips through has the same Idempotency-Key, or is settled "
        "as a second document.",
    ),
    "R3": (
        "Xero carries out a call after its sender gave up and looked in vain",
        "An attempt is closed after seven minutes only; what comes later still is found by the poll and settled.",
    ),
    "R4": ("A crash between marking and waking", "The sweeper wakes every lane that has work and nobody."),
    "R5": ("A crash between Xero's answer and our record", "The intent stands in Dynamics: look, and adopt."),
    "R6": (
        "A change during the work on the same record",
        "Ending work removes it from what is in work, not from what is due.",
    ),
    "R7": ("Events twice and in any order", "An event says where to look; both sides are read."),
    "R8": ("Versions by two clocks", "Times of one system are only compared with times of the same."),
    "R9": ("A number changed after the export", "The id on the Xero details row is the identity."),
    "R10": (
        "A person used the same number in Xero",
        "Only a document with our link is taken; else Failed, naming it.",
    ),
    "R11": ("A batch carried out in part", "Each member is looked for; the others are made in a new attempt."),
    "R12": ("An Idempotency-Key with other content", "The key holds the hash of the content and the attempt."),
    "R13": ("Xero replays a stored 500", "That says nothing: the attempt is looked for, then closed."),
    "R14": (
        "Our write comes back as an event",
        "Tagged writes are echoes; else fingerprints agree and nothing is written.",
    ),
    "R15": ("A lease shorter than a step", "It is renewed while a call is under way, and checked before each write."),
    "R16": (
        "An event key too wide or too narrow",
        "It holds the version and the columns; a known key only saves work.",
    ),
    "R17": (
        "The answer to a commit is lost",
        "No invoice is in our database; Dynamics' transactions may be repeated.",
    ),
    "R18": ("Poll and event at once", "Both mark the same entity of one lane."),
    "R19": ("Two processes refresh one token", "One at a time, by compare-and-swap in the database."),
    "R20": ("A worker's clock is wrong", "Leases and attempts go by Redis' time."),
    "R21": ("The sweeper floods a queue", "One wake-up a lane in five seconds, and none while a thousand wait."),
}
FAULTS: Mapping[str, tuple[str, str]] = {
    "F01": ("A webhook never comes", "The poll finds everything that needs work."),
    "F02": ("A webhook comes twice", "Marking twice is marking once; the key saves the work."),
    "F03": ("Webhooks overtake each other", "The present state is read."),
    "F04": ("A webhook comes days later", "The present state is read: nothing is made anew."),
    "F05": ("The web dies before the inbox has the event", "No 2xx was given; what nobody repeats the poll finds."),
    "F06": ("A crash between the inbox and the lane", "The message is acknowledged after the mark."),
    "F07": ("A crash or lost answer after the inbox has the event", "It is there twice, which is once."),
    "F08": ("Redis is away or full while an event comes", "503; the poll finds what is not sent again."),
    "F09": ("The database is away while an event comes", "503 in time."),
    "F10": ("A webhook is answered too late", "Answered within 2.5 s, whatever Redis does."),
    "F11": ("An event of somebody unknown", "200, counted; nothing published."),
    "F12": ("A wrong signature or secret", "401 before anything is parsed."),
    "F13": ("A true signature over another tenant's id", "No event for a tenant that the sender is not."),
    "F14": ("An old delivery again", "As F04."),
    "F15": ("A body without the parts that make it large", "Name and id of the row are enough."),
    "F16": ("A malformed, huge or hostile body", "400, 401, 413; never 5xx, nothing of it in the log."),
    "F20": ("A process dies at any step", "What it was doing is known from the row, the lane, the queue."),
    "F21": ("kombu's consumer dies between pop and registration", "An event is a hint: the poll finds what it told."),
    "F22": (
        "Dramatiq gives out a dead worker's message late",
        "The lease ends after 15 s and the sweeper wakes the lane.",
    ),
    "F23": ("A worker is frozen past its lease", "As R2."),
    "F24": ("Two workers at one invoice", "As R1."),
    "F25": ("Poll and webhook race", "As R18."),
    "F26": (
        "Redis loses its last second, or everything",
        "It holds nothing that is needed; the next poll marks anew.",
    ),
    "F27": ("Redis shows an older state", "As F02: what was done is compared and left."),
    "F28": ("Redis drops keys when it is full", "The processes refuse to start on such a Redis."),
    "F29": ("Redis is full", "It is told (503), nothing is lost."),
    "F30": ("Work that fails each time", "Put aside after six starts: dead letter, Failed, replay."),
    "F31": ("Work that kills its worker", "Starts are counted before the work; then as F30."),
    "F32": ("Delayed messages while Redis restarts", "No message is delayed: due times stand in the lane."),
    "F33": (
        "A message of another version",
        "Older and newer ones are read; an unknown one is kept, and can be replayed.",
    ),
    "F34": ("A storm after an outage", "Back-off with jitter per connection; wake-ups do not pile up."),
    "F35": ("One tenant with very many invoices", "Batches of 50, time slices, the next lane."),
    "F40": ("A call is done and its answer lost", "Unknown: the same key within five minutes, else look."),
    "F41": ("A call is done long after it was given up", "As R3."),
    "F42": ("Xero has forgotten the key", "The key is never needed: look first."),
    "F43": ("The same key, other content", "As R12."),
    "F44": ("A limit: minute, day, concurrent, app", "The lane rests until it ends, polls too; shown with the time."),
    "F45": ("5xx, HTML, an empty answer", "A read is repeated; a write is unknown."),
    "F46": ("Some of a batch are invalid", "Each element has its own outcome, by origin."),
    "F47": ("Invoice # must be unique", "As R10."),
    "F48": ("Paid, credited or voided by hand", "Not written to; told once."),
    "F49": ("A locked period", "Failed with what to do; credited instead where that helps."),
    "F50": ("Contacts archived, merged, of one name", "By id; archived: Failed, naming it; merged: followed."),
    "F51": ("An account or tax type that is gone", "Failed, naming it; never a guess."),
    "F52": ("Rounding", "Compared to the cent; a difference is told."),
    "F53": ("An edit in Dynamics during our work", "Conditional write; read again."),
    "F54": ("Both sides were changed", "What people changed in Xero stays, and is told."),
    "F55": ("Paging over a list that moves", "Ordered by change, ten minutes' overlap."),
    "F60": ("Our write raises our webhook", "As R14."),
    "F61": ("The write-back is lost", "As R5."),
    "F62": ("A row has moved (412)", "Read again, decide again."),
    "F64": (
        "Rows that are committed late; a watermark by the wrong clock",
        "The other system's clock, ten minutes back.",
    ),
    "F65": ("Two pollers, or a poll that takes long", "A turn is claimed; marks are idempotent."),
    "F66": ("No poller runs", "`connector doctor` says how long no poll was begun."),
    "F67": ("Clocks are wrong", "As R20; tokens are also given up when they are refused."),
    "F68": ("Zones and clock changes", "Days are reckoned in the connection's zone; dates are dates."),
    "F70": ("Two refresh a rotating token", "As R19."),
    "F71": (
        "The answer to a refresh is lost",
        "The same token again, every 20 s, work or not; the one before in its grace.",
    ),
    "F72": ("A crash before the new token is stored", "As F71."),
    "F73": ("A refresh takes longer than its right", "What is stored is never replaced by something older."),
    "F74": ("A consent is revoked or ends", "The connection stops, says so, and goes on by itself."),
    "F75": ("A connection is removed in mid-work", "The work ends; its lane is forgotten."),
    "F76": (
        "Joined again to another organisation",
        "Another connection: a connection is bound to both organisations.",
    ),
}
NOT_HERE: Mapping[str, str] = {
    "F17": "A gap in Xero's sequence numbers: nothing is concluded from them. What was lost, the next poll finds.",
    "F63": "Change-tracking tokens: none are used. A lost watermark leads to a full comparison (F26, F64).",
}


def tests_by_number() -> dict[str, list[str]]:
    """Return the tests that bear each number, as "file::test", in the order of the files."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names = re.findall(r"(?<=_)(r[0-9]{1,2}|f[0-9]{2})(?=_)", node.name)
                numbers = NUMBERS.findall(ast.get_docstring(node) or "") + [name.upper() for name in names]
                for number in dict.fromkeys(numbers):
                    found[number].append(f"{path.relative_to(ROOT / 'tests')}::{node.name}")
    return found


def problems() -> list[str]:
    """Return numbers that no test bears, and numbers in tests that are not in the catalogue."""
    found = tests_by_number()
    lacking = [f"{number}: no test bears it" for number in (*RACES, *FAULTS) if number not in found]
    known = {*RACES, *FAULTS, *NOT_HERE}
    unknown = [number for number in found if number not in known and int(number[1:]) <= 76]
    return lacking + [f"{number}: not in the catalogue ({found[number][0]})" for number in unknown]


def table() -> str:
    """Return the catalogue as it stands in docs/reliability.md."""
    found = tests_by_number()
    lines = ["| No. | What goes wrong | What happens then | Tests |", "|---|---|---|---|"]
    for number, (what, then) in (RACES | FAULTS).items():
        tests = found[number]
        names = [f"`{name.removesuffix('.py').replace('.py::', '::')}`" for name in tests[:TESTS_SHOWN]]
        more = ["and others"] if len(tests) > TESTS_SHOWN else []
        lines.append(f"| {number} | {what} | {then} | {'<br>'.join(names + more)} |")
    lines += ["", "These do not apply:", "", *(f"- **{number}**: {why}" for number, why in NOT_HERE.items())]
    return "\n".join(lines)


def renewed(text: str) -> str:
    """Return the document with the table as it is now."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text()))
    print("\n".join(problems()) or "Every number has its test.")
