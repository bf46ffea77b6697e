"""The poller alone, without a single event: whatever needs work is found, and an idle poll costs one call."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from simulators.wire import Fault
from tests.world import Line, World


def test_a_new_invoice_is_found(world: World) -> None:
    """F01: Its event was lost."""
    invoice_ids = world.save_invoices(3)

    assert world.poll() == 3
    world.work()

    world.assert_exported_once(*invoice_ids)
    world.assert_quiet()


def test_a_backlog_of_several_batches_is_found(world: World) -> None:
    """More than one claim and more than one call."""
    invoice_ids = world.save_invoices(120)

    world.poll()
    world.work()

    world.assert_exported_once(*invoice_ids)
    assert len(world.sent_keys()) == 3
    assert len(world.xero_calls()) <= 120 * 0.06 + 4  # and the first reading of the books


def test_the_export_status_no_that_a_person_set_is_found(world: World) -> None:
    """Failed → No needs no event."""
    (invoice_id,) = world.save_invoices(1)
    world.choose(sales_account="nope")
    world.settle()
    assert world.status(invoice_id) == "Failed"
    world.choose(sales_account="200")
    world.pass_time(minutes=2)
    world.try_again(invoice_id)

    world.settle()

    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"pricelevelid@odata.bind": None}, "price list"),
        ({"datedelivered": "2027-01-05T00:00:00Z"}, "Date Delivered"),
    ],
)
def test_the_no_of_one_that_has_to_wait_is_found_once_and_says_why(
    world: World, edit: dict[str, str | None], words: str
) -> None:
    """H2, H4: its gates closed while it was Failed; without an event nobody would say what it waits for."""
    (invoice_id,) = world.save_invoices(1)
    world.choose(sales_account="nope")
    world.settle()
    world.edit(invoice_id, **edit)
    world.pass_time(minutes=20)
    world.settle()
    assert (world.status(invoice_id), world.details(invoice_id)["stl3_waitingfor"]) == ("Failed", None)
    world.try_again(invoice_id)

    world.settle()

    assert world.status(invoice_id) == "No"
    assert words in world.details(invoice_id)["stl3_waitingfor"]
    world.assert_quiet_but_later(world.connection)


def test_no_on_an_exported_invoice_makes_no_second_document(world: World) -> None:
    """C7: a document that lives is kept, and the status becomes Yes again."""
    (invoice_id,) = world.save_invoices(1)
    world.settle()
    world.try_again(invoice_id)

    world.settle()

    world.assert_exported_once(invoice_id)
    assert len(world.all_documents()) == 1
    assert len(world.history(invoice_id)) == 1


def test_a_cancellation_and_its_end_are_found_and_then_nothing_is(world: World) -> None:
    """Rules E1, E8: nobody has heard that the invoice was cancelled, and later made active again."""
    (invoice_id,) = world.save_invoices(1)
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    world.pass_time(minutes=12)
    for act, handled in ((world.sales.cancel_invoice, "3"), (world.sales.activate_invoice, "0")):
        act(invoice_id)
        world.redis.flushall()

        world.settle()

        assert world.details(invoice_id)["stl3_handledstate"] == handled
        world.assert_quiet()


def test_the_open_attempt_of_a_dead_worker_is_found_even_when_redis_is_gone(world: World) -> None:
    """The journal stands in Dynamics."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    world.lose_reply("PUT /api.xro/2.0/Invoices")
    world.work()
    world.redis.flushall()
    world.die()

    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3


def test_one_mark_of_a_shared_attempt_heals_all_its_members(world: World) -> None:
    """Redis forgot the others; they are due again as soon as one of them is looked at."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    world.xero.wire.inject(Fault(match="PUT /api.xro/2.0/Invoices", kind="drop-before"))
    world.work()
    world.redis.flushall()
    world.die()
    world.pass_time(minutes=8)
    world.mark(invoice_ids[1])

    world.work()

    world.assert_exported_once(*invoice_ids)


def test_redis_wiped_at_any_call_leaves_each_invoice_exported_once(fresh_world: Callable[[], World]) -> None:
    """F26: Lanes, leases, memory, watermarks: all of it may go at any moment."""
    for number in count(1):
        world = fresh_world()
        invoice_ids = [world.save_invoice(Line("Black", "10.00", product="CHAIR-01")) for _ in range(3)]
        world.mark(*invoice_ids)
        left = number

        def wipe(name: str, world: World = world) -> None:
            nonlocal left
            if not name.startswith("redis"):
                left -= 1
                if left == 0:
                    world.redis.flushall()

        world.tap.before = wipe
        world.work()
        world.tap.close()
        if left > 0:
            assert number > 8
            break
        world.settle()

        world.assert_exported_once(*invoice_ids)
        assert len(world.all_documents()) == 3
        world.assert_quiet()


def test_an_idle_poll_is_one_call_that_writes_nothing(world: World) -> None:
    """After exports, failures and waiting invoices alike."""
    world.save_invoices(3)
    world.save_invoice(Line("Work", "1.00"), **{"pricelevelid@odata.bind": None})
    world.save_invoice(Line("Work", "1.00"), datedelivered="2026-11-25T00:00:00Z")
    world.products["X" * 31] = world.add_product("X" * 31, "Too long a number")
    failing = world.save_invoice(Line("Work", "1.00", product="X" * 31))
    world.settle()
    assert world.status(failing) == "Failed"

    world.assert_quiet_but_later()


def test_a_poll_that_fails_is_repeated_and_loses_nothing(world: World) -> None:
    """The watermark is stored after the marks, and only then."""
    world.settle()
    invoice_ids = world.save_invoices(2)
    world.dynamics.wire.inject(Fault(match="batch", kind="drop-after", times=2))
    assert world.poll() == 0
    assert world.poll() == 0

    world.settle()

    world.assert_exported_once(*invoice_ids)
