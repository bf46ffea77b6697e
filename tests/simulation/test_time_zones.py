"""Days begin in the zone of the settings, else in the Xero organisation's: west and east, and when clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from core import columns
from core.connections import IN_SERVICE, NEEDS_ATTENTION
from core.errors import Misconfigured
from simulators.xero.settings import TIMEZONES
from tests.world import Line, World

# Zone, the day, how Dynamics stores its Date Delivered when typed in that zone, and when that day begins.
DAYS = {
    "London, clocks go forward": ("Europe/London", "2027-03-28", "2027-03-28T00:00:00Z", "2027-03-28T00:00:00Z"),
    "London, clocks go back": ("Europe/London", "2027-10-31", "2027-10-30T23:00:00Z", "2027-10-30T23:00:00Z"),
    "New York, forward": ("America/New_York", "2027-03-14", "2027-03-14T05:00:00Z", "2027-03-14T05:00:00Z"),
    "New York, back": ("America/New_York", "2027-11-07", "2027-11-07T04:00:00Z", "2027-11-07T04:00:00Z"),
    "Santiago, no midnight": ("America/Santiago", "2027-09-05", "2027-09-05T04:00:00Z", "2027-09-05T04:00:00Z"),
    "Santiago, 23:00 of the day before": (
        "America/Santiago",
        "2027-09-05",
        "2027-09-05T03:00:00Z",
        "2027-09-05T04:00:00Z",
    ),
    "Santiago, midnight twice": ("America/Santiago", "2027-04-04", "2027-04-04T04:00:00Z", "2027-04-04T04:00:00Z"),
    "Cairo, no midnight": ("Africa/Cairo", "2027-04-30", "2027-04-29T22:00:00Z", "2027-04-29T22:00:00Z"),
    "Cairo, 23:00 of the day before": ("Africa/Cairo", "2027-04-30", "2027-04-29T21:00:00Z", "2027-04-29T22:00:00Z"),
    "Beirut, no midnight": ("Asia/Beirut", "2027-03-28", "2027-03-27T22:00:00Z", "2027-03-27T22:00:00Z"),
    "Auckland in summer": ("Pacific/Auckland", "2027-01-05", "2027-01-04T11:00:00Z", "2027-01-04T11:00:00Z"),
    "Auckland, clocks go back": ("Pacific/Auckland", "2027-04-04", "2027-04-03T11:00:00Z", "2027-04-03T11:00:00Z"),
    "Apia": ("Pacific/Apia", "2027-01-05", "2027-01-04T11:00:00Z", "2027-01-04T11:00:00Z"),
    "Kiritimati": ("Pacific/Kiritimati", "2027-01-05", "2027-01-04T10:00:00Z", "2027-01-04T10:00:00Z"),
    "Kiritimati, a day without time": (
        "Pacific/Kiritimati",
        "2027-01-05",
        "2027-01-05T00:00:00Z",
        "2027-01-04T10:00:00Z",
    ),
    "Pago Pago": ("Pacific/Pago_Pago", "2027-01-05", "2027-01-05T11:00:00Z", "2027-01-05T11:00:00Z"),
    "Pago Pago, a day without time": (
        "Pacific/Pago_Pago",
        "2027-01-05",
        "2027-01-05T00:00:00Z",
        "2027-01-05T11:00:00Z",
    ),
}


def go_to(world: World, moment: datetime, *, seconds: float) -> None:
    world.pass_time(seconds=(moment - world.clock.now()).total_seconds() + seconds)


def wait_for_day(world: World, case: str, *, by: str) -> str:
    """Save an invoice of that day two seconds before it begins; return its id. `by` is who has to find it later."""
    zone, _, stored, begins = DAYS[case]
    world.choose(timezone=zone)
    go_to(world, datetime.fromisoformat(begins), seconds=-2)
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered=stored)
    world.mark(invoice_id)
    world.work()
    if by == "poller":
        world.redis.flushall()
    return invoice_id


def record(world: World) -> dict[str, Any]:
    (row,) = world.dynamics.rows(columns.CONNECTOR.set_name)
    return row


@pytest.mark.parametrize("by", ["calendar", "poller"])
@pytest.mark.parametrize("case", DAYS)
def test_an_invoice_goes_just_after_its_day_has_begun(world: World, case: str, by: str) -> None:
    """Rule C5: not before, whatever the clocks do that night; with that day as its date."""
    invoice_id = wait_for_day(world, case, by=by)
    day = date.fromisoformat(DAYS[case][1])
    world.poll()
    world.work()
    assert world.all_documents() == []
    assert world.details(invoice_id)["stl3_waitingfor"] == f"goes on {day.day} {day:%b %Y} (Date Delivered)"

    world.pass_time(seconds=3)
    if by == "poller":
        world.redis.flushall()
        world.poll()
    world.work()

    world.assert_exported_once(invoice_id)
    assert world.documents()[0]["Date"] == day


def test_the_zone_of_the_settings_is_in_force(world: World) -> None:
    """Rule B9: for the date gate, the date and the names of the history; the connection's own is the default."""
    world.choose(timezone="Pacific/Auckland")
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered="2026-11-25T00:00:00Z")
    world.pass_time(hours=1, minutes=31)

    world.poll()
    world.work()

    world.assert_exported_once(invoice_id)
    assert world.connection.timezone == "Europe/London"
    assert [row["stl3_name"] for row in world.history(invoice_id)] == ["Sync - 2026-11-25 00:01:00"]


