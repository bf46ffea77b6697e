"""Takes events from the inbox and marks what they point at due in the lanes of the connections concerned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import redis
import structlog

from core import columns, ids
from core.connections import Connection, Connections
from core.event import Event
from pipeline.lane_scripts import ask
from pipeline.lanes import BALANCE_KINDS, CUSTOMER_KINDS, Entity, Lanes
from pipeline.memory import Memory

KEY_KEPT_S = 24 * 3600
# Of these each event is followed at once.
FOLLOWED = frozenset({("dynamics", "invoice"), ("xero", "invoice")})
# These change what customers owe, or in which currency: they gather, so that many are read in one call (rule D8).
GATHERED = frozenset({*(("xero", kind) for kind in BALANCE_KINDS), *(("dynamics", kind) for kind in CUSTOMER_KINDS)})
GATHER = timedelta(minutes=5)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """`wake` tells a worker that a lane has work."""

    connections: Connections
    lanes: Lanes
    redis: redis.Redis
    wake: Callable[[str], None]

    def handle(self, events: Sequence[Event]) -> None:
        """Mark, wake, remember the events' keys: in this order, so that a crash in between only repeats.

        Raises Transient when Redis does not answer; the message is then not acknowledged and comes again.
        """
        fresh, now = self._fresh(events), self.lanes.now()
        marks: dict[str, dict[Entity, datetime]] = defaultdict(dict)
        moved: dict[str, dict[str, datetime]] = defaultdict(dict)
        counted: Counter[str] = Counter(known=len(events) - len(fresh))
        for event in fresh:
            for connection in self._connections_of(event):
                if event.entity == columns.SETTINGS.name:
                    Memory(self.redis, connection.id).forget_preferences()
                elif (due_at := _due_at(event, connection.id, now)) is not None:
                    entity = Entity(event.side, event.entity, event.record_id.lower())
                    marks[connection.id][entity] = due_at
                    counted["marked"] += 1
                    if (happened := _happened_at(event)) is not None:
                        known = moved[connection.id].get(entity.id, happened)
                        moved[connection.id][entity.id] = max(known, happened)
                else:
                    counted["not followed"] += 1
        for connection_id, due in marks.items():
            # Its time first: a record that is due without one is read, one that is due with an old one may not be.
            Memory(self.redis, connection_id).note_moved(moved[connection_id])
            self._mark(connection_id, due)
        self._remember(fresh)
        log.info("events.dispatched", events=len(events), lanes=len(marks), **counted)

    def _mark(self, connection_id: str, due: Mapping[Entity, datetime]) -> None:
        for due_at in sorted(set(due.values())):
            entities = sorted(entity for entity, at in due.items() if at == due_at)
            if self.lanes.mark(connection_id, entities, due_at=due_at):
                self.wake(connection_id)

    def _connections_of(self, event: Event) -> list[Connection]:
        found = (
            self.connections.list_of_dynamics(event.organisation)
            if event.side == "dynamics"
            else self.connections.list_of_xero(event.organisation)
        )
        return list(found)

    def _fresh(self, events: Sequence[Event]) -> list[Event]:
        """Leave out events that were handled before; which only saves work, as marking twice is marking once."""
        if not events:
            return []
        keys = [_key(event) for event in events]
        seen = cast("list[str | None]", ask(lambda: self.redis.mget(keys)))
        return [event for event, known in zip(events, seen, strict=True) if known is None]

    def _remember(self, events: Sequence[Event]) -> None:
        with self.redis.pipeline(transaction=False) as pipeline:
            for event in events:
                pipeline.set(_key(event), "1", ex=KEY_KEPT_S)
            ask(pipeline.execute)


def gathers_until(connection_id: str, now: datetime) -> datetime:
    """Return the end of the present five minutes, when what has gathered is read; each connection has its own."""
    length_s = GATHER.total_seconds()
    phase_s = int(ids.digest("gather", connection_id)[:12], 16) % length_s
    return now + timedelta(seconds=length_s - (now.timestamp() - phase_s) % length_s)


def _due_at(event: Event, connection_id: str, now: datetime) -> datetime | None:
    """Return when its record is due; None if nothing follows such events."""
    if (event.side, event.entity) in FOLLOWED:
        return now
    return gathers_until(connection_id, now) if (event.side, event.entity) in GATHERED else None


def _happened_at(event: Event) -> datetime | None:
    """Return when a record of Xero changed, as its event says: UTC without saying so."""
    if event.side != "xero":
        return None
    try:
        happened = datetime.fromisoformat(event.version)
    except ValueError:
        return None  # the record is read then
    return happened.astimezone(UTC) if happened.tzinfo else happened.replace(tzinfo=UTC)


def _key(event: Event) -> str:
    return f"event:{event.key}"
