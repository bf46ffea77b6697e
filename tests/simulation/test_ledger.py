"""The ledger that judges the runs: it follows every way of owing and settling, and says where documents lie."""

from __future__ import annotations

from decimal import Decimal

from tests.simulation.cancelling import approved, cancel, exported, owed, settle_down
from tests.simulation.cashier import Cashier
from tests.simulation.ledger import Ledger
from tests.world import World


def test_what_is_owed_follows_from_what_was_posted(world: World) -> None:
    """Approvals, payments, credits and advances, applied and taken back; the sums are those of the documents."""
    ledger = Ledger(world.org)
    one, other = exported(world, approved), exported(world, approved)
    cashier = Cashier(world, world.org)

    for act in ("pay half", "remove a payment", "credit half", "overpayment half", "loose credit note", "refund"):
        cashier.act(act, one.xero_id)
        assert ledger.complaints() == []
    cashier.act("void", other.xero_id)

    assert ledger.balance(other.xero_id) == 0
    assert ledger.owed(sales=True) == {"GBP": owed(world)}
    assert ledger.owed(sales=False) == {}


def test_a_cancelled_invoice_leaves_nothing_owed(world: World) -> None:
    """Rule E2: document and credit note cancel each other out, item by item."""
    ledger = Ledger(world.org)
    one = exported(world)
    before = ledger.owed(sales=True)

    cancel(world, one.invoice_id)
    settle_down(world)

    assert before == {"GBP": one.total}
    assert ledger.owed(sales=True) == {}
    assert ledger.balance(one.note()["CreditNoteID"]) == ledger.balance(one.xero_id) == 0
    assert ledger.complaints() == []


def test_it_notices_a_document_that_says_something_else(world: World) -> None:
    """What a document says is due, and nobody paid."""
    ledger = Ledger(world.org)
    one = exported(world, approved)

    world.org.invoices[one.xero_id]["AmountDue"] = Decimal("1.00")

    assert [text.split()[0] for text in ledger.complaints()] == ["ACCREC", "receivables"]
