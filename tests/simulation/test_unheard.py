"""Somebody changes a document whose making, or last change, we have not heard of: it is theirs all the same."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from simulators.wire import Fault, FaultKind
from simulators.xero.people import Person
from tests.simulation.updating import updates
from tests.world import Line, World

PUT, POST = "PUT /api.xro/2.0/Invoices", "POST /api.xro/2.0/Invoices"
EDITS: dict[str, Callable[[Person, str], Any]] = {
    "reference": lambda person, key: person.edit_invoice(key, Reference="Mine"),
    "due date": lambda person, key: person.edit_invoice(key, DueDate="2027-01-31"),
    "text": lambda person, key: person.edit_line(key, Description="Mine"),
    "price": lambda person, key: person.edit_line(key, UnitAmount="11.00"),
    "account": lambda person, key: person.edit_line(key, AccountCode="260"),
    "tax type": lambda person, key: person.edit_line(key, TaxType="RROUTPUT"),
    "item": lambda person, key: person.edit_line(key, 1, ItemCode="DESK-02"),
    "line added": lambda person, key: person.add_line(key, Description="Mine", Quantity=1, UnitAmount="1.00"),
}


def save(world: World, duedate: str | None = "2026-12-24") -> str:
    lines = [Line("Work", "10.00"), Line("Black", "50.00", product="CHAIR-01")]
    other = world.save_invoice(Line("Other", "1.00", product="DESK-02"))  # so that Xero has both items
    invoice_id = world.save_invoice(*lines, duedate=duedate, description="PO 7")
    for number, line in enumerate(sorted(world.lines(invoice_id), key=lambda row: not row["isproductoverridden"])):
        world.sales.update("invoicedetail", line["invoicedetailid"], {"lineitemnumber": number + 1})
    world.mark(other)
    world.work()
    return invoice_id


def raise_price(world: World, invoice_id: str, *, by: int = 5) -> None:
    line = next(line for line in world.lines(invoice_id) if line["isproductoverridden"])
    world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": line["priceperunit"] + by})


def change_in_xero(world: World, invoice_id: str, edit: str) -> dict[str, Any]:
    (found,) = world.documents_of(invoice_id)
    EDITS[edit](world.xero.user(world.org), found["InvoiceID"])
    return content(world, invoice_id)


def content(world: World, invoice_id: str) -> dict[str, Any]:
    (found,) = world.documents_of(invoice_id)
    return {name: found[name] for name in ("Reference", "DueDate", "LineItems")}


def assert_left(world: World, invoice_id: str, left: dict[str, Any]) -> None:
    """Nothing was overwritten, the last row of history says why, and export status No sends Dynamics' version."""
    assert content(world, invoice_id) == left
    row = updates(world, invoice_id)[-1]
    assert "changed it there" in row["stl3_details"]
    assert "15.00 in Dynamics" in row["stl3_details"]
    world.assert_quiet()

    world.try_again(invoice_id)
    world.settle()
    assert content(world, invoice_id) != left
    assert world.status(invoice_id) == "Yes"
    world.assert_quiet()


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("minutes", [1, 8])
def test_what_somebody_changed_before_its_creation_was_heard_of_is_not_overwritten(
    world: World, edit: str, minutes: int
) -> None:
    """Rule C61: whatever the person changed; before and after Xero has forgotten the key of the attempt."""
    invoice_id = save(world)
    world.mark(invoice_id)
    world.lose_reply(PUT)
    world.work()
    left = change_in_xero(world, invoice_id, edit)
    raise_price(world, invoice_id)
    world.pass_time(minutes=minutes)

    world.settle()

    assert_left(world, invoice_id, left)


@pytest.mark.parametrize("edit", EDITS)
def test_what_somebody_changed_before_its_update_was_heard_of_is_not_overwritten(world: World, edit: str) -> None:
    """Rule C61: the update arrived, then a person changed the document, then Dynamics changed again."""
    invoice_id = save(world)
    world.settle()
    world.edit(invoice_id, description="PO 8")
    world.mark(invoice_id)
    world.lose_reply(POST)
    world.work()
    left = change_in_xero(world, invoice_id, edit)
    raise_price(world, invoice_id)

    world.settle()

    assert_left(world, invoice_id, left)


