"""The inbox on a real server that is killed, frozen, emptied and filled up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import Transient
from core.event import Event
from core.inbox import Inbox
from core.redis import inbox_url
from tests.processes.redis_world import RealRedis, running_redis, wait_until

pytestmark = pytest.mark.processes

STUCK = """
import sys, threading
from core.inbox import Inbox

def handle(events):
    print(events[0].record_id, flush=True)
    threading.Event().wait()

Inbox(sys.argv[1]).consume(handle, stopping=threading.Event())
"""


def event(record_id: str) -> Event:
    return Event("dynamics", "org", "invoice", record_id, "Update", "1", ())


@pytest.fixture
def server() -> Iterator[RealRedis]:
    with running_redis() as running:
        yield running


@pytest.fixture
def inbox(server: RealRedis) -> Inbox:
    return Inbox(inbox_url(server.url))


@contextmanager
def consuming(inbox: Inbox) -> Iterator[list[str]]:
    """Consume in a thread; gives the record ids taken so far."""
    taken: list[str] = []
    stopping = threading.Event()
    thread = threading.Thread(
        target=inbox.consume,
        args=(lambda events: taken.extend(event.record_id for event in events),),
        kwargs={"stopping": stopping},
    )
    thread.start()
    try:
        yield taken
    finally:
        stopping.set()
        thread.join(15)
        assert not thread.is_alive()


def test_a_consumer_outlives_restarts_of_redis(server: RealRedis, inbox: Inbox) -> None:
    with consuming(inbox) as taken:
        inbox.publish([event("before")])
        wait_until(lambda: taken == ["before"])
        server.kill()
        with pytest.raises(Transient):
            inbox.publish([event("never taken")])
        server.start()
        inbox.publish([event("after")])
        wait_until(lambda: "after" in taken, timeout_s=20)

    assert inbox.depth() == 0


def test_accepted_events_outlive_kill_9_of_redis(server: RealRedis, inbox: Inbox) -> None:
    for number in range(50):
        inbox.publish([event(str(number))])

    server.kill()
    server.start()

    with consuming(inbox) as taken:
        wait_until(lambda: len(taken) >= 50)
    assert taken == [str(number) for number in range(50)]


def test_a_message_in_the_hands_of_a_killed_consumer_comes_again(server: RealRedis, inbox: Inbox) -> None:
    inbox.publish([event("held")])
    process = subprocess.Popen([sys.executable, "-c", STUCK, inbox_url(server.url)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    while b"held" not in process.stdout.readline():
        assert process.poll() is None
    process.kill()
    process.communicate()
    client = server.client()
    index = "connector.inbox.unacked_index"
    [(tag, since)] = client.zrange(index, 0, -1, withscores=True)

    client.zadd(index, {tag: since - 61})  # the visibility timeout goes by

    with consuming(inbox) as taken:
        wait_until(lambda: taken == ["held"])
    assert client.keys("*") == []


def test_a_frozen_redis_is_told_before_the_sender_gives_up(server: RealRedis, inbox: Inbox) -> None:
    inbox.publish([event("first")])
    server.freeze()
    try:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(Transient):
                inbox.publish([event("x")])
            assert time.monotonic() - started < 2.5
    finally:
        server.thaw()

    inbox.publish([event("last")])
    with consuming(inbox) as taken:
        wait_until(lambda: "last" in taken)


def test_a_consumer_notices_a_redis_that_was_frozen(server: RealRedis, inbox: Inbox) -> None:
    with consuming(inbox) as taken:
        inbox.publish([event("before")])
        wait_until(lambda: taken == ["before"])
        server.freeze()
        with pytest.raises(Transient):
            inbox.depth()
        server.thaw()
        inbox.publish([event("after")])
        wait_until(lambda: "after" in taken)


def test_an_emptied_redis_takes_events_at_once(server: RealRedis, inbox: Inbox) -> None:
    """A publish to a named exchange would go nowhere now, without an error."""
    inbox.publish([event("gone")])
    server.client().flushall()

    inbox.publish([event("kept")])

    assert inbox.depth() == 1


def test_a_full_redis_refuses_and_says_so(server: RealRedis, inbox: Inbox) -> None:
    inbox.publish([event("first")])
    server.client().config_set("maxmemory", "1kb")

    with pytest.raises(Transient, match="OutOfMemory"):
        inbox.publish([event("second")])

    server.client().config_set("maxmemory", "0")
    inbox.publish([event("third")])
    assert inbox.depth() == 2


def test_a_forked_process_gets_connections_of_its_own(inbox: Inbox) -> None:
    inbox.publish([event("parent")])

    child = os.fork()
    if child == 0:
        try:
            inbox.publish([event("child")])
            os._exit(0)
        except BaseException:  # the child must not go on with the tests
            os._exit(1)
    _, status = os.waitpid(child, 0)
    inbox.publish([event("parent again")])

    assert status == 0
    assert inbox.depth() == 3
