"""The loop of a consumer of one kombu queue: it outlives Redis, never spins, and parks what nobody can handle."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from core.errors import Transient

HANDLE_TRIES: Final = 5  # of one message in one process, unless the failure is Transient
REMEMBERED_MAX: Final = 1000
IDLE_S: Final = 1.0
PAUSE_S: Final = 0.25
PAUSE_MAX_S: Final = 5.0

# Redis errors that are no connection errors (out of memory, read only, loading) mean "not now" just as well.
BROKEN: Final = (OSError, KombuError, RedisError)
# What kombu raises out of its own code for a list entry that is no kombu message; the entry is gone by then.
UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError)

log = structlog.get_logger()


class Unusable(Exception):
    """The text of a message can't be understood, now or ever."""


class Consumer:
    """Takes texts from `queue`; `handle` may raise Unusable, Transient or anything.

    `connect` makes a new kombu connection; `park` puts a text with a reason on the dead letter list.
    """

    def __init__(
        self,
        queue: str,
        *,
        connect: Callable[[], Connection],
        handle: Callable[[str], None],
        park: Callable[[str, str], None],
        stopping: threading.Event,
        on_idle: Callable[[], None] | None,
    ) -> None:
        self._queue = queue
        self._connect = connect
        self._handle = handle
        self._park = park
        self._stopping = stopping
        self._on_idle = on_idle
        self._tries: dict[bytes, int] = {}
        self._failures = 0  # in a row

    def run(self) -> None:
        """Consume until stopping is set; every pause ends at once when it is."""
        while not self._stopping.is_set():
            try:
                self._consume_connected()
            except BROKEN as error:
                log.warning("inbox.connection_lost", reason=repr(error))
                self._pause()
            except UNREADABLE as error:
                log.exception("inbox.message_dropped", reason=repr(error))
                self._pause()

    def _consume_connected(self) -> None:
        with self._connect() as connection:
            queue = Queue(self._queue, durable=True)
            _check_room(connection, self._queue)
            with connection.Consumer([queue], on_message=self._receive, prefetch_count=1):
                log.info("inbox.consumer_started", queue=self._queue)
                while not self._stopping.is_set():
                    self._drain(connection)

    def _drain(self, connection: Connection) -> None:
        try:
            connection.drain_events(timeout=IDLE_S)
        except TimeoutError:
            self._failures = 0
            if self._on_idle:
                self._on_idle()

    def _receive(self, message: Any) -> None:
        text = _text_of(message)
        try:
            self._handle(text)
        except Transient as error:
            self._requeue(message, error)
        except Unusable as error:
            self._bury(message, text, str(error))
        except Exception as error:  # our defect, whatever it is: it must neither lose the message nor stop the rest
            log.exception("inbox.message_failed", reason=repr(error))
            if self._tried(text) < HANDLE_TRIES:
                self._requeue(message, error)
            else:
                self._bury(message, text, f"failed {HANDLE_TRIES} times: {error!r}")
        else:
            # Only now: a crash before this line repeats the message, the other order would lose it.
            message.ack()
            self._failures = 0

    def _requeue(self, message: Any, error: Exception) -> None:
        message.requeue()  # to the end of the queue: it must not hold up the others
        log.warning("inbox.message_requeued", reason=repr(error))
        self._pause()

    def _bury(self, message: Any, text: str, reason: str) -> None:
        self._park(text, reason)
        message.ack()
        self._tries.pop(_digest(text), None)
        log.error("inbox.message_parked", reason=reason)

    def _tried(self, text: str) -> int:
        if len(self._tries) >= REMEMBERED_MAX:
            self._tries.clear()
        tries = self._tries[_digest(text)] = self._tries.get(_digest(text), 0) + 1
        return tries

    def _pause(self) -> None:
        self._failures += 1
        self._stopping.wait(min(PAUSE_S * 2 ** min(self._failures - 1, 10), PAUSE_MAX_S))


def _check_room(connection: Connection, queue: str) -> None:
    """Raise one of BROKEN when Redis takes no writes.

    From a Redis whose memory is full kombu takes messages all the same, and then fails to note that it has them:
    each of them is lost. The command asks for memory and changes nothing.
    """
    client = getattr(connection.default_channel, "client", None)  # other transports have none
    if client is not None:
        client.setrange(f"{queue}.room", 0, "")


def _text_of(message: Any) -> str:
    body = message.body
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
