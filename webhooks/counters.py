"""Counts of what came in and what became of it, kept in this process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping


class Counters:
    """Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int], *, prefix: str) -> None:
        with self._lock:
            for name, number in counts.items():
                self._counts[f"{prefix}.{name}"] += number

    def snapshot(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)
