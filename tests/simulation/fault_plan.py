"""What goes wrong, drawn from the seed: which kinds of faults there are in a run, how often, and each single one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis

from simulators.dataverse.errors import Refused
from simulators.wire import Fault

# Of each kind how often it happens at most, where it can: per delivery, per call, per command, per moment.
EVENTS = {"event lost": 0.5, "event twice": 0.3, "event late by minutes or hours": 0.3, "event overtaken": 0.4}
CALLS = {
    "connection dropped before the effect": 0.06,
    "connection dropped after the effect": 0.06,
    "5xx instead of the effect": 0.06,
    "5xx after the effect": 0.04,
    "answer that is no JSON": 0.03,
    "429 minute": 0.02,
    "429 day": 0.004,
    "429 concurrent": 0.03,
    "429 app minute": 0.01,
    "effect after its sender gave up": 0.03,
}
PARTS = {"part of a batch refused": 0.01}
CRASHES = {
    "crash of a worker": 0.012,
    "crash of the dispatcher": 0.02,
    "crash of the web": 0.04,
    "crash of the poller": 0.006,
}
PAUSES = {"process frozen": 0.006}
COMMANDS = {"Redis: connection refused": 0.006, "Redis: answer lost": 0.006}
MOMENTS = {
    "Redis away": 0.15,
    "Redis restarted, last second lost": 0.15,
    "Redis wiped": 0.15,
    "maintenance": 0.15,
}
STARTS = {"clock of a process wrong": 0.5}
ALL: Mapping[str, float] = EVENTS | CALLS | PARTS | CRASHES | PAUSES | COMMANDS | MOMENTS | STARTS

ON = 0.5  # of the kinds are there in a run
UPDATE = "POST /api.xro/2.0/Invoices"
WATCHED_TIMES = 10  # as often is an update's answer lost while a person waits for it, to act upon it at once
TOKEN = "/connect/token"
FROZEN_S = (3, 14), (16, 90), (90, 900)
SKEW_S = 240  # of a clock, at most, either way
LIMITS = {"429 minute": "minute", "429 concurrent": "concurrent", "429 app minute": "appminute", "429 day": "day"}


Step = tuple[str, int]
"""One thing that happens in a run: the so-manieth of a kind of fault, or of the acts of people."""


@dataclass
class Plan:
    """`rates` of each kind of fault in this run; `counts`: how many there have been. Nothing happens after `stop`.

    `left_out` are faults that do not happen; `told` is what did, with its moment. Each kind is drawn by itself, so
    that leaving one out leaves the others as they were. `is_watched`: a person waits for an update to arrive in Xero.
    """

    seed: str
    now: Callable[[], datetime]
    left_out: frozenset[Step] = frozenset()
    rates: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    told: list[tuple[datetime, str, Step]] = field(default_factory=list)
    where: Callable[[], str] = lambda: ""
    is_on: bool = True
    is_watched: bool = False
    maintained_until: dict[str, datetime] = field(default_factory=dict)
    redis_away_until: datetime | None = None
    redis_broken_at: datetime | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(f"faults {self.seed}")
        self._chances = {kind: random.Random(f"{kind} {self.seed}") for kind in ALL}
        self._drawn: Counter[str] = Counter()
        for kind, most in ALL.items():
            is_here, part = self.chance.random() < ON, self.chance.random()
            self.rates[kind] = most * part if is_here else 0.0

    def stop(self) -> None:
        """Everything works from now on."""
        self.is_on = False

    def happens(self, kind: str, *, times: int = 1) -> bool:
        """Whether a fault of this kind happens here and now, `times` as often as usual; it is counted."""
        rate = self.rates[kind] * times
        if not self.is_on or not rate or self._chances[kind].random() >= rate:
            return False
        self._drawn[kind] += 1
        step = (kind, self._drawn[kind])
        if step in self.left_out:
            return False
        self.counts[kind] += 1
        self.told.append((self.now(), f"{kind} ({self.where()})", step))
        return True

    def on_wire(self, side: str) -> Callable[[str, bytes], Fault | None]:
        """Return what says whether a call to `side` meets a fault."""

        def next_fault(call: str, _body: bytes) -> Fault | None:
            fault = self._fault_of(side, call)
            if fault is not None and TOKEN in call:
                self.counts["token call hit"] += 1
                if fault.kind.endswith("after"):
                    self.counts["token answer lost"] += 1
            return fault

        return next_fault

    def _fault_of(self, side: str, call: str) -> Fault | None:
        if not self.is_on:
            return None
        until = self.maintained_until.get(side)
        if until is not None and self.now() < until:
            self.counts["call during maintenance"] += 1
            return Fault(".", "status-before", status=503, headers={"Retry-After": "20"}, body="down for maintenance")
        if self.happens("connection dropped before the effect"):
            return Fault(".", "drop-before")
        times = WATCHED_TIMES if self.is_watched and UPDATE in call else 1
        if self.happens("connection dropped after the effect", times=times):
            return Fault(".", "drop-after")
        if self.happens("5xx instead of the effect"):
            return Fault(".", "status-before", status=self.chance.choice((500, 502, 503, 504)))
        if self.happens("5xx after the effect"):
            return Fault(".", "status-after", status=self.chance.choice((500, 502, 504)))
        if self.happens("answer that is no JSON"):
            kind = self.chance.choice(("status-before", "status-after"))
            return Fault(".", kind, status=200, headers={"Content-Type": "text/html"}, body="<html>Sorry</html>")
        return self._limit_of(side, call)

    def _limit_of(self, side: str, call: str) -> Fault | None:
        for kind, problem in LIMITS.items():
            if kind != "429 minute" and "api.xro" not in call:
                continue  # what Dynamics and Xero's tokens have is one limit
            if self.happens(kind):
                wait_s = 1800 if problem == "day" else self.chance.choice((1, 7, 60))
                headers = {"Retry-After": str(wait_s)} | ({"X-Rate-Limit-Problem": problem} if side == "xero" else {})
                return Fault(".", "status-before", status=429, headers=headers)
        return None

    def in_batch(self, method: str, _url: str) -> Refused | None:
        """Return why one operation of a `$batch` fails; the others of its changeset are rolled back with it."""
        if not self.happens("part of a batch refused"):
            return None
        if method == "GET" or self.chance.random() < 0.5:
            return Refused(503, "0x80072321", "The server is too busy for this operation.")
        return Refused(412, "0x80060882", "The version of the existing record doesn't match the RowVersion property.")

    def check_redis(self, *, is_answer: bool) -> None:
        """Raise what a command of Redis meets, before or after it is carried out."""
        if not self.is_on:
            return
        if self.redis_away_until is not None and self.now() < self.redis_away_until and not is_answer:
            self.counts["command while Redis is away"] += 1
            raise redis.ConnectionError("refused")
        if self.happens("Redis: answer lost" if is_answer else "Redis: connection refused"):
            raise redis.ConnectionError("lost")

    def skew(self) -> timedelta:
        """Return how wrong a clock is."""
        if not self.happens("clock of a process wrong"):
            return timedelta()
        return timedelta(seconds=self.chance.uniform(-SKEW_S, SKEW_S))

    def frozen_s(self) -> float:
        return self.chance.uniform(*self.chance.choice(FROZEN_S))
