"""What Xero calculated beside what Dynamics has: the difference in words, and the tax for each line (C40, C52)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core import gates
from core.invoice import Invoice
from core.money import places_of, round_to
from mappers.xero import line_net

ZERO = Decimal(0)


def difference(invoice: Invoice, document: Mapping[str, Any], line_ids: Sequence[str]) -> str:
    """Return in words by how much the net totals differ and where; empty when they agree to the cent (rule C40)."""
    theirs, ours = amount(document, "SubTotal"), invoice.net
    if theirs == ours:
        return ""

    def written(money: Decimal) -> str:
        return f"{round_to(money, max(invoice.currency_decimals, places_of(money)))}"

    text = f"Net total in Xero {written(theirs)} {invoice.currency}, in Dynamics {written(ours)}: "
    text += f"difference {written(theirs - ours)}"
    differing = [
        f"line {number}: {written(net)} instead of {written(wanted)}"
        for number, (net, wanted) in enumerate(_nets(invoice, document, line_ids), start=1)
        if net != wanted
    ]
    return text + (f" ({'; '.join(differing)})." if differing else ".")


def line_taxes(invoice: Invoice, document: Mapping[str, Any], line_ids: Sequence[str]) -> dict[str, Decimal]:
    """Return the tax of each line so that their sum is Xero's total tax (rule C52, prices without tax).

    What no line of the invoice accounts for is added to the line with the largest amount.
    """
    lines = gates.billed_lines(invoice)
    if not lines:
        return {}
    taxes = {line.id: ZERO for line in lines}
    for line_id, line in zip(line_ids, document.get("LineItems", ()), strict=False):
        if line_id in taxes:
            taxes[line_id] += amount(line, "TaxAmount")
    largest = max(lines, key=lambda line: (abs(line_net(line, invoice.currency_decimals)), line.id))
    taxes[largest.id] += amount(document, "TotalTax") - sum(taxes.values(), ZERO)
    return taxes


def amount(document: Mapping[str, Any], field: str) -> Decimal:
    """Return an amount of a Xero document; 0 where it says none."""
    return Decimal(document.get(field) or 0)


def _nets(invoice: Invoice, document: Mapping[str, Any], line_ids: Sequence[str]) -> list[tuple[Decimal, Decimal]]:
    wanted = {line.id: line_net(line, invoice.currency_decimals) for line in gates.billed_lines(invoice)}
    sent = zip(line_ids, document.get("LineItems", ()), strict=False)
    return [(amount(line, "LineAmount"), wanted.get(line_id, ZERO)) for line_id, line in sent]
