"""Lanes on a fake Redis and on a real one, with time that passes when the test says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import fakeredis
import redis
import time_machine

from pipeline.lanes import Entity, Lanes, Lease

LANE = "11111111-1111-5111-8111-111111111111"
START = datetime.fromisoformat("2026-11-24T09:30:00+00:00")


class FakeBench:
    """A fake Redis, on a clock that stands still."""

    def __init__(self, travel: time_machine.Coordinates) -> None:
        self.client: redis.Redis = fakeredis.FakeRedis(decode_responses=True)
        self.lanes = Lanes(self.client)
        self._travel = travel

    def pass_time(self, seconds: float) -> None:
        self._travel.shift(timedelta(seconds=seconds))


class RealBench:
    """A real Redis, whose clock nobody moves: what is stored becomes older instead."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.client.flushdb()
        self.lanes = Lanes(client)

    def pass_time(self, seconds: float) -> None:
        passed_ms = int(seconds * 1000)
        for key in self.client.keys("*"):
            kind = key.rsplit(":", 1)[-1]
            if kind in ("due", "lanes"):
                for member in self.client.zrange(key, 0, -1):
                    self.client.zincrby(key, -passed_ms, member)
            elif kind in ("lease", "rests", "rung"):
                left_ms = self.client.pttl(key) - passed_ms
                if left_ms <= 0:
                    self.client.delete(key)
                    continue
                if kind == "rests":
                    self.client.set(key, int(self.client.get(key)) - passed_ms)
                self.client.pexpire(key, left_ms)


Bench = FakeBench | RealBench


def entity(number: int | str = 1, side: Any = "dynamics") -> Entity:
    return Entity(side, "invoice", f"id-{number}")


def index_of(bench: Bench, lane: str = LANE) -> float | None:
    """When the lane needs somebody next, in seconds from now; None if it does not."""
    score = bench.client.zscore("lanes", lane)
    return None if score is None else score / 1000 - bench.lanes.now().timestamp()


def due_in(bench: Bench, which: Entity, lane: str = LANE) -> float | None:
    """In how many seconds the entity is due; None if it is not."""
    score = bench.client.zscore(f"lane:{lane}:due", str(which))
    return None if score is None else score / 1000 - bench.lanes.now().timestamp()


def mark(bench: Bench, *entities: Entity, seconds: float = 0, lane: str = LANE) -> bool:
    """Mark entities due in so many seconds; return whether somebody has to be woken."""
    return bench.lanes.mark(lane, entities, due_at=bench.lanes.now() + timedelta(seconds=seconds))


def held(bench: Bench, token: str = "t-1") -> Lease:
    """Return the lease on the lane, which is free."""
    lease = bench.lanes.acquire(LANE, token)
    assert lease is not None
    return lease


def claim(lease: Lease, limit: int = 50, singly_after: int = 3) -> list[Entity]:
    return [each.entity for each in lease.claim(limit, singly_after=singly_after)]
