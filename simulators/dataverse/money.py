"""The arithmetic of invoices: lines, totals, base currency. Pure functions on Decimals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from simulators.dataverse.values import round_to

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """What people type on an invoice line."""

    quantity: Decimal
    price: Decimal
    volume_discount: Decimal = ZERO
    manual_discount: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class LineAmounts:
    base: Decimal
    extended: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """The computed columns of an invoice, named as Dynamics names them without the word amount."""

    line_items: Decimal
    line_discounts: Decimal
    discounts: Decimal
    less_freight: Decimal
    tax: Decimal
    total: Decimal


def line_discount(line: Line, *, per_unit: bool) -> Decimal:
    """The manual discount of the whole line; an organisation may have it typed per unit."""
    return line.manual_discount * line.quantity if per_unit else line.manual_discount


def line_amounts(line: Line, places: int, *, per_unit: bool = False) -> LineAmounts:
    """Base is quantity by price less the volume discount; extended takes off the manual discount and adds tax."""
    base = round_to(line.quantity * (line.price - line.volume_discount), places)
    extended = base - round_to(line_discount(line, per_unit=per_unit), places) + round_to(line.tax, places)
    return LineAmounts(base=base, extended=extended)


def invoice_totals(
    lines: Iterable[Line],
    places: int,
    *,
    discount: Decimal = ZERO,
    discount_percentage: Decimal = ZERO,
    freight: Decimal = ZERO,
    per_unit: bool = False,
) -> Totals:
    """Freight is never taxed; discounts of the whole invoice come off before freight and tax."""
    zero = round_to(ZERO, places)
    line_items = line_discounts = tax = zero
    for line in lines:
        amounts = line_amounts(line, places, per_unit=per_unit)
        line_items += amounts.extended - round_to(line.tax, places)
        line_discounts += round_to(line_discount(line, per_unit=per_unit), places)
        tax += round_to(line.tax, places)
    share = round_to(line_items * discount_percentage / 100, places)
    discount, freight = round_to(discount, places), round_to(freight, places)
    less_freight = line_items - discount - share
    return Totals(
        line_items=line_items,
        line_discounts=line_discounts,
        discounts=discount + share + line_discounts,
        less_freight=less_freight,
        tax=tax,
        total=less_freight + freight + tax,
    )


def in_base_currency(amount: Decimal, rate: Decimal) -> Decimal:
    """`rate` is units of the row's currency for one of the base currency."""
    return round_to(amount / rate, 4)
