"""One simulated organisation: everything it holds, and how several changes become one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from simulators.xero.codec import Record
from simulators.xero.refusals import Refusal
from simulators.xero.seeds import (
    REGIONS,
    NewId,
    Region,
    currency_record,
    seed_accounts,
    seed_branding_themes,
    seed_tax_rates,
)
from simulators.xero.tables import Table, Undo

_TO_USD = {"USD": "1", "GBP": "1.3", "EUR": "1.1", "AUD": "0.65", "NZD": "0.6", "CAD": "0.73"}
OPEN_STATUSES = frozenset({"AUTHORISED"})


@dataclass(frozen=True, slots=True)
class Event:
    """What a webhook tells; `extra` is its `data`."""

    category: str
    resource_id: str
    kind: str
    at: datetime
    extra: Record | None = None


@dataclass
class Change:
    """Saves that stand or fall together, and the events they raise."""

    events: list[Event] = field(default_factory=list)
    journal: list[Undo] = field(default_factory=list)

    def undo(self) -> None:
        """Take everything back, newest first."""
        while self.journal:
            self.journal.pop()()
        self.events.clear()


Publish = Callable[["Organisation", list[Event]], None]


def _lower(record: Record, name: str) -> list[Any]:
    value = record.get(name)
    return [value.lower()] if isinstance(value, str) and value else []


def _contact_keys(record: Record) -> list[str]:
    return [record["Contact"]["ContactID"]]


def _open_keys(record: Record) -> list[str]:
    return _contact_keys(record) if record["Status"] in OPEN_STATUSES else []


def _document_table(id_field: str, *texts: str) -> Table:
    """Return a table of documents, which are found by these texts, and by contact."""
    by_text = {name: partial(_lower, name=name) for name in texts}
    return Table(id_field, {**by_text, "Contact.ContactID": _contact_keys, "open": _open_keys})


def _payment_table() -> Table:
    return Table("PaymentID", {"Invoice.InvoiceID": lambda record: [record["Invoice"]["InvoiceID"]]})


def _allocation_table() -> Table:
    return Table(
        "AllocationID",
        {
            "InvoiceID": lambda record: [record["Invoice"]["InvoiceID"]],
            "credit": lambda record: [record["_credit_id"]],
        },
    )


def _contact_table() -> Table:
    names = ("Name", "ContactNumber", "AccountNumber", "EmailAddress")
    return Table("ContactID", {name: partial(_lower, name=name) for name in names})


@dataclass
class Organisation:
    """The state of one tenant. Tables are dicts of records by id: money Decimal, dates date, times aware UTC."""

    tenant_id: str
    name: str
    region: Region
    region_name: str
    base_currency: str
    timezone: str
    new_id: NewId
    created_at: datetime
    publish: Publish
    period_lock_on: date | None = None
    year_end_lock_on: date | None = None
    approvals_max: int | None = None
    approvals: int = 0
    number_prefix: str = "INV-"
    next_number: int = 1
    credit_note_prefix: str = "CN-"
    next_credit_note_number: int = 1
    insists_on_totals: bool = False
    """Whether a wrong Total in a request is refused, as it once was; the API's description says it is ignored."""
    payment_terms: Record = field(default_factory=dict)
    invoices: Table = field(default_factory=partial(_document_table, "InvoiceID", "InvoiceNumber", "Reference"))
    credit_notes: Table = field(
        default_factory=partial(_document_table, "CreditNoteID", "CreditNoteNumber", "Reference")
    )
    overpayments: Table = field(default_factory=partial(_document_table, "OverpaymentID", "Reference"))
    prepayments: Table = field(default_factory=partial(_document_table, "PrepaymentID", "InvoiceNumber", "Reference"))
    contacts: Table = field(default_factory=_contact_table)
    items: Table = field(default_factory=lambda: Table("ItemID", {"Code": lambda record: _lower(record, "Code")}))
    accounts: Table = field(default_factory=lambda: Table("AccountID", {"Code": lambda record: [record.get("Code")]}))
    tax_rates: Table = field(default_factory=lambda: Table("TaxType"))
    branding_themes: Table = field(default_factory=lambda: Table("BrandingThemeID"))
    currencies: Table = field(default_factory=lambda: Table("Code"))
    tracking_categories: Table = field(default_factory=lambda: Table("TrackingCategoryID"))
    payments: Table = field(default_factory=_payment_table)
    allocations: Table = field(default_factory=_allocation_table)
    refusals: list[Refusal] = field(default_factory=list)
    _current: Change | None = None

    def today(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def default_theme_id(self) -> str:
        theme = min(self.branding_themes.values(), key=lambda record: record["SortOrder"])
        return str(theme["BrandingThemeID"])

    def day_rate(self, currency: str) -> Decimal:
        """Return how much of `currency` one unit of the base currency buys; fixed, so that runs repeat."""
        if currency == self.base_currency:
            return Decimal(1)
        base, other = Decimal(_TO_USD.get(self.base_currency, "1")), Decimal(_TO_USD.get(currency, "1"))
        return (base / other).quantize(Decimal("0.000001"))

    def take_number(self) -> str:
        """Return the next free automatic number of a sales invoice, INV-0001 first."""
        return self._take("next_number", self.number_prefix, self.invoices, "InvoiceNumber", "ACCREC")

    def take_credit_note_number(self) -> str:
        """Return the next free automatic number of a sales credit note, CN-0001 first."""
        table = self.credit_notes
        return self._take(
            "next_credit_note_number", self.credit_note_prefix, table, "CreditNoteNumber", "ACCRECCREDIT"
        )

    def _take(self, counter: str, prefix: str, table: Table, index: str, kind: str) -> str:
        start = getattr(self, counter)
        if self._current is not None:
            self._current.journal.append(lambda: setattr(self, counter, start))
        number, taken = start, True
        while taken:
            text = f"{prefix}{number:04d}"
            number += 1
            taken = any(record["Type"] == kind for record in table.found_by(index, text.lower()))
        setattr(self, counter, number)
        return text

    def approvals_left(self) -> int | None:
        """Return how many invoices the plan still lets pass, or None when it has no cap."""
        return None if self.approvals_max is None else max(self.approvals_max - self.approvals, 0)

    def count_approval(self) -> None:
        self.approvals += 1
        if self._current is not None:
            self._current.journal.append(lambda: setattr(self, "approvals", self.approvals - 1))

    def payments_on(self, document_id: str) -> list[Record]:
        """Return the payments of an invoice, or the refunds of a credit, that were not deleted."""
        found = self.payments.found_by("Invoice.InvoiceID", document_id)
        return [payment for payment in found if payment["Status"] != "DELETED"]

    def allocations_on(self, invoice_id: str) -> list[Record]:
        """Return what is applied to an invoice of credit notes, overpayments and prepayments."""
        return [each for each in self.allocations.found_by("InvoiceID", invoice_id) if not each["IsDeleted"]]

    def allocations_of(self, credit_id: str) -> list[Record]:
        """Return where a credit note, overpayment or prepayment is applied."""
        return [each for each in self.allocations.found_by("credit", credit_id) if not each["IsDeleted"]]

    def raise_event(
        self, category: str, resource_id: str, kind: str, at: datetime, extra: Record | None = None
    ) -> None:
        """Note a webhook event; it leaves when the change around it ends."""
        assert self._current is not None, "events are raised inside a change"
        self._current.events.append(Event(category, resource_id, kind, at, extra))

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Group saves: `Change.undo()` inside takes all of them back, the end publishes the events."""
        assert self._current is None, "changes do not nest"
        change = self._current = Change()
        tables = [table for table in vars(self).values() if isinstance(table, Table)]
        for table in tables:
            table.journal = change.journal
        try:
            yield change
        except BaseException:
            change.undo()
            raise
        finally:
            self._current = None
            for table in tables:
                table.journal = None
        if change.events:
            self.publish(self, change.events)


def create_organisation(
    *,
    name: str,
    region: str,
    base_currency: str | None,
    timezone: str | None,
    currencies: list[str],
    tenant_id: str | None,
    new_id: NewId,
    now: datetime,
    publish: Publish,
) -> Organisation:
    """Return an organisation with the accounts, taxes, themes and currencies of its region."""
    profile = REGIONS[region]
    organisation = Organisation(
        tenant_id=(tenant_id or new_id()).lower(),
        name=name,
        region=profile,
        region_name=region,
        base_currency=base_currency or profile.currency,
        timezone=timezone or profile.timezone,
        new_id=new_id,
        created_at=now,
        publish=publish,
    )
    for account in seed_accounts(profile, organisation.base_currency, new_id, now):
        organisation.accounts.save(account)
    for rate in seed_tax_rates(profile, now):
        organisation.tax_rates.save(rate)
    for theme in seed_branding_themes(new_id, now):
        organisation.branding_themes.save(theme)
    for code in dict.fromkeys([organisation.base_currency, *currencies]):
        organisation.currencies.save(currency_record(code, now))
    return organisation
