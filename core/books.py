"""What the connector knows of a Xero organisation's books: currency, accounts, items; codes and ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SALES_TYPES = frozenset({"SALES", "REVENUE"})


@dataclass(frozen=True, slots=True)
class Account:
    """An account on which a line can be booked, and the tax type that it gives a line by default."""

    code: str
    type: str
    tax_type: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """An item's own account and tax type on the sales side; empty where it has none."""

    code: str
    sales_account: str = ""
    sales_tax_type: str = ""


@dataclass(frozen=True, slots=True)
class Books:
    """`accounts` by code. `short_code` is the organisation's part of a link into Xero."""

    base_currency: str
    short_code: str
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def default_sales_account(self) -> str:
        """Return the lowest code of an active sales account (rule B6); empty if there is none."""
        usable = (
            code for code, account in self.accounts.items() if account.is_active and account.type in SALES_TYPES
        )
        return min(usable, default="")
