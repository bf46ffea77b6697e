"""The endpoints of credit notes, overpayments and prepayments, and of the allocations of all three."""

from __future__ import annotations

from datetime import UTC, datetime, time
from functools import partial

from simulators.xero.accounting import Outcome, answer_batch
from simulators.xero.arithmetic import rounded
from simulators.xero.call import JSON, Answer, Call, envelope, not_found, validation_failed
from simulators.xero.codec import Record, dumps, parse_number, zoneless
from simulators.xero.credit_notes import edit_credit_note, find_sales_credit_note, save_credit_note
from simulators.xero.credit_views import (
    allocation_error_view,
    allocation_view,
    credit_note_error_view,
    credit_note_view,
    prepaid_view,
)
from simulators.xero.documents import lock_errors
from simulators.xero.invoice_views import Shape
from simulators.xero.lists import select
from simulators.xero.refusals import refused
from simulators.xero.settling import CREDIT_NOTE, CreditKind, allocate, allocation_errors, take_back
from simulators.xero.sources import credit_note_source, prepaid_source


def write_credit_notes(call: Call) -> Answer:
    return answer_batch(call, "CreditNotes", partial(_write_credit_note, call))


def update_credit_note(call: Call) -> Answer:
    """POST /CreditNotes/{CreditNoteID or CreditNoteNumber}: the path names the credit note."""
    note = _find(call, CREDIT_NOTE)
    if note is None:
        return not_found()
    named = {"CreditNoteID": note["CreditNoteID"]}
    return answer_batch(call, "CreditNotes", lambda raw: _write_credit_note(call, raw | named))


def _write_credit_note(call: Call, raw: Record) -> Outcome:
    places, create_only = call.unit_places, call.method == "PUT"
    editing = edit_credit_note(call.organisation, raw, call.now, unit_places=places, create_only=create_only)
    editing.errors += refused(call.organisation.refusals, "CreditNote", raw)
    if editing.errors:
        return Outcome(credit_note_error_view(editing), failed=True)
    note = save_credit_note(editing, call.client_id)
    view = credit_note_view(call.organisation, note, "written", unit_places=places)
    return Outcome(view, warnings=tuple(editing.warnings))


def get_credit_note(call: Call) -> Answer:
    note = _find(call, CREDIT_NOTE)
    if note is None:
        return not_found()
    view = credit_note_view(call.organisation, note, "single", unit_places=call.unit_places)
    return envelope(call, "CreditNotes", [view])


def list_credit_notes(call: Call) -> Answer:
    page = select(call, credit_note_source(call.organisation), [])
    shape: Shape = "paged" if page.pagination else "unpaged"
    places = call.unit_places
    views = [credit_note_view(call.organisation, note, shape, unit_places=places) for note in page.records]
    return envelope(call, "CreditNotes", views, page.pagination)


def get_prepaid(call: Call, kind: CreditKind) -> Answer:
    record = _find(call, kind)
    if record is None:
        return not_found()
    return envelope(call, kind.plural, [prepaid_view(call.organisation, kind, record, whole=True)])


def list_prepaid(call: Call, kind: CreditKind) -> Answer:
    page = select(call, prepaid_source(call.organisation, kind), [])
    views = [prepaid_view(call.organisation, kind, record, whole=False) for record in page.records]
    return envelope(call, kind.plural, views, page.pagination)


def write_allocations(call: Call, kind: CreditKind) -> Answer:
    """PUT /{CreditNotes...}/{id}/Allocations: each element applies a part of the credit to one invoice."""
    if _find(call, kind) is None:
        return not_found()
    return answer_batch(call, "Allocations", partial(_allocate, call, kind))


def delete_allocation(call: Call, kind: CreditKind) -> Answer:
    """DELETE of one allocation; the answer has no envelope, and names the invoice in an array."""
    credit = _find(call, kind)
    allocation = call.organisation.allocations.get((call.part or "").lower())
    if credit is None or allocation is None or allocation["_credit_id"] != credit[kind.id_field]:
        return not_found()
    if allocation["IsDeleted"]:
        return not_found()
    if errors := lock_errors(call.organisation, [allocation["Date"]]):
        return validation_failed([allocation_error_view(allocation, errors)])
    with call.organisation.change():
        take_back(call.organisation, allocation, call.now)
    day = zoneless(datetime.combine(allocation["Date"], time(), UTC))
    gone = {"AllocationId": allocation["AllocationID"], "Date": day, "Invoice": [allocation["Invoice"]]}
    return Answer(200, dumps(gone | {"IsDeleted": True}), JSON)


def _allocate(call: Call, kind: CreditKind, raw: Record) -> Outcome:
    """Apply one element to the credit as the elements before it left it; a Date is not obeyed."""
    credit = _find(call, kind)
    assert credit is not None, "the path was looked up before"
    named = raw.get("Invoice")
    invoice_id = str(named.get("InvoiceID") or "").lower() if isinstance(named, dict) else ""
    invoice = call.organisation.invoices.get(invoice_id)
    try:
        amount = rounded(parse_number(raw.get("Amount")))
    except ValueError:
        return Outcome(allocation_error_view(raw, ["The Amount field must be a number."]), failed=True)
    errors = allocation_errors(call.organisation, kind, credit, invoice, amount)
    errors += refused(call.organisation.refusals, "Allocation", raw)
    if errors or invoice is None:
        return Outcome(allocation_error_view(raw, errors), failed=True)
    return Outcome(allocation_view(kind, allocate(call.organisation, kind, credit, invoice, amount, call.now)))


def _find(call: Call, kind: CreditKind) -> Record | None:
    key = (call.key or "").lower()
    found = kind.table(call.organisation).get(key)
    if found is None and kind is CREDIT_NOTE:
        return find_sales_credit_note(call.organisation, key)
    return found
