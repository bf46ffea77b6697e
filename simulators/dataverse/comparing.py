"""Comparing column values as the database does: text without case, nulls never equal, kinds never mixed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.schema import Column, Kind
from simulators.dataverse.store import Row, comparable
from simulators.dataverse.values import GUID, parse_moment

Getter = Callable[[Row], Any]
Predicate = Callable[[Row], bool]

_EDM: dict[Kind, str] = {
    "string": "Edm.String", "memo": "Edm.String", "integer": "Edm.Int32", "bigint": "Edm.Int64",
    "decimal": "Edm.Decimal", "double": "Edm.Double", "money": "Edm.Decimal", "boolean": "Edm.Boolean",
    "datetime": "Edm.DateTimeOffset", "date": "Edm.Date", "choice": "Edm.Int32", "state": "Edm.Int32",
    "status": "Edm.Int32", "lookup": "Edm.Guid", "guid": "Edm.Guid",
}  # fmt: skip
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
OPERATOR_KINDS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}


def plain(value: Any) -> Any:
    """Return a stored value in the form in which values are compared."""
    return comparable(value)


def literal_for(column: Column, literal: Any, kind: str) -> Any:
    """Return a literal in comparable form; raises Refused when its type does not fit the column."""
    match column.kind:
        case "string" | "memo" if isinstance(literal, str):
            return comparable(literal)
        case "integer" | "bigint" | "decimal" | "double" | "money" | "choice" | "state" | "status":
            if isinstance(literal, int | Decimal) and not isinstance(literal, bool):
                return literal
        case "boolean" if isinstance(literal, bool):
            return literal
        case "lookup" | "guid" if isinstance(literal, str) and GUID.fullmatch(literal):
            return literal.lower()
        case "datetime":
            return _moment_literal(literal, kind)
        case "date" if isinstance(literal, date) and not isinstance(literal, datetime):
            return literal
    raise _incompatible(column, literal, kind)


def _moment_literal(literal: Any, kind: str) -> datetime:
    if isinstance(literal, datetime):
        return literal
    if isinstance(literal, date):
        return datetime(literal.year, literal.month, literal.day, tzinfo=UTC)
    parsed = parse_moment(literal) if isinstance(literal, str) else None
    if parsed is None:
        raise _incompatible(Column("", "datetime"), literal, kind)
    return parsed


def _incompatible(column: Column, literal: Any, kind: str) -> Refused:
    found = {bool: "Edm.Boolean", int: "Edm.Int32", Decimal: "Edm.Decimal", str: "Edm.String", date: "Edm.Date"}
    edm = found.get(type(literal), "Edm.DateTimeOffset")
    return bad_request(
        "A binary operator with incompatible types was detected. "
        f"Found operand types '{_EDM[column.kind]}' and '{edm}' for operator kind '{kind}'."
    )


def compare(get: Getter, word: str, wanted: Any, *, nulls_are_unequal: bool = True) -> Predicate:
    """Return a predicate for `get(row) <word> wanted`; `wanted` None means null.

    `nulls_are_unequal`: `ne` includes rows that have no value.
    """
    if word == "eq":
        return lambda row: plain(get(row)) == wanted
    if word == "ne" and (nulls_are_unequal or wanted is None):
        return lambda row: plain(get(row)) != wanted
    if word == "ne":
        return lambda row: plain(get(row)) not in (None, wanted)
    test = _ORDERINGS[word]
    if wanted is None:
        return lambda _row: False

    def holds(row: Row) -> bool:
        value = get(row)
        return value is not None and test(plain(value), wanted)

    return holds


def compare_columns(get: Getter, word: str, other: Getter) -> Predicate:
    def holds(row: Row) -> bool:
        left, right = plain(get(row)), plain(other(row))
        if word in ("eq", "ne"):
            return bool(left == right) is (word == "eq")
        return left is not None and right is not None and _ORDERINGS[word](left, right)

    return holds


def text_test(get: Getter, word: str, wanted: str) -> Predicate:
    """contains, startswith, endswith; without case."""
    wanted = wanted.lower()

    def holds(row: Row) -> bool:
        value = get(row)
        if not isinstance(value, str):
            return False
        value = value.lower()
        if word == "contains":
            return wanted in value
        return value.startswith(wanted) if word == "startswith" else value.endswith(wanted)

    return holds
