"""FetchXML over the Web API: joins, filters, orders and pages rows, and shows them with their aliases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from simulators.dataverse.comparing import plain
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request
from simulators.dataverse.fetchxml import Condition, Entity, Fetch, Filter, parse_fetch
from simulators.dataverse.http import Answer, Request, json_answer
from simulators.dataverse.operations import etag
from simulators.dataverse.schema import Column, Table
from simulators.dataverse.showing import show_column
from simulators.dataverse.store import Row

Joined = dict[str, Row | None]
"""Alias to row; "" is the entity itself. None: an outer link that found nothing."""
_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
_MORE = "Microsoft.Dynamics.CRM.morerecords"


def fetch(env: Environment, request: Request, table: Table, text: str) -> Answer:
    """Answer `GET set?fetchXml=`."""
    query = parse_fetch(env.schema, text)
    if query.entity.table is not table:
        raise bad_request(f"The entity of the query is not {table.logical_name}.", "0x80060888")
    for entity in _entities(query.entity):
        env.demand(request.caller, "Read", entity.table)
    rows = run_fetch(env, query)
    chosen, more = _page(query, rows)
    annotations = request.annotations()
    context = f"{request.root}$metadata#{table.set_name}"
    document: dict[str, Any] = {"@odata.context": context}
    if query.wants_total:
        document["@Microsoft.Dynamics.CRM.totalrecordcount"] = min(len(rows), 5000)
    if annotations.wants(_MORE):
        document[f"@{_MORE}"] = more
    if more and annotations.wants(_COOKIE):
        document[f"@{_COOKIE}"] = _paging_cookie(query, chosen[-1])
    document["value"] = [_show(env, query.entity, one, annotations.wants) for one in chosen]
    return json_answer(document)


def run_fetch(env: Environment, query: Fetch) -> list[Joined]:
    """Return all joined rows that pass, in order."""
    entity = query.entity
    joined: list[Joined] = []
    for row in env.store.all(entity.table.logical_name).values():
        joined.extend(_join_links(env, entity, {"": row}))
    passes = _compile(env, entity.filters, "")
    joined = [one for one in joined if passes(one)]
    if query.distinct:
        joined = _distinct(entity, joined)
    primary_id = entity.table.primary_id
    joined.sort(key=lambda one: _row(one, "")[primary_id])
    orders = [(order, order.alias or "") for order in entity.orders]
    orders += [(order, link.alias) for link in _entities(entity) if link.alias for order in link.orders]
    for order, alias in reversed(orders):
        joined.sort(key=partial(_sort_key, alias, order.column.name), reverse=order.descending)
    return joined


def _entities(entity: Entity) -> Iterator[Entity]:
    yield entity
    for link in entity.links:
        yield from _entities(link)


def _row(joined: Joined, alias: str) -> Row:
    return joined.get(alias) or {}


def _sort_key(alias: str, column: str, joined: Joined) -> tuple[Any, ...]:
    value = plain(_row(joined, alias).get(column))
    return (0,) if value is None else (1, value)


def _distinct(entity: Entity, joined: list[Joined]) -> list[Joined]:
    seen: dict[tuple[Any, ...], Joined] = {}
    for one in joined:
        shown = tuple(
            plain(_row(one, part.alias).get(attribute.column.name))
            for part in _entities(entity)
            for attribute in part.attributes
        )
        seen.setdefault(shown, one)
    return list(seen.values())


def _join_links(env: Environment, entity: Entity, joined: Joined) -> list[Joined]:
    """Return the combinations of a row with its links; none when an inner link finds nothing."""
    results = [joined]
    for link in entity.links:
        results = [wider for one in results for wider in _join_link(env, entity, link, one)]
    return results


def _join_link(env: Environment, entity: Entity, link: Entity, joined: Joined) -> list[Joined]:
    passes = _compile(env, link.filters, link.alias)
    found: list[Joined] = []
    for row in _matching(env, link, _row(joined, entity.alias)):
        wider = joined | {link.alias: row}
        if passes(wider):
            found.extend(_join_links(env, link, wider))
    match link.link_type:
        case "any":
            return [joined] if found else []
        case "not any":
            return [] if found else [joined]
        case "outer" if not found:
            return [joined | {inner.alias: None for inner in _entities(link)}]
        case _:
            return found


def _matching(env: Environment, link: Entity, parent: Row) -> Iterator[Row]:
    assert link.from_ is not None
    assert link.to is not None
    wanted = plain(parent.get(link.to.name))
    if wanted is None:
        return
    name, column = link.table.logical_name, link.from_
    if column.name == link.table.primary_id:
        row = env.store.find(name, wanted)
        if row is not None:
            yield row
    elif column.kind == "lookup":
        for row_id in env.store.children(name, column.name, wanted):
            yield env.row(name, row_id)
    else:
        yield from (row for row in env.store.all(name).values() if plain(row.get(column.name)) == wanted)


Test = Callable[[Joined], bool]


def _compile(env: Environment, filters: tuple[Filter, ...], alias: str) -> Test:
    tests = [_compile_filter(env, one, alias) for one in filters]
    return lambda joined: all(test(joined) for test in tests)


def _compile_filter(env: Environment, one: Filter, alias: str) -> Test:
    tests = [_compile_condition(env, condition, alias) for condition in one.conditions]
    tests += [_compile_filter(env, inner, alias) for inner in one.filters]
    if one.is_or:
        return lambda joined: any(test(joined) for test in tests)
    return lambda joined: all(test(joined) for test in tests)


def _compile_condition(env: Environment, condition: Condition, alias: str) -> Test:
    alias = condition.alias if condition.alias is not None else alias
    holds = _operator(env, condition)
    name = condition.column.name

    def test(joined: Joined) -> bool:
        return holds(plain((joined.get(alias) or {}).get(name)))

    return test


def _operator(env: Environment, condition: Condition) -> Callable[[Any], bool]:
    """Return the test of one value. Negated operators include nulls, as in the database's translation."""
    operator, values = condition.operator, condition.values
    if operator in _UNARY:
        return _UNARY[operator]
    if operator in _DAYS:
        return _day_test(env, operator, values)
    if not values:
        raise bad_request(f"The operator '{operator}' needs a value.", "0x80041139")
    if operator in _LISTS:
        return partial(_LISTS[operator], values)
    if operator in _PATTERNS:
        pattern = re.compile(_PATTERNS[operator](str(values[0])), re.DOTALL)
        wanted = not operator.startswith("not")
        return lambda value: (isinstance(value, str) and pattern.fullmatch(value) is not None) is wanted
    if operator not in _BINARY:
        raise bad_request(f"The condition operator '{operator}' is not supported.", "0x80041138")
    return partial(_BINARY[operator], values[0])


