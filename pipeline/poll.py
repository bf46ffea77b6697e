"""The poller: every five minutes per connection it marks due whatever needs work, as if no event had ever come."""

from __future__ import annotations

import structlog

from core.connections import NEEDS_ATTENTION, PAUSED
from core.errors import Disconnected, Limited
from pipeline.app import App
from pipeline.attention import resume, stop
from pipeline.marking import mark
from pipeline.nightly import poll_nightly
from pipeline.poll_dynamics import find_due
from pipeline.poll_jobs import Harvest, entities_of
from pipeline.poll_xero import poll_xero
from pipeline.reading import read_preferences
from pipeline.tools import Tools
from pipeline.troubles import Troubles, let_rest
from pipeline.verdict import decide
from pipeline.watermarks import OVERLAP, Watermark
from pipeline.zone import in_zone

log = structlog.get_logger()


def poll(app: App, connection_id: str) -> int:
    """Mark due what needs work on one connection; return how many records that were.

    Dynamics first: what hinders the look at Xero hinders nothing of it. Each side's watermark is its own clock minus
    ten minutes, stored after the marks; without one everything that may be affected is read again. A side that limits
    us is not called before its limit ends, and a limit that the poll runs into lets the lane rest as well.
    Raises Transient or Limited; a lost right stops the connection.
    """
    connection = app.connections.find(connection_id)
    if connection is None or connection.state == PAUSED:
        return 0
    limited = _limited_side(app, connection_id)
    if limited not in (None, "xero"):
        log.info("poll.left_out", connection=connection_id, limit=limited)
        return 0
    tools = app.connect(connection, app.lanes.now)
    try:
        marked = _poll_dynamics(app, tools)
        if limited:
            log.info("poll.left_out", connection=connection_id, limit=limited, due=marked)
            return marked
        tools = in_zone(tools, read_preferences(tools))
        marked += poll_xero(app, tools)
        marked += poll_nightly(app, tools)
    except Disconnected as error:
        stop(app.connections, tools, str(error))
        return 0
    except Limited as error:
        verdict = decide(error, size=1, starts=1, failures=1, jitter=app.jitter)
        let_rest(app, connection_id, error, rest_s=verdict.rest_s, now=app.lanes.now())
        raise
    # Else the work that is due shows whether it was repaired; what is due on a later day does not.
    if connection.state == NEEDS_ATTENTION and not app.lanes.count_ready(connection_id):
        resume(app.connections, tools, proved=False)
    log.info("connection.polled", connection=connection_id, due=marked)
    return marked


def _limited_side(app: App, connection_id: str) -> str | None:
    """Return the side whose limit the lane waits for now, empty if nobody knows which; None without a limit."""
    if app.lanes.rests_until(connection_id) is None:
        return None
    trouble = Troubles(app.redis, connection_id).load()
    return trouble.side if trouble.kind == "limited" else None


def _poll_dynamics(app: App, tools: Tools) -> int:
    connection_id = tools.connection.id
    watermark = Watermark(app.redis, connection_id, "dynamics")
    due, harvest = find_due(tools, since=watermark.load(), now=app.lanes.now()), Harvest(app.redis, connection_id)
    fresh = harvest.fresh(due.jobs)
    entities = sorted({*due.entities, *entities_of(fresh)})
    mark(app, connection_id, entities)
    harvest.note(due.jobs, fresh, now=due.read_at)
    watermark.save(due.read_at - OVERLAP)
    return len(entities)
