"""The tables of `docs/cancelling.md`, and of `docs/messages.md` the part on cancelling, from the code that decides.

`python -m tests.cancelling_table` renews them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.invoice import ACTIVE, CANCELLED
from mappers.cancelling import TABLE, Begun, Cancelling
from mappers.cancelling_catalogue import BOOKINGS, CONTACTS, DOCUMENTS, ITEMS, LINES, LOCKS, NOTES, OWN
from mappers.refused_cancelling import NEW_DAY
from pipeline.cancelled import active_again, cancelled, failed
from pipeline.ending import Ending
from pipeline.outcomes import Cancelled, Present
from tests import messages_table
from tests.unit.made import INVOICE_ID, NOON, details, invoice

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "cancelling.md"
END = "<!-- end -->"
DECIDING = ("Rule", "The document in Xero is", "Cancelled, B8 = Yes", "Cancelled, B8 = No", "Deleted")
TELLING = ("What came of it", "Action, result", "Export status", "The history says")
DOCUMENT_ID, NOTE_ID = "6f0c3a52-1b7d-4c1e-9d55-0f2a7e8b4c10", "9a41d7e0-52c3-4f0b-8a1e-3d7c20b6f8e2"
NOTE_NUMBER = "CN-INV-0042"
LOCKED = "The document date cannot be before the period lock date, currently set at 30 November 2026"

Row = dict[str, Any]


def document(status: str, due: str = "0.00", **different: Any) -> Row:
    """A sales invoice over 100.00 and 20.00 tax."""
    made = {
        "InvoiceID": DOCUMENT_ID,
        "Type": "ACCREC",
        "InvoiceNumber": "INV-0042",
        "Contact": {"ContactID": "contact"},
        "Status": status,
        "CurrencyCode": "GBP",
        "TotalTax": "20.00",
        "Total": "120.00",
        "AmountDue": due,
    }
    return made | different


def note(applied: str = "") -> Row:
    """Our approved note; `applied` is how much of it."""
    allocations = [{"Amount": applied, "Invoice": {"InvoiceID": DOCUMENT_ID}}] if applied else []
    made = {"CreditNoteID": NOTE_ID, "CreditNoteNumber": NOTE_NUMBER, "Status": "AUTHORISED", "Total": "120.00"}
    return made | {"TotalTax": "20.00", "Allocations": allocations}


DRAFT, OPEN = document("DRAFT", "120.00"), document("AUTHORISED", "120.00")
IN_PART = document("AUTHORISED", "80.00", AmountPaid="40.00")
PAID, FREE = document("PAID", AmountPaid="120.00"), document("PAID", Total="0.00", TotalTax="0.00")
DELETED, VOIDED = document("DELETED"), document("VOIDED")
OURS = [{"CreditNoteID": NOTE_ID, "CreditNoteNumber": NOTE_NUMBER, "AppliedAmount": "120.00"}]
CREDITED = document("PAID", AmountCredited="120.00", CreditNotes=OURS)


@dataclass(frozen=True)
class Story:
    """A document as it stands in the end, our note of it, and what had been begun; `state` None: deleted."""

    words: str
    document: Row
    state: int | None = CANCELLED
    note: Row | None = None
    begun: Begun | None = None
    tell: Callable[[Ending], Cancelled] = cancelled

    @property
    def told(self) -> Cancelled:
        begun = Cancelling(self.begun, NOON).text if self.begun is not None else ""
        row = details(
            xero_invoice_id=DOCUMENT_ID,
            xero_number="INV-0042",
            export_status="Yes",
            cancelling=begun,
            handled_state=str(CANCELLED) if self.state == ACTIVE else "",
        )
        is_gone = self.state is None
        present = Present(INVOICE_ID, None if is_gone else invoice(state=self.state), row)
        return self.tell(Ending(present, self.document, note=self.note))


STORIES = (
    Story("A draft was deleted", DELETED, begun="delete"),
    Story("Credited", CREDITED, note=note("120.00"), begun="credit"),
    Story("Credited, not applied", IN_PART, note=note(), begun="credit"),
    Story("Voided", VOIDED, begun="void"),
    Story("Voiding was refused", CREDITED, note=note("120.00"), begun="credit after void"),
    Story("A draft was left", DRAFT),
    Story("An open one was left", OPEN),
    Story("Fully paid", PAID),
    Story("Its total is 0", FREE),
    Story("Voided by somebody before", VOIDED),
    Story("… and the invoice was deleted", VOIDED, state=None),
    Story(
        "The note's day is locked",
        OPEN,
        note=None,
        begun="credit",
        tell=lambda ending: failed(ending, "credit", (LOCKED,)),
    ),
    Story(
        "Paid in full before the note was applied",
        PAID,
        begun="credit",
        tell=lambda ending: cancelled(ending, taken_back=NOTE_NUMBER),
    ),
    Story("Active again, left before", OPEN, state=ACTIVE, tell=active_again),
    Story("Active again, deleted before", DELETED, state=ACTIVE, tell=active_again),
    Story("Active again, credited before", CREDITED, state=ACTIVE, note=note("120.00"), tell=active_again),
    Story("Active again, the note not applied", IN_PART, state=ACTIVE, note=note(), tell=active_again),
)


def decisions() -> str:
    """Return the table that decides, row by row."""
    rows = [(row.rule, row.document, row.cancelled.value, row.by_hand.value, row.deleted.value) for row in TABLE]
    return _table(DECIDING, rows)


def stories() -> str:
    """Return what the history tells of each thing that may come of it."""
    return _table(TELLING, [_of_story(story) for story in STORIES])


def refusals() -> str:
    """Return what Xero's refusals mean here."""
    groups = {
        "Lock dates": LOCKS,
        "The invoice or bill": DOCUMENTS,
        "The credit note": (*NOTES, *OWN),
        "Accounts, taxes, tracking, currencies": BOOKINGS,
        "Items": ITEMS,
        "Contacts": CONTACTS,
        "Lines": LINES,
    }
    spoken = {"document": "invoice or bill", "what": "do it", "dated": "the date of the invoice, bill or credit note"}
    shown = messages_table.tables(groups, spoken | {"new_day": NEW_DAY, "of_note": "*sum*"})
    return shown.replace("### ", "#### ").replace("| Xero says |", "| Xero, or the connector, says |")


def _of_story(story: Story) -> tuple[str, ...]:
    told = story.told
    result, status = ("Failed", "Failed") if told.is_failed else ("Successful", "Yes")
    return story.words, f"{told.act}, {result}", status, told.text.replace("\n", "<br>")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows))


@dataclass(frozen=True)
class Block:
    """A part of a page between two marks, and what makes it."""

    page: Path
    begin: str
    make: Callable[[], str]

    def written(self) -> str:
        return self.page.read_text("utf-8").split(self.begin, 1)[1].split(END, 1)[0].strip()

    def renew(self) -> None:
        before, rest = self.page.read_text("utf-8").split(self.begin, 1)
        after = rest.split(END, 1)[1]
        self.page.write_text(f"{before}{self.begin}\n\n{self.make()}\n\n{END}{after}", "utf-8")


BLOCKS = (
    Block(PAGE, "<!-- made from mappers/cancelling.py -->", decisions),
    Block(PAGE, "<!-- made from mappers/cancelled_texts.py -->", stories),
    Block(DOCS / "messages.md", "<!-- made from mappers/cancelling_catalogue.py -->", refusals),
)

if __name__ == "__main__":
    for block in BLOCKS:
        block.renew()
