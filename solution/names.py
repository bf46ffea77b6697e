"""What the solution is called, and the ids by which Dynamics knows its parts again."""

from __future__ import annotations

import uuid

from core.tables import OPTION_BASE, PREFIX

UNIQUE_NAME = "StellariseConnector"
DISPLAY_NAME = "Stellarise Connector"
DESCRIPTION = "Connector for Dynamics 365 and Xero: tables, forms, views, app, security role and webhook."
VERSION = "1.0.0.0"
PUBLISHER = "stellarise"
PUBLISHER_NAME = "Stellarise"
CUSTOMIZATION_PREFIX = PREFIX.rstrip("_")
OPTION_PREFIX = OPTION_BASE // 10_000
LANGUAGE = "1033"  # English (United States), which every organisation can show
_NAMESPACE = uuid.UUID("0b8d9c1e-5f1a-5c53-9a55-7c6d1f2e4a90")


def part_id(*names: str) -> str:
    """Return the id of a part: the same for the same names for ever, since an upgrade finds parts by their ids."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def braced(part: str) -> str:
    """Return an id as solution files write it."""
    return f"{{{part}}}"


def relationship_name(table: str, column: str) -> str:
    """Return the name of the relationship behind a lookup of ours: `stl3_<table>_<column>`, without prefixes."""
    return f"{PREFIX}{table.removeprefix(PREFIX)}_{column.removeprefix(PREFIX)}"
