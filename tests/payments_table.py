"""The table of `docs/payments.md`, from the code that decides; `python -m tests.payments_table` renews it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.invoice import ACTIVE, CANCELLED, PAID, Details, Invoice
from core.money import round_to
from mappers.standing import Standing, closes, reopens, standing_of, story_of
from tests.unit.made import details, invoice, line

PAGE = Path(__file__).parent.parent / "docs" / "payments.md"
BEGIN, END = "<!-- made from mappers/standing.py -->", "<!-- end -->"
HEADINGS = ("In Xero", "Invoice in Dynamics", "Xero status, due, paid", "The history says")

Row = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """What somebody does to a document, and how both sides were before; `invoice_is` None: it was deleted."""

    words: str
    before: Row
    now: Row
    invoice_is: int | None = ACTIVE
    is_closed_by_us: bool = False

    @property
    def standing(self) -> Standing:
        return standing_of(self.now)

    @property
    def invoice(self) -> Invoice | None:
        if self.invoice_is is None:
            return None
        hundred = Decimal("100.00")
        sold = line(price=hundred, tax=Decimal("20.00"), text="Chairs")
        totals = {"total_lines": hundred, "total_tax": Decimal("20.00"), "total": Decimal("120.00")}
        return invoice(sold, state=self.invoice_is, **totals)

    @property
    def details(self) -> Details:
        known = standing_of(self.before)
        return details(
            xero_status=known.status,
            amount_due=known.due,
            amount_paid=known.paid,
            amount_credited=known.credited,
            tax_in_xero=known.tax,
            closed_by_connector=self.is_closed_by_us,
        )


def document(status: str, due: str, **different: Any) -> Row:
    """A document over 100.00 and 20.00 tax."""
    made = {
        "InvoiceID": "id",
        "InvoiceNumber": "INV-0042",
        "Status": status,
        "CurrencyCode": "GBP",
        "SubTotal": "100.00",
        "TotalTax": "20.00",
        "Total": "120.00",
        "AmountDue": due,
        "LineItems": [{"LineAmount": "100.00", "TaxAmount": "20.00"}],
    }
    return made | different


def credited(status: str, amount: str, due: str) -> Row:
    return document(status, due, AmountCredited=amount, CreditNotes=[{"AppliedAmount": amount}])


DRAFT, OPEN = document("DRAFT", "120.00"), document("AUTHORISED", "120.00")
IN_PART, IN_FULL = (document("AUTHORISED", "80.00", AmountPaid="40.00"), document("PAID", "0", AmountPaid="120.00"))
IN_ADVANCE = document("AUTHORISED", "80.00", AmountCredited="40.00", Prepayments=[{"AppliedAmount": "40.00"}])
CREDITED_IN_PART, CREDITED = credited("AUTHORISED", "40.00", "80.00"), credited("PAID", "120.00", "0")
EDITED = document(
    "DRAFT",
    "180.00",
    SubTotal="150.00",
    TotalTax="30.00",
    Total="180.00",
    LineItems=[{"LineAmount": "150.00", "TaxAmount": "30.00"}],
)

ACTS = (
    Act("Approved", DRAFT, OPEN),
    Act("A line of a draft is changed", DRAFT, EDITED),
    Act("Paid in part", OPEN, IN_PART),
    Act("Paid in full", OPEN, IN_FULL),
    Act("… and the invoice had been closed by hand", OPEN, IN_FULL, invoice_is=PAID),
    Act("… and the invoice had been cancelled", OPEN, IN_FULL, invoice_is=CANCELLED),
    Act("… and the invoice had been deleted", OPEN, IN_FULL, invoice_is=None),
    Act("The payment is removed", IN_FULL, OPEN, invoice_is=PAID, is_closed_by_us=True),
    Act("… of two payments one is removed", IN_FULL, IN_PART, invoice_is=PAID, is_closed_by_us=True),
    Act("The payment of a part is removed", IN_PART, OPEN),
    Act("An overpayment or prepayment is applied", OPEN, IN_ADVANCE),
    Act("Credited in part", OPEN, CREDITED_IN_PART),
    Act("Credited in full, by credit notes alone", OPEN, CREDITED),
    Act("The credit is removed", CREDITED, OPEN),
    Act("Voided", OPEN, document("VOIDED", "0")),
    Act("A draft is deleted", DRAFT, document("DELETED", "0")),
)


def table() -> str:
    """Return a row an act: what follows on the invoice, on its Xero details, and what the history tells."""
    rows = [(act.words, on_invoice(act), on_details(act), "<br>".join(told(act))) for act in ACTS]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEADINGS, ["---"] * len(HEADINGS), *rows))


def told(act: Act) -> tuple[str, ...]:
    return story_of(act.standing, act.now, act.invoice, act.details, ("line-1",))


def on_invoice(act: Act) -> str:
    due = f"amount due {_money(act.standing.due)}"
    if act.invoice is None:
        return "is gone"
    if closes(act.standing, act.invoice, act.details):
        return f"becomes Paid (Complete), {due}"
    if reopens(act.standing, act.invoice, act.details):
        return f"is active again, {due}"
    return f"stays active, {due}" if act.invoice.state == ACTIVE else "stays as it is"


def on_details(act: Act) -> str:
    now = act.standing
    return f"{now.status}, {_money(now.due)}, {_money(now.paid)}"


def written() -> str:
    """Return what stands between the marks now."""
    return PAGE.read_text("utf-8").split(BEGIN, 1)[1].split(END, 1)[0].strip()


def renew() -> None:
    """Write the table between the marks."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}", "utf-8")


def _money(number: Decimal) -> str:
    return f"{round_to(number, 2)}"


if __name__ == "__main__":
    renew()
