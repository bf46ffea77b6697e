"""What customers owe (rule D8): Xero's balances of their contacts → the columns of account and contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.money import dumps, exact, loads, round_to
from mappers.totals import amount

ZERO = Decimal(0)
DECIMALS_MAX = 4  # of a money column, whatever its currency has
ACTIVE = 0
NAMES = {"accounts": ("accountid", "name"), "contacts": ("contactid", "fullname")}
COLUMNS = "_transactioncurrencyid_value,stl3_amountowed,stl3_amountoverdue,stl3_balancecurrency,stl3_balances"
CURRENCY_SELECT = "transactioncurrencyid,isocurrencycode,exchangerate,currencyprecision,statecode"
ORGANIZATION_SELECT = "_basecurrencyid_value"


@dataclass(frozen=True, slots=True)
class Balance:
    """What is outstanding, and what is overdue, in one currency. Credit may make the first the smaller one."""

    owed: Decimal
    overdue: Decimal
    currency: str

    @property
    def is_nothing(self) -> bool:
        return not self.owed and not self.overdue


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of Dynamics; `rate` is units of it for one of the base currency, None if it can't be used."""

    code: str
    rate: Decimal | None
    decimals: int


@dataclass(frozen=True, slots=True)
class Currencies:
    """Dynamics' currencies by id; `base_id` is the organisation's own."""

    by_id: Mapping[str, Currency]
    base_id: str

    def of_row(self, currency_id: str) -> Currency:
        """Return the currency of a row's money: without one of its own it is the organisation's."""
        return self.by_id[currency_id or self.base_id]

    def rate(self, code: str) -> Decimal | None:
        return next((each.rate for each in self.by_id.values() if each.code == code and each.rate), None)


@dataclass(frozen=True, slots=True)
class Debtor:
    """An account or a contact (`set_name`) and what its columns say; `shares` by connection id."""

    set_name: str
    id: str
    etag: str
    name: str
    currency_id: str
    owed: Decimal | None
    overdue: Decimal | None
    currency: str
    shares: Mapping[str, Balance]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the columns have to say; `lacking` names the currencies without a rate that leave them empty."""

    owed: Decimal | None
    overdue: Decimal | None
    currency: str
    lacking: frozenset[str] = field(default_factory=frozenset)


def select(set_name: str) -> str:
    """Return the columns to read of accounts or contacts."""
    return f"{','.join(NAMES[set_name])},{COLUMNS}"


def to_balance(contacts: Iterable[Mapping[str, Any]], currency: str) -> Balance:
    """Return what is receivable from these contacts together; Xero leaves balances out where there are none."""
    sides = [(contact.get("Balances") or {}).get("AccountsReceivable") or {} for contact in contacts]
    owed = sum((amount(side, "Outstanding") for side in sides), ZERO)
    overdue = sum((amount(side, "Overdue") for side in sides), ZERO)
    return Balance(owed, overdue, currency)


def to_debtor(set_name: str, row: Mapping[str, Any]) -> Debtor:
    id_column, name_column = NAMES[set_name]
    return Debtor(
        set_name=set_name,
        id=row[id_column],
        etag=row["@odata.etag"],
        name=row.get(name_column) or "",
        currency_id=row.get("_transactioncurrencyid_value") or "",
        owed=_amount(row, "stl3_amountowed"),
        overdue=_amount(row, "stl3_amountoverdue"),
        currency=row.get("stl3_balancecurrency") or "",
        shares=read_shares(row.get("stl3_balances") or ""),
    )


def to_currencies(rows: Iterable[Mapping[str, Any]], organizations: Iterable[Mapping[str, Any]]) -> Currencies:
    by_id = {row["transactioncurrencyid"]: _currency(row) for row in rows}
    return Currencies(by_id, next((row["_basecurrencyid_value"] or "" for row in organizations), ""))


def read_shares(text: str) -> dict[str, Balance]:
    """Return each connection's share; what a person has made unreadable counts for nothing until it is read anew."""
    try:
        stored = loads(text) if text else {}
        return {key: _share(one) for key, one in stored.items()}
    except (ValueError, ArithmeticError, AttributeError, KeyError, TypeError):
        return {}


def add_up(debtor: Debtor, shares: Mapping[str, Balance], currencies: Currencies) -> Figures:
    """Return the sum of the shares in the currency of the row, rounded once; empty where a rate is lacking.

    A share of nothing needs no rate.
    """
    own = currencies.of_row(debtor.currency_id)
    owing = [share for share in shares.values() if not share.is_nothing]
    foreign = {share.currency for share in owing} - {own.code}
    rates = {code: currencies.rate(code) for code in foreign}
    lacking = {code for code, rate in rates.items() if rate is None}
    lacking |= {own.code} if foreign and own.rate is None else set()
    if lacking:
        return Figures(None, None, "", frozenset(lacking))

    def in_own(money: Decimal, code: str) -> Decimal:
        rate = rates.get(code)
        return money if rate is None or own.rate is None else money * own.rate / rate

    owed = sum((in_own(share.owed, share.currency) for share in owing), ZERO)
    overdue = sum((in_own(share.overdue, share.currency) for share in owing), ZERO)
    return Figures(round_to(owed, own.decimals), round_to(overdue, own.decimals), own.code)


def to_row(debtor: Debtor, shares: Mapping[str, Balance], figures: Figures, currencies: Currencies) -> dict[str, Any]:
    """Return the columns to write; none when they say all of it already.

    A row without currency gets the organisation's along with its first amounts: Dynamics may refuse amounts without
    one, or take that of our user.
    """
    now = (debtor.owed, debtor.overdue, debtor.currency, dict(debtor.shares))
    if now == (figures.owed, figures.overdue, figures.currency, dict(shares)):
        return {}
    stored = {
        key: {"owed": one.owed, "overdue": one.overdue, "currency": one.currency} for key, one in shares.items()
    }
    row: dict[str, Any] = {
        "stl3_amountowed": figures.owed,
        "stl3_amountoverdue": figures.overdue,
        "stl3_balancecurrency": figures.currency or None,
        "stl3_balances": dumps(stored).decode(),
    }
    if figures.owed is not None and not debtor.currency_id:
        row["transactioncurrencyid@odata.bind"] = f"/transactioncurrencies({currencies.base_id})"
    return row


def lacking_words(codes: Iterable[str]) -> str:
    """Return what the connector record says of currencies without a rate, and what to do."""
    listed = ", ".join(sorted(codes))
    return (
        f"The amounts that some customers owe are empty, because Dynamics has no exchange rate for {listed}. Add the "
        "currency in Dynamics, or activate it, and enter its exchange rate; the amounts follow by themselves."
        if listed
        else ""
    )


def _share(stored: Mapping[str, Any]) -> Balance:
    share = Balance(exact(stored["owed"]), exact(stored["overdue"]), str(stored["currency"]))
    if not (share.owed.is_finite() and share.overdue.is_finite()):
        raise ValueError("not an amount")
    return share


def _currency(row: Mapping[str, Any]) -> Currency:
    rate = _amount(row, "exchangerate")
    is_usable = row.get("statecode") == ACTIVE and rate is not None and rate > 0
    decimals = row.get("currencyprecision")
    places = DECIMALS_MAX if decimals is None else min(int(decimals), DECIMALS_MAX)
    return Currency(row.get("isocurrencycode") or "", rate if is_usable else None, places)


def _amount(row: Mapping[str, Any], name: str) -> Decimal | None:
    value = row.get(name)
    return None if value is None else exact(value)
