"""Reads: choose, order and page rows, and show them as the Web API does."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from simulators.dataverse.associations import associated_rows
from simulators.dataverse.comparing import Getter, plain
from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import bad_request, unknown_property
from simulators.dataverse.filters import World, compile_filter
from simulators.dataverse.operations import etag
from simulators.dataverse.paths import compile_path, property_of, related_row
from simulators.dataverse.query import Order, Query
from simulators.dataverse.schema import Column, Ref, Table
from simulators.dataverse.showing import show_column
from simulators.dataverse.store import Row
from simulators.dataverse.values import to_json

PAGE_MAX = 5000
_SortKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    total: int
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Annotations:
    """Which annotations were asked for: all, or some by name."""

    names: frozenset[str] = frozenset()

    def wants(self, name: str) -> bool:
        return "*" in self.names or name in self.names or any(
            wanted.endswith("*") and name.startswith(wanted[:-1]) for wanted in self.names
        )  # fmt: skip


def select_rows(env: Environment, table: Table, query: Query, candidates: Iterable[Row] | None = None) -> list[Row]:
    """Return all rows that pass the filter, in order; equal ones, and all without `$orderby`, by primary key."""
    world = World(env.schema, env.store, env.now(), query.aliases, env.nulls_are_unequal)
    rows = list(env.store.all(table.logical_name).values() if candidates is None else candidates)
    if query.filter:
        passes = compile_filter(world, table, query.filter)
        rows = [row for row in rows if passes(row)]
    rows.sort(key=lambda row: row[table.primary_id])
    for order, get in reversed(_orders(env, table, query.orderby)):
        rows.sort(key=lambda row, get=get: _sort_key(get(row)), reverse=order.descending)  # type: ignore[misc]
    return rows


def _orders(env: Environment, table: Table, orderby: tuple[Order, ...]) -> list[tuple[Order, Getter]]:
    return [(order, compile_path(env.schema, env.store, table, order.path)[1]) for order in orderby]


def _sort_key(value: Any) -> _SortKey:
    return (0,) if value is None else (1, plain(value))  # nulls come first, as in the database


def read_page(env: Environment, table: Table, query: Query, page_size: int | None, options: str) -> Page:
    """Return one page; `options` is what the next page's URL must repeat unchanged."""
    matching = select_rows(env, table, query)
    if query.top is not None:
        return Page(matching[: min(query.top, PAGE_MAX)], len(matching), None)
    size = min(page_size or PAGE_MAX, PAGE_MAX)
    rows, number = matching, 1
    if query.skiptoken is not None:
        rows, number = _after_cookie(env, table, query, matching, options)
    token = None
    if len(rows) > size:
        rows = rows[:size]
        token = _cookie(env, table, query, rows[-1], number + 1, options)
    return Page(rows, len(matching), token)


def _position(env: Environment, table: Table, query: Query, row: Row) -> list[Any]:
    values = [get(row) for _, get in _orders(env, table, query.orderby)]
    return [str(row[table.primary_id]), *(None if v is None else str(plain(v)) for v in values)]


def _cookie(env: Environment, table: Table, query: Query, last: Row, number: int, options: str) -> str:
    content = json.dumps([_fingerprint(options), _position(env, table, query, last)])
    inner = base64.urlsafe_b64encode(content.encode()).decode()
    cookie = quote(quote(f'<cookie page="{number - 1}"><last value="{inner}" /></cookie>', safe=""), safe="")
    return f'<cookie pagenumber="{number}" pagingcookie="{cookie}" istracking="False" />'


def _after_cookie(
    env: Environment, table: Table, query: Query, rows: list[Row], options: str
) -> tuple[list[Row], int]:
    """Return the rows behind the one where the last page ended, wherever that row is now."""
    try:
        token = query.skiptoken or ""
        number = int(token.split('pagenumber="', 1)[1].split('"', 1)[0])
        inner = token.split("last%2520value%253D%2522", 1)[1].split("%2522", 1)[0].replace("%253D", "=")
        fingerprint, position = json.loads(base64.urlsafe_b64decode(inner))
    except (IndexError, ValueError) as error:
        raise bad_request("Malformed XML in the Paging Cookie.", "0x80040224") from error
    if fingerprint != _fingerprint(options):
        raise bad_request("The paging cookie does not belong to this query.", "0x80040224")
    for index, row in enumerate(rows):
        if _position(env, table, query, row) == position:
            return rows[index + 1 :], number
    return [row for row in rows if _is_behind(env, table, query, row, position)], number


