"""Payments of invoices and refunds of credits: made and deleted, never changed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from simulators.xero.arithmetic import rounded
from simulators.xero.codec import ZERO_ID, Record, parse_date, parse_number
from simulators.xero.contacts import Draft
from simulators.xero.credit_notes import NOT_FOUND, find_sales_credit_note
from simulators.xero.documents import lock_errors
from simulators.xero.invoices import find_sales_invoice
from simulators.xero.settling import KINDS, NO_INVOICE, follow_credit, follow_invoice
from simulators.xero.state import Organisation
from simulators.xero.statuses import NOT_FOR_MODIFICATION

EXCEEDED = "Payment amount exceeds the amount outstanding on this document"
# No source has Xero's words for these: they are the simulator's own.
NO_TARGET = "A payment must name one Invoice, CreditNote, Overpayment or Prepayment"
NO_ACCOUNT = "The account of the payment could not be found"
WRONG_ACCOUNT = "The account of the payment is neither a bank account nor enabled for payments"
DELETED = "The payment is deleted already"
IMMUTABLE = "A payment cannot be changed, only deleted"
_TYPES = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
    "RECEIVE-OVERPAYMENT": "AROVERPAYMENTPAYMENT",
    "SPEND-OVERPAYMENT": "APOVERPAYMENTPAYMENT",
    "RECEIVE-PREPAYMENT": "ARPREPAYMENTPAYMENT",
    "SPEND-PREPAYMENT": "APPREPAYMENTPAYMENT",
}


def paid_document(organisation: Organisation, payment: Record) -> Record:
    """Return the document that a payment is on."""
    name, document_id = payment["_on"], payment["Invoice"]["InvoiceID"]
    table = organisation.invoices if name == "Invoice" else KINDS[name].table(organisation)
    return table[document_id]


def draft_payment(organisation: Organisation, raw: Record, now: datetime) -> Draft:
    """Return the payment that the request describes, with what speaks against it."""
    errors: list[str] = []
    name, document = _target(organisation, raw, errors)
    account = _account(organisation, raw, errors)
    record: Record = {"PaymentID": ZERO_ID, "Reference": raw.get("Reference") or None, "_on": name}
    try:
        record["Date"] = parse_date(raw["Date"]) if raw.get("Date") else organisation.today(now)
        errors += lock_errors(organisation, [record["Date"]])
    except ValueError:
        errors.append("The Date field is not a valid date.")
    amount = _number(raw, "Amount", errors)
    record["Amount"] = amount
    if document is not None and amount is not None:
        errors += _amount_errors(document, rounded(amount))
    if errors or document is None or account is None or amount is None:
        return Draft(record, list(dict.fromkeys(errors)), is_new=True)
    rate = _number(raw, "CurrencyRate", errors) or document["CurrencyRate"]
    bank_amount = _number(raw, "BankAmount", errors) or _bank_amount(organisation, document, account, amount, rate)
    record |= {
        "BankAmount": rounded(bank_amount),
        "Amount": rounded(amount),
        "CurrencyRate": rate,
        "PaymentType": _TYPES[document["Type"]],
        "Status": "AUTHORISED",
        "HasAccount": True,
        "IsReconciled": raw.get("IsReconciled") is True,
        "Account": {"AccountID": account["AccountID"]},
        "Invoice": {"InvoiceID": document[f"{name}ID"]},
        "UpdatedDateUTC": now,
    }
    return Draft(record, errors, is_new=True)


def save_payment(organisation: Organisation, draft: Draft, now: datetime) -> Record:
    """Save an accepted draft; its document follows and raises the event, since payments raise none."""
    payment = organisation.payments.save(draft.record | {"PaymentID": organisation.new_id()})
    _follow(organisation, payment, now)
    return payment


def deletion_errors(organisation: Organisation, payment: Record) -> list[str]:
    if payment["Status"] == "DELETED":
        return [DELETED]
    return lock_errors(organisation, [payment["Date"]])


def delete_payment(organisation: Organisation, payment: Record, now: datetime) -> Record:
    """Delete a payment that may be deleted; its document is open again."""
    gone = organisation.payments.save({**payment, "Status": "DELETED", "UpdatedDateUTC": now})
    _follow(organisation, gone, now)
    return gone


def _follow(organisation: Organisation, payment: Record, now: datetime) -> None:
    document_id = payment["Invoice"]["InvoiceID"]
    if payment["_on"] == "Invoice":
        follow_invoice(organisation, document_id, now)
    else:
        follow_credit(organisation, KINDS[payment["_on"]], document_id, now)


def _target(organisation: Organisation, raw: Record, errors: list[str]) -> tuple[str, Record | None]:
    """Return what the request names, and the document if there is one."""
    numbers = {"Invoice": "InvoiceNumber", "CreditNote": "CreditNoteNumber"}
    named = {
        name: raw[name] if isinstance(raw.get(name), dict) else {numbers[name]: raw[numbers[name]]}
        for name in ("Invoice", *KINDS)
        if isinstance(raw.get(name), dict) or raw.get(numbers.get(name, ""))
    }
    if len(named) != 1:
        errors.append(NO_TARGET)
        return "Invoice", None
    ((name, fields),) = named.items()
    document_id = str(fields.get(f"{name}ID") or "").lower()
    number = str(fields.get(numbers.get(name, "")) or "")
    if name == "Invoice":
        found = organisation.invoices.get(document_id) or find_sales_invoice(organisation, number)
        missing = NO_INVOICE
    elif name == "CreditNote":
        found = organisation.credit_notes.get(document_id) or find_sales_credit_note(organisation, number)
        missing = NOT_FOUND
    else:
        found = KINDS[name].table(organisation).get(document_id)
        missing = f"An existing {name} with the specified {name}ID could not be found"
    if found is None:
        errors.append(missing)
    return name, found


def _account(organisation: Organisation, raw: Record, errors: list[str]) -> Record | None:
    account = raw.get("Account")
    named: Record = account if isinstance(account, dict) else {}
    account_id, code = str(named.get("AccountID") or "").lower(), named.get("Code") or raw.get("Code")
    found = organisation.accounts.get(account_id) or organisation.accounts.first_by("Code", code or "")
    if found is None or found["Status"] != "ACTIVE":
        errors.append(NO_ACCOUNT)
    elif found["Type"] != "BANK" and not found["EnablePaymentsToAccount"]:
        errors.append(WRONG_ACCOUNT)
    return found


def _amount_errors(document: Record, amount: Decimal) -> list[str]:
    if document["Status"] not in {"AUTHORISED", "PAID"}:
        return [NOT_FOR_MODIFICATION]
    outstanding = document["AmountDue"] if "AmountDue" in document else document["RemainingCredit"]
    if amount > outstanding:
        return [EXCEEDED]
    return [] if amount > 0 else ["The Amount of a payment must be greater than zero"]


def _bank_amount(
    organisation: Organisation, document: Record, account: Record, amount: Decimal, rate: Decimal
) -> Decimal:
    """Return the amount in the currency of the account, which holds either the document's or the base currency."""
    held = account.get("CurrencyCode", organisation.base_currency)
    return amount if held == document["CurrencyCode"] else amount / rate


def _number(raw: Record, name: str, errors: list[str]) -> Decimal | None:
    value: Any = raw.get(name)
    if value is None and name != "Amount":
        return None
    try:
        return parse_number(value)
    except ValueError:
        errors.append(f"The {name} field must be a number.")
        return None
