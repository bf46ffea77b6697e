"""Limits, lost consents and missing rights: the lane rests, nothing is lost, work goes on by itself afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import columns, connections
from core.errors import Transient
from simulators.wire import Fault
from tests.world import Line, World


def rests_s(world: World) -> float:
    until = world.app.lanes.rests_until(world.connection.id)
    assert until is not None
    return (until - world.clock.now()).total_seconds()


def due(world: World) -> int:
    return world.app.lanes.counts(world.connection.id)["due"]


@pytest.mark.parametrize(
    ("problem", "retry_after", "rests"),
    [("minute", "37", 37), ("day", "7200", 7200), ("concurrent", None, 1), ("appminute", "12", 12)],
)
@pytest.mark.parametrize("match", ["GET /api.xro/2.0/Contacts", "PUT /api.xro/2.0/Invoices"])
def test_a_limit_of_xero_lets_the_lane_rest_until_it_ends(
    world: World, problem: str, retry_after: str | None, rests: int, match: str
) -> None:
    """F44: No call to either side before; then everything goes, once."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    headers = {"X-Rate-Limit-Problem": problem} | ({"Retry-After": retry_after} if retry_after else {})
    world.xero.wire.inject(Fault(match=match, kind="status-before", status=429, headers=headers))

    world.work()

    assert rests_s(world) == pytest.approx(rests, abs=1)
    assert due(world) == 3
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()
    world.pass_time(seconds=rests - 1)
    world.work()
    assert (world.xero_calls(), world.dynamics_calls()) == ([], [])
    world.pass_time(seconds=2)
    world.work()
    world.settle()
    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3


def test_the_simulated_minute_limit_only_delays(world: World) -> None:
    """Three calls a minute: slow, but each invoice is exported once."""
    world.xero.identity.apps["xero-app"].limits.minute = 3
    invoice_ids = world.save_invoices(60)
    world.mark(*invoice_ids)

    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 60


@pytest.mark.parametrize("number", range(4))
def test_a_limit_of_dynamics_lets_the_lane_rest_until_it_ends(world: World, number: int) -> None:
    """At the reading, the settings, the intents and the write-back."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    fault = Fault(match="batch", kind="status-before", status=429, skip=number, headers={"Retry-After": "90"})
    world.dynamics.wire.inject(fault)

    world.work()

    assert rests_s(world) == pytest.approx(90, abs=1)
    world.dynamics.wire.forget_calls()
    world.pass_time(seconds=89)
    world.work()
    assert world.dynamics_calls() == []
    world.pass_time(seconds=2)
    world.work()
    world.settle()
    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3


def connector_record(world: World) -> dict[str, object]:
    (row,) = world.dynamics.rows(columns.CONNECTOR.set_name)
    return {"state": columns.CONNECTOR_STATE.label(row["stl3_state"]), "words": row["stl3_stateinwords"]}


def state(world: World) -> str:
    found = world.app.connections.find(world.connection.id)
    assert found is not None
    return found.state


def test_a_connection_disconnected_in_xero_stops_says_so_and_resumes_by_itself(world: World) -> None:
    """F74: C62: in words on the connector's record; the work stays due; no history row a poll."""
    world.settle()
    world.xero.user(world.org).disconnect_app("xero-app")
    invoice_ids = world.save_invoices(2)
    world.run_for(minutes=40)

    assert state(world) == connections.NEEDS_ATTENTION
    assert connector_record(world)["state"] == "Needs attention"
    assert "Connect Xero again" in str(connector_record(world)["words"])
    assert due(world) == 2
    for invoice_id in invoice_ids:
        assert world.history(invoice_id) == []

    app = world.xero.identity.apps["xero-app"]
    world.xero.identity.consent(app, "xero-app", tuple(app.scopes.split()), [world.org.tenant_id])
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert state(world) == connections.IN_SERVICE
    assert connector_record(world) == {"state": "In service", "words": None}


