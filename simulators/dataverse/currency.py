"""Currency of a row: its rate, its precision, and the base-currency twin of each money column."""

from __future__ import annotations

from decimal import Decimal

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request
from simulators.dataverse.money import in_base_currency
from simulators.dataverse.schema import Column, Ref, Table
from simulators.dataverse.store import Row
from simulators.dataverse.values import round_to

_NONE = Column("", "string")


def apply_currency(env: Environment, table: Table, before: Row | None, row: Row) -> None:
    """Fill in currency and rate, round the money columns, and compute what they are in base currency."""
    if table.columns.get("transactioncurrencyid", _NONE).kind != "lookup" or "exchangerate" not in table.columns:
        return
    amounts = [column for column in table.columns_of("money") if not column.name.endswith("_base")]
    currency = row.get("transactioncurrencyid")
    if currency is None and any(row.get(column.name) is not None for column in amounts):
        currency = row["transactioncurrencyid"] = _missing_currency(env, before, row)
    if currency is None:
        row.pop("exchangerate", None)
    elif before is None or before.get("transactioncurrencyid") != currency or row.get("exchangerate") is None:
        # The rate is a snapshot: later changes of the currency's rate do not reach the row.
        row["exchangerate"] = _rate(env, currency)
    for column in amounts:
        _settle_amount(env, column, currency, row)


def _missing_currency(env: Environment, before: Row | None, row: Row) -> Ref:
    """Return the currency of a row that gets an amount and has none; it cannot be taken from under amounts.

    A row without amounts may be without currency. What the platform does when the first amount is written to such a
    row by an app is not published; both ways have been told of, so both can be had.
    """
    emptied = before is not None and before.get("transactioncurrencyid") is not None
    if emptied or env.missing_currency == "refused":
        raise bad_request("The currency cannot be null.", "0x80048CF6")
    settings = env.store.find("usersettings", row["modifiedby"].id) if "modifiedby" in row else None
    own = settings.get("transactioncurrencyid") if settings else None
    return own if isinstance(own, Ref) else Ref("transactioncurrency", env.base_currency_id)


def _settle_amount(env: Environment, column: Column, currency: Ref | None, row: Row) -> None:
    amount = row.get(column.name)
    base = f"{column.name}_base"
    if amount is None or currency is None:
        row.pop(base, None)
        return
    row[column.name] = rounded = round_to(amount, places(env, column, currency))
    row[base] = in_base_currency(rounded, row["exchangerate"])


def places(env: Environment, column: Column, currency: Ref) -> int:
    match column.precision_source:
        case 1:
            return int(env.organization().get("pricingdecimalprecision", 2))
        case 2:
            return currency_places(env, currency)
        case _:
            return column.precision


def currency_places(env: Environment, currency: Ref) -> int:
    return int(env.row("transactioncurrency", currency.id)["currencyprecision"])


def _rate(env: Environment, currency: Ref) -> Decimal:
    rate = env.row("transactioncurrency", currency.id).get("exchangerate")
    if rate is None or rate <= 0:
        raise bad_request("The exchange rate of the currency is not valid.", "0x80048CFB")
    return Decimal(rate)
