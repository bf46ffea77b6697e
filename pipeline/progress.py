"""How far a synchronisation of reference data is, and what came of the last one: for people who watch (rule F1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from pipeline.memory import Memory

State = Literal["waiting", "running", "done", "failed"]

OF_REFERENCE = "reference"
REFUSALS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows were dealt with, and how."""

    created: int = 0
    updated: int = 0
    reactivated: int = 0
    deactivated: int = 0
    unchanged: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        return sum(asdict(self).values())

    def plus(self, more: Counter[str]) -> Counts:
        """Return the sum; `more` counts by the names of the fields."""
        return Counts(**{name: number + more[name] for name, number in asdict(self).items()})


@dataclass(frozen=True, slots=True)
class Step:
    """One of the steps; `total` is how many rows it deals with, None until that is known.

    `refusals` names rows that Dynamics did not take, with its words; the first of them. `reason`: why it failed.
    """

    name: str
    state: State = "waiting"
    total: int | None = None
    counts: Counts = Counts()
    refusals: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """A run; `state` "waiting" means that it was interrupted for `reason` and will begin again by itself.

    "failed": a step failed, or Dynamics refused rows; a person has to look. Times are Redis' own.
    """

    state: State
    started_at: datetime
    updated_at: datetime
    steps: tuple[Step, ...]
    reason: str = ""
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None


@dataclass(slots=True)
class Ongoing:
    """The progress of the run that is under way; each method notes it where others can see it."""

    memory: Memory
    progress: Progress
    current: int = field(default=-1)

    def begin_step(self, now: datetime) -> None:
        self.current += 1
        self._note_step(now, replace(self._step, state="running"))

    def expect(self, total: int, unchanged: int, now: datetime) -> None:
        """The rows of the step are known, and how many of them need nothing."""
        self._note_step(now, replace(self._step, total=total, counts=Counts(unchanged=unchanged)))

    def add(self, counted: Counter[str], refusals: Sequence[str], now: datetime) -> None:
        told = (*self._step.refusals, *refusals)[:REFUSALS_SHOWN]
        self._note_step(now, replace(self._step, counts=self._step.counts.plus(counted), refusals=told))

    def end_step(self, now: datetime, *, failed: str = "") -> None:
        """The step is over; `failed` is why it did nothing, or not all."""
        self._note_step(now, replace(self._step, state="failed" if failed else "done", reason=failed))

    def interrupt(self, reason: str, now: datetime) -> None:
        """The run ends in mid-way, and another one will do all of it."""
        self._note(replace(self.progress, state="waiting", reason=reason, updated_at=now))

    def end(self, now: datetime) -> None:
        wrong = any(step.state == "failed" or step.counts.refused for step in self.progress.steps)
        self._note(replace(self.progress, state="failed" if wrong else "done", updated_at=now, ended_at=now))

    @property
    def _step(self) -> Step:
        return self.progress.steps[self.current]

    def _note_step(self, now: datetime, step: Step) -> None:
        steps = list(self.progress.steps)
        steps[self.current] = step
        self._note(replace(self.progress, steps=tuple(steps), updated_at=now))

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        self.memory.remember_progress(OF_REFERENCE, as_plain(progress))


def begin(memory: Memory, names: Sequence[str], now: datetime) -> Ongoing:
    """Return the progress of a run that begins now, with these steps; that of the run before is forgotten."""
    steps = tuple(Step(name) for name in names)
    ongoing = Ongoing(memory, Progress("running", started_at=now, updated_at=now, steps=steps))
    memory.remember_progress(OF_REFERENCE, as_plain(ongoing.progress))
    return ongoing


def find_progress(memory: Memory) -> Progress | None:
    """Return the progress of the run under way, else of the last one. Raises Transient when Redis does not answer."""
    stored = memory.progress(OF_REFERENCE)
    return None if stored is None else from_plain(stored)


def as_plain(progress: Progress) -> dict[str, Any]:
    """Return it as JSON, times in ISO format."""
    times = {name: getattr(progress, name) for name in ("started_at", "updated_at", "ended_at")}
    return asdict(progress) | {name: at and at.isoformat() for name, at in times.items()}


def from_plain(plain: dict[str, Any]) -> Progress:
    times = {name: plain[name] for name in ("started_at", "updated_at", "ended_at")}
    steps = tuple(
        Step(**step | {"counts": Counts(**step["counts"]), "refusals": tuple(step["refusals"])})
        for step in plain["steps"]
    )
    read = {name: at and datetime.fromisoformat(at) for name, at in times.items()}
    return Progress(**plain | read | {"steps": steps})
