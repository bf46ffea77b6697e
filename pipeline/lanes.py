"""Lanes: per connection what is due, what is being worked on, and who may work; all in Redis, none of it truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import redis

from core.errors import LeaseLost
from core.event import Side
from pipeline import lane_scripts
from pipeline.lane_scripts import Scripts, ask, keys_of

LEASE_MS = 15_000
RING_MS = 5_000
INDEX = "lanes"
BALANCE_KINDS = ("contact", "creditnote", "overpayment", "prepayment")  # of Xero: they change what customers owe
CUSTOMER_KINDS = ("account", "contact")  # of Dynamics: in their currency it is shown


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """What is due: a record, and the side on which it moved."""

    side: Side
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.side}:{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Entity:
        side, kind, record_id = text.split(":", 2)
        return cls("xero" if side == "xero" else "dynamics", kind, record_id)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entity in work; `starts` counts how often work on it has begun since it last ended, this time included."""

    entity: Entity
    starts: int


class Lanes:
    """All lanes of this installation. Methods raise Transient when Redis does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._scripts = Scripts(client)

    def mark(self, connection_id: str, entities: Iterable[Entity], *, due_at: datetime) -> bool:
        """Mark entities due; return whether somebody has to be woken for the lane."""
        names = [str(entity) for entity in entities]
        if not names:
            return False
        keys = [*keys_of(connection_id, "due", "lease", "rests", "rung"), INDEX]
        answer = self._scripts.run(lane_scripts.MARK, keys, connection_id, _ms(due_at), RING_MS, *names)
        return bool(answer == 1)

    def mark_afresh(self, connection_id: str, entities: Iterable[Entity], *, due_at: datetime) -> bool:
        """Mark entities due as if work on them had never begun; return whether somebody has to be woken."""
        (starts,) = keys_of(connection_id, "starts")
        again = list(entities)
        if again:
            ask(lambda: self._redis.hdel(starts, *map(str, again)))
        return self.mark(connection_id, again, due_at=due_at)

    def now(self) -> datetime:
        """Return Redis' time, by which lanes live."""
        seconds, micros = ask(self._redis.time)
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)

    def sweep(self) -> list[str]:
        """Return the connections whose lanes have due work, no holder and no wake-up on its way."""
        now_ms = _ms(self.now())
        ready = cast("list[str]", ask(lambda: self._redis.zrange(INDEX, "-inf", now_ms, byscore=True)))
        return [connection_id for connection_id in ready if self._needs_waking(connection_id)]

    def acquire(self, connection_id: str, token: str) -> Lease | None:
        """Return the lease on a lane, or None while another worker holds it or it rests."""
        keys = keys_of(connection_id, "due", "working", "lease", "rests", "rung")
        if self._scripts.run(lane_scripts.ACQUIRE, keys, token, LEASE_MS) != 1:
            return None
        return Lease(self._scripts, connection_id, token)

    def rest(self, connection_id: str, *, until: datetime) -> None:
        """Let the lane rest; its work stays due and somebody is woken when the rest ends."""
        (rests,) = keys_of(connection_id, "rests")
        left_ms = max(1, _ms(until) - _ms(self.now()))
        ask(lambda: self._redis.set(rests, _ms(until), px=left_ms))
        ask(lambda: self._redis.zadd(INDEX, {connection_id: _ms(until)}))

    def end_rest(self, connection_id: str) -> None:
        """Let the lane go on at once."""
        (rests,) = keys_of(connection_id, "rests")
        ask(lambda: self._redis.delete(rests))
        now_ms = _ms(self.now())
        ask(lambda: self._redis.zadd(INDEX, {connection_id: now_ms}))

    def rests_until(self, connection_id: str) -> datetime | None:
        (rests,) = keys_of(connection_id, "rests")
        value = cast("str | None", ask(lambda: self._redis.get(rests)))
        return _time(int(value)) if value else None

    def counts(self, connection_id: str) -> Mapping[str, int]:
        """Return how many entities are due (now or later) and in work."""
        due, working = keys_of(connection_id, "due", "working")
        return {
            "due": ask(lambda: self._redis.zcard(due)),
            "working": ask(lambda: self._redis.zcard(working)),
        }

    def count_ready(self, connection_id: str) -> int:
        """Return how many entities are due by now or in work."""
        due, working = keys_of(connection_id, "due", "working")
        now_ms = _ms(self.now())
        return ask(lambda: self._redis.zcount(due, "-inf", now_ms)) + ask(lambda: self._redis.zcard(working))

    def due_at(self, connection_id: str, entity: Entity) -> datetime | None:
        """Return when the entity is due; None if it is not marked."""
        (due,) = keys_of(connection_id, "due")
        score = ask(lambda: self._redis.zscore(due, str(entity)))
        return None if score is None else _time(int(score))

    def oldest_due_at(self, connection_id: str) -> datetime | None:
        """Return when the first of what is due was or will be due; None if nothing is marked."""
        (due,) = keys_of(connection_id, "due")
        first = cast("list[tuple[str, float]]", ask(lambda: self._redis.zrange(due, 0, 0, withscores=True)))
        return _time(int(first[0][1])) if first else None

    def is_working(self, connection_id: str, entity: Entity) -> bool:
        """Whether somebody has claimed the entity; it may have died since."""
        (working,) = keys_of(connection_id, "working")
        return ask(lambda: self._redis.zscore(working, str(entity))) is not None

    def forget(self, connection_id: str) -> None:
        """Remove everything about a lane (its connection is gone)."""
        keys = keys_of(
            connection_id, "due", "working", "starts", "lease", "rests", "rung", "tries", "made", "trouble"
        )
        ask(lambda: self._redis.delete(*keys))
        ask(lambda: self._redis.zrem(INDEX, connection_id))

    def _needs_waking(self, connection_id: str) -> bool:
        keys = [*keys_of(connection_id, "due", "working", "lease", "rests", "rung"), INDEX]
        return bool(self._scripts.run(lane_scripts.RING, keys, connection_id, RING_MS) == 1)


