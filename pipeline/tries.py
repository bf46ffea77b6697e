"""Counts attempts that made nothing although Xero was up, which is how a document that breaks Xero shows itself.

In Redis; losing the counts only costs more attempts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import redis

from pipeline.lane_scripts import ask, keys_of

_TELLING = ":telling"


@dataclass(frozen=True, slots=True)
class Count:
    """Attempts in a row that made nothing; `telling` ones are those while which Xero created others."""

    attempts: int
    telling: int


class Tries:
    """The counts of one connection. Methods raise Transient when Redis does not answer."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        self._counts, self._made = keys_of(connection_id, "tries", "made")

    def add(self, invoice_id: str, started: datetime) -> Count:
        """Count one more attempt, begun at `started`, that made nothing; return how many there were in a row."""
        telling = int(self.made_since(started))
        return Count(
            ask(lambda: self._redis.hincrby(self._counts, invoice_id, 1)),
            ask(lambda: self._redis.hincrby(self._counts, invoice_id + _TELLING, telling)),
        )

    def forget(self, invoice_ids: Iterable[str]) -> None:
        fields = [field for invoice_id in invoice_ids for field in (invoice_id, invoice_id + _TELLING)]
        if fields:
            ask(lambda: self._redis.hdel(self._counts, *fields))

    def note_made(self, at: datetime) -> None:
        """Xero has created something for this connection."""
        ask(lambda: self._redis.set(self._made, at.timestamp()))

    def made_since(self, moment: datetime) -> bool:
        """Whether Xero has created anything for this connection at or after `moment`."""
        text = cast("str | None", ask(lambda: self._redis.get(self._made)))
        return text is not None and datetime.fromtimestamp(float(text), UTC) >= moment
