"""The bridge: carries messages from a Service Bus queue into the inbox, and settles them when the inbox has them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Protocol

import structlog

from core.errors import ConnectorError, Misconfigured, Transient
from core.event import Event
from webhooks.counters import Counters
from webhooks.servicebus import Verdict, read_message

MESSAGES_MAX: Final = 50  # in hand at once; their settling has to end well before their locks do
EVENTS_MAX: Final = 500  # of one message in the inbox, which must go to Redis within a second
TOLD_EVERY_S: Final = 60.0  # the same kind of trouble with the bus in the log

log = structlog.get_logger()


class LockLost(Exception):
    """The message is not ours any more: its lock ran out, and the bus gives it to whoever asks next."""


@dataclass(frozen=True, slots=True)
class Message:
    """A locked message. `body` is None where there is no binary one; `handle` is the SDK's own object."""

    body: bytes | None = field(repr=False)
    content_type: str | None
    properties: Mapping[Any, Any] = field(repr=False)
    sequence: int | None = None
    handle: Any = field(default=None, repr=False)


class BusQueue(Protocol):
    """A queue that is read under lock. Every method may raise Transient or Misconfigured; settling LockLost, too."""

    def receive(self, count: int, wait_s: float) -> list[Message]:
        """Return up to `count` locked messages, none after `wait_s` without one."""

    def complete(self, message: Message) -> None:
        """Take the message off the queue."""

    def dead_letter(self, message: Message, reason: str, description: str) -> None:
        """Put the message among the dead of the queue."""

    def abandon(self, message: Message) -> None:
        """Give the message back at once."""

    def close(self) -> None:
        """End the connection; raises nothing. What is still locked comes again when its lock runs out."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the loop waits: for messages, and after a failure, doubled from the first one to the longest."""

    receive_s: float = 2.0
    pause_s: float = 0.25
    inbox_pause_max_s: float = 5.0
    bus_pause_max_s: float = 30.0


class Bridge:
    """Runs until `stopping` is set; neither the bus nor Redis nor the database can end it.

    `open_queue` connects anew. `publish` and `find_hosts` (see `read_message`) raise Transient for as long as the
    inbox or the database is away.
    """

    def __init__(
        self,
        open_queue: Callable[[], BusQueue],
        *,
        publish: Callable[[Sequence[Event]], None],
        find_hosts: Callable[[str], frozenset[str]],
        stopping: threading.Event,
        pace: Pace | None = None,
        counters: Counters | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_queue = open_queue
        self._publish = publish
        self._find_hosts = find_hosts
        self._stopping = stopping
        self._pace = pace or Pace()
        self._monotonic = monotonic
        self.counters = counters or Counters()
        self._failures = 0  # of the bus, in a row
        self._told: tuple[str, float] = ("", 0.0)

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(self._open_queue()) as queue:
                    self._serve(queue)
            except ConnectorError as error:
                self._tell(error)
                self._failures += 1
                self._pause(self._failures, self._pace.bus_pause_max_s)
            except Exception:  # our defect: what is in hand stays locked and comes again
                log.exception("bridge.failed")
                self._failures += 1
                self._pause(self._failures, self._pace.bus_pause_max_s)

    def _serve(self, queue: BusQueue) -> None:
        while not self._stopping.is_set():
            messages = queue.receive(MESSAGES_MAX, self._pace.receive_s)
            if messages:
                self._carry(queue, messages)
            if self._failures:
                log.info("bus.connection_restored", failures=self._failures)
                self._failures, self._told = 0, ("", 0.0)

    def _carry(self, queue: BusQueue, messages: list[Message]) -> None:
        """Publish what the messages say, then settle them: this order repeats events, the other one loses them."""
        started = self._monotonic()
        counts: Counter[str] = Counter()
        verdicts = self._published(messages)
        try:
            for number, message in enumerate(messages):
                counts += self._settle(queue, message, verdicts[number] if verdicts else None)
        finally:
            for verdict in verdicts or []:
                counts += Counter({"accepted": len(verdict.read.events)}) + verdict.read.counts
            self.counters.add({"received": len(messages), **counts}, prefix="servicebus")
            log.info(
                "messages.carried",
                messages=len(messages),
                organisations=sorted({event.organisation for v in verdicts or [] for event in v.read.events}),
                took_ms=round((self._monotonic() - started) * 1000, 1),
                **counts,
            )

    def _published(self, messages: list[Message]) -> list[Verdict] | None:
        """Return what the messages said, when the inbox has it; None if the end came first.

        While the inbox is away nothing else is received. Given back, each message would come again at once, and after
        ten deliveries the bus would dead-letter it; kept, it costs one delivery, however long that lasts.
        """
        failures = 0
        while True:
            try:
                find_hosts = cache(self._find_hosts)  # asked once an organisation, and anew for each batch
                verdicts = [
                    read_message(message.body, message.content_type, message.properties, find_hosts)
                    for message in messages
                ]
                events = list(dict.fromkeys(event for verdict in verdicts for event in verdict.read.events))
                for start in range(0, len(events), EVENTS_MAX):
                    self._publish(events[start : start + EVENTS_MAX])
            except Transient as error:
                failures += 1
                log.warning("inbox.publish_failed", reason=str(error), messages=len(messages), failures=failures)
                self._pause(failures, self._pace.inbox_pause_max_s)
                if self._stopping.is_set():
                    return None
            else:
                return verdicts

    def _settle(self, queue: BusQueue, message: Message, verdict: Verdict | None) -> Counter[str]:
        """Return what became of the message; without a verdict it goes back."""
        try:
            if verdict is None:
                queue.abandon(message)
                return Counter(abandoned=1)
            if verdict.refusal is None:
                queue.complete(message)
                return Counter(completed=1)
            queue.dead_letter(message, verdict.refusal.reason, verdict.refusal.description)
            log.warning("message.dead_lettered", reason=verdict.refusal.reason, sequence=message.sequence)
            return Counter(dead_lettered=1)
        except LockLost:
            return Counter(lock_lost=1)  # it comes again, and says the same

    def _tell(self, error: ConnectorError) -> None:
        """Log what is wrong with the bus; the same kind once a minute, as Azure's words differ each time."""
        kind, now = type(error).__name__, self._monotonic()
        if kind == self._told[0] and now - self._told[1] < TOLD_EVERY_S:
            return
        self._told = (kind, now)
        if isinstance(error, Misconfigured):
            log.error("bus.connection_refused", reason=str(error))
        else:
            log.warning("bus.connection_lost", reason=str(error))

    def _pause(self, failures: int, longest_s: float) -> None:
        self._stopping.wait(min(self._pace.pause_s * 2 ** min(failures - 1, 10), longest_s))
