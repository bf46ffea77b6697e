"""What a contact owes and is owed, as Xero shows it beside the contact."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulators.xero.arithmetic import ZERO, rounded
from simulators.xero.codec import Record
from simulators.xero.state import Organisation

SALES_CREDITS = frozenset({"ACCRECCREDIT", "RECEIVE-OVERPAYMENT", "RECEIVE-PREPAYMENT"})


def balances(organisation: Organisation, contact_id: str, now: datetime) -> Record | None:
    """Return what is outstanding and overdue on both sides in base currency; None when there is nothing to show.

    Credit that is not applied yet lowers what is outstanding and not what is overdue, which may then exceed it.
    """
    outstanding, overdue = {True: ZERO, False: ZERO}, {True: ZERO, False: ZERO}
    today = organisation.today(now)
    invoices = organisation.invoices.found_by("open", contact_id)
    for invoice in invoices:
        due, sales = _in_base(invoice["AmountDue"], invoice), invoice["Type"] == "ACCREC"
        outstanding[sales] += due
        if invoice["DueDate"] < today:
            overdue[sales] += due
    tables = (organisation.credit_notes, organisation.overpayments, organisation.prepayments)
    unapplied = [credit for table in tables for credit in table.found_by("open", contact_id)]
    for credit in unapplied:
        outstanding[credit["Type"] in SALES_CREDITS] -= _in_base(credit["RemainingCredit"], credit)
    if not invoices and not unapplied:
        return None
    sides = {"AccountsReceivable": True, "AccountsPayable": False}
    return {name: {"Outstanding": outstanding[sales], "Overdue": overdue[sales]} for name, sales in sides.items()}


def _in_base(amount: Decimal, document: Record) -> Decimal:
    return rounded(amount / document["CurrencyRate"])
