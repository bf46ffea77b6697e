"""One run: everything is started, people do business amid the chaos, then it is waited for, and judged."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import redis

from core.errors import Transient
from core.inbox import QUEUE
from core.redis import UNREACHABLE, open_redis
from demo.company import XERO_APP, Company
from demo.stack import Stack
from pipeline.dead import DeadLetters
from pipeline.lanes import Lanes
from tests.chaos.books import Onlooker
from tests.chaos.killer import Killer, Plan, Tally, redis_url
from tests.chaos.lives import Life, plan
from tests.chaos.people import Office, Person
from tests.chaos.proxy import Proxies, Proxy, Weather
from tests.chaos.verdict import WRONG, Books, Finding, judge, judge_one

CUSTOMERS, PEOPLE = 40, 4
CALLS_A_MINUTE = 6_000  # what Xero allows: the chaos is what is tried here, not its limits
LOOK_EVERY_S, SETTLING_LOOK_S = 3.0, 0.5
LOOKS_TAKE = 4  # a pause is so many times as long as the look before it: looking at 2,000 documents is dear
WAITS_AFTER_S = 45.0  # an attempt or intent as old as this may be waiting for Xero's seven minutes
GIVE_UP_AFTER_S = 600.0  # when all has not settled by then, it never will
WEATHER = {
    "xero": Weather(0.02, 0.02, 3.0),
    "dynamics": Weather(0.015, 0.015, 3.0),
    "redis": Weather(0.0005, 0.0005, 2.0),
}


@dataclass(frozen=True)
class Options:
    """What a run is made of; times in seconds. It goes on until `kills_min` are done and all people are.

    `hurry`: some people change what is on its way to Xero, and `pace` stretches the time between acts: `lives.plan`.
    """

    invoices: int = 2000
    seed: int = 1
    kill_every_s: float = 4.0
    kills_min: int = 110
    save_s: float = 200.0
    longest_s: float = 660.0
    settle_s: float = 60.0
    workers: int = 3
    poll_interval_s: int = 30
    freeze_every_s: float = 40.0
    freeze_s: tuple[float, float] = (20.0, 40.0)
    hurry: bool = True
    pace: float = 1.0


@dataclass
class State:
    """How far a run is; what the display shows and the result says."""

    options: Options
    phase: str = "starting"
    elapsed_s: float = 0.0
    chaos_s: float = 0.0
    in_xero: int = 0
    agreed: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    proxies: Sequence[Proxy] = ()
    long_waits: int = 0
    longest_wait_s: float = 0.0
    seconds_removed: int = 0
    settled_after_s: float | None = None
    empty_after_s: float | None = None
    findings: list[Finding] = field(default_factory=list)
    logs: str = ""
    load: float = 0.0

    @property
    def is_well(self) -> bool:
        """Whether nothing is lost, doubled or wrong, and both systems agreed in time; the lane was empty at last."""
        in_time = self.settled_after_s is not None and self.settled_after_s <= self.options.settle_s
        return in_time and self.empty_after_s is not None and not self.findings


class Run:
    """The parts of one run."""

    def __init__(self, options: Options, show: Callable[[State], None]) -> None:
        root = random.Random(options.seed)
        self._chances = {name: random.Random(root.getrandbits(64)) for name in ("people", "killer", *WEATHER)}
        self._options, self._show = options, show
        self.state = State(options)
        self._stack = Stack(workers=options.workers, poll_interval_s=options.poll_interval_s)
        self._began_at = time.monotonic()
        self._lives: list[Life] = []
        self._open_since: dict[str, float] = {}
        self._waited: dict[str, float] = {}
        self._pause = threading.Event()
        self._look_took_s = 0.0

    def run(self) -> State:
        """Return what came of it. Data and logs are removed unless something is wrong."""
        with ExitStack() as ends:
            proxies = Proxies()
            ends.callback(proxies.stop)
            ends.callback(self._stack.stop)
            self._open(proxies)
            killer, people = self._let_loose(proxies)
            ends.callback(self._office.stopping.set)
            ends.callback(killer.halt)
            self._watch(killer, people)
            self._say("waiting for all to settle")
            last_kill_at = killer.stop()
            proxies.switch(on=False)
            self.state.chaos_s = last_kill_at - self._office.started_at
            self._settle(killer, last_kill_at)
            self._check_that_it_stays(killer)
        self.state.load = os.getloadavg()[0]
        if self.state.is_well:
            self._stack.remove_data()
        else:
            self.state.logs = str(self._stack.folder)
        self._say("done")
        return self.state

    def _open(self, proxies: Proxies) -> None:
        """Start everything; the connector reaches both simulators and Redis through the proxies."""
        stack = self._stack
        stack.start_simulators()
        self._company = Company(stack)
        self._company.found()
        for number in range(CUSTOMERS - len(self._company.customers)):
            name = f"Customer {number:02}"
            row = {"name": name, "accountnumber": f"AC-2{number:03}"}
            self._company.customers[name] = self._company.sales.create("accounts", row)
        self._direct = dict(stack.addresses)
        self._onlooker = Onlooker(self._direct, self._company.tenant_id)
        limits = {"client_id": XERO_APP["client_id"], "minute": CALLS_A_MINUTE}
        self._onlooker.control("xero", "limits", limits)
        for side in ("xero", "dynamics"):
            address = urlsplit(self._direct[side])
            proxy = Proxy(side, address.port or 0, WEATHER[side], self._chances[side], is_tls=side == "dynamics")
            stack.addresses[side] = f"{address.scheme}://{address.hostname}:{proxies.listen(proxy)}"
        stack.addresses["login"] = stack.addresses["dynamics"]
        behind = Proxy("redis", Path(urlsplit(redis_url(stack)).path), WEATHER["redis"], self._chances["redis"])
        before = stack.folder / "proxied.sock"
        proxies.listen(behind, before)
        stack.settings["REDIS_URL"] = f"unix://{before}?db=0"
        self.state.proxies = proxies.all
        stack.start_connector()
        self._company.join(status="Draft")

    def _let_loose(self, proxies: Proxies) -> tuple[Killer, list[Person]]:
        options, customers = self._options, list(self._company.customers)
        chance = self._chances["people"]
        self._lives = plan(
            options.invoices, customers, chance, save_s=options.save_s, hurry=options.hurry, pace=options.pace
        )
        today = datetime.now(UTC).date()  # noqa: TID251 - a person's today
        self._office = Office(self._company, self._direct, today, started_at=time.monotonic())
        people = [Person(self._office, self._lives[n::PEOPLE], f"person {n + 1}") for n in range(PEOPLE)]
        kills = Plan(options.kill_every_s, options.kills_min // 2, options.freeze_every_s, options.freeze_s)
        killer = Killer(self._stack, kills, self._chances["killer"])
        self.state.acts, self.state.tally = self._office.counts, killer.tally
        proxies.switch(on=True)
        for thread in (*people, killer):
            thread.start()
        return killer, people

    def _watch(self, killer: Killer, people: Sequence[Person]) -> None:
        """Look on until all people are done, enough is killed, and nothing waits for Xero's seven minutes."""
        ends_at = self._office.started_at + self._options.longest_s
        while time.monotonic() < ends_at:
            self._look()
            self._raise_of(killer)
            are_busy = any(person.is_alive() for person in people)
            self._say("chaos" if are_busy else "chaos, people are done")
            is_enough = sum(killer.tally.kills.values()) >= self._options.kills_min
            if is_enough and not are_busy and not self._waiting():
                return
            self._pause.wait(max(LOOK_EVERY_S, LOOKS_TAKE * self._look_took_s))
        self._office.stopping.set()
        for person in people:
            person.join()

    def _settle(self, killer: Killer, last_kill_at: float) -> None:
        """Look until both systems agree and the lane is empty; note how long after the last kill either was so.

        Polls of a run are so frequent that each marks again what changed within ten minutes, so the lane may be busy
        although all agrees.
        """
        while time.monotonic() < last_kill_at + GIVE_UP_AFTER_S:
            killer.revive()
            books = self._look()
            after_s, ready = books.began_at - last_kill_at, self._ready()
            self.state.findings = self._judge(books)
            agrees = not self.state.findings
            if not agrees:
                self.state.settled_after_s = None
            elif self.state.settled_after_s is None:
                self.state.settled_after_s = after_s
            if agrees and ready == 0:
                self.state.empty_after_s = after_s
                return
            self._say("waiting for all to settle")
            self._pause.wait(max(SETTLING_LOOK_S, self._look_took_s))
        if ready := self._ready():
            self.state.findings.append(Finding(WRONG, "lane", f"{ready} are due or in work"))

    def _check_that_it_stays(self, killer: Killer) -> None:
        """After another poll all has to be as it was."""
        if self.state.empty_after_s is None:
            return
        self._say("looking again after a poll")
        self._pause.wait(self._options.poll_interval_s + 5)
        killer.revive()
        books = self._look()
        self.state.findings = self._judge(books)
        rows = {row["stl3_xeroinvoiceid"] for rows in books.details.values() for row in rows}
        others = [each for found in books.documents.values() for each in found if each["InvoiceID"] not in rows]
        self.state.seconds_removed = len(others)

    def _look(self) -> Books:
        books = self._onlooker.look()
        self._office.books = books
        self._look_took_s = time.monotonic() - books.began_at
        saved = [life.wanted for life in self._lives if life.invoice_id]
        self.state.in_xero = sum(each.invoice_id in books.documents for each in saved)
        self.state.agreed = sum(not judge_one(each, books) for each in saved)
        self._note_waits(books)
        return books

    def _note_waits(self, books: Books) -> None:
        now, rows = books.began_at, [row for rows in books.details.values() for row in rows]
        is_open = {row["stl3_attemptkey"] or row["stl3_cancelling"] or "" for row in rows} - {""}
        self._open_since = {key: self._open_since.get(key, now) for key in is_open}
        for key, since in self._open_since.items():
            if now - since >= WAITS_AFTER_S:
                self._waited[key] = now - since
        self.state.long_waits = len(self._waited)
        self.state.longest_wait_s = max(self._waited.values(), default=0.0)

    def _waiting(self) -> bool:
        now = time.monotonic()
        return any(now - since >= WAITS_AFTER_S for since in self._open_since.values())

    def _judge(self, books: Books) -> list[Finding]:
        wanted = [life.wanted for life in self._lives if life.invoice_id]
        letters = self._ask_redis(
            lambda client: sum(1 for _ in DeadLetters(client).list_all()) + int(client.llen(f"{QUEUE}.dead"))
        )
        return judge(wanted, books, dead_letters=letters)

    def _ready(self) -> int:
        """Return how much is due, in work or in the inbox; -1 while Redis is away."""
        lane = self._company.connection_id
        return self._ask_redis(lambda client: Lanes(client).count_ready(lane) + int(client.llen(QUEUE)))

    def _ask_redis(self, ask: Callable[[redis.Redis], int]) -> int:
        client = open_redis(redis_url(self._stack))
        try:
            return ask(client)
        except (*UNREACHABLE, Transient):
            return -1
        finally:
            client.close()

    def _raise_of(self, killer: Killer) -> None:
        for error in (*self._office.errors, *killer.errors):
            raise RuntimeError(f"the driver failed; logs in {self._stack.folder}") from error

    def _say(self, phase: str) -> None:
        self.state.phase, self.state.elapsed_s = phase, time.monotonic() - self._began_at
        self._show(self.state)
