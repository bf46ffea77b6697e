"""What tests of the queues stand on: a wire that loses replies, stock Dramatiq workers, and ours around a batch."""

from __future__ import annotations

import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq import worker as dramatiq_worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker

from core import redis_server
from core.clock import SystemClock
from core.errors import Transient
from core.event import Event
from core.preferences import Preferences
from core.redis import dramatiq_url, open_redis
from pipeline.actors import declare_actors, work_until
from pipeline.app import App, keeping
from pipeline.broker import TIME_LIMIT_MS, open_broker, wake_lane
from pipeline.dead import DeadLetters
from pipeline.dispatch import Dispatcher
from pipeline.lanes import Entity, Lanes
from pipeline.memory import Memory
from pipeline.schedule import Schedule, run_poller
from pipeline.tools import Tools
from tests.processes.redis_world import RealRedis, wait_until
from tests.unit.made import connection

LANE = connection().id
WORK = Entity("dynamics", "nothing", "id-1")  # of a kind for which nothing is called
RESTART_S = 0.2
HEARTBEATS = "dramatiq:__heartbeats__"


# -- the wire ----------------------------------------------------------------------------------------------


@dataclass
class Cut:
    """A reply to lose: the first one that holds `reply`, to a command that holds `request`."""

    request: bytes
    reply: bytes
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class Wire:
    """A TCP port in front of a server's socket; `url` leads through it."""

    server: RealRedis
    url: str = ""
    cuts: list[Cut] = field(default_factory=list)

    def lose_reply(self, request: bytes, reply: bytes = b"") -> Cut:
        """The server does what the next such command says, and the connection breaks before its reply."""
        cut = Cut(request, reply)
        self.cuts.append(cut)
        return cut

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        upstream = socket.socket(socket.AF_UNIX)
        with client, upstream, suppress(OSError):
            upstream.connect(str(redis_server.socket_path(self.server.data_dir)))
            while request := client.recv(1 << 20):
                upstream.sendall(request)
                reply = upstream.recv(1 << 20)
                if not reply:
                    return
                for cut in self.cuts:
                    if not cut.done.is_set() and cut.request in request and cut.reply in reply:
                        cut.done.set()
                        return
                client.sendall(reply)


@contextmanager
def wire_to(server: RealRedis) -> Iterator[Wire]:
    """For clients that wait for each reply before the next command, and for commands and replies of a few kB."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(server, f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        thread = threading.Thread(target=wire.serve, args=(listener,), daemon=True)
        thread.start()
        yield wire
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


# -- Dramatiq ----------------------------------------------------------------------------------------------


def stock_broker(url: str, **different: Any) -> RedisBroker:
    """Dramatiq as it comes, but for what `different` says; upkeep at every command, so that what can heal heals."""
    options: dict[str, Any] = {"maintenance_chance": 1_000_000, "heartbeat_timeout": 60_000}
    return RedisBroker(url=dramatiq_url(url), **options | different)  # type: ignore[no-untyped-call]


@contextmanager
def working(broker: dramatiq.Broker, *, threads: int = 2) -> Iterator[Worker]:
    worker = Worker(broker, worker_threads=threads, worker_timeout=50)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(timeout=5000)
        broker.close()


def left_of(server: RealRedis, queue: str = "default") -> dict[str, int]:
    """Where messages of a queue of Dramatiq are: waiting, delayed, fetched and not acknowledged, dead; and in all."""
    with open_redis(dramatiq_url(server.url)) as client:
        fetched = [client.scard(key) for key in client.keys("dramatiq:__acks__.*") if key.endswith(f".{queue}")]
        return {
            "waiting": client.llen(f"dramatiq:{queue}"),
            "delayed": client.hlen(f"dramatiq:{queue}.DQ.msgs"),
            "fetched": sum(fetched),
            "dead": client.zcard(f"dramatiq:{queue}.XQ"),
            "all": client.hlen(f"dramatiq:{queue}.msgs"),
        }


NOTHING_LEFT = {"waiting": 0, "delayed": 0, "fetched": 0, "dead": 0, "all": 0}


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dramatiq waits for seconds before it looks whether Redis is back; tests need not."""
    monkeypatch.setattr(dramatiq_worker, "CONSUMER_RESTART_DELAY_SECS", RESTART_S)
    monkeypatch.setattr(dramatiq_worker, "POST_PROCESS_MESSAGE_RETRY_DELAY_SECS", RESTART_S)


class Actor:
    """An actor of a stock broker that notes each run; `happens` is its work."""

    def __init__(self, broker: RedisBroker) -> None:
        self.ran: list[int] = []
        self.happens = lambda: None
        self.actor = dramatiq.actor(self._run, broker=broker, actor_name="stock", max_retries=3)

    def _run(self, number: int) -> None:
        self.ran.append(number)
        self.happens()

    def send(self, *numbers: int) -> None:
        for number in numbers:
            self.actor.send(number)


def kill_once(server: RealRedis) -> None:
    """Redis dies while a batch is in work, which fails over it."""
    if server.answers():
        server.kill()
        raise Transient("nothing goes any more")


# -- our workers -------------------------------------------------------------------------------------------


class _Known:
    """The one connection, as worker, poller and dispatcher ask for it."""

    def find(self, connection_id: str) -> Any:
        return connection() if connection_id == LANE else None

    def list_all(self) -> Any:
        return iter([connection()])

    def list_of_dynamics(self, _organization_id: str) -> Any:
        return iter([connection()])


