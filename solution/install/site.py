"""What installing needs of the world: an administrator's view of Dynamics, time, and somebody to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clients.dataverse import Dataverse
from solution.names import VERSION
from solution.package import build


@dataclass(frozen=True, slots=True)
class Site:
    """One organisation. `dataverse` speaks for an administrator; `wait` lets seconds pass; `tell` shows progress."""

    dataverse: Dataverse
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Package:
    """A package to be imported."""

    content: bytes
    version: str
    is_managed: bool

    @staticmethod
    def ours(*, is_managed: bool = True, version: str = VERSION) -> Package:
        return Package(build(managed=is_managed, version=version), version, is_managed)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Dynamics has to post, and the header by which we know that it does; `secret` is told to nobody else."""

    address: str
    header: str
    secret: str

    def __repr__(self) -> str:
        return f"Webhook({self.header!r})"


def parts_of(version: str) -> tuple[int, ...]:
    """Return a version's numbers, to compare. Raises ValueError if it is none."""
    return tuple(int(part) for part in version.split("."))