def test_a_zone_that_is_changed_counts_from_the_event_on(world: World) -> None:
    """The invoice waited for the day in London."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered="2026-11-25T00:00:00Z")
    world.settle()
    assert world.status(invoice_id) == "No"
    world.pass_time(hours=2)
    world.choose(timezone="Pacific/Auckland")

    world.dispatch(world.settings_event())
    world.poll()
    world.work()

    world.assert_exported_once(invoice_id)


def test_a_zone_that_is_taken_away_makes_it_wait_again(world: World) -> None:
    world.choose(timezone="Pacific/Auckland")
    world.poll()
    world.choose(timezone="")
    world.dispatch(world.settings_event())
    world.pass_time(hours=2)
    invoice_id = world.save_invoice(Line("Work", "10.00"), datedelivered="2026-11-25T00:00:00Z")

    world.poll()
    world.work()

    assert world.details(invoice_id)["stl3_waitingfor"] == "goes on 25 Nov 2026 (Date Delivered)"


@pytest.mark.parametrize("found_by", ["event", "poller"])
def test_an_unknown_zone_stops_the_connection_until_it_is_corrected(world: World, found_by: str) -> None:
    """Rule B9: the administrator is told what is wrong and how it is spelled; nothing is lost."""
    world.choose(timezone="Europe/Londno")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    if found_by == "event":
        world.mark(invoice_id)
        world.work()
        assert world.app.lanes.counts(world.connection.id)["due"] == 1
    else:
        assert world.poll() == 0

    stopped = world.app.connections.find(world.connection.id)
    assert stopped is not None
    assert stopped.state == NEEDS_ATTENTION
    assert record(world)["stl3_state"] == columns.CONNECTOR_STATE["Needs attention"]
    assert record(world)["stl3_stateinwords"] == (
        "Time zone in the connector's settings in Dynamics: “Europe/Londno” is not a time zone: did you mean "
        "Europe/London? Correct it there, or leave it empty for Europe/London."
    )
    assert world.all_details(invoice_id) == []

    world.choose(timezone="Europe/London")
    world.settle()

    world.assert_exported_once(invoice_id)
    assert record(world)["stl3_state"] == columns.CONNECTOR_STATE["In service"]


def test_without_a_zone_in_the_import_the_organisations_own_is_the_default(world: World) -> None:
    """Rule B9: Xero names it as Windows does."""
    world.org.timezone = "Pacific/Auckland"
    entry = world.entry()
    del entry["timezone"]

    joined = world.joiner.join(entry).connection

    assert joined == replace(world.connection, timezone="Pacific/Auckland")
    assert joined.state == IN_SERVICE


def test_an_organisation_whose_zone_nobody_knows_needs_one_in_the_import(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has given up this zone, Xero's list still has it."""
    monkeypatch.setitem(TIMEZONES, "Asia/Kamchatka", "KAMCHATKASTANDARDTIME")
    world.org.timezone = "Asia/Kamchatka"
    entry = world.entry()
    del entry["timezone"]

    with pytest.raises(Misconfigured, match=r"^timezone: .*“KAMCHATKASTANDARDTIME”.* such as Europe/London\.$"):
        world.joiner.join(entry)

    joined = world.joiner.join({**entry, "timezone": "Asia/Kamchatka"}).connection
    assert joined.timezone == "Asia/Kamchatka"
