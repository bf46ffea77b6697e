"""Sales invoices and bills: what a request does to them, checked as Xero checks it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulators.xero.arithmetic import ZERO, document_discount, document_totals
from simulators.xero.codec import ZERO_ID, Record, parse_number
from simulators.xero.contacts import save_contact
from simulators.xero.documents import (
    LINE_AMOUNT_TYPES,
    Editing,
    lock_errors,
    take_contact,
    take_currency,
    take_date,
    take_lines,
    take_texts,
    url_error,
)
from simulators.xero.state import Organisation
from simulators.xero.statuses import (
    HAS_PAYMENTS,
    NOT_FOR_MODIFICATION,
    creation_error,
    transition_error,
)
from simulators.xero.stock import move_stock, stock_errors

NOT_UNIQUE = "Invoice # must be unique."
# Users of the API report that a document below zero is taken as a draft and cannot be approved
# (support.kindo.co.nz, negative invoices). Nothing gives Xero's words: these are the simulator's own. Nothing says
# either what becomes of one that is SUBMITTED: it is taken.
BELOW_ZERO = "The document total cannot be negative when it is approved."
_EDITABLE_WHEN_SETTLED = frozenset(
    {"Reference", "DueDate", "InvoiceNumber", "BrandingThemeID", "Contact", "Url", "SentToContact", "LineItems"}
    | {"ExpectedPaymentDate", "PlannedPaymentDate"}
)
_LINE_EDITABLE_WHEN_SETTLED = frozenset({"Description", "AccountCode", "AccountID", "Tracking"})
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
    _take_status(editing)
    _take_type(editing)
    _take_fields(editing)
    take_contact(editing)
    take_currency(editing)
    sales = editing.record["Type"] == "ACCREC"
    take_lines(editing, sales=sales, discounts=sales)
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
    silent = bool(editing.old) and is_settled(editing.old) and _changed(editing) <= _SILENT_WHEN_SETTLED
    if not silent:
        record["UpdatedDateUTC"] = now
        organisation.raise_event("INVOICE", record["InvoiceID"], "CREATE" if editing.is_new else "UPDATE", now)
    organisation.invoices.save(record)
    move_stock(organisation, editing.old, record)
    _mark_contact(organisation, record)
    return record


def is_settled(invoice: Record) -> bool:
    """Say whether a payment or a credit hangs on the invoice."""
    return bool(invoice["AmountPaid"] or invoice["AmountCredited"])


def _take_status(editing: Editing) -> None:
    status = editing.sent("Status") or editing.old.get("Status") or "DRAFT"
    if editing.is_new:
        error = creation_error(status)
    else:
        error = transition_error(editing.old["Status"], status, settled=is_settled(editing.old))
    if error:
        editing.errors.append(error)
    editing.record["Status"] = status


def _take_type(editing: Editing) -> None:
    kind = editing.sent("Type") or editing.old.get("Type")
    if editing.is_new and kind not in {"ACCREC", "ACCPAY"}:
        editing.errors.append("Invoice not of valid type for creation")
        kind = "ACCREC"
    elif editing.old and kind != editing.old["Type"]:
        editing.errors.append("Invoice not of valid type for modification")
        kind = editing.old["Type"]
    editing.record["Type"] = kind


def _take_fields(editing: Editing) -> None:
    record, sales = editing.record, editing.record["Type"] == "ACCREC"
    take_texts(editing, {"InvoiceNumber": 255, "Url": 2000} | ({"Reference": 255} if sales else {}))
    number = record.get("InvoiceNumber") or ""
    if not number.isascii() or (number and not number.isprintable()):
        editing.errors.append("The InvoiceNumber field may only contain printable ASCII characters.")
    mode = editing.sent("LineAmountTypes") or record.get("LineAmountTypes") or "Exclusive"
    if mode not in LINE_AMOUNT_TYPES:
        editing.errors.append("The LineAmountTypes field is not valid.")
        mode = "Exclusive"
    record["LineAmountTypes"] = mode
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
    theme = str(editing.sent("BrandingThemeID") or record.get("BrandingThemeID") or organisation.default_theme_id())
    if theme.lower() not in organisation.branding_themes:
        editing.errors.append("The BrandingThemeID could not be found.")
    record["BrandingThemeID"] = theme.lower()


def _check_dates(editing: Editing) -> None:
    record = editing.record
    if "Date" in editing.raw and editing.sent("Date") is None and editing.approved:
        editing.errors.append("The Date field must be specified.")
    take_date(editing, "Date", editing.organisation.today(editing.now))
    take_date(editing, "DueDate", None)
    if editing.approved and "DueDate" not in record:
        editing.errors.append("The document DueDate field must be specified.")
    days = {record["Date"], editing.old.get("Date", record["Date"])} if "Date" in record else set()
    editing.errors += lock_errors(editing.organisation, sorted(days))


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
    changed, old = _changed(editing), editing.old
    beyond = bool(changed - _EDITABLE_WHEN_SETTLED) or _line_cores(old) != _line_cores(editing.record)
    return beyond or ("Contact" in changed and bool(old["AmountCredited"]))


def _changed(editing: Editing) -> set[str]:
    """Return the names of the fields that differ from before."""
    names = editing.record.keys() | editing.old.keys()
    return {name for name in names if editing.record.get(name) != editing.old.get(name) and name != "UpdatedDateUTC"}


def _line_cores(invoice: Record) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in line.items() if name not in _LINE_EDITABLE_WHEN_SETTLED}
        for line in invoice["LineItems"]
    ]


def _mark_contact(organisation: Organisation, invoice: Record) -> None:
    """The first document of a side makes the contact a customer or a supplier; its update time stays."""
    flag = "IsCustomer" if invoice["Type"] == "ACCREC" else "IsSupplier"
    contact = organisation.contacts[invoice["Contact"]["ContactID"]]
    if not contact[flag]:
        organisation.contacts.save({**contact, flag: True})
