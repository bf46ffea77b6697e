"""What stock kombu 5.7 loses or stumbles over on Redis, shown first, and that we lose no invoice by it.

Each pair: the hole with the library as it comes, then the same accident with our inbox, dispatcher and poller.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.transport import redis as kombu_redis

from core.event import Event
from core.inbox import Inbox
from core.redis import inbox_url
from pipeline.lanes import Entity
from tests.processes.queue_world import LANE, Desk, wire_to
from tests.processes.redis_world import RealRedis, running_redis, wait_until
from tests.unit.made import ORGANIZATION_ID
from tests.unit.webhook_world import ORGANISATION, Webhooks, context
from tests.world import World

pytestmark = pytest.mark.processes

STOCK = "stock"
INDEX = "connector.inbox.unacked_index"


def event(record_id: str = "id-1") -> Event:
    return Event("dynamics", ORGANIZATION_ID, "invoice", record_id, "Update", "1", ())


def entity(record_id: str = "id-1") -> Entity:
    return Entity("dynamics", "invoice", record_id)


@pytest.fixture(scope="module")
def running() -> Iterator[RealRedis]:
    with running_redis() as server:
        yield server


@pytest.fixture
def server(running: RealRedis) -> RealRedis:
    with running.client() as client:
        client.flushall()
    return running


@pytest.fixture
def client(server: RealRedis) -> Iterator[redis.Redis]:
    with server.client() as opened:
        yield opened


@pytest.fixture
def inbox(server: RealRedis) -> Inbox:
    return Inbox(inbox_url(server.url))


@contextmanager
def stock(url: str, **options: Any) -> Iterator[Any]:
    """A kombu connection as it comes."""
    with Connection(inbox_url(url), transport_options=options) as opened:
        yield opened


@contextmanager
def consuming(inbox: Inbox, handle: Callable[[list[Event]], None]) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=inbox.consume, args=(handle,), kwargs={"stopping": stopping})
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(15)
        assert not thread.is_alive()


def in_child(body: Callable[[], None]) -> int:
    """Run `body` in a forked process; return its exit code."""
    child = os.fork()
    if child == 0:
        try:
            body()
        finally:
            os._exit(1)  # it must not go on with the tests
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def die_between_pop_and_registration() -> None:
    """Redis has given the message out; the second round trip, which notes who has it, is never made."""
    kombu_redis.QoS.append = lambda *_: os._exit(9)


# -- F21: the window between pop and registration ----------------------------------------------------------


def test_f21_a_kombu_consumer_killed_between_pop_and_registration_loses_the_message(
    server: RealRedis, client: redis.Redis
) -> None:
    """F21: measured under constant kills: one message of three hundred."""

    def consume() -> None:
        die_between_pop_and_registration()
        with stock(server.url) as opened, opened.Consumer([Queue(STOCK)], on_message=print):
            opened.drain_events(timeout=10)

    with stock(server.url) as opened:
        opened.default_channel.queue_declare(STOCK)
        opened.Producer().publish("a fact", exchange="", routing_key=STOCK)
        assert client.llen(STOCK) == 1

    assert in_child(consume) == 9
    assert (client.llen(STOCK), client.keys("unacked*")) == (0, [])


def test_f21_our_inbox_has_the_same_window(client: redis.Redis, inbox: Inbox) -> None:
    """F21: so a message is a hint, and no more: what it pointed at is found without it, as the next test shows."""
    inbox.publish([event()])

    def consume() -> None:
        die_between_pop_and_registration()
        inbox.consume(print, stopping=threading.Event())

    assert in_child(consume) == 9
    assert inbox.depth() == 0
    assert client.keys("*") == []


def test_f21_f01_what_no_event_told_of_is_found_by_the_poll(world: World) -> None:
    """F01, F21: the events of three new invoices are lost for ever; all of them are in Xero after the poll."""
    invoice_ids = world.save_invoices(3)
    assert world.left_soon(world.connection.id) == 0, "nobody has heard of it"

    world.poll()
    world.work()

    world.assert_exported_once(*invoice_ids)
    world.settle()
    world.assert_quiet()


# -- a queue that Redis has forgotten ----------------------------------------------------------------------


def test_f26_kombu_drops_what_is_published_to_a_named_exchange_after_redis_was_emptied(
    server: RealRedis, client: redis.Redis, inbox: Inbox
) -> None:
    """F26, F08: the binding is gone, the publisher remembers it; ours publishes to the default exchange."""
    queue = Queue("named", Exchange("events"), routing_key="named")
    inbox.publish([event("before")])
    with stock(server.url) as opened:
        producer = opened.Producer()
        producer.publish("before", exchange="events", routing_key="named", declare=[queue])
        client.flushall()
        for _ in range(10):
            producer.publish("a fact", exchange="events", routing_key="named", declare=[queue])
    assert client.keys("*") == [], "ten publishes that returned as if all were well"

    for number in range(10):
        inbox.publish([event(str(number))])
    assert inbox.depth() == 10


# -- a reply that is lost ----------------------------------------------------------------------------------


def test_f07_kombu_doubles_what_it_publishes_again(server: RealRedis, client: redis.Redis) -> None:
    """F02, F07: without a retry an error is told and the message there; with one it is there twice."""
    with wire_to(server) as wire, stock(wire.url) as opened:
        producer = opened.Producer()
        producer.publish("warm up", exchange="", routing_key=STOCK)
        wire.lose_reply(b"LPUSH")
        with pytest.raises(redis.ConnectionError):
            producer.publish("once", exchange="", routing_key=STOCK, retry=False)
        assert client.llen(STOCK) == 2
        wire.lose_reply(b"LPUSH")
        policy = {"interval_start": 0, "interval_step": 0, "max_retries": 2}
        producer.publish("twice", exchange="", routing_key=STOCK, retry=True, retry_policy=policy)
        assert client.llen(STOCK) == 4


def test_f07_ours_is_doubled_as_well_and_worked_on_once(server: RealRedis, client: redis.Redis) -> None:
    """F02, F07: 2xx only if Redis has it, so ours tries twice; the second of them is known by its key."""
    desk = Desk(client)
    with wire_to(server) as wire:
        through = Inbox(inbox_url(wire.url))
        through.publish([event("warm up")])
        cut = wire.lose_reply(b"LPUSH")
        through.publish([event()])
        assert cut.done.is_set()
        assert through.depth() == 3
    done: list[Entity] = []

    def handle(events: list[Event]) -> None:
        desk.handle(events)
        done.extend(desk.finish())

    with consuming(Inbox(inbox_url(server.url)), handle):
        wait_until(lambda: desk.handled == 3)

    assert done == [entity("warm up"), entity()], "between the two it was finished, and the second did not mark it"
    assert desk.wakes == [LANE, LANE]


# -- what is no message ------------------------------------------------------------------------------------

GARBAGE = (
    b"no JSON",
    b"\xff\xfe\x00",
    b"null",
    b'{"body": "e30="}',
    b'{"body": "e30=", "properties": {"delivery_info": null, "delivery_tag": 7}}',
)


@pytest.mark.parametrize("entry", GARBAGE)
def test_kombu_throws_out_of_its_loop_what_is_no_message_of_its_own(
    server: RealRedis, client: redis.Redis, entry: bytes
) -> None:
    """Whoever writes to the list stops a consumer that does not expect it, and the entry is gone."""
    client.lpush(STOCK, entry)
    with stock(server.url) as opened, opened.Consumer([Queue(STOCK)], on_message=lambda message: message.payload):
        with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
            opened.drain_events(timeout=5)
        assert client.llen(STOCK) == 0


def test_our_consumer_goes_on_after_what_is_no_message(client: redis.Redis, inbox: Inbox) -> None:
    """It is told in the log, or parked if it has a text; what follows is taken."""
    taken: list[str] = []
    with consuming(inbox, lambda events: taken.extend(each.record_id for each in events)):
        for number, entry in enumerate(GARBAGE[1:4]):
            client.lpush("connector.inbox", entry)
            inbox.publish([event(str(number))])
            wait_until(lambda number=number: str(number) in taken)

    assert taken == [str(number) for number in range(3)]
    assert inbox.depth() == 0


# -- messages in the hands of the dead ---------------------------------------------------------------------


def _held_and_killed(url: str, queue: str) -> None:
    """Take a message as a consumer does, and die with it."""

    def consume() -> None:
        with stock(url) as opened:
            options = {"unacked_key": f"{queue}.unacked", "unacked_index_key": f"{queue}.unacked_index"}
            opened.transport_options.update(options)
            with opened.Consumer([Queue(queue)], on_message=lambda _: os._exit(9)):
                opened.drain_events(timeout=10)

    assert in_child(consume) == 9


def test_f20_kombu_gives_out_again_after_an_hour(server: RealRedis, client: redis.Redis) -> None:
    """F20: its consumer looks for abandoned messages now and then, and takes none that is younger than an hour."""
    with stock(server.url) as opened:
        opened.default_channel.queue_declare(STOCK)
        opened.Producer().publish("held", exchange="", routing_key=STOCK)
    _held_and_killed(server.url, STOCK)
    index = f"{STOCK}.unacked_index"
    [(tag, since)] = client.zrange(index, 0, -1, withscores=True)
    client.zadd(index, {tag: since - 3_500})
    taken: list[Any] = []
    keys = {"unacked_key": f"{STOCK}.unacked", "unacked_index_key": index}
    with stock(server.url, **keys) as opened, opened.Consumer([Queue(STOCK)], on_message=taken.append):
        for _ in range(30):
            with pytest.raises(TimeoutError):
                opened.drain_events(timeout=0.01)

    assert taken == []


def test_f20_ours_gives_out_again_after_a_minute(server: RealRedis, client: redis.Redis, inbox: Inbox) -> None:
    """F20: 60 s, and at most 5 s more until an idle consumer looks."""
    inbox.publish([event("held")])
    _held_and_killed(server.url, "connector.inbox")
    [(tag, since)] = client.zrange(INDEX, 0, -1, withscores=True)
    taken: list[str] = []
    with consuming(inbox, lambda events: taken.extend(each.record_id for each in events)):
        client.zadd(INDEX, {tag: since - 61})
        wait_until(lambda: taken == ["held"], timeout_s=8)

    assert client.keys("*") == []


# -- memory is full ----------------------------------------------------------------------------------------


@contextmanager
def full(client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory", "1kb")
    try:
        yield
    finally:
        client.config_set("maxmemory", "0")


def test_f29_a_full_redis_means_503(client: redis.Redis, inbox: Inbox) -> None:
    """F08, F29: with `noeviction` a command is refused, the sender told, and Xero delivers again."""
    webhooks = Webhooks(inbox)
    with full(client):
        assert webhooks.post_dynamics(context()).status_code == 503

    assert webhooks.post_dynamics(context()).status_code == 200
    assert [each.organisation for each in webhooks.accepted()] == [ORGANISATION]


def test_f28_under_an_eviction_policy_accepted_events_vanish(client: redis.Redis, inbox: Inbox) -> None:
    """F28: why the processes do not start on such a server (`check_fit`): 200, and the event is gone."""
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        webhooks = Webhooks(inbox)
        assert webhooks.post_dynamics(context()).status_code == 200
        with full(client):
            wait_until(lambda: client.dbsize() == 0)
        assert inbox.depth() == 0
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_f29_kombu_takes_messages_from_a_full_redis_and_loses_each(server: RealRedis, client: redis.Redis) -> None:
    """F29: taking one needs no memory, noting who has it does."""
    with stock(server.url) as opened:
        producer = opened.Producer()
        for number in range(3):
            producer.publish(str(number), exchange="", routing_key=STOCK)
    with full(client):
        for _ in range(3):
            with (
                stock(server.url) as opened,
                opened.Consumer([Queue(STOCK)], on_message=print),
                pytest.raises(redis.exceptions.OutOfMemoryError),
            ):
                opened.drain_events(timeout=5)
        assert client.keys("*") == []


def test_f29_ours_takes_nothing_from_a_full_redis(client: redis.Redis, inbox: Inbox) -> None:
    """F29: it asks for room first; all that waited is marked when there is room again."""
    desk, paused = Desk(client), threading.Event()
    for number in range(3):
        inbox.publish([event(str(number))])
    with full(client), consuming(inbox, desk.handle):
        paused.wait(1.5)
        assert (inbox.depth(), desk.handled) == (3, 0)
    with consuming(inbox, desk.handle):
        wait_until(lambda: desk.handled == 3)

    assert sorted(desk.finish()) == [entity(str(number)) for number in range(3)]


def test_f29_what_fills_up_under_a_consumer_costs_one_message_at_most(client: redis.Redis, inbox: Inbox) -> None:
    """F29: the one that it takes before it knows; the poll finds that one."""
    desk, held, paused = Desk(client), threading.Event(), threading.Event()

    def handle(events: list[Event]) -> None:
        if desk.handled == 0:
            assert held.wait(10)
        desk.handle(events)

    for number in range(5):
        inbox.publish([event(str(number))])
    with consuming(inbox, handle):
        wait_until(lambda: inbox.depth() == 4)
        with full(client):
            held.set()
            paused.wait(2)
        for tag, since in client.zrange(INDEX, 0, -1, withscores=True):
            client.zadd(INDEX, {tag: since - 61})  # what could not be put back comes again after a minute
        wait_until(lambda: desk.lanes.counts(LANE)["due"] >= 4, timeout_s=20)
