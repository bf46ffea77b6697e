"""Reads a Xero organisation's books, at most once an hour: currency, link code, accounts."""

from __future__ import annotations

from core.books import Account, Books
from pipeline.tools import Tools

NOT_ON_LINES = frozenset({"BANK"})


def read_books(tools: Tools) -> Books:
    """Return the books of the connection's organisation. Raises Transient, Limited or Disconnected."""
    known = tools.memory.books()
    if known is not None:
        return known
    organisation = tools.xero.get_organisation()
    accounts = {
        row["Code"]: Account(
            code=row["Code"],
            type=row.get("Type", ""),
            tax_type=row.get("TaxType", ""),
            is_active=row.get("Status") == "ACTIVE",
        )
        for row in tools.xero.list_accounts()
        if row.get("Code") and row.get("Type") not in NOT_ON_LINES and not row.get("SystemAccount")
    }
    books = Books(organisation["BaseCurrency"], organisation.get("ShortCode", ""), accounts)
    tools.memory.remember_books(books)
    return books
