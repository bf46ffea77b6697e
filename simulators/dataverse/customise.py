"""A customer's solution as plain JSON: tables, columns, keys, choices, relationships, status reasons.

A column has a `name`, a `type` (one of KINDS) and, as it needs them: `schema_name`, `display_name`, `description`,
`required`, `default`, `max_length`, `minimum`, `maximum`, `precision`, `precision_source` (0 own, 1 organisation's
prices, 2 currency), `options` {"1": "Label"} (of a boolean: "0" and "1"), `targets` with `relationship` and
`on_delete`, and of a datetime `format` (DateAndTime, DateOnly) and `behavior` (UserLocal, TimeZoneIndependent).
Status reasons are {"statuses": {"invoice": [{"value": 100000007, "state": 0, "label": "Sent"}]}}.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from simulators.dataverse.build import table
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request
from simulators.dataverse.privileges import privilege_rows
from simulators.dataverse.schema import Column, Key, Kind, Ref, Table
from simulators.dataverse.values import from_json

KINDS: tuple[Kind, ...] = (
    "string", "memo", "integer", "bigint", "decimal", "double", "money", "boolean", "datetime", "date", "choice",
    "lookup", "guid",
)  # fmt: skip
MESSAGES = ("Create", "Update", "Delete", "SetState")
_NAMESPACE = uuid.UUID("5b7a1f0e-6f0c-4d0e-9d69-2f5b1e0a7c11")


def customise(env: Environment, definition: dict[str, Any]) -> None:
    """Add what the definition holds. Tables come before columns, so they may point at one another."""
    tables = definition.get("tables", [])
    for one in tables:
        if one["logical_name"] not in env.schema.by_name:
            made, columns = _table(one)
            add_table(env, made, columns)
    for one in tables:
        add_columns(env, one["logical_name"], one.get("columns", []))
        for key in one.get("keys", []):
            add_key(env, one["logical_name"], key["name"], key["columns"])
    for name, columns in definition.get("columns", {}).items():
        add_columns(env, name, columns)
    for name, keys in definition.get("keys", {}).items():
        for key in keys:
            add_key(env, name, key["name"], key["columns"])
    _change_statuses(env, definition)


def add_table(env: Environment, made: Table, columns: list[Column]) -> None:
    """Add a table with what the platform makes for it: privileges, and messages that steps may be registered for."""
    env.store.forget(made.logical_name)  # one by that name may have been here before
    env.schema.add_table(made, columns)
    add_message_filters(env, made)
    with env.store.transaction():
        for row_id, row in privilege_rows([made]):
            env.store.put("privilege", row_id, row)


def _change_statuses(env: Environment, definition: dict[str, Any]) -> None:
    for name, statuses in definition.get("statuses", {}).items():
        for one in statuses:
            add_status(env, name, one["value"], one["state"], one["label"])
    for name, values in definition.get("removed_statuses", {}).items():
        for value in values:
            remove_status(env, name, value)


def _table(one: dict[str, Any]) -> tuple[Table, list[Column]]:
    name = one["logical_name"]
    primary_name = one.get("primary_name", "")
    given = {column["name"] for column in one.get("columns", [])}
    primary = []
    if primary_name and primary_name not in given:
        primary = [Column(primary_name, "string", max_length=850, schema_name=primary_name)]
    return table(
        name,
        one["set_name"],
        *primary,
        schema_name=one.get("schema_name", name),
        primary_name=primary_name,
        primary_id=one.get("primary_id", ""),
        display_name=one.get("display_name", name),
        ownership="user" if one.get("ownership") == "user" else "organization",
        code=type_code(name),
        is_custom=True,
        display_collection_name=one.get("display_collection_name", ""),
        description=one.get("description", ""),
    )


def type_code(name: str) -> int:
    """Return the object type code of a custom table."""
    return 10_000 + uuid.uuid5(_NAMESPACE, name).int % 50_000


def add_columns(env: Environment, table_name: str, definitions: list[dict[str, Any]]) -> None:
    """Add columns to a table; existing rows keep what they have."""
    if table_name not in env.schema.by_name:
        raise bad_request(f"Could not find an entity with name {table_name}.", "0x80060888")
    made = env.schema.by_name[table_name]
    env.schema.add_columns(table_name, [column_from(made, one) for one in definitions])
    env.store.reindex(table_name)


def add_key(env: Environment, table_name: str, name: str, columns: list[str]) -> None:
    made = env.schema.by_name[table_name]
    unknown = [column for column in columns if column not in made.columns]
    if unknown:
        raise bad_request(f"The key {name} names columns that {table_name} does not have: {', '.join(unknown)}.")
    made.keys[name] = Key(name, tuple(columns))
    env.store.reindex(table_name)


def add_status(env: Environment, table_name: str, value: int, state: int, label: str) -> None:
    """Add a status reason to a state, behind those that are there, so that the state's default stays."""
    made = env.schema.find(table_name)
    if made is None or "statuscode" not in made.columns:
        raise bad_request(f"Could not find an entity with name {table_name}.", "0x80060888")
    if state not in made.columns["statecode"].options:
        raise bad_request(f"{state} is not a valid state code on {table_name}.", "0x80048408")
    column = made.columns["statuscode"]
    if value in column.options:
        raise bad_request(f"The status value {value} is already in use on {table_name}.", "0x80048403")
    options = {**column.options, value: label}
    made.add(replace(column, options=options, state_of_status={**column.state_of_status, value: state}))


