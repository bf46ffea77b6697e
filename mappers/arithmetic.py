"""What Xero will make of a document, reckoned its own way, for people who look before it is sent.

Nothing is decided by it: once a document exists, Xero's own figures count (rules C40, C52).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.money import round_to
from mappers.basis import Basis
from mappers.lines import XERO_DECIMALS, XeroLine
from mappers.xero import XeroInvoice

ZERO, HUNDRED = Decimal(0), Decimal(100)


@dataclass(frozen=True, slots=True)
class ReckonedLine:
    """A line's amount and tax, and the account and tax type that it ends up with, sent or not.

    `rate` is a percentage; None where there is no tax type, or nobody knows its rate.
    """

    amount: Decimal
    account: str
    tax_type: str
    rate: Decimal | None
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The lines of a document (None: a note) and their sums; `unknown` are tax types whose rate is not known."""

    lines: tuple[ReckonedLine | None, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    unknown: tuple[str, ...] = ()

    def as_answer(self) -> dict[str, Any]:
        """Return the figures as fields of a Xero invoice, for whoever compares those."""
        lines = [{"LineAmount": line.amount, "TaxAmount": line.tax} if line else {} for line in self.lines]
        return {"SubTotal": self.net, "TotalTax": self.tax, "Total": self.total, "LineItems": lines}


def reckon(document: XeroInvoice, basis: Basis, rates: Mapping[str, Decimal]) -> Reckoned:
    """Return what the document adds up to; `rates` are effective rates in per cent by tax type.

    Tax is taken line by line, each to the cent, then summed; compound rates are in the effective rate. What Xero does
    with exact halves of a cent it does not say. Source: Xero, rounding in its accounting API.
    """
    lines = tuple(_line(line, document, basis, rates) for line in document.lines)
    counted = [line for line in lines if line is not None]
    amounts = sum((line.amount for line in counted), ZERO)
    tax = sum((line.tax for line in counted), ZERO)
    unknown = tuple(dict.fromkeys(line.tax_type for line in counted if line.tax_type and line.rate is None))
    if document.line_amount_types == "Inclusive":
        return Reckoned(lines, amounts - tax, tax, amounts, unknown)
    return Reckoned(lines, amounts, tax, amounts + tax, unknown)


def _line(line: XeroLine, document: XeroInvoice, basis: Basis, rates: Mapping[str, Decimal]) -> ReckonedLine | None:
    if line.quantity is None or line.unit_amount is None:
        return None
    amount = round_to(line.quantity * line.unit_amount - (line.discount or ZERO), XERO_DECIMALS)
    account, tax_type = _in_force(line, document, basis)
    rate = rates.get(tax_type)
    return ReckonedLine(amount, account, tax_type, rate, _tax(amount, rate or ZERO, document.line_amount_types))


def _in_force(line: XeroLine, document: XeroInvoice, basis: Basis) -> tuple[str, str]:
    """The line's own account and tax type, else the item's; no tax type: that of the account."""
    sales = document.type == "ACCREC"
    item = next((each for each in basis.items.values() if each.code == line.item_code), None)
    side = item.side(sales=sales) if item else None
    account = line.account_code or (side.account if side else "")
    if document.line_amount_types == "NoTax":
        return account, ""
    return account, line.tax_type or (side.tax_type if side else "") or basis.tax_type_of(account)


def _tax(amount: Decimal, rate: Decimal, line_amount_types: str) -> Decimal:
    if line_amount_types == "Inclusive":
        return round_to(amount * rate / (HUNDRED + rate), XERO_DECIMALS)
    return round_to(amount * rate / HUNDRED, XERO_DECIMALS)
