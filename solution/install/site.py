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
    """One organisation. `dataverse` speaks for an administrator; `wait` lets seconds pass; `tell` shows progress.

    `new_id` gives an id that nobody else has.
    """

    dataverse: Dataverse
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    wait: Callable[[float], None]
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Package:
    """A package to be imported; `has_webhook`: the endpoint and its steps are in it."""

    content: bytes
    version: str
    is_managed: bool
    has_webhook: bool = True

    @staticmethod
    def ours(*, is_managed: bool = True, version: str = VERSION, has_webhook: bool = True) -> Package:
        content = build(managed=is_managed, version=version, webhook=has_webhook)
        return Package(content, version, is_managed, has_webhook)


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
