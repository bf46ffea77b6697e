"""What is written to the invoice itself and its lines: tax, what is due, state (rules C52, C53, D2, D4)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from clients.batch import OPERATIONS_MAX
from clients.dataverse import Change
from clients.http import Payload
from core.invoice import ACTIVE, PAID, Invoice
from core.money import round_to
from mappers import totals

BESIDES_LINES = 4  # changes that an invoice has besides one for each line
COMPLETE = 100001  # invoice.statuscode within Paid; "Partial" would lock an invoice on which money is due
NEW = 1  # the status reason of an invoice that nobody has set another one for


def fits(invoice: Invoice) -> bool:
    """Whether all of its lines fit into one transaction, with what else is written."""
    return len(invoice.lines) + BESIDES_LINES <= OPERATIONS_MAX


def tax_changes(invoice: Invoice, document: Payload, line_ids: Sequence[str]) -> tuple[Change, ...]:
    """Return the changes that give the lines Xero's tax (rule C52)."""
    now_on_lines = {line.id: line.tax for line in invoice.lines}
    taxes = totals.line_taxes(invoice, document, line_ids)
    return tuple(
        Change("PATCH", f"invoicedetails({line_id})", {"tax": tax}, if_match="*")
        for line_id, tax in taxes.items()
        if tax != now_on_lines[line_id]
    )


def says_due(invoice: Invoice, due: Decimal) -> bool:
    """Whether the invoice says that this is due; Dynamics may keep fewer places than Xero has."""
    return invoice.amount_due in (due, round_to(due, invoice.currency_decimals))


def change_invoice(invoice: Invoice, row: Payload, *, as_read: bool = False) -> Change:
    """Return a change of the invoice itself; `as_read`: only if it is still the one that was read."""
    return Change("PATCH", f"invoices({invoice.id})", row, if_match=invoice.etag if as_read else "*")


def close(invoice: Invoice) -> Change:
    """Return what makes an active invoice Paid (rule D2)."""
    return change_invoice(invoice, {"statecode": PAID, "statuscode": COMPLETE})


def reopen(invoice: Invoice, status_before: int | None) -> Change:
    """Return what makes an invoice active again that is still as it was read (rule D4)."""
    row = {"statecode": ACTIVE, "statuscode": NEW if status_before is None else status_before}
    return change_invoice(invoice, row, as_read=True)
