"""The inbox: one durable queue of event lists, on Redis through kombu (the transport is chosen by URL)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kombu.connection import Connection
from kombu.entity import Queue
from kombu.pools import ProducerPool

from core import ids, money
from core.clock import Clock, SystemClock
from core.errors import Transient
from core.event import Event
from core.inbox_consumer import BROKEN, Consumer, Unusable

QUEUE: Final = "connector.inbox"
VERSION: Final = 1

PUBLISH_TRIES: Final = 2
PUBLISH_TIMEOUT_S: Final = 1.0  # of one try; two stay below the 2.5 s that a webhook can spare
CONSUME_TIMEOUT_S: Final = 5.0
PUBLISHERS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that could not be used: its text as received, why, and when it was parked, if that is known."""

    text: str
    reason: str
    at: datetime | None = None

    @property
    def reference(self) -> str:
        """What people call it: of the text, so that a message that is parked again keeps its name."""
        return ids.digest("inbox", self.text)[:12]


class Inbox:
    """The queue at a kombu URL (see `core.redis.inbox_url`). Safe for threads and across fork; connects on first use.

    Only the default exchange is used: a publish to a named one is dropped silently once Redis has lost its data.
    """

    def __init__(self, url: str, *, queue: str = QUEUE, clock: Clock | None = None) -> None:
        self._url = url
        self._queue = queue
        self._dead_queue = f"{queue}.dead"
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._producers: ProducerPool | None = None
        self._pid = 0

    def publish(self, events: Sequence[Event]) -> None:
        """Put the events into the queue as one message; when this returns, Redis has taken them.

        Raises Transient within 2.5 s if Redis did not say so. It may have them all the same, and the second try
        may double them: both are harmless, an event is a hint.
        """
        self._put(self._queue, {"v": VERSION, "events": [event.as_json() for event in events]})

    def consume(
        self,
        handle: Callable[[list[Event]], None],
        *,
        stopping: threading.Event,
        on_idle: Callable[[], None] | None = None,
    ) -> None:
        """Give each message's events to `handle` until `stopping` is set; acknowledge when it has returned.

        When `handle` raises, the message goes to the end of the queue and comes again after a pause: for as long as
        it takes if that was Transient, else 5 times before it is parked with the dead. What can't be read is parked
        at once. `on_idle` is called about once a second while nothing waits.
        """
        Consumer(
            self._queue,
            connect=self._connection,
            handle=lambda text: handle(_events_of(text)),
            park=self._park,
            stopping=stopping,
            on_idle=on_idle,
        ).run()

    def depth(self) -> int:
        """Return how many messages wait. Raises Transient if Redis does not say."""
        with self._channel() as channel:
            return int(channel.queue_declare(self._queue).message_count)

    def dead_depth(self) -> int:
        """Return how many messages are parked."""
        with self._channel() as channel:
            return int(channel.queue_declare(self._dead_queue).message_count)

    def list_dead(self) -> list[DeadMessage]:
        """Return the parked messages, in no order that means anything; they stay parked."""
        with self._channel() as channel:
            taken = list(self._take_dead(channel))
            for message in taken:
                message.requeue()
            return [_dead_of(message) for message in taken]

    def replay_dead(self, references: Collection[str] | None = None) -> int:
        """Put the parked messages of these references, or all, back into the queue; return how many.

        Raises Transient if Redis does not take one: that one, and what was not reached, stays parked.
        """
        return self._end_dead(references, lambda letter: self._put_text(self._queue, letter.text))

    def drop_dead(self, references: Collection[str]) -> int:
        """Forget the parked messages of these references; return how many. Raises Transient."""
        return self._end_dead(references, lambda _letter: None)

    def _end_dead(self, references: Collection[str] | None, end: Callable[[DeadMessage], None]) -> int:
        with self._channel() as channel:
            ended = 0
            waiting = list(self._take_dead(channel))
            try:
                while waiting:
                    letter = _dead_of(waiting[-1])
                    if references is None or letter.reference in references:
                        # First this: a crash between these lines repeats the message, the other order loses it.
                        end(letter)
                        waiting.pop().ack()
                        ended += 1
                    else:
                        waiting.pop().requeue()
            finally:
                for message in waiting:
                    message.requeue()
            return ended

    def _park(self, text: str, reason: str) -> None:
        letter = {"v": VERSION, "text": text, "reason": reason, "at": self._clock.now().isoformat()}
        self._put(self._dead_queue, letter)

    def _take_dead(self, channel: Any) -> Iterator[Any]:
        queue = Queue(self._dead_queue, durable=True)(channel)
        for _ in range(self.dead_depth()):
            message = queue.get(no_ack=False)
            if message is None:
                return
            yield message

    def _put(self, queue: str, document: dict[str, Any]) -> None:
        self._put_text(queue, money.dumps(document).decode())

    def _put_text(self, queue: str, text: str) -> None:
        for tries_left in reversed(range(PUBLISH_TRIES)):
            try:
                with self._pool().acquire(block=True, timeout=PUBLISH_TIMEOUT_S) as producer:
                    producer.publish(
                        text,
                        exchange="",
                        routing_key=queue,
                        content_type="application/json",
                        content_encoding="utf-8",
                        retry=False,  # kombu's own retry waits for seconds; the loop here is the retry
                    )
            except BROKEN as error:
                if not tries_left:
                    raise Transient(f"the inbox did not take the message: {error!r}") from error
            else:
                return

    def _pool(self) -> ProducerPool:
        """Connections must not be shared with the process that we were forked from."""
        with self._lock:
            if self._producers is None or self._pid != os.getpid():
                connection = self._connection(timeout_s=PUBLISH_TIMEOUT_S)
                self._producers = ProducerPool(connection.Pool(PUBLISHERS_MAX), limit=PUBLISHERS_MAX)
                self._pid = os.getpid()
            return self._producers

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        try:
            with self._connection() as connection:
                yield connection.default_channel  # connection.channel() would try twice, 2 s apart
        except BROKEN as error:
            raise Transient(f"the inbox does not answer: {error!r}") from error

    def _connection(self, *, timeout_s: float = CONSUME_TIMEOUT_S) -> Connection:
        options: dict[str, Any] = {"max_retries": 0}  # the callers decide on retries; kombu's would sleep
        if self._url.startswith("memory:"):
            options["polling_interval"] = 0.01
        else:
            options |= {
                "socket_timeout": timeout_s,
                "socket_connect_timeout": timeout_s,
                "visibility_timeout": 60,
                "unacked_restore_interval": 5,
                "unacked_restore_throttle": 1,
                "unacked_key": f"{self._queue}.unacked",
                "unacked_index_key": f"{self._queue}.unacked_index",
                "unacked_mutex_key": f"{self._queue}.unacked_mutex",
            }
        return Connection(self._url, connect_timeout=timeout_s, transport_options=options)


def _events_of(text: str) -> list[Event]:
    try:
        document = money.loads(text)
        if document["v"] != VERSION:
            raise Unusable(f"version {document['v']!r} is not known here")
        return [Event.from_json(event) for event in document["events"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unusable(f"not a list of events: {error!r}") from error


def _dead_of(message: Any) -> DeadMessage:
    try:
        document = money.loads(message.body)
        at = document.get("at")
        return DeadMessage(str(document["text"]), str(document["reason"]), datetime.fromisoformat(at) if at else None)
    except (ValueError, KeyError, TypeError):
        return DeadMessage(str(message.body), "not readable")
