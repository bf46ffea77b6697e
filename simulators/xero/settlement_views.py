"""How payments and applied credit are shown inside the documents that they settle."""

from __future__ import annotations

from decimal import Decimal

from simulators.xero.arithmetic import ZERO
from simulators.xero.codec import Record
from simulators.xero.settling import CREDIT_NOTE, CreditKind
from simulators.xero.state import Organisation


def embedded_payment(payment: Record) -> Record:
    """How an invoice or a credit shows one of its payments: without account and status."""
    names = ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate")
    return {name: payment.get(name) for name in names} | {"HasAccount": False, "HasValidationErrors": False}


def applied_credits(organisation: Organisation, kind: CreditKind, invoice: Record) -> list[Record]:
    """How an invoice shows the credits of one kind: each once, with all that is applied of it."""
    amounts: dict[str, Decimal] = {}
    for allocation in organisation.allocations_on(invoice["InvoiceID"]):
        if allocation["_kind"] == kind.name:
            credit_id = allocation["_credit_id"]
            amounts[credit_id] = amounts.get(credit_id, ZERO) + allocation["Amount"]
    table = kind.table(organisation)
    return [_applied(kind, table[credit_id], amount) for credit_id, amount in amounts.items()]


def _applied(kind: CreditKind, credit: Record, amount: Decimal) -> Record:
    credit_id = credit[kind.id_field]
    view: Record = {kind.id_field: credit_id}
    if kind is CREDIT_NOTE:
        view |= {"CreditNoteNumber": credit.get("CreditNoteNumber"), "HasErrors": False, "InvoiceAddresses": []}
    view |= {"ID": credit_id, "CurrencyRate": credit["CurrencyRate"], "AppliedAmount": amount}
    return view | document_dates(credit) | {"LineItems": [], "Total": credit["Total"]}


def document_dates(document: Record) -> Record:
    """Show each date of a document twice, as Xero does."""
    dates: Record = {}
    for name in ("Date", "DueDate"):
        if day := document.get(name):
            dates |= {f"{name}String": f"{day:%Y-%m-%d}T00:00:00", name: day}
    return dates