class _Batch(Memory):
    """The first thing that a batch asks for: here a test lets happen what shall happen in its middle."""

    happens: Callable[[], None]

    def preferences(self) -> Preferences:
        self.happens()
        return Preferences()


class _Away:
    """Either system, when it does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise Transient(f"nobody answers {name}")


@dataclass
class Office:
    """The lane of one connection, workers of ours, sweeper and poller; `happens` is called in each batch."""

    url: str
    happens: Callable[[], None] = lambda: None
    batches: int = 0
    opened: int = 0
    took_s: float = 0.0

    def __post_init__(self) -> None:
        self.redis = open_redis(self.url)
        self.lanes = Lanes(self.redis)
        self.broker = open_broker(self.url)
        self.schedule = Schedule(self.redis, interval_s=300)

    def close(self) -> None:
        self.redis.close()
        self.broker.close()

    def app(self) -> App:
        known: Any = _Known()
        return App(
            clock=SystemClock(),
            jitter=random.Random(7),
            connections=known,
            lanes=self.lanes,
            dead=DeadLetters(self.redis),
            redis=self.redis,
            connect=self._tools,
            wake=self.wake,
            keep=keeping,
            new_token=secrets.token_hex,
        )

    def _tools(self, which: Any, hold: Any) -> Tools:
        self.opened += 1
        memory, nobody = _Batch(self.redis, which.id), _Away()
        memory.happens = self._begin
        made: Any = Tools
        return made(connection=which, xero=nobody, dataverse=nobody, memory=memory, hold=hold, public_url="")

    def _begin(self) -> None:
        self.batches += 1
        self.happens()

    @contextmanager
    def staffed(self, *, time_limit_ms: int = TIME_LIMIT_MS) -> Iterator[RedisBroker]:
        """A worker, as `connector work` has one. `took_s` is afterwards how long it took to stop."""
        broker, stopping = open_broker(self.url, time_limit_ms=time_limit_ms), threading.Event()
        declare_actors(broker, self.app(), poll_interval_s=300)
        thread = threading.Thread(target=work_until, args=(stopping, broker), kwargs={"threads": 2})
        thread.start()
        try:
            yield broker
        finally:
            stopping.set()
            started = time.monotonic()
            thread.join(20)
            assert not thread.is_alive()
            self.took_s = time.monotonic() - started

    def mark(self, entity: Entity = WORK) -> None:
        """What the dispatcher does."""
        if self.lanes.mark(LANE, [entity], due_at=self.lanes.now()):
            self.wake(LANE)

    def wake(self, connection_id: str) -> None:
        wake_lane(self.broker, connection_id)

    def sweep(self) -> list[str]:
        """One look of the sweeper; return whom it woke."""
        found = self.lanes.sweep()
        for connection_id in found:
            self.wake(connection_id)
        return found

    @contextmanager
    def swept(self) -> Iterator[None]:
        """The poller, whose sweeper looks every two seconds."""
        stopping, known = threading.Event(), _Known()
        thread = threading.Thread(
            target=run_poller,
            args=(self.lanes, self.schedule, known),
            kwargs={"wake_lane": self.wake, "wake_poll": lambda _connection_id: None, "stopping": stopping},
        )
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(15)
            assert not thread.is_alive()

    def is_done(self) -> bool:
        """Whether nothing is due nor in work."""
        return self.lanes.counts(LANE) == {"due": 0, "working": 0}

    def until_done(self, *, timeout_s: float = 15) -> None:
        wait_until(self.is_done, timeout_s=timeout_s)

    def pass_time(self, milliseconds: int) -> None:
        """Let the lease and the wake-up on its way become older: Redis' clock is moved by nobody."""
        for part in ("lease", "rung"):
            key = f"lane:{LANE}:{part}"
            left_ms = self.redis.pttl(key) - milliseconds
            if left_ms > 0:
                self.redis.pexpire(key, left_ms)
            else:
                self.redis.delete(key)


def age_heartbeats(server: RealRedis, *, by_ms: int) -> None:
    """Let so much time go by for those that no longer say they live."""
    with open_redis(dramatiq_url(server.url)) as client:
        for member in client.zrange(HEARTBEATS, 0, -1):
            client.zincrby(HEARTBEATS, -by_ms, member)


def commands(server: RealRedis) -> int:
    """How many scripts the server has run: each look of a Dramatiq worker at a queue is one."""
    with server.client() as client:
        return int(client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])


def pass_looks(server: RealRedis, looks: int = 60) -> None:
    """Wait until workers have looked at their queues so often."""
    before = commands(server)
    wait_until(lambda: commands(server) >= before + looks)


class Desk:
    """A dispatcher between the inbox and a lane; `wakes` are those whom it woke."""

    def __init__(self, client: redis.Redis) -> None:
        known: Any = _Known()
        self.lanes, self.wakes = Lanes(client), list[str]()
        self.handled = 0
        self._dispatcher = Dispatcher(known, self.lanes, client, self.wakes.append)

    def handle(self, events: list[Event]) -> None:
        self._dispatcher.handle(events)
        self.handled += 1

    def finish(self) -> list[Entity]:
        """Work on what is due, as a worker does; return what that was."""
        lease = self.lanes.acquire(LANE, "token")
        assert lease is not None
        claimed = [each.entity for each in lease.claim(50, singly_after=9)]
        lease.finish(claimed, again={})
        lease.release(with_work_left=True)
        return claimed
