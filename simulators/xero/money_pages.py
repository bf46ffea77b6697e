"""What a person does with money in Xero: payments, credit notes, over- and prepayments, and what they settle."""

from __future__ import annotations

from datetime import date

from simulators.xero.arithmetic import rounded
from simulators.xero.codec import Record, parse_number
from simulators.xero.credit_notes import edit_credit_note, save_credit_note
from simulators.xero.documents import lock_errors
from simulators.xero.payments import delete_payment, deletion_errors, draft_payment, paid_document, save_payment
from simulators.xero.prepaid import draft_prepaid, save_prepaid, void_prepaid, voiding_errors
from simulators.xero.settings_pages import NotAllowed, SettingsPages, insist, read_day
from simulators.xero.settling import (
    CREDIT_NOTE,
    OVERPAYMENT,
    PREPAYMENT,
    CreditKind,
    allocate,
    allocation_errors,
    take_back,
)


class MoneyPages(SettingsPages):
    """The money of one organisation. Amounts are in the document's currency; None is as much as goes."""

    def pay(
        self,
        invoice_id: str,
        amount: object = None,
        *,
        on: object = None,
        reference: str | None = None,
        account: str | None = None,
    ) -> Record:
        """Record a payment; return the invoice as it then stands. The rest stays due, 0 makes it PAID."""
        with self._simulator.lock:
            paid = self._organisation.invoices[invoice_id]["AmountDue"] if amount is None else amount
            self._pay({"Invoice": {"InvoiceID": invoice_id}}, paid, on=on, reference=reference, account=account)
            return self._organisation.invoices[invoice_id]

    def remove_payment(self, payment_id: str) -> Record:
        """Delete a payment or refund; return the invoice, or the credit, which is open again."""
        organisation = self._organisation
        with self._simulator.lock, organisation.change():
            payment = organisation.payments[payment_id]
            insist(deletion_errors(organisation, payment))
            delete_payment(organisation, payment, self._clock.now())
            return paid_document(organisation, payment)

    def create_credit_note(self, **fields: object) -> Record:
        """Create a credit note, by default for a customer: Type="ACCRECCREDIT"."""
        return self._save_credit_note({"Type": "ACCRECCREDIT", **fields}, create_only=True)

    def edit_credit_note(self, credit_note_id: str, **fields: object) -> Record:
        return self._save_credit_note({"CreditNoteID": credit_note_id, **fields}, create_only=False)

    def approve_credit_note(self, credit_note_id: str) -> Record:
        return self.edit_credit_note(credit_note_id, Status="AUTHORISED")

    def void_credit_note(self, credit_note_id: str) -> Record:
        return self.edit_credit_note(credit_note_id, Status="VOIDED")

    def delete_credit_note(self, credit_note_id: str) -> Record:
        return self.edit_credit_note(credit_note_id, Status="DELETED")

    def credit(self, invoice_id: str, amount: object = None, *, on: object = None) -> Record:
        """Credit an invoice, by default all that is due: a credit note is approved and applied. Return the note."""
        with self._simulator.lock:
            invoice = self._organisation.invoices[invoice_id]
            credited = invoice["AmountDue"] if amount is None else rounded(parse_number(amount))
            if invoice["Status"] != "AUTHORISED" or credited > invoice["AmountDue"]:
                raise NotAllowed("The invoice does not have that much outstanding")
            posted: Record = next((line for line in invoice["LineItems"] if "AccountCode" in line), {})
            line = {name: posted[name] for name in ("AccountCode", "TaxType") if name in posted}
            untaxed = invoice["LineAmountTypes"] == "NoTax"
            note = self.create_credit_note(
                Type=f"{invoice['Type']}CREDIT",
                Contact=invoice["Contact"],
                Date=read_day(on) or self._organisation.today(self._clock.now()),
                CurrencyCode=invoice["CurrencyCode"],
                CurrencyRate=invoice["CurrencyRate"],
                LineAmountTypes="NoTax" if untaxed else "Inclusive",
                LineItems=[{"Description": "Credit", "Quantity": 1, "UnitAmount": credited, **line}],
                Status="AUTHORISED",
            )
            self.allocate_credit_note(note["CreditNoteID"], invoice_id, credited)
            return self._organisation.credit_notes[note["CreditNoteID"]]

    def allocate_credit_note(self, credit_note_id: str, invoice_id: str, amount: object = None) -> Record:
        """Apply a credit note to an invoice; return the allocation."""
        return self._allocate(CREDIT_NOTE, credit_note_id, invoice_id, amount)

    def allocate_overpayment(self, overpayment_id: str, invoice_id: str, amount: object = None) -> Record:
        return self._allocate(OVERPAYMENT, overpayment_id, invoice_id, amount)

    def allocate_prepayment(self, prepayment_id: str, invoice_id: str, amount: object = None) -> Record:
        return self._allocate(PREPAYMENT, prepayment_id, invoice_id, amount)

    def remove_allocation(self, allocation_id: str) -> Record:
        """Take back what an allocation applied; return the invoice, which is open again."""
        organisation = self._organisation
        with self._simulator.lock, organisation.change():
            allocation = organisation.allocations[allocation_id]
            if allocation["IsDeleted"]:
                raise NotAllowed(f"The allocation {allocation_id} is removed already")
            insist(lock_errors(organisation, [allocation["Date"]]))
            take_back(organisation, allocation, self._clock.now())
            return organisation.invoices[allocation["Invoice"]["InvoiceID"]]

    def receive_overpayment(self, contact_id: str, amount: object, **fields: object) -> Record:
        """Receive more than is owed. `fields` as of every over- and prepayment: on, reference, currency."""
        return self._take_money(OVERPAYMENT, contact_id, amount, sales=True, **fields)

    def spend_overpayment(self, contact_id: str, amount: object, **fields: object) -> Record:
        return self._take_money(OVERPAYMENT, contact_id, amount, sales=False, **fields)

    def receive_prepayment(self, contact_id: str, amount: object, **fields: object) -> Record:
        return self._take_money(PREPAYMENT, contact_id, amount, sales=True, **fields)

    def spend_prepayment(self, contact_id: str, amount: object, **fields: object) -> Record:
        return self._take_money(PREPAYMENT, contact_id, amount, sales=False, **fields)

    def void_overpayment(self, overpayment_id: str) -> Record:
        return self._void(OVERPAYMENT, overpayment_id)

    def void_prepayment(self, prepayment_id: str) -> Record:
        return self._void(PREPAYMENT, prepayment_id)

    def refund(self, credit_id: str, amount: object = None, *, on: object = None) -> Record:
        """Pay out what is left of a credit note, overpayment or prepayment; return it as it then stands."""
        with self._simulator.lock:
            kind, credit = self._credit(credit_id)
            paid = credit["RemainingCredit"] if amount is None else amount
            self._pay({kind.name: {kind.id_field: credit_id}}, paid, on=on)
            return self._credit(credit_id)[1]

    def _pay(
        self,
        target: Record,
        amount: object,
        *,
        on: object,
        reference: str | None = None,
        account: str | None = None,
    ) -> None:
        organisation, now, day = self._organisation, self._clock.now(), read_day(on)
        code = account or next(each["Code"] for each in organisation.accounts.values() if each["Type"] == "BANK")
        raw = {**target, "Amount": amount, "Reference": reference, "Account": {"Code": code}}
        raw["Date"] = day.isoformat() if day else None
        with self._simulator.lock, organisation.change():
            draft = draft_payment(organisation, raw, now)
            insist(draft.errors)
            save_payment(organisation, draft, now)

    def _save_credit_note(self, raw: Record, *, create_only: bool) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            editing = edit_credit_note(self._organisation, worded(raw), now, unit_places=4, create_only=create_only)
            insist(editing.errors)
            return save_credit_note(editing, None)

    def _allocate(self, kind: CreditKind, credit_id: str, invoice_id: str, amount: object) -> Record:
        organisation = self._organisation
        with self._simulator.lock, organisation.change():
            credit, invoice = kind.table(organisation)[credit_id], organisation.invoices[invoice_id]
            most = min(credit["RemainingCredit"], invoice["AmountDue"])
            applied = most if amount is None else rounded(parse_number(amount))
            insist(allocation_errors(organisation, kind, credit, invoice, applied))
            return allocate(organisation, kind, credit, invoice, applied, self._clock.now())

    def _take_money(
        self,
        kind: CreditKind,
        contact_id: str,
        amount: object,
        *,
        sales: bool,
        on: object = None,
        reference: object = None,
        currency: object = None,
    ) -> Record:
        organisation, now = self._organisation, self._clock.now()
        with self._simulator.lock, organisation.change():
            draft = draft_prepaid(
                organisation,
                kind,
                contact_id,
                rounded(parse_number(amount)),
                now,
                sales=sales,
                day=read_day(on),
                reference=None if reference is None else str(reference),
                currency=None if currency is None else str(currency),
            )
            insist(draft.errors)
            return save_prepaid(organisation, kind, draft, now)

    def _void(self, kind: CreditKind, credit_id: str) -> Record:
        organisation = self._organisation
        with self._simulator.lock, organisation.change():
            record = kind.table(organisation)[credit_id]
            insist(voiding_errors(organisation, record))
            return void_prepaid(organisation, kind, record, self._clock.now())

    def _credit(self, credit_id: str) -> tuple[CreditKind, Record]:
        for kind in (CREDIT_NOTE, OVERPAYMENT, PREPAYMENT):
            if credit_id in kind.table(self._organisation):
                return kind, kind.table(self._organisation)[credit_id]
        raise NotAllowed(f"There is no credit {credit_id}")


def worded(raw: Record) -> Record:
    """Write dates out, so that tests may pass them as such."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in raw.items()}
