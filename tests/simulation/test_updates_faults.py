"""An update is done once and told once, whatever is lost, repeated or killed on the way (rule C61)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from simulators.wire import Fault, FaultKind
from tests.simulation.taps import FAULTS, Crash
from tests.simulation.updating import (
    READ,
    UPDATE,
    add_line,
    approve_in_xero,
    assert_left,
    assert_updated,
    document,
    edit_line,
    export,
    other_customer,
    person,
    remove_line,
    updates,
)
from tests.world import Line, World


def prepare_two(fresh_world: Callable[[], World]) -> tuple[World, list[str]]:
    world = fresh_world()
    invoice_ids = world.save_invoices(2)
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    for invoice_id in invoice_ids:
        edit_line(world, invoice_id, quantity=Decimal(3))
        add_line(world, invoice_id, "More", "4.00")
    world.xero.wire.forget_calls()
    world.mark(*invoice_ids)
    return world, invoice_ids


@pytest.mark.parametrize(("kind", "status"), FAULTS)
@pytest.mark.parametrize("side", ["xero", "dynamics"])
def test_a_fault_at_any_call_of_an_update_leaves_it_done_and_told_once(
    fresh_world: Callable[[], World], kind: FaultKind, status: int, side: str
) -> None:
    """Whatever call fails, before or after its effect."""
    for number in count():
        world, invoice_ids = prepare_two(fresh_world)
        wire = getattr(world, side).wire
        wire.inject(Fault(match=".", kind=kind, skip=number, status=status))

        world.work()
        if wire.faults:
            assert number >= 2
            break
        world.settle()

        for invoice_id in invoice_ids:
            assert_updated(world, invoice_id)
        assert len(world.all_documents()) == 2
        world.assert_quiet()


@pytest.mark.parametrize("wiped", [False, True])
def test_a_crash_at_any_call_of_an_update_leaves_it_done_and_told_once(
    fresh_world: Callable[[], World], *, wiped: bool
) -> None:
    """F20: The process dies around any call to Xero, Dynamics or Redis; `wiped`: Redis has lost everything as
    well.
    """
    for number in count(1):
        world, invoice_ids = prepare_two(fresh_world)
        world.tap.crash_after_effect(number, only="xero|contoso" if wiped else "")

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > (4 if wiped else 10)
            break
        if wiped:
            world.redis.flushall()
        world.settle()

        for invoice_id in invoice_ids:
            assert_updated(world, invoice_id)
        world.assert_quiet()


def test_an_edit_while_the_update_is_under_way_is_carried_over_as_well(world: World) -> None:
    """R6, F53: During the POST: the fingerprint is that of what was sent, so that the next round sees the
    difference.
    """
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.tap.when("POST api.xero.com", lambda: edit_line(world, invoice_id, priceperunit=Decimal("13.00")))
    world.work()

    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("18.00")
    assert len(updates(world, invoice_id)) == 2
    world.assert_quiet()


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_an_edit_after_a_lost_answer_is_carried_over(world: World, kind: FaultKind) -> None:
    """Whether the first update arrived shows in the document: nobody else has changed it either way."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.xero.wire.inject(Fault(match=UPDATE, kind=kind))
    world.work()
    edit_line(world, invoice_id, priceperunit=Decimal("13.00"))

    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("18.00")
    assert_updated(world, invoice_id)
    world.assert_quiet()


@pytest.mark.parametrize(("kind", "status"), [("status-before", 429), ("drop-before", 0), ("drop-after", 0)])
def test_an_edit_after_a_lost_answer_whose_own_call_is_lost_as_well(
    world: World, kind: FaultKind, status: int
) -> None:
    """F40, F53: the first update arrived unheard, the second did or did not: nobody is accused of anything."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.lose_reply(UPDATE)
    world.work()
    edit_line(world, invoice_id, priceperunit=Decimal("11.00"))
    world.pass_time(seconds=5)
    world.xero.wire.inject(Fault(match=UPDATE, kind=kind, status=status, headers={"Retry-After": "7"}))
    world.work()
    assert world.details(invoice_id)["stl3_fingerprint"] is None
    edit_line(world, invoice_id, priceperunit=Decimal("13.00"))

    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("18.00")
    assert not any("changed it there" in row["stl3_details"] for row in world.history(invoice_id))
    world.assert_quiet()


def test_somebody_changes_the_document_after_a_lost_answer(world: World) -> None:
    """The update arrived, unheard, and then a person changed it: nothing is overwritten."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.lose_reply(UPDATE)
    world.work()
    person(world).edit_line(document(world, invoice_id)["InvoiceID"], UnitAmount="99.00")
    world.xero.wire.forget_calls()

    world.settle()

    assert_left(world, invoice_id, "somebody has changed it there", "99.00 in Xero, 12.00 in Dynamics")
    world.assert_quiet()


