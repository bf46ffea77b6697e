"""Dead letters: work that was put aside because it fails each time, with what an engineer needs to see why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import redis

from core import money
from pipeline.lane_scripts import ask
from pipeline.lanes import Entity

KEY = "dead"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`reference` is what stands in the invoice's history, `trace` the stack without values."""

    connection_id: str
    entity: Entity
    reference: str
    error: str
    trace: str
    at: datetime


class DeadLetters:
    """The dead letters of this installation, in Redis; the invoice's Failed row in Dynamics outlives them."""

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
        stored = cast("dict[str, str]", ask(lambda: self._redis.hgetall(KEY)))
        for field, text in sorted(stored.items()):
            connection_id, _, entity = field.partition("|")
            plain = money.loads(text)
            plain["at"] = datetime.fromisoformat(plain["at"])
            yield DeadLetter(connection_id, Entity.parse(entity), **plain)

    def drop(self, letter: DeadLetter) -> None:
        ask(lambda: self._redis.hdel(KEY, f"{letter.connection_id}|{letter.entity}"))
