"""The bridge's loop, with trouble at each step: what is settled, what comes again, how long it waits."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from cli.bridge import run_until_stopped
from core.errors import Misconfigured, Transient
from core.event import Event
from tests.unit.webhook_world import INVOICE, ORGANISATION, context
from webhooks.bridge import EVENTS_MAX, MESSAGES_MAX, Bridge, LockLost, Message, Pace

PACE = Pace(receive_s=2.0, pause_s=0.25, inbox_pause_max_s=5.0, bus_pause_max_s=30.0)
GOOD, BAD = json.dumps(context()).encode(), b"{"


def message(number: int, body: bytes = GOOD) -> Message:
    return Message(body, "application/json", {}, sequence=number)


class Stopping(threading.Event):
    """Notes each pause instead of waiting; set at the pause after the last one that was wanted."""

    def __init__(self, pauses: int = 100) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._wanted = pauses

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.pauses.append(timeout)
        if len(self.pauses) >= self._wanted:
            self.set()
        return self.is_set()


@dataclass
class World:
    """A bus that gives out `batches` one by one and then asks the bridge to stop; and an inbox."""

    batches: list[Any] = field(default_factory=list)
    stopping: Stopping = field(default_factory=Stopping)
    settled: list[tuple[str, int]] = field(default_factory=list)
    published: list[list[Event]] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    inbox_failures: int = 0
    open_failures: list[Exception] = field(default_factory=list)
    settling: dict[int, Exception] = field(default_factory=dict)
    now: float = 0.0

    def open_queue(self) -> World:
        self.opened += 1
        if self.open_failures:
            raise self.open_failures.pop(0)
        return self

    def receive(self, count: int, wait_s: float) -> list[Message]:
        assert (count, wait_s) == (MESSAGES_MAX, PACE.receive_s)
        if not self.batches:
            self.stopping.set()
            return []
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return list(batch)

    def complete(self, message: Message) -> None:
        self._settle("completed", message)

    def dead_letter(self, message: Message, reason: str, description: str) -> None:
        assert reason
        assert description
        self._settle(f"dead: {reason}", message)

    def abandon(self, message: Message) -> None:
        self._settle("abandoned", message)

    def _settle(self, how: str, message: Message) -> None:
        assert message.sequence is not None
        failure = self.settling.pop(message.sequence, None)
        if failure:
            raise failure
        self.settled.append((how, message.sequence))

    def close(self) -> None:
        self.closed += 1

    def publish(self, events: Sequence[Event]) -> None:
        if self.inbox_failures:
            self.inbox_failures -= 1
            raise Transient("Redis is away")
        self.published.append(list(events))

    def find_hosts(self, organisation: str) -> frozenset[str]:
        return frozenset({"contoso.crm4.dynamics.com"} if organisation == ORGANISATION else ())

    def run(self, **different: Any) -> Bridge:
        parts: dict[str, Any] = {"publish": self.publish, "find_hosts": self.find_hosts, "stopping": self.stopping}
        clock: Callable[[], float] = lambda: self.now  # noqa: E731
        bridge = Bridge(self.open_queue, pace=PACE, monotonic=clock, **parts | different)
        bridge.run()
        return bridge


def counts_of(bridge: Bridge) -> dict[str, int]:
    return {name: number for name, number in bridge.counters.snapshot().items() if number}


# -- a batch ---------------------------------------------------------------------------------------------------


def test_a_batch_is_published_before_any_of_it_is_settled() -> None:
    """F05: the end between these two repeats events; the other order would lose them."""
    world = World([[message(1), message(2, BAD), message(3)]])
    order: list[str] = []

    world.run(publish=lambda _events: order.append(f"published, settled {len(world.settled)}"))

    assert order == ["published, settled 0"]
    assert world.settled == [("completed", 1), ("dead: NotJson", 2), ("completed", 3)]


def test_what_a_batch_was_is_counted() -> None:
    unknown = json.dumps(context(OrganizationId="0b0b0b0b-0000-4000-8000-0000000000ff")).encode()
    world = World([[message(1), message(2, BAD), message(3, unknown)], [message(4)]])

    bridge = world.run()

    assert counts_of(bridge) == {
        "servicebus.received": 4,
        "servicebus.accepted": 2,
        "servicebus.completed": 3,
        "servicebus.dead_lettered": 1,
        "servicebus.unknown_organisation": 1,
    }


def test_a_repeated_event_goes_into_the_inbox_once_a_batch() -> None:
    """F02."""
    world = World([[message(1), message(2)]])

    world.run()

    assert [[event.record_id for event in events] for events in world.published] == [[INVOICE]]


def test_a_batch_without_events_publishes_nothing() -> None:
    world = World([[message(1, BAD)]])

    world.run()

    assert world.published == []


def test_many_events_go_into_the_inbox_in_parts() -> None:
    """One message of it has to be taken by Redis within a second."""
    rows = [
        {"Id": f"{number:08x}-8a57-f011-b4cc-000d3ab1c2d3", "Attributes": []} for number in range(EVENTS_MAX + 100)
    ]
    body = json.dumps(context(InputParameters=[{"key": "Targets", "value": {"Entities": rows}}])).encode()
    world = World([[message(1, body)]])

    world.run()

    assert [len(events) for events in world.published] == [EVENTS_MAX, 100]


def test_the_log_says_how_much_came_and_nothing_of_it() -> None:
    """F16: of what is dead-lettered, the reason and the number on the bus alone."""
    world = World([[message(1), message(7, b'{"secret": "Anna Nowak"')]])

    with capture_logs() as logs:
        world.run()

    assert [(entry["event"], entry["reason"], entry["sequence"]) for entry in logs if "reason" in entry] == [
        ("message.dead_lettered", "NotJson", 7)
    ]
    [carried] = [entry for entry in logs if entry["event"] == "messages.carried"]
    assert (carried["messages"], carried["accepted"], carried["organisations"]) == (2, 1, [ORGANISATION])
    assert "Nowak" not in repr(logs)
    assert "Nowak" not in repr(message(7, b"Nowak"))


# -- the inbox is away -----------------------------------------------------------------------------------------


def test_f08_while_the_inbox_is_away_a_batch_is_kept_and_nothing_else_received() -> None:
    """F08, F26: neither settled nor given back, so that an outage costs no more than one delivery of each message."""
    world = World([[message(1)], [message(2)]], inbox_failures=7)

    world.run()

    assert world.stopping.pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert [len(events) for events in world.published] == [1, 1]
    assert world.settled == [("completed", 1), ("completed", 2)]
    assert (world.opened, world.closed) == (1, 1)


def test_f08_a_batch_that_waits_for_the_inbox_at_the_end_is_given_back() -> None:
    """F08, F83: with its lock released at once, for whoever comes next."""
    world = World([[message(1), message(2, BAD)]], stopping=Stopping(pauses=3), inbox_failures=100)

    bridge = world.run()

    assert world.settled == [("abandoned", 1), ("abandoned", 2)]
    assert world.published == []
    assert counts_of(bridge) == {"servicebus.received": 2, "servicebus.abandoned": 2}


def test_f09_while_the_database_is_away_a_batch_is_kept_too() -> None:
    """F09: a known organisation must not be taken for an unknown one."""
    failures = [Transient("the database is away")] * 2
    world = World([[message(1)]])

    def find_hosts(organisation: str) -> frozenset[str]:
        if failures:
            raise failures.pop()
        return world.find_hosts(organisation)

    world.run(find_hosts=find_hosts)

    assert world.stopping.pauses == [0.25, 0.5]
    assert world.settled == [("completed", 1)]
    assert len(world.published) == 1


# -- the bus is away -------------------------------------------------------------------------------------------


def test_f87_a_bus_that_is_away_is_asked_less_and_less_often() -> None:
    """F87: never at once, never given up; after it was back it begins anew."""
    away = [Transient("no answer") for _ in range(9)]
    world = World([[message(1)], Transient("cut"), [message(2)]], open_failures=[*away])

    world.run()

    assert world.stopping.pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 0.25]
    assert world.settled == [("completed", 1), ("completed", 2)]
    assert world.opened == 11


def test_a_wrong_key_is_told_once_a_minute() -> None:
    """Thirty seconds from one attempt to the next, and each second line left out. Azure puts a number into each."""
    world = World(open_failures=[Misconfigured(f"the key is not accepted ({number})") for number in range(10)])
    stopping = world.stopping
    wait = stopping.wait

    def passes(timeout: float | None = None) -> bool:
        world.now += timeout or 0.0
        return wait(timeout)

    stopping.wait = passes  # type: ignore[method-assign]
    with capture_logs() as logs:
        world.run()

    told = [entry for entry in logs if entry["event"] == "bus.connection_refused"]
    assert sum(stopping.pauses) == pytest.approx(121.75)
    assert [(entry["log_level"], entry["reason"]) for entry in told] == [
        ("error", "the key is not accepted (0)"),
        ("error", "the key is not accepted (8)"),
    ]


def test_another_trouble_is_told_at_once_and_the_end_of_it_too() -> None:
    world = World(
        [[]], open_failures=[Transient("no answer"), Misconfigured("wrong key"), Misconfigured("wrong key")]
    )

    with capture_logs() as logs:
        world.run()

    assert [entry["event"] for entry in logs] == [
        "bus.connection_lost",
        "bus.connection_refused",
        "bus.connection_restored",
    ]


def test_a_settlement_that_fails_ends_the_connection_and_leaves_the_rest_locked() -> None:
    """F07: what was published and not settled comes again."""
    world = World([[message(1), message(2), message(3)], [message(2), message(3)]], settling={2: Transient("cut")})

    bridge = world.run()

    assert world.settled == [("completed", 1), ("completed", 2), ("completed", 3)]
    assert (world.opened, world.closed) == (2, 2)
    assert len(world.published) == 2
    assert counts_of(bridge)["servicebus.completed"] == 3


def test_a_lost_lock_holds_up_no_other_message() -> None:
    """F23: whoever was frozen for longer than a lock lives has published, and may settle no more."""
    world = World([[message(1), message(2), message(3, BAD)]], settling={1: LockLost(), 3: LockLost()})

    bridge = world.run()

    assert world.settled == [("completed", 2)]
    assert counts_of(bridge)["servicebus.lock_lost"] == 2
    assert world.opened == 1


def test_f20_a_defect_does_not_end_the_bridge() -> None:
    """F20, F30: what was in hand stays locked and comes again; the trace is in the log."""
    world = World([[message(1)], [message(1)]], settling={1: ZeroDivisionError("ours")})

    with capture_logs() as logs:
        world.run()

    assert world.settled == [("completed", 1)]
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["bridge.failed"]
    assert world.stopping.pauses == [0.25]


def test_a_connection_that_breaks_again_and_again_never_spins() -> None:
    """Each time somewhat later, although it could be made each time."""
    world = World([Transient("cut")] * 12)

    world.run()

    assert all(later >= earlier for earlier, later in pairwise(world.stopping.pauses))
    assert world.stopping.pauses[-1] == 30.0


# -- the end ---------------------------------------------------------------------------------------------------


def test_nothing_is_received_after_the_signal() -> None:
    """F83."""
    world = World([[message(1)], [message(2)]])

    world.run(publish=lambda _events: world.stopping.set())

    assert world.settled == [("completed", 1)]
    assert len(world.batches) == 1


def test_f83_a_bridge_that_hangs_is_left_behind() -> None:
    """F83: a peer that says nothing, and a name that is looked up for ever, hold up no end."""
    stopping, never = threading.Event(), threading.Event()
    threading.Timer(0.05, stopping.set).start()

    with capture_logs() as logs:
        run_until_stopped(never.wait, stopping, end_s=0.05)

    assert [entry["event"] for entry in logs] == ["bridge.left_behind"]
    never.set()


def test_what_ends_the_bridge_is_raised_where_it_was_started() -> None:
    with pytest.raises(ZeroDivisionError):
        run_until_stopped(lambda: 1 / 0, threading.Event())
