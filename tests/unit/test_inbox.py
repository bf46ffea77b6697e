"""The inbox on a transport in memory and on a Redis that speaks over a socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import fakeredis
import pytest
import redis
from kombu.connection import Connection

from core.errors import Transient
from core.event import Event
from core.inbox import Inbox
from core.inbox_consumer import HANDLE_TRIES


def event(record_id: str) -> Event:
    return Event("dynamics", "org", "invoice", record_id, "Update", "1", ("name",))


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    return f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}/0"


@pytest.fixture
def inbox(url: str, request: pytest.FixtureRequest) -> Inbox:
    return Inbox(url, queue=f"inbox.{request.node.name}")


def consume(inbox: Inbox, handle: Callable[[list[Event]], None], *, times: int) -> None:
    """Let `handle` be called `times` times, then stop."""
    stopping = threading.Event()
    calls = 0

    def counted(events: list[Event]) -> None:
        nonlocal calls
        calls += 1
        if calls == times:
            stopping.set()
        handle(events)

    inbox.consume(counted, stopping=stopping)


def test_events_come_out_as_they_went_in(inbox: Inbox) -> None:
    taken: list[list[Event]] = []
    inbox.publish([event("1"), event("\ud800")])
    inbox.publish([event("3")])
    assert inbox.depth() == 2

    consume(inbox, taken.append, times=2)

    assert taken == [[event("1"), event("\ud800")], [event("3")]]
    assert inbox.depth() == 0


def test_a_message_that_fails_for_now_waits_behind_the_others(inbox: Inbox) -> None:
    inbox.publish([event("1")])
    inbox.publish([event("2")])
    tried: list[str] = []

    def handle(events: list[Event]) -> None:
        tried.append(events[0].record_id)
        if tried == ["1"]:
            raise Transient("not now")

    consume(inbox, handle, times=3)

    assert tried == ["1", "2", "1"]
    assert (inbox.depth(), inbox.dead_depth()) == (0, 0)


def test_a_message_that_fails_each_time_is_parked_and_can_be_replayed(inbox: Inbox) -> None:
    inbox.publish([event("1")])

    def fail(_events: list[Event]) -> None:
        raise ZeroDivisionError("our defect")

    consume(inbox, fail, times=HANDLE_TRIES)

    assert (inbox.depth(), inbox.dead_depth()) == (0, 1)
    [dead] = inbox.list_dead()
    assert "our defect" in dead.reason
    assert inbox.dead_depth() == 1

    assert inbox.replay_dead() == 1
    taken: list[list[Event]] = []
    consume(inbox, taken.append, times=1)
    assert taken == [[event("1")]]
    assert inbox.dead_depth() == 0


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", '{"v": 2, "events": []}', '{"v": 1, "events": [{}]}', "[" * 5000, "\x00"]
)
def test_what_cannot_be_read_is_parked_at_once(inbox: Inbox, url: str, text: str) -> None:
    """F33: a message of another version."""
    with Connection(url) as connection, connection.Producer() as producer:
        producer.publish(
            text,
            exchange="",
            routing_key=inbox._queue,
            content_type="application/json",
            content_encoding="utf-8",
        )
    inbox.publish([event("good")])
    taken: list[list[Event]] = []

    consume(inbox, taken.append, times=1)

    assert taken == [[event("good")]]
    [dead] = inbox.list_dead()
    assert dead.text == text


@pytest.mark.parametrize("entry", ["garbage", "[]", "{}", "null", '{"body": 1}'])
def test_a_list_entry_that_is_no_message_does_not_stop_the_consumer(redis_port: int, entry: str) -> None:
    inbox = Inbox(f"redis://127.0.0.1:{redis_port}/0", queue=f"inbox.{entry}")
    with redis.Redis(port=redis_port) as client:
        client.lpush(f"inbox.{entry}", entry)
    inbox.publish([event("good")])
    taken: list[list[Event]] = []

    consume(inbox, taken.append, times=1)

    assert taken == [[event("good")]]


def test_idle_is_told(inbox: Inbox) -> None:
    stopping = threading.Event()
    idle: list[int] = []

    def on_idle() -> None:
        idle.append(1)
        stopping.set()

    inbox.consume(lambda _events: None, stopping=stopping, on_idle=on_idle)

    assert idle == [1]


def test_publishing_from_many_threads_loses_nothing(inbox: Inbox) -> None:
    threads = [threading.Thread(target=lambda: [inbox.publish([event("x")]) for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert inbox.depth() == 200


def test_a_redis_that_is_away_is_told_quickly() -> None:
    inbox = Inbox("redis://127.0.0.1:1/0")
    started = time.monotonic()

    for ask in (lambda: inbox.publish([event("1")]), inbox.depth, inbox.dead_depth):
        with pytest.raises(Transient):
            ask()

    assert time.monotonic() - started < 2
