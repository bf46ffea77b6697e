"""The simulators' own time: it follows the machine or stands still, and a test may move it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Aware UTC time. With `frozen_at` it stands still until `advance` moves it; without, it runs."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._frozen_at = frozen_at
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            base = self._frozen_at or datetime.now(UTC)  # noqa: TID251 - the one reader of the machine's clock here
            return base + self._offset

    def advance(self, delta: timedelta) -> datetime:
        """Move time by `delta` (backwards if negative); return the new now."""
        with self._lock:
            self._offset += delta
        return self.now()
