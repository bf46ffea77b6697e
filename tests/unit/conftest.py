"""Fixtures that several unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import time_machine

from tests.processes.redis_world import running_redis
from tests.unit.lane_benches import START, Bench, FakeBench, RealBench


@pytest.fixture(scope="session")
def real_client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    server = request.getfixturevalue("real_server")
    client = server.client()
    yield client
    client.close()


@pytest.fixture(scope="session")
def real_server() -> Iterator[Any]:
    with running_redis() as server:
        yield server


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.processes)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Lanes on either Redis."""
    if request.param == "real":
        yield RealBench(request.getfixturevalue("real_client"))
        return
    with time_machine.travel(START, tick=False) as travel:
        yield FakeBench(travel)
