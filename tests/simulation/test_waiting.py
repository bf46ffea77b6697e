"""A lane that waits: a small probe goes first, polls respect limits, others are not touched, and people see why."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cli.lane_shown import lane_json, lane_rows
from core import columns, connections
from core.connections import Connection
from core.errors import Limited
from pipeline.lane_facts import LaneFacts, read_lane_facts
from pipeline.lanes import Entity
from pipeline.troubles import Trouble, Troubles
from pipeline.verdict import BATCH_MAX, OPEN_AFTER, PARK_AFTER
from simulators.wire import Fault
from tests.simulation.onlooking import redis_of
from tests.simulation.test_explain import explained
from tests.simulation.test_limits_and_rights import rests_s, state
from tests.world import Line, World

LISTS = "GET /api.xro/2.0/Contacts"
PUT = ("PUT", "/api.xro/2.0/Invoices")


def trouble(world: World, connection: Connection | None = None) -> Trouble:
    return Troubles(world.redis, (connection or world.connection).id).load()


def facts(world: World, connection: Connection | None = None) -> LaneFacts:
    return read_lane_facts(world.app, (connection or world.connection).id)


def rows(world: World) -> dict[str, str]:
    """What `connector connections show` prints of the lane."""
    return dict(lane_rows(world.connection, facts(world)))


def sent(world: World) -> list[int]:
    """How many documents were in each call that creates some."""
    calls = [call for call in world.xero.wire.calls if (call.method, call.path) == PUT]
    return [len(json.loads(call.body)["Invoices"]) for call in calls]


def limit(world: World, match: str, seconds: int, problem: str = "minute") -> None:
    headers = {"Retry-After": str(seconds)} | ({"X-Rate-Limit-Problem": problem} if "api.xro" in match else {})
    side = world.xero if "api.xro" in match else world.dynamics
    side.wire.inject(Fault(match=match, kind="status-before", status=429, headers=headers))


def fail_in_a_row(world: World, times: int) -> None:
    """Xero is away for so many tries of the lane."""
    for _ in range(times):
        world.xero.wire.inject(Fault(match=LISTS, kind="status-before"))
        world.work()
        world.pass_time(seconds=rests_s(world) + 1)


# -- the circuit -----------------------------------------------------------------------------------------------


def test_f34_after_an_outage_one_record_goes_ahead_of_the_others(world: World) -> None:
    """F34: the circuit is open after three failures in a row; the probe closes it, and full batches follow."""
    invoice_ids = world.save_invoices(BATCH_MAX + 10)
    world.mark(*invoice_ids)
    fail_in_a_row(world, OPEN_AFTER)
    assert trouble(world).is_open
    world.xero.wire.forget_calls()

    world.work()

    assert sent(world) == [1, BATCH_MAX, 9]
    assert trouble(world) == Trouble()
    world.assert_exported_once(*invoice_ids)


def test_a_probe_that_fails_keeps_the_circuit_open(world: World) -> None:
    """F34: each further try is one record, ever later."""
    world.mark(*world.save_invoices(10))
    fail_in_a_row(world, OPEN_AFTER)
    world.dynamics.wire.forget_calls()

    for failures in range(OPEN_AFTER + 1, OPEN_AFTER + 5):
        world.xero.wire.inject(Fault(match=LISTS, kind="status-before"))
        world.work()
        assert trouble(world).failures == failures
        assert 2**failures / 2 <= rests_s(world) <= 2**failures
        world.pass_time(seconds=rests_s(world) + 1)

    assert world.app.lanes.counts(world.connection.id) == {"due": 10, "working": 0}
    assert sent(world) == []


def test_a_single_failure_opens_nothing(world: World) -> None:
    """A hiccup costs two seconds, and the batch goes as it is."""
    world.mark(*world.save_invoices(10))
    fail_in_a_row(world, 1)
    assert not trouble(world).is_open

    world.work()

    assert sent(world) == [10]


def test_f74_a_connection_that_stopped_is_tried_with_one_record(world: World) -> None:
    """F74: whether the consent is back is not asked with fifty invoices."""
    world.settle()
    world.xero.user(world.org).disconnect_app("xero-app")
    invoice_ids = world.save_invoices(5)
    world.mark(*invoice_ids)
    world.work()
    assert (trouble(world).kind, trouble(world).is_open) == ("stopped", True)
    assert state(world) == connections.NEEDS_ATTENTION
    app = world.xero.identity.apps["xero-app"]
    world.xero.identity.consent(app, "xero-app", tuple(app.scopes.split()), [world.org.tenant_id])
    world.pass_time(seconds=rests_s(world) + 1)

    world.work()

    assert sent(world) == [1, 4]
    assert state(world) == connections.IN_SERVICE
    world.assert_exported_once(*invoice_ids)


def test_f30_what_breaks_our_code_holds_up_nobody_who_comes_later(world: World) -> None:
    """F30: the record waits, not the lane, as long as others go through; put aside, it takes its failures along."""
    poison = world.save_invoice(Line("Impossible", "1.00"))
    for row in world.dynamics._env.store.all("invoicedetail").values():
        row["quantity"] = "many"
    world.mark(poison)
    for _ in range(PARK_AFTER):
        (later,) = world.save_invoices(1)
        world.mark(later)
        world.work()
        world.assert_exported_once(later)
        assert world.app.lanes.rests_until(world.connection.id) is None
        world.pass_time(minutes=1)
    world.work()

    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == poison
    assert trouble(world) == Trouble()


def test_f35_trouble_of_one_connection_is_none_of_another(world: World) -> None:
    """F35, I4: the one that is limited or failing waits alone, its polls too."""
    other, organisation = world.join_second()
    world.settle()
    world.settle(connection=other)
    mine = world.save_invoices(2)
    theirs = world.save_invoices(2, connection=other)
    world.mark(*mine)
    limit(world, "PUT /api.xro/2.0/Invoices", 3600, "day")
    world.work()
    assert rests_s(world) == pytest.approx(3600, abs=1)

    world.poll(other)
    world.work(other)

    assert len(world.documents(organisation)) == len(theirs)
    assert trouble(world, other) == Trouble()
    assert facts(world, other).rests_until is None
    assert world.documents() == []
    world.pass_time(seconds=3601)
    world.settle()
    world.assert_exported_once(*mine)


# -- polls -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", ["minute", "day", "concurrent", "appminute"])
def test_f44_a_poll_does_not_call_xero_before_its_limit_ends(world: World, problem: str) -> None:
    """F44: it looks at Dynamics alone; afterwards it reads what it has left out."""
    world.settle()
    world.mark(*world.save_invoices(1))
    limit(world, "PUT /api.xro/2.0/Invoices", 1500, problem)
    world.work()
    later = world.save_invoices(2)
    world.xero.wire.forget_calls()

    for _ in range(4):
        world.poll()
        world.work()
        world.pass_time(minutes=5)

    assert world.xero_calls() == []
    assert world.app.lanes.counts(world.connection.id)["due"] == 3
    world.pass_time(minutes=6)
    world.settle()
    world.assert_exported_once(*later)
    world.assert_quiet()


def test_f44_a_poll_calls_nobody_while_dynamics_limits(world: World) -> None:
    """F44: without Dynamics there is nothing to mark, and Xero's list would be read in vain."""
    world.settle()
    world.mark(*world.save_invoices(1))
    limit(world, "batch", 600)
    world.work()
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()

    assert [world.poll() for _ in range(3)] == [0, 0, 0]

    assert (world.xero_calls(), world.dynamics_calls()) == ([], [])
    assert trouble(world).side == "dynamics"


