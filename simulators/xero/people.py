"""What a person does in Xero's own pages: the same rules as the API's, the same events, no app."""

from __future__ import annotations

from simulators.xero.codec import Record
from simulators.xero.contacts import draft_contact, save_contact
from simulators.xero.invoices import edit_invoice, save_invoice
from simulators.xero.money_pages import MoneyPages, worded
from simulators.xero.settings_pages import insist, read_terms
from simulators.xero.settling import KINDS


class Person(MoneyPages):
    """A user of one organisation. Fields are given by Xero's names: create_contact(Name="Ann")."""

    def create_contact(self, **fields: object) -> Record:
        return self._save_contact(dict(fields), create_only=True)

    def edit_contact(self, contact_id: str, **fields: object) -> Record:
        return self._save_contact({"ContactID": contact_id, **fields}, create_only=False)

    def rename_contact(self, contact_id: str, name: str) -> Record:
        return self.edit_contact(contact_id, Name=name)

    def set_contact_terms(
        self, contact_id: str, *, sales: Record | None = None, bills: Record | None = None
    ) -> Record:
        """Set a contact's terms, both sides at once: {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, or None."""
        return self._touch_contact(contact_id, {"PaymentTerms": read_terms(sales=sales, bills=bills) or None})

    def archive_contact(self, contact_id: str) -> Record:
        return self.edit_contact(contact_id, ContactStatus="ARCHIVED")

    def restore_contact(self, contact_id: str) -> Record:
        """Take a contact out of the archive: only people can."""
        return self._touch_contact(contact_id, {"ContactStatus": "ACTIVE"})

    def merge_contact(self, contact_id: str, *, into: str) -> Record:
        """Merge a contact into another one: its documents move, it is archived and names its heir."""
        organisation, now, heir = self._organisation, self._clock.now(), {"Contact": {"ContactID": into}}
        with self._simulator.lock, organisation.change():
            for invoice in organisation.invoices.found_by("Contact.ContactID", contact_id):
                organisation.invoices.save({**invoice, **heir, "UpdatedDateUTC": now})
                organisation.raise_event("INVOICE", invoice["InvoiceID"], "UPDATE", now)
            for kind in KINDS.values():
                table = kind.table(organisation)
                for credit in table.found_by("Contact.ContactID", contact_id):
                    moved = table.save({**credit, **heir, "UpdatedDateUTC": now})
                    data = kind.event_data(moved)
                    organisation.raise_event(kind.category, moved[kind.id_field], "UPDATE", now, data)
        return self._touch_contact(contact_id, {"ContactStatus": "ARCHIVED", "MergedToContactID": into})

    def create_invoice(self, **fields: object) -> Record:
        return self._save_invoice(dict(fields), create_only=True)

    def edit_invoice(self, invoice_id: str, **fields: object) -> Record:
        return self._save_invoice({"InvoiceID": invoice_id, **fields}, create_only=False)

    def edit_line(self, invoice_id: str, line: int = 0, **fields: object) -> Record:
        """Change fields of one line, counted from 0; the other lines stay as they are."""
        lines = self._kept_lines(invoice_id)
        lines[line] |= fields
        return self.edit_invoice(invoice_id, LineItems=lines)

    def add_line(self, invoice_id: str, **fields: object) -> Record:
        return self.edit_invoice(invoice_id, LineItems=[*self._kept_lines(invoice_id), fields])

    def remove_line(self, invoice_id: str, line: int = 0) -> Record:
        lines = self._kept_lines(invoice_id)
        del lines[line]
        return self.edit_invoice(invoice_id, LineItems=lines)

    def submit_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="SUBMITTED")

    def approve_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="AUTHORISED")

    def void_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="VOIDED")

    def delete_invoice(self, invoice_id: str) -> Record:
        return self.edit_invoice(invoice_id, Status="DELETED")

    def _save_contact(self, raw: Record, *, create_only: bool) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            draft = draft_contact(self._organisation, raw, now, create_only=create_only)
            insist(draft.errors)
            return save_contact(self._organisation, draft, now)

    def _kept_lines(self, invoice_id: str) -> list[Record]:
        with self._simulator.lock:
            lines = self._organisation.invoices[invoice_id]["LineItems"]
            return [{"LineItemID": line["LineItemID"]} for line in lines]

    def _touch_contact(self, contact_id: str, fields: Record) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            contact = self._organisation.contacts[contact_id]
            self._organisation.raise_event("CONTACT", contact_id, "UPDATE", now)
            return self._organisation.contacts.save({**contact, **fields, "UpdatedDateUTC": now})

    def _save_invoice(self, raw: Record, *, create_only: bool) -> Record:
        now = self._clock.now()
        with self._simulator.lock, self._organisation.change():
            editing = edit_invoice(self._organisation, worded(raw), now, unit_places=4, create_only=create_only)
            insist(editing.errors)
            return save_invoice(editing, None)
