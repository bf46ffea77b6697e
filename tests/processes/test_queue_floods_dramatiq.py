"""Wake-ups of the dead, wake-ups that nobody takes, and workers that do not end: Dramatiq as it comes, then ours."""

from __future__ import annotations

import threading

import pytest
from dramatiq.brokers.redis import RedisBroker

from core.redis import CONNECT_TIMEOUT_S, SOCKET_TIMEOUT_S, dramatiq_url, open_redis
from pipeline.broker import LANES, POLLS, WAITING_MAX, open_broker, wake_lane, wake_poll
from pipeline.lanes import LEASE_MS
from tests.processes.queue_world import (
    LANE,
    NOTHING_LEFT,
    WORK,
    Actor,
    Office,
    age_heartbeats,
    kill_once,
    left_of,
    pass_looks,
    stock_broker,
    working,
)
from tests.processes.redis_world import RealRedis, wait_until

pytestmark = pytest.mark.processes


# -- kill -9 -----------------------------------------------------------------------------------------------


def test_f22_stock_takes_a_killed_worker_for_alive_for_a_minute_and_looks_seldom(server: RealRedis) -> None:
    """F22: 20 s after the kill its message is not touched, however often upkeep is done (by default: hardly ever)."""
    killed = stock_broker(server.url)
    Actor(killed).send(1)
    assert next(iter(killed.consume("default"))) is not None
    age_heartbeats(server, by_ms=20_000)
    broker = stock_broker(server.url)
    actor = Actor(broker)
    with working(broker):
        pass_looks(server, 100)

    assert actor.ran == []
    assert left_of(server)["fetched"] == 1
    assert RedisBroker(url=server.url).maintenance_chance == 1_000, "of a million looks"  # type: ignore[no-untyped-call]


def test_f22_ours_takes_over_when_the_lease_has_ended(server: RealRedis, office: Office) -> None:
    """F20, F22: 15 s for the lease, two for the sweeper; the dead worker's message is not needed, and comes too."""
    killed = open_broker(server.url)
    office.mark()
    assert next(iter(killed.consume(LANES))) is not None
    lease = office.lanes.acquire(LANE, "the dead one's")
    assert lease is not None
    assert lease.claim(50, singly_after=3)
    assert 0 < office.redis.pttl(f"lane:{LANE}:lease") <= 15_000
    with office.staffed():
        office.pass_time(LEASE_MS)
        with office.swept():
            office.until_done(timeout_s=5)
        assert office.batches == 1
        assert left_of(server, LANES)["fetched"] == 1, "Dramatiq has not given it out again"
        age_heartbeats(server, by_ms=16_000)
        wait_until(lambda: left_of(server, LANES) == NOTHING_LEFT)
    assert office.batches == 1
    killed.close()


def test_f31_a_batch_that_never_ends_is_cut_off_and_its_lane_is_free_again(server: RealRedis, office: Office) -> None:
    """F31: a living process keeps its lease, so its time limit has to be watched; a bare stock Worker does not."""
    stuck, ended = threading.Event(), threading.Event()

    def never_end() -> None:
        if office.batches > 1:
            return
        stuck.set()
        try:
            while True:
                ended.wait(0.02)
        finally:
            ended.set()

    office.happens = never_end
    with office.staffed(time_limit_ms=500):
        office.mark()
        assert stuck.wait(10)
        assert ended.wait(10)
        wait_until(lambda: left_of(server, LANES) == NOTHING_LEFT)
        office.pass_time(LEASE_MS)
        assert office.sweep() == [LANE]
        office.until_done()
    assert office.batches == 2


# -- R21, F34: wake-ups that nobody takes -------------------------------------------------------------------


def _write_lazily(server: RealRedis) -> None:
    """Thousands of messages cost only time if each of them goes to the disk."""
    with server.client() as client:
        client.config_set("appendfsync", "everysec")


def test_r21_stock_queues_grow_without_end(server: RealRedis) -> None:
    """R21: whoever sends while nobody works fills Redis."""
    _write_lazily(server)
    actor = Actor(stock_broker(server.url))
    actor.send(*range(WAITING_MAX + 50))

    assert left_of(server)["waiting"] == WAITING_MAX + 50


def test_r21_ours_stop_at_a_thousand_which_workers_have_taken_in_seconds(server: RealRedis, office: Office) -> None:
    """R21: days of sweeps without a worker; then what is due is done, and what comes then is done as well.

    Measured on two busy cores: a thousand take 3 to 6 s, ten thousand 42 s, which is why there is an end to them.
    """
    _write_lazily(server)
    office.lanes.mark(LANE, [WORK], due_at=office.lanes.now())
    for _ in range(WAITING_MAX + 50):
        wake_lane(office.broker, LANE)
    assert left_of(server, LANES)["waiting"] == WAITING_MAX

    with office.staffed():
        office.until_done()
        wait_until(lambda: left_of(server, LANES) == NOTHING_LEFT, timeout_s=30)
        assert office.batches == 1
        office.mark()
        office.until_done()


def test_f34_polls_that_piled_up_are_one(server: RealRedis, office: Office) -> None:
    """F34: each would cost a call to either side; of Xero's an organisation may have a thousand a day."""
    _write_lazily(server)
    for _ in range(100):
        wake_poll(office.broker, LANE)
    with office.staffed():
        wait_until(lambda: left_of(server, POLLS) == NOTHING_LEFT)

    assert office.opened == 1


# -- stopping while Redis is away --------------------------------------------------------------------------


def test_f83_a_worker_ends_in_time_while_redis_is_away(server: RealRedis, office: Office) -> None:
    """F83, 3.5: Dramatiq acknowledges until Redis is back; ours ends all the same, and nothing is lost by it."""
    office.happens = lambda: kill_once(server)
    try:
        with office.staffed():
            office.mark()
            wait_until(lambda: not server.answers())
        assert office.took_s < 9.5
    finally:
        server.start()
    office.happens = lambda: None
    office.pass_time(LEASE_MS)
    with office.staffed():
        assert office.sweep() == [LANE]
        office.until_done()


def test_the_time_outs_are_ours_and_stock_ignores_them_next_to_a_url(server: RealRedis) -> None:
    """Without ours a Redis that takes no connections would be waited for as long as redis-py likes."""
    stock = RedisBroker(url=server.url, socket_timeout=3.5, socket_connect_timeout=1.5)  # type: ignore[no-untyped-call]
    assert "socket_timeout" not in stock.client.connection_pool.connection_kwargs

    options = open_broker(server.url).client.connection_pool.connection_kwargs

    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (SOCKET_TIMEOUT_S, CONNECT_TIMEOUT_S)
    assert options["retry"].get_retries() == 0


def test_dramatiq_keeps_to_a_database_of_its_own(server: RealRedis, office: Office) -> None:
    """Its upkeep walks over all keys of the database: none of ours is there."""
    with office.staffed():
        office.mark()
        office.until_done()
    with open_redis(dramatiq_url(server.url)) as client:
        assert all(key.startswith("dramatiq:") for key in client.keys("*"))
