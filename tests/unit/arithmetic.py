"""How the two systems calculate, from their vendors' words alone: no rounding of ours, no code of the simulators.

Amounts are exact fractions until the system itself rounds. Neither vendor says what becomes of a tie, so `ties` is a
parameter of both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.invoice import Invoice, Line
from core.money import dumps

UP, EVEN = "half away from zero", "half to even"
COMPONENTS = (3, 4)


def rounded(amount: Fraction, places: int, ties: str = UP) -> Fraction:
    """Return the nearest number with so many decimals."""
    scaled = abs(amount) * 10**places
    whole, rest = divmod(scaled, 1)
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (ties == UP or whole % 2)):
        whole += 1
    return Fraction(whole if amount >= 0 else -whole, 10**places)


def decimal(amount: Fraction, places: int) -> Decimal:
    """Return a rounded amount as Dataverse and Xero write it."""
    scaled = amount * 10**places
    assert scaled.denominator == 1, amount
    return Decimal(scaled.numerator).scaleb(-places)


# -- Dynamics ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pricing:
    """How an organisation of Dynamics calculates in one currency."""

    decimals: int = 2
    ties: str = UP
    discounts_per_unit: bool = False

    def round(self, amount: Fraction | Decimal) -> Fraction:
        return rounded(Fraction(amount), self.decimals, self.ties)


def calculated(typed: Invoice, pricing: Pricing) -> Invoice:
    """Return the invoice as Dynamics shows it, from what people typed on it and on its lines.

    Source: descriptions of the invoice and invoicedetail columns; freight is never taxed.
    """
    lines = tuple(_extended(line, pricing) for line in typed.lines)
    counted = [line for line in lines if line.product_type not in COMPONENTS]
    tax = sum((pricing.round(line.tax) for line in counted), Fraction(0))
    items = sum((Fraction(line.extended_amount or 0) - pricing.round(line.tax) for line in counted), Fraction(0))
    discount, freight = pricing.round(typed.discount), pricing.round(typed.freight)
    less_freight = items - discount - pricing.round(items * Fraction(typed.discount_percentage) / 100)
    return replace(
        typed,
        lines=lines,
        currency_decimals=pricing.decimals,
        discount=decimal(discount, pricing.decimals),
        freight=decimal(freight, pricing.decimals),
        total_lines=decimal(items, pricing.decimals),
        total_less_freight=decimal(less_freight, pricing.decimals),
        total_tax=decimal(tax, pricing.decimals),
        total=decimal(less_freight + freight + tax, pricing.decimals),
    )


def _extended(line: Line, pricing: Pricing) -> Line:
    base = pricing.round(Fraction(line.quantity) * (Fraction(line.price) - Fraction(line.volume_discount)))
    manual = Fraction(line.manual_discount) * (Fraction(line.quantity) if pricing.discounts_per_unit else 1)
    extended = base - pricing.round(manual) + pricing.round(line.tax)
    return replace(line, extended_amount=decimal(extended, pricing.decimals))


# -- Xero --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class XeroBooks:
    """What a Xero organisation has: tax rates in percent, the tax type of accounts, the sides of items.

    `items`: by code and document type, the account and the tax type that the item gives, either may be empty.
    """

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


def xero_answer(
    payload: Mapping[str, Any], books: XeroBooks, *, ties: str = UP, discounts_first: bool = True
) -> dict[str, Any]:
    """Return what Xero answers to this document, with quantities and prices of four decimals (unitdp=4).

    `discounts_first`: whether a line's amount is rounded after its discount is taken off, or before.
    Source: Xero OpenAPI, LineItem; Xero's rounding guide: tax for each line to two decimals, then the sum.
    """
    sent = json.loads(dumps(payload), parse_float=Fraction, parse_int=Fraction)
    lines = [_answered(line, sent, books, ties, discounts_first) for line in sent["LineItems"]]
    amounts = sum((line["LineAmount"] for line in lines if "LineAmount" in line), Fraction(0))
    tax = sum((line["TaxAmount"] for line in lines if "TaxAmount" in line), Fraction(0))
    inclusive = sent["LineAmountTypes"] == "Inclusive"
    return {
        "Type": sent["Type"],
        "SubTotal": decimal(amounts - tax if inclusive else amounts, 2),
        "TotalTax": decimal(tax, 2),
        "Total": decimal(amounts if inclusive else amounts + tax, 2),
        "LineItems": [
            {name: decimal(value, 2) if isinstance(value, Fraction) else value for name, value in line.items()}
            for line in lines
        ],
    }


def line_amount(line: Mapping[str, Any], *, ties: str = UP, discounts_first: bool = True) -> Fraction:
    """Return the amount of one line, whose numbers are decimals or fractions."""
    quantity, price = (rounded(Fraction(line[name]), 4, ties) for name in ("Quantity", "UnitAmount"))
    discount = Fraction(line.get("DiscountAmount", 0))
    if discounts_first:
        return rounded(quantity * price - discount, 2, ties)
    return rounded(quantity * price, 2, ties) - rounded(discount, 2, ties)


def has_tie(line: Mapping[str, Any]) -> bool:
    """Whether the amount lies half-way between two cents."""
    if "Quantity" not in line:
        return False
    exact = Fraction(line["Quantity"]) * Fraction(line["UnitAmount"]) * 100
    return exact % 1 == Fraction(1, 2)


def _answered(
    line: Mapping[str, Any], sent: Mapping[str, Any], books: XeroBooks, ties: str, discounts_first: bool
) -> dict[str, Any]:
    if line.keys() == {"Description"}:
        return dict(line)
    amount = line_amount(line, ties=ties, discounts_first=discounts_first)
    tax = Fraction(0)
    if sent["LineAmountTypes"] != "NoTax":
        rate = Fraction(books.rates[tax_type_of(line, sent["Type"], books)])
        share = rate / (100 + rate) if sent["LineAmountTypes"] == "Inclusive" else rate / 100
        tax = rounded(amount * share, 2, ties)
    return {"Description": line["Description"], "LineAmount": amount, "TaxAmount": tax}


def account_of(line: Mapping[str, Any], kind: str, books: XeroBooks) -> str:
    """Return the account on which Xero books a line of a document of this type."""
    given: str = line.get("AccountCode", "") or books.items.get((line.get("ItemCode", ""), kind), ("", ""))[0]
    assert given, f"no account: {line}"
    return given


def tax_type_of(line: Mapping[str, Any], kind: str, books: XeroBooks) -> str:
    """Return the tax type: the line's own, its item's for that side, its account's."""
    from_item = books.items.get((line.get("ItemCode", ""), kind), ("", ""))[1]
    return str(line.get("TaxType", "") or from_item or books.accounts[account_of(line, kind, books)])
