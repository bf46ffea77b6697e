"""What the connector knows of a Xero organisation's books: currency, accounts, items; codes and ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SALES_TYPES = frozenset({"SALES", "REVENUE"})
PURCHASE_TYPES = frozenset({"EXPENSE", "DIRECTCOSTS"})


@dataclass(frozen=True, slots=True)
class Account:
    """An account on which a line can be booked, and the tax type that it gives a line by default.

    `is_system`: one of Xero's own, as for roundings, on which nothing is booked that a person has not put there.
    """

    code: str
    type: str
    tax_type: str
    is_active: bool = True
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """What an item gives a line of a sales invoice or of a bill by itself; empty where it gives nothing."""

    account: str = ""
    tax_type: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An item, its code in Xero's spelling, and its two sides."""

    code: str
    sales: Side = Side()
    purchases: Side = Side()

    def side(self, *, sales: bool) -> Side:
        return self.sales if sales else self.purchases


@dataclass(frozen=True, slots=True)
class Terms:
    """When a document is due: `type` is Xero's PaymentTermType, `day` its number of days or day of the month."""

    day: int
    type: str


@dataclass(frozen=True, slots=True)
class Books:
    """`accounts` by code. `short_code` is the organisation's part of a link into Xero."""

    base_currency: str
    short_code: str
    accounts: Mapping[str, Account] = field(default_factory=dict)
    sales_terms: Terms | None = None
    bill_terms: Terms | None = None

    def default_account(self, *, sales: bool) -> str:
        """Return the lowest code of an active account of that side (rules B6, B7); empty if there is none.

        Numbers count as numbers, 200 before 1000, and come before codes with letters.
        """
        types = SALES_TYPES if sales else PURCHASE_TYPES
        usable = (account for account in self.accounts.values() if account.is_active and not account.is_system)
        codes = (account.code for account in usable if account.type in types)
        return min(
            codes, key=lambda code: (not code.isdecimal(), int(code) if code.isdecimal() else 0, code), default=""
        )

    def terms(self, *, sales: bool) -> Terms | None:
        return self.sales_terms if sales else self.bill_terms
