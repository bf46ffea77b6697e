"""What every document of a batch is mapped with, and why an invoice may have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from core.books import Books, Item, Terms
from core.custom_fields import EMPTY, CustomFields
from core.preferences import Preferences
from core.tracking import Tracking


class Unmappable(Exception):
    """The invoice cannot become a Xero document as it is; the message says what to do (it ends in the history)."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The same invoice and the same basis give the same document.

    `items` by the product number of Dynamics; `contact_terms` by contact id and side (sales or not), as far as they
    are needed.
    """

    books: Books
    preferences: Preferences
    zone: ZoneInfo
    items: Mapping[str, Item] = field(default_factory=dict)
    contact_terms: Mapping[tuple[str, bool], Terms] = field(default_factory=dict)
    custom: CustomFields = EMPTY
    tracking: Tracking = field(default_factory=dict)

    def terms(self, contact_id: str, *, sales: bool) -> Terms | None:
        """Return the terms that count for documents of this contact: its own, else the organisation's."""
        return self.contact_terms.get((contact_id, sales)) or self.books.terms(sales=sales)

    def default_account(self, *, sales: bool) -> str:
        """Return the account where a line names none (rules B6, B7); empty if there is none."""
        chosen = self.preferences.sales_account if sales else self.preferences.purchase_account
        return chosen or self.books.default_account(sales=sales)

    def freight_account(self, *, sales: bool) -> str:
        """Return the account of freight (rule B11); empty if there is none."""
        return self.preferences.freight_account or self.default_account(sales=sales)

    def tax_type_of(self, account: str) -> str:
        """Return the tax type that an account gives a line by itself; empty where the books don't say."""
        found = self.books.accounts.get(account)
        return found.tax_type if found else ""