@pytest.mark.parametrize("match", [PUT, POST])
@pytest.mark.parametrize("agreed", [False, True])
def test_a_due_date_that_we_do_not_say_stays_theirs(world: World, match: str, *, agreed: bool) -> None:
    """Set in Xero on a draft of ours before we have heard of its making, or of its change.

    `agreed`: what we hear first agrees with Dynamics in all that we say. A later change is then carried over, and
    leaves the due date as it is.
    """
    invoice_id = save(world, None)
    if match == POST:
        world.settle()
        world.edit(invoice_id, description="PO 8")
    world.mark(invoice_id)
    world.lose_reply(match)
    world.work()
    left = change_in_xero(world, invoice_id, "due date")
    world.pass_time(minutes=8)
    if agreed:
        world.settle()
    raise_price(world, invoice_id)

    world.settle()

    if agreed:
        assert content(world, invoice_id)["LineItems"][0]["UnitAmount"] == Decimal(15)
        assert content(world, invoice_id)["DueDate"] == left["DueDate"]
        world.assert_quiet()
    else:
        assert_left(world, invoice_id, left)


def test_an_update_of_which_less_is_said_by_now_is_told_all_the_same(world: World) -> None:
    """Its answer got lost, and the due date, which it changed, is no longer said: Xero keeps what we wrote."""
    invoice_id = save(world)
    world.settle()
    raise_price(world, invoice_id)
    world.edit(invoice_id, duedate="2026-12-31")
    world.mark(invoice_id)
    world.lose_reply(POST)
    world.work()
    world.edit(invoice_id, duedate=None)

    world.settle()

    (document,) = world.documents_of(invoice_id)
    assert world.history(invoice_id)[-1]["stl3_details"].startswith("Invoice has been updated in Xero")
    assert world.invoice(invoice_id)["totaltax"] == document["TotalTax"] == Decimal("13.00")
    world.assert_quiet()


@pytest.mark.parametrize("wiped", [False, True])
@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_there_and_back_after_a_lost_answer_ends_where_it_began(
    world: World, kind: FaultKind, *, wiped: bool
) -> None:
    """Dynamics says what it said when the two last agreed; whether Xero still does is looked up."""
    invoice_id = save(world)
    world.settle()
    before = content(world, invoice_id)["LineItems"][0]["UnitAmount"]
    raise_price(world, invoice_id)
    world.mark(invoice_id)
    world.xero.wire.inject(Fault(match=POST, kind=kind))
    world.work()
    raise_price(world, invoice_id, by=-5)
    if wiped:
        world.redis.flushall()

    world.settle()

    assert content(world, invoice_id)["LineItems"][0]["UnitAmount"] == before
    (document,) = world.documents_of(invoice_id)
    assert world.invoice(invoice_id)["totaltax"] == document["TotalTax"] == Decimal("12.00")
    world.assert_quiet()


@pytest.mark.parametrize("asked", [False, True])
def test_tax_follows_a_document_that_was_changed_alike_on_both_sides(world: World, *, asked: bool) -> None:
    """F54: Rule C52: nothing is written to Xero; tax and amount due in Dynamics are those of the document of now."""
    invoice_id = save(world)
    world.settle()
    (document,) = world.documents_of(invoice_id)
    world.xero.user(world.org).edit_line(document["InvoiceID"], UnitAmount="15.00")
    raise_price(world, invoice_id)
    if asked:
        world.try_again(invoice_id)
    world.xero.wire.forget_calls()

    world.settle()

    assert POST not in world.xero_calls()
    (document,) = world.documents_of(invoice_id)
    invoice, details = world.invoice(invoice_id), world.details(invoice_id)
    assert invoice["totaltax"] == details["stl3_taxinxero"] == document["TotalTax"] == Decimal("13.00")
    assert invoice["stl3_amountdue"] == details["stl3_amountdue"] == document["AmountDue"] == Decimal("78.00")
    assert len(world.history(invoice_id)) == 1
    world.assert_quiet()
