"""The customer's own columns in rows of Dynamics: what a read selects for them, and their values as texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core import gates
from core.custom_fields import ACCOUNT, CONTACT, INVOICE, LINE, PRODUCT, CustomFields, Kind
from core.invoice import Invoice, Line

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
_EXPANDED = {"customerid_account": ACCOUNT, "customerid_contact": CONTACT, "productid": PRODUCT}
_OF_INVOICE_READ = (INVOICE, ACCOUNT, CONTACT)
_OF_LINE_READ = (LINE, PRODUCT)


def select(standard: str, custom: CustomFields, table: str) -> str:
    """Return a `$select` with the columns of `table` as well, each once."""
    return ",".join(dict.fromkeys((*standard.split(","), *_properties(custom, table))))


def expand(standard: str, custom: CustomFields) -> str:
    """Return an `$expand` whose customers and products come with their columns as well."""
    for navigation, table in _EXPANDED.items():
        head, found, rest = standard.partition(f"{navigation}($select=")
        if found:
            inner, closing, behind = rest.partition(")")
            standard = f"{head}{found}{select(inner, custom, table)}{closing}{behind}"
    return standard


def needs_labels(custom: CustomFields, *, lines: bool) -> bool:
    """Whether the read of invoices, or that of lines, has to ask for labels and names beside the values."""
    tables = _OF_LINE_READ if lines else _OF_INVOICE_READ
    return any(kind in ("label", "lookup") for table in tables for kind in custom.kinds.get(table, {}).values())


def with_custom(
    invoice: Invoice,
    row: Mapping[str, Any],
    line_rows: Iterable[Mapping[str, Any]],
    custom: CustomFields,
    zone: ZoneInfo,
) -> Invoice:
    """Return the invoice with the values that the custom fields need, on itself, its customer, lines and products."""
    if not custom.kinds:
        return invoice
    rows = {each["invoicedetailid"]: each for each in line_rows}
    customer = invoice.customer
    if customer is not None:
        inner = row.get(f"customerid_{customer.kind}") or {}
        customer = replace(customer, custom=_values(inner, custom, customer.kind, zone))
    return replace(
        invoice,
        custom=_values(row, custom, INVOICE, zone),
        customer=customer,
        lines=tuple(_line_with(line, rows[line.id], custom, zone) for line in invoice.lines),
    )


def _line_with(line: Line, row: Mapping[str, Any], custom: CustomFields, zone: ZoneInfo) -> Line:
    product = line.product
    if product is not None:
        product = replace(product, custom=_values(row.get("productid") or {}, custom, PRODUCT, zone))
    return replace(line, product=product, custom=_values(row, custom, LINE, zone))


def _values(row: Mapping[str, Any], custom: CustomFields, table: str, zone: ZoneInfo) -> dict[str, str]:
    """Return each column that is filled in, by its logical name."""
    read = {name: _text(row, _property(name, kind), kind, zone) for name, kind in custom.kinds.get(table, {}).items()}
    return {name: text for name, text in read.items() if text}


def _properties(custom: CustomFields, table: str) -> list[str]:
    return [_property(name, kind) for name, kind in sorted(custom.kinds.get(table, {}).items())]


def _property(name: str, kind: Kind) -> str:
    return f"_{name}_value" if kind == "lookup" else name


def _text(row: Mapping[str, Any], name: str, kind: Kind, zone: ZoneInfo) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if kind in ("label", "lookup"):
        label = str(row.get(f"{name}{FORMATTED}") or "")  # without one it is an option or a row that is gone
        return label or (("Yes" if value else "No") if isinstance(value, bool) else "")
    if kind == "number":
        return _plain(Decimal(value))
    if kind in ("day", "moment", "wall clock"):
        return _time(str(value), kind, zone)
    return str(value)


def _time(text: str, kind: Kind, zone: ZoneInfo) -> str:
    """A day as it was typed (as Date Delivered, rule C11), a moment in the connection's zone, to the minute."""
    if "T" not in text:
        return text
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)  # Dataverse gives all of them with a Z
    if kind == "day":
        return gates.delivered_on(moment, zone).isoformat()
    return f"{moment if kind == 'wall clock' else moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"
