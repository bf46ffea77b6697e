"""Sales invoices and bills: what a request does to them, checked as Xero checks it."""

from __future__ import annotations

from datetime import datetime

from simulators.xero.arithmetic import ZERO, document_discount, document_totals
from simulators.xero.codec import ZERO_ID, Record, parse_number
from simulators.xero.contacts import mark_contact, save_contact
from simulators.xero.documents import (
    BELOW_ZERO,
    Editing,
    changed,
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
    url_error,
)
from simulators.xero.state import Organisation
from simulators.xero.statuses import HAS_PAYMENTS, NOT_FOR_MODIFICATION
from simulators.xero.stock import move_stock, stock_errors

NOT_UNIQUE = "Invoice # must be unique."
_EDITABLE_WHEN_SETTLED = frozenset(
    {"Reference", "DueDate", "InvoiceNumber", "BrandingThemeID", "Contact", "Url", "SentToContact", "LineItems"}
    | {"ExpectedPaymentDate", "PlannedPaymentDate"}
)
_SILENT_WHEN_SETTLED = frozenset({"DueDate", "SentToContact"})


def find_invoice(organisation: Organisation, raw: Record) -> Record | None:
    """Return the invoice that a POST names: by id, or a sales invoice by number."""
    invoice_id = str(raw.get("InvoiceID") or "").lower()
    if invoice_id and invoice_id != ZERO_ID:
        return organisation.invoices.get(invoice_id)
    if raw.get("Type") == "ACCPAY":
        return None
    return find_sales_invoice(organisation, str(raw.get("InvoiceNumber") or ""))


def find_sales_invoice(organisation: Organisation, number: str) -> Record | None:
    found = organisation.invoices.found_by("InvoiceNumber", number.lower()) if number else []
    return next((invoice for invoice in found if invoice["Type"] == "ACCREC"), None)


def edit_invoice(
    organisation: Organisation,
    raw: Record,
    now: datetime,
    *,
    unit_places: int,
    create_only: bool,
    backorders: bool = False,
) -> Editing:
    """Apply the request to the invoice it names, or to a new one; nothing is saved yet.

    `backorders` lets a sale take more of a tracked item than there is.
    """
    old = find_invoice(organisation, raw)
    editing = Editing(organisation, raw, {} if create_only or old is None else old, now, unit_places)
    editing.record = dict(editing.old) or {"InvoiceID": ZERO_ID, "AmountPaid": ZERO, "AmountCredited": ZERO}
    invoice_id = str(raw.get("InvoiceID") or ZERO_ID).lower()
    if create_only and old is not None:
        editing.errors.append(NOT_UNIQUE)
    elif old is None and invoice_id != ZERO_ID:
        editing.errors.append("An existing Invoice with the specified InvoiceID could not be found")
    take_status(editing, settled=not editing.is_new and is_settled(editing.old))
    take_type(editing, "ACCREC", "ACCPAY")
    _take_fields(editing)
    take_contact(editing)
    take_currency(editing)
    sales = editing.record["Type"] == "ACCREC"
    take_lines(editing, sales=sales, undiscounted=None if sales else "ACCPAY invoices")
    _check_dates(editing)
    _add_totals(editing)
    if not backorders:
        editing.errors += stock_errors(organisation, editing.old, editing.record)
    if editing.old:
        _check_change(editing)
    editing.errors = list(dict.fromkeys(editing.errors))
    return editing


def save_invoice(editing: Editing, client_id: str | None) -> Record:
    """Save an accepted edit, with the contact it creates or changes, and raise the events."""
    organisation, record, now = editing.organisation, editing.record, editing.now
    if editing.contact is not None:
        record["Contact"] = {"ContactID": save_contact(organisation, editing.contact, now)["ContactID"]}
    if editing.is_new:
        record |= {"InvoiceID": organisation.new_id(), "_created_by": client_id}
        if record["Type"] == "ACCREC" and not record.get("InvoiceNumber"):
            record["InvoiceNumber"] = organisation.take_number()
    if record["Status"] == "AUTHORISED" and editing.old.get("Status") != "AUTHORISED":
        organisation.count_approval()
    if record["Status"] == "AUTHORISED" and record["Total"] == 0:
        record |= {"Status": "PAID", "FullyPaidOnDate": record["Date"]}
    elif record["Status"] == "PAID" and record["AmountDue"] > 0:  # its total was 0, and somebody has added something
        record |= {"Status": "AUTHORISED", "FullyPaidOnDate": None}
    silent = bool(editing.old) and is_settled(editing.old) and changed(editing) <= _SILENT_WHEN_SETTLED
    if not silent:
        record["UpdatedDateUTC"] = now
        organisation.raise_event("INVOICE", record["InvoiceID"], "CREATE" if editing.is_new else "UPDATE", now)
    organisation.invoices.save(record)
    move_stock(organisation, editing.old, record)
    mark_contact(organisation, record["Contact"]["ContactID"], sales=record["Type"] == "ACCREC")
    return record


