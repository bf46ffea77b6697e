"""How credit notes, overpayments and prepayments are shown, and what is applied of them."""

from __future__ import annotations

from simulators.xero.call import messages
from simulators.xero.codec import Record
from simulators.xero.contacts import reference_view
from simulators.xero.documents import Editing
from simulators.xero.invoice_views import Shape, document_contact, line_view
from simulators.xero.settlement_views import document_dates, embedded_payment
from simulators.xero.settling import CreditKind
from simulators.xero.state import Organisation

_LISTS = ("Payments", "CreditNotes", "Prepayments", "Overpayments", "LineItems")
_OWN = ("BrandingThemeID", "Status", "LineAmountTypes", "SubTotal", "TotalTax", "Total")
_LAST = ("UpdatedDateUTC", "CurrencyCode", "FullyPaidOnDate")


def credit_note_view(organisation: Organisation, note: Record, shape: Shape, *, unit_places: int) -> Record:
    """Return the credit note as this kind of answer shows it: whole contact in a single GET, no lines unpaged."""
    note_id = note["CreditNoteID"]
    view: Record = {"CreditNoteID": note_id, "CreditNoteNumber": note.get("CreditNoteNumber"), "ID": note_id}
    view |= {name: note.get(name) for name in ("Type", "Reference", "SentToContact", "CurrencyRate")}
    view |= {"HasErrors": False, "InvoiceAddresses": [], "HasAttachments": False}
    view |= _used(organisation, note, note_id)
    view |= _dated(organisation, note, whole=shape == "single")
    view |= {name: note.get(name) for name in _OWN + _LAST}
    lines = [] if shape == "unpaged" else [_line(line, unit_places) for line in note["LineItems"]]
    return view | {"LineItems": lines}


def credit_note_error_view(editing: Editing) -> Record:
    """Echo a refused credit note over what is stored."""
    record, raw = editing.record, editing.raw.get("Contact")
    named = raw if isinstance(raw, dict) else record.get("Contact", {})
    view: Record = {name: record.get(name) for name in ("CreditNoteID", "CreditNoteNumber", "Type", "Reference")}
    view |= {"Payments": [], "Allocations": [], "InvoiceAddresses": [], "HasErrors": True, **document_dates(record)}
    view["Contact"] = reference_view(named.get("ContactID"), named.get("Name")) | {"ValidationErrors": []}
    view |= {name: record.get(name) for name in _OWN + _LAST}
    view["LineItems"] = [line_view(line, editing.unit_places) | {"LineItemID": None} for line in record["LineItems"]]
    return view | {"ValidationErrors": messages(editing.errors)}


def prepaid_view(organisation: Organisation, kind: CreditKind, record: Record, *, whole: bool) -> Record:
    """Return an over- or prepayment; a list shows it without lines, on pages too."""
    record_id = record[kind.id_field]
    view: Record = {kind.id_field: record_id, "ID": record_id}
    view |= {name: record.get(name) for name in ("Type", "Reference", "InvoiceNumber")}
    view |= {"HasAttachments": False, "CurrencyRate": record["CurrencyRate"] if whole else None}
    view |= _used(organisation, record, record_id)
    view |= _dated(organisation, record, whole=whole)
    view |= {name: record.get(name) for name in (*_OWN, "UpdatedDateUTC", "CurrencyCode")}
    return view | {"LineItems": [line_view(line, 4) for line in record["LineItems"]] if whole else []}


def allocation_view(kind: CreditKind, allocation: Record) -> Record:
    """How the answer to an allocation shows it."""
    credit_id = allocation["_credit_id"]
    lists: Record = {name: [] for name in _LISTS}
    invoice = allocation["Invoice"] | lists | {"HasErrors": False, "IsDiscounted": False, "ValidationErrors": []}
    view = {name: allocation[name] for name in ("AllocationID", "Amount", "Date")} | {"Invoice": invoice}
    return view | {kind.name: {kind.id_field: credit_id, "ID": credit_id, "LineItems": []}, "ValidationErrors": []}


def allocation_error_view(raw: Record, errors: list[str]) -> Record:
    """Echo a refused allocation."""
    invoice = raw.get("Invoice")
    named = invoice.get("InvoiceID") if isinstance(invoice, dict) else None
    lists: Record = {"Payments": [], "CreditNotes": [], "LineItems": []}
    echo = {"Amount": raw.get("Amount"), "Date": raw.get("Date"), "Invoice": {"InvoiceID": named} | lists}
    return echo | {"ValidationErrors": messages(errors)}


def _line(line: Record, unit_places: int) -> Record:
    return line_view(line, unit_places) | {"ValidationErrors": None}  # a credit note's lines come without


def _dated(organisation: Organisation, credit: Record, *, whole: bool) -> Record:
    return {
        "UpdatedDateUTCString": f"{credit['UpdatedDateUTC']:%Y-%m-%dT%H:%M:%SZ}",
        "Contact": document_contact(organisation, credit, whole=whole),
        **document_dates(credit),
    }


def _used(organisation: Organisation, credit: Record, credit_id: str) -> Record:
    """Show what is left of a credit, where it is applied, and what of it was paid out."""
    return {
        "RemainingCredit": credit["RemainingCredit"],
        "Allocations": [_applied_to(organisation, each) for each in organisation.allocations_of(credit_id)],
        "Payments": [embedded_payment(payment) for payment in organisation.payments_on(credit_id)],
    }


def _applied_to(organisation: Organisation, allocation: Record) -> Record:
    invoice = organisation.invoices[allocation["Invoice"]["InvoiceID"]]
    shown = {name: invoice.get(name) for name in ("InvoiceID", "InvoiceNumber")} | {name: [] for name in _LISTS}
    more: Record = {"IsDiscounted": False, "HasErrors": False, "InvoiceAddresses": [], "InvoicePaymentServices": []}
    own = {name: allocation[name] for name in ("AllocationID", "Amount", "Date")}
    return own | {"Invoice": shown | more}
