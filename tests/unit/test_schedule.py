"""The schedule of polls: spread over the interval, each claimed once, new ones taken in, gone ones dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import fakeredis
import pytest
import time_machine

from core.errors import Transient
from pipeline import schedule as schedule_module
from pipeline.lanes import Lanes
from pipeline.schedule import POLLS, Schedule, run_poller
from tests.unit.lane_benches import START, entity
from tests.unit.made import connection

INTERVAL_S = 300
MS = 1000
NOW_MS = int(START.timestamp() * MS)
MANY = [f"connection-{number}" for number in range(200)]


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis(decode_responses=True)


@pytest.fixture
def schedule(client: fakeredis.FakeRedis) -> Schedule:
    return Schedule(client, interval_s=INTERVAL_S)


def polled(schedule: Schedule, *, seconds: int, since_ms: int = NOW_MS) -> list[tuple[int, str]]:
    """Let time pass in steps of the sweep; return who was polled when, in seconds."""
    return [
        (second, each) for second in range(0, seconds, 2) for each in schedule.take_due(now_ms=since_ms + second * MS)
    ]


def test_every_connection_is_polled_once_an_interval_and_not_all_at_once(schedule: Schedule) -> None:
    schedule.refresh(MANY, now_ms=NOW_MS)

    first = polled(schedule, seconds=INTERVAL_S + 2)

    assert sorted(each for _, each in first) == sorted(MANY)
    busiest = max(sum(1 for second, _ in first if start <= second < start + 30) for start in range(0, 300, 30))
    assert busiest < 45, "a tenth of the interval has about a tenth of the polls"


def test_each_keeps_its_own_moment(schedule: Schedule) -> None:
    schedule.refresh(MANY[:20], now_ms=NOW_MS)
    moments: dict[str, list[int]] = {}
    for second, each in polled(schedule, seconds=INTERVAL_S * 4):
        moments.setdefault(each, []).append(second)

    for seconds in moments.values():
        gaps = {later - earlier for earlier, later in pairwise(seconds)}
        assert gaps <= {INTERVAL_S - 2, INTERVAL_S, INTERVAL_S + 2}
        assert len(seconds) in (3, 4)


def test_refreshing_again_moves_nothing(schedule: Schedule, client: fakeredis.FakeRedis) -> None:
    """However often pollers start, a connection's turn is not put off."""
    schedule.refresh(MANY, now_ms=NOW_MS)
    planned = client.zrange(POLLS, 0, -1, withscores=True)

    for second in range(0, 600, 30):
        schedule.refresh(MANY, now_ms=NOW_MS + second * MS)

    assert client.zrange(POLLS, 0, -1, withscores=True) == planned


def test_new_connections_come_in_and_gone_ones_are_dropped(schedule: Schedule, client: fakeredis.FakeRedis) -> None:
    schedule.refresh(["a", "b"], now_ms=NOW_MS)
    schedule.refresh(iter(["b", "c"]), now_ms=NOW_MS)

    assert set(client.zrange(POLLS, 0, -1)) == {"b", "c"}
    schedule.refresh([], now_ms=NOW_MS)
    assert client.zcard(POLLS) == 0


def test_a_turn_is_claimed_once(client: fakeredis.FakeRedis) -> None:
    """F65: two pollers, or a poll that takes long."""
    pollers = [Schedule(client, interval_s=INTERVAL_S) for _ in range(2)]
    pollers[0].refresh(MANY, now_ms=NOW_MS)
    late_ms = NOW_MS + INTERVAL_S * MS

    taken = [each for poller in pollers for each in poller.take_due(now_ms=late_ms)]

    assert sorted(taken) == sorted(MANY)
    assert client.zcount(POLLS, "-inf", late_ms) == 0


