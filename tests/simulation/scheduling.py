"""One thread, many processes: who goes on next is drawn from the seed, and time passes when nobody can."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from greenlet import GreenletExit, greenlet

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(eq=False)
class Process:
    """What dies and freezes as one. `woke_late`: it froze since its present work began, on a `lane` or on none.

    `tokens`: of its leases; `late_writes`: how many it has made without one.
    """

    name: str
    is_alive: bool = True
    frozen_until: datetime = LONG_AGO
    woke_late: bool = False
    lane: str = ""
    late_writes: int = 0
    tokens: list[str] = field(default_factory=list)

    def begin(self, lane: str) -> None:
        """Other work begins."""
        self.lane, self.woke_late, self.late_writes = lane, False, 0


@dataclass(eq=False)
class Task:
    """A line of work; one without a process (people, vendors) neither dies nor freezes."""

    name: str
    process: Process | None
    let: greenlet
    wakes_at: datetime
    waiters: list[Task] = field(default_factory=list)


class Scheduler:
    """Runs tasks one at a time. A task gives way in `sleep`, `pause` and `wait_for`; nowhere else."""

    def __init__(
        self, chance: random.Random, now: Callable[[], datetime], pass_time: Callable[[timedelta], None]
    ) -> None:
        self.chance = chance
        self.now = now
        self.switches = 0
        self.current: Task | None = None
        self.is_closing = False
        self._pass_time = pass_time
        self._hub = greenlet.getcurrent()
        self._tasks: list[Task] = []
        self._graves: list[Task] = []

    def spawn(self, name: str, run: Callable[[], None], process: Process | None = None) -> Task:
        """Return a new task that is ready to run."""
        task = Task(name, process, greenlet(run, self._hub), self.now())
        self._tasks.append(task)
        return task

    def sleep(self, seconds: float) -> None:
        """Let the task that calls go on after so many seconds."""
        assert self.current is not None
        self.current.wakes_at = self.now() + timedelta(seconds=seconds)
        self._hub.switch()

    def pause(self) -> None:
        """Let others go first."""
        self.sleep(0)

    def wake(self, task: Task) -> None:
        """Let a sleeping task go on at once."""
        task.wakes_at = min(task.wakes_at, self.now())

    def wait_for(self, task: Task, *, at_most_s: float) -> None:
        """Sleep until the other task has ended or is dead."""
        assert self.current is not None
        if task in self._tasks:
            task.waiters.append(self.current)
            self.sleep(at_most_s)

    def end(self, task: Task) -> None:
        """The task never goes on; what it held in memory is lost without a word, as when a process is killed."""
        if task in self._tasks:
            self._tasks.remove(task)
            self._graves.append(task)
            self._tell_waiters(task)

    def kill(self, process: Process) -> None:
        """End every task of a process. Returns only if it was another one's."""
        process.is_alive = False
        for task in [each for each in self._tasks if each.process is process]:
            self.end(task)
        if self.current is not None and self.current.process is process:
            self._hub.switch()

    def freeze(self, process: Process, seconds: float) -> None:
        """Let nothing of a process go on for so long."""
        process.frozen_until = self.now() + timedelta(seconds=seconds)
        process.woke_late = True
        if self.current is not None and self.current.process is process:
            self.pause()

    def run(self, seconds: float) -> None:
        """Let everything happen that happens in so many seconds."""
        until = self.now() + timedelta(seconds=seconds)
        while True:
            now = self.now()
            ready = [task for task in self._tasks if self._ready_at(task) <= now]
            if ready:
                self._go_on(self.chance.choice(ready))
                continue
            first = min([until, *map(self._ready_at, self._tasks)])
            self._pass_time(first - now)
            if first >= until:
                return

    def close(self) -> None:
        """Forget every task; where they clean up behind themselves, nothing reaches the outside any more."""
        self.is_closing = True
        graves, self._tasks, self._graves = [*self._tasks, *self._graves], [], []
        for task in graves:
            try:
                task.let.throw(GreenletExit)
            except BaseException:
                continue

    def _ready_at(self, task: Task) -> datetime:
        return task.wakes_at if task.process is None else max(task.wakes_at, task.process.frozen_until)

    def _go_on(self, task: Task) -> None:
        self.switches += 1
        self.current = task
        try:
            task.let.switch()
        finally:
            self.current = None
        if task.let.dead and task in self._tasks:
            self._tasks.remove(task)
            self._tell_waiters(task)

    def _tell_waiters(self, task: Task) -> None:
        for waiter in task.waiters:
            self.wake(waiter)
        task.waiters.clear()
