"""The lines of a document in Xero → those of the credit note that takes it back (rule E9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.money import exact, round_to
from mappers.lines import PRICE_DECIMALS, XERO_DECIMALS, bare, text_with
from mappers.totals import amount

ZERO, ONE = Decimal(0), Decimal(1)
HALF_CENT = Decimal("0.005")
UNTAXED = "NoTax"
NO_TEXT = "-"  # Xero approves no line without a text, though its own pages make such lines

Row = Mapping[str, Any]
Line = dict[str, Any]


def credit_lines(document: Row) -> list[Line]:
    """Return the lines: what each is booked on and its tax as they stand, its discount in the price.

    Their amounts are Xero's own. Raises TypeError for a float.
    """
    return [_line(row, document, whole=False) for row in _rows(document)]


def corrected_lines(note: Row, document: Row) -> list[Line]:
    """Return the lines anew, so that the note adds up to the document: `note` is what Xero made of them.

    A line with another amount than the document's gets quantity 1 and that amount; what is missing of the tax is
    added to the tax of the largest line.
    """
    rows, made = _rows(document), _rows(note)
    if len(made) != len(rows):
        made = rows  # somebody has changed them, so they say nothing of what Xero makes of ours
    lines = [
        _line(row, document, whole=amount_of(row) != amount_of(one)) for row, one in zip(rows, made, strict=True)
    ]
    if not _is_taxed(document):
        return lines
    for line, row, one in zip(lines, rows, made, strict=True):
        if "TaxAmount" in line and amount_of(row) == amount_of(one):
            line["TaxAmount"] = amount(one, "TaxAmount")
    _add_rest(lines, rows, amount(document, "TotalTax"))
    return lines


def amount_of(row: Row) -> Decimal | None:
    """Return the amount of a line of a document in Xero; None for a line of text."""
    return None if row.get("LineAmount") is None else amount(row, "LineAmount")


def _rows(document: Row) -> Sequence[Row]:
    return document.get("LineItems") or ()


def _is_taxed(document: Row) -> bool:
    return document.get("LineAmountTypes") != UNTAXED


def _line(row: Row, document: Row, *, whole: bool) -> Line:
    text, net = str(row.get("Description") or ""), amount_of(row)
    text = text if text.strip() else NO_TEXT
    tracking = [{"Name": one["Name"], "Option": one["Option"]} for one in row.get("Tracking") or ()]
    if net is None:
        return _without_nothing({"Description": text, "Tracking": tracking})
    quantity = ONE if row.get("Quantity") is None else amount(row, "Quantity")
    typed = None if row.get("UnitAmount") is None else amount(row, "UnitAmount")
    price = None if whole else _price(row, quantity, typed, net)
    if price is None:
        is_said = quantity == ONE or typed is None
        text = text if is_said else text_with(text, quantity, typed or ZERO)
        quantity, price = ONE, net
    account = {"AccountCode": row["AccountCode"]} if row.get("AccountCode") else {"AccountID": row.get("AccountID")}
    line = {
        "Description": text,
        "Quantity": bare(quantity),
        "UnitAmount": bare(price),
        "ItemCode": row.get("ItemCode"),
        **account,
        "TaxType": row.get("TaxType"),
        "Tracking": tracking,
    }
    if _is_taxed(document) and row.get("TaxAmount") is not None:
        line["TaxAmount"] = exact(row["TaxAmount"])
    return _without_nothing(line)


def _price(row: Row, quantity: Decimal, typed: Decimal | None, net: Decimal) -> Decimal | None:
    """Return the price per unit by which Xero arrives at `net` without a discount; None if there is none."""
    is_discounted = row.get("DiscountRate") is not None or row.get("DiscountAmount") is not None
    if typed is not None:
        off = abs(quantity * typed - net)
        # What Xero does with exact halves of a cent is not known; with the same numbers it does the same again.
        if off < HALF_CENT or (off == HALF_CENT and not is_discounted):
            return typed
    if not quantity:
        return None
    each = round_to(net / quantity, PRICE_DECIMALS)
    return each if abs(quantity * each - net) < HALF_CENT else None


def _add_rest(lines: Sequence[Line], rows: Sequence[Row], tax: Decimal) -> None:
    """Let the tax of the lines add up to `tax`: a line that has none by its tax type might not take any."""
    rest = round_to(tax - sum((line.get("TaxAmount", ZERO) for line in lines), ZERO), XERO_DECIMALS)
    priced = [n for n, row in enumerate(rows) if amount_of(row) is not None]
    if not rest or not priced:
        return
    taxed = [n for n in priced if lines[n].get("TaxAmount")]
    largest = max(taxed or priced, key=lambda n: abs(amount(rows[n], "LineAmount")))
    lines[largest]["TaxAmount"] = lines[largest].get("TaxAmount", ZERO) + rest


def _without_nothing(line: Line) -> Line:
    return {name: value for name, value in line.items() if value is not None and value not in ("", [])}