@pytest.mark.parametrize(("match", "side"), [("GET /api.xro/2.0/Invoices", "xero"), ("batch", "dynamics")])
def test_f44_a_limit_that_a_poll_runs_into_lets_the_lane_rest(world: World, match: str, side: str) -> None:
    """F44: the worker does not run into it again, nor does the next poll; it counts as no failure of a batch."""
    world.settle()
    limit(world, match, 400)
    world.poll()
    assert [type(error) for error in world.interrupted] == [Limited]
    assert rests_s(world) == pytest.approx(400, abs=1)
    assert (trouble(world).kind, trouble(world).side, trouble(world).failures) == ("limited", side, 0)
    invoice_ids = world.save_invoices(1)
    world.mark(*invoice_ids)
    world.xero.wire.forget_calls()

    world.pass_time(seconds=300)
    world.poll()
    world.work()

    assert world.xero_calls() == []
    world.pass_time(seconds=101)
    world.settle()
    world.assert_exported_once(*invoice_ids)
    assert trouble(world) == Trouble()


def test_f44_a_limit_that_a_poll_meets_while_a_worker_is_busy_ends_its_round(world: World) -> None:
    """F44: the batch in hand is finished, the next one waits, and the reason is not forgotten by that success."""
    world.settle()
    invoice_ids = world.save_invoices(BATCH_MAX + 5)
    world.mark(*invoice_ids)

    def meanwhile() -> None:
        limit(world, "GET /api.xro/2.0/Invoices", 400)
        world.poll()

    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", meanwhile)
    world.work()

    assert sent(world) == [BATCH_MAX]
    assert (trouble(world).kind, trouble(world).side) == ("limited", "xero")
    assert rests_s(world) == pytest.approx(400, abs=1)
    world.pass_time(seconds=401)
    world.settle()
    world.assert_exported_once(*invoice_ids)


def test_a_shorter_limit_does_not_cut_a_longer_one_short(world: World) -> None:
    """F44: a day's limit of Xero stands, whatever a poll of Dynamics runs into meanwhile."""
    world.settle()
    world.mark(*world.save_invoices(1))
    limit(world, "PUT /api.xro/2.0/Invoices", 7200, "day")
    world.work()
    limit(world, "batch", 30)

    world.poll()

    assert rests_s(world) == pytest.approx(7200, abs=1)
    assert "day limit" in trouble(world).words


