"""From a property path (`totalamount`, `_customerid_value`, `customerid_account/name`) to a column and its getter."""

from __future__ import annotations

from typing import Any

from simulators.dataverse.comparing import Getter
from simulators.dataverse.errors import unknown_property
from simulators.dataverse.schema import Column, Navigation, Schema, Table
from simulators.dataverse.store import Row, Store


def compile_path(schema: Schema, store: Store, table: Table, path: str) -> tuple[Column, Getter]:
    """Return the column at the end of the path, and a function that reads it from a row of `table`."""
    head, _, rest = path.partition("/")
    if not rest:
        column = property_of(table, head)
        return column, _reader(column)
    navigation = table.navigations.get(head)
    if navigation is None or navigation.target not in schema.by_name:
        raise unknown_property(head, table.logical_name)
    column, get = compile_path(schema, store, schema.by_name[navigation.target], rest)
    return column, _through(store, navigation, get)


def property_of(table: Table, name: str) -> Column:
    column = table.properties.get(name)
    if column is None or column.write_only:
        raise unknown_property(name, table.logical_name)
    return column


def related_row(store: Store, navigation: Navigation, row: Row) -> Row | None:
    """Return the row that a navigation property leads to; None when null or of the lookup's other table."""
    ref = row.get(navigation.column.name)
    if ref is None or ref.table != navigation.target:
        return None
    return store.find(ref.table, ref.id)


def _reader(column: Column) -> Getter:
    name = column.name
    return lambda row: row.get(name)


def _through(store: Store, navigation: Navigation, get: Getter) -> Getter:
    def read(row: Row) -> Any:
        related = related_row(store, navigation, row)
        return None if related is None else get(related)

    return read
