"""Reads a Xero organisation's books, at most once an hour: currency, link code, accounts, terms of payment."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from core.books import Account, Books, Terms
from mappers.reference import IN_USE, stands_on_lines
from pipeline.tools import Tools


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
            is_active=row.get("Status") == IN_USE,
            is_system=bool(row.get("SystemAccount")),
        )
        for row in tools.xero.list_accounts()
        if stands_on_lines(row)
    }
    books = Books(
        organisation["BaseCurrency"],
        organisation.get("ShortCode", ""),
        accounts,
        sales_terms=_terms(organisation, sales=True),
        bill_terms=_terms(organisation, sales=False),
    )
    tools.memory.remember_books(books)
    return books


def read_contact_terms(tools: Tools, contact_ids: Collection[str], *, sales: bool) -> dict[str, Terms]:
    """Return the terms that these contacts have for that side; who has none is left out (rule C11).

    Raises Transient, Limited or Disconnected.
    """
    wanted = sorted(set(contact_ids))
    known = tools.memory.terms(wanted, sales=sales)
    unknown = [contact_id for contact_id in wanted if contact_id not in known]
    if unknown:
        read = dict.fromkeys(unknown, None) | {
            row["ContactID"]: _terms(row, sales=sales) for row in tools.xero.list_contacts(ids=unknown)
        }
        tools.memory.remember_terms(read, sales=sales)
        known |= read
    return {contact_id: terms for contact_id, terms in known.items() if terms is not None}


def _terms(row: Any, *, sales: bool) -> Terms | None:
    found = (row.get("PaymentTerms") or {}).get("Sales" if sales else "Bills") or {}
    if not found.get("Type") or found.get("Day") is None:
        return None
    return Terms(int(found["Day"]), str(found["Type"]))