@pytest.mark.parametrize("privilege", ["prvReadInvoice", "prvWriteInvoice", "prvCreatestl3_xerodetails"])
def test_a_privilege_that_is_taken_away_stops_the_connection_until_it_is_back(world: World, privilege: str) -> None:
    """Whatever the right is needed for: nothing doubles, nothing fails, everything goes after the repair."""
    world.settle()
    world.dynamics.deny(world.app_user, privilege)
    invoice_ids = world.save_invoices(2)
    world.mark(*invoice_ids)
    world.run_for(minutes=20)

    assert state(world) == connections.NEEDS_ATTENTION
    found = world.app.connections.find(world.connection.id)
    assert found is not None
    assert privilege.casefold() in found.state_reason.casefold()
    assert len(world.all_documents()) <= 2

    world.dynamics.allow(world.app_user, privilege)
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 2
    assert state(world) == connections.IN_SERVICE


def test_an_invoice_that_only_waits_does_not_resume_a_connection_that_xero_refuses(world: World) -> None:
    """The stop is said once, not anew after each batch that needs no Xero."""
    world.settle()
    world.xero.user(world.org).disconnect_app("xero-app")
    world.save_invoices(1)
    world.run_for(minutes=3)
    assert state(world) == connections.NEEDS_ATTENTION
    waits = world.save_invoice(Line("Work", "1.00"), **{"pricelevelid@odata.bind": None})
    world.app.lanes.end_rest(world.connection.id)
    world.redis.delete(f"lane:{world.connection.id}:due")
    world.mark(waits)

    world.work()

    assert world.details(waits)["stl3_waitingfor"] == "price list"
    assert state(world) == connections.NEEDS_ATTENTION


def test_a_repaired_connection_resumes_though_no_invoice_comes(world: World) -> None:
    """The application user was disabled for a while; the next poll that goes through says that all is well."""
    world.settle()
    world.dynamics.deny(world.app_user, "prvReadInvoice")
    world.run_for(minutes=6)
    assert state(world) == connections.NEEDS_ATTENTION
    world.dynamics.allow(world.app_user, "prvReadInvoice")

    world.run_for(minutes=6)

    assert state(world) == connections.IN_SERVICE
    assert connector_record(world) == {"state": "In service", "words": None}


def test_an_invoice_that_goes_on_a_later_day_does_not_keep_a_repaired_connection_stopped(world: World) -> None:
    """Rule C62: it is no work that shows whether all is well, not for weeks."""
    world.save_invoice(Line("Later", "5.00"), datedelivered="2026-12-20T00:00:00Z")
    world.settle()
    world.pass_time(minutes=30)
    world.settle()
    assert due(world) == 1
    world.xero.wire.inject(Fault(match="GET /api.xro/2.0/Invoices", kind="status-before", status=403))
    world.poll()
    assert state(world) == connections.NEEDS_ATTENTION
    world.pass_time(minutes=5)

    world.poll()

    assert state(world) == connections.IN_SERVICE


def test_a_paused_connection_is_not_resumed_by_a_failure(world: World) -> None:
    """A person paused it: neither polls nor old work change that."""
    world.app.connections.save_state(world.connection.id, connections.PAUSED)
    world.save_invoices(1)

    world.run_for(minutes=10)

    assert state(world) == connections.PAUSED
    assert world.dynamics_calls() == []


def test_xero_away_for_hours_backs_off_and_loses_nothing(world: World) -> None:
    """Reads fail with 503: the waits grow to a quarter of an hour, and everything goes when Xero is back."""
    world.xero.wire.inject(Fault(match="/api.xro/", kind="status-before", times=10_000))
    invoice_ids = world.save_invoices(3)
    for _ in range(24):
        world.run_for(minutes=5)
    assert len(world.xero_calls(polls=False)) < 30
    assert rests_s(world) <= timedelta(minutes=15).total_seconds()
    world.xero.wire.release()

    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert list(world.app.dead.list_all()) == []


def test_redis_away_is_no_harm(world: World) -> None:
    """Commands fail for a while: the actor ends, the next one goes on."""
    invoice_ids = world.save_invoices(2)
    world.redis_server.connected = False
    world.poll()
    world.work()
    assert [type(error) for error in world.interrupted] == [Transient, Transient]
    world.redis_server.connected = True

    world.settle()

    world.assert_exported_once(*invoice_ids)
