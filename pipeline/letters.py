"""Dead letters of both kinds for people: records that were put aside, and messages that the inbox could not use.

What they mean, what to do, and what it is to replay or to drop one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clients.dataverse import odata_in, rows_path
from core import columns, ids
from core.connections import Connection
from core.errors import Conflict, ConnectorError, Misconfigured, Transient
from core.inbox import Inbox
from pipeline.app import App
from pipeline.dead import DeadLetter, Unreadable
from pipeline.lanes import Entity
from pipeline.reading import find_details, in_chunks, read_batch
from pipeline.tools import Tools
from pipeline.tries import Tries

Source = Literal["lane", "inbox", "unreadable"]
SET_TO_NO = "its export status was set to No in Dynamics"
READS_MAX = 1000

MEANINGS = {
    "Killed": "The process that worked on it ended each time, before it could say why: out of memory, or killed.",
    "Fruitless": "Xero neither took nor refused what was sent, time after time, while it took others.",
    "Rejected": "A whole call was refused each time, with nothing that names the invoice as the reason.",
    "inbox": "A message from the inbox could not be used. It holds events, which are hints: the next poll finds what "
    "they would have said.",
    "unreadable": "A dead letter that this version cannot read. The record's Failed row in Dynamics still says that "
    "it was put aside.",
}
DEFECT = "Our own code fails on it each time. The trace says where; it holds no values."
REMEDIES = {
    "inbox": "`connector dead replay {0}` puts it back into the inbox, once what was wrong with it is mended; "
    "`connector dead drop {0}` forgets it.",
    "unreadable": "Look for the record by the text below, set its export status to No in Dynamics if it is an "
    "invoice, and `connector dead drop {0}`.",
}
REMEDY = (
    "Once the cause is mended, `connector dead replay {0}` lets it be tried again; of an invoice that is Failed it "
    "sets the export status to No, as a person would. `connector dead drop {0}` only forgets the letter."
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as people see it. `text` is the trace, the message, or what nobody could read.

    `of` is what is stored; None for a message of the inbox.
    """

    reference: str
    source: Source
    at: datetime | None
    error: str
    text: str
    of: DeadLetter | Unreadable | None = None

    @property
    def connection_id(self) -> str:
        return self.of.connection_id if isinstance(self.of, DeadLetter) else ""

    @property
    def entity(self) -> Entity | None:
        return self.of.entity if isinstance(self.of, DeadLetter) else None

    @property
    def meaning(self) -> str:
        return MEANINGS.get(self.error if self.source == "lane" else self.source, DEFECT)

    @property
    def remedy(self) -> str:
        return REMEDIES.get(self.source, REMEDY).format(self.reference)


@dataclass(frozen=True, slots=True)
class Known:
    """What Dynamics says now of the invoice of a letter; it may have been dealt with since."""

    number: str = ""
    export_status: str = ""


def list_letters(app: App, inbox: Inbox) -> list[Letter]:
    """Return all of them, the oldest first. Raises Transient."""
    found = [
        Letter(letter.reference, "lane", letter.at, letter.error, letter.trace, letter)
        for letter in app.dead.list_all()
    ]
    found += [
        Letter(letter.reference, "unreadable", None, "Unreadable", f"{letter.field}\n{letter.text}", letter)
        for letter in app.dead.list_unreadable()
    ]
    found += [Letter(each.reference, "inbox", each.at, each.reason, each.text) for each in inbox.list_dead()]
    return sorted(found, key=lambda letter: (letter.at is not None, str(letter.at), letter.reference))


def chosen_letters(letters: Sequence[Letter], references: Sequence[str]) -> list[Letter]:
    """Return those of these references. Raises Misconfigured, naming them, when there is none of some."""
    unknown = [reference for reference in dict.fromkeys(references) if reference not in _references(letters)]
    if unknown:
        shown = ", ".join(unknown)
        raise Misconfigured(f"There is no dead letter {shown}. `connector dead list` shows them; nothing was done.")
    return [letter for letter in letters if letter.reference in references]


