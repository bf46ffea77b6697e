"""What both senders' bodies have in common: untrusted JSON, read without ever raising anything unexpected."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core import money
from core.event import Event

NIL = UUID(int=0)


class NotJson(Exception):
    """The body is no JSON, or more of it than anybody sends."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a body said: the events to publish, and how often something was left out for which reason."""

    events: tuple[Event, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


def parsed(body: bytes) -> Any:
    """Return the document. Raises NotJson, also for NaN, numbers of 5,000 digits and a thousand nested lists."""
    try:
        return money.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson(type(error).__name__) from error


def find_guid(value: Any) -> str | None:
    """Return the GUID in its usual lower-case form; None for anything else, the nil GUID too."""
    if not isinstance(value, str):
        return None
    try:
        guid = UUID(value)
    except ValueError:
        return None
    return str(guid) if guid != NIL else None


def find_text(value: Any, *, length_max: int = 200) -> str | None:
    """Return the text if it is one that a vendor could have written: printable ASCII of a reasonable length."""
    if isinstance(value, str) and 0 < len(value) <= length_max and value.isascii() and value.isprintable():
        return value
    return None


def without_repeats(events: list[Event]) -> tuple[Event, ...]:
    return tuple(dict.fromkeys(events))
