"""Once a night everything that is not final is compared on both sides: what no event and no list has told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

import structlog

from clients.http import Payload
from core import columns, ids
from core.connections import Connection
from mappers.standing import FINAL_STATUSES
from pipeline.app import App
from pipeline.balances import known_contacts
from pipeline.lanes import Entity
from pipeline.marking import mark
from pipeline.memory import FOREVER
from pipeline.reference import REFERENCE
from pipeline.tools import Tools
from pipeline.watermarks import Nights

SPREAD = timedelta(hours=2)  # after midnight: no two connections need to begin at once
ROWS_AT_ONCE = 500
PORTION = 50  # records that are due together: one call to Xero
PACE = timedelta(seconds=10)  # between portions, so that what happens meanwhile need not wait behind all of them

log = structlog.get_logger()


def poll_nightly(app: App, tools: Tools) -> int:
    """Mark due what is compared once a local day, if that has not been done today; return how many records that were.

    "Overdue" changes by the calendar alone, so it is done soon after midnight (rules D8, F3). The day is noted
    behind the marks. Of a connection that is new here, or when Redis has lost everything, today counts as done: the
    poll reads everything then. Raises Transient, Limited or Disconnected.
    """
    nights = Nights(app.redis, tools.connection.id)
    day, done = day_of(tools.connection, app.lanes.now()), nights.load()
    if done is None:
        nights.save(day)
    if done is None or done >= day:
        return 0
    paced = Paced(app, tools.connection.id)
    _mark_documents(paced, tools)
    paced.mark([Entity("xero", "contact", contact_id) for contact_id in known_contacts(tools)])
    paced.mark([REFERENCE])
    nights.save(day)
    log.info("connection.compared", connection=tools.connection.id, due=paced.marked)
    return paced.marked


@dataclass(slots=True)
class Paced:
    """Marks records in portions, each due a little later than the one before."""

    app: App
    connection_id: str
    marked: int = 0
    portions: int = 0

    def mark(self, entities: Sequence[Entity]) -> None:
        for start in range(0, len(entities), PORTION):
            portion = entities[start : start + PORTION]
            mark(self.app, self.connection_id, portion, after=PACE * self.portions)
            self.marked += len(portion)
            self.portions += 1


def day_of(connection: Connection, now: datetime) -> date:
    """Return the local day whose round is to be done by now: before the connection's own moment, the day before.

    Hours are counted from midnight as they pass: where the clocks change in the night none comes twice.
    """
    phase = int(ids.digest("nightly", connection.id)[:12], 16) % int(SPREAD.total_seconds())
    return (now - timedelta(seconds=phase)).astimezone(connection.zone).date()


def _mark_documents(paced: Paced, tools: Tools) -> None:
    rows = iter(_rows_not_final(tools))
    while portion := list(islice(rows, ROWS_AT_ONCE)):
        xero_ids = [xero_id.lower() for row in portion if (xero_id := row.get("stl3_xeroinvoiceid"))]
        tools.memory.note_moved(dict.fromkeys(xero_ids, FOREVER))
        paced.mark([Entity("dynamics", "invoice", row["stl3_dynamicsinvoiceid"]) for row in portion])
        paced.mark([Entity("xero", "invoice", xero_id) for xero_id in xero_ids])


def _rows_not_final(tools: Tools) -> Iterable[Payload]:
    open_ones = " and ".join(f"stl3_xerostatus ne '{status}'" for status in sorted(FINAL_STATUSES))
    return tools.dataverse.list_rows(
        columns.DETAILS.set_name,
        {
            "$select": "stl3_dynamicsinvoiceid,stl3_xeroinvoiceid",
            # What is not filled in is unequal to everything in OData, but not in Dynamics' own comparisons.
            "$filter": f"stl3_connectionid eq '{tools.connection.id}' and (stl3_xerostatus eq null or ({open_ones}))",
        },
    )
