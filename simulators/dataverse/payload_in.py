"""Reading the body of a write: properties, lookups bound by navigation property, rows to be created along with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulators.dataverse import values
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.keys import find_row, parse_reference
from simulators.dataverse.schema import Navigation, Ref, Table
from simulators.dataverse.store import Row

BIND = "@odata.bind"
References = dict[str, str]
"""Content-ID ("$1") to the reference ("accounts(<id>)") of the row that the operation made."""


@dataclass(slots=True)
class Supplied:
    """What a caller sent for one row: column values, and rows to be created with it."""

    row: Row = field(default_factory=dict)
    children: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    parents: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def read_body(env: Environment, table: Table, body: Any, references: References) -> Supplied:
    """Return what was supplied; raises Refused for anything that is not a property of the table."""
    if not isinstance(body, dict):
        raise bad_request("Empty or invalid payload provided by the user.", "0x80048d19")
    supplied = Supplied()
    for name, value in body.items():
        if name.endswith(BIND):
            _bind(env, table, name.removesuffix(BIND), value, references, supplied)
        elif "@" not in name:
            _take(table, name, value, supplied)
    return supplied


def _take(table: Table, name: str, value: Any, supplied: Supplied) -> None:
    column = table.properties.get(name)
    if column is not None and column.kind != "lookup":
        supplied.row[column.name] = values.from_json(column, table.logical_name, value)
    elif name in table.navigations:
        if isinstance(value, dict):
            supplied.parents.append((name, value))
        elif value is None:
            supplied.row[table.navigations[name].column.name] = None
        else:
            raise _payload_error(table, f"Cannot write the value of navigation property '{name}'")
    elif name in table.collections and isinstance(value, list):
        supplied.children.append((name, value))
    elif column is not None:
        raise bad_request(
            "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
        )
    else:
        raise _payload_error(
            table,
            f"The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{table.logical_name}'. "
            "Make sure to only use property names that are defined by the type.",
        )


def _bind(env: Environment, table: Table, name: str, value: Any, references: References, supplied: Supplied) -> None:
    navigation = table.navigations.get(name)
    if navigation is None:
        raise Refused(
            400,
            "0x0",
            f"An undeclared property '{name}' which only has property annotations in the payload but no property "
            "value was found in the payload. In OData, only declared navigation properties and declared named "
            "streams can be represented as properties without values.",
        )
    reference = None if value in (None, "") else resolve(env, navigation, str(value), references)
    supplied.row[navigation.column.name] = reference


def resolve(env: Environment, navigation: Navigation, value: str, references: References) -> Ref:
    """Return the row that a bind value names; it must exist and be of the navigation property's table."""
    if value.startswith("$"):
        if value not in references:
            raise bad_request(f"Content-ID Reference: '{value}' does not exist in the batch context.")
        value = references[value]
    table, key = parse_reference(env.schema, value)
    if table.logical_name != navigation.target:
        raise bad_request(
            f"The navigation property '{navigation.column.name}' takes {navigation.target}, "
            f"not {table.logical_name}.",
            "0x80048d19",
        )
    return Ref(table.logical_name, find_row(env, table, key))


def _payload_error(table: Table, detail: str) -> Refused:
    return bad_request(
        f"Error identified in Payload provided by the user for Entity :'{table.set_name}', "
        "For more information on this error please follow this help link "
        "https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : "
        f"Microsoft.OData.ODataException: {detail}",
        "0x80048d19",
    )
