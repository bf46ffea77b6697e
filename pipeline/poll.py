"""The poller: every five minutes per connection it marks due whatever needs work, as if no event had ever come."""

from __future__ import annotations

import structlog

from core.connections import NEEDS_ATTENTION, PAUSED
from core.errors import Disconnected
from pipeline.app import App
from pipeline.attention import resume, stop
from pipeline.marking import mark
from pipeline.nightly import poll_nightly
from pipeline.poll_dynamics import find_due
from pipeline.poll_xero import poll_xero
from pipeline.reading import read_preferences
from pipeline.tools import Tools
from pipeline.watermarks import OVERLAP, Watermark
from pipeline.zone import in_zone

log = structlog.get_logger()


def poll(app: App, connection_id: str) -> int:
    """Mark due what needs work on one connection; return how many records that were.

    Dynamics first: what hinders the look at Xero hinders nothing of it. Each side's watermark is its own clock minus
    ten minutes, stored after the marks; without one everything that may be affected is read again.
    Raises Transient or Limited; a lost right stops the connection.
    """
    connection = app.connections.find(connection_id)
    if connection is None or connection.state == PAUSED:
        return 0
    tools = app.connect(connection, app.lanes.now)
    try:
        marked = _poll_dynamics(app, tools)
        tools = in_zone(tools, read_preferences(tools))
        marked += poll_xero(app, tools)
        marked += poll_nightly(app, tools)
    except Disconnected as error:
        stop(app.connections, tools, str(error))
        return 0
    # Else the work that is due shows whether it was repaired; what is due on a later day does not.
    if connection.state == NEEDS_ATTENTION and not app.lanes.count_ready(connection_id):
        resume(app.connections, tools, proved=False)
    log.info("connection.polled", connection=connection_id, due=marked)
    return marked


def _poll_dynamics(app: App, tools: Tools) -> int:
    watermark = Watermark(app.redis, tools.connection.id, "dynamics")
    due = find_due(tools, since=watermark.load(), now=app.lanes.now())
    mark(app, tools.connection.id, due.entities)
    watermark.save(due.read_at - OVERLAP)
    return len(due.entities)