class Lease:
    """The right to work in one lane. Everything raises LeaseLost once another worker has it."""

    def __init__(self, scripts: Scripts, connection_id: str, token: str) -> None:
        self._scripts = scripts
        self._connection_id = connection_id
        self._token = token

    def hold(self) -> datetime:
        """Make sure of the lease for the next 15 s and return Redis' time; called before each external write."""
        keys = keys_of(self._connection_id, "lease")
        return _time(_mine(self._scripts.run(lane_scripts.HOLD, keys, self._token, LEASE_MS)))

    def claim(self, limit: int, *, singly_after: int) -> list[Claimed]:
        """Take up to `limit` due entities; one that began `singly_after` times without an end comes alone."""
        keys = keys_of(self._connection_id, "due", "working", "starts", "lease")
        flat = self._scripts.run(lane_scripts.CLAIM, keys, self._token, limit, singly_after)
        if flat == -1:
            raise LeaseLost(f"lane {self._connection_id}")
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return [Claimed(Entity.parse(name), int(starts)) for name, starts in pairs]

    def finish(self, entities: Iterable[Entity], *, again: Mapping[Entity, datetime]) -> None:
        """End the work on entities; those in `again` are due once more then. What was marked meanwhile stays due."""
        self._settle({entity: again.get(entity) for entity in entities}, starts=0)

    def give_back(self, entities: Iterable[Entity], *, due_at: datetime, starts: int | None = None) -> None:
        """Leave entities due: the work has not been done. `starts` is what their count of starts becomes."""
        self._settle(dict.fromkeys(entities, due_at), starts=starts)

    def release(self, *, with_work_left: bool = False) -> bool:
        """Give the lane up; return False (and keep it) when there is work and `with_work_left` is not set."""
        keys = [*keys_of(self._connection_id, "due", "working", "lease", "rests"), INDEX]
        flag = "1" if with_work_left else "0"
        answer = self._scripts.run(lane_scripts.RELEASE, keys, self._token, self._connection_id, flag)
        return _mine(answer) == 0

    def _settle(self, due: Mapping[Entity, datetime | None], *, starts: int | None) -> None:
        if not due:
            return
        keys = keys_of(self._connection_id, "due", "working", "starts", "lease")
        flat = [part for entity, at in due.items() for part in (str(entity), "" if at is None else _ms(at))]
        _mine(self._scripts.run(lane_scripts.SETTLE, keys, self._token, "" if starts is None else starts, *flat))


def _mine(answer: Any) -> int:
    if answer == -1:
        raise LeaseLost("another worker holds the lane")
    return int(answer)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
