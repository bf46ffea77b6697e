"""One worker at a time works on a connection; one that was frozen past its lease does no harm when it wakes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.work import work
from tests.world import Line, World

# Where the first worker freezes: at each kind of call that an export makes.
POINTS = (
    "redis EVALSHA",
    "POST contoso",
    "GET api.xero.com/api.xro/2.0/Organisation",
    "GET api.xero.com/api.xro/2.0/Contacts",
    "PUT api.xero.com/api.xro/2.0/Contacts",
    "PUT api.xero.com/api.xro/2.0/Items",
    "PUT api.xero.com/api.xro/2.0/Invoices",
)


def freeze_until_another_has_worked(world: World, *, seconds: float) -> Callable[[], None]:
    def frozen() -> None:
        world.pass_time(seconds=seconds)
        other = world.new_process()
        work(other, world.connection.id)

    return frozen


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("seconds", [16, 200])
def test_a_worker_that_wakes_after_its_lease_does_no_harm(
    world: World, point: str, seconds: float, *, after: bool
) -> None:
    """R2, F23: Another worker did the work meanwhile: one document, one contact, one item, one row of history."""
    invoice_ids = [world.save_invoice(Line("Black", "10.00", product="CHAIR-01")) for _ in range(3)]
    world.mark(*invoice_ids)
    world.tap.when(point, freeze_until_another_has_worked(world, seconds=seconds), after=after)

    world.work()
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3
    assert len(world.org.contacts) == 1
    assert len(world.org.items) == 1
    world.assert_quiet()


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_wakes_at_a_later_call_to_dynamics_does_no_harm(
    world: World, number: int, *, after: bool
) -> None:
    """Reading, settings, intents, write-back: the details row that moved meanwhile refuses it (412)."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    happens, left = freeze_until_another_has_worked(world, seconds=20), number

    def once(name: str) -> None:
        nonlocal left
        if name.startswith("POST contoso"):
            left -= 1
            if left == 0:
                world.tap.close()
                happens()

    world.tap.before, world.tap.after = (world.tap.before, once) if after else (once, world.tap.after)
    world.work()
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3
    world.assert_quiet()


def test_a_worker_without_lease_writes_nothing_any_more(world: World) -> None:
    """R15, F23: The lease is lost between the look-up of contacts and the first write: it ends there."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)

    def lease_runs_out() -> None:
        world.pass_time(seconds=16)
        assert world.app.lanes.acquire(world.connection.id, "another") is not None

    world.tap.when("GET api.xero.com/api.xro/2.0/Contacts", lease_runs_out, after=True)

    world.work()

    assert world.org.contacts == {}
    assert world.all_details(invoice_id) == []
    assert world.all_documents() == []


def test_a_person_who_edits_the_details_row_meanwhile_is_not_overwritten_and_nothing_doubles(world: World) -> None:
    """F62: 412 at the write-back: the row is read again, the attempt found again, the document adopted."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    world.tap.when(
        "PUT api.xero.com/api.xro/2.0/Invoices",
        lambda: world.edit_details(invoice_id, stl3_waitingfor="call Ann first"),
        after=True,
    )

    world.work()
    world.settle()

    world.assert_exported_once(invoice_id)
    assert len(world.all_documents()) == 1


def test_a_second_worker_gets_nothing_while_the_first_one_works(world: World) -> None:
    """R1, F24: The lane has one holder; the second ends at once without any call."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    lease = world.app.lanes.acquire(world.connection.id, "first")
    assert lease is not None
    world.dynamics.wire.forget_calls()

    world.work()

    assert world.app.lanes.acquire(world.connection.id, "second") is None
    assert (world.xero_calls(), world.dynamics_calls()) == ([], [])
    lease.release(with_work_left=True)
    world.work()
    world.assert_exported_once(invoice_id)


def test_an_event_during_the_work_is_not_lost(world: World) -> None:
    """R6, F53: Marked again while in work: it is looked at once more, and nothing more happens to it."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", lambda: world.mark(invoice_id))

    world.work()

    world.assert_exported_once(invoice_id)
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
