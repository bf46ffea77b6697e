"""Once a local day, soon after midnight, whatever is not final is compared on both sides."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from core.connections import Connection
from pipeline.lanes import Entity
from pipeline.nightly import SPREAD, day_of
from pipeline.reference import REFERENCE
from pipeline.watermarks import Nights, Watermark
from simulators.wire import Fault
from tests.simulation.taps import Crash
from tests.simulation.trading import Trade
from tests.world import Line, World

DUE = {"DueDate": "2026-12-24"}


def export_approved(world: World, number: int = 1) -> list[str]:
    invoice_ids = world.save_invoices(number)
    world.settle()
    world.pass_time(seconds=10)
    person = world.xero.user(world.org)
    for document in world.documents():
        person.edit_invoice(document["InvoiceID"], **DUE)
        person.approve_invoice(document["InvoiceID"])
    world.pass_time(seconds=10)
    world.settle()
    return invoice_ids


def go_to_night(world: World) -> None:
    """Past the latest moment at which the round of a night begins; London is on UTC in November."""
    midnight = datetime.combine(world.clock.now().date() + timedelta(days=1), datetime.min.time(), UTC)
    world.pass_time(seconds=(midnight + SPREAD - world.clock.now()).total_seconds())


def pay_unheard(world: World, invoice_id: str) -> None:
    """A payment that neither an event nor the list of changed documents tells of."""
    (document,) = world.documents_of(invoice_id)
    world.xero.user(world.org).pay(document["InvoiceID"], document["AmountDue"])
    world.pass_time(minutes=30)
    Watermark(world.redis, world.connection.id, "xero").save(world.clock.now())
    world.settle()


def marked(world: World) -> set[str]:
    """What is due, without the kinds of invoices that are due by the calendar."""
    return set(world.redis.zrange(f"lane:{world.connection.id}:due", 0, -1))


def test_what_neither_event_nor_list_told_is_found_at_night(world: World) -> None:
    """Rule H2, and the last net below it: every row that is not final is read again."""
    paid, still_open = export_approved(world, 2)
    pay_unheard(world, paid)
    assert world.details(paid)["stl3_xerostatus"] == "AUTHORISED"

    go_to_night(world)
    world.settle()

    assert world.details(paid)["stl3_xerostatus"] == "PAID"
    assert world.details(still_open)["stl3_xerostatus"] == "AUTHORISED"
    world.assert_quiet()


def test_the_round_marks_both_sides_the_balances_and_the_reference_data(world: World) -> None:
    """Rule F3: reference data nightly. Rule D8: balances daily, for overdue changes by the calendar."""
    (invoice_id,) = export_approved(world)
    (document,) = world.documents_of(invoice_id)
    world.settle()
    go_to_night(world)

    world.poll()

    assert marked(world) >= {
        str(REFERENCE),
        str(Entity("dynamics", "invoice", invoice_id)),
        str(Entity("xero", "invoice", document["InvoiceID"])),
        str(Entity("xero", "contact", document["Contact"]["ContactID"])),
    }


def test_what_is_final_is_not_read_again(world: World) -> None:
    """Paid, voided and deleted documents are done with; what happens to them after all is listed by the poll."""
    paid, voided, deleted, still_open = export_approved(world, 4)
    person = world.xero.user(world.org)
    pay_in_full = world.documents_of(paid)[0]
    person.pay(pay_in_full["InvoiceID"], pay_in_full["AmountDue"])
    person.void_invoice(world.documents_of(voided)[0]["InvoiceID"])
    world.pass_time(seconds=10)
    world.settle()
    world.pass_time(minutes=30)
    world.settle()
    world.edit_details(deleted, stl3_xerostatus="DELETED")
    go_to_night(world)

    world.poll()

    due = {name for name in marked(world) if name.startswith("dynamics:invoice:")}
    assert due == {str(Entity("dynamics", "invoice", still_open))}


def test_a_night_in_which_nothing_moved_writes_nothing(world: World) -> None:
    """I5: what was read is as it was."""
    export_approved(world, 3)
    go_to_night(world)
    world.settle()
    before = world.rows_of_ours()

    go_to_night(world)
    world.settle()

    assert world.rows_of_ours() == before
    world.assert_quiet()


def test_cents_of_a_currency_that_has_none_are_written_once(world: World) -> None:
    """I5, rule C53: Xero has cents of yen as well; what is due is not written again each night."""
    world.choose(status="Authorised")
    price_lists = Trade(world, random.Random(1)).price_lists
    yen = {
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({world.currency('JPY')})",
        "pricelevelid@odata.bind": f"/pricelevels({price_lists['JPY']})",
    }
    invoice_id = world.save_invoice(Line("Work", "999"), duedate="2026-12-24", **yen)
    world.settle()
    assert world.details(invoice_id)["stl3_amountdue"] == Decimal("1198.80")
    before = world.rows_of_ours(), world.invoice(invoice_id), world.lines(invoice_id)

    for _ in range(2):
        go_to_night(world)
        world.settle()

    assert (world.rows_of_ours(), world.invoice(invoice_id), world.lines(invoice_id)) == before


def test_it_is_done_once_a_night(world: World) -> None:
    """The next poll of the same day marks nothing."""
    export_approved(world)
    go_to_night(world)
    world.settle()
    world.pass_time(minutes=30)

    assert world.poll() == 0


def test_a_fresh_installation_begins_the_night_after(world: World) -> None:
    """The poll reads everything at first anyway; nothing is read twice."""
    world.save_invoices(1)

    world.poll()

    assert Nights(world.redis, world.connection.id).load() == day_of(world.connection, world.clock.now())
    assert str(REFERENCE) not in marked(world)


def test_many_rows_are_marked_page_after_page(world: World) -> None:
    """More than a portion, with export status and Xero id of every kind."""
    invoice_ids = world.save_invoices(620)
    world.settle()
    go_to_night(world)

    world.poll()

    due = marked(world)
    assert {str(Entity("dynamics", "invoice", invoice_id)) for invoice_id in invoice_ids} <= due
    assert len({name for name in due if name.startswith("xero:invoice:")}) == 620


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_a_round_that_fails_is_repeated_at_the_next_poll(world: World, kind: str) -> None:
    """The day is noted behind the marks."""
    (paid,) = export_approved(world)
    pay_unheard(world, paid)
    go_to_night(world)
    fault = Fault(match="stl3_xerodetailses", kind="drop-before" if kind == "drop-before" else "drop-after")
    world.dynamics.wire.inject(fault)

    world.poll()
    assert world.dynamics.wire.faults == []
    world.pass_time(minutes=5)
    world.settle()

    assert world.details(paid)["stl3_xerostatus"] == "PAID"


def test_a_crash_at_any_call_of_the_round_loses_nothing(fresh_world: Callable[[], World]) -> None:
    """Whatever was not marked is marked by the next poll."""
    for number in count(1):
        world = fresh_world()
        (paid,) = export_approved(world)
        pay_unheard(world, paid)
        go_to_night(world)
        world.tap.crash_after_effect(number)

        try:
            world.poll()
        except Crash:
            world.die()
        else:
            assert number > 12
            break
        world.settle()

        assert world.details(paid)["stl3_xerostatus"] == "PAID"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Europe/London", "Asia/Kathmandu"])
def test_the_day_begins_in_the_zone_of_the_connection(world: World, zone: str) -> None:
    """Rule B9: within the first two hours of the local day, each connection at its own moment."""
    connection: Connection = world.connection
    chosen = Connection(**{name: getattr(connection, name) for name in Connection.__slots__} | {"timezone": zone})
    midnight = datetime(2026, 11, 25, tzinfo=chosen.zone)

    assert day_of(chosen, midnight.astimezone(UTC) - timedelta(seconds=1)) == date(2026, 11, 24)
    assert day_of(chosen, midnight.astimezone(UTC) + SPREAD) == date(2026, 11, 25)


def test_the_setting_of_the_zone_decides(world: World) -> None:
    """Rule B9: it is Tuesday in London and Wednesday in Auckland."""
    export_approved(world)
    world.choose(timezone="Pacific/Auckland")
    world.pass_time(minutes=30)
    world.settle()
    done = Nights(world.redis, world.connection.id).load()
    world.pass_time(hours=5)  # half past two in the night over there

    world.poll()

    assert done == date(2026, 11, 24)
    assert Nights(world.redis, world.connection.id).load() == date(2026, 11, 25)
