"""The query options of a read, from text to values; knows the grammar, not the rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl

from simulators.dataverse.errors import bad_request

_KNOWN = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$apply", "$deltatoken"}
)
_EXPANDS_MAX = 15


@dataclass(frozen=True, slots=True)
class Order:
    path: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One read. Empty `select` means every column."""

    select: tuple[str, ...] = ()
    filter: str | None = None
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    expand: tuple[tuple[str, Query], ...] = ()
    skiptoken: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


@lru_cache  # each is read more than once
def read_parameters(query_string: str) -> Mapping[str, str]:
    return MappingProxyType(dict(parse_qsl(query_string, keep_blank_values=True)))


def read_query(parameters: Mapping[str, str]) -> Query:
    """Return the query that the URL's parameters describe; raises Refused for an option there is not."""
    for name in parameters:
        if name.startswith("$") and name not in _KNOWN:
            raise bad_request(f"The query parameter {name} is not supported.")
    return _read(parameters, {name: value for name, value in parameters.items() if name.startswith("@")})


def _read(options: Mapping[str, str], aliases: Mapping[str, str]) -> Query:
    return Query(
        select=tuple(name.strip() for name in options.get("$select", "").split(",") if name.strip() not in ("", "*")),
        filter=options.get("$filter") or None,
        orderby=_read_orderby(options.get("$orderby", "")),
        top=_read_top(options.get("$top")),
        count=options.get("$count", "false").lower() == "true",
        expand=_read_expand(options.get("$expand", ""), aliases),
        skiptoken=options.get("$skiptoken"),
        aliases=aliases,
    )


def _read_orderby(text: str) -> tuple[Order, ...]:
    orders = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([\w/]+)(?:\s+(asc|desc))?", part)
        if match is None:
            raise bad_request(f"Syntax error in $orderby: '{part}'.")
        orders.append(Order(match.group(1), match.group(2) == "desc"))
    return tuple(orders)


def _read_top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise bad_request(f"Invalid value '{text}' for $top query option found. A non-negative integer is required.")
    return int(text)


def _read_expand(text: str, aliases: Mapping[str, str]) -> tuple[tuple[str, Query], ...]:
    expands = []
    for part in split_outside(text, ","):
        name, _, rest = part.strip().partition("(")
        if rest and not rest.endswith(")"):
            raise bad_request(f"Syntax error in $expand: '{part}'.")
        options = dict(_read_option(option) for option in split_outside(rest[:-1], ";"))
        expands.append((name.strip(), _read(options, aliases)))
    if len(expands) > _EXPANDS_MAX:
        raise bad_request(f"Number of expands exceeded the limit of {_EXPANDS_MAX}.")
    return tuple(expands)


def _read_option(text: str) -> tuple[str, str]:
    name, equals, value = text.strip().partition("=")
    if not equals or name not in _KNOWN:
        raise bad_request(f"Syntax error in $expand: '{text}'.")
    return name, value


def split_outside(text: str, separator: str) -> list[str]:
    """Split at separators that are inside neither parentheses nor quotes; no text gives no parts."""
    parts, start, depth, quoted = [], 0, 0, False
    for position, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == separator and depth == 0 and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]] if text.strip() else parts
