"""A business whose connector is hosted for real: every event goes its whole way, and everything may break at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.connections import Connection
from core.endpoints import SECRET_HEADER
from pipeline.nightly import day_of
from simulators.clock import Clock
from simulators.dataverse.errors import Refused
from simulators.outbox import Delivery, Outbox
from solution.install.site import Webhook
from tests.simulation.administering import connect_again, switch_on
from tests.simulation.business import Business
from tests.simulation.fault_plan import COMMANDS, Plan, Step
from tests.simulation.guard import OPEN
from tests.simulation.in_dynamics import CANCELLED, OPEN_AGAIN
from tests.simulation.installation import BROKEN_FOR, Installation
from tests.simulation.judging import complaints
from tests.simulation.row_guard import RowGuard
from tests.simulation.scheduling import Scheduler, Task
from tests.world import START, World

ACTS = (10, 32)
PAUSES_S = (0, 0, 1, 3, 10, 30, 60, 240)
LONG_PAUSES_S = (0, 10, 60, 240, 300)  # where nothing happens between two polls
LONG_S = 1800
LATE_S = (30, 400, 2000, 9000), (30, 300)  # where nothing makes good for an event, all have come before anybody looks
CALM_S = 16 * 60  # everything works again: three polls, and longer than the longest wait after failures
LAST_S = 6 * 60  # of it, so that a poll lies in it: what is due for so long is stranded
BOTH, EVENTS_ALONE, POLLS_ALONE = "events and polls", "events alone", "polls alone"
MODES = (BOTH,) * 4 + (EVENTS_ALONE, POLLS_ALONE)
# By what events may be lost. Where none is, they are enough; where all are, polls are enough.
LOSING = (
    "event lost",
    "crash of the web",
    *COMMANDS,
    "Redis away",
    "Redis wiped",
    "Redis restarted, last second lost",
)
DISPATCHER_DIES_TIMES = 5  # as often where events alone make good: what it loses stays lost
MEANWHILE = 0.3
LAST_ACTS = {BOTH: 0.1, EVENTS_ALONE: 1.0, POLLS_ALONE: 0.6}  # of the invoices: no later act makes good for them
TAKEN_BACK = {BOTH: 0.4, EVENTS_ALONE: 0.1, POLLS_ALONE: 0.1}  # of them, by somebody who waits until it has arrived
UNTIL_WRITTEN_S = 330  # so long at most: longer than a poll takes
PICKED_UP = timedelta(seconds=0.2)
# Midnight in London, in Auckland, and the nights when clocks change.
STARTS = (
    timedelta(),
    timedelta(hours=14, minutes=20),
    timedelta(hours=1, minutes=22),
    timedelta(days=123, hours=15, minutes=15),
)
ZONES = ("Europe/London", "Europe/London", "Pacific/Auckland", "America/Los_Angeles")


@dataclass
class Town(Business):
    """`live` lets people and everything else go on together for a while; `rest` lets all of it come to an end.

    `left_out` are acts and faults that do not happen, `ended` the invoices that were given their last state.
    """

    seed: str = ""
    left_out: frozenset[Step] = frozenset()
    ended: set[str] = field(default_factory=set)
    calls: int = 0  # to either side, while it was hosted

    def __post_init__(self) -> None:
        super().__post_init__()
        world, chance = self.world, self.chance
        self.scheduler = Scheduler(random.Random(f"order {self.seed}"), world.clock.now, self._pass_time)
        self.plan = Plan(self.seed, world.clock.now, self.left_out, where=self._where)
        self.mode = chance.choice(MODES)
        if self.mode == EVENTS_ALONE:
            self.plan.rates |= dict.fromkeys(LOSING, 0.0)
            self.plan.rates["crash of the dispatcher"] *= DISPATCHER_DIES_TIMES
        if self.mode == POLLS_ALONE:
            self.plan.rates["event lost"] = 1.0
        self.installation = Installation(world, self.scheduler, self.plan)
        self.installation.polls = self.mode != EVENTS_ALONE
        self.is_hosted = True
        tenants = {one.xero_tenant_id for one in self.joined}
        self.installation.knows_tenant = tenants.__contains__
        for app in ("xero-app", "other-app")[: len(self.joined)]:
            world.xero.set_webhook(app, "https://connector.example/webhooks/xero")
        endpoint = world.joiner.endpoints.ensure(world.connection.dynamics_organization_id)
        address = f"https://connector.example/webhooks/dynamics/{endpoint.key}"
        switch_on(world.dynamics, Webhook(address, SECRET_HEADER, endpoint.secrets[0]))
        self.office.announce_settings = lambda: None  # type: ignore[method-assign]  # Dynamics itself does
        real, dynamics = self.guard._watch, world.dynamics.wire._app

        def watch(environ: dict[str, Any], start_response: Any) -> Any:
            self.guard.thaws = self._may_be_late()
            self._check_lease(environ, is_write=environ["REQUEST_METHOD"] != "GET")
            return real(environ, start_response)

        def watch_dynamics(environ: dict[str, Any], start_response: Any) -> Any:
            if environ["REQUEST_METHOD"] == "POST":
                body = environ["wsgi.input"].read()
                environ["wsgi.input"] = BytesIO(body)
                self._check_lease(environ, is_write=b"\r\nPATCH " in body or b"\r\nPOST " in body)
            return dynamics(environ, start_response)

        world.xero.wire._app = watch
        world.dynamics.wire._app = watch_dynamics
        self.row_guard = RowGuard(world)

    def live(self) -> None:
        """People act, events travel, everything breaks."""
        self.installation.start()
        for name, outbox, settle in self._vendors():
            sender = self.scheduler.spawn(name, partial(self._deliver, outbox, settle))
            outbox.add = partial(self._add, outbox.add, sender)  # type: ignore[method-assign]
        people = self.scheduler.spawn("people", self._act)
        while not people.let.dead:
            self.scheduler.run(60)

    def rest(self) -> None:
        """Everything works again; first by itself, then with a worker and a poller and nothing else."""
        if self.is_hosted:
            self.is_hosted = False
            self.plan.stop()
            self.installation.thaw()
            self.guard.delays = False
            connect_again(self.world, self.joined, self.plan)
            self.scheduler.run(CALM_S - LAST_S)
            self.scheduler.run(LAST_S + self._rests_for_s())
            connect_again(self.world, self.joined, self.plan)
            self._look_for_stranded()
            if not any(self.world.app.lanes.rests_until(one.id) for one in self.joined):
                self.guard.wrong += [f"{self.mode}, after {CALM_S // 60} min: {each}" for each in self._of_calm()]
            self.installation.stop()
            self.calls = len(self.world.xero.wire.calls) + len(self.world.dynamics.wire.calls)
            self.guard.wrong += self.installation.defects + self.row_guard.wrong
            self.world.app = self.world.new_process()
            self.world.pass_time(seconds=16)
        self.guard.thaws = False
        super().rest()
        while any(self._is_night_near(one) for one in self.joined):  # its round is work that comes by the calendar
            self.world.pass_time(minutes=60)
            super().rest()

    def stop_faults(self) -> None:
        self.world.tap.close()

    def _is_night_near(self, connection: Connection) -> bool:
        now = self.world.clock.now()
        return day_of(connection, now) != day_of(connection, now + timedelta(minutes=60))

    def _vendors(self) -> list[tuple[str, Outbox, Callable[[Delivery, int | None], None]]]:
        xero, dynamics = self.world.xero, self.world.dynamics
        return [("Xero", xero.outbox, xero.settle), ("Dynamics", dynamics.outbox, dynamics.settle)]

    def _pass_time(self, delta: timedelta) -> None:
        self.world.pass_time(seconds=delta.total_seconds())

    def _check_lease(self, environ: dict[str, Any], *, is_write: bool) -> None:
        if is_write and "/connect/token" not in environ["PATH_INFO"] and not self.installation.may_write():
            self.guard.wrong.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} without the lease")

    def _may_be_late(self) -> bool:
        """Whether a call may come from one who has lost its lane without knowing it."""
        task, broken_at = self.scheduler.current, self.plan.redis_broken_at
        if broken_at is not None and self.world.clock.now() - broken_at < BROKEN_FOR:
            return True
        return task is not None and task.process is not None and task.process.woke_late

    def _act(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (8, self.save),
            (16, self.office_acts),
            (6, self.office_ends),
            (10, self.bookkeeper_acts),
            (1, self.sync_reference),
            (1, self.set_settings),
            (3, self.retry),
            (1, self.unlink),
            (4, self.there_and_back),
            (4, self.ask_in_work),
        ]
        weights, choices = zip(*acts, strict=True)
        pauses = LONG_PAUSES_S if self.mode == POLLS_ALONE else PAUSES_S
        everyday = self.chance.choices(choices, weights, k=self.chance.randint(*ACTS))
        for number, act in enumerate(chain(everyday, self._last_acts()), start=1):
            if self.chance.random() < MEANWHILE:
                self._wait_for_work()
            if ("act", number) not in self.left_out:
                self.plan.told.append((self.world.clock.now(), act.__name__, ("act", number)))
                with suppress(Refused):
                    act()
                self.office.note_nets()
            if self.plan.happens("effect after its sender gave up"):
                self.delay()
            self.scheduler.sleep(0.001 + self.chance.choice(pauses))
            if self.chance.random() < 0.02:
                self.scheduler.sleep(LONG_S)

    def _last_acts(self) -> Iterator[Callable[[], None]]:
        """What becomes of some invoices at the end: what Dynamics tells of once, or what only a poll can see."""
        for _ in self.office.living():
            if self.chance.random() < LAST_ACTS[self.mode]:
                yield self.reprice if self.mode == POLLS_ALONE else self.end_another
            if self.chance.random() < TAKEN_BACK[self.mode]:
                yield self.there_and_back

    def end_another(self) -> None:
        """Somebody cancels an invoice, or opens one that is cancelled, of which Dynamics tells once."""
        left = [key for key in self.office.living() if self._document_of(key) and key not in self.ended]
        chosen = [key for key in self._in_work() if key in left] or left
        if chosen:
            invoice_id = self.chance.choice(chosen)
            self.ended.add(invoice_id)
            self.office.touched.append(invoice_id)
            is_cancelled = self.world.invoice(invoice_id)["statecode"] == CANCELLED["statecode"]
            self.office.set_state(invoice_id, OPEN_AGAIN if is_cancelled else CANCELLED)

    def ask_in_work(self) -> None:
        """Somebody sets Export status to No on what is in work just now, or on what they have just changed."""
        if self.chance.random() < 0.7 and (exported := self._exported()):
            chosen = [self._reprice_one(exported, by=1)]
            for _ in range(40):
                if chosen[0] in self._in_work():
                    break
                self.scheduler.sleep(0.25)
            self.scheduler.sleep(self.chance.choice((0, 0.1, 0.4, 1)))
        else:
            self._wait_for_work()
            chosen = self._in_work()
        chosen = [key for key in chosen if self.world.all_details(key)]
        if chosen:
            invoice_id = self.chance.choice(chosen)
            self.office.touched.append(invoice_id)
            self.office.ask_again(invoice_id)

    def there_and_back(self) -> None:
        """Somebody changes a price, and may take that back as soon as it has arrived in Xero."""
        self._wait_for_work()
        chosen = self._in_work() or self.office.living()
        if self.chance.random() < 0.8:
            chosen = self._exported() or chosen
        self._change_price(chosen, times=self.chance.choice((1, 2, 2)))

    def reprice(self) -> None:
        """Somebody changes a price of an invoice that is in Xero."""
        self._change_price(self._exported(), times=1)

    def _change_price(self, chosen: list[str], *, times: int) -> None:
        """Change a price of one of these invoices; the second time it is the old one again."""
        if not chosen:
            return
        invoice_id = ""
        for by in (1, -1)[:times]:
            invoice_id = self._reprice_one([invoice_id] if invoice_id else chosen, by=by)
            written = self.guard.writes[self._document_of(invoice_id)]
            self.plan.is_watched = times > 1
            for _ in range(self.chance.choice((1, 3, UNTIL_WRITTEN_S * 2, UNTIL_WRITTEN_S * 2))):
                self.scheduler.sleep(0.5)
                if self.guard.writes[self._document_of(invoice_id)] > written:
                    break
            self.plan.is_watched = False

    def _reprice_one(self, chosen: list[str], *, by: int) -> str:
        """Change the price of the first line that has one of one of these invoices; return which."""
        invoice_id = self.chance.choice(chosen)
        self.office.touched.append(invoice_id)
        for line in [line for line in self.world.lines(invoice_id) if line["priceperunit"]][:1]:
            price = {"priceperunit": line["priceperunit"] + by}
            self.world.sales.update("invoicedetail", line["invoicedetailid"], price)
        self.office.note_nets()
        return invoice_id

    def _exported(self) -> list[str]:
        """Return the invoices whose documents may still be changed."""
        open_ids = {key for key, row in self.guard.documents().items() if row["Status"] in OPEN}
        return [key for key in self.office.living() if self._document_of(key) in open_ids]

    def _document_of(self, invoice_id: str) -> str:
        return next((str(row["stl3_xeroinvoiceid"] or "") for row in self.world.all_details(invoice_id)), "")

    def _in_work(self) -> list[str]:
        """Return the invoices that a worker has claimed, of those that have not been deleted."""
        in_work = {key for one in self.joined for key in self.installation.invoices_in_work(one.id)}
        return [key for key in self.office.living() if key in in_work]

    def _wait_for_work(self) -> None:
        """What people do while a worker is at it is what races are made of."""
        for _ in range(25):
            if any(self.installation.is_working(one.id) for one in self.joined):
                return
            self.scheduler.sleep(0.4)

    def unlink(self) -> None:
        """Somebody empties the lookup by which Xero details name their invoice: no deletion."""
        named = [key for key in self.office.living() if self.world.all_details(key)]
        if named:
            self.world.edit_details(self.chance.choice(named), **{"stl3_Invoice@odata.bind": None})

    def _where(self) -> str:
        task = self.scheduler.current
        if task is None or task.process is None:
            return task.name if task else "somebody"
        return f"{task.name}, {self.installation.passing}"

    def office_ends(self) -> None:
        with suppress(Refused):
            self.office.end()

    def _add(self, add: Callable[[Delivery], None], sender: Task, delivery: Delivery) -> None:
        """A vendor has something to post; its sender comes to it a little later."""
        add(delivery)
        if self.scheduler.current is not sender:
            sender.wakes_at = min(sender.wakes_at, max(delivery.due_at, self.world.clock.now()) + PICKED_UP)

    def _deliver(self, outbox: Outbox, settle: Callable[[Delivery, int | None], None]) -> None:
        """Post what a vendor has to post; on its way it may be lost, doubled, held up or overtaken."""
        while True:
            waiting, now = outbox.pending(), self.world.clock.now()
            due = [each for each in waiting if each.due_at <= now]
            if not due:
                self.scheduler.sleep((waiting[0].due_at - now).total_seconds() if waiting else 3600)
                continue
            delivery = self.chance.choice(due) if self.plan.happens("event overtaken") else due[0]
            outbox.remove(delivery)
            if self.plan.happens("event lost"):
                continue
            if self.plan.happens("event late by minutes or hours"):
                delivery.due_at = self.world.clock.now() + timedelta(
                    seconds=self.chance.choice(LATE_S[self.mode == EVENTS_ALONE])
                )
                outbox.add(delivery)
                continue
            times = 2 if self.plan.happens("event twice") else 1
            for _ in range(times):
                status = self.installation.post(urlsplit(delivery.url).path, delivery.body, delivery.headers)
            settle(delivery, status)

    def _of_calm(self) -> list[str]:
        """Where events are alone, some things wait for a poll, which comes at the very end.

        Only a poll sees that a worker died before it could say in Dynamics what was put aside, and only a poll
        finds a second document that another one made who woke up after Xero had forgotten its key.
        """
        excused = set[str]()
        if not self.installation.polls:
            late = [self.guard.documents()[key]["Url"] or "" for key in self.guard.too_late]
            excused = {letter.entity.id for letter in self.world.app.dead.list_all()}
            excused |= {key for key in self.invoice_ids if any(key in url for url in late)}
        return [each for each in complaints(self) if not any(key in each for key in excused)]

    def _rests_for_s(self) -> float:
        """How long a limit keeps anything from being done yet."""
        ends = [self.world.app.lanes.rests_until(connection.id) for connection in self.joined]
        return max(((end - self.world.clock.now()).total_seconds() for end in ends if end is not None), default=0)

    def _look_for_stranded(self) -> None:
        """What was due before the last poll and is due still has been forgotten by everybody."""
        for connection in self.joined:
            rests = self.world.app.lanes.rests_until(connection.id)
            before = int((self.world.clock.now() - timedelta(seconds=LAST_S)).timestamp() * 1000)
            old = self.world.redis.zrangebyscore(f"lane:{connection.id}:due", "-inf", before)
            if old and rests is None:
                self.guard.wrong.append(f"stranded: {old}")


def open_town_world(folder: Path, travel: Any, seed: int) -> World:
    """Return a world at a place and time that the seed chooses, with clocks that disagree."""
    chance = random.Random(f"place {seed}")
    clock: datetime = START + chance.choice(STARTS)
    ahead = [timedelta(seconds=chance.choice((0, chance.uniform(-200, 200)))) for _ in range(2)]
    return World(
        folder,
        travel,
        clock=Clock(clock),
        zone=chance.choice(ZONES),
        consent=chance.choice(("custom", "web", "web")),
        xero_ahead=ahead[0],
        dynamics_ahead=ahead[1],
    )


def run_town(world: World, seed: int, left_out: frozenset[Step] = frozenset()) -> Town:
    """Let a town of this seed live and come to rest."""
    town = Town(world, random.Random(f"town {seed}"), seed=str(seed), left_out=left_out)
    try:
        town.live()
        town.rest()
    finally:
        town.scheduler.close()
    return town
