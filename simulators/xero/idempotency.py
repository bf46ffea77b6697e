"""Idempotency keys: the first answer is kept for six minutes and given to every repeat."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.xero.call import Answer, bad_request

KEPT = timedelta(minutes=6)
KEY_MAX = 128
WAIT_S = 60.0
METHODS = frozenset({"POST", "PUT", "PATCH"})


@dataclass
class Entry:
    """One key's first request, and its answer once there is one."""

    fingerprint: bytes
    began_at: datetime
    answer: Answer | None = None


def fingerprint(*parts: bytes) -> bytes:
    """Return what two requests must share to be the same request."""
    return hashlib.sha256(b"\0".join(parts)).digest()


class IdempotencyKeys:
    """The keys of all apps. A repeat that comes while the first call still runs waits for its answer."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._changed = threading.Condition()

    def run(
        self, scope: str, key: str, request: bytes, work: Callable[[], Answer], now: Callable[[], datetime]
    ) -> Answer:
        """Do the work once per key, or return what it answered; `request` is the request's fingerprint."""
        if len(key) > KEY_MAX:
            return bad_request(10, "ValidationException", f"Idempotency Key: {key} is longer than {KEY_MAX}.")
        with self._changed:
            first = self._find(scope, key, now())
            if first is not None:
                return self._repeat(first, key, request)
            entry = self._entries[scope, key] = Entry(request, now())
        answer = Answer(500)
        try:
            answer = work()
        finally:
            with self._changed:
                entry.answer = answer
                self._changed.notify_all()
        return answer

    def _find(self, scope: str, key: str, now: datetime) -> Entry | None:
        while self._entries:
            oldest = next(iter(self._entries))  # they are in the order of their beginning
            if now - self._entries[oldest].began_at < KEPT or self._entries[oldest].answer is None:
                break
            del self._entries[oldest]
        found = self._entries.get((scope, key))
        return found if found is not None and now - found.began_at < KEPT else None

    def _repeat(self, entry: Entry, key: str, request: bytes) -> Answer:
        if entry.fingerprint != request:
            message = f"Idempotency Key: {key} is used with a different request."
            return bad_request(10, "ValidationException", message)
        self._changed.wait_for(lambda: entry.answer is not None, WAIT_S)
        return entry.answer or Answer(500)
