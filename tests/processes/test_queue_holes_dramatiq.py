"""What stock Dramatiq 2.2 loses or leaves lying on Redis, shown first, and that our lanes lose nothing by it.

Each pair: the hole with the library as it comes, then the same accident with our workers, sweeper and settings.
"""

from __future__ import annotations

import threading

import pytest
import redis
from dramatiq.brokers.redis import RedisBroker

from pipeline.broker import LANES, wake_lane
from pipeline.lanes import LEASE_MS, RING_MS
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
    wire_to,
    working,
)
from tests.processes.redis_world import RealRedis, wait_until

pytestmark = pytest.mark.processes

QUICK = "&socket_timeout=0.4"  # in a URL: redis-py's own 5 s cost only time here


# -- L1: what cannot be enqueued again is lost -------------------------------------------------------------


def test_l1_stock_loses_an_actor_that_fails_while_redis_is_away(server: RealRedis) -> None:
    """L1: its retry can't be enqueued, the error is swallowed, and the message acknowledged when Redis is back."""
    broker = stock_broker(server.url)
    actor, died = Actor(broker), threading.Event()

    def die() -> None:
        server.kill()
        died.set()
        raise RuntimeError("it shall be tried again")

    actor.happens = die
    with working(broker):
        actor.send(1)
        assert died.wait(10)
        server.start()
        wait_until(lambda: left_of(server) == NOTHING_LEFT)

    assert actor.ran == [1]


def test_l1_ours_is_still_in_work_in_its_lane_and_the_sweeper_finds_it(server: RealRedis, office: Office) -> None:
    """L1, R4, F20: nothing is enqueued again; when the lease has ended, the sweeper wakes the lane."""
    office.happens = lambda: kill_once(server)
    with office.staffed():
        office.mark()
        wait_until(lambda: not server.answers())
        office.happens = lambda: None
        server.start()
        assert office.lanes.counts(LANE) == {"due": 0, "working": 1}
        assert office.sweep() == []

        office.pass_time(LEASE_MS)

        assert office.sweep() == [LANE]
        office.until_done()
    assert office.batches == 2


# -- S1: the reply of a fetch is lost ----------------------------------------------------------------------


def test_s1_stock_leaves_fetched_messages_with_a_living_worker(server: RealRedis) -> None:
    """S1: the server has given them out, the connection breaks: nobody has them while that worker lives."""
    with wire_to(server) as wire:
        broker = stock_broker(wire.url)
        actor = Actor(broker)
        actor.send(*range(10))
        cut = wire.lose_reply(b"fetch", b"redis_message_id")
        with working(broker):
            assert cut.done.wait(10)
            wait_until(lambda: left_of(server)["waiting"] == 0)
            pass_looks(server)

            assert sorted(actor.ran) == list(range(4, 10)), "two a thread were given out"
            assert left_of(server) == NOTHING_LEFT | {"fetched": 4, "all": 4}


def test_s1_ours_is_woken_again_and_what_lies_about_is_harmless(server: RealRedis) -> None:
    """S1, F26: five seconds later the lane is rung for again. What was given out goes with the process."""
    with wire_to(server) as wire:
        office = Office(wire.url)
        with office.staffed():
            for times in (1, 2, 3):
                cut = wire.lose_reply(b"fetch", LANE.encode())
                office.mark()
                assert cut.done.wait(10)
                assert not office.is_done()
                assert office.sweep() == [], "a wake-up counts as on its way for five seconds"

                office.pass_time(RING_MS)

                assert office.sweep() == [LANE]
                office.until_done()
                wait_until(lambda: left_of(server, LANES)["waiting"] == 0)
                wait_until(lambda times=times: left_of(server, LANES)["fetched"] == times)
            assert office.batches == 3
        age_heartbeats(server, by_ms=16_000)
        with office.staffed():
            wait_until(lambda: left_of(server, LANES) == NOTHING_LEFT)
        assert office.batches == 3, "a wake-up for a lane without work does nothing"
        office.close()


# -- S2: delayed messages in the memory of a worker --------------------------------------------------------


def test_s2_stock_forgets_what_it_delays_when_redis_restarts(server: RealRedis) -> None:
    """S2, F32: the worker drops what it holds in memory; Redis says that the worker has it."""
    broker = stock_broker(server.url)
    actor = Actor(broker)
    with working(broker):
        actor.actor.send_with_options(args=(1,), delay=900)
        wait_until(lambda: left_of(server, "default.DQ")["fetched"] == 1)
        server.kill()
        server.start()
        pass_looks(server)
        threading.Event().wait(1)  # its time has come
        pass_looks(server)

        assert actor.ran == []
        assert left_of(server, "default.DQ")["fetched"] == 1


