"""Says what is due on invoices that people open again: meanwhile only their Xero details followed (rule C53)."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from clients.dataverse import Change, Changes
from core.errors import Conflict, Rejected
from core.invoice import ACTIVE
from core.money import round_to
from mappers.totals import INCLUSIVE
from pipeline.invoice_rows import change_invoice, says_due
from pipeline.lanes import Entity
from pipeline.outcomes import Present, Report
from pipeline.tools import Tools

log = structlog.get_logger()


def say_due_again(tools: Tools, presents: Iterable[Present], report: Report) -> None:
    """Write to the active ones of these invoices what their Xero details say is due, where they say something else.

    A closed invoice is read-only, so what was paid while it was closed is not on it. Nothing is asked of Xero, unless
    the document was edited there meanwhile: its lines tell of the tax. Whoever has changed the invoice since it was
    read is not overwritten. Raises Transient, Limited, Disconnected or Unknown; repeating is safe.
    """
    behind = [present for present in presents if _is_behind(present)]
    if not behind:
        return
    now = tools.hold()
    steps = [Changes((_change(present),)) for present in behind]
    for present, answer in zip(behind, tools.dataverse.batch(steps), strict=True):
        if isinstance(answer.error, Conflict):
            report.later(present.invoice_id, now)
        elif isinstance(answer.error, Rejected):
            log.warning("due.refused", connection=tools.connection.id, invoice=present.invoice_id)
        elif answer.error is not None:
            raise answer.error
        elif present.details is not None and _bears_other_tax(present):
            report.later_in_xero(Entity("xero", "invoice", present.details.xero_invoice_id.lower()), now)


def _is_behind(present: Present) -> bool:
    invoice, details = present.invoice, present.details
    if invoice is None or details is None or details.amount_due is None or invoice.state != ACTIVE:
        return False
    return not says_due(invoice, details.amount_due)


def _bears_other_tax(present: Present) -> bool:
    """Whether the lines bear another tax than the document (rule C52)."""
    invoice, details = present.invoice, present.details
    if invoice is None or details is None or details.tax_in_xero is None or invoice.line_amount_types == INCLUSIVE:
        return False
    return invoice.total_tax not in (details.tax_in_xero, round_to(details.tax_in_xero, invoice.currency_decimals))


def _change(present: Present) -> Change:
    assert present.invoice is not None
    assert present.details is not None
    return change_invoice(present.invoice, {"stl3_amountdue": present.details.amount_due}, as_read=True)