def look_up(app: App, letters: Sequence[Letter]) -> tuple[dict[str, Known], list[str]]:
    """Return what is known of the invoices that were put aside, by record, and which connections could not be asked.

    One call a connection.
    """
    known: dict[str, Known] = {}
    failures = []
    for connection in app.connections.list_all():
        entities = [letter.entity for letter in letters if letter.entity and letter.connection_id == connection.id]
        try:
            known |= _look_up(app.connect(connection, app.lanes.now), entities)
        except ConnectorError as error:
            failures.append(f"{connection.name}: {error}")
    return known, failures


def replay(app: App, inbox: Inbox, letter: Letter) -> str:
    """Let it be tried again; return what else was done, in words.

    The letter goes last: after a crash it is replayed once more, which does no harm. What fails again comes back as
    a new letter. Raises Misconfigured for what cannot be replayed, else Transient, Limited, Disconnected or Conflict.
    """
    if letter.source == "inbox":
        inbox.replay_dead([letter.reference])
        return ""
    if not isinstance(letter.of, DeadLetter):
        raise Misconfigured("it cannot be read, so nobody knows what to try again")
    connection = app.connections.find(letter.of.connection_id)
    if connection is None:
        raise Misconfigured("its connection is gone")
    return _replay(app, connection, letter.of)


def drop(app: App, inbox: Inbox, letter: Letter) -> None:
    """Forget the letter; nothing else changes. Raises Transient."""
    if letter.of is None:
        inbox.drop_dead([letter.reference])
    else:
        app.dead.drop(letter.of)


def _replay(app: App, connection: Connection, letter: DeadLetter) -> str:
    tools = app.connect(connection, app.lanes.now)
    # Before the mark: who looks at an invoice that is still Failed is done with it (rule C60).
    was_set = (letter.entity.side, letter.entity.kind) == ("dynamics", "invoice") and _set_to_no(
        tools, letter.entity.id
    )
    Tries(app.redis, connection.id).forget([letter.entity.id])
    if app.lanes.mark_afresh(connection.id, [letter.entity], due_at=app.lanes.now()):
        app.wake(connection.id)
    app.dead.drop(letter)
    return SET_TO_NO if was_set else ""


def _set_to_no(tools: Tools, invoice_id: str) -> bool:
    """Do what a person does who wants a failed invoice to be tried again; return whether it was failed.

    No lease: it is a person's act, on condition that the row is the one that was read. The row of another
    connection is left alone (rule C63).
    """
    if not ids.is_guid(invoice_id):
        return False
    details = find_details(tools, invoice_id)
    if details is None or details.connection_id != tools.connection.id or details.export_status != "Failed":
        return False
    row = {"stl3_exportstatus": columns.EXPORT_STATUS["No"]}
    try:
        tools.dataverse.update(columns.DETAILS.set_name, details.id, row, if_match=details.etag)
    except Conflict as error:
        raise Transient("its Xero details have just been changed by somebody else") from error
    return True


def _look_up(tools: Tools, entities: Sequence[Entity]) -> dict[str, Known]:
    by_column = {
        "stl3_dynamicsinvoiceid": sorted(
            {one.id for one in entities if (one.side, one.kind) == ("dynamics", "invoice")}
        ),
        "stl3_xeroinvoiceid": sorted({one.id for one in entities if (one.side, one.kind) == ("xero", "invoice")}),
    }
    select = f"stl3_dynamicsnumber,stl3_exportstatus,{','.join(by_column)}"
    reads = [
        rows_path(columns.DETAILS.set_name, {"$select": select, "$filter": odata_in(column, chunk)})
        for column, wanted in by_column.items()
        for chunk in in_chunks([one for one in wanted if ids.is_guid(one)])
    ]
    if not reads:
        return {}
    found = [row for rows in read_batch(tools, *reads[:READS_MAX]) for row in rows]
    return {
        str(row[column]).lower(): Known(
            row.get("stl3_dynamicsnumber") or "", columns.EXPORT_STATUS.label(row.get("stl3_exportstatus")) or ""
        )
        for row in found
        for column in by_column
        if row.get(column)
    }


def _references(letters: Sequence[Letter]) -> set[str]:
    return {letter.reference for letter in letters}
