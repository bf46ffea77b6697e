"""Invoices that people had closed and open again: what was paid meanwhile could not be written on them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.invoice import ACTIVE, PAID
from tests.simulation.test_following import approved, standing, told
from tests.simulation.updating import person
from tests.world import World

PARTIAL, NEW = 100002, 1


def closed_by_hand(world: World, paid: str) -> tuple[str, str]:
    """Return an invoice that was closed in Dynamics and then paid in Xero, and its document; all is settled."""
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, statecode=PAID, statuscode=PARTIAL)
    person(world).pay(xero_id, paid)
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    assert standing(world, invoice_id)[3:] == (PAID, Decimal("18.00"))
    return invoice_id, xero_id


@pytest.mark.parametrize(("paid", "due"), [("5.00", "13.00"), ("18.00", "0.00")])
def test_it_says_what_is_due_when_it_is_opened_again(world: World, paid: str, due: str) -> None:
    """Rule C53: whatever was paid while it was read-only. It costs no call to Xero, and nobody closes it again."""
    invoice_id, _ = closed_by_hand(world, paid)
    before = told(world, invoice_id)
    world.edit(invoice_id, statecode=ACTIVE, statuscode=NEW)
    world.mark(invoice_id)
    world.xero.wire.forget_calls()

    world.work()

    assert world.xero_calls() == []
    assert standing(world, invoice_id)[3:] == (ACTIVE, Decimal(due))
    assert told(world, invoice_id) == before
    world.settle()
    world.assert_quiet()


@pytest.mark.parametrize("by", ["event", "poll"])
@pytest.mark.parametrize(
    "state", [{"statecode": PAID, "statuscode": PARTIAL}, {"statecode": 3, "statuscode": 100003}]
)
def test_it_says_what_is_due_though_it_is_to_be_sent_again(world: World, state: dict[str, int], by: str) -> None:
    """Rule C53: paid while it was closed; opened, and set to No, which finds the document as it is to be."""
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, **state)
    person(world).pay(xero_id, "18.00")
    world.settle()
    world.edit(invoice_id, statecode=ACTIVE, statuscode=NEW)
    world.try_again(invoice_id)
    if by == "event":
        world.mark(invoice_id)
        world.work()

    world.settle()

    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), ACTIVE, 0)
    assert (world.status(invoice_id), len(world.all_documents())) == ("Yes", 1)
    world.assert_quiet()


@pytest.mark.parametrize(
    "state", [{"statecode": PAID, "statuscode": PARTIAL}, {"statecode": 3, "statuscode": 100003}]
)
def test_its_lines_bear_the_tax_of_what_was_edited_in_xero_meanwhile(world: World, state: dict[str, int]) -> None:
    """Rule C52: the tax of a document that somebody edits while its invoice is closed comes when it is opened."""
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, **state)
    world.settle()
    person(world).edit_line(xero_id, UnitAmount="20.00")
    world.settle()
    world.pass_time(minutes=12)
    world.edit(invoice_id, statecode=ACTIVE, statuscode=NEW)

    world.settle()

    assert world.invoice(invoice_id)["totaltax"] == world.org.invoices[xero_id]["TotalTax"] == Decimal("5.00")
    assert standing(world, invoice_id)[3:] == (ACTIVE, Decimal("30.00"))
    world.assert_quiet()


def test_it_may_be_closed_again_at_once(world: World) -> None:
    """Rule C53: a closed invoice is left as it is, without a failure."""
    invoice_id, _ = closed_by_hand(world, "5.00")
    world.edit(invoice_id, statecode=ACTIVE, statuscode=NEW)
    world.mark(invoice_id)
    world.tap.when(r"\$batch", lambda: world.edit(invoice_id, statecode=PAID, statuscode=PARTIAL), after=True)

    world.work()
    world.settle()

    assert standing(world, invoice_id)[3:] == (PAID, Decimal("18.00"))
    assert world.interrupted == []
    world.assert_quiet()


def test_it_says_what_is_due_on_the_new_document_if_it_is_sent_again(world: World) -> None:
    """Rule C53: voided in Xero while it was closed; opened, and asked for again (rule E8)."""
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, statecode=PAID, statuscode=PARTIAL)
    person(world).void_invoice(xero_id)
    world.settle()
    world.edit(invoice_id, statecode=ACTIVE, statuscode=NEW)
    world.try_again(invoice_id)

    world.settle()

    assert world.status(invoice_id) == "Yes"
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] != xero_id
    assert standing(world, invoice_id)[3:] == (ACTIVE, Decimal("18.00"))
    world.assert_quiet()
