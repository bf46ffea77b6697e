"""Webhooks that Dynamics could not deliver: people learn of it, nothing is lost, and it costs no call."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cli.doctor import webhooks
from cli.lane_shown import lane_rows
from core.connections import IN_SERVICE
from core.errors import ConnectorError
from pipeline.lane_facts import read_lane_facts
from pipeline.lanes import Entity
from pipeline.poll_dynamics import find_due
from pipeline.poll_jobs import KEPT, ROWS_MAX, Harvest, Undelivered
from simulators.outbox import deliver_due
from tests.simulation.test_events import Hooks
from tests.simulation.test_limits_and_rights import state
from tests.world import World


@pytest.fixture
def hooks(world: World) -> Hooks:
    world.settle()
    return Hooks(world)


def fail(world: World, status: int | None = 500) -> int:
    """Let our web process answer each delivery like this, or not at all; return how many deliveries that were."""
    return deliver_due(world.dynamics.outbox, lambda _delivery: status, world.dynamics.settle)


def told(world: World) -> Undelivered:
    return Harvest(world.redis, world.connection.id).load(now=world.clock.now())


def words(world: World) -> str:
    return told(world).words(world.connection)


def due(world: World, invoice_id: str) -> bool:
    return world.app.lanes.due_at(world.connection.id, Entity("dynamics", "invoice", invoice_id)) is not None


@pytest.mark.parametrize(
    ("status", "why"),
    [(500, "status 500"), (401, "status 401"), (429, "status 429"), (404, "status 404"), (None, "no answer in time")],
)
def test_f01_deliveries_that_fail_are_told_and_nothing_is_lost(
    world: World, hooks: Hooks, status: int | None, why: str
) -> None:
    """F01, H4: how many since when and why; the invoices go by the poll, which costs one call to Dynamics as ever."""
    assert hooks.endpoint_id
    invoice_ids = world.save_invoices(2)
    failed = fail(world, status)
    assert failed >= 2
    world.dynamics.wire.forget_calls()

    with capture_logs() as entries:
        assert world.poll() == 2

    assert len(world.dynamics_calls()) == 1
    assert told(world).count == failed
    assert words(world) == f"Dynamics could not deliver {failed} webhooks since 24 Nov 09:30 (GMT): {why}"
    assert dict(lane_rows(world.connection, read_lane_facts(world.app, world.connection.id)))["Webhooks"] == words(
        world
    )
    with pytest.raises(ConnectorError, match="Is `connector web` running"):
        webhooks(world.app, world.connection)
    (entry,) = (each for each in entries if each["event"] == "webhooks.undelivered")
    assert (entry["jobs"], entry["reason"]) == (failed, why)
    world.work()
    world.assert_exported_once(*invoice_ids)
    assert state(world) == IN_SERVICE


def test_what_was_told_is_not_told_again_and_ends_after_a_day(world: World, hooks: Hooks) -> None:
    """I5: overlapping polls read the same jobs; they neither count twice nor make work."""
    assert hooks.endpoint_id
    world.save_invoices(1)
    failed = fail(world)
    world.poll()
    world.work()
    world.settle()

    with capture_logs() as entries:
        for _ in range(3):
            world.pass_time(minutes=4)
            world.poll()
            world.work()

    assert told(world).count == failed
    assert not any(entry["event"] == "webhooks.undelivered" for entry in entries)
    hooks.deliver()
    world.assert_quiet()
    world.pass_time(seconds=KEPT.total_seconds())
    assert words(world) == ""
    assert webhooks(world.app, world.connection) == "Dynamics has told of none that it could not deliver within a day"


def about_line(world: World, invoice_id: str) -> None:
    (line,) = world.lines(invoice_id)
    world.sales.update("invoicedetail", line["invoicedetailid"], {"quantity": 2})


def about_details(world: World, invoice_id: str) -> None:
    world.edit_details(invoice_id, stl3_waitingfor="looked at by somebody")


@pytest.mark.parametrize("act", [about_line, about_details])
def test_the_invoice_of_a_line_or_of_details_is_marked(
    world: World, hooks: Hooks, act: Callable[[World, str], None]
) -> None:
    """F01: the job names the row of the event, which is not always the invoice."""
    (invoice_id,) = world.save_invoices(1)
    hooks.deliver()
    world.work()
    world.settle()
    world.pass_time(minutes=30)
    world.settle()
    act(world, invoice_id)
    assert fail(world) >= 1
    make_old(world)

    world.poll()

    assert due(world, invoice_id)


def make_old(world: World) -> None:
    """Let invoices and lines look unchanged for years: the other queries would find them as well."""
    for table in ("invoice", "invoicedetail"):
        for row in world.dynamics._env.store.all(table).values():
            row["modifiedon"] = world.clock.now().replace(year=2020)
    tools = world.app.connect(world.connection, world.app.lanes.now)
    found = find_due(tools, since=world.clock.now(), now=world.clock.now())
    assert found.invoice_ids == frozenset()


def test_a_line_that_is_gone_and_somebody_elses_webhook_are_no_work(world: World, hooks: Hooks) -> None:
    """What is deleted has no invoice to mark, and another app's failures are not ours."""
    (invoice_id,) = world.save_invoices(1)
    (line,) = world.lines(invoice_id)
    world.sales.delete("invoicedetail", line["invoicedetailid"])
    failed = fail(world)
    url = "https://elsewhere.example/hook"
    setting = '<settings><setting name="a" value="b" /></settings>'
    row = {"name": "Other", "contract": 8, "authtype": 5, "authvalue": setting, "url": url}
    hooks.endpoint_id = world.sales.create("serviceendpoint", row)
    hooks.step("account", "Create")
    world.add_customer("Adatum")
    assert fail(world) >= 1

    world.poll()

    assert told(world).count == failed


