"""Wake-ups that get lost, pile up or are not sent: what the schedule and the sweeper make of it, on a fake Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import fakeredis
import pytest
import time_machine

from core.errors import Transient
from pipeline.lanes import RING_MS, Lanes
from pipeline.schedule import POLL_GAP_MS, SWEEP_S, Schedule, begin_poll, run_poller
from tests.unit.lane_benches import LANE, START, entity
from tests.unit.made import connection

INTERVAL_S = 300


class Clockwork:
    """An event that is set after so many looks of the poller, two seconds of a clock that stands still apart."""

    def __init__(self, travel: time_machine.Coordinates, looks: int) -> None:
        self._travel, self._left = travel, looks

    def wait(self, seconds: float) -> bool:
        self._travel.shift(timedelta(seconds=seconds))
        self._left -= 1
        return self._left < 0


class Known:
    def list_all(self) -> Iterator[Any]:
        return iter([connection(id=LANE)])


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def travel() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(START, tick=False) as travelling:
        yield travelling


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    # A server of its own from the start: threads that connect for the first time at once would get one each.
    return fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)


def watch(client: fakeredis.FakeRedis, stopping: Any, *, wake_lane: Any, wake_poll: Any) -> None:
    """Run a poller's process from its start."""
    known: Any = Known()
    schedule = Schedule(client, interval_s=INTERVAL_S)
    run_poller(Lanes(client), schedule, known, wake_lane=wake_lane, wake_poll=wake_poll, stopping=stopping)


def killed(_connection_id: str) -> None:
    raise Killed


def looks(seconds: float) -> int:
    return int(seconds / SWEEP_S) + 1


def test_a_poller_killed_between_claim_and_wake_up_costs_one_poll(
    client: fakeredis.FakeRedis, travel: time_machine.Coordinates
) -> None:
    """F06, R4: the turn is taken and nobody woken. The next turn is an interval later, whoever is there then."""
    polls: list[str] = []
    with pytest.raises(Killed):
        watch(client, Clockwork(travel, looks(INTERVAL_S)), wake_lane=killed, wake_poll=killed)

    watch(client, Clockwork(travel, looks(INTERVAL_S)), wake_lane=killed, wake_poll=polls.append)

    assert polls == [LANE]


def test_a_sweeper_killed_between_ring_and_wake_up_costs_six_seconds(
    client: fakeredis.FakeRedis, travel: time_machine.Coordinates
) -> None:
    """F06, R4: it is noted that a wake-up is on its way, which it is not; the note ends, and the lane is rung for."""
    lanes, woken = Lanes(client), list[str]()
    assert lanes.mark(LANE, [entity()], due_at=START), "here the dispatcher died, too"
    client.delete(f"lane:{LANE}:rung")
    with pytest.raises(Killed):
        watch(client, Clockwork(travel, 9), wake_lane=killed, wake_poll=killed)
    died_at = lanes.now()

    def wake(connection_id: str) -> None:
        woken.append(connection_id)
        raise Killed

    with pytest.raises(Killed):
        watch(client, Clockwork(travel, 9), wake_lane=wake, wake_poll=killed)

    assert woken == [LANE]
    assert lanes.now() - died_at <= timedelta(milliseconds=RING_MS, seconds=SWEEP_S)


def test_r21_a_hundred_sweeps_ring_once_in_five_seconds(
    client: fakeredis.FakeRedis, travel: time_machine.Coordinates
) -> None:
    """R21: workers are stopped, and a hundred sweeps by four pollers at once ring once.

    Over minutes they ring each time that the last wake-up may have been lost.
    """
    pollers = [Lanes(client) for _ in range(4)]
    pollers[0].mark(LANE, [entity()], due_at=START)
    travel.shift(timedelta(milliseconds=RING_MS + 1))

    assert sum(len(pollers[number % 4].sweep()) for number in range(100)) == 1

    rung: list[str] = []
    watch(client, Clockwork(travel, 100), wake_lane=rung.append, wake_poll=lambda _: None)
    assert 100 * SWEEP_S / (RING_MS / 1000 + SWEEP_S) - 1 <= len(rung) <= 100 * SWEEP_S / (RING_MS / 1000) + 1


@pytest.mark.parametrize(("interval_s", "gap_s"), [(INTERVAL_S, POLL_GAP_MS / 1000), (2, 1), (1, 0.5)])
def test_f34_of_polls_that_piled_up_one_is_made(
    client: fakeredis.FakeRedis, travel: time_machine.Coordinates, interval_s: int, gap_s: float
) -> None:
    """F34: and the next one that is asked for in its own time is made as well, however short the interval."""
    assert [begin_poll(client, LANE, interval_s=interval_s) for _ in range(50)] == [True] + [False] * 49
    assert begin_poll(client, "another", interval_s=interval_s)

    travel.shift(timedelta(seconds=gap_s + 0.001))

    assert begin_poll(client, LANE, interval_s=interval_s)


def test_f22_the_wake_up_of_a_killed_poll_is_followed(
    client: fakeredis.FakeRedis, travel: time_machine.Coordinates
) -> None:
    """F22: a worker dies in a poll; Dramatiq gives its wake-up to another one after 15 s, which polls."""
    assert begin_poll(client, LANE, interval_s=INTERVAL_S)
    travel.shift(timedelta(seconds=15))

    assert begin_poll(client, LANE, interval_s=INTERVAL_S)


def test_a_redis_that_is_away_is_told_before_a_poll() -> None:
    server = fakeredis.FakeServer()
    server.connected = False

    with pytest.raises(Transient):
        begin_poll(fakeredis.FakeRedis(server=server), LANE, interval_s=INTERVAL_S)


def test_of_many_threads_one_polls(client: fakeredis.FakeRedis) -> None:
    """F25: two workers get a wake-up each in the same moment."""
    barrier, begun = threading.Barrier(8), list[bool]()

    def begin() -> None:
        barrier.wait()
        begun.append(begin_poll(client, LANE, interval_s=INTERVAL_S))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(begun) == [False] * 7 + [True]
