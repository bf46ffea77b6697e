"""What a person does in Xero's settings: accounts, taxes, tracking, terms, lock dates, stock, connected apps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING

from simulators.xero.arithmetic import rounded
from simulators.xero.codec import Record, parse_date, parse_number
from simulators.xero.contacts import Draft
from simulators.xero.items import draft_item, find_item, save_item
from simulators.xero.settings import draft_account, draft_tax_rate
from simulators.xero.state import Organisation
from simulators.xero.tables import Table
from simulators.xero.terms import merge_terms
from simulators.xero.tracking import category_record, option_record

if TYPE_CHECKING:
    from simulators.xero.simulator import XeroSimulator


class NotAllowed(ValueError):
    """Xero's pages refuse what the person tries; the words are those of the API."""


class SettingsPages:
    """The settings of one organisation, as its users reach them."""

    def __init__(self, simulator: XeroSimulator, organisation: Organisation) -> None:
        self._simulator = simulator
        self._organisation = organisation
        self._clock = simulator.clock

    def create_item(self, **fields: object) -> Record:
        """Create an item, or change the one with this Code."""
        with self._simulator.lock, self._organisation.change():
            draft = draft_item(self._organisation, dict(fields), self._clock.now(), unit_places=4, create_only=False)
            insist(draft.errors)
            return save_item(self._organisation, draft)

    def set_stock(self, code: str, quantity: object) -> Record:
        """Adjust how much of a tracked item is on hand; return the item."""
        with self._simulator.lock, self._organisation.change():
            item = find_item(self._organisation, code)
            if item is None or not item["IsTrackedAsInventory"]:
                raise NotAllowed(f"{code} is not a tracked item")
            on_hand = {"QuantityOnHand": rounded(parse_number(quantity), 4), "UpdatedDateUTC": self._clock.now()}
            return self._organisation.items.save({**item, **on_hand})

    def add_account(self, **fields: object) -> Record:
        return self._save(draft_account, self._organisation.accounts, fields)

    def alter_account(self, code: str, **fields: object) -> Record:
        """Rename, archive (Status="ARCHIVED") or otherwise change an account; None empties a field."""
        accounts = self._organisation.accounts
        account = accounts.first_by("Code", code)
        if account is None:
            raise NotAllowed(f"There is no account {code}")
        return self._alter(accounts, account["AccountID"], fields)

    def archive_account(self, code: str) -> Record:
        return self.alter_account(code, Status="ARCHIVED")

    def restore_account(self, code: str) -> Record:
        return self.alter_account(code, Status="ACTIVE")

    def delete_account(self, code: str) -> None:
        """Delete an account that nothing was ever booked on: no list shows it any more."""
        account = self.alter_account(code)
        with self._simulator.lock, self._organisation.change():
            self._organisation.accounts.remove(account["AccountID"])

    def add_theme(self, name: str) -> Record:
        """Add a branding theme, the last in order."""
        themes = self._organisation.branding_themes
        with self._simulator.lock, self._organisation.change():
            if any(theme["Name"].lower() == name.lower() for theme in themes.values()):
                raise NotAllowed("Please enter a unique Name.")
            model = max(themes.values(), key=lambda theme: int(theme["SortOrder"]))
            fresh = {
                "BrandingThemeID": self._organisation.new_id(),
                "Name": name,
                "SortOrder": model["SortOrder"] + 1,
            }
            return themes.save({**model, **fresh, "UpdatedDateUTC": self._clock.now()})

    def rename_theme(self, theme_id: str, name: str) -> Record:
        return self._alter(self._organisation.branding_themes, theme_id, {"Name": name})

    def delete_theme(self, theme_id: str) -> None:
        with self._simulator.lock, self._organisation.change():
            self._organisation.branding_themes.remove(theme_id)

    def add_tax_rate(self, **fields: object) -> Record:
        return self._save(draft_tax_rate, self._organisation.tax_rates, fields)

    def alter_tax_rate(self, tax_type: str, **fields: object) -> Record:
        return self._alter(self._organisation.tax_rates, tax_type, fields)

    def archive_tax_rate(self, tax_type: str) -> Record:
        return self.alter_tax_rate(tax_type, Status="ARCHIVED")

    def add_tracking_category(self, name: str, options: Iterable[str] = ()) -> Record:
        """Add a tracking category with these options."""
        with self._simulator.lock, self._organisation.change():
            held = self._organisation.tracking_categories.values()
            if any(category["Name"].lower() == name.lower() for category in held):
                raise NotAllowed("Please enter a unique Name.")
            record = category_record(name, options, self._organisation.new_id, self._clock.now())
            return self._organisation.tracking_categories.save(record)

    def add_tracking_option(self, category: str, option: str) -> Record:
        """Add an option to the category of this name; return the category."""
        record = self._category(category)
        added = option_record(option, self._organisation.new_id)
        return self._alter_category(record, {"Options": [*record["Options"], added]})

    def archive_tracking_option(self, category: str, option: str) -> Record:
        record = self._category(category)
        options = [
            each | {"Status": "ARCHIVED"} if each["Name"].lower() == option.lower() else each
            for each in record["Options"]
        ]
        if options == record["Options"]:
            raise NotAllowed(f"There is no active option {option} in {category}")
        return self._alter_category(record, {"Options": options})

    def archive_tracking_category(self, category: str) -> Record:
        return self._alter_category(self._category(category), {"Status": "ARCHIVED"})

    def set_payment_terms(self, *, sales: Record | None = None, bills: Record | None = None) -> Record:
        """Set the organisation's terms, both sides at once: {"Day": 20, "Type": "OFFOLLOWINGMONTH"}, or None."""
        with self._simulator.lock:
            self._organisation.payment_terms = read_terms(sales=sales, bills=bills)
        return self._organisation.payment_terms

    def set_lock_dates(self, *, period: object = None, year_end: object = None) -> None:
        """Lock everything dated on or before these days; None unlocks."""
        with self._simulator.lock:
            self._organisation.period_lock_on = read_day(period)
            self._organisation.year_end_lock_on = read_day(year_end)

    def disconnect_app(self, client_id: str | None = None) -> None:
        """End the connection of one app, or of every app, to this organisation."""
        with self._simulator.lock:
            self._simulator.identity.disconnect(tenant_id=self._organisation.tenant_id, client_id=client_id)

    def _save(self, make: Callable[..., Draft], table: Table, fields: Record) -> Record:
        with self._simulator.lock, self._organisation.change():
            draft = make(self._organisation, dict(fields), self._clock.now())
            insist(draft.errors)
            return table.save(draft.record)

    def _alter(self, table: Table, record_id: str, fields: Record) -> Record:
        with self._simulator.lock, self._organisation.change():
            return table.save({**table[record_id], **fields, "UpdatedDateUTC": self._clock.now()})

    def _category(self, name: str) -> Record:
        for category in self._organisation.tracking_categories.values():
            if category["Name"].lower() == name.lower():
                return category
        raise NotAllowed(f"There is no tracking category {name}")

    def _alter_category(self, category: Record, fields: Record) -> Record:
        return self._alter(self._organisation.tracking_categories, category["TrackingCategoryID"], fields)


def insist(errors: list[str]) -> None:
    if errors:
        raise NotAllowed("; ".join(errors))


def read_terms(*, sales: Record | None, bills: Record | None) -> Record:
    terms, errors = merge_terms({}, {"Sales": sales, "Bills": bills})
    insist(errors)
    return terms


def read_day(value: object) -> date | None:
    return value if value is None or isinstance(value, date) else parse_date(value)
