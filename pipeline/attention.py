"""A connection stops or goes on: known to us, and said in words on the connector's record in Dynamics (rule C62)."""

from __future__ import annotations

import structlog

from clients.http import Payload
from core import columns
from core.connections import IN_SERVICE, NEEDS_ATTENTION, Connections
from core.errors import ConnectorError, LeaseLost
from core.tables import MEMO_LENGTH
from mappers.texts import cut
from pipeline.tools import Tools

log = structlog.get_logger()


def stop(connections: Connections, tools: Tools, reason: str) -> None:
    """Note that the connection needs its administrator, and why; what it said before is not said again."""
    known = connections.find(tools.connection.id)
    if known is not None and known.state == NEEDS_ATTENTION and known.state_reason == reason:
        return
    connections.save_state(tools.connection.id, NEEDS_ATTENTION, reason)
    log.warning("connection.stopped", connection=tools.connection.id)
    _say(tools, "Needs attention", reason)


def resume(connections: Connections, tools: Tools, *, proved: bool) -> None:
    """Note that the connection is in service again.

    `proved`: both sides have just done what they are needed for. Otherwise Xero is asked first: an invoice that
    waits, or a poll, goes through without it.
    """
    if not proved:
        try:
            tools.xero.get_organisation()
        except ConnectorError as error:
            log.info("connection.still_stopped", connection=tools.connection.id, error=type(error).__name__)
            return
    connections.save_state(tools.connection.id, IN_SERVICE)
    log.info("connection.resumed", connection=tools.connection.id)
    _say(tools, "In service", None)


def _say(tools: Tools, state: str, reason: str | None) -> None:
    words = cut(reason, MEMO_LENGTH) if reason else None
    row: Payload = {"stl3_state": columns.CONNECTOR_STATE[state], "stl3_stateinwords": words}
    try:
        tools.hold()
        tools.dataverse.update(columns.CONNECTOR.set_name, tools.connection.id, row)
    except LeaseLost:
        raise
    except ConnectorError as error:  # Dynamics itself may be what is out of reach; the portal says it all the same
        log.warning("connection.unannounced", connection=tools.connection.id, error=type(error).__name__)
