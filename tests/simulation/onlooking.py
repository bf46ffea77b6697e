"""What a look may do: read. Nothing is changed on either side, nor in Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fakeredis

from simulators.wire import Call
from tests.simulation.taps import READING_COMMANDS
from tests.world import World

TOKENS = re.compile(r"/connect/token$|/oauth2/v2\.0/token$")
_OPERATION = re.compile(rb"^(GET|POST|PUT|PATCH|DELETE) ", re.MULTILINE)


@contextmanager
def nothing_changes(world: World) -> Iterator[None]:
    """Tap every call of what happens inside: all of them may only read, and Redis holds the same bytes afterwards."""
    names: list[str] = []
    before, rows = redis_of(world), world.rows_of_ours()
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()
    world.tap.before = names.append

    yield

    world.tap.close()
    assert redis_of(world) == before
    assert world.rows_of_ours() == rows
    assert names
    assert {name.split()[1] for name in names if name.startswith("redis ")} <= READING_COMMANDS
    calls = [*world.xero.wire.calls, *world.dynamics.wire.calls]
    assert len(calls) == len([name for name in names if not name.startswith("redis ")])
    assert [f"{call.method} {call.path}" for call in calls if not _reads(call)] == []


def redis_of(world: World) -> dict[str, Any]:
    """Every key with its value and the time that it has left."""
    client = fakeredis.FakeRedis(server=world.redis_server)
    return {key.decode(): (client.dump(key), client.pttl(key)) for key in sorted(client.keys())}


def _reads(call: Call) -> bool:
    if call.method == "GET" or TOKENS.search(call.path):
        return True
    operations = _OPERATION.findall(call.body)
    return call.path.endswith("/$batch") and bool(operations) and set(operations) == {b"GET"}
