"""Lanes, on a fake Redis and on the embedded real one: what is due, who works, and that no wake-up is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import time_machine

from core.errors import LeaseLost, Transient
from pipeline.lanes import Entity, Lanes, Lease
from tests.processes.redis_world import running_redis
from tests.unit.lane_benches import LANE, START, Bench, FakeBench, RealBench, due_in, entity, index_of

A, B, C = entity("a"), entity("b"), entity("c")
SOON, CLOSE = timedelta(seconds=10), 0.5


@pytest.fixture(scope="module")
def real_client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    server = request.getfixturevalue("real_server")
    client = server.client()
    yield client
    client.close()


@pytest.fixture(scope="module")
def real_server() -> Iterator[Any]:
    with running_redis() as server:
        yield server


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.processes)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "real":
        yield RealBench(request.getfixturevalue("real_client"))
        return
    with time_machine.travel(START, tick=False) as travel:
        yield FakeBench(travel)


def mark(bench: Bench, *entities: Entity, seconds: float = 0, lane: str = LANE) -> bool:
    return bench.lanes.mark(lane, entities, due_at=bench.lanes.now() + timedelta(seconds=seconds))


def held(bench: Bench, token: str = "t-1") -> Lease:
    lease = bench.lanes.acquire(LANE, token)
    assert lease is not None
    return lease


def claim(lease: Lease, limit: int = 50, singly_after: int = 3) -> list[Entity]:
    return [each.entity for each in lease.claim(limit, singly_after=singly_after)]


# -- marking -----------------------------------------------------------------------------------------------


def test_the_first_mark_wakes_and_the_next_ones_do_not(bench: Bench) -> None:
    assert [mark(bench, A), mark(bench, A), mark(bench, B)] == [True, False, False]
    assert bench.lanes.counts(LANE) == {"due": 2, "working": 0}


def test_marking_nothing_does_nothing(bench: Bench) -> None:
    assert not mark(bench)
    assert bench.client.keys("*") == []


@pytest.mark.parametrize(("first", "second", "kept"), [(0, 60, 0), (60, 0, 0), (-60, 0, -60), (120, 60, 60)])
def test_marking_keeps_the_earlier_time(bench: Bench, first: int, second: int, kept: int) -> None:
    mark(bench, A, seconds=first)
    mark(bench, A, seconds=second)

    assert due_in(bench, A) == pytest.approx(kept, abs=CLOSE)
    assert index_of(bench) == pytest.approx(kept, abs=CLOSE)
    assert bench.lanes.counts(LANE)["due"] == 1


def test_what_is_due_later_wakes_nobody_and_is_claimed_then(bench: Bench) -> None:
    assert not mark(bench, A, seconds=60)
    assert bench.lanes.count_ready(LANE) == 0
    assert claim(held(bench)) == []
    assert bench.lanes.sweep() == []

    bench.pass_time(61)
    assert bench.lanes.count_ready(LANE) == 1
    assert bench.lanes.sweep() == [LANE]
    assert claim(held(bench, "t-2")) == [A]


def test_an_entity_marked_during_work_stays_due(bench: Bench) -> None:
    """What moved while it was read may not have been seen."""
    mark(bench, A)
    lease = held(bench)
    assert claim(lease) == [A]

    mark(bench, A)
    lease.finish([A], again={})

    assert bench.lanes.counts(LANE) == {"due": 1, "working": 0}
    assert claim(lease) == [A]


def test_both_sides_of_one_invoice_are_two_entities(bench: Bench) -> None:
    mark(bench, entity(1, "dynamics"), entity(1, "xero"))

    assert set(claim(held(bench))) == {entity(1, "dynamics"), entity(1, "xero")}


def test_an_id_with_colons_comes_back() -> None:
    odd = Entity("xero", "invoice", "a:b:c")

    assert Entity.parse(str(odd)) == odd


# -- working -----------------------------------------------------------------------------------------------


def test_claims_take_what_is_due_longest_first_up_to_the_limit(bench: Bench) -> None:
    mark(bench, A, seconds=-1)
    mark(bench, B, seconds=-3)
    mark(bench, C, seconds=-2)
    lease = held(bench)

    assert claim(lease, limit=2) == [B, C]
    assert claim(lease, limit=2) == [A]
    assert bench.lanes.counts(LANE) == {"due": 0, "working": 3}
    assert bench.lanes.count_ready(LANE) == 3


def test_finished_work_is_gone_and_what_is_wanted_again_is_due_then(bench: Bench) -> None:
    mark(bench, A, B)
    lease = held(bench)
    claim(lease)

    lease.finish([A, B], again={B: bench.lanes.now() + SOON})

    assert bench.lanes.counts(LANE) == {"due": 1, "working": 0}
    assert due_in(bench, B) == pytest.approx(10, abs=CLOSE)


def test_again_does_not_put_off_what_was_marked_meanwhile(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    claim(lease)
    mark(bench, A)

    lease.finish([A], again={A: bench.lanes.now() + SOON})

    assert due_in(bench, A) == pytest.approx(0, abs=CLOSE)


def test_settling_nothing_needs_no_lease(bench: Bench) -> None:
    lease = held(bench)
    bench.client.delete(f"lane:{LANE}:lease")

    lease.finish([], again={})
    lease.give_back([], due_at=START)

    assert bench.lanes.counts(LANE) == {"due": 0, "working": 0}


def test_what_is_given_back_is_due_and_remembers_its_starts(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    for expected in (1, 2, 3):
        (claimed,) = lease.claim(50, singly_after=9)
        assert claimed.starts == expected
        lease.give_back([A], due_at=bench.lanes.now())

    lease.give_back([A], due_at=bench.lanes.now(), starts=0)
    assert lease.claim(50, singly_after=9)[0].starts == 1
    lease.give_back([A], due_at=bench.lanes.now(), starts=7)
    assert lease.claim(50, singly_after=9)[0].starts == 8
    lease.finish([A], again={})
    mark(bench, A)
    assert lease.claim(50, singly_after=9)[0].starts == 1


def test_what_began_three_times_without_an_end_comes_alone(bench: Bench) -> None:
    mark(bench, A, seconds=-3)
    mark(bench, B, seconds=-2)
    mark(bench, C, seconds=-1)
    lease = held(bench)
    claim(lease)
    lease.give_back([A, C], due_at=bench.lanes.now() - timedelta(seconds=5), starts=0)
    lease.give_back([B], due_at=bench.lanes.now() - timedelta(seconds=4), starts=3)

    assert [claim(lease), claim(lease), claim(lease)] == [[A, C], [B], []]


def test_one_that_comes_alone_does_not_keep_the_others_waiting(bench: Bench) -> None:
    mark(bench, A, B, C)
    lease = held(bench)
    claim(lease)
    lease.give_back([A], due_at=bench.lanes.now() - timedelta(seconds=9), starts=3)
    lease.give_back([B, C], due_at=bench.lanes.now() - timedelta(seconds=8), starts=0)

    assert claim(lease) == [A]
    lease.give_back([A], due_at=bench.lanes.now())
    assert claim(lease) == [B, C]
    assert claim(lease) == [A]


# -- the lease ---------------------------------------------------------------------------------------------


def test_one_worker_at_a_time(bench: Bench) -> None:
    held(bench)

    assert bench.lanes.acquire(LANE, "t-2") is None
    assert bench.lanes.acquire("another-lane", "t-2") is not None


def test_holding_lengthens_the_lease_and_tells_redis_time(bench: Bench) -> None:
    lease = held(bench)
    for _ in range(5):
        bench.pass_time(10)
        assert abs((lease.hold() - bench.lanes.now()).total_seconds()) < CLOSE
        assert bench.lanes.acquire(LANE, "t-2") is None

    bench.pass_time(16)
    assert bench.lanes.acquire(LANE, "t-2") is not None


def settle(lease: Lease) -> Any:
    return lease.finish([A], again={})


@pytest.mark.parametrize(
    "use",
    [
        lambda lease: lease.hold(),
        lambda lease: lease.claim(50, singly_after=3),
        settle,
        lambda lease: lease.give_back([A], due_at=START),
        lambda lease: lease.release(),
        lambda lease: lease.release(with_work_left=True),
    ],
    ids=["hold", "claim", "finish", "give back", "release", "release with work left"],
)
@pytest.mark.parametrize("by", ["expired", "taken"])
def test_a_lost_lease_is_told_everywhere_and_changes_nothing(bench: Bench, use: Any, by: str) -> None:
    mark(bench, A, B)
    lease = held(bench)
    lease.claim(1, singly_after=3)
    bench.pass_time(16)
    if by == "taken":
        held(bench, "t-2").claim(1, singly_after=3)
    before = dump(bench)

    with pytest.raises(LeaseLost):
        use(lease)

    assert dump(bench) == before


def dump(bench: Bench) -> dict[str, Any]:
    """All that a lane holds, but for how long."""
    found: dict[str, Any] = {}
    for key in bench.client.keys("*"):
        kind = bench.client.type(key)
        read = {
            "zset": lambda key: bench.client.zrange(key, 0, -1, withscores=True),
            "hash": bench.client.hgetall,
            "string": bench.client.get,
        }[kind]
        found[key] = read(key)
    return found


def test_a_new_holder_gets_back_what_was_in_work(bench: Bench) -> None:
    mark(bench, A, B)
    held(bench).claim(50, singly_after=3)
    bench.pass_time(16)

    claimed = held(bench, "t-2").claim(50, singly_after=3)

    assert [(each.entity, each.starts) for each in claimed] == [(A, 2), (B, 2)]


def test_a_worker_that_dies_is_found_by_the_sweep(bench: Bench) -> None:
    mark(bench, A)
    held(bench).claim(50, singly_after=3)
    assert bench.lanes.sweep() == []

    bench.pass_time(16)

    assert bench.lanes.sweep() == [LANE]


def test_a_worker_that_dies_after_its_work_leaves_a_quiet_lane(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    claim(lease)
    lease.finish([A], again={})
    bench.pass_time(16)

    assert bench.lanes.sweep() == []
    assert index_of(bench) is None


# -- no wake-up is lost ------------------------------------------------------------------------------------


def test_marked_before_the_release_the_holder_goes_on(bench: Bench) -> None:
    """The mark wakes nobody because there is a holder; so the holder must see it."""
    lease = held(bench)
    assert claim(lease) == []

    assert not mark(bench, A)

    assert not lease.release()
    assert claim(lease) == [A]


def test_marked_after_the_release_somebody_is_woken(bench: Bench) -> None:
    lease = held(bench)
    assert claim(lease) == []
    assert lease.release()

    assert mark(bench, A)


def test_a_wake_up_that_came_during_work_is_not_needed(bench: Bench) -> None:
    """Its message found the lane held; another mark after the release wakes again."""
    mark(bench, A)
    lease = held(bench)
    assert bench.lanes.acquire(LANE, "t-2") is None
    lease.finish(claim(lease), again={})
    assert lease.release()

    assert mark(bench, B)


def test_a_lost_wake_up_is_repeated_by_the_sweep_once_in_five_seconds(bench: Bench) -> None:
    assert mark(bench, A)
    assert bench.lanes.sweep() == []

    bench.pass_time(5.5)
    assert [bench.lanes.sweep(), bench.lanes.sweep()] == [[LANE], []]
    assert not mark(bench, B)
    bench.pass_time(5.5)
    assert bench.lanes.sweep() == [LANE]


def test_a_lane_released_with_work_left_is_swept(bench: Bench) -> None:
    mark(bench, A, B)
    lease = held(bench)
    lease.claim(1, singly_after=3)
    lease.finish([A], again={})

    assert lease.release(with_work_left=True)

    assert bench.lanes.sweep() == [LANE]


def test_a_lane_released_while_entities_are_in_work_is_swept(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    claim(lease)

    assert lease.release()

    assert bench.lanes.sweep() == [LANE]
    assert claim(held(bench, "t-2")) == [A]


def test_releasing_a_lane_leaves_the_index_right(bench: Bench) -> None:
    lease = held(bench)
    mark(bench, A, seconds=60)
    mark(bench, B, seconds=30)

    assert lease.release()

    assert index_of(bench) == pytest.approx(30, abs=CLOSE)


def test_an_empty_lane_leaves_the_index(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    lease.finish(claim(lease), again={})
    lease.release()

    assert index_of(bench) is None
    assert bench.lanes.sweep() == []


def test_only_lanes_that_need_somebody_are_swept(bench: Bench) -> None:
    mark(bench, A, lane="resting")
    mark(bench, A, lane="held")
    mark(bench, A, lane="later", seconds=600)
    mark(bench, A, lane="ready")
    bench.lanes.rest("resting", until=bench.lanes.now() + timedelta(seconds=600))
    bench.pass_time(6)
    assert bench.lanes.acquire("held", "t-1") is not None

    assert bench.lanes.sweep() == ["ready"]


# -- rests -------------------------------------------------------------------------------------------------


def test_a_resting_lane_is_nobodys_until_its_rest_ends(bench: Bench) -> None:
    mark(bench, A)
    until = bench.lanes.now() + timedelta(seconds=60)
    bench.lanes.rest(LANE, until=until)

    assert bench.lanes.acquire(LANE, "t-1") is None
    assert not mark(bench, B)
    assert abs((bench.lanes.rests_until(LANE) or START) - until) < timedelta(seconds=CLOSE)
    bench.pass_time(30)
    assert bench.lanes.sweep() == []
    bench.pass_time(31)
    assert bench.lanes.rests_until(LANE) is None
    assert bench.lanes.sweep() == [LANE]
    assert claim(held(bench)) == [A, B]


def test_a_lane_put_to_rest_by_its_holder_is_woken_when_the_rest_ends(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    claim(lease)
    lease.give_back([A], due_at=bench.lanes.now())
    bench.lanes.rest(LANE, until=bench.lanes.now() + timedelta(seconds=60))

    assert lease.release()

    assert index_of(bench) == pytest.approx(60, abs=CLOSE)
    bench.pass_time(61)
    assert bench.lanes.sweep() == [LANE]


def test_a_rest_ended_early_lets_the_lane_go_on(bench: Bench) -> None:
    mark(bench, A)
    bench.pass_time(6)
    bench.lanes.rest(LANE, until=bench.lanes.now() + timedelta(seconds=600))
    assert bench.lanes.sweep() == []

    bench.lanes.end_rest(LANE)

    assert bench.lanes.sweep() == [LANE]
    assert claim(held(bench)) == [A]


def test_a_rest_that_has_ended_already_is_none(bench: Bench) -> None:
    mark(bench, A)
    bench.pass_time(6)

    bench.lanes.rest(LANE, until=bench.lanes.now() - timedelta(seconds=60))

    assert bench.lanes.sweep() == [LANE]
    assert claim(held(bench)) == [A]


def test_ending_a_rest_of_an_empty_lane_wakes_nobody(bench: Bench) -> None:
    bench.lanes.end_rest(LANE)

    assert bench.lanes.sweep() == []
    assert index_of(bench) is None


# -- the rest ----------------------------------------------------------------------------------------------


def test_lanes_do_not_touch_one_another(bench: Bench) -> None:
    mark(bench, A)
    mark(bench, B, lane="other")

    assert claim(held(bench)) == [A]
    assert bench.lanes.counts("other") == {"due": 1, "working": 0}


def test_a_forgotten_lane_leaves_nothing(bench: Bench) -> None:
    mark(bench, A, B)
    lease = held(bench)
    lease.claim(1, singly_after=3)
    bench.lanes.rest(LANE, until=bench.lanes.now() + SOON)

    bench.lanes.forget(LANE)

    assert bench.client.keys("*") == []
    with pytest.raises(LeaseLost):
        lease.hold()


def test_without_redis_everything_is_transient() -> None:
    class Away(redis.Connection):
        def connect(self) -> None:
            raise redis.ConnectionError("away")

    lanes = Lanes(redis.Redis(connection_pool=redis.ConnectionPool(connection_class=Away, decode_responses=True)))
    until = datetime(2026, 11, 24, tzinfo=UTC)
    calls: list[Any] = [
        lambda: lanes.mark(LANE, [A], due_at=until),
        lanes.now,
        lanes.sweep,
        lambda: lanes.acquire(LANE, "t"),
        lambda: lanes.rest(LANE, until=until),
        lambda: lanes.end_rest(LANE),
        lambda: lanes.rests_until(LANE),
        lambda: lanes.counts(LANE),
        lambda: lanes.count_ready(LANE),
        lambda: lanes.forget(LANE),
    ]

    for call in calls:
        with pytest.raises(Transient, match="Redis: ConnectionError"):
            call()


def test_a_redis_that_was_emptied_is_a_lost_lease_and_no_error_otherwise(bench: Bench) -> None:
    """Scripts are loaded again; the lane starts from nothing."""
    mark(bench, A)
    lease = held(bench)
    bench.client.flushall()
    bench.client.script_flush()

    with pytest.raises(LeaseLost):
        lease.hold()
    assert mark(bench, A)
    assert claim(held(bench, "t-2")) == [A]
