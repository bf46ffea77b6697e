"""What `connector reference sync` makes of what it sees: done, will not go on now and why, or nothing moves."""

from __future__ import annotations

from datetime import timedelta

from cli.reference import mark
from cli.reference_watch import LOOK_S, WITH_FAILURES, Watch, Watched, looked_at
from core.connections import NEEDS_ATTENTION, PAUSED
from pipeline.reference import REFERENCE
from simulators.wire import Fault
from tests.world import World

TAX_RATES = "GET /api.xro/2.0/TaxRates"


def watching(world: World) -> Watch:
    return Watch(world.connection, mark(world.app, world.connection))


def look_twice(world: World, watch: Watch) -> Watched | None:
    assert watch.look(world.app) is None
    return watch.look(world.app)


def test_asking_for_it_marks_the_lane_and_wakes_it(world: World) -> None:
    """Rule F3: on demand; nothing is read or written outside the lane. A lane that rests tries at once."""
    world.app.lanes.rest(world.connection.id, until=world.clock.now() + timedelta(hours=1))

    mark(world.app, world.connection)

    assert world.app.lanes.due_at(world.connection.id, REFERENCE) == world.clock.now()
    assert world.woken == [world.connection.id]
    assert world.app.lanes.rests_until(world.connection.id) is None
    assert world.xero_calls() == world.dynamics_calls() == []


def test_it_is_over_when_the_run_that_was_asked_for_has_ended(world: World) -> None:
    """The run before does not count, although it is done."""
    watching(world)
    world.work()
    world.pass_time(seconds=5)
    watch = watching(world)
    assert watch.look(world.app) is None
    assert watch.progress is None

    world.work()

    end = watch.look(world.app)
    assert end is not None
    assert end.progress is not None
    assert (end.progress.state, end.said) == ("done", "")


def test_rows_that_were_refused_are_no_success(world: World) -> None:
    odd = {**world.org.tax_rates["OUTPUT2"], "TaxType": "T" * 60, "Name": "Far too long a code"}
    world.org.tax_rates.save(odd)
    watch = watching(world)

    world.work()

    end = watch.look(world.app)
    assert end is not None
    assert end.said == WITH_FAILURES


def test_a_lane_that_rests_is_not_waited_for(world: World) -> None:
    """It says until when and why."""
    headers = {"X-Rate-Limit-Problem": "day", "Retry-After": "1200"}
    world.xero.wire.inject(Fault(match=TAX_RATES, kind="status-before", status=429, headers=headers))
    watch = watching(world)

    world.work()

    end = watch.look(world.app)
    assert end is not None
    assert end.said.startswith("The lane rests until 09:50:00 UTC (")
    assert end.said.endswith("day limit). The synchronisation stays due.")


def test_a_connection_that_has_stopped_says_why(world: World) -> None:
    world.dynamics.deny(world.app_user, "prvReadstl3_taxtype")
    watch = watching(world)

    world.work()

    end = watch.look(world.app)
    stopped = world.app.connections.find(world.connection.id)
    assert end is not None
    assert stopped is not None
    assert stopped.state == NEEDS_ATTENTION
    assert end.said == f"The connection has stopped. {stopped.state_reason} The synchronisation stays due."
    assert "prvReadstl3_taxtype" in end.said


def test_one_that_left_the_lane_undone_is_not_waited_for(world: World) -> None:
    """Two looks, as one may miss what is on its way back from work."""
    watch = watching(world)
    lease = world.app.lanes.acquire(world.connection.id, "token")
    assert lease is not None
    lease.claim(1, singly_after=3)
    assert look_twice(world, watch) is None

    lease.finish([REFERENCE], again={})
    end = look_twice(world, watch)

    assert end == Watched(world.connection, None, "It was put aside, because it failed each time.")


def test_a_paused_connection_says_so(world: World) -> None:
    watch = watching(world)
    world.app.connections.save_state(world.connection.id, PAUSED)
    world.app.lanes.forget(world.connection.id)

    end = look_twice(world, watch)

    assert end == Watched(world.connection, None, "The connection is paused; nothing was done.")


def test_one_that_nobody_has_begun_is_told_beside_what_came_of_the_last(world: World) -> None:
    """Rule F1: who looks at the progress is not shown the last one as if nothing else had been asked for."""
    assert looked_at(world.app, world.connection) == Watched(world.connection)
    watching(world)

    before = looked_at(world.app, world.connection)
    world.work()
    after = looked_at(world.app, world.connection)

    assert before.said == "Due since 09:30:00 UTC; no worker has begun. Does `connector work` run?"
    assert after.said == ""
    assert after.progress is not None
    assert after.progress.state == "done"


def test_a_connection_that_was_removed_meanwhile_is_not_waited_for(world: World) -> None:
    watch = watching(world)
    world.app.connections.remove(world.connection.id)

    end = watch.look(world.app)

    assert end is not None
    assert end.said == "The connection has been removed."


def test_without_a_worker_nothing_moves(world: World) -> None:
    """The longer nothing changes the more idle it is; what moves begins anew."""
    watch = watching(world)
    for _ in range(3):
        assert watch.look(world.app) is None
    assert watch.idle_s == LOOK_S * 3

    world.xero.wire.inject(Fault(match=TAX_RATES, kind="status-before", status=503))
    world.work()
    watch.look(world.app)

    assert watch.idle_s == 0
