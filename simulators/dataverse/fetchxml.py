"""FetchXML as text, read into values: entity, links, filters, orders, paging. Knows columns, not rows."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from simulators.dataverse.comparing import literal_for
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.schema import Column, Schema, Table
from simulators.dataverse.values import GUID, parse_moment

LINKS_MAX = 15
LinkType = Literal["inner", "outer", "any", "not any"]
_LINK_TYPES: dict[str, LinkType] = {
    "inner": "inner",
    "natural": "inner",
    "outer": "outer",
    "any": "any",
    "exists": "any",
    "in": "any",
    "not any": "not any",
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column to return, under `alias` when it has one."""

    column: Column
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """`alias` is the link whose column is meant; None is the element that the filter stands in."""

    column: Column
    operator: str
    values: tuple[Any, ...]
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    is_or: bool
    conditions: tuple[Condition, ...]
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class FetchOrder:
    column: Column
    descending: bool
    alias: str | None


@dataclass(frozen=True, slots=True)
class Entity:
    """The entity element, or a link to one; a link has `link_type`, and `from_` is on its own side."""

    table: Table
    alias: str
    attributes: tuple[Attribute, ...]
    filters: tuple[Filter, ...]
    orders: tuple[FetchOrder, ...]
    links: tuple[Entity, ...]
    from_: Column | None = None
    to: Column | None = None
    link_type: LinkType = "inner"


@dataclass(frozen=True, slots=True)
class Fetch:
    entity: Entity
    top: int | None
    count: int
    page: int
    distinct: bool
    wants_total: bool


def parse_fetch(schema: Schema, text: str) -> Fetch:
    """Return the query; raises Refused 400 when it is not FetchXML or names what there is not."""
    try:
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise bad_request(f"Invalid XML: {error}", "0x80040201") from error
    if root.tag != "fetch" or root.find("entity") is None:
        raise bad_request("Invalid FetchXML: the fetch or entity element is missing.", "0x80040201")
    if root.get("aggregate") == "true":
        raise bad_request("Aggregate queries are not supported here.", "0x80040201")
    element = root.find("entity")
    assert element is not None
    top = root.get("top")
    if top is not None and (root.get("page") or root.get("count")):
        raise bad_request("The top attribute can't be specified with paging attribute page.", "0x80040203")
    return Fetch(
        entity=_Reader(schema, element).entity(),
        top=int(top) if top else None,
        count=min(int(root.get("count") or 5000), 5000),
        page=int(root.get("page") or 1),
        distinct=root.get("distinct") == "true",
        wants_total=root.get("returntotalrecordcount") == "true",
    )


