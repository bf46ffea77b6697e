"""A small Azure Service Bus for tests: queues under lock, spoken to in AMQP 1.0 by Microsoft's own SDK.

Plain TCP on loopback, as Microsoft's emulator has it. It can die, cut connections, end locks, and lose settlements on
their way there and back.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from proton.reactor import ApplicationEvent

from tests.servicebus_broker import KEY, POLICY, QUEUE, Broker, Fault, Parcel

Answer = TypeVar("Answer")


class ServiceBusPeer:
    """Use as context manager. `connection_string` leads the SDK to it. All calls are safe from the test's thread."""

    def __init__(self, *, lock_s: float = 30.0, queues: tuple[str, ...] = (QUEUE,)) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._broker = Broker(self.port, lock_s=lock_s, queues=queues)
        self._thread = threading.Thread(target=self._broker.serve, name="servicebus-peer", daemon=True)

    def __enter__(self) -> ServiceBusPeer:
        self._thread.start()
        self._call(self._broker.listen)
        return self

    def __exit__(self, *_args: object) -> None:
        self._call(self._broker.shut_down)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def connection_string(self, *, policy: str = POLICY, key: str = KEY) -> str:
        endpoint = f"sb://127.0.0.1:{self.port}"
        return f"Endpoint={endpoint};SharedAccessKeyName={policy};SharedAccessKey={key};UseDevelopmentEmulator=true"

    def put(
        self, body: Any, properties: dict[str, Any] | None = None, *, content_type: str | None = "application/json"
    ) -> None:
        """Put a message on the queue; bytes become a data section, anything else an AMQP value."""
        self._call(lambda: self._broker.put(body, properties or {}, content_type))

    def set_fault(self, fault: Fault | None) -> None:
        """What becomes of settlements from now on: kept back, lost with the connection, or done and not confirmed."""
        self._call(lambda: self._broker.set_fault(fault))

    def cut(self) -> None:
        """Break all connections, as a network does: without a word."""
        self._call(self._broker.cut)

    def detach(self) -> None:
        """Close the links of the queue and keep the connections, as is done with idle ones."""
        self._call(self._broker.detach)

    def go_away(self) -> None:
        """Be away until `come_back`; the queues stay as they are, locks too."""
        self._call(self._broker.go_away)

    def come_back(self) -> None:
        self._call(self._broker.listen)

    def end_locks(self) -> None:
        """Let all locks run out now."""
        self._call(lambda: self._broker.end_locks(float("inf")))

    def allow(self, *, listening: bool) -> None:
        """Whether the key may listen, from the next link on."""
        self._broker.may_listen = listening

    @property
    def withheld(self) -> int:
        """How many settlements were asked for and kept back."""
        return self._broker.withheld

    @property
    def connections(self) -> int:
        """How many connections were ever made."""
        return self._broker.connections

    @property
    def waiting(self) -> int:
        return self._call(lambda: len(self._broker.queues[QUEUE].waiting))

    @property
    def locked(self) -> int:
        return self._call(lambda: len(self._broker.queues[QUEUE].locked))

    @property
    def completed(self) -> list[Parcel]:
        return self._call(lambda: list(self._broker.queues[QUEUE].completed))

    @property
    def dead(self) -> list[Parcel]:
        return self._call(lambda: list(self._broker.queues[QUEUE].dead))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits and nothing is under lock."""
        place = self._broker.queues[QUEUE]
        return self._call(lambda: not place.waiting and not place.locked)

    def _call(self, act: Callable[[], Answer]) -> Answer:
        """Do something in the peer's thread, and wait for it."""
        answers: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

        def answer() -> None:
            try:
                answers.put((act(), None))
            except BaseException as error:
                answers.put((None, error))

        self._broker.injector.trigger(ApplicationEvent("called", subject=answer))
        answered, error = answers.get(timeout=10)
        if error is not None:
            raise error
        return answered


@contextmanager
def running_peer(**options: Any) -> Iterator[ServiceBusPeer]:
    with ServiceBusPeer(**options) as peer:
        yield peer
