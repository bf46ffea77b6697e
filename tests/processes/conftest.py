"""Fixtures that the tests through processes share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from core.inbox import Inbox
from core.redis import inbox_url
from tests.processes.bridge_world import opened_peer
from tests.processes.city import Cities, open_city, shared_cities
from tests.processes.queue_world import Office, hurry
from tests.processes.redis_world import RealRedis, running_redis
from tests.servicebus_peer import ServiceBusPeer


@pytest.fixture(scope="module")
def cities(request: pytest.FixtureRequest) -> Iterator[Cities]:
    """Where everything hears of what happens, and one worker works."""
    yield from shared_cities(request.session, lambda: open_city(workers=1))


@pytest.fixture(scope="module")
def redis() -> Iterator[RealRedis]:
    """A Valkey of its own."""
    with running_redis() as server:
        yield server


@pytest.fixture
def server(redis: RealRedis, monkeypatch: pytest.MonkeyPatch) -> RealRedis:
    """The Valkey, emptied, for Dramatiq in a hurry."""
    hurry(monkeypatch)
    with redis.client() as client:
        client.flushall()
        client.config_resetstat()
    return redis


@pytest.fixture
def office(server: RealRedis) -> Iterator[Office]:
    """Worker, sweeper and poller around a batch."""
    opened = Office(server.url)
    yield opened
    opened.close()


@pytest.fixture
def inbox(redis: RealRedis) -> Inbox:
    """An empty inbox."""
    redis.client().flushall()
    return Inbox(inbox_url(redis.url))


@pytest.fixture
def peer() -> Iterator[ServiceBusPeer]:
    """A small Service Bus."""
    yield from opened_peer()
    gc.collect()  # the sockets that the SDK forgets, while their warning is expected