def _is_behind(env: Environment, table: Table, query: Query, row: Row, position: list[Any]) -> bool:
    """The row where the page ended has moved or gone: compare with where it stood."""
    own = _position(env, table, query, row)
    for order, mine, last in zip(query.orderby, own[1:], position[1:], strict=True):
        if mine != last:
            return ((mine or "") > (last or "")) is not order.descending
    return bool(own[0] > position[0])


def _fingerprint(options: str) -> str:
    return hashlib.sha256(options.encode()).hexdigest()[:16]


def represent(
    env: Environment, caller: Caller, table: Table, row: Row, query: Query, annotations: Annotations
) -> dict[str, Any]:
    """Return one row as JSON: etag, the selected columns, then what was expanded."""
    shown: dict[str, Any] = {"@odata.etag": etag(row)}
    for column in selected_columns(table, query):
        show_column(env, column, row, shown, annotations.wants)
    for name, inner in query.expand:
        shown |= _expand(env, caller, table, row, name, inner, annotations)
    return shown


def selected_columns(table: Table, query: Query) -> list[Column]:
    """Return the columns to show. The primary key always comes along, and the currency with any money column."""
    if not query.select:
        return [column for column in table.columns.values() if not column.write_only]
    chosen: dict[str, Column] = {}
    for name in query.select:
        column = table.navigations[name].column if name in table.navigations else property_of(table, name)
        chosen[column.name] = column
    if any(column.kind == "money" for column in chosen.values()) and "transactioncurrencyid" in table.columns:
        chosen.setdefault("transactioncurrencyid", table.columns["transactioncurrencyid"])
    chosen.setdefault(table.primary_id, table.columns[table.primary_id])
    return list(chosen.values())


def _expand(
    env: Environment, caller: Caller, table: Table, row: Row, name: str, query: Query, annotations: Annotations
) -> dict[str, Any]:
    if name in table.navigations and table.navigations[name].target in env.schema.by_name:
        navigation = table.navigations[name]
        target = env.schema.by_name[navigation.target]
        env.demand(caller, "Read", target)
        related = related_row(env.store, navigation, row)
        check_query(env, target, query)
        return {name: None if related is None else represent(env, caller, target, related, query, annotations)}
    if name in table.collections:
        collection = table.collections[name]
        child = env.schema.by_name[collection.table]
        env.demand(caller, "Read", child)
        check_query(env, child, query)
        rows = collection_rows(env, table, row, name)
        chosen = select_rows(env, child, query, rows)[: query.top]
        return {name: [represent(env, caller, child, one, query, annotations) for one in chosen]}
    if name in table.associations:
        target = env.schema.by_name[table.associations[name].target]
        check_query(env, target, query)
        chosen = select_rows(env, target, query, associated_rows(env, caller, table, row, name))[: query.top]
        return {name: [represent(env, caller, target, one, query, annotations) for one in chosen]}
    raise unknown_property(name, table.logical_name)


def collection_rows(env: Environment, table: Table, row: Row, name: str) -> list[Row]:
    collection = table.collections[name]
    ids = env.store.children(collection.table, collection.column.name, row[table.primary_id])
    return [env.row(collection.table, one) for one in ids]


def check_query(env: Environment, table: Table, query: Query) -> None:
    """Raise Refused for unknown properties even when there are no rows to show."""
    selected_columns(table, query)
    _orders(env, table, query.orderby)
    if query.filter:
        compile_filter(
            World(env.schema, env.store, env.now(), query.aliases, env.nulls_are_unequal), table, query.filter
        )
    for name, inner in query.expand:
        target = _expanded_table(table, name)
        if target not in env.schema.by_name:
            raise unknown_property(name, table.logical_name)
        check_query(env, env.schema.by_name[target], inner)


def _expanded_table(table: Table, name: str) -> str:
    """Return the table behind a navigation property; empty when there is none of that name."""
    if name in table.navigations:
        return table.navigations[name].target
    if name in table.collections:
        return table.collections[name].table
    return table.associations[name].target if name in table.associations else ""


def as_plain(table: Table, row: Row) -> dict[str, Any]:
    """Return every column under its Web API name, for assertions."""
    shown: dict[str, Any] = {column.property_name: None for column in table.columns.values()}
    for name, value in row.items():
        if name in table.columns:
            property_name = table.columns[name].property_name
            shown[property_name] = to_json(value)
            if isinstance(value, Ref):
                shown[f"{property_name}@Microsoft.Dynamics.CRM.lookuplogicalname"] = value.table
    return shown
