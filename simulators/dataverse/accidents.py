"""What no rule allows but happens: rows lost, columns blanked behind the platform's back. No events, no checks."""

from __future__ import annotations

from typing import Any, Literal

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request, unknown_property
from simulators.dataverse.schema import Table
from simulators.dataverse.store import Row
from simulators.dataverse.values import from_json

Links = Literal["kept", "cleared"]


def lose_row(env: Environment, table: Table, row_id: str, *, links: Links) -> None:
    """Take a row away. `links`: whether lookups go on naming it (`$expand` shows null) or are emptied."""
    with env.store.transaction():
        env.row(table.logical_name, row_id)
        if table.logical_name == "product":
            _forget_numbers(env, row_id)
        if links == "cleared":
            for relation in env.schema.referencing(table.logical_name):
                for child_id in env.store.children(relation.table, relation.column.name, row_id):
                    _put(env, env.schema.by_name[relation.table], child_id, {relation.column.name: None})
        env.store.remove(table.logical_name, row_id)


def overwrite(env: Environment, table: Table, row_id: str, changes: dict[str, Any]) -> None:
    """Set columns, read-only and required ones too; lookups can only be emptied. A new row version, nothing else."""
    values: Row = {}
    for name, value in changes.items():
        column = table.columns.get(name)
        if column is None:
            raise unknown_property(name, table.logical_name)
        if column.kind == "lookup" and value is not None:
            raise bad_request(f"{name} is a lookup: it can only be emptied.")
        values[name] = None if value is None else from_json(column, table.logical_name, value)
    with env.store.transaction():
        _put(env, table, row_id, values)


def _forget_numbers(env: Environment, product_id: str) -> None:
    """A line reads the product number through the product: without that there is none."""
    for line_id in env.store.children("invoicedetail", "productid", product_id):
        _put(env, env.schema.by_name["invoicedetail"], line_id, {"productnumber": None})


def _put(env: Environment, table: Table, row_id: str, changes: Row) -> None:
    row = env.row(table.logical_name, row_id) | changes | {"versionnumber": env.store.next_version()}
    env.store.put(table.logical_name, row_id, {name: value for name, value in row.items() if value is not None})
