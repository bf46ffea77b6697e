"""Dead letters: work that was put aside because it fails each time, with what an engineer needs to see why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import redis

from core import ids, money
from pipeline.lane_scripts import ask
from pipeline.lanes import Entity

KEY = "dead"
# Only if it is this letter: the entity may have been put aside anew meanwhile.
_DROP = """
local text = redis.call('HGET', KEYS[1], ARGV[1])
if text and string.find(text, ARGV[2], 1, true) then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`reference` is what stands in the invoice's history, `trace` the stack without values."""

    connection_id: str
    entity: Entity
    reference: str
    error: str
    trace: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stored letter that nobody can read any more: its field and its text as they stand in Redis."""

    field: str
    text: str

    @property
    def reference(self) -> str:
        return ids.digest("unreadable", self.field, self.text)[:12]


class DeadLetters:
    """The dead letters of this installation, in Redis, for ever; one an entity, the last one.

    The invoice's Failed row in Dynamics outlives them. Methods raise Transient when Redis does not answer.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def put(self, letter: DeadLetter) -> None:
        plain = {
            "reference": letter.reference,
            "error": letter.error,
            "trace": letter.trace,
            "at": letter.at.isoformat(),
        }
        field = f"{letter.connection_id}|{letter.entity}"
        ask(lambda: self._redis.hset(KEY, field, money.dumps(plain).decode()))

    def list_all(self) -> Iterator[DeadLetter]:
        """Yield the letters, without those that cannot be read."""
        yield from (letter for letter in self._list() if isinstance(letter, DeadLetter))

    def list_unreadable(self) -> Iterator[Unreadable]:
        yield from (letter for letter in self._list() if isinstance(letter, Unreadable))

    def drop(self, letter: DeadLetter | Unreadable) -> None:
        """Forget this letter; a newer one of the same entity stays."""
        if isinstance(letter, Unreadable):
            field, mark = letter.field, letter.text
        else:
            field, mark = f"{letter.connection_id}|{letter.entity}", money.dumps(letter.reference).decode()
        ask(lambda: self._redis.eval(_DROP, 1, KEY, field, mark))

    def _list(self) -> Iterator[DeadLetter | Unreadable]:
        stored = cast("dict[str, str]", ask(lambda: self._redis.hgetall(KEY)))
        for field, text in sorted(stored.items()):
            yield _read(field, text)


def _read(field: str, text: str) -> DeadLetter | Unreadable:
    connection_id, _, entity = field.partition("|")
    try:
        plain = money.loads(text)
        at = datetime.fromisoformat(plain["at"])
        reference, error, trace = (str(plain[name]) for name in ("reference", "error", "trace"))
        return DeadLetter(connection_id, Entity.parse(entity), reference, error, trace, at)
    except (ValueError, KeyError, TypeError):
        return Unreadable(field, text)
