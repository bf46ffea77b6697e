"""Reads Xero's tracking categories, at most once an hour, and again when an invoice names what is not among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clients.xero import Xero
from core.custom_fields import CustomFields
from core.errors import Disconnected
from core.invoice import Invoice
from core.tracking import Category, Tracking, folded
from mappers.custom_fields import missing_tracking, tracking_of
from pipeline.custom_fields import WHERE
from pipeline.tools import Tools


def read_tracking(tools: Tools, custom: CustomFields, invoices: Sequence[Invoice]) -> Tracking:
    """Return the categories by folded name; none, and no call, where the custom fields fill none.

    Raises Disconnected if Xero lacks a category that they name, Transient or Limited. What an invoice lacks is its
    own affair (`tracking_in_xero`).
    """
    if not custom.tracking:
        return {}
    remembered = tools.memory.tracking()
    if remembered is not None and not missing_categories(custom, remembered):
        wanted = [pair for invoice in invoices for pair in _wanted(custom, invoice)]
        if not missing_tracking(wanted, remembered):
            return remembered
    found = list_tracking(tools.xero)  # somebody may have added it since
    tools.memory.remember_tracking(found)
    if missing := missing_categories(custom, found):
        raise Disconnected(
            f"The custom fields cannot be used. {' '.join(missing)} Add it in Xero, or correct them ({WHERE})."
        )
    return found


def list_tracking(xero: Xero) -> dict[str, Category]:
    """Return the categories in use by folded name; one call."""
    found = {}
    for row in xero.list_tracking_categories():
        if row.get("Status", "ACTIVE") != "ACTIVE":
            continue
        options = {folded(one["Name"]): one for one in row.get("Options", ())}
        active = {key: one["Name"] for key, one in options.items() if one.get("Status", "ACTIVE") == "ACTIVE"}
        found[folded(row["Name"])] = Category(row["Name"], active, tuple(sorted(options.keys() - active.keys())))
    return found


def missing_categories(custom: CustomFields, known: Tracking) -> list[str]:
    """Return in words which categories of the custom fields Xero does not have."""
    return [
        f"tracking: Xero has no active tracking category “{name}”."
        for name, _ in custom.tracking
        if folded(name) not in known
    ]


def _wanted(custom: CustomFields, invoice: Invoice) -> Iterable[tuple[str, str]]:
    for line in (None, *invoice.lines):
        yield from tracking_of(custom, invoice, line)
