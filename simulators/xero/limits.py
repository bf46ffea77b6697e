"""Rate limits per app and tenant: calls in flight, a minute, a day; and a minute of the app over all tenants."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

from simulators.xero.call import Answer

MINUTE_S = 60
DAY_S = 24 * 60 * 60
Lane = tuple[str, str]
"""Client id and tenant id."""


@dataclass
class Limits:
    """What one app may do; tests change them at will."""

    minute: int = 60
    day: int = 5_000
    concurrent: int = 5
    app_minute: int = 10_000


@dataclass
class Window:
    """A fixed window that began at `start`."""

    start: int = -1
    used: int = 0


@dataclass
class Limiter:
    """Counts calls. Safe for threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    in_flight: defaultdict[Lane, int] = field(default_factory=lambda: defaultdict(int))
    _windows: defaultdict[tuple[str, str, int], Window] = field(default_factory=lambda: defaultdict(Window))

    def enter(self, lane: Lane, limits: Limits) -> bool:
        """Take a seat for the time of one call; False when all are taken. Each True needs one `leave`."""
        with self.lock:
            if self.in_flight[lane] >= limits.concurrent:
                return False
            self.in_flight[lane] += 1
            return True

    def leave(self, lane: Lane) -> None:
        with self.lock:
            self.in_flight[lane] -= 1

    def count(self, lane: Lane, limits: Limits, now: datetime, *, seated: bool) -> Answer | None:
        """Count one call; return the 429 when a limit stops it, and then count nothing."""
        with self.lock:
            checks = (
                ("day", self._window(lane, DAY_S, now), limits.day, DAY_S),
                ("minute", self._window(lane, MINUTE_S, now), limits.minute, MINUTE_S),
                ("appminute", self._window((lane[0], ""), MINUTE_S, now), limits.app_minute, MINUTE_S),
            )
            for problem, window, limit, length_s in checks:
                if window.used >= limit:
                    ends_in_s = window.start + length_s - now.timestamp()
                    return _refusal(problem, retry_after_s=int(ends_in_s) + 1)
            if not seated:
                return _refusal("concurrent", retry_after_s=None)
            for _problem, window, _limit, _length_s in checks:
                window.used += 1
            return None

    def headers(self, lane: Lane, limits: Limits, now: datetime) -> dict[str, str]:
        """Return what is left of each limit."""
        with self.lock:
            day, minute = self._window(lane, DAY_S, now).used, self._window(lane, MINUTE_S, now).used
            app = self._window((lane[0], ""), MINUTE_S, now).used
        return {
            "X-DayLimit-Remaining": str(max(limits.day - day, 0)),
            "X-MinLimit-Remaining": str(max(limits.minute - minute, 0)),
            "X-AppMinLimit-Remaining": str(max(limits.app_minute - app, 0)),
        }

    def reset(self) -> None:
        """Begin every window anew; calls in flight stay counted."""
        with self.lock:
            self._windows.clear()

    def _window(self, lane: Lane, length_s: int, now: datetime) -> Window:
        window = self._windows[(*lane, length_s)]
        start = window_start(lane[1], length_s, now)
        if window.start != start:
            window.start, window.used = start, 0
        return window


def window_start(tenant_id: str, length_s: int, now: datetime) -> int:
    """Return when the present window began, in epoch seconds: each tenant's windows turn at another moment."""
    offset = crc32(tenant_id.encode()) % length_s
    elapsed = int(now.timestamp()) - offset
    return elapsed - elapsed % length_s + offset


def _refusal(problem: str, *, retry_after_s: int | None) -> Answer:
    headers = {"X-Rate-Limit-Problem": problem}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Answer(429, headers=headers)
