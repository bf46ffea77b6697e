"""What people in Xero do with money, and to the life of one document; each act by its name, so that runs repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from simulators.xero.people import Person
from simulators.xero.state import Organisation
from tests.world import World

CENT = Decimal("0.01")


@dataclass
class Cashier:
    """The people of `organisation` who approve, pay and credit. What Xero refuses raises NotAllowed."""

    world: World
    organisation: Organisation

    @property
    def person(self) -> Person:
        return self.world.xero.user(self.organisation)

    def act(self, name: str, document_id: str) -> None:
        """Do one of `ACTS` to a document."""
        self.ACTS[name](self, document_id)

    def approve(self, document_id: str) -> None:
        """Approval needs a due date."""
        if self.organisation.invoices[document_id]["Status"] in ("DRAFT", "SUBMITTED"):
            day = self.world.clock.now() + timedelta(days=3)
            self.person.edit_invoice(document_id, DueDate=f"{day:%Y-%m-%d}")
        self.person.approve_invoice(document_id)

    def remove_payment(self, document_id: str) -> None:
        payments = self.organisation.payments_on(document_id)
        if payments:
            self.person.remove_payment(payments[-1]["PaymentID"])

    def remove_allocation(self, document_id: str) -> None:
        allocations = self.organisation.allocations_on(document_id)
        if allocations:
            self.person.remove_allocation(allocations[-1]["AllocationID"])

    def apply_advance(self, document_id: str, kind: str, amount: Decimal) -> None:
        """Receive or spend a pound more than is applied."""
        advance = self.take_advance(document_id, kind, amount + 1)
        apply = getattr(self.person, f"allocate_{kind}")
        apply(advance[f"{kind.capitalize()}ID"], document_id, amount)

    def take_advance(self, document_id: str, kind: str, amount: Decimal) -> dict[str, Any]:
        document = self.organisation.invoices[document_id]
        way = "receive" if document["Type"] == "ACCREC" else "spend"
        take = getattr(self.person, f"{way}_{kind}")
        taken: dict[str, Any] = take(document["Contact"]["ContactID"], amount, currency=document["CurrencyCode"])
        return taken

    def credit_loosely(self, document_id: str) -> None:
        """A credit note of the document's contact that is applied to nothing."""
        document = self.organisation.invoices[document_id]
        line = {"Description": "Goodwill", "Quantity": 1, "UnitAmount": "3.00", "AccountCode": "200"}
        self.person.create_credit_note(
            Type=f"{document['Type']}CREDIT", Contact=document["Contact"], LineItems=[line], Status="AUTHORISED"
        )

    def end_note(self, document_id: str) -> None:
        """Void or delete the latest credit note of the document's contact, ours or not, that is not applied."""
        contact = self.organisation.invoices[document_id]["Contact"]
        notes = [row for row in self.organisation.credit_notes.values() if row["Contact"] == contact]
        open_ones = [row for row in notes if row["Status"] in ("DRAFT", "AUTHORISED")]
        if open_ones:
            status = "VOIDED" if open_ones[-1]["Status"] == "AUTHORISED" else "DELETED"
            self.person.edit_credit_note(open_ones[-1]["CreditNoteID"], Status=status)

    def refund(self, document_id: str) -> None:
        """Pay out what is left of the latest overpayment of the document's contact."""
        contact = self.organisation.invoices[document_id]["Contact"]
        open_ones = [
            row
            for row in self.organisation.overpayments.values()
            if row["Contact"] == contact and row["RemainingCredit"]
        ]
        if open_ones:
            self.person.refund(open_ones[-1]["OverpaymentID"])

    def _due(self, document_id: str) -> Decimal:
        due: Decimal = self.organisation.invoices[document_id]["AmountDue"]
        return due

    def _half(self, document_id: str) -> Decimal:
        return (self._due(document_id) / 2).quantize(CENT)

    ACTS: ClassVar[Mapping[str, Callable[[Cashier, str], Any]]] = {
        "approve": approve,
        "pay all": lambda self, key: self.person.pay(key),
        "pay half": lambda self, key: self.person.pay(key, self._half(key)),
        "remove a payment": remove_payment,
        "credit all": lambda self, key: self.person.credit(key),
        "credit half": lambda self, key: self.person.credit(key, self._half(key)),
        "remove an allocation": remove_allocation,
        "overpayment all": lambda self, key: self.apply_advance(key, "overpayment", self._due(key)),
        "overpayment half": lambda self, key: self.apply_advance(key, "overpayment", self._half(key)),
        "prepayment half": lambda self, key: self.apply_advance(key, "prepayment", self._half(key)),
        "loose credit note": credit_loosely,
        "loose overpayment": lambda self, key: self.take_advance(key, "overpayment", Decimal(7)),
        "refund": refund,
        "end a note": end_note,
        "void": lambda self, key: self.person.void_invoice(key),
        "delete": lambda self, key: self.person.delete_invoice(key),
    }
