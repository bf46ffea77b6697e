"""What each customer owes: as the open documents in Xero add up, and as the account in Dynamics says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from demo.sale import Row

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Owed:
    """A customer's open sales invoices in Xero, in its base currency, and the columns of the account."""

    customer: str
    in_xero: Decimal
    overdue_in_xero: Decimal
    in_dynamics: Decimal | None
    overdue_in_dynamics: Decimal | None
    currency: str

    @property
    def agrees(self) -> bool:
        """Whether Dynamics says what Xero says; nothing at all says the same as 0."""
        return (self.in_dynamics or ZERO, self.overdue_in_dynamics or ZERO) == (self.in_xero, self.overdue_in_xero)


def owed_by(customer: str, account: Row, documents: Iterable[Row], today: date) -> Owed:
    """Return what a customer owes; nobody in the story has credit that is not applied."""
    mine = [each for each in documents if _is_owed(each) and each["Contact"]["Name"] == customer]
    late = [each for each in mine if date.fromisoformat(each["DueDateString"][:10]) < today]
    return Owed(
        customer,
        sum(map(_in_base, mine), ZERO),
        sum(map(_in_base, late), ZERO),
        account.get("stl3_amountowed"),
        account.get("stl3_amountoverdue"),
        account.get("stl3_balancecurrency") or "",
    )


def _is_owed(document: Row) -> bool:
    return bool(document["Type"] == "ACCREC" and document["Status"] == "AUTHORISED")


def _in_base(document: Row) -> Decimal:
    amount = Decimal(document["AmountDue"]) / Decimal(document.get("CurrencyRate") or 1)
    return amount.quantize(CENT, ROUND_HALF_UP)
