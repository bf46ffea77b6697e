"""Money: line amounts, tax per line and document totals, by the rules of Xero's rounding guide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from simulators.xero.codec import Record

ZERO = Decimal(0)
HUNDRED = Decimal(100)
_STEPS = {places: Decimal(1).scaleb(-places) for places in range(7)}


@dataclass(frozen=True, slots=True)
class Totals:
    """What a document adds up to, in its own currency."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal


def rounded(amount: Decimal, places: int = 2) -> Decimal:
    """Round half away from zero: Xero does not say what it does with ties, so nobody may depend on it."""
    return amount.quantize(_STEPS[places], rounding=ROUND_HALF_UP)


def line_amount(
    quantity: Decimal, unit_amount: Decimal, *, discount_rate: Decimal | None, discount_amount: Decimal | None
) -> Decimal:
    """Return the net of one line after its discount, to the cent."""
    gross = quantity * unit_amount
    if discount_rate is not None:
        return rounded(gross * (HUNDRED - discount_rate) / HUNDRED)
    return rounded(gross - (discount_amount or ZERO))


def line_tax(amount: Decimal, rate: Decimal, line_amount_types: str) -> Decimal:
    """Return the tax on (Exclusive) or within (Inclusive) one line amount, to the cent; `rate` is a percentage."""
    if line_amount_types == "Exclusive":
        return rounded(amount * rate / HUNDRED)
    if line_amount_types == "Inclusive":
        return rounded(amount * rate / (HUNDRED + rate))
    return ZERO


def document_totals(lines: Iterable[Record], line_amount_types: str) -> Totals:
    """Add up lines that already carry LineAmount and TaxAmount; text lines carry neither."""
    amounts = tax = ZERO
    for line in lines:
        amounts += line.get("LineAmount", ZERO)
        tax += line.get("TaxAmount", ZERO)
    if line_amount_types == "Inclusive":
        return Totals(amounts - tax, tax, amounts)
    return Totals(amounts, tax, amounts + tax)


def document_discount(lines: Iterable[Record]) -> Decimal:
    """Return what the lines' discounts take off, before tax."""
    discount = ZERO
    for line in lines:
        if "DiscountRate" in line or "DiscountAmount" in line:
            discount += rounded(line["Quantity"] * line["UnitAmount"]) - line["LineAmount"]
    return discount
