"""Xero's JSON: numbers with exact digits, dates as /Date(ms+0000)/, absent keys instead of nulls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from json.encoder import encode_basestring
from typing import Any

Record = dict[str, Any]
"""One element as Xero names its fields; keys with a leading underscore are ours and never leave."""

ZERO_ID = "00000000-0000-0000-0000-000000000000"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS_DATE = re.compile(r"^/Date\((-?\d+)([+-]\d{4})?\)/$")


class Zoneless(datetime):
    """A time that Xero writes as /Date(ms)/, without the offset."""


class Raw(str):
    """JSON text that is already rendered."""

    __slots__ = ()


def loads(text: str | bytes) -> Any:
    """Parse JSON; fractions come as Decimal. Raises ValueError."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> str:
    """Render records: Decimal, date and datetime as Xero writes them, None and private keys left out."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def _write(value: Any, emit: Callable[[str], Any]) -> None:
    if type(value) is dict:
        _write_object(value, emit)
    elif type(value) is list:
        for index, element in enumerate(value):
            emit("," if index else "[")
            _write(element, emit)
        emit("]" if value else "[]")
    else:
        emit(_scalar(value))


def _write_object(value: Record, emit: Callable[[str], Any]) -> None:
    separator = "{"
    for key, element in value.items():
        if element is None or key[0] == "_":
            continue
        emit(separator)
        emit(encode_basestring(key))
        emit(":")
        _write(element, emit)
        separator = ","
    emit("}" if separator == "," else "{}")


def _scalar(value: Any) -> str:
    render = _RENDER.get(type(value))
    if render is None:
        raise TypeError(f"not JSON: {value!r}")
    return render(value)


def number_text(value: Decimal) -> str:
    """Return the number with its exact digits and at least one decimal place: 40.0, 25.61."""
    text = format(value, "f")
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def stamp(value: date) -> str:
    """Return /Date(ms+0000)/; a calendar date is midnight UTC of that day."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    offset = "" if isinstance(value, Zoneless) else "+0000"
    return f"/Date({(value - _EPOCH) // timedelta(milliseconds=1)}{offset})/"


_RENDER: dict[type, Callable[[Any], str]] = {
    Raw: str,
    str: encode_basestring,
    type(None): lambda _value: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    Decimal: number_text,
    date: lambda value: f'"{stamp(value)}"',
    datetime: lambda value: f'"{stamp(value)}"',
    Zoneless: lambda value: f'"{stamp(value)}"',
}


def zoneless(value: datetime) -> Zoneless:
    return Zoneless(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, tzinfo=UTC
    )


def parse_time(text: str) -> datetime:
    """Read any form that requests may use; a time with an offset becomes UTC. Raises ValueError."""
    text = text.strip()
    if found := _MS_DATE.match(text):
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_date(value: Any) -> date:
    """Read a calendar date; a local time with an offset is converted to UTC and cut. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"not a date: {value!r}")  # noqa: TRY004 - the caller reports every unusable value alike
    return parse_time(value).date()


def parse_number(value: Any) -> Decimal:
    """Read a number, sent as a JSON number or as a string. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError(f"not a number: {value!r}")  # noqa: TRY004 - the caller reports every unusable value alike
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"not a number: {value!r}")
    return number


def units(text: str) -> int:
    """Return how long a text is in units of UTF-16: nothing says how Xero counts, but .NET does so."""
    return len(text.encode("utf-16-le")) // 2