def test_two_edits_in_a_row_and_duplicated_events_are_one_update(world: World) -> None:
    """What is read is what counts; a repeated hint finds nothing to do."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    edit_line(world, invoice_id, priceperunit=Decimal("13.00"))
    world.mark(invoice_id, invoice_id)
    world.work()
    world.mark(invoice_id)
    world.work()

    assert_updated(world, invoice_id)
    assert world.xero_calls(polls=False) == [READ, UPDATE]


def test_there_and_back_are_two_updates(world: World) -> None:
    """A → B → A: both are told, and the document ends as it began."""
    invoice_id = export(world)
    for price in ("12.00", "10.00"):
        edit_line(world, invoice_id, priceperunit=Decimal(price))
        world.mark(invoice_id)
        world.work()

    assert_updated(world, invoice_id, times=2)
    assert document(world, invoice_id)["SubTotal"] == Decimal("15.00")


def test_an_update_that_makes_xero_answer_500_each_time_holds_up_no_other(world: World) -> None:
    """After its tries it is put aside, Failed with a reference; the others were updated long before."""
    poison = export(world, Line("Unspeakable", "9.00"))
    invoice_ids = [export(world) for _ in range(3)]
    original = world.xero.wire._answer

    def answer(environ: dict[str, Any], content: bytes, fault: Fault | None) -> Any:
        if environ["REQUEST_METHOD"] == "POST" and b"Unspeakable" in content:
            fault = Fault(match=".", kind="status-before", status=500)
        return original(environ, content, fault)

    world.xero.wire._answer = answer
    for invoice_id in (poison, *invoice_ids):
        edit_line(world, invoice_id, quantity=Decimal(2))
    world.mark(poison, *invoice_ids)

    world.run_for(minutes=5)
    for invoice_id in invoice_ids:
        assert_updated(world, invoice_id)
    for _ in range(40):  # business goes on
        world.save_invoices(1)
        world.run_for(minutes=1)

    assert world.status(poison) == "Failed"
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == poison


def test_a_refused_repetition_of_the_whole_call_goes_singly(world: World) -> None:
    """A 400 without elements changed nothing: the culprit stands alone, with its words."""
    invoice_ids = [export(world) for _ in range(3)]
    poison = export(world, Line("Unspeakable", "9.00"))
    original = world.xero.wire._answer

    def answer(environ: dict[str, Any], content: bytes, fault: Fault | None) -> Any:
        if environ["REQUEST_METHOD"] == "POST" and b"Unspeakable" in content:
            fault = Fault(match=".", kind="status-before", status=400, body='{"Message": "A value cannot be read."}')
        return original(environ, content, fault)

    world.xero.wire._answer = answer
    for invoice_id in (poison, *invoice_ids):
        edit_line(world, invoice_id, quantity=Decimal(2))
    world.mark(poison, *invoice_ids)

    world.work()
    world.settle()

    for invoice_id in invoice_ids:
        assert_updated(world, invoice_id)
    assert world.status(poison) == "Failed"
    assert updates(world, poison)[0]["stl3_details"].startswith("Xero says: A value cannot be read.")
    world.assert_quiet()


def test_a_line_deleted_during_the_write_back_leaves_the_update_recorded(world: World) -> None:
    """Dynamics refuses the tax of a line that is gone: details and history are written all the same."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.tap.when("POST api.xero.com", lambda: remove_line(world, invoice_id))

    world.work()
    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("5.00")
    assert len(updates(world, invoice_id)) == 2
    world.assert_quiet()


def test_a_changed_customer_does_not_lend_its_contact(world: World) -> None:
    """The document is approved, so it keeps its contact; the new customer's next invoice gets its own (rule C20)."""
    invoice_id = export(world)
    approve_in_xero(world, invoice_id)
    other_customer(world, invoice_id)
    world.settle()

    second = export(world, customer="Adatum")

    assert document(world, second)["Contact"]["Name"] == "Adatum"
    assert document(world, invoice_id)["Contact"]["Name"] == "Fourth Coffee"
