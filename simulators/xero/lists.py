"""Lists: which records a GET returns, in which order, and on which page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.xero.call import Answer, Call, Refused, bad_request
from simulators.xero.codec import Record, parse_time
from simulators.xero.tables import Table
from simulators.xero.where import Fields, Query, QueryError, comparable, parse_order, parse_where

PAGE_SIZE = 100
PAGE_SIZE_MAX = 1000
HIGH_VOLUME = 100_000
Keep = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Page:
    """The records to show; `pagination` is None on an unpaged list."""

    records: list[Record]
    pagination: Record | None


@dataclass(frozen=True, slots=True)
class Source:
    """What a list draws from. `lists` maps parameters (IDs, ContactIDs) to the index they search, "" for the id."""

    table: Table
    fields: Fields
    lists: dict[str, str]
    paged_by: tuple[str, ...] = ("page",)
    """Parameters whose presence makes the list paged."""


def select(call: Call, source: Source, keep: list[Keep]) -> Page:
    """Return the page that the call asks for. Raises Refused with QueryParseException or HighVolumeException."""
    try:
        query = parse_where(call.params["where"], source.fields) if call.params.get("where") else None
        found: Iterable[Record] = _candidates(call, source, query)
        for test in [*keep, query.matches] if query else keep:
            found = filter(test, found)
        records = _ordered(list(found), call.params.get("order"), source)
    except QueryError as error:
        raise Refused(bad_request(16, "QueryParseException", str(error))) from error
    if any(call.params.get(name) not in {None, "", "false", "False"} for name in source.paged_by):
        return _page(records, call)
    if len(records) > HIGH_VOLUME:
        message = f"More than {HIGH_VOLUME} records match this request; use paging or narrow it."
        raise Refused(bad_request(51, "HighVolumeException", message))
    return Page(records, None)


def changed_after(call: Call) -> datetime | None:
    """Return If-Modified-Since to the second. Raises Refused (412) when it can't be read."""
    if not call.modified_since:
        return None
    try:
        return parse_time(call.modified_since).replace(microsecond=0)
    except ValueError as error:
        raise Refused(Answer(412)) from error


def _candidates(call: Call, source: Source, query: Query | None) -> Iterable[Record]:
    since = changed_after(call)
    narrowed = _listed(call, source)
    if narrowed is None and query is not None:
        narrowed = _indexed(source, query)
    if narrowed is None:
        return source.table.changed_since(since)
    found = sorted(narrowed.values(), key=lambda record: (record["UpdatedDateUTC"], record[source.table.id_field]))
    return [record for record in found if since is None or record["UpdatedDateUTC"] >= since]


def _listed(call: Call, source: Source) -> dict[str, Record] | None:
    narrowed: dict[str, Record] | None = None
    id_field = source.table.id_field
    for parameter, index in source.lists.items():
        values = call.listed(parameter)
        if not values:
            continue
        if index:
            found = {record[id_field]: record for value in values for record in source.table.found_by(index, value)}
        else:
            found = {value: source.table[value] for value in values if value in source.table}
        narrowed = found if narrowed is None else {key: narrowed[key] for key in narrowed.keys() & found.keys()}
    return narrowed


def _indexed(source: Source, query: Query) -> dict[str, Record] | None:
    id_field = source.table.id_field
    for name, value in query.equalities.items():
        if name == id_field:
            return {value: source.table[value]} if value in source.table else {}
        if source.table.has_index(name):
            return {record[id_field]: record for record in source.table.found_by(name, value)}
    return None


def _ordered(records: list[Record], order: str | None, source: Source) -> list[Record]:
    for getter, descending in reversed(parse_order(order, source.fields) if order else []):

        def key(record: Record, getter: Callable[[Record], Any] = getter) -> tuple[bool, Any]:
            value = comparable(getter(record))
            return (value is not None, value if value is not None else 0)

        records = sorted(records, key=key, reverse=descending)
    return records


def _page(records: list[Record], call: Call) -> Page:
    page, size = _whole(call, "page", 1), _whole(call, "pagesize", PAGE_SIZE)
    page, size = max(page, 1), min(max(size, 1), PAGE_SIZE_MAX)
    start = (page - 1) * size
    pagination = {
        "page": page,
        "pageSize": size,
        "pageCount": -(-len(records) // size),
        "itemCount": len(records),
    }
    return Page(records[start : start + size], pagination)


def _whole(call: Call, name: str, default: int) -> int:
    try:
        return int(call.params.get(name) or default)
    except ValueError as error:
        raise Refused(bad_request(16, "QueryParseException", f"The {name} must be a whole number.")) from error
