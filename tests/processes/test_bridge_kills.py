"""`connector bridge` as a process: killed between the inbox and the bus, and ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from cli.bridge import hosts_in
from core.connections import Connections
from core.database import open_database
from core.inbox import Inbox
from core.schema import consents
from tests.processes.bridge_world import FORGOTTEN_SOCKETS, HOST, accepted, put, record
from tests.processes.redis_world import RealRedis, wait_until
from tests.servicebus_broker import KEY, QUEUE
from tests.servicebus_peer import ServiceBusPeer
from tests.unit.made import connection
from tests.unit.webhook_world import ORGANISATION

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.processes, FORGOTTEN_SOCKETS]


@dataclass
class Started:
    """`connector bridge`, started."""

    process: subprocess.Popen[bytes]
    logs: Path

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> float:
        """Send SIGTERM; return how long it took to end in order, in seconds."""
        started = time.monotonic()
        os.kill(self.process.pid, signal.SIGTERM)
        assert self.process.wait(20) == 0
        return time.monotonic() - started

    def text(self) -> str:
        return self.logs.read_text("utf-8")


@pytest.fixture
def start(redis: RealRedis, peer: ServiceBusPeer, tmp_path: Path) -> Iterator[Any]:
    database_url = f"sqlite:///{tmp_path / 'connector.db'}"
    engine = open_database(database_url)
    with engine.begin() as database:
        for consent_id in ("xero-consent", "dynamics-consent"):
            database.execute(insert(consents).values(id=consent_id, provider="any", sealed="", version=1))
    Connections(engine).save(connection(dynamics_organization_id=ORGANISATION))
    assert hosts_in(Connections(engine))(ORGANISATION) == {HOST}
    engine.dispose()
    settings = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "REDIS_URL": redis.url,
        "DATABASE_URL": database_url,
        "SERVICEBUS_CONNECTION": peer.connection_string(),
        "SERVICEBUS_QUEUE": QUEUE,
    }
    running: list[Started] = []

    def start_one() -> Started:
        logs = tmp_path / f"bridge-{len(running)}.log"
        with logs.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", "bridge"], cwd=tmp_path, env=settings, stdout=output, stderr=output
            )
        running.append(Started(process, logs))
        return running[-1]

    yield start_one
    for started in running:
        started.kill()


def test_f20_a_bridge_that_is_killed_before_it_settles_loses_nothing(
    peer: ServiceBusPeer, inbox: Inbox, start: Any
) -> None:
    """F02, F05, F20: killed between the inbox and the bus: the event comes twice, with one key, and is settled once.

    And the second bridge ends in order, although the bus has fallen silent in the middle of a settlement (F83).
    """
    peer.set_fault("withhold")
    put(peer, 1)
    first = start()
    wait_until(lambda: peer.withheld == 1, timeout_s=30)
    assert inbox.depth() == 1
    first.kill()
    peer.set_fault(None)
    peer.end_locks()

    second = start()
    wait_until(lambda: peer.is_empty, timeout_s=30)
    peer.set_fault("withhold")
    put(peer, 2)
    wait_until(lambda: peer.withheld == 2)
    took_s = second.end()

    events = accepted(inbox)
    assert [event.record_id for event in events] == [record(1), record(1), record(2)]
    assert len({event.key for event in events}) == 2
    assert [parcel.delivery_count for parcel in peer.completed] == [1]
    assert peer.locked == 1
    assert took_s < 10
    assert KEY not in first.text() + second.text()


def test_f83_sigterm_ends_it_in_order(peer: ServiceBusPeer, inbox: Inbox, redis: RealRedis, start: Any) -> None:
    """F83, F08: with Redis away it gives back what it holds, so that the next one has it at once."""
    bridge = start()
    put(peer, 1)
    wait_until(lambda: peer.is_empty, timeout_s=30)
    redis.kill()
    try:
        put(peer, 2)
        wait_until(lambda: "inbox.publish_failed" in bridge.text())
        took_s = bridge.end()
    finally:
        redis.start()

    assert took_s < 10
    assert (peer.waiting, peer.locked) == (1, 0)
    assert [event.record_id for event in accepted(inbox)] == [record(1)]
    assert "process.stopping" in bridge.text()
