"""What became of each document of a write: Xero's answer matched to the documents that were sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from clients.http import Payload
from clients.xero_errors import messages_in

ID_FIELD = {
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Overpayments": "OverpaymentID",
    "Prepayments": "PrepaymentID",
    "Contacts": "ContactID",
    "Items": "ItemID",
}
_ZERO_ID = "00000000-0000-0000-0000-000000000000"
# What tells documents of one call apart in the answer; Xero echoes it.
_MARK_FIELDS = {
    "Invoices": ("InvoiceID", "Url", "InvoiceNumber"),
    "CreditNotes": ("CreditNoteID", "CreditNoteNumber"),
    "Contacts": ("ContactNumber",),
    "Items": ("Code",),
}


@dataclass(frozen=True, slots=True)
class Element:
    """What became of one document of a write: created, or refused for `errors` in Xero's words."""

    document: Payload
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.errors


class Unmatched(ValueError):
    """The answer does not tell what became of each document."""


def elements_of(found: object, documents: Sequence[Payload], plural: str) -> list[Element]:
    """Return what became of each of these documents, in order. Raises Unmatched.

    An allocation has no id that is always shown, and no mark but its invoice: the documented answer says no more.
    """
    if not are_records(found) or len(found) != len(documents):
        raise Unmatched("not one element for each document")
    if any(_is_misplaced(documents, found, field) for field in _MARK_FIELDS.get(plural, ())):
        raise Unmatched("elements in another order")
    elements = [_element(document) for document in found]
    id_field = ID_FIELD.get(plural)
    if id_field and any(one.ok and one.document.get(id_field, _ZERO_ID) == _ZERO_ID for one in elements):
        raise Unmatched("an element without id")
    return elements


def are_records(found: object) -> TypeGuard[list[Payload]]:
    return isinstance(found, list) and all(isinstance(record, dict) for record in found)


def _element(document: Payload) -> Element:
    status = str(document.get("StatusAttributeString") or "").upper()
    errors = messages_in(document)
    if status in ("OK", "WARNING") and not document.get("HasErrors"):
        errors = ()  # lines and contacts carry leftovers of their own
    elif not errors and (status == "ERROR" or document.get("HasErrors")):
        errors = ("Xero refused it without saying why",)
    return Element(document, errors, messages_in(document, "Warnings"))


def _is_misplaced(documents: Sequence[Payload], found: Sequence[Payload], field: str) -> bool:
    """Whether an element bears the mark of another document of the same call than the one in its place."""
    marks = [str(document.get(field) or "") for document in documents]
    answered = [str(document.get(field) or "") for document in found]
    return any(mark and mark != own and mark in marks for own, mark in zip(marks, answered, strict=True))
