"""The connector as it is hosted, in one thread: web, dispatcher, workers and poller, each a process that may die.

The queues are modelled by the commands that kombu and Dramatiq send to Redis, at their worst: a message is popped
and registered in two steps (kombu), and one that its consumer died with is not delivered again (Dramatiq would,
after 15 s).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import fakeredis
import redis
from werkzeug.test import Client

from core import money
from core.connections import Connections
from core.endpoints import Endpoints
from core.errors import ConnectorError, LeaseLost, Transient
from core.event import Event
from core.inbox import VERSION, _events_of
from core.vault import Vault
from pipeline.app import App
from pipeline.dispatch import Dispatcher
from pipeline.lanes import LEASE_MS, Lease
from pipeline.poll import poll
from pipeline.renewing import LOOK_S, renew_unheard
from pipeline.schedule import Schedule, run_poller
from pipeline.work import work
from simulators.xero.simulator import DEFAULT_WEBHOOK_KEY
from tests.simulation.fault_plan import Plan
from tests.simulation.scheduling import Process, Scheduler, Task
from tests.simulation.taps import Crash
from tests.world import Skewed, World
from webhooks.app import Parts, create_app

INBOX, UNACKED, WAKE_UPS = "model:inbox", "model:unacked", "model:wake-ups"
RESTORED_S = 60  # kombu's visibility time-out
POLL_INTERVAL_S = 300
IDLE_S = 60.0  # of a consumer that nobody wakes
BACK_S = (0.5, 20.0)  # until a supervisor has started a dead process again
CRASH_OF = {"work": "crash of a worker", "dispatch": "crash of the dispatcher", "poll": "crash of the poller"}
CRASH_OF |= {"web": "crash of the web"}
WORKERS = 2
BROKEN_FOR = timedelta(minutes=10)  # so long two may believe that they have a lane


class Installation:
    """All processes between the two simulators of `world`; `defects` are exceptions that nobody expects."""

    def __init__(self, world: World, scheduler: Scheduler, plan: Plan) -> None:
        self.world, self.scheduler, self.plan = world, scheduler, plan
        self.chance = scheduler.chance
        self.defects: list[str] = []
        self.polls = True  # else no event is lost on its way, and none is made good by a poll
        self.knows_tenant: Callable[[str], bool] = lambda _tenant: True
        self.passing = ""
        self._tokens = random.Random(world.seed + 2)
        self._mains: dict[str, Callable[[], None]] = {
            "web": self._idle,
            "dispatch": self._dispatch,
            "poll": self._poll,
        }
        self._mains |= {f"work-{number}": self._work for number in range(1, WORKERS + 1)}
        self._running: dict[str, Task] = {}
        self._web: Client | None = None
        self._plain = fakeredis.FakeRedis(server=world.redis_server, decode_responses=True)
        world.tap.before = lambda name: self._pass(name, is_after=False)
        world.tap.after = lambda name: self._pass(name, is_after=True)
        world.xero.wire._next_fault = plan.on_wire("xero")  # type: ignore[method-assign]
        world.dynamics.wire._next_fault = plan.on_wire("dynamics")  # type: ignore[method-assign]
        world.dynamics._env.refuse_part = plan.in_batch

    def start(self) -> None:
        """Start every process, and the supervisor that starts them again."""
        for name in self._mains:
            self._start(name)
        self.scheduler.spawn("supervisor", self._supervise)
        self.scheduler.spawn("nemesis", self._trouble_redis)

    def thaw(self) -> None:
        """What is frozen goes on now."""
        for task in self._running.values():
            if task.process is not None:
                task.process.frozen_until = min(task.process.frozen_until, self.world.clock.now())

    def stop(self) -> None:
        """Everything dies at once."""
        self.scheduler.close()
        self.world.tap.close()

    def post(self, delivery_path: str, body: bytes, headers: dict[str, str]) -> int | None:
        """Make a webhook call; return the status, None if the web died before it could answer."""
        web = self._running.get("web")
        if web is None or web.process is None or not web.process.is_alive:
            return None
        answers: list[int] = []

        def handle() -> None:
            assert self._web is not None
            answers.append(self._web.post(delivery_path, data=body, headers=headers).status_code)

        request = self.scheduler.spawn("request", handle, web.process)
        self.scheduler.wait_for(request, at_most_s=60)
        return answers[0] if answers else None

    def is_working(self, connection_id: str) -> bool:
        """Whether somebody has the lane now."""
        return bool(self._plain.exists(f"lane:{connection_id}:lease"))

    def invoices_in_work(self, connection_id: str) -> list[str]:
        """Return the ids of the invoices that somebody has claimed."""
        entities = [str(each) for each in self._plain.zrange(f"lane:{connection_id}:working", 0, -1)]
        return [each.rpartition(":")[2] for each in entities if each.startswith("dynamics:invoice:")]

    def may_write(self) -> bool:
        """Whether whoever speaks has the lane that it works on, as far as Redis knows, which may have been wiped.

        One that froze behind its look at the lease, or was waiting for a call, makes one write too many; no second.
        """
        task, broken_at = self.scheduler.current, self.plan.redis_broken_at
        if task is None or task.process is None or not task.process.lane:
            return True
        if broken_at is not None and self.world.clock.now() - broken_at < BROKEN_FOR:
            return True
        holder = self._plain.get(f"lane:{task.process.lane}:lease")
        if holder in task.process.tokens or (holder is None and not task.process.woke_late):
            return True
        task.process.late_writes += 1
        return task.process.woke_late and task.process.late_writes == 1

    # -- processes -------------------------------------------------------------------------------------------

    def _start(self, name: str) -> None:
        process = Process(name)
        if name == "web":
            self._web = self._serve()
        self._running[name] = self.scheduler.spawn(name, self._mains[name], process)

    def _supervise(self) -> None:
        while True:
            self.scheduler.sleep(self.chance.uniform(*BACK_S))
            for name, task in self._running.items():
                if task.process is not None and not task.process.is_alive:
                    self._start(name)

    def _app(self) -> App:
        """The parts of a process, by its own clock."""
        clock = Skewed(self.world.clock, self.plan.skew())
        assert self.scheduler.current is not None
        process = self.scheduler.current.process
        assert process is not None

        def new_token() -> str:
            process.tokens.append(f"{self._tokens.getrandbits(64):x}")
            return process.tokens[-1]

        return replace(
            self.world.new_process(clock),
            keep=self._keep,
            wake=lambda lane: self._wake("work", lane),
            new_token=new_token,
        )

    @contextmanager
    def _keep(self, lease: Lease) -> Iterator[None]:
        """Hold the lease as `pipeline.app.keeping` does, from a task instead of a thread."""

        def hold() -> None:
            while True:
                self.scheduler.sleep(LEASE_MS / 3000)
                try:
                    lease.hold()
                except LeaseLost:
                    return
                except Transient:
                    continue

        current = self.scheduler.current
        assert current is not None
        keeper = self.scheduler.spawn(f"{current.name}'s keeper", hold, current.process)
        try:
            yield
        finally:
            self.scheduler.end(keeper)

    def _idle(self) -> None:
        while True:
            self.scheduler.sleep(3600)

    def _serve(self) -> Client:
        endpoints = Endpoints(self.world.engine, Vault(self.world.keys))
        found = {}

        def find(key: str) -> Any:
            if key not in found:
                found[key] = endpoints.find(key)
            return found[key]

        parts = Parts(
            publish=self._publish,
            find_endpoint=find,
            read_endpoint=find,
            knows_xero_tenant=self.knows_tenant,
            xero_webhook_keys=(DEFAULT_WEBHOOK_KEY,),
        )
        return Client(create_app(parts))

    # -- queues ----------------------------------------------------------------------------------------------

    def _publish(self, events: Sequence[Event]) -> None:
        """As `core.inbox.Inbox.publish`: two tries, then Transient."""
        text = money.dumps({"v": VERSION, "events": [event.as_json() for event in events]}).decode()
        for left in (1, 0):
            try:
                self.world.redis.lpush(INBOX, text)
            except redis.ConnectionError as error:
                if not left:
                    raise Transient("the inbox did not take the message") from error
            else:
                break
        self._rouse("dispatch")

    def _wake(self, what: str, lane: str) -> None:
        """As `pipeline.broker.wake_lane` and `wake_poll`: what Redis does not take is lost."""
        try:
            self.world.redis.rpush(WAKE_UPS, f"{what} {lane}")
        except redis.ConnectionError:
            return
        self._rouse("work")

    def _rouse(self, name: str) -> None:
        for each, task in self._running.items():
            if each.startswith(name) and task is not self.scheduler.current:
                self.scheduler.wake(task)

    def _dispatch(self) -> None:
        app = self._app()
        dispatcher = Dispatcher(app.connections, app.lanes, app.redis, app.wake)
        while True:
            try:
                taken = self._take_message(app.redis)
                if taken is None:
                    self.scheduler.sleep(IDLE_S)
                    continue
                self._handle(dispatcher, *taken)
            except redis.ConnectionError:
                self.scheduler.sleep(self.chance.uniform(0.25, 5))

    def _take_message(self, client: redis.Redis) -> tuple[str, str] | None:
        """Pop, then register as un-acknowledged: between the two the message is nowhere."""
        text = client.rpop(INBOX) if self.polls else self._plain.rpop(INBOX)
        tag = f"{self._tokens.getrandbits(48):x}"
        if text is None:
            now = self.world.clock.now().timestamp()
            for each, at_and_text in sorted(client.hgetall(UNACKED).items()):
                at, _, left = at_and_text.partition(" ")
                if float(at) < now - RESTORED_S:
                    client.lpush(INBOX, left)
                    client.hdel(UNACKED, each)
            return None
        (client if self.polls else self._plain).hset(UNACKED, tag, f"{self.world.clock.now().timestamp()} {text}")
        return tag, str(text)

    def _handle(self, dispatcher: Dispatcher, tag: str, text: str) -> None:
        client = dispatcher.redis
        try:
            dispatcher.handle(_events_of(text))
        except Transient:
            client.lpush(INBOX, text)
            self.scheduler.sleep(self.chance.uniform(0.25, 5))
        except Exception as error:
            self.defects.append(f"dispatcher: {error!r}")
        client.hdel(UNACKED, tag)

    def _work(self) -> None:
        app = self._app()
        while True:
            try:
                message = app.redis.lpop(WAKE_UPS)
            except redis.ConnectionError:
                self.scheduler.sleep(1)
                continue
            if message is None:
                self.scheduler.sleep(IDLE_S)
                continue
            what, _, lane = str(message).partition(" ")
            assert self.scheduler.current is not None
            assert self.scheduler.current.process is not None
            self.scheduler.current.process.begin(lane if what == "work" else "")
            try:
                (work if what == "work" else poll)(app, lane)
            except ConnectorError as error:  # what the actor does
                self.world.interrupted.append(error)
            except Exception as error:
                self.defects.append(f"{what}: {error!r}")

    def _poll(self) -> None:
        app = self._app()
        self._renew()
        run_poller(
            app.lanes,
            Schedule(app.redis, interval_s=POLL_INTERVAL_S),
            Connections(self.world.engine),
            wake_lane=lambda lane: self._wake("work", lane),
            wake_poll=lambda lane: self._wake("poll", lane) if self.polls else None,
            stopping=_Never(self.scheduler),  # type: ignore[arg-type]
        )

    def _renew(self) -> None:
        """Repeat refreshes that nobody heard of, as `start_renewing` does, from a task instead of a thread."""
        current, tokens_of, consents = self.scheduler.current, self.world.tokens_of, self.world.joiner.consents
        assert current is not None

        def go_on() -> None:
            while True:
                self.scheduler.sleep(LOOK_S)
                renew_unheard(consents, tokens_of, self.world.clock.now())

        self.scheduler.spawn(f"{current.name}'s renewals", go_on, current.process)

    # -- trouble ---------------------------------------------------------------------------------------------

    def _pass(self, name: str, *, is_after: bool) -> None:
        """What may happen to a process whenever it speaks to the outside, before and after."""
        if self.scheduler.is_closing:
            raise Crash("closed")
        task = self.scheduler.current
        if task is None or task.process is None:
            return
        is_redis = name.startswith("redis")
        self.passing = f"{'after' if is_after else 'before'} {name}"
        if self.plan.happens(CRASH_OF[task.process.name.partition("-")[0]]):
            self.scheduler.kill(task.process)
        may_freeze = self.polls or task.process.name != "web"  # what it held up would be lost
        if may_freeze and self.plan.happens("process frozen"):
            self.scheduler.freeze(task.process, self.plan.frozen_s())
        if is_redis:
            if self.chance.random() < 0.2:
                self.scheduler.pause()
            self.plan.check_redis(is_answer=is_after)
        else:
            self.scheduler.sleep(self.chance.choice((0, 0, 0.05, 0.3, 1)) if is_after else 0)

    def _trouble_redis(self) -> None:
        plan, scheduler = self.plan, self.scheduler
        while True:
            scheduler.sleep(self.chance.uniform(20, 90))
            if plan.happens("maintenance"):
                side = self.chance.choice(("xero", "dynamics"))
                plan.maintained_until[side] = self.world.clock.now() + timedelta(seconds=self.chance.uniform(5, 400))
            if plan.happens("Redis away"):
                self._away(self.chance.uniform(0.5, 40))
            if plan.happens("Redis restarted, last second lost"):
                kept = self._snapshot()
                scheduler.sleep(self.chance.uniform(0.1, 1))
                self._away(self.chance.uniform(0, 3))
                self._restore(kept)
            if plan.happens("Redis wiped"):
                plan.redis_broken_at = self.world.clock.now()
                self._plain.flushall()

    def _away(self, seconds: float) -> None:
        self.plan.redis_away_until = self.world.clock.now() + timedelta(seconds=seconds)

    def _snapshot(self) -> list[tuple[str, int, bytes]]:
        raw = fakeredis.FakeRedis(server=self.world.redis_server)
        keys = sorted(self._plain.keys("*"))
        return [(key, max(self._plain.pttl(key), 0), raw.dump(key)) for key in keys]

    def _restore(self, kept: list[tuple[str, int, bytes]]) -> None:
        self.plan.redis_broken_at = self.world.clock.now()
        raw = fakeredis.FakeRedis(server=self.world.redis_server)
        raw.flushall()
        for key, left_ms, value in kept:
            raw.restore(key, left_ms, value)


class _Never:
    """A stop that never comes; waiting for it is sleeping, longer than the poller asks for where nothing happens."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def wait(self, seconds: float) -> bool:
        self._scheduler.sleep(seconds * self._scheduler.chance.choice((1, 5, 15, 30)))
        return False
