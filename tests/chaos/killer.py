"""Kills processes with SIGKILL, freezes workers, lets Redis lose what it has, and starts again what is dead."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from core.redis import UNREACHABLE, open_redis
from demo.stack import Stack
from tests.chaos import aof

WEIGHTS = {"work": 6, "dispatch": 2, "poll": 2, "web": 2, "redis": 1}
"""How often of thirteen times which process is killed; workers share theirs."""
TICK_S, LAST_SECOND_S = 0.1, 1.0


@dataclass(frozen=True)
class Plan:
    """How often and how: seconds between kills on average, until a dead one is started again, of a freeze.

    `flush_after`: after so many kills Redis loses everything. `freeze_every_s` 0: nobody is frozen.
    """

    kill_every_s: float
    flush_after: int
    freeze_every_s: float = 40.0
    freeze_s: tuple[float, float] = (20.0, 40.0)
    back_after_s: tuple[float, float] = (0.1, 1.5)


@dataclass
class Tally:
    """What was done. `kills` by kind of process; of those of Redis `cuts` lost their last second, `bytes` in all."""

    kills: Counter[str] = field(default_factory=Counter)
    freezes: int = 0
    frozen_s: float = 0.0
    cuts: int = 0
    cut_bytes: int = 0
    flushes: int = 0
    revived: Counter[str] = field(default_factory=Counter)


class Killer(threading.Thread):
    """The supervisor and its opposite in one: it kills by plan, and starts again whatever has ended."""

    def __init__(self, stack: Stack, plan: Plan, chance: random.Random) -> None:
        super().__init__(name="killer", daemon=True)
        self.tally = Tally()
        self.errors: list[BaseException] = []
        self._stack, self._plan, self._chance = stack, plan, chance
        self._stopping = threading.Event()
        self._names = [name for name in stack.processes if _kind_of(name) in WEIGHTS]
        self._deck: list[str] = []  # the next victims, so that each kind gets its turn
        self._back: dict[str, float] = {}  # when a dead process is started again
        self._frozen = ""
        self._thaws_at = 0.0

    def run(self) -> None:
        try:
            now = time.monotonic()
            kills_at, freezes_at = now + self._next_kill_s(), now + self._plan.freeze_every_s / 2
            while not self._stopping.wait(TICK_S):
                now = time.monotonic()
                self._start_due(now)
                if self._frozen and now >= self._thaws_at:
                    self._thaw()
                    freezes_at = now + self._chance.uniform(0.2, 0.6) * self._plan.freeze_every_s
                if self._plan.freeze_every_s and not self._frozen and now >= freezes_at:
                    self._freeze(now)
                if now >= kills_at:
                    self._kill()
                    kills_at = max(now, kills_at) + self._next_kill_s()
        except BaseException as error:  # the driver has to know
            self.errors.append(error)
            raise

    def halt(self) -> None:
        """Kill nothing more, and start nothing again."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def stop(self) -> float:
        """Kill no more, bring everything back; return when the last kill was or the last one thawed (monotonic)."""
        self.halt()
        if self._frozen:
            self._thaw()
        ended_at = time.monotonic()
        self._start_due(float("inf"))
        return ended_at

    def revive(self) -> None:
        """Start again what has ended by itself."""
        self._start_due(time.monotonic())

    def _next_kill_s(self) -> float:
        return self._plan.kill_every_s * self._chance.uniform(0.5, 1.5)

    def _kill(self) -> None:
        alive = [name for name in self._names if name not in self._back and name != self._frozen]
        alive = [name for name in alive if self._is_alive(name)]
        if not alive:
            return
        victim = self._draw(alive)
        kind = _kind_of(victim)
        loses = victim == "redis" and self._chance.random() < 0.6
        mark = None
        if loses:
            mark = aof.mark(self._stack.folder)
            self._stopping.wait(LAST_SECOND_S)
        self._stack.kill(victim)
        if mark is not None:
            self.tally.cut_bytes += aof.cut_back(mark)
            self.tally.cuts += 1
        self.tally.kills[kind] += 1
        self._back[victim] = time.monotonic() + self._chance.uniform(*self._plan.back_after_s)
        if sum(self.tally.kills.values()) >= self._plan.flush_after and not self.tally.flushes:
            self._flush()

    def _draw(self, alive: list[str]) -> str:
        """Return whom the deck says next of those alive; anybody if it says none of them."""
        if not self._deck:
            self._deck = [kind for kind, times in WEIGHTS.items() for _ in range(times)]
            self._chance.shuffle(self._deck)
        kinds = {_kind_of(name) for name in alive}
        kind = next((each for each in self._deck if each in kinds), _kind_of(alive[0]))
        if kind in self._deck:
            self._deck.remove(kind)
        return self._chance.choice([name for name in alive if _kind_of(name) == kind])

    def _flush(self) -> None:
        """Redis loses everything; tried again at the next kill if it is not there."""
        client = open_redis(redis_url(self._stack))
        try:
            client.flushall()
            self.tally.flushes += 1
        except UNREACHABLE:
            pass
        finally:
            client.close()

    def _freeze(self, now: float) -> None:
        workers = [name for name in self._names if name.startswith("work") and name not in self._back]
        workers = [name for name in workers if self._is_alive(name)]
        if not workers:
            return
        self._frozen = self._chance.choice(workers)
        seconds = self._chance.uniform(*self._plan.freeze_s)
        self._thaws_at = now + seconds
        self._stack.pause(self._frozen)
        self.tally.freezes += 1
        self.tally.frozen_s += seconds

    def _thaw(self) -> None:
        self._stack.resume(self._frozen)
        self._frozen = ""

    def _start_due(self, now: float) -> None:
        for name in self._names:
            if name in self._back:
                if now >= self._back[name]:
                    del self._back[name]
                    self._stack.start(name)
            elif not self._is_alive(name):
                self.tally.revived[_kind_of(name)] += 1
                self._stack.start(name)

    def _is_alive(self, name: str) -> bool:
        process = self._stack.processes.get(name)
        return process is not None and process.poll() is None


def redis_url(stack: Stack) -> str:
    """Return where Redis listens itself, past the proxy."""
    return f"unix://{stack.folder / 'redis' / 'redis.sock'}?db=0"


def _kind_of(name: str) -> str:
    return name.split("-", 1)[0]