def test_pollers_that_look_at_the_same_time_share_the_turns(client: fakeredis.FakeRedis) -> None:
    """F65: two pollers, or a poll that takes long."""
    Schedule(client, interval_s=INTERVAL_S).refresh(MANY[:50], now_ms=NOW_MS)
    barrier = threading.Barrier(4)

    def take(_: int) -> list[str]:
        poller = Schedule(client, interval_s=INTERVAL_S)
        barrier.wait()
        return poller.take_due(now_ms=NOW_MS + INTERVAL_S * MS)

    with ThreadPoolExecutor(4) as pool:
        taken = [each for many in pool.map(take, range(4)) for each in many]

    assert sorted(taken) == sorted(MANY[:50])


def test_after_a_long_stop_each_is_polled_once_and_the_spread_is_back(schedule: Schedule) -> None:
    schedule.refresh(MANY, now_ms=NOW_MS)
    restart_ms = NOW_MS + 24 * 3600 * MS

    first = schedule.take_due(now_ms=restart_ms)
    later = polled(schedule, seconds=INTERVAL_S + 2, since_ms=restart_ms)

    assert sorted(first) == sorted(MANY)
    assert sorted(each for _, each in later) == sorted(MANY)
    assert len({second for second, _ in later}) > 60


def test_a_connection_that_went_while_its_turn_was_taken_is_not_brought_back(
    schedule: Schedule, client: fakeredis.FakeRedis
) -> None:
    schedule.refresh(["a"], now_ms=NOW_MS)
    client.delete(POLLS)

    assert schedule.take_due(now_ms=NOW_MS + 2 * INTERVAL_S * MS) == []
    assert client.zcard(POLLS) == 0


# -- the loop ----------------------------------------------------------------------------------------------


class Turns:
    """An event that is set after so many turns of the loop; `before` is done ahead of each."""

    def __init__(self, turns: int, before: Any = lambda _turn: None) -> None:
        self.turn = 0
        self._turns = turns
        self._before = before

    def wait(self, seconds: float) -> bool:
        assert seconds == schedule_module.SWEEP_S
        self.turn += 1
        if self.turn > self._turns:
            return True
        self._before(self.turn)
        return False


class Known:
    """Connections as the poller needs them."""

    def __init__(self, *connection_ids: str) -> None:
        self.ids = list(connection_ids)
        self.asked = 0

    def list_all(self) -> Iterator[Any]:
        self.asked += 1
        return iter([connection(id=each) for each in self.ids])


def test_the_poller_sweeps_lanes_and_starts_polls(client: fakeredis.FakeRedis, schedule: Schedule) -> None:
    with time_machine.travel(START, tick=False) as travel:
        lanes, woken, polls = Lanes(client), list[str](), list[str]()
        lanes.mark("a", [entity()], due_at=START)
        stopping: Any = Turns(INTERVAL_S // 2 + 1, lambda _turn: travel.shift(timedelta(seconds=2)))
        known: Any = Known("a", "b")

        run_poller(lanes, schedule, known, wake_lane=woken.append, wake_poll=polls.append, stopping=stopping)

    assert sorted(polls) == ["a", "b"]
    assert set(woken) == {"a"}
    assert len(woken) > 10, "a wake-up that nobody follows is repeated"
    assert known.asked == pytest.approx(INTERVAL_S / 30, abs=2)


def test_the_poller_outlives_a_redis_that_is_away_and_takes_connections_in_again() -> None:
    """A Redis that comes back may have come back empty."""
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server, decode_responses=True)
    schedule = Schedule(client, interval_s=INTERVAL_S)
    with time_machine.travel(START, tick=False) as travel:
        lanes, polls = Lanes(client), list[str]()

        def before(turn: int) -> None:
            travel.shift(timedelta(seconds=2))
            server.connected = turn not in (3, 4)
            if turn == 5:
                client.flushall()

        known: Any = Known("a")
        stopping: Any = Turns(8, before)
        run_poller(lanes, schedule, known, wake_lane=polls.append, wake_poll=polls.append, stopping=stopping)

        assert known.asked == 2
        assert client.zrange(POLLS, 0, -1) == ["a"]
        server.connected = False
        with pytest.raises(Transient):
            schedule.take_due(now_ms=NOW_MS)