def is_settled(invoice: Record) -> bool:
    """Say whether a payment or a credit hangs on the invoice."""
    return bool(invoice["AmountPaid"] or invoice["AmountCredited"])


def _take_fields(editing: Editing) -> None:
    record, sales = editing.record, editing.record["Type"] == "ACCREC"
    take_number(editing, "InvoiceNumber")
    take_texts(editing, {"Url": 2000} | ({"Reference": 255} if sales else {}))
    take_line_amount_types(editing)
    if sales:
        _take_sales_fields(editing)
    if error := url_error(record["Url"]) if record.get("Url") else None:
        editing.errors.append(error)
    if isinstance(editing.sent("SentToContact"), bool) and editing.approved:
        record["SentToContact"] = editing.sent("SentToContact")
    record.setdefault("SentToContact", False)
    take_date(editing, "ExpectedPaymentDate" if sales else "PlannedPaymentDate", None)


def _take_sales_fields(editing: Editing) -> None:
    record, organisation = editing.record, editing.organisation
    holder = find_sales_invoice(organisation, record.get("InvoiceNumber") or "")
    if holder is not None and holder["InvoiceID"] != record["InvoiceID"]:
        editing.errors.append(NOT_UNIQUE)
    take_theme(editing)


def _check_dates(editing: Editing) -> None:
    take_document_date(editing)
    take_date(editing, "DueDate", None)
    if editing.approved and "DueDate" not in editing.record:
        editing.errors.append("The document DueDate field must be specified.")


def _add_totals(editing: Editing) -> None:
    record = editing.record
    totals = document_totals(record["LineItems"], record["LineAmountTypes"])
    due = totals.total - record["AmountPaid"] - record["AmountCredited"]
    record |= {"SubTotal": totals.subtotal, "TotalTax": totals.tax, "Total": totals.total, "AmountDue": due}
    discount = document_discount(record["LineItems"])
    record["IsDiscounted"] = bool(discount)
    record["TotalDiscount"] = discount or None
    if record["Status"] in {"VOIDED", "DELETED"}:
        record["AmountDue"] = ZERO
    _check_totals(editing)


def _check_totals(editing: Editing) -> None:
    record, organisation = editing.record, editing.organisation
    if record["Status"] == "AUTHORISED" and record["Total"] < 0:
        editing.errors.append(BELOW_ZERO)
    approving = record["Status"] == "AUTHORISED" and editing.old.get("Status") != "AUTHORISED"
    if approving and organisation.approvals_left() == 0:
        editing.errors.append("You have reached the limit of invoices you can approve")
    if organisation.insists_on_totals and editing.sent("Total") is not None:
        try:
            fits = parse_number(editing.sent("Total")) == record["Total"]
        except ValueError:
            fits = False
        if not fits:
            editing.errors.append("The invoice total does not equal the sum of the lines.")


def _check_change(editing: Editing) -> None:
    if editing.old["Status"] in {"VOIDED", "DELETED"}:
        editing.errors = [NOT_FOR_MODIFICATION]
    elif editing.record["Status"] != editing.old["Status"] and is_settled(editing.old):
        return  # the status alone says why not
    elif is_settled(editing.old) and _touches_settlement(editing):
        editing.errors.append(HAS_PAYMENTS)
    elif editing.old["Status"] == "AUTHORISED" and editing.record["Status"] in {"DRAFT", "SUBMITTED"}:
        editing.errors = [NOT_FOR_MODIFICATION]


def _touches_settlement(editing: Editing) -> bool:
    """Say whether the edit reaches beyond what Xero leaves open once money hangs on the invoice."""
    moved = "Contact" in changed(editing) and bool(editing.old["AmountCredited"])
    return moved or touches_settlement(editing, _EDITABLE_WHEN_SETTLED)
