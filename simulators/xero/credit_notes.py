"""Credit notes of both sides: what a request does to them, by the rules of invoices."""

from __future__ import annotations

from datetime import datetime

from simulators.xero.arithmetic import ZERO, document_totals
from simulators.xero.codec import ZERO_ID, Record
from simulators.xero.contacts import mark_contact, save_contact
from simulators.xero.documents import (
    BELOW_ZERO,
    Editing,
    take_contact,
    take_currency,
    take_date,
    take_document_date,
    take_line_amount_types,
    take_lines,
    take_number,
    take_status,
    take_texts,
    take_theme,
    take_type,
    touches_settlement,
)
from simulators.xero.settling import CREDIT_NOTE
from simulators.xero.state import Organisation
from simulators.xero.statuses import HAS_PAYMENTS
from simulators.xero.stock import move_stock, stock_errors

NOUN = "Credit Note"
NOT_UNIQUE = "Credit Note # must be unique."
NOT_FOUND = "An existing Credit Note with the specified CreditNoteID could not be found"
NOT_FOR_MODIFICATION = "Credit Note not of valid status for modification"
_EDITABLE_WHEN_SETTLED = frozenset({"Reference", "CreditNoteNumber", "BrandingThemeID", "LineItems"})


def find_credit_note(organisation: Organisation, raw: Record) -> Record | None:
    """Return the credit note that a POST names: by id, or a sales credit note by number."""
    note_id = str(raw.get("CreditNoteID") or "").lower()
    if note_id and note_id != ZERO_ID:
        return organisation.credit_notes.get(note_id)
    if raw.get("Type") == "ACCPAYCREDIT":
        return None
    return find_sales_credit_note(organisation, str(raw.get("CreditNoteNumber") or ""))


def find_sales_credit_note(organisation: Organisation, number: str) -> Record | None:
    found = organisation.credit_notes.found_by("CreditNoteNumber", number.lower()) if number else []
    return next((note for note in found if note["Type"] == "ACCRECCREDIT"), None)


def edit_credit_note(
    organisation: Organisation, raw: Record, now: datetime, *, unit_places: int, create_only: bool
) -> Editing:
    """Apply the request to the credit note it names, or to a new one; nothing is saved yet."""
    old = find_credit_note(organisation, raw)
    editing = Editing(organisation, raw, {} if create_only or old is None else old, now, unit_places)
    editing.record = dict(editing.old) or {"CreditNoteID": ZERO_ID, "SentToContact": False}
    note_id = str(raw.get("CreditNoteID") or ZERO_ID).lower()
    if create_only and old is not None:
        editing.errors.append(NOT_UNIQUE)
    elif old is None and note_id != ZERO_ID:
        editing.errors.append(NOT_FOUND)
    used = not editing.is_new and is_used(organisation, editing.old)
    take_status(editing, settled=used, noun=NOUN)
    take_type(editing, "ACCRECCREDIT", "ACCPAYCREDIT", noun=NOUN)
    _take_fields(editing)
    take_contact(editing)
    take_currency(editing)
    take_lines(editing, sales=editing.record["Type"] == "ACCRECCREDIT", undiscounted="credit notes")
    take_document_date(editing)
    take_date(editing, "DueDate", None)
    _add_totals(editing)
    editing.errors += stock_errors(organisation, editing.old, editing.record)
    if editing.old:
        _check_change(editing)
    editing.errors = list(dict.fromkeys(editing.errors))
    return editing


def save_credit_note(editing: Editing, client_id: str | None) -> Record:
    """Save an accepted edit, with the contact it creates or changes, and raise the events."""
    organisation, record, now = editing.organisation, editing.record, editing.now
    if editing.contact is not None:
        record["Contact"] = {"ContactID": save_contact(organisation, editing.contact, now)["ContactID"]}
    sales = record["Type"] == "ACCRECCREDIT"
    if editing.is_new:
        record |= {"CreditNoteID": organisation.new_id(), "_created_by": client_id}
        if sales and not record.get("CreditNoteNumber"):
            record["CreditNoteNumber"] = organisation.take_credit_note_number()
    if record["Status"] == "AUTHORISED" and record["Total"] == 0:
        record |= {"Status": "PAID", "FullyPaidOnDate": record["Date"]}
    record["UpdatedDateUTC"] = now
    kind = "CREATE" if editing.is_new else "UPDATE"
    organisation.raise_event("CREDITNOTE", record["CreditNoteID"], kind, now, CREDIT_NOTE.event_data(record))
    organisation.credit_notes.save(record)
    move_stock(organisation, editing.old, record)
    mark_contact(organisation, record["Contact"]["ContactID"], sales=sales)
    return record


def is_used(organisation: Organisation, note: Record) -> bool:
    """Say whether a part of the credit note is applied or paid out."""
    note_id = note["CreditNoteID"]
    return bool(organisation.allocations_of(note_id) or organisation.payments_on(note_id))


def _take_fields(editing: Editing) -> None:
    record, sales = editing.record, editing.record["Type"] == "ACCRECCREDIT"
    take_number(editing, "CreditNoteNumber")
    take_line_amount_types(editing)
    if not sales:
        return
    take_texts(editing, {"Reference": 255})
    take_theme(editing)
    holder = find_sales_credit_note(editing.organisation, record.get("CreditNoteNumber") or "")
    if holder is not None and holder["CreditNoteID"] != record["CreditNoteID"]:
        editing.errors.append(NOT_UNIQUE)


def _add_totals(editing: Editing) -> None:
    record = editing.record
    totals = document_totals(record["LineItems"], record["LineAmountTypes"])
    used = editing.old["Total"] - editing.old["RemainingCredit"] if editing.old else ZERO
    dead = record["Status"] in {"VOIDED", "DELETED"}
    record |= {"SubTotal": totals.subtotal, "TotalTax": totals.tax, "Total": totals.total}
    record["RemainingCredit"] = ZERO if dead else totals.total - used
    if record["Status"] == "AUTHORISED" and record["Total"] < 0:
        editing.errors.append(BELOW_ZERO)


def _check_change(editing: Editing) -> None:
    old = editing.old
    if old["Status"] in {"VOIDED", "DELETED"}:
        editing.errors = [NOT_FOR_MODIFICATION]
    elif editing.record["Status"] != old["Status"] and is_used(editing.organisation, old):
        return  # the status alone says why not
    elif is_used(editing.organisation, old) and touches_settlement(editing, _EDITABLE_WHEN_SETTLED):
        editing.errors.append(HAS_PAYMENTS)
    elif old["Status"] == "AUTHORISED" and editing.record["Status"] in {"DRAFT", "SUBMITTED"}:
        editing.errors = [NOT_FOR_MODIFICATION]
