"""Up to when each side of a connection has been read, in Redis; losing one costs a complete read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import cast

import redis

from core.event import Side
from pipeline.lane_scripts import ask

OVERLAP = timedelta(minutes=10)  # read again: what was being saved when a side was asked shows up late


class Watermark:
    """The moment, by that side's own clock, up to which everything that changed there has been marked."""

    def __init__(self, client: redis.Redis, connection_id: str, side: Side) -> None:
        self._redis = client
        self._key = f"watermark:{connection_id}:{side}"

    def load(self) -> datetime | None:
        text = cast("str | None", ask(lambda: self._redis.get(self._key)))
        return datetime.fromisoformat(text) if text else None

    def save(self, moment: datetime) -> None:
        ask(lambda: self._redis.set(self._key, moment.isoformat()))


class Nights:
    """The last local day whose nightly round of a connection has been marked."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        self._key = f"nightly:{connection_id}"

    def load(self) -> date | None:
        text = cast("str | None", ask(lambda: self._redis.get(self._key)))
        return date.fromisoformat(text) if text else None

    def save(self, day: date) -> None:
        ask(lambda: self._redis.set(self._key, day.isoformat()))
