"""What an environment remembers of solutions on their way in: files put by, the import that runs, how imports go."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Failure(NamedTuple):
    """One thing that is wrong: the platform's code and words, and of which component, if of one (kind and name)."""

    code: int
    message: str
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """How a package is to be imported. `upgrade`: what an earlier version had and this one omits is removed."""

    overwrite: bool = False
    enable_steps: bool = True
    upgrade: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """An import under way; it takes effect at `due_at`, at once and as a whole."""

    job_id: str
    operation_id: str
    content: bytes
    options: Options
    started_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an import ended."""

    failures: tuple[Failure, ...] = ()
    warnings: tuple[Failure, ...] = ()


@dataclass
class ImportSwitches:
    """How imports go. What is `next_` holds for one file or one job and is then forgotten.

    `next_stage`: StageSolution fails with these results. `next_failures`: the job fails with these.
    """

    duration_s: float = 20.0
    next_stage: tuple[Failure, ...] = ()
    next_failures: tuple[Failure, ...] = ()
    next_cancelled: bool = False


@dataclass
class Imports:
    """`uploads` by id; `outcomes` by job; `layers` what the last import gave a component, by the component's id."""

    switches: ImportSwitches = field(default_factory=ImportSwitches)
    uploads: dict[str, bytes] = field(default_factory=dict)
    running: Running | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)
