"""Receivables and payables of a simulated organisation by double entry, posted change by change as they happen.

What its documents say of themselves is not asked: only what was approved, paid, credited and applied, and taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from simulators.xero.state import Event, Organisation

ZERO = Decimal(0)
IN_THE_BOOKS = ("AUTHORISED", "PAID")
# The tables of open items, by the category of their events: what each is called, and how it counts.
TABLES = {
    "INVOICE": ("invoices", 1),
    "CREDITNOTE": ("credit_notes", -1),
    "OVERPAYMENT": ("overpayments", -1),
    "PREPAYMENT": ("prepayments", -1),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting: `amount` on the open item `item`, against another account; of `cause`, in its currency."""

    item: str
    against: str
    cause: tuple[str, str]
    amount: Decimal


@dataclass
class Ledger:
    """The journal of `organisation` from now on; of what there was before it posts all at once."""

    organisation: Organisation
    journal: list[Entry] = field(default_factory=list)
    _posted: dict[tuple[tuple[str, str], str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _balances: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def __post_init__(self) -> None:
        for table, sign in TABLES.values():
            for key in getattr(self.organisation, table):
                self._post(table, sign, key)
        self._publish = self.organisation.publish
        self.organisation.publish = self._hear

    def _hear(self, organisation: Organisation, events: list[Event]) -> None:
        for event in events:
            if event.category in TABLES:
                self._post(*TABLES[event.category], event.resource_id)
        self._publish(organisation, events)

    def _post(self, table: str, sign: int, key: str) -> None:
        """Post what has changed of this document: its approval, what is paid on it, what is applied."""
        organisation, document = self.organisation, getattr(self.organisation, table)[key]
        is_in = document["Status"] in IN_THE_BOOKS
        self._enter(key, "sales and purchases", ("document", key), sign * document["Total"] if is_in else ZERO)
        for payment in organisation.payments.found_by("Invoice.InvoiceID", key):
            is_in = payment["Status"] != "DELETED"
            self._enter(key, "bank", ("payment", payment["PaymentID"]), -sign * payment["Amount"] if is_in else ZERO)
        for index in ("InvoiceID", "credit"):
            for each in organisation.allocations.found_by(index, key):
                self._apply(each)

    def _apply(self, allocation: dict[str, Any]) -> None:
        """What is applied moves from one open item to the other."""
        invoice_id, credit_id = allocation["Invoice"]["InvoiceID"], allocation["_credit_id"]
        amount = ZERO if allocation["IsDeleted"] else allocation["Amount"]
        cause = ("allocation", allocation["AllocationID"])
        self._enter(invoice_id, credit_id, cause, -amount)
        self._enter(credit_id, invoice_id, cause, amount)

    def _enter(self, item: str, against: str, cause: tuple[str, str], amount: Decimal) -> None:
        """Bring what was posted on an item for one cause to this amount."""
        change = amount - self._posted[cause, item]
        if change:
            self.journal.append(Entry(item, against, cause, change))
            self._posted[cause, item] = amount
            self._balances[item] += change

    def balance(self, item: str) -> Decimal:
        """Return what is open of a document: positive if it is owed, negative if it is a credit."""
        return self._balances[item]

    def owed(self, *, sales: bool) -> dict[str, Decimal]:
        """Return receivables, or payables, by currency."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for _, key, document in self._documents():
            if _is_sales(document) == sales:
                sums[document["CurrencyCode"]] += self.balance(key)
        return {code: amount for code, amount in sums.items() if amount}

    def complaints(self) -> list[str]:
        """Return where the documents do not say what was posted, item by item and in sum."""
        wrong = []
        for _, key, document in self._documents():
            if (said := open_of(document)) != self.balance(key):
                wrong.append(f"{document['Type']} {key} {document['Status']}: {said} open of {self.balance(key)}")
        for sales in (True, False):
            said_in_all = sums_by_document(self.organisation, sales=sales)
            if said_in_all != self.owed(sales=sales):
                side = "receivables" if sales else "payables"
                wrong.append(f"{side} {said_in_all} of {self.owed(sales=sales)}")
        both_sides = [entry.amount for entry in self.journal if entry.cause[0] == "allocation"]
        if sum(both_sides, ZERO):
            wrong.append("what was applied does not cancel out")
        return wrong

    def _documents(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for table, _ in TABLES.values():
            for key, document in getattr(self.organisation, table).items():
                yield table, key, document


def open_of(document: dict[str, Any]) -> Decimal:
    """Return what a document itself says is open of it; nothing is owed of a draft or a dead one."""
    if document["Status"] not in IN_THE_BOOKS:
        return ZERO
    return Decimal(document["AmountDue"] if "AmountDue" in document else -document["RemainingCredit"])


def sums_by_document(organisation: Organisation, *, sales: bool) -> dict[str, Decimal]:
    """Return what the approved documents say is due, less what is left of credits, by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for table, _ in TABLES.values():
        for document in getattr(organisation, table).values():
            if _is_sales(document) == sales and document["Status"] == "AUTHORISED":
                sums[document["CurrencyCode"]] += open_of(document)
    return {code: amount for code, amount in sums.items() if amount}


def _is_sales(document: dict[str, Any]) -> bool:
    return str(document["Type"]).startswith(("ACCREC", "RECEIVE"))
