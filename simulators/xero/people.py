"""What a person does in Xero's own pages: the same rules as the API's, the same events, no app."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from simulators.xero.arithmetic import ZERO, rounded
from simulators.xero.codec import Record, parse_date, parse_number
from simulators.xero.contacts import draft_contact, save_contact
from simulators.xero.invoices import edit_invoice, save_invoice
from simulators.xero.items import draft_item, save_item
from simulators.xero.settings import draft_account, draft_tax_rate
from simulators.xero.state import Organisation

if TYPE_CHECKING:
    from simulators.xero.simulator import XeroSimulator


class NotAllowed(ValueError):
    """Xero's pages refuse what the person tries; the words are those of the API."""


class Person:
    """A user of one organisation. Fields are given by Xero's names: create_contact(Name="Ann")."""

    def __init__(self, simulator: XeroSimulator, organisation: Organisation) -> None:
        self._simulator = simulator
        self._organisation = organisation
        self._clock = simulator.clock

    def create_contact(self, **fields: object) -> Record:
        return self._save_contact(dict(fields), create_only=True)

    def edit_contact(self, contact_id: str, **fields: object) -> Record:
        return self._save_contact({"ContactID": contact_id, **fields}, create_only=False)

    def archive_contact(self, contact_id: str) -> Record:
        return self.edit_contact(contact_id, ContactStatus="ARCHIVED")

    def restore_contact(self, contact_id: str) -> Record:
        """Take a contact out of the archive: only people can."""
        return self._touch_contact(contact_id, {"ContactStatus": "ACTIVE"})

    def merge_contact(self, contact_id: str, *, into: str) -> Record:
        """Merge a contact into another one: its documents move, it is archived and names its heir."""
        organisation, now = self._organisation, self._clock.now()
        with self._simulator.lock, organisation.change():
            for invoice in organisation.invoices.found_by("Contact.ContactID", contact_id):
                organisation.invoices.save({**invoice, "Contact": {"ContactID": into}, "UpdatedDateUTC": now})
                organisation.raise_event("INVOICE", invoice["InvoiceID"], "UPDATE", now)
        return self._touch_contact(contact_id, {"ContactStatus": "ARCHIVED", "MergedToContactID": into})

    def create_invoice(self, **fields: object) -> Record:
        return self._save_invoice(dict(fields), create_only=True)

    def edit_invoice(self, invoice_id: str, **fields: object) -> Record:
        return self._save_invoice({"InvoiceID": invoice_id, **fields}, create_only=False)

    def approve_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="AUTHORISED")

    def void_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="VOIDED")

    def delete_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="DELETED")

    def pay(self, invoice_id: str, amount: object, *, on: object = None, reference: str | None = None) -> Record:
        """Record a payment; return the invoice as it then stands. The rest stays due, 0 makes it PAID."""
        organisation, now, paid = self._organisation, self._clock.now(), rounded(parse_number(amount))
        with self._simulator.lock, organisation.change():
            invoice = organisation.invoices[invoice_id]
            if invoice["Status"] != "AUTHORISED":
                raise NotAllowed("Invoice not of valid status for modification")
            if not ZERO < paid <= invoice["AmountDue"]:
                raise NotAllowed("Payment amount exceeds the amount outstanding on this document")
            organisation.payments.save(
                {
                    "PaymentID": organisation.new_id(),
                    "Date": _day(on) or organisation.today(now),
                    "Amount": paid,
                    "Reference": reference,
                    "CurrencyRate": invoice["CurrencyRate"],
                    "Status": "AUTHORISED",
                    "Invoice": {"InvoiceID": invoice_id},
                    "UpdatedDateUTC": now,
                }
            )
            return self._settle(invoice, _day(on) or organisation.today(now))

    def remove_payment(self, payment_id: str) -> Record:
        """Delete a payment; return the invoice, which is open again."""
        organisation, now = self._organisation, self._clock.now()
        with self._simulator.lock, organisation.change():
            payment = organisation.payments[payment_id]
            organisation.payments.save({**payment, "Status": "DELETED", "UpdatedDateUTC": now})
            return self._settle(organisation.invoices[payment["Invoice"]["InvoiceID"]], organisation.today(now))

    def _settle(self, invoice: Record, day: date) -> Record:
        """Let the invoice follow its payments: amounts, status, update time, event."""
        organisation, now = self._organisation, self._clock.now()
        payments = organisation.payments_on(invoice["InvoiceID"])
        paid = sum((payment["Amount"] for payment in payments), ZERO)
        due = invoice["Total"] - paid - invoice["AmountCredited"]
        status = {"Status": "AUTHORISED" if due else "PAID", "FullyPaidOnDate": None if due else day}
        amounts = {"AmountPaid": paid, "AmountDue": due, "UpdatedDateUTC": now}
        organisation.raise_event("INVOICE", invoice["InvoiceID"], "UPDATE", now)
        return organisation.invoices.save({**invoice, **amounts, **status})

    def create_item(self, **fields: object) -> Record:
        with self._simulator.lock, self._organisation.change():
            draft = draft_item(self._organisation, dict(fields), self._clock.now(), unit_places=4, create_only=False)
            _insist(draft.errors)
            return save_item(self._organisation, draft)

    def add_account(self, **fields: object) -> Record:
        with self._simulator.lock, self._organisation.change():
            draft = draft_account(self._organisation, dict(fields), self._clock.now())
            _insist(draft.errors)
            return self._organisation.accounts.save(draft.record)

    def alter_account(self, code: str, **fields: object) -> Record:
        """Rename, archive (Status="ARCHIVED") or otherwise change an account."""
        with self._simulator.lock, self._organisation.change():
            account = self._organisation.accounts.first_by("Code", code)
            if account is None:
                raise NotAllowed(f"There is no account {code}")
            return self._organisation.accounts.save({**account, **fields, "UpdatedDateUTC": self._clock.now()})

    def add_tax_rate(self, **fields: object) -> Record:
        with self._simulator.lock, self._organisation.change():
            draft = draft_tax_rate(self._organisation, dict(fields), self._clock.now())
            _insist(draft.errors)
            return self._organisation.tax_rates.save(draft.record)

    def alter_tax_rate(self, tax_type: str, **fields: object) -> Record:
        with self._simulator.lock, self._organisation.change():
            rate = self._organisation.tax_rates[tax_type]
            return self._organisation.tax_rates.save({**rate, **fields, "UpdatedDateUTC": self._clock.now()})

    def set_lock_dates(self, *, period: object = None, year_end: object = None) -> None:
        """Lock everything dated on or before these days; None unlocks."""
        with self._simulator.lock:
            self._organisation.period_lock_on = _day(period)
            self._organisation.year_end_lock_on = _day(year_end)

    def disconnect_app(self, client_id: str | None = None) -> None:
        """End the connection of one app, or of every app, to this organisation."""
        with self._simulator.lock:
            self._simulator.identity.disconnect(tenant_id=self._organisation.tenant_id, client_id=client_id)

    def _save_contact(self, raw: Record, *, create_only: bool) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            draft = draft_contact(self._organisation, raw, now, create_only=create_only)
            _insist(draft.errors)
            return save_contact(self._organisation, draft, now)

    def _touch_contact(self, contact_id: str, fields: Record) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            contact = self._organisation.contacts[contact_id]
            self._organisation.raise_event("CONTACT", contact_id, "UPDATE", now)
            return self._organisation.contacts.save({**contact, **fields, "UpdatedDateUTC": now})

    def _save_invoice(self, raw: Record, *, create_only: bool) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            editing = edit_invoice(self._organisation, _worded(raw), now, unit_places=4, create_only=create_only)
            _insist(editing.errors)
            return save_invoice(editing, None)


def _insist(errors: list[str]) -> None:
    if errors:
        raise NotAllowed("; ".join(errors))


def _worded(raw: Record) -> Record:
    """Write dates out, so that tests may pass them as such."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in raw.items()}


def _day(value: object) -> date | None:
    return value if value is None or isinstance(value, date) else parse_date(value)