def test_s2_ours_delays_nothing_but_in_the_lane(server: RealRedis, office: Office) -> None:
    """S2, F32: what is due later stands in Redis, with its time; no message waits for it."""
    with office.staffed():
        office.mark()
        office.until_done()
        later = office.lanes.now().timestamp() + 1
        office.lanes.mark(LANE, [WORK], due_at=office.lanes.now().fromtimestamp(later, office.lanes.now().tzinfo))
        server.kill()
        server.start()
        with office.swept():
            office.until_done()
        assert office.lanes.now().timestamp() >= later
        assert left_of(server, LANES)["delayed"] == 0
    assert office.batches == 2


# -- S3: Redis stands still for longer than the time-out ---------------------------------------------------


def test_s3_stock_does_not_acknowledge_what_ended_while_redis_stood_still(server: RealRedis) -> None:
    """S3: to Dramatiq redis-py's TimeoutError is no lost connection; what is finished runs again after a restart."""
    frozen, started = threading.Event(), threading.Barrier(3)
    broker = stock_broker(server.url + QUICK)
    actor = Actor(broker)

    def finish_when_frozen() -> None:
        started.wait(10)
        assert frozen.wait(10)

    actor.happens = finish_when_frozen
    with working(broker):
        actor.send(1, 2)
        started.wait(10)
        _stand_still(server, broker, frozen)
        actor.happens = lambda: None
        actor.send(3)
        wait_until(lambda: 3 in actor.ran)
        wait_until(lambda: left_of(server)["fetched"] == 2)
    age_heartbeats(server, by_ms=61_000)
    again = stock_broker(server.url)
    actor_again = Actor(again)
    with working(again):
        wait_until(lambda: left_of(server) == NOTHING_LEFT)

    assert sorted(actor_again.ran) == [1, 2]


def test_s3_ours_goes_on_and_finished_work_is_not_done_again(server: RealRedis) -> None:
    """S3: the batch can't be ended in its lane, and is looked at again; a wake-up that comes again does nothing."""
    office, frozen = Office(server.url + QUICK), threading.Event()
    office.happens = lambda: None if office.batches > 1 else _held(frozen)
    with office.staffed() as broker:
        office.mark()
        wait_until(lambda: office.batches == 1)
        _stand_still(server, broker, frozen)
        office.pass_time(LEASE_MS)
        assert office.sweep() == [LANE]
        office.until_done()
        assert office.batches == 2
        wait_until(lambda: left_of(server, LANES)["fetched"] == 1)
    age_heartbeats(server, by_ms=16_000)
    with office.staffed():
        wait_until(lambda: left_of(server, LANES) == NOTHING_LEFT)
    assert office.batches == 2
    office.close()


def _held(released: threading.Event) -> None:
    assert released.wait(10)


def _stand_still(server: RealRedis, broker: RedisBroker, frozen: threading.Event) -> None:
    """Freeze Redis; when whoever asks it has got a time-out, let the work end, and go on after another time-out.

    Connections that stood open when it froze are given up by then; on a new one nothing is sent.
    """
    server.freeze()
    try:
        threading.Event().wait(0.8)
        broker.client.connection_pool.disconnect(inuse_connections=False)
        frozen.set()
        threading.Event().wait(1.2)
    finally:
        server.thaw()
    wait_until(server.answers)


# -- S4: the reply of an enqueue is lost -------------------------------------------------------------------


def test_s4_stock_tells_of_a_failure_or_sends_twice(server: RealRedis) -> None:
    """S4: given a URL, `send` fails although the message is queued; given a host, redis-py sends it again."""
    with wire_to(server) as wire:
        actor = Actor(stock_broker(wire.url))
        actor.send(0)
        wire.lose_reply(b"enqueue")
        with pytest.raises(redis.ConnectionError):
            actor.send(1)
        assert left_of(server)["waiting"] == 2

        port = int(wire.url.rsplit(":", 1)[1].split("/")[0])
        by_host = RedisBroker(host="127.0.0.1", port=port, db=1)  # type: ignore[no-untyped-call]
        other = Actor(by_host)
        other.send(2)
        wire.lose_reply(b"enqueue")
        other.send(3)
        assert left_of(server)["waiting"] == 5


def test_s4_ours_marks_first_and_is_worked_on_once(server: RealRedis) -> None:
    """S4, F07: the mark stands, so whoever marks is told nothing; the wake-up is there once."""
    with wire_to(server) as wire:
        office = Office(wire.url)
        wake_lane(office.broker, LANE)
        cut = wire.lose_reply(b"enqueue")
        office.mark()

        assert cut.done.is_set()
        assert left_of(server, LANES)["waiting"] == 2
        with office.staffed():
            office.until_done()
            wait_until(lambda: left_of(server, LANES) == NOTHING_LEFT)
        assert office.batches == 1
        office.close()