def _is_null(value: Any) -> bool:
    return value is None


_UNARY: dict[str, Callable[[Any], bool]] = {"null": _is_null, "not-null": lambda value: value is not None}
_BINARY: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda wanted, value: bool(value == wanted),
    "ne": lambda wanted, value: bool(value != wanted),
    "neq": lambda wanted, value: bool(value != wanted),
    "gt": lambda wanted, value: value is not None and bool(value > wanted),
    "ge": lambda wanted, value: value is not None and bool(value >= wanted),
    "lt": lambda wanted, value: value is not None and bool(value < wanted),
    "le": lambda wanted, value: value is not None and bool(value <= wanted),
}
_LISTS: dict[str, Callable[[tuple[Any, ...], Any], bool]] = {
    "in": lambda wanted, value: value in wanted,
    "not-in": lambda wanted, value: value not in wanted,
    "between": lambda wanted, value: value is not None and bool(wanted[0] <= value <= wanted[1]),
    "not-between": lambda wanted, value: value is None or not wanted[0] <= value <= wanted[1],
}


def _like(pattern: str) -> str:
    """LIKE's % and _ as a regular expression."""
    return "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in pattern)


_PATTERNS: dict[str, Callable[[str], str]] = {
    "like": _like,
    "not-like": _like,
    "begins-with": lambda text: re.escape(text) + ".*",
    "not-begin-with": lambda text: re.escape(text) + ".*",
    "ends-with": lambda text: ".*" + re.escape(text),
    "not-end-with": lambda text: ".*" + re.escape(text),
}
_DAYS = frozenset(
    {"on", "on-or-after", "on-or-before", "today", "yesterday", "last-x-days", "next-x-days", "older-than-x-days"}
)


def _day_test(env: Environment, operator: str, values: tuple[Any, ...]) -> Callable[[Any], bool]:
    today = env.now().date()
    first, last = date.min, date.max
    match operator:
        case "today":
            first = last = today
        case "yesterday":
            first = last = today - timedelta(1)
        case "last-x-days":
            first, last = today - timedelta(values[0]), today
        case "next-x-days":
            first, last = today, today + timedelta(values[0])
        case "older-than-x-days":
            last = today - timedelta(values[0] + 1)
        case _:
            wanted = values[0].date() if isinstance(values[0], datetime) else values[0]
            first = first if operator == "on-or-before" else wanted
            last = last if operator == "on-or-after" else wanted
    start, end = datetime.combine(first, time.min, UTC), datetime.combine(last, time.max, UTC)

    def holds(value: Any) -> bool:
        if isinstance(value, datetime):
            return start <= value <= end
        return value is not None and first <= value <= last

    return holds


def _page(query: Fetch, rows: list[Joined]) -> tuple[list[Joined], bool]:
    if query.top is not None:
        return rows[: query.top], False
    start = (query.page - 1) * query.count
    return rows[start : start + query.count], len(rows) > start + query.count


def _paging_cookie(query: Fetch, last: Joined) -> str:
    primary_id = query.entity.table.primary_id
    inner = f'<cookie page="{query.page}"><{primary_id} last="{{{_row(last, "")[primary_id]}}}" first="" /></cookie>'
    cookie = quote(quote(inner, safe=""), safe="")
    return f'<cookie pagenumber="{query.page + 1}" pagingcookie="{cookie}" istracking="False" />'


def _show(env: Environment, entity: Entity, joined: Joined, wants: Callable[[str], bool]) -> dict[str, Any]:
    row = _row(joined, "")
    shown: dict[str, Any] = {"@odata.etag": etag(row)}
    primary = entity.table.columns[entity.table.primary_id]
    show_column(env, primary, row, shown, wants)
    for part in _entities(entity):
        if part.link_type in ("any", "not any"):
            continue
        for attribute in part.attributes:
            _show_attribute(env, part, attribute.column, attribute.alias, _row(joined, part.alias), shown, wants)
    return shown


def _show_attribute(
    env: Environment,
    part: Entity,
    column: Column,
    alias: str | None,
    row: Row,
    shown: dict[str, Any],
    wants: Callable[[str], bool],
) -> None:
    if alias is None and not part.alias:
        show_column(env, column, row, shown, wants)
        return
    # What comes under an alias keeps its logical name, lookups too, and is absent when null.
    if row.get(column.name) is None:
        return
    own: dict[str, Any] = {}
    show_column(env, column, row, own, wants)
    name = alias or f"{part.alias}.{column.name}"
    shown |= {name + key.removeprefix(column.property_name): value for key, value in own.items()}
