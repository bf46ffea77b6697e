"""A bridge between a small Service Bus and an inbox, run in a thread; and the invoices that pass over it."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.event import Event
from core.inbox import Inbox
from tests.servicebus_broker import KEY, QUEUE
from tests.servicebus_peer import ServiceBusPeer, running_peer
from tests.unit.webhook_world import ORGANISATION, Webhooks, context
from webhooks.bridge import Bridge, Pace
from webhooks.bus import Bus
from webhooks.servicebus import ORGANISATION_CLAIM

HOST = "contoso.crm4.dynamics.com"
PACE = Pace(receive_s=0.3, pause_s=0.05, inbox_pause_max_s=0.2, bus_pause_max_s=0.3)
# When a connection has broken the SDK forgets its socket without closing it.
FORGOTTEN_SOCKETS = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)


def opened_peer() -> Iterator[ServiceBusPeer]:
    """What a fixture yields from: a bus for one test."""
    with running_peer() as running:
        yield running
    gc.collect()  # here, where forgotten sockets are allowed


@dataclass
class Bridged:
    """A bridge that runs in a thread, and what it has published."""

    bridge: Bridge
    published: list[Event] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {name.partition(".")[2]: number for name, number in self.bridge.counters.snapshot().items()}

    def records(self) -> list[str]:
        return [event.record_id for event in self.published]


@contextmanager
def bridging(
    peer: ServiceBusPeer, inbox: Inbox | None = None, *, key: str = KEY, hosts: dict[str, str] | None = None
) -> Iterator[Bridged]:
    """Run a bridge; without `inbox` into a list."""
    known = hosts or {ORGANISATION: HOST}
    stopping = threading.Event()
    published: list[Event] = []

    def publish(events: Any) -> None:
        if inbox:
            inbox.publish(events)
        published.extend(events)

    bridge = Bridge(
        lambda: Bus(peer.connection_string(key=key), QUEUE),
        publish=publish,
        find_hosts=lambda organisation: frozenset({known[organisation]} if organisation in known else ()),
        stopping=stopping,
        pace=PACE,
    )
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        yield Bridged(bridge, published)
    finally:
        stopping.set()
        thread.join(15)
        assert not thread.is_alive()


def record(number: int) -> str:
    return f"{number:08x}-8a57-f011-b4cc-000d3ab1c2d3"


def put(peer: ServiceBusPeer, *numbers: int) -> None:
    """Put a message for each invoice on the bus."""
    for number in numbers:
        body = json.dumps(context(PrimaryEntityId=record(number), OperationId=record(number))).encode()
        peer.put(body, {ORGANISATION_CLAIM: HOST})


def accepted(inbox: Inbox) -> list[Event]:
    return Webhooks(inbox).accepted()
