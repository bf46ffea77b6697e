"""Discounts on the whole invoice and freight → lines of their own, by account and tax type (rule C37)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from core.invoice import Invoice
from core.money import round_to
from mappers.basis import Basis, Unmappable
from mappers.custom_fields import tracking_in_xero, tracking_of
from mappers.lines import NO_TAX, XERO_DECIMALS, Booked, Booking, XeroLine

DISCOUNT, FREIGHT = "discount", "freight"  # stand where other lines have the id of a Dynamics line
NAMES = {DISCOUNT: "Discount", FREIGHT: "Freight"}
ONE = Decimal(1)


def discount_of(invoice: Invoice) -> Decimal:
    """Return what comes off the sum of the lines: the amount, and the percentage of it. Dynamics' own figure wins."""
    if invoice.total_less_freight is not None:
        return invoice.total_lines - invoice.total_less_freight
    share = round_to(invoice.total_lines * invoice.discount_percentage / 100, invoice.currency_decimals)
    return invoice.discount + share


def adjustments(invoice: Invoice, booked: Sequence[Booked], basis: Basis) -> list[XeroLine]:
    """Return the lines for the discount and the freight of the whole invoice."""
    lines = []
    default = basis.default_account(sales=invoice.is_sales)
    is_percentage = bool(invoice.discount_percentage) and not invoice.discount
    discounts = _shares(discount_of(invoice), booked, invoice, by_account=True, is_percentage=is_percentage)
    for (account, tax_type), part in discounts:
        lines.append(_line(DISCOUNT, -part, account or default, tax_type, invoice, basis))
    freight_account = basis.freight_account(sales=invoice.is_sales)
    for (_, tax_type), part in _shares(invoice.freight, booked, invoice, by_account=False):
        lines.append(_line(FREIGHT, part, freight_account, tax_type, invoice, basis))
    return lines


def share(
    amount: Decimal, weights: Sequence[Decimal], decimals: int, *, is_percentage: bool = False
) -> list[Decimal]:
    """Return `amount` in proportion to the weights, rounded so that the parts add up to it.

    A negative line among positive ones takes no share of an amount: it is a credit, and proportions to a sum that it
    shrinks could be larger than the lines themselves. Without a positive weight the first takes all. A percentage is
    taken off credits as well.
    """
    sign = -1 if all(weight <= 0 for weight in weights) else 1
    counted = list(weights) if is_percentage else [max(Decimal(0), sign * weight) for weight in weights]
    total = sum(counted, Decimal(0))
    if not total:
        return [amount if index == 0 else Decimal(0) for index in range(len(weights))]
    # Each border between two parts is rounded, not each part: no part then gets the wrong sign from rounding rests.
    parts, given, run = [], Decimal(0), Decimal(0)
    for weight in counted:
        run += weight
        border = round_to(amount * run / total, decimals)
        parts.append(border - given)
        given = border
    return parts


def _shares(
    amount: Decimal, booked: Sequence[Booked], invoice: Invoice, *, by_account: bool, is_percentage: bool = False
) -> list[tuple[tuple[str, str], Decimal]]:
    """Return each (account, tax type) and its part of the amount, where there is any."""
    decimals = min(invoice.currency_decimals, XERO_DECIMALS)
    amount = round_to(amount, decimals)
    if not amount:
        return []
    nets: dict[tuple[str, str], Decimal] = {}
    for each in booked:
        key = (each.booking.account if by_account else "", each.booking.tax_type)
        nets[key] = nets.get(key, Decimal(0)) + each.net
    if not nets:
        return [(("", ""), amount)]
    parts = share(amount, list(nets.values()), decimals, is_percentage=is_percentage)
    return [(key, part) for key, part in zip(nets, parts, strict=True) if part]


def _line(kind: str, amount: Decimal, account: str, tax_type: str, invoice: Invoice, basis: Basis) -> XeroLine:
    if not account:
        side = "sales" if invoice.is_sales else "purchase"
        raise Unmappable(f"{NAMES[kind]}: no account. Set a default {side} account code in the settings.")
    taxed = invoice.line_amount_types != NO_TAX
    booking = Booking(account, tax_type, says_tax_type=taxed and tax_type != basis.tax_type_of(account))
    return XeroLine(
        line_id=kind,
        description=NAMES[kind],
        quantity=ONE,
        unit_amount=amount,
        account_code=booking.sent_account,
        tax_type=booking.sent_tax_type,
        tracking=tracking_in_xero(tracking_of(basis.custom, invoice, None), basis.tracking),
        given_tax_type=booking.given_tax_type,
    )
