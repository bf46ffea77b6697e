"""A document in Xero → the credit note that takes it back, and how ours is known again (rules E0, E9 to E11): pure.

The number of a note is its origin. What a note says comes from the document as a list with `unitdp=4` shows it, never
from Dynamics.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.money import exact
from mappers.agreements import contact_id_of, day_of, text_of
from mappers.credit_lines import corrected_lines, credit_lines
from mappers.standing import DEAD_STATUSES, OPEN_STATUSES
from mappers.texts import clip, width
from mappers.totals import amount
from mappers.xero import REFERENCE_MAX

PREFIX = "CN-"
NUMBER_MAX = 255
SALES = "ACCREC"
TYPES = {SALES: "ACCRECCREDIT", "ACCPAY": "ACCPAYCREDIT"}

Document = Mapping[str, Any]
Note = dict[str, Any]


# -- which note is ours ----------------------------------------------------------------------------------------


def numbers_of(document: Document) -> tuple[str, ...]:
    """Return the numbers that our note of this document may have, the one to be preferred first."""
    by_id = PREFIX + str(document["InvoiceID"]).lower()
    by_number = PREFIX + str(document.get("InvoiceNumber") or "").strip()
    usable = (
        by_number != PREFIX and width(by_number) <= NUMBER_MAX and by_number.isascii() and by_number.isprintable()
    )
    return (by_number, by_id) if usable else (by_id,)


def find_own(notes: Iterable[Note], document: Document, *, note_id: str, number: str) -> Note | None:
    """Return our live note of this document: by its id, else by its number, as far as the Xero details name them.

    If they name none, it may have either of our numbers. As bills and their notes may share a number, that of a bill
    is then ours only by the bill's id, or applied to it already.
    """
    live = [note for note in notes if note.get("Status") not in DEAD_STATUSES]
    alike = [note for note in live if _is_alike(note, document)]
    numbers = [number] if _plain(number).startswith(_plain(PREFIX)) else list(numbers_of(document))
    ours = {_plain(each) for each in (*numbers, *numbers_of(document))}
    for note in (note for note in alike if note_id and _id(note) == note_id.lower()):
        # People may renumber a note that is approved; a draft is rewritten, so it must be ours by its number too.
        if note["Status"] not in OPEN_STATUSES or _number(note) in ours:
            return note
    fitting = [note for note in alike if _applied_to(note) <= {document["InvoiceID"].lower()}]
    for wanted in numbers:
        found = [note for note in fitting if _number(note) == _plain(wanted)]
        if not number and document["Type"] != SALES and wanted != numbers_of(document)[-1]:
            found = [note for note in found if document["InvoiceID"].lower() in _applied_to(note)]
        if found:
            return max(found, key=lambda note: (bool(_applied_to(note)), agrees(note, document)))
    return None


def free_number(notes: Iterable[Document], document: Document, *, taken: Collection[str] = ()) -> str:
    """Return the first of our numbers that no note of that type has, dead ones included; empty if there is none.

    `taken` are numbers that other notes of this round get: two bills may have one number.
    """
    kind = TYPES[document["Type"]]
    used = {_number(note) for note in notes if note.get("Type") == kind} | {_plain(number) for number in taken}
    return next((number for number in numbers_of(document) if _plain(number) not in used), "")


def agrees(note: Document, document: Document) -> bool:
    """Whether the note takes back exactly what the document asks for. Raises TypeError for a float."""
    return all(amount(note, name) == amount(document, name) for name in ("Total", "TotalTax"))


def _is_alike(note: Document, document: Document) -> bool:
    """Whether a note could be the document's: of the same side, contact and currency."""
    is_alike = note.get("Type") == TYPES[document["Type"]] and contact_id_of(note) == contact_id_of(document)
    return is_alike and text_of(note.get("CurrencyCode")) == text_of(document.get("CurrencyCode"))


def _applied_to(note: Document) -> set[str]:
    allocations = note.get("Allocations") or ()
    return {str((one.get("Invoice") or {}).get("InvoiceID") or "").lower() for one in allocations}


def _id(note: Document) -> str:
    return str(note.get("CreditNoteID") or "").lower()


def _number(note: Document) -> str:
    return _plain(str(note.get("CreditNoteNumber") or ""))


def _plain(number: str) -> str:
    """Xero takes numbers for equal whatever their case, and trims them."""
    return text_of(number).casefold()


# -- what it says ----------------------------------------------------------------------------------------------


def credit_note_of(document: Document, *, number: str, dated: date) -> Note:
    """Return the draft of PUT /CreditNotes that takes back the whole document (rule E9).

    Its tax is the document's, line by line, so a rate that has changed since makes no difference. Raises TypeError
    for a float.
    """
    note = {
        "Type": TYPES[document["Type"]],
        "Contact": {"ContactID": document["Contact"]["ContactID"]},
        "Date": dated.isoformat(),
        "CreditNoteNumber": number,
        "Status": "DRAFT",
        **dict(_money_of(document)),
        "LineItems": credit_lines(document),
    }
    invoice_number = clip(str(document.get("InvoiceNumber") or "").strip(), REFERENCE_MAX)
    if document["Type"] == SALES and invoice_number:
        note["Reference"] = invoice_number  # notes of bills have none in Xero
    return note


def correction_of(note: Document, document: Document) -> Note:
    """Return the document of POST /CreditNotes that lets our draft add up to the document (rule E9).

    It says the status that was read, so that Xero refuses it after an approval.
    """
    header = {"CreditNoteID": note["CreditNoteID"], "Status": note["Status"], **dict(_money_of(document))}
    return {**header, "LineItems": corrected_lines(note, document)}


def dated_on(document: Document, *, cancelled_at: datetime, zone: ZoneInfo) -> date:
    """Return the day of the note: that of the cancellation there, never before the document's own (rule E11)."""
    day = cancelled_at.astimezone(zone).date()
    own = day_of(document, "Date")
    return max(day, date.fromisoformat(own)) if own else day


def _money_of(document: Document) -> Iterator[tuple[str, Any]]:
    """Yield how amounts are to be read: with or without tax, in which currency, at the document's own rate."""
    for name in ("LineAmountTypes", "CurrencyCode"):
        if document.get(name):
            yield name, document[name]
    if document.get("CurrencyRate") is not None:
        yield "CurrencyRate", exact(document["CurrencyRate"])
