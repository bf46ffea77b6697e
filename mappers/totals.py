"""What Xero calculated beside what Dynamics has: the difference in words, and the tax for each line (C40, C52)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core import gates
from core.invoice import Invoice
from core.money import exact, places_of, round_to
from mappers.adjustments import DISCOUNT, FREIGHT, NAMES, discount_of
from mappers.lines import label, line_net

ZERO = Decimal(0)
INCLUSIVE = "Inclusive"


def difference(invoice: Invoice, document: Mapping[str, Any], line_ids: Sequence[str]) -> str:
    """Return in words by how much the totals differ and where; empty when they agree to the cent (rule C40).

    Compared is the net; where prices contain tax, Xero's total with Dynamics' total as it is once the tax on its
    lines is 0 (rule C52).
    """
    inclusive = invoice.line_amount_types == INCLUSIVE
    theirs, ours = amount(document, "Total" if inclusive else "SubTotal"), invoice.net
    if theirs == ours:
        return ""

    def written(money: Decimal) -> str:
        return f"{round_to(money, max(invoice.currency_decimals, places_of(money)))}"

    what = "Total" if inclusive else "Net total"
    text = f"{what} in Xero {written(theirs)} {invoice.currency}, in Dynamics {written(ours)}: "
    text += f"difference {written(theirs - ours)}"
    differing = [
        f"{name}: {written(net)} instead of {written(wanted)}"
        for name, net, wanted in _nets(invoice, document, line_ids)
        if net != wanted
    ]
    return text + (f" ({'; '.join(differing)})." if differing else ".")


def line_taxes(invoice: Invoice, document: Mapping[str, Any], line_ids: Sequence[str]) -> dict[str, Decimal]:
    """Return the tax of each line so that their sum is Xero's total tax (rule C52); 0 where prices contain it.

    What no line of the invoice accounts for (discount, freight, a rest) is added to the line with the largest amount.
    Rounded to the currency, as Dynamics would by itself, line by line, and lose the sum: Xero has cents of any tax.
    """
    lines = gates.billed_lines(invoice)
    if not lines:
        return {}
    taxes = {line.id: ZERO for line in invoice.lines}  # of components too: Dynamics would count what stands there
    if invoice.line_amount_types == INCLUSIVE:
        return taxes
    for line_id, line in zip(line_ids, document.get("LineItems", ()), strict=False):
        if line_id in taxes:
            taxes[line_id] += round_to(amount(line, "TaxAmount"), invoice.currency_decimals)
    largest = max(lines, key=lambda line: (abs(line_net(line, invoice.currency_decimals)), line.id))
    total = round_to(amount(document, "TotalTax"), invoice.currency_decimals)
    taxes[largest.id] += total - sum(taxes.values(), ZERO)
    return taxes


def line_ids_of(invoice: Invoice, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what stands behind each line of a document that was found, as `XeroInvoice.line_ids` does.

    Empty when it does not have the invoice's lines, then adjustments: nobody knows then which line is which.
    """
    ids = [line.id for line in gates.billed_lines(invoice)]
    kinds = {name: kind for kind, name in NAMES.items()}
    found = document.get("LineItems", ())
    rest = [kinds.get(line.get("Description", ""), "") for line in found[len(ids) :]]
    return (*ids, *rest) if len(found) >= len(ids) and all(rest) else ()


def amount(document: Mapping[str, Any], field: str) -> Decimal:
    """Return an amount of a Xero document; 0 where it says none. Raises TypeError for a float."""
    found = document.get(field)
    return exact(0 if found is None else found)


def _nets(
    invoice: Invoice, document: Mapping[str, Any], line_ids: Sequence[str]
) -> list[tuple[str, Decimal, Decimal]]:
    """Return for each line, and for all lines of an adjustment together: its name, Xero's net, Dynamics' net."""
    wanted = {line.id: line_net(line, invoice.currency_decimals) for line in gates.billed_lines(invoice)}
    names = {line.id: f"line {n}, {label(line)}" for n, line in enumerate(gates.billed_lines(invoice), start=1)}
    wanted |= {DISCOUNT: -discount_of(invoice), FREIGHT: invoice.freight}
    sums: dict[str, Decimal] = {}
    for line_id, line in zip(line_ids, document.get("LineItems", ()), strict=False):
        sums[line_id] = sums.get(line_id, ZERO) + amount(line, "LineAmount")
    return [(names.get(key) or NAMES.get(key, key), net, wanted.get(key, ZERO)) for key, net in sums.items()]
