"""What a caller with British settings reads in a form: the FormattedValue of annotations and images."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from simulators.dataverse.currency import currency_places, places
from simulators.dataverse.environment import Environment
from simulators.dataverse.schema import Column, Ref
from simulators.dataverse.store import Row


def formatted(env: Environment, column: Column, value: Any, row: Row) -> str | None:
    """Return the display text of a value, or None where Dataverse gives none."""
    match column.kind:
        case "choice" | "state" | "status":
            return column.options.get(value)
        case "boolean":
            return column.options.get(int(value)) or ("Yes" if value else "No")
        case "money":
            return _money(env, column, value, row)
        case "decimal" | "double" | "integer" | "bigint" if isinstance(value, Decimal | int):
            return f"{value:,}"
        case "datetime":
            moment = _local(env, value) if column.behavior == "UserLocal" else value
            return moment.strftime("%d/%m/%Y" if column.date_format == "DateOnly" else "%d/%m/%Y %H:%M")
        case "date" if isinstance(value, date):
            return value.strftime("%d/%m/%Y")
        case "lookup":
            return name_of(env, value)
        case _:
            return None


def _local(env: Environment, value: datetime) -> datetime:
    return value.astimezone(ZoneInfo(env.timezone))


def name_of(env: Environment, ref: Ref) -> str | None:
    """Return the primary name of the row that a lookup names."""
    table = env.schema.by_name.get(ref.table)
    row = env.store.find(ref.table, ref.id) if table else None
    return None if row is None or table is None else row.get(table.primary_name)


def _money(env: Environment, column: Column, value: Decimal, row: Row) -> str:
    """The currency's symbol and the digits that the column keeps; what is in base currency shows that one's."""
    currency = Ref("transactioncurrency", env.base_currency_id)
    in_base = column.name.endswith("_base")
    if not in_base:
        own = row.get("transactioncurrencyid")
        currency = own if own and env.store.find("transactioncurrency", own.id) else currency
    digits = currency_places(env, currency) if in_base else places(env, column, currency)
    symbol = str(env.row("transactioncurrency", currency.id).get("currencysymbol") or "")
    return f"{'-' if value < 0 else ''}{symbol}{abs(value):,.{digits}f}"