def test_without_the_right_to_see_jobs_the_rest_of_the_poll_goes_on(world: World, hooks: Hooks) -> None:
    """F74: a 403 of that one part is said once and stops nothing; when the right is there, it is used."""
    world.dynamics.deny(world.app_user, "prvReadAsyncOperation")
    invoice_ids = world.save_invoices(1)
    fail(world)

    with capture_logs() as entries:
        for _ in range(3):
            world.poll()
            world.work()
            world.pass_time(minutes=5)

    world.assert_exported_once(*invoice_ids)
    assert state(world) == IN_SERVICE
    assert len([entry for entry in entries if entry["event"] == "webhooks.not_shown"]) == 1
    assert "prvReadAsyncOperation" in words(world)
    assert webhooks(world.app, world.connection).startswith(
        "it cannot be told whether Dynamics delivers its webhooks"
    )

    world.dynamics.allow(world.app_user, "prvReadAsyncOperation")
    world.save_invoices(1)
    hooks.deliver()
    world.work()
    world.poll()
    assert told(world).hidden == ""


def test_more_failures_than_one_answer_names_do_not_hinder_the_poll(world: World, hooks: Hooks) -> None:
    """Our web process was away for long: the newest are counted, the invoices found by the other queries."""
    assert hooks.endpoint_id
    (invoice_id,) = world.save_invoices(1)
    fail(world)
    store = world.dynamics._env.store
    (job_id, job) = next(iter(store.all("asyncoperation").items()))
    with store.transaction():
        for number in range(ROWS_MAX + 5):
            made = f"{job_id[:-6]}{number:06d}"
            store.put("asyncoperation", made, job | {"asyncoperationid": made})

    world.poll()

    assert told(world).count == ROWS_MAX
    assert due(world, invoice_id)


def test_a_crash_after_the_marks_counts_the_jobs_at_the_next_poll(world: World, hooks: Hooks) -> None:
    """Marked first, noted then: nothing is noted that was not marked."""
    assert hooks.endpoint_id
    (invoice_id,) = world.save_invoices(1)
    failed = fail(world)
    world.tap.when("redis ZADD", lambda: setattr(world.redis_server, "connected", False))
    world.poll()
    world.redis_server.connected = True
    assert told(world).count == 0
    assert due(world, invoice_id)

    world.poll()

    assert told(world).count == failed
