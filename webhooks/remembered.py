"""Remembers for a few seconds what a look-up found, and never that it found nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Remembered(Generic[Found]):
    """A look-up whose hits are kept for `seconds`.

    A miss is asked again each time: what was made a moment ago must be found at once. `monotonic` gives seconds.
    """

    def __init__(
        self,
        find: Callable[[str], Found | None],
        *,
        seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Found]] = {}

    def find(self, key: str) -> Found | None:
        with self._lock:
            until, found = self._known.get(key, (0.0, None))
        if found is not None and self._monotonic() < until:
            return found
        return self.read(key)

    def read(self, key: str) -> Found | None:
        """Ask the look-up itself, and remember what it says now."""
        found = self._find(key)
        with self._lock:
            if found is None:
                self._known.pop(key, None)
            else:
                self._known[key] = (self._monotonic() + self._seconds, found)
        return found
