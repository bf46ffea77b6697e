"""Leases and rests of lanes, on a fake Redis and on the embedded real one: one works, and no wake-up is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from core.errors import LeaseLost, Transient
from pipeline.lanes import Lanes, Lease
from tests.unit.lane_benches import LANE, START, Bench, claim, entity, held, index_of, mark

A, B = entity("a"), entity("b")
SOON, CLOSE = timedelta(seconds=10), 0.5


# -- the lease ---------------------------------------------------------------------------------------------


def test_one_worker_at_a_time(bench: Bench) -> None:
    """R1, F24: two workers at one connection."""
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
        with pytest.raises(Transient, match=r"Redis does not answer \(ConnectionError\)"):
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
