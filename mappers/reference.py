"""Xero's tax rates, accounts and branding themes → rows of our tables, and what there is to write (rules F2, F4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core import ids, money
from core.columns import ACCOUNT_CODE, BRANDING_THEME, CONNECTOR, NAME, TAX_TYPE
from core.tables import Table
from mappers.texts import clip, cut

Record = Mapping[str, Any]
What = Literal["created", "updated", "reactivated", "deactivated"]

# What stands on no line (rule F4): a type, and of Xero's own accounts those that documents themselves move.
BANK = "BANK"
MOVED_BY_DOCUMENTS = frozenset({"DEBTORS", "CREDITORS", "GST", "GSTONIMPORTS"})
IN_USE = "ACTIVE"
GONE = "DELETED"  # Xero's own word for what it does not list any more
RATE_PLACES = 4  # of the column; more would differ from what Dynamics keeps, for ever
_KEY, _STATUS, _CONNECTOR = "stl3_key", "stl3_status", "_stl3_connector_value"
_ACTIVE, _INACTIVE = {"statecode": 0, "statuscode": 1}, {"statecode": 1, "statuscode": 2}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something of Xero's as its row says it; `is_usable`: it can be chosen on an invoice or a line now (rule F4)."""

    code: str
    row: dict[str, Any]
    is_usable: bool = True


@dataclass(frozen=True, slots=True)
class Write:
    """One row to be written; without `etag` it is new.

    A new row has an id of its code, so that making it twice makes it once.
    """

    what: What
    name: str
    row_id: str
    row: dict[str, Any]
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be written so that the rows say what Xero says, and how many say it already."""

    writes: tuple[Write, ...]
    unchanged: int


def stands_on_lines(account: Record) -> bool:
    """Whether a line can be booked on an account of this kind (rule F4), whatever its status."""
    is_moved = account.get("SystemAccount") in MOVED_BY_DOCUMENTS
    return bool(account.get("Code")) and account.get("Type") != BANK and not is_moved


def to_tax_types(rates: Iterable[Record]) -> list[Entry]:
    """Return the entries of Xero's tax rates, deleted and archived ones too."""
    return [
        _entry(
            TAX_TYPE,
            rate["TaxType"],
            f"{rate['TaxType']} - {rate.get('Name') or ''}",
            is_usable=rate.get("Status") == IN_USE,
            stl3_code=rate["TaxType"],
            stl3_rate=_rate(rate.get("EffectiveRate")),
            stl3_status=rate.get("Status"),
            stl3_forrevenue=bool(rate.get("CanApplyToRevenue")),
            stl3_forexpenses=bool(rate.get("CanApplyToExpenses")),
        )
        for rate in rates
        if rate.get("TaxType")
    ]


def to_account_codes(accounts: Iterable[Record]) -> list[Entry]:
    """Return the entries of Xero's accounts that have a code, usable ones and others."""
    return [
        _entry(
            ACCOUNT_CODE,
            account["Code"],
            f"{account['Code']} - {account.get('Name') or ''}",
            is_usable=account.get("Status") == IN_USE and stands_on_lines(account),
            stl3_code=account["Code"],
            stl3_type=account.get("Type"),
            stl3_class=account.get("Class"),
            stl3_defaulttaxtype=account.get("TaxType"),
            stl3_status=account.get("Status"),
        )
        for account in accounts
        if account.get("Code")
    ]


def to_branding_themes(themes: Iterable[Record]) -> list[Entry]:
    """Return the entries of Xero's branding themes; all of them can be used."""
    return [
        _entry(
            BRANDING_THEME,
            theme["BrandingThemeID"],
            theme.get("Name") or theme["BrandingThemeID"],
            is_usable=True,
            stl3_themeid=theme["BrandingThemeID"],
            stl3_sortorder=theme.get("SortOrder"),
        )
        for theme in themes
        if theme.get("BrandingThemeID")
    ]


