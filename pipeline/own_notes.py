"""Looks for our credit notes of documents that are to be ended (rules E0, E10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clients.http import Payload
from clients.odata import odata_in, rows_path
from core import columns
from mappers.credit_notes import find_own, numbers_of
from mappers.standing import APPROVED, SETTLED
from pipeline.ending import Ending
from pipeline.reading import in_chunks, read_batch
from pipeline.tools import Tools


@dataclass(frozen=True, slots=True)
class _Named:
    """A credit note that the Xero details of an invoice name; without an id it may not have been made yet."""

    invoice_id: str
    note_id: str
    number: str


def with_notes(tools: Tools, endings: Sequence[Ending]) -> list[Ending]:
    """Return the endings with our notes; Xero is asked where there may be one, or soon will be.

    Raises Transient, Limited or Disconnected.
    """
    asking = [one for one in endings if _may_have_note(one)]
    numbers = dict.fromkeys(number for one in asking for number in _numbers(one))
    note_ids = [one.details.credit_note_id for one in asking if one.details.credit_note_id]
    notes = tuple(tools.xero.list_credit_notes(numbers=numbers, ids=note_ids)) if asking else ()
    named = _named_elsewhere(tools, [one for one in asking if not one.is_sales])
    return [_with_note(one, notes, [each for each in named if each.invoice_id != one.invoice_id]) for one in endings]


def look_again(tools: Tools, endings: Iterable[Ending]) -> list[Ending]:
    """Return the endings with our notes as they are by now, whatever was refused or begun since they were read."""
    return with_notes(tools, [replace(one, note=None) for one in endings])


def _with_note(ending: Ending, notes: Sequence[Payload], elsewhere: Sequence[_Named]) -> Ending:
    """What was begun by credit is not voided, whatever the settings say by now."""
    details, of_others = ending.details, {each.note_id for each in elsewhere if each.note_id}
    free = [note for note in notes if str(note["CreditNoteID"]).lower() not in of_others]
    note = find_own(free, ending.document, note_id=details.credit_note_id, number=details.credit_note_number)
    is_credit = ending.begun is not None and ending.begun.is_credit
    return replace(
        ending,
        notes=tuple(notes),
        note=note,
        taken=frozenset(each.number for each in elsewhere),
        by_void=ending.by_void and note is None and not is_credit,
    )


def _named_elsewhere(tools: Tools, bills: Sequence[Ending]) -> list[_Named]:
    """Return the notes with the numbers of these that Xero details name: two bills of a supplier may have one number.

    Of sales notes Xero itself takes a number only once.
    """
    numbers = sorted({number for one in bills for number in _numbers(one)})
    if not numbers:
        return []
    mine = f"stl3_connectionid eq '{tools.connection.id}'"
    query = {"$select": "stl3_dynamicsinvoiceid,stl3_creditnoteid,stl3_creditnotenumber"}
    filters = [f"{mine} and {odata_in('stl3_creditnotenumber', part)}" for part in in_chunks(numbers)]
    reads = [rows_path(columns.DETAILS.set_name, query | {"$filter": each}) for each in filters]
    return [
        _Named(
            str(row.get("stl3_dynamicsinvoiceid") or ""),
            str(row.get("stl3_creditnoteid") or "").lower(),
            str(row["stl3_creditnotenumber"]),
        )
        for rows in read_batch(tools, *reads)
        for row in rows
    ]


def _numbers(ending: Ending) -> list[str]:
    return [number for number in (ending.details.credit_note_number, *numbers_of(ending.document)) if number]


def _may_have_note(ending: Ending) -> bool:
    if ending.details.credit_note_id or ending.details.credit_note_number:
        return True
    if ending.document["Status"] == SETTLED:
        return bool(ending.document.get("CreditNotes"))
    is_wanted = ending.automatic or ending.begun is not None or ending.act == "Delete"
    return ending.document["Status"] == APPROVED and is_wanted
