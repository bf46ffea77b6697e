"""Webhooks on their way out: kept in order of their due time, sent by a thread or step by step by a test."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from simulators.clock import Clock


@dataclass
class Delivery:
    """One POST that will be made at `due_at`; `context` is the simulator's own (attempt number, event, job id)."""

    url: str
    headers: dict[str, str]
    body: bytes
    due_at: datetime
    timeout_s: float
    context: dict[str, Any] = field(default_factory=dict)


Send = Callable[[Delivery], int | None]
"""Makes the POST; returns the status, or None when there was no answer in time."""

Settle = Callable[[Delivery, int | None], None]
"""The simulator's reaction to the outcome: retry, disable, write the job's end."""


class Outbox:
    """A queue of deliveries, safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[datetime, int, Delivery]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def add(self, delivery: Delivery) -> None:
        with self._changed:
            heapq.heappush(self._heap, (delivery.due_at, next(self._numbers), delivery))
            self._changed.notify_all()

    def pending(self) -> list[Delivery]:
        """Everything not yet taken, earliest first."""
        with self._changed:
            return [entry[2] for entry in sorted(self._heap, key=lambda entry: entry[:2])]

    def take_due(self) -> Delivery | None:
        with self._changed:
            if self._heap and self._heap[0][0] <= self._clock.now():
                return heapq.heappop(self._heap)[2]
            return None

    def remove(self, delivery: Delivery) -> None:
        """Lose a delivery on purpose."""
        with self._changed:
            self._heap = [entry for entry in self._heap if entry[2] is not delivery]
            heapq.heapify(self._heap)

    def wait(self, timeout_s: float) -> None:
        """Return when something was added, or the first one fell due, or after `timeout_s`."""
        with self._changed:
            if self._heap:
                until_due = (self._heap[0][0] - self._clock.now()).total_seconds()
                timeout_s = min(timeout_s, until_due)
            if timeout_s > 0:
                self._changed.wait(timeout_s)


def deliver_due(outbox: Outbox, send: Send, settle: Settle) -> int:
    """Send everything that is due now, one after the other; return how many were sent."""
    sent = 0
    while (delivery := outbox.take_due()) is not None:
        settle(delivery, send(delivery))
        sent += 1
    return sent


def post(session: requests.Session, delivery: Delivery) -> int | None:
    """Make the POST as the vendors do: no redirects followed, the body of the answer ignored."""
    try:
        response = session.post(
            delivery.url,
            data=delivery.body,
            headers=delivery.headers,
            timeout=delivery.timeout_s,
            allow_redirects=False,
        )
    except requests.RequestException:
        return None
    return response.status_code


class Sender(threading.Thread):
    """Sends due deliveries as they fall due, several at once as the vendors do, until `stop()`."""

    def __init__(self, outbox: Outbox, settle: Settle, *, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._outbox = outbox
        self._settle = settle
        self._stopping = threading.Event()
        self._session = requests.Session()

    def run(self) -> None:
        while not self._stopping.is_set():
            deliver_due(self._outbox, lambda delivery: post(self._session, delivery), self._settle)
            self._outbox.wait(0.5)

    def stop(self) -> None:
        self._stopping.set()
        self.join(5)
