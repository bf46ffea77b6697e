"""One column of a row as the Web API shows it, with the annotations that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.dataverse.environment import Environment
from simulators.dataverse.formatting import formatted
from simulators.dataverse.schema import Column, Ref
from simulators.dataverse.store import Row
from simulators.dataverse.values import to_json

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def show_column(
    env: Environment, column: Column, row: Row, shown: dict[str, Any], wants: Callable[[str], bool]
) -> None:
    """Write a column, and its annotations before it, into `shown`."""
    name, value = column.property_name, row.get(column.name)
    if value is not None:
        if wants(FORMATTED):
            text = formatted(env, column, value, row)
            if text is not None:
                shown[f"{name}@{FORMATTED}"] = text
        if isinstance(value, Ref):
            _annotate_lookup(column, value, shown, wants)
    shown[name] = to_json(value)


def _annotate_lookup(column: Column, value: Ref, shown: dict[str, Any], wants: Callable[[str], bool]) -> None:
    name = column.property_name
    if wants(NAVIGATION) and value.table in column.targets:
        shown[f"{name}@{NAVIGATION}"] = column.navigation_to(value.table)
    if wants(LOOKUP_TABLE):
        shown[f"{name}@{LOOKUP_TABLE}"] = value.table