def test_an_outage_is_polled_once_an_interval(world: World) -> None:
    """F34: a failure that is no limit stops no poll: that is one call to either side in five minutes."""
    world.settle()
    world.mark(*world.save_invoices(1))
    world.xero.wire.inject(Fault(match="/api.xro/", kind="status-before", times=10_000))
    world.xero.wire.forget_calls()
    world.polled.clear()

    world.run_for(minutes=60)

    assert len([call for call in world.polled if "/api.xro/" in call.path]) == 12
    world.xero.wire.release()
    world.settle()
    assert len(world.documents()) == 1


# -- what people see -------------------------------------------------------------------------------------------


def test_f44_a_waiting_invoice_says_when_and_why(world: World) -> None:
    """F44: in the connection's own time, by invoice and by connection; and not a byte changes by looking."""
    world.choose(timezone="Europe/Paris")
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    limit(world, LISTS, 1800)
    world.work()
    before = redis_of(world)

    found, shown, plain = explained(world, invoice_id), rows(world), lane_json(facts(world))

    assert redis_of(world) == before
    words = "GET /api.xro/2.0/Contacts: Xero's minute limit"
    assert found.verdict == f"It waits, next try 24 Nov 2026 11:00:00 (CET): {words}."
    assert dict(found.work)["Lane"] == f"waits, next try 24 Nov 2026 11:00:00 (CET): {words}"
    assert shown["Waits"] == f"waiting, next try 24 Nov 2026 10:00:00 (GMT): {words}"
    assert (shown["Due"], shown["First due"]) == ("1", "since 24 Nov 2026 09:30:00 (GMT)")
    waits = plain["lane"]["waits"]
    assert (waits["class"], waits["side"], waits["words"]) == ("limited", "xero", words)
    assert waits["next_try_at"] == world.clock.now() + timedelta(minutes=30)


def test_an_open_circuit_is_shown_with_its_failures(world: World) -> None:
    world.mark(*world.save_invoices(2))
    fail_in_a_row(world, OPEN_AFTER - 1)
    world.xero.wire.inject(Fault(match=LISTS, kind="status-before"))
    world.work()

    shown = rows(world)

    assert "Xero answered 503" in shown["Waits"]
    assert shown["Failures in a row"] == f"{OPEN_AFTER}, the first 24 Nov 2026 09:30:00 (GMT)"
    assert shown["Then"] == "one record goes ahead, the others follow if that works"
    assert lane_json(facts(world))["lane"]["waits"]["is_open"] is True


def test_a_lane_at_rest_says_so_and_tells_of_dead_letters(world: World) -> None:
    """H4: how many were put aside stands with the connection."""
    world.settle()

    assert rows(world) == {"Due": "0", "In work": "0", "Waits": "no: what is due goes at once", "Dead letters": "0"}
    assert lane_json(facts(world))["lane"]["waits"] is None
    assert lane_json(None) == {"lane": None, "webhooks": None}


def test_no_refusal_and_no_value_is_kept_as_a_reason(world: World) -> None:
    """H5: a vendor's words may name a customer, and so may the message of our own defect."""
    invoice_id = world.save_invoice(Line("Impossible", "1.00"))
    for row in world.dynamics._env.store.all("invoicedetail").values():
        row["quantity"] = "Fourth Coffee"
    world.mark(invoice_id)
    for _ in range(OPEN_AFTER):
        world.work()
        world.pass_time(seconds=9)

    assert trouble(world).kind == "defect"
    assert trouble(world).words == "a fault of ours (ValidationError)"
    assert "Fourth Coffee" not in str(world.redis.hgetall(f"lane:{world.connection.id}:trouble"))


def test_a_connection_that_is_removed_leaves_no_trouble_behind(world: World) -> None:
    world.mark(*world.save_invoices(1))
    fail_in_a_row(world, 1)

    world.app.lanes.forget(world.connection.id)

    assert trouble(world) == Trouble()


def test_marking_afresh_forgets_how_often_work_began(world: World) -> None:
    """F31: what a person lets be tried again has all its tries."""
    entity = Entity("dynamics", "invoice", "id-1")
    world.redis.hset(f"lane:{world.connection.id}:starts", str(entity), 6)

    world.app.lanes.mark_afresh(world.connection.id, [entity], due_at=world.clock.now())

    lease = world.app.lanes.acquire(world.connection.id, "t")
    assert lease is not None
    assert [claim.starts for claim in lease.claim(5, singly_after=3)] == [1]


def test_words_of_the_connector_record_are_not_touched_by_a_rest(world: World) -> None:
    """No write to Dynamics for waiting: only a stop is said there (rule C62)."""
    world.mark(*world.save_invoices(1))
    limit(world, LISTS, 1800)
    before: Any = world.dynamics.rows(columns.CONNECTOR.set_name)

    world.work()

    assert world.dynamics.rows(columns.CONNECTOR.set_name) == before
