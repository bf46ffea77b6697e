"""The query functions of Dataverse's own: In, Between, On, LastXDays and their like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from simulators.dataverse.comparing import Getter, Predicate, compare, literal_for, plain
from simulators.dataverse.errors import bad_request
from simulators.dataverse.schema import Column


def named_function(name: str, column: Column, get: Getter, arguments: dict[str, Any], now: datetime) -> Predicate:
    """Return the predicate of one function; `arguments` are its parameters by name."""
    if name in _LISTS:
        return _list_function(name, column, get, arguments.get("PropertyValues"))
    if name in _DAYS:
        return _day_function(name, column, get, str(arguments.get("PropertyValue")))
    if name in _SPANS:
        count = int(arguments.get("PropertyValue") or 0)
        first, last = _SPANS[name](now.date(), count)
        return _between_days(get, first, last)
    raise bad_request(f"The query function {name} is not supported.")


_LISTS = ("In", "NotIn", "Between", "NotBetween", "ContainValues", "DoesNotContainValues")
_DAYS = ("On", "OnOrAfter", "OnOrBefore", "NotOn")
_Span = Callable[[date, int], tuple[date, date]]
_SPANS: dict[str, _Span] = {
    "Today": lambda today, _: (today, today),
    "Yesterday": lambda today, _: (today - timedelta(1), today - timedelta(1)),
    "Tomorrow": lambda today, _: (today + timedelta(1), today + timedelta(1)),
    "LastXDays": lambda today, days: (today - timedelta(days), today),
    "NextXDays": lambda today, days: (today, today + timedelta(days)),
    "Last7Days": lambda today, _: (today - timedelta(7), today),
}


def _list_function(name: str, column: Column, get: Getter, values: Any) -> Predicate:
    if not isinstance(values, list):
        raise bad_request(f"{name} needs PropertyValues.")
    wanted = [_typed(column, value) for value in values]
    if name.endswith("Between"):
        low, high = compare(get, "ge", wanted[0]), compare(get, "le", wanted[1])
        if name == "Between":
            return lambda row: low(row) and high(row)
        return lambda row: not (low(row) and high(row))
    options = frozenset(wanted)
    if name in ("In", "ContainValues"):
        return lambda row: plain(get(row)) in options
    return lambda row: plain(get(row)) not in options


def _typed(column: Column, text: Any) -> Any:
    """Lists hold strings, whatever the column's type is."""
    value = text
    if isinstance(text, str):
        match column.kind:
            case "integer" | "bigint" | "choice" | "state" | "status":
                value = int(text)
            case "decimal" | "double" | "money":
                value = _decimal(text)
            case "boolean":
                value = text.lower() in ("true", "1")
            case "date":
                value = date.fromisoformat(text)
    return literal_for(column, value, "Equal")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise bad_request(f"'{text}' is no number.") from error


def _day_function(name: str, column: Column, get: Getter, text: str) -> Predicate:
    if column.kind not in ("date", "datetime"):
        raise bad_request(f"{name} needs a date column.")
    wanted = date.fromisoformat(text[:10])
    match name:
        case "On":
            return _between_days(get, wanted, wanted)
        case "NotOn":
            on = _between_days(get, wanted, wanted)
            return lambda row: not on(row)
        case "OnOrAfter":
            return _between_days(get, wanted, date.max)
        case _:
            return _between_days(get, date.min, wanted)


def _between_days(get: Getter, first: date, last: date) -> Predicate:
    start = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last, time.max, UTC)

    def holds(row: dict[str, Any]) -> bool:
        value = get(row)
        if isinstance(value, datetime):
            return start <= value <= end
        return isinstance(value, date) and first <= value <= last

    return holds