def remove_status(env: Environment, table_name: str, value: int) -> None:
    """Take a status reason away, as DeleteOptionValue does; rows that have it keep it."""
    column = env.schema.by_name[table_name].columns["statuscode"]
    if value not in column.options:
        raise bad_request(f"The status value {value} does not exist on {table_name}.", "0x80048403")
    options, states = dict(column.options), dict(column.state_of_status)
    del options[value], states[value]
    env.schema.by_name[table_name].add(replace(column, options=options, state_of_status=states))


def column_from(made: Table, one: dict[str, Any]) -> Column:
    """Return the column that a definition describes; raises Refused when it describes none."""
    kind: Kind = one["type"]
    if kind not in KINDS:
        raise bad_request(f"The column type '{kind}' is not known.")
    name = one["name"]
    targets = tuple(one.get("targets", ()))
    schema_name = one.get("schema_name") or name
    relationship = one.get("relationship") or f"{targets[0]}_{made.logical_name}_{name}" if targets else ""
    column = Column(
        name=name,
        kind=kind,
        max_length=one.get("max_length") or (2000 if kind == "memo" else 100),
        precision=one.get("precision", 4 if kind == "money" else 2),
        precision_source=one.get("precision_source", 0 if "precision" in one else 2),
        minimum=_number(one.get("minimum")),
        maximum=_number(one.get("maximum")),
        required=bool(one.get("required", False)),
        options={int(value): label for value, label in one.get("options", {}).items()},
        targets=targets,
        navigations=_navigations(one.get("navigation") or schema_name, targets),
        collection=one.get("collection") or relationship,
        relationship=relationship,
        on_delete=one.get("on_delete", "remove_link"),
        schema_name=schema_name,
        display_name=one.get("display_name", ""),
        description=one.get("description", ""),
        date_format=one.get("format") or "DateAndTime",
        behavior=one.get("behavior") or "UserLocal",
        text_format=one.get("text_format") or "",
        required_level=one.get("required_level") or "None",
        is_custom=True,
    )
    default = one.get("default")
    return column if default is None else _with_default(column, made, default)


def _with_default(column: Column, made: Table, default: Any) -> Column:
    value = int(default) if column.kind == "choice" else default
    return replace(column, default=from_json(column, made.logical_name, value))


def _navigations(schema_name: str, targets: tuple[str, ...]) -> tuple[str, ...]:
    return (schema_name,) if len(targets) == 1 else tuple(f"{schema_name}_{target}" for target in targets)


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def add_message_filters(env: Environment, made: Table) -> None:
    """Let steps be registered for the table's messages."""
    message_ids = {row["name"]: message_id for message_id, row in env.store.all("sdkmessage").items()}
    with env.store.transaction():
        for message in MESSAGES:
            filter_id = message_filter_id(made.logical_name, message)
            row = {
                "sdkmessagefilterid": filter_id,
                "name": f"{message} of {made.logical_name}",
                "primaryobjecttypecode": made.logical_name,
                "secondaryobjecttypecode": "none",
                "iscustomprocessingstepallowed": True,
                "sdkmessageid": Ref("sdkmessage", message_ids[message]),
                "statecode": 0,
                "statuscode": 1,
                "versionnumber": env.store.next_version(),
            }
            env.store.put("sdkmessagefilter", filter_id, row)


@cache
def message_filter_id(table_name: str, message: str) -> str:
    """Return the id of the row by which steps say that they want one message of one table."""
    return str(uuid.uuid5(_NAMESPACE, f"{table_name}/{message}"))