class _Reader:
    """Reads one query; collects the links' aliases first, because filters of the entity may name them."""

    def __init__(self, schema: Schema, element: ET.Element) -> None:
        self._schema = schema
        self._element = element
        self._aliases: dict[str, Table] = {}
        self._unnamed = 0
        self._given: dict[int, str] = {}

    def entity(self) -> Entity:
        links = list(self._element.iter("link-entity"))
        if len(links) > LINKS_MAX:
            raise bad_request(f"Number of link entities exceeded the limit of {LINKS_MAX}.", "0x8004430D")
        for link in links:
            alias = link.get("alias") or self._next_alias(link.get("name", ""))
            self._given[id(link)] = alias
            self._aliases[alias] = self._table(link.get("name", ""))
        table = self._table(self._element.get("name", ""))
        return Entity(table=table, alias="", **self._parts(self._element, table))

    def _next_alias(self, name: str) -> str:
        self._unnamed += 1
        return f"{name}{self._unnamed}"

    def _parts(self, element: ET.Element, table: Table) -> Any:
        return {
            "attributes": self._attributes(element, table),
            "filters": tuple(self._filter(one, table) for one in element.findall("filter")),
            "orders": tuple(self._order(one, table) for one in element.findall("order")),
            "links": tuple(self._link(one, table) for one in element.findall("link-entity")),
        }

    def _link(self, element: ET.Element, parent: Table) -> Entity:
        table = self._table(element.get("name", ""))
        link_type = _LINK_TYPES.get(element.get("link-type", "inner"))
        if link_type is None:
            raise bad_request(f"The link type '{element.get('link-type')}' is not supported.", "0x80040203")
        return Entity(
            table=table,
            alias=self._given[id(element)],
            from_=_column(table, element.get("from") or table.primary_id),
            to=_column(parent, element.get("to") or parent.primary_id),
            link_type=link_type,
            **self._parts(element, table),
        )

    def _attributes(self, element: ET.Element, table: Table) -> tuple[Attribute, ...]:
        if element.find("all-attributes") is not None:
            return tuple(Attribute(column) for column in table.columns.values() if not column.write_only)
        found = element.findall("attribute")
        return tuple(Attribute(_column(table, one.get("name", "")), one.get("alias")) for one in found)

    def _order(self, element: ET.Element, table: Table) -> FetchOrder:
        alias = element.get("entityname")
        table = self._aliased(alias) if alias else table
        return FetchOrder(_column(table, element.get("attribute", "")), element.get("descending") == "true", alias)

    def _filter(self, element: ET.Element, table: Table) -> Filter:
        return Filter(
            is_or=element.get("type", "and") == "or",
            conditions=tuple(self._condition(one, table) for one in element.findall("condition")),
            filters=tuple(self._filter(one, table) for one in element.findall("filter")),
        )

    def _condition(self, element: ET.Element, table: Table) -> Condition:
        alias = element.get("entityname")
        table = self._aliased(alias) if alias else table
        column = _column(table, element.get("attribute", ""))
        operator = element.get("operator", "")
        texts = [value.text or "" for value in element.findall("value")]
        given = element.get("value")
        texts = [given] if given is not None else texts
        return Condition(column, operator, tuple(_value(column, operator, one) for one in texts), alias)

    def _aliased(self, alias: str) -> Table:
        if alias not in self._aliases:
            raise bad_request(f"The linked entity '{alias}' does not exist in the query.", "0x80041102")
        return self._aliases[alias]

    def _table(self, name: str) -> Table:
        table = self._schema.by_name.get(name)
        if table is None:
            raise bad_request(f"The entity with a name = '{name}' was not found in the MetadataCache.", "0x80041102")
        return table


def _column(table: Table, name: str) -> Column:
    column = table.columns.get(name)
    if column is None or column.write_only:
        raise bad_request(
            f"'{table.logical_name}' entity doesn't contain attribute with Name = '{name}' "
            "and NameMapping = 'Logical'.",
            "0x80041103",
        )
    return column


_NUMBER_OPERATORS = frozenset({"last-x-days", "next-x-days", "last-x-hours", "older-than-x-days"})
_PATTERN_OPERATORS = frozenset({"like", "not-like", "begins-with", "ends-with", "not-begin-with", "not-end-with"})


def _value(column: Column, operator: str, text: str) -> Any:
    """Return a condition's text in the form that the column's values are compared in."""
    if operator in _NUMBER_OPERATORS:
        return int(text)
    if operator in _PATTERN_OPERATORS:
        return text.lower()
    read = _READERS.get(column.kind, str)
    try:
        return literal_for(column, read(text.strip() if read is not str else text), "Equal")
    except (ValueError, InvalidOperation) as error:
        raise _unreadable(column, text) from error


def _guid(text: str) -> str:
    bare = text.strip("{}")
    if not GUID.fullmatch(bare):
        raise ValueError(text)
    return bare


def _moment(text: str) -> Any:
    moment = parse_moment(text)
    if moment is None:
        raise ValueError(text)
    return moment


def _truth(text: str) -> bool:
    return text.lower() in ("1", "true")


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "bigint": int,
    "choice": int,
    "state": int,
    "status": int,
    "decimal": Decimal,
    "double": Decimal,
    "money": Decimal,
    "boolean": _truth,
    "datetime": _moment,
    "date": _day,
    "guid": _guid,
    "lookup": _guid,
}


def _unreadable(column: Column, text: str) -> Refused:
    return bad_request(f"The value '{text}' passed for the condition on '{column.name}' is not valid.", "0x80041139")
