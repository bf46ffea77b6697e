"""When an invoice is due (rule C11): its own date, its terms, the contact's, the organisation's, its date."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from core.books import Terms
from core.invoice import Invoice

TERM_DAYS = {1: 30, 2: 30, 3: 45, 4: 60}  # invoice.paymenttermscode: Net 30, 2% 10 Net 30, Net 45, Net 60


def is_due_in_dynamics(invoice: Invoice) -> bool:
    """Whether Dynamics says when it is due, so that Xero's terms are not asked for."""
    return invoice.due_on is not None or invoice.terms in TERM_DAYS


def due_on(invoice: Invoice, dated: date, *, is_draft: bool, terms: Terms | None) -> date | None:
    """Return when it is due; `terms` are those in Xero that count. A draft is due only when Dynamics says so."""
    if invoice.due_on is not None:
        return invoice.due_on
    if invoice.terms in TERM_DAYS:
        return dated + timedelta(days=TERM_DAYS[invoice.terms])
    if is_draft:
        return None
    return _by_terms(dated, terms) if terms else dated


def _by_terms(dated: date, terms: Terms) -> date:
    """A day that a month does not have is its last; nothing is due before its date."""
    if terms.type == "DAYSAFTERBILLDATE":
        return dated + timedelta(days=terms.day)
    if terms.type == "DAYSAFTERBILLMONTH":
        return _in_month(dated, 0, 31) + timedelta(days=terms.day)
    if terms.type == "OFCURRENTMONTH":
        return max(dated, _in_month(dated, 0, terms.day))
    if terms.type == "OFFOLLOWINGMONTH":
        return _in_month(dated, 1, terms.day)
    return dated


def _in_month(dated: date, later: int, day: int) -> date:
    """Return that day of the month that is `later` months (0 or 1) after the month of `dated`."""
    year, month = (dated.year + 1, 1) if later and dated.month == 12 else (dated.year, dated.month + later)
    return date(year, month, max(1, min(day, monthrange(year, month)[1])))
