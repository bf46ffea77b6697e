"""An invoice waits until its gates are open: its details row says for what, nothing else happens, then it goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from core import columns, connections
from tests.world import Line, World

CLOSED: dict[str, tuple[dict[str, Any], str]] = {
    "C3": ({"pricelevelid@odata.bind": None}, "price list"),
    "C4": ({"customerid_account@odata.bind": None}, "customer"),
    "C5 empty": ({"datedelivered": None}, "Date Delivered"),
    "C5 future": ({"datedelivered": "2027-02-03T00:00:00Z"}, "goes on 3 Feb 2027 (Date Delivered)"),
}


def open_gates(world: World, invoice_id: str) -> None:
    world.edit(
        invoice_id,
        **{
            "pricelevelid@odata.bind": f"/pricelevels({world.price_list})",
            "customerid_account@odata.bind": f"/accounts({world.customers['Fourth Coffee']})",
            "datedelivered": "2026-11-24T00:00:00Z",
        },
    )


def assert_waits(world: World, invoice_id: str, text: str) -> None:
    """The details row says for what; no history, no call to Xero; waiting costs nothing beyond the polls (C9)."""
    assert world.status(invoice_id) == "No"
    assert world.details(invoice_id)["stl3_waitingfor"] == text
    assert world.history(invoice_id) == []
    assert world.xero_calls(polls=False) == []
    world.assert_quiet_but_later()


@pytest.mark.parametrize("gate", CLOSED)
@pytest.mark.parametrize("by", ["event", "poller"])
def test_a_closed_gate_is_named_and_the_invoice_goes_when_it_opens(world: World, gate: str, by: str) -> None:
    """By an event or by the poller alone; the text is cleared on export."""
    closed, text = CLOSED[gate]
    invoice_id = world.save_invoice(Line("Work", "10.00"), **closed)
    mark = world.mark if by == "event" else lambda _invoice_id: world.poll()
    mark(invoice_id)
    world.work()
    assert_waits(world, invoice_id, text)

    open_gates(world, invoice_id)
    mark(invoice_id)
    world.work()

    world.assert_exported_once(invoice_id)


def test_several_closed_gates_are_all_named_and_followed(world: World) -> None:
    """The text follows the gates as they change."""
    closed = {"pricelevelid@odata.bind": None, "datedelivered": "2026-12-24T00:00:00Z"}
    invoice_id = world.save_invoice(Line("Work", "10.00"), **closed)
    world.poll()
    world.work()
    assert_waits(world, invoice_id, "price list; goes on 24 Dec 2026 (Date Delivered)")

    world.edit(invoice_id, **{"pricelevelid@odata.bind": f"/pricelevels({world.price_list})"})
    world.poll()
    world.work()

    assert_waits(world, invoice_id, "goes on 24 Dec 2026 (Date Delivered)")


def test_an_invoice_without_connector_leaves_no_trace(world: World) -> None:
    """C1: nobody said that it shall go to Xero."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), connect=False)
    world.mark(invoice_id)

    world.settle()

    assert world.all_details(invoice_id) == []
    assert world.xero_calls(polls=False) == []


def test_a_connector_that_is_cleared_before_the_export_closes_the_gate_again(world: World) -> None:
    """C1: the row stays and says what is missing."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    world.settle()
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": None})
    world.mark(invoice_id)
    world.work()

    assert_waits(world, invoice_id, "connector; price list")


def test_a_cancelled_invoice_that_was_not_exported_waits(world: World) -> None:
    """C2 and E7: cancelling only closes the gates."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    world.settle()
    world.edit(invoice_id, statecode=3, statuscode=100003)
    world.mark(invoice_id)
    world.work()

    assert_waits(world, invoice_id, "an active invoice; price list")


@pytest.mark.parametrize("by", ["event", "poller"])
def test_an_invoice_without_lines_waits_for_one(world: World, by: str) -> None:
    """C6; the event of the new line may be lost."""
    invoice_id = world.save_invoice()
    world.settle()
    assert_waits(world, invoice_id, "at least one line")

    line = world._line(Line("Work", "10.00"))
    world.sales.create("invoicedetail", {**line, "invoiceid@odata.bind": f"/invoices({invoice_id})"})
    if by == "event":
        world.mark(invoice_id)
        world.work()
    else:
        world.settle()

    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize("export_status", ["Yes", "Failed"])
def test_an_export_status_other_than_no_keeps_it(world: World, export_status: str) -> None:
    """C7: a person set it, whatever for."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    world.settle()
    world.edit_details(invoice_id, stl3_exportstatus=columns.EXPORT_STATUS[export_status])
    open_gates(world, invoice_id)
    world.mark(invoice_id)

    world.settle()

    assert world.all_documents() == []
    assert world.status(invoice_id) == export_status
    world.try_again(invoice_id)
    world.settle()
    world.assert_exported_once(invoice_id)


def test_a_paused_connection_keeps_its_invoices(world: World) -> None:
    """C8: nothing goes until it is resumed, then everything does, by the poller alone."""
    world.app.connections.save_state(world.connection.id, connections.PAUSED)
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.settle()
    assert world.xero_calls(polls=False) == []
    assert world.details(invoice_id)["stl3_waitingfor"] == "the connection to be in service"
    assert world.history(invoice_id) == []

    world.app.connections.save_state(world.connection.id, connections.IN_SERVICE)
    world.settle()

    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize("typed", ["2026-11-25T00:00:00Z", "2026-11-24T23:00:00Z", "2026-11-25T08:00:00Z"])
@pytest.mark.parametrize("by", ["lane", "poller"])
def test_a_future_invoice_goes_just_after_midnight_of_its_day(world: World, typed: str, by: str) -> None:
    """C5, typed in London, Berlin or Los Angeles: not before midnight in the connection's zone, then by itself."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered=typed)
    world.mark(invoice_id)
    world.work()
    assert_waits(world, invoice_id, "goes on 25 Nov 2026 (Date Delivered)")

    go_to = world.clock.now().replace(hour=23, minute=59)
    world.pass_time(seconds=(go_to - world.clock.now()).total_seconds())
    world.poll()
    world.work()
    assert world.all_documents() == []
    if by == "poller":
        world.redis.flushall()
    world.pass_time(seconds=61)
    if by == "poller":
        world.poll()
    world.work()

    world.assert_exported_once(invoice_id)
    assert world.documents()[0]["Date"] == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("zone", "typed", "now"),
    [
        ("Pacific/Kiritimati", "2026-11-25T11:00:00Z", "2026-11-24T10:30:00+00:00"),  # typed in Samoa
        ("Pacific/Auckland", "2026-11-25T00:00:00Z", "2026-11-24T11:30:00+00:00"),
        ("America/New_York", "2026-11-25T00:00:00Z", "2026-11-25T05:30:00+00:00"),
    ],
)
def test_the_poller_finds_an_invoice_of_today_whatever_zone_it_was_typed_in(
    world: World, zone: str, typed: str, now: str
) -> None:
    """The connection's day has begun, so the invoice goes, even without any event."""
    world.app.connections.save(replace(world.connection, timezone=zone))
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered=typed)
    world.poll()
    world.work()
    world.redis.flushall()
    world.pass_time(seconds=(datetime.fromisoformat(now) - world.clock.now()).total_seconds())

    world.poll()
    world.work()

    world.assert_exported_once(invoice_id)
