"""What a caller with British settings reads in a form: the FormattedValue of annotations and images."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

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
            return f"{_symbol(env, column, row)}{value:,.2f}"
        case "decimal" | "double" | "integer" | "bigint" if isinstance(value, Decimal | int):
            return f"{value:,}"
        case "datetime":
            return _local(env, value).strftime("%d/%m/%Y %H:%M")
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


def _symbol(env: Environment, column: Column, row: Row) -> str:
    currency = Ref("transactioncurrency", env.base_currency_id)
    if not column.name.endswith("_base"):
        currency = row.get("transactioncurrencyid") or currency
    found = env.store.find(currency.table, currency.id) or {}
    return str(found.get("currencysymbol") or "")
