"""Takes events from the inbox and marks what they point at due in the lanes of the connections concerned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import redis
import structlog

from core import columns
from core.connections import Connection, Connections
from core.event import Event
from pipeline.lane_scripts import ask
from pipeline.lanes import Entity, Lanes
from pipeline.memory import Memory

KEY_KEPT_S = 24 * 3600
FOLLOWED = frozenset({("dynamics", "invoice")})

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
        fresh = self._fresh(events)
        marks: dict[str, set[Entity]] = defaultdict(set)
        counted: Counter[str] = Counter(known=len(events) - len(fresh))
        for event in fresh:
            for connection in self._connections_of(event):
                if event.entity == columns.SETTINGS.name:
                    Memory(self.redis, connection.id).forget_preferences()
                elif (event.side, event.entity) in FOLLOWED:
                    marks[connection.id].add(Entity(event.side, event.entity, event.record_id.lower()))
                    counted["marked"] += 1
                else:
                    counted["not followed"] += 1
        now = self.lanes.now()
        for connection_id, entities in marks.items():
            if self.lanes.mark(connection_id, sorted(entities), due_at=now):
                self.wake(connection_id)
        self._remember(fresh)
        log.info("events.dispatched", events=len(events), lanes=len(marks), **counted)

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


def _key(event: Event) -> str:
    return f"event:{event.key}"