def select(table: Table) -> str:
    """Return the columns of the table's rows that `compare` looks at."""
    names = [f"_{column.name}_value" if column.kind == "lookup" else column.name for column in table.columns]
    return ",".join((table.id_column, NAME, *names, "statecode"))


def key_prefix(connection_id: str) -> str:
    """Return how the keys of a connection's rows begin; rows with other keys are not ours."""
    return f"{connection_id}:"


def compare(table: Table, connection_id: str, entries: Sequence[Entry], rows: Sequence[Record]) -> Difference:
    """Return what has to be written (rule F2); `rows` are those with keys of this connection, inactive ones too."""
    held = {_folded(row[_KEY][len(key_prefix(connection_id)) :]): row for row in rows}
    writes: list[Write] = []
    matched: set[str] = set()
    unchanged = 0
    for folded, entry in _by_code(entries).items():
        row = held.get(folded)
        wanted = entry.row | {_KEY: f"{key_prefix(connection_id)}{entry.code}"}
        if row is None:
            if entry.is_usable:
                row_id = ids.derived_id(table.name, connection_id, folded)
                writes.append(Write("created", entry.row[NAME], row_id, wanted | _bound(table, connection_id)))
            continue
        matched.add(row[table.id_column])
        if write := _change(table, connection_id, entry, wanted, row):
            writes.append(write)
        elif entry.is_usable:
            unchanged += 1
    gone = [row for row in rows if row[table.id_column] not in matched and _is_active(row)]
    return Difference((*writes, *(_deactivated(table, row, GONE) for row in gone)), unchanged)


def _change(table: Table, connection_id: str, entry: Entry, wanted: dict[str, Any], row: Record) -> Write | None:
    """Return what the row that is there has to be told; decimals are compared by value, not by their digits."""
    if not entry.is_usable:
        return _deactivated(table, row, entry.row.get(_STATUS)) if _is_active(row) else None
    changed = {name: value for name, value in wanted.items() if row.get(name) != value}
    if row.get(_CONNECTOR) != connection_id:
        changed |= _bound(table, connection_id)
    what: What = "updated" if _is_active(row) else "reactivated"
    if what == "reactivated":
        changed |= _ACTIVE
    return Write(what, entry.row[NAME], row[table.id_column], changed, row["@odata.etag"]) if changed else None


def _deactivated(table: Table, row: Record, status: str | None) -> Write:
    says = {_STATUS: status} if any(column.name == _STATUS for column in table.columns) else {}
    return Write("deactivated", str(row.get(NAME)), row[table.id_column], says | _INACTIVE, row["@odata.etag"])


def _bound(table: Table, connection_id: str) -> dict[str, str]:
    (connector,) = (column for column in table.columns if column.kind == "lookup")
    return {f"{connector.schema_name}@odata.bind": f"/{CONNECTOR.set_name}({connection_id})"}


def _by_code(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Dynamics' keys ignore case: of two entries that only case tells apart, the usable one counts."""
    found: dict[str, Entry] = {}
    for entry in entries:
        folded = _folded(entry.code)
        if folded not in found or (entry.is_usable and not found[folded].is_usable):
            found[folded] = entry
    return found


def _entry(table: Table, code: str, name: str, *, is_usable: bool, **row: Any) -> Entry:
    """Texts other than the code are made to fit: Dynamics refuses one that is too long, and a code cut is another."""
    room = {column.name: column.max_length for column in table.columns if column.kind == "string"}
    texts = {
        column: clip(text, room[column]) or None
        for column, text in row.items()
        if isinstance(text, str) and column != "stl3_code"
    }
    return Entry(code, row | texts | {NAME: cut(" ".join(name.split()), table.name_length)}, is_usable)


def _rate(rate: Any) -> Any:
    return None if rate is None else money.round_to(money.exact(rate), RATE_PLACES)


def _folded(code: str) -> str:
    return code.rstrip().casefold()


def _is_active(row: Record) -> bool:
    return row.get("statecode") == 0
