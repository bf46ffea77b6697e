"""How a connection's lane stands: what is due, what holds it up until when, what was put aside, what is not heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.app import App
from pipeline.poll_jobs import Harvest, Undelivered
from pipeline.troubles import Trouble, Troubles


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """`due` and `working` count records, due now or later; `rests_until` and `trouble`: next try, and why not now.

    `dead`: how many of its records were put aside. `undelivered`: the webhooks that Dynamics could not deliver.
    """

    now: datetime
    due: int
    working: int
    oldest_due_at: datetime | None
    rests_until: datetime | None
    trouble: Trouble
    dead: int
    undelivered: Undelivered


def read_lane_facts(app: App, connection_id: str) -> LaneFacts:
    """Nothing is changed, and no other system asked than Redis. Raises Transient."""
    now, counts = app.lanes.now(), app.lanes.counts(connection_id)
    return LaneFacts(
        now=now,
        due=counts["due"],
        working=counts["working"],
        oldest_due_at=app.lanes.oldest_due_at(connection_id),
        rests_until=app.lanes.rests_until(connection_id),
        trouble=Troubles(app.redis, connection_id).load(),
        dead=sum(letter.connection_id == connection_id for letter in app.dead.list_all()),
        undelivered=Harvest(app.redis, connection_id).load(now=now),
    )
