"""An answer is lost, or the process dies, at every call that an export makes: each invoice is exported once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from simulators.wire import Fault, FaultKind
from tests.simulation.taps import FAULTS, Crash
from tests.world import Line, World


def save_three(world: World) -> list[str]:
    """Two customers, a product, a write-in: every kind of call is made."""
    world.customers["Adatum"] = world.add_customer("Adatum")
    return [
        world.save_invoice(Line("Black", "120.00", quantity="2", product="CHAIR-01")),
        world.save_invoice(Line("Delivery", "35.50"), customer="Adatum"),
        world.save_invoice(Line("Oak", "410.10", product="DESK-02"), Line("Assembly", "20.00")),
    ]


@pytest.mark.parametrize(("kind", "status"), FAULTS)
def test_a_fault_at_any_call_of_an_export_leaves_each_invoice_exported_once(
    fresh_world: Callable[[], World], kind: FaultKind, status: int
) -> None:
    """R17, F40, F45, F61: Whatever call fails, before or after its effect: one document, one details row, one row
    of history.
    """
    for side in ("xero", "dynamics"):
        for number in count():
            world = fresh_world()
            invoice_ids = save_three(world)
            world.mark(*invoice_ids)
            wire = getattr(world, side).wire
            wire.inject(Fault(match=".", kind=kind, skip=number, status=status))

            world.work()
            if wire.faults:
                assert number >= 4  # the export makes more calls than that: they have all been hit
                break
            world.settle()

            world.assert_exported_once(*invoice_ids)
            assert len(world.org.contacts) == 2
            assert len(world.all_documents()) == 3
            world.assert_quiet()


def test_a_crash_at_any_call_of_an_export_leaves_each_invoice_exported_once(
    fresh_world: Callable[[], World],
) -> None:
    """R5, F20, F61: The process dies after any call to Xero, Dynamics or Redis, which is before the next:
    another one ends it.
    """
    for number in count(1):
        world = fresh_world()
        invoice_ids = save_three(world)
        world.mark(*invoice_ids)
        world.tap.crash_after_effect(number)

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 25
            break
        world.settle()

        world.assert_exported_once(*invoice_ids)
        assert len(world.all_documents()) == 3
        world.assert_quiet()


@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.parametrize("match", ["PUT api.xero.com", "POST contoso"])
def test_a_crash_around_any_write_of_a_batch_of_any_size_doubles_nothing(
    fresh_world: Callable[[], World], size: int, match: str
) -> None:
    """Batches of one and of fifty, killed around each write to Xero and each batch to Dynamics."""
    for number in count(1):
        world = fresh_world()
        invoice_ids = world.save_invoices(size)
        world.mark(*invoice_ids)
        world.tap.crash_after_effect(number, only=match)

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 2
            break
        world.settle()

        world.assert_exported_once(*invoice_ids)
        assert len(world.all_documents()) == size


def test_a_crash_between_any_two_calls_of_the_recovery_doubles_nothing(fresh_world: Callable[[], World]) -> None:
    """The process that resolves the lost call dies as well, at any of its own calls."""
    for number in count(1):
        world = fresh_world()
        invoice_ids = world.save_invoices(3)
        world.mark(*invoice_ids)
        world.lose_reply("PUT /api.xro/2.0/Invoices")
        world.work()
        world.pass_time(minutes=6)
        world.tap.crash_after_effect(number, only="xero|contoso")

        try:
            world.poll()
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 5
            break
        world.settle()

        world.assert_exported_once(*invoice_ids)
        assert len(world.all_documents()) == 3
