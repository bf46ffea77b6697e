"""Column values between JSON and the store: what each kind of column takes, and how it looks when read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.schema import Column, Ref

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONEY_LIMIT = Decimal("922337203685477")


def round_to(value: Decimal, places: int) -> Decimal:
    """Half away from zero.

    No published source says how Dynamics treats ties. It is decided here, for every amount and quantity: as its
    database rounds (SQL Server's ROUND).
    """
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def parse_moment(literal: str) -> datetime | None:
    """Return UTC to the second; a day alone is its midnight. None when it is no date."""
    try:
        parsed = datetime.fromisoformat(literal)
    except ValueError:
        return None
    aware = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return aware.replace(microsecond=0)


def format_moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def from_json(column: Column, table: str, value: Any) -> Any:
    """Return the value as the store keeps it; raises Refused when the column cannot take it."""
    if value is None:
        return None
    match column.kind:
        case "string" | "memo":
            return _text(column, table, value)
        case "integer" | "bigint":
            return _whole(column, table, value)
        case "decimal" | "double" | "money":
            return _number(column, table, value)
        case "boolean":
            return _truth(value)
        case "datetime":
            return _moment(value)
        case "date":
            return _day(value)
        case "choice" | "state" | "status":
            return _option(column, table, value)
        case "guid":
            return _guid(value)
        case _:
            raise AssertionError(column.kind)  # lookups are bound, not written


def to_json(value: Any) -> Any:
    """Return the value as the Web API shows it."""
    if value is None:
        return None
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _mismatch(value: Any, edm: str) -> Refused:
    return bad_request(
        "Error identified in Payload provided by the user for Entity :'', InnerException : "
        f"Microsoft.OData.ODataException: Cannot convert the literal '{value}' to the expected type '{edm}'.",
        "0x80048d19",
    )


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, "Edm.Boolean")
    return value


def _text(column: Column, table: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "Edm.String")
    if len(value.encode("utf-16-le")) // 2 > column.max_length:  # as .NET counts, and the database keeps
        raise bad_request(
            f"A validation error occurred.  The length of the '{column.name}' attribute of the '{table}' entity "
            f"exceeded the maximum allowed length of '{column.max_length}'.",
            "0x80044331",
        )
    return value


def _whole(column: Column, table: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _mismatch(value, "Edm.Int32")
    _check_range(column, table, Decimal(value), Decimal(-(2**31)), Decimal(2**31 - 1))
    return value


def _number(column: Column, table: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise _mismatch(value, "Edm.Decimal")
    number = Decimal(str(value))
    limit = MONEY_LIMIT if column.kind == "money" else Decimal(10) ** 11
    _check_range(column, table, number, -limit, limit)
    # Money is rounded later, when the row's currency is known.
    return number if column.kind == "money" else round_to(number, column.precision)


def _check_range(column: Column, table: str, value: Decimal, low: Decimal, high: Decimal) -> None:
    low = low if column.minimum is None else column.minimum
    high = high if column.maximum is None else column.maximum
    if not low <= value <= high:
        raise bad_request(
            f"A validation error occurred.  The value {value:f} of '{column.name}' on record of type '{table}' is "
            f"outside the valid range. Accepted values: {low:f} to {high:f}.",
            "0x80044330",
        )


def _moment(value: Any) -> datetime:
    moment = parse_moment(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise _mismatch(value, "Edm.DateTimeOffset")
    return moment.astimezone(UTC).replace(microsecond=0)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise _mismatch(value, "Edm.Date")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _mismatch(value, "Edm.Date") from error


def _option(column: Column, table: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _mismatch(value, "Edm.Int32")
    if column.kind == "choice" and column.options and value not in column.options:
        accepted = ",".join(str(option) for option in column.options)
        raise bad_request(
            f"A validation error occurred.  The value {value} of '{column.name}' on record of type '{table}' is "
            f"outside the valid range. Accepted Values: {accepted}",
            "0x80040203",
        )
    return value


def _guid(value: Any) -> str:
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise _mismatch(value, "Edm.Guid")
    return value.lower()
