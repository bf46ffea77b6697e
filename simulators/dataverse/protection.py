"""Service protection: how many requests, how much work, and how many at once a user may ask for."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter

from simulators.clock import Clock
from simulators.dataverse.errors import Refused


@dataclass
class Limits:
    """Per user; the window slides."""

    requests: int = 6000
    execution_ms: int = 1_200_000
    concurrent: int = 52
    window_s: int = 300


@dataclass
class _Use:
    requests: deque[datetime] = field(default_factory=deque)
    work: deque[tuple[datetime, float]] = field(default_factory=deque)
    work_ms: float = 0.0
    running: int = 0


class Protection:
    """Counts per user; `enter` refuses with 429 and Retry-After what is too much."""

    def __init__(self, clock: Clock) -> None:
        self.limits = Limits()
        self._clock = clock
        self._lock = threading.Lock()
        self._uses: dict[str, _Use] = defaultdict(_Use)

    @contextmanager
    def enter(self, user_id: str) -> Iterator[None]:
        with self._lock:
            use = self._uses[user_id]
            self._check(use)
            use.requests.append(self._clock.now())
            use.running += 1
        started = perf_counter()
        try:
            yield
        finally:
            with self._lock:
                use.running -= 1
                took_ms = (perf_counter() - started) * 1000
                use.work.append((self._clock.now(), took_ms))
                use.work_ms += took_ms

    def headers(self, user_id: str) -> dict[str, str]:
        """What is left of the window, as every answer tells."""
        with self._lock:
            use = self._uses[user_id]
            requests = max(self.limits.requests - len(use.requests), 0)
            work_s = max(self.limits.execution_ms - use.work_ms, 0) / 1000
        return {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(requests),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{work_s:,.2f}",
        }

    def _check(self, use: _Use) -> None:
        now, limits = self._clock.now(), self.limits
        oldest = now - timedelta(seconds=limits.window_s)
        while use.requests and use.requests[0] <= oldest:
            use.requests.popleft()
        while use.work and use.work[0][0] <= oldest:
            use.work_ms -= use.work.popleft()[1]
        if use.running >= limits.concurrent:
            message = f"Number of concurrent requests exceeded the limit of {limits.concurrent}."
            raise _too_much("0x80072326", message, 5)
        if len(use.requests) >= limits.requests:
            message = (
                f"Number of requests exceeded the limit of {limits.requests} "
                f"over time window of {limits.window_s} seconds."
            )
            raise _too_much("0x80072322", message, _seconds_until(use.requests[0], now, limits))
        if use.work and use.work_ms >= limits.execution_ms:
            message = (
                "Combined execution time of incoming requests exceeded limit of "
                f"{limits.execution_ms:,} milliseconds "
                f"over time window of {limits.window_s} seconds. Decrease number of concurrent requests "
                "or reduce the duration of requests and try again later."
            )
            raise _too_much("0x80072321", message, _seconds_until(use.work[0][0], now, limits))


def _seconds_until(oldest: datetime, now: datetime, limits: Limits) -> int:
    return max(int((oldest + timedelta(seconds=limits.window_s) - now).total_seconds()) + 1, 1)


def _too_much(code: str, message: str, retry_after_s: int) -> Refused:
    return Refused(429, code, message, {"Retry-After": str(retry_after_s)})
