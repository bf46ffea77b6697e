"""Credit applied to invoices: allocations, and how both documents follow what settles them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from simulators.xero.arithmetic import ZERO
from simulators.xero.balances import SALES_CREDITS
from simulators.xero.codec import Record
from simulators.xero.documents import lock_errors
from simulators.xero.state import Organisation
from simulators.xero.tables import Table

NO_INVOICE = "An existing Invoice with the specified InvoiceID could not be found"
PAID_OFF = "The invoice you are trying to allocate to has already been paid off"


@dataclass(frozen=True, slots=True)
class CreditKind:
    """A kind of document whose credit is applied to invoices; `words` is how Xero's messages call it."""

    name: str
    words: str
    table_name: str
    category: str

    @property
    def id_field(self) -> str:
        return f"{self.name}ID"

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    def table(self, organisation: Organisation) -> Table:
        table: Table = getattr(organisation, self.table_name)
        return table

    def event_data(self, credit: Record) -> Record:
        """Return the `data` of this document's event."""
        extra = {"Type": credit["Type"], "Status": credit["Status"]}
        if self.name == "CreditNote":
            return extra
        return extra | {"UpdatedDateUTCString": f"{credit['UpdatedDateUTC']:%Y-%m-%dT%H:%M:%SZ}"}


CREDIT_NOTE = CreditKind("CreditNote", "Credit Note", "credit_notes", "CREDITNOTE")
OVERPAYMENT = CreditKind("Overpayment", "Overpayment", "overpayments", "OVERPAYMENT")
PREPAYMENT = CreditKind("Prepayment", "Prepayment", "prepayments", "PREPAYMENT")
KINDS = {kind.name: kind for kind in (CREDIT_NOTE, OVERPAYMENT, PREPAYMENT)}


def allocation_errors(
    organisation: Organisation, kind: CreditKind, credit: Record, invoice: Record | None, amount: Decimal
) -> list[str]:
    """Say why this much of the credit may not be applied to the invoice.

    The sources have the words for credit notes; the simulator uses them for over- and prepayments too. Those about
    status, contact, currency and sign are its own. That the day of an allocation may be locked, as that of a payment
    may, is its decision too.
    """
    if invoice is None:
        return [NO_INVOICE]
    sales = credit["Type"] in SALES_CREDITS
    if sales != (invoice["Type"] == "ACCREC"):
        return [f"{kind.words} cannot be allocated to an incorrect invoice type"]
    if invoice["Contact"] != credit["Contact"]:
        return [f"{kind.words} cannot be allocated to an invoice of another contact"]
    if invoice["CurrencyCode"] != credit["CurrencyCode"]:
        return [f"{kind.words} cannot be allocated to an invoice in another currency"]
    if invoice["Status"] == "PAID":
        return [PAID_OFF]
    if invoice["Status"] != "AUTHORISED":
        return [f"{kind.words} cannot be allocated to an invoice that is not approved"]
    if credit["Status"] not in {"AUTHORISED", "PAID"}:
        return [f"{kind.words} cannot be allocated before it is approved"]
    if amount <= 0:
        return ["The Amount of an allocation must be greater than zero"]
    if amount > min(credit["RemainingCredit"], invoice["AmountDue"]):
        return [f"{kind.words} cannot be allocated as amount is greater than amount outstanding"]
    return lock_errors(organisation, [allocation_day(credit, invoice)])


def allocation_day(credit: Record, invoice: Record) -> date:
    day: date = max(credit["Date"], invoice["Date"])
    return day


def allocate(
    organisation: Organisation, kind: CreditKind, credit: Record, invoice: Record, amount: Decimal, now: datetime
) -> Record:
    """Apply a part of the credit that may be applied; return the allocation. Both documents follow, with events."""
    allocation = organisation.allocations.save(
        {
            "AllocationID": organisation.new_id(),
            "Amount": amount,
            "Date": allocation_day(credit, invoice),
            "Invoice": {"InvoiceID": invoice["InvoiceID"]},
            "IsDeleted": False,
            "UpdatedDateUTC": now,
            "_kind": kind.name,
            "_credit_id": credit[kind.id_field],
        }
    )
    _follow_both(organisation, allocation, now)
    return allocation


def take_back(organisation: Organisation, allocation: Record, now: datetime) -> Record:
    """Undo an allocation; return it. Both documents are open again."""
    gone = organisation.allocations.save({**allocation, "IsDeleted": True, "UpdatedDateUTC": now})
    _follow_both(organisation, gone, now)
    return gone


def follow_invoice(organisation: Organisation, invoice_id: str, now: datetime) -> Record:
    """Let the invoice follow its payments and allocations: amounts, status, update time, event."""
    invoice = organisation.invoices[invoice_id]
    payments, allocations = organisation.payments_on(invoice_id), organisation.allocations_on(invoice_id)
    amounts = {"AmountPaid": _sum(payments), "AmountCredited": _sum(allocations)}
    due = invoice["Total"] - amounts["AmountPaid"] - amounts["AmountCredited"]
    settled = {"AmountDue": due, **_closing(invoice, due, [*payments, *allocations]), "UpdatedDateUTC": now}
    organisation.raise_event("INVOICE", invoice_id, "UPDATE", now)
    return organisation.invoices.save({**invoice, **amounts, **settled})


def follow_credit(organisation: Organisation, kind: CreditKind, credit_id: str, now: datetime) -> Record:
    """Let a credit note, overpayment or prepayment follow its allocations and refunds."""
    credit = kind.table(organisation)[credit_id]
    used = [*organisation.payments_on(credit_id), *organisation.allocations_of(credit_id)]
    remaining = credit["Total"] - _sum(used)
    followed = {"RemainingCredit": remaining, **_closing(credit, remaining, used), "UpdatedDateUTC": now}
    saved = kind.table(organisation).save({**credit, **followed})
    organisation.raise_event(kind.category, credit_id, "UPDATE", now, kind.event_data(saved))
    return saved


def _closing(document: Record, open_amount: Decimal, settlements: list[Record]) -> Record:
    """Nothing open: PAID on the day of the latest settlement."""
    if open_amount:
        return {"Status": "AUTHORISED", "FullyPaidOnDate": None}
    day: date = max((each["Date"] for each in settlements), default=document["Date"])
    return {"Status": "PAID", "FullyPaidOnDate": day}


def _follow_both(organisation: Organisation, allocation: Record, now: datetime) -> None:
    follow_invoice(organisation, allocation["Invoice"]["InvoiceID"], now)
    follow_credit(organisation, KINDS[allocation["_kind"]], allocation["_credit_id"], now)


def _sum(settlements: list[Record]) -> Decimal:
    return sum((each["Amount"] for each in settlements), ZERO)
