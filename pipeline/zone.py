"""The time zone in which a connection's days begin (rule B9)."""

from __future__ import annotations

from dataclasses import replace

from core.errors import Disconnected
from core.preferences import Preferences
from core.zones import find_zone, unknown_zone
from pipeline.tools import Tools


def in_zone(tools: Tools, preferences: Preferences) -> Tools:
    """Return the tools with the zone that is in force: the settings' own, else the one the connection came with.

    Raises Disconnected if the settings name none that exists: days would begin at a time that nobody chose.
    """
    chosen = preferences.timezone
    if not chosen or chosen == tools.connection.timezone:
        return tools
    if find_zone(chosen) is None:
        raise Disconnected(
            f"Time zone in the connector's settings in Dynamics: {unknown_zone(chosen)} Correct it there, or leave "
            f"it empty for {tools.connection.timezone}."
        )
    return replace(tools, connection=replace(tools.connection, timezone=chosen))
