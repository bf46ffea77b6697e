"""Reference data: what Xero lists as rows of ours, and what there is to write so that the rows agree."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money
from core.columns import ACCOUNT_CODE, BRANDING_THEME, NAME, TAX_TYPE
from core.tables import Table
from mappers.reference import (
    Difference,
    Entry,
    Write,
    compare,
    key_prefix,
    select,
    stands_on_lines,
    to_account_codes,
    to_branding_themes,
    to_tax_types,
)
from mappers.texts import width
from tests.unit.made import CONNECTION_ID

EXAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "xero-examples"
OTHER_ID = "99999999-9999-5999-8999-999999999999"
PUBLISHED = {
    "07_accounts_get.json": "Accounts",
    "08_tax_rates_get.json": "TaxRates",
    "09_branding_themes_get.json": "BrandingThemes",
}
SALES = {
    "Code": "200",
    "Name": "Sales",
    "Type": "REVENUE",
    "Class": "REVENUE",
    "TaxType": "OUTPUT2",
    "Status": "ACTIVE",
}
VAT = {
    "TaxType": "OUTPUT2",
    "Name": "20% (VAT on Income)",
    "EffectiveRate": Decimal("20.0"),
    "Status": "ACTIVE",
    "CanApplyToRevenue": True,
    "CanApplyToExpenses": False,
}
THEME = {"BrandingThemeID": "dabc7637-62c1-4941-8a6e-ee44fa5090e7", "Name": "Standard", "SortOrder": 1}


class Rows:
    """A table of ours that takes what is written to it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.by_id: dict[str, dict[str, Any]] = {}
        self.writes = 0

    def sync(self, entries: list[Entry]) -> Difference:
        """Compare, and write all of it."""
        found = compare(self.table, CONNECTION_ID, entries, list(self.by_id.values()))
        for write in found.writes:
            self.write(write)
        return found

    def write(self, write: Write) -> None:
        self.writes += 1
        fresh = {self.table.id_column: write.row_id, "statecode": 0}
        row = self.by_id.setdefault(write.row_id, fresh)
        row |= write.row | {"@odata.etag": f'W/"{self.writes}"'}
        if bind := row.pop("stl3_Connector@odata.bind", ""):
            row["_stl3_connector_value"] = bind.removeprefix("/stl3_dynamicsxeroconnectors(").removesuffix(")")

    def only(self) -> dict[str, Any]:
        (row,) = self.by_id.values()
        return row


def whats(found: Difference) -> list[str]:
    return [write.what for write in found.writes]


@pytest.fixture
def accounts() -> Rows:
    return Rows(ACCOUNT_CODE)


# -- what a row says ---------------------------------------------------------------------------------------


def test_an_account_becomes_a_row() -> None:
    """Rule F4: its name begins with the code."""
    (entry,) = to_account_codes([SALES])

    assert entry.is_usable
    assert entry.row == {
        NAME: "200 - Sales",
        "stl3_code": "200",
        "stl3_type": "REVENUE",
        "stl3_class": "REVENUE",
        "stl3_defaulttaxtype": "OUTPUT2",
        "stl3_status": "ACTIVE",
    }


def test_a_tax_rate_becomes_a_row() -> None:
    (entry,) = to_tax_types([VAT])

    assert entry.is_usable
    assert entry.row == {
        NAME: "OUTPUT2 - 20% (VAT on Income)",
        "stl3_code": "OUTPUT2",
        "stl3_rate": Decimal(20),
        "stl3_status": "ACTIVE",
        "stl3_forrevenue": True,
        "stl3_forexpenses": False,
    }


def test_a_theme_becomes_a_row_called_like_it() -> None:
    (entry,) = to_branding_themes([THEME])

    assert entry.is_usable
    assert entry.row == {NAME: "Standard", "stl3_themeid": THEME["BrandingThemeID"], "stl3_sortorder": 1}


@pytest.mark.parametrize(
    "different",
    [
        {"Type": "BANK"},
        {"SystemAccount": "DEBTORS"},
        {"SystemAccount": "CREDITORS"},
        {"SystemAccount": "GST"},
        {"SystemAccount": "GSTONIMPORTS"},
    ],
)
def test_an_account_that_documents_move_stands_on_no_line(different: dict[str, str]) -> None:
    """Rule F4: no bank account, no receivables, payables or tax account."""
    (entry,) = to_account_codes([SALES | different])

    assert not entry.is_usable
    assert not stands_on_lines(SALES | different)


@pytest.mark.parametrize("system", ["ROUNDING", "HISTORICAL", "RETAINEDEARNINGS", "UNPAIDEXPCLM", None])
def test_other_accounts_of_xeros_own_can_be_chosen(system: str | None) -> None:
    (entry,) = to_account_codes([SALES | {"SystemAccount": system}])

    assert entry.is_usable


@pytest.mark.parametrize("status", ["ARCHIVED", "DELETED", "PENDING", None])
def test_only_what_is_active_in_xero_can_be_chosen(status: str | None) -> None:
    """Rule F4: accounts and taxes alike, and a status of tomorrow is not ACTIVE either."""
    (account,) = to_account_codes([SALES | {"Status": status}])
    (tax,) = to_tax_types([VAT | {"Status": status}])

    assert not account.is_usable
    assert not tax.is_usable


@pytest.mark.parametrize("code", [None, ""])
def test_what_has_no_code_has_no_row(code: str | None) -> None:
    assert to_account_codes([SALES | {"Code": code}]) == []
    assert to_tax_types([VAT | {"TaxType": code}]) == []
    assert to_branding_themes([THEME | {"BrandingThemeID": code}]) == []


def test_an_account_without_a_code_stands_on_no_line() -> None:
    assert not stands_on_lines({name: value for name, value in SALES.items() if name != "Code"})


def test_a_long_name_is_cut_and_a_code_is_not() -> None:
    """Dynamics takes 300 characters of the name; half a code would be another one."""
    code = "T" * 60
    (tax,) = to_tax_types([VAT | {"TaxType": code, "Name": "word " * 100}])

    assert width(tax.row[NAME]) <= TAX_TYPE.name_length
    assert tax.row[NAME].endswith("word…")
    assert tax.row["stl3_code"] == code


def test_spaces_and_line_ends_of_a_name_become_one_space() -> None:
    """Else Dynamics might keep them otherwise, and the row would be written again each time."""
    (entry,) = to_account_codes([SALES | {"Name": "  Sales \r\n of  old "}])

    assert entry.row[NAME] == "200 - Sales of old"


def test_a_rate_has_the_places_of_its_column() -> None:
    """Xero may say more of a compound tax; strings are numbers too."""
    rates = [VAT | {"EffectiveRate": rate} for rate in (Decimal("8.123456"), "17.5", 20, None)]

    assert [entry.row["stl3_rate"] for entry in to_tax_types(rates)] == [
        Decimal("8.1235"),
        Decimal("17.5"),
        Decimal(20),
        None,
    ]


def test_what_is_read_is_declared() -> None:
    """Lookups by their value column."""
    for table in (TAX_TYPE, ACCOUNT_CODE, BRANDING_THEME):
        declared = {column.name for column in table.columns}
        names = {name.removeprefix("_").removesuffix("_value") for name in select(table).split(",")}
        assert names == declared | {table.id_column, NAME, "statecode"}


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the published examples are not at hand")
def test_the_published_lists_become_rows() -> None:
    """Accounts, tax rates, themes as Xero sends them: what is not in use or stands on no line is told apart."""
    lists = {name: _published(file, name) for file, name in PUBLISHED.items()}

    accounts = to_account_codes(lists["Accounts"])
    taxes = to_tax_types(lists["TaxRates"])
    themes = to_branding_themes(lists["BrandingThemes"])

    usable = {entry.code for entry in accounts if entry.is_usable}
    assert {"200", "260", "310"} <= usable
    assert not usable & {account["Code"] for account in lists["Accounts"] if account["Type"] == "BANK"}
    in_use = {rate["TaxType"] for rate in lists["TaxRates"] if rate["Status"] == "ACTIVE"}
    assert {entry.code for entry in taxes if entry.is_usable} == in_use < {entry.code for entry in taxes}
    assert [entry.row[NAME] for entry in themes] == ["Standard", "Special Projects"]


def _published(file: str, name: str) -> list[dict[str, Any]]:
    example = money.loads((EXAMPLES / file).read_text("utf-8"))
    found: list[dict[str, Any]] = example["response"]["body"][name]
    return found


# -- the difference ----------------------------------------------------------------------------------------


def test_what_is_new_is_created_with_its_key_and_connector(accounts: Rows) -> None:
    found = accounts.sync(to_account_codes([SALES]))

    assert whats(found) == ["created"]
    row = accounts.only()
    assert row["stl3_key"] == f"{CONNECTION_ID}:200"
    assert row["_stl3_connector_value"] == CONNECTION_ID


def test_making_a_row_twice_makes_it_once() -> None:
    """The id is of the connection and the code: whoever repeats a write whose answer was lost hits the same row."""
    (first,) = compare(ACCOUNT_CODE, CONNECTION_ID, to_account_codes([SALES]), []).writes
    (again,) = compare(ACCOUNT_CODE, CONNECTION_ID, to_account_codes([SALES]), []).writes
    (others,) = compare(ACCOUNT_CODE, OTHER_ID, to_account_codes([SALES]), []).writes
    (as_tax,) = compare(TAX_TYPE, CONNECTION_ID, to_tax_types([VAT | {"TaxType": "200"}]), []).writes

    assert (first.row_id, first.etag) == (again.row_id, "")
    assert len({first.row_id, others.row_id, as_tax.row_id}) == 3


def test_what_agrees_is_not_written(accounts: Rows) -> None:
    """Rule F2: the second time there is no difference, and numbers are compared by value."""
    accounts.sync(to_account_codes([SALES]))
    taxes = Rows(TAX_TYPE)
    taxes.sync(to_tax_types([VAT]))
    taxes.only()["stl3_rate"] = Decimal("20.0000")

    assert accounts.sync(to_account_codes([SALES])) == Difference((), 1)
    assert taxes.sync(to_tax_types([VAT])) == Difference((), 1)


@pytest.mark.parametrize(
    ("different", "column", "value"),
    [
        ({"Name": "Turnover"}, NAME, "200 - Turnover"),
        ({"TaxType": "ZERORATEDOUTPUT"}, "stl3_defaulttaxtype", "ZERORATEDOUTPUT"),
        ({"TaxType": ""}, "stl3_defaulttaxtype", None),
        ({"Type": "SALES"}, "stl3_type", "SALES"),
    ],
)
def test_only_what_differs_is_written(
    accounts: Rows, different: dict[str, str], column: str, value: str | None
) -> None:
    """Rule F2: and only if the row is still the one that was read."""
    accounts.sync(to_account_codes([SALES]))
    etag = accounts.only()["@odata.etag"]

    found = accounts.sync(to_account_codes([SALES | different]))

    assert [(write.what, write.row, write.etag) for write in found.writes] == [("updated", {column: value}, etag)]


def test_a_row_that_lost_its_connector_gets_it_back(accounts: Rows) -> None:
    accounts.sync(to_account_codes([SALES]))
    accounts.only()["_stl3_connector_value"] = None

    found = accounts.sync(to_account_codes([SALES]))

    assert whats(found) == ["updated"]
    assert accounts.only()["_stl3_connector_value"] == CONNECTION_ID


def test_what_is_archived_is_deactivated_and_comes_back(accounts: Rows) -> None:
    """Rule F2: the row stays; what it says is brought up to date when it comes back."""
    accounts.sync(to_account_codes([SALES]))

    archived = accounts.sync(to_account_codes([SALES | {"Status": "ARCHIVED"}]))
    assert [(write.what, write.row) for write in archived.writes] == [
        ("deactivated", {"statecode": 1, "statuscode": 2, "stl3_status": "ARCHIVED"})
    ]
    assert accounts.sync(to_account_codes([SALES | {"Status": "ARCHIVED"}])) == Difference((), 0)

    back = accounts.sync(to_account_codes([SALES | {"Name": "Turnover"}]))
    assert whats(back) == ["reactivated"]
    row = accounts.only()
    assert (row["statecode"], row["statuscode"], row["stl3_status"], row[NAME]) == (0, 1, "ACTIVE", "200 - Turnover")


def test_what_xero_does_not_list_any_more_is_deactivated() -> None:
    """Rule F2: an account says DELETED then; a theme has no status."""
    for table, entries, says in (
        (ACCOUNT_CODE, to_account_codes([SALES, SALES | {"Code": "201"}]), {"stl3_status": "DELETED"}),
        (BRANDING_THEME, to_branding_themes([THEME, THEME | {"BrandingThemeID": "other"}]), {}),
    ):
        rows = Rows(table)
        rows.sync(entries)

        found = rows.sync(entries[:1])

        assert [write.row for write in found.writes] == [{"statecode": 1, "statuscode": 2} | says]
        assert rows.sync(entries[:1]) == Difference((), 1)


def test_what_cannot_be_chosen_gets_no_row(accounts: Rows) -> None:
    """Rule F4: neither a bank account nor an archived one."""
    assert accounts.sync(to_account_codes([SALES | {"Type": "BANK"}, SALES | {"Status": "ARCHIVED"}])) == Difference(
        (), 0
    )


def test_codes_that_only_case_tells_apart_are_one_row(accounts: Rows) -> None:
    """Dynamics' keys ignore case: the one in use counts, and a new spelling is an update."""
    accounts.sync(to_account_codes([SALES | {"Code": "x1"}]))

    found = accounts.sync(to_account_codes([SALES | {"Code": "x1", "Status": "ARCHIVED"}, SALES | {"Code": "X1"}]))

    assert whats(found) == ["updated"]
    assert (accounts.only()["stl3_code"], accounts.only()["stl3_key"]) == ("X1", f"{CONNECTION_ID}:X1")


@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=10).filter(str.strip),
            st.text(max_size=12),
            st.sampled_from(["ACTIVE", "ARCHIVED", "DELETED"]),
        ),
        max_size=8,
    ),
    st.lists(st.tuples(st.text(min_size=1, max_size=10).filter(str.strip), st.text(max_size=12)), max_size=8),
)
def test_whatever_the_codes_are_the_second_time_there_is_nothing_to_do(
    first: list[tuple[str, str, str]], later: list[tuple[str, str]]
) -> None:
    """Quotes, colons, emoji: from any rows to any list in one go, and what was once a row stays one."""
    rows = Rows(ACCOUNT_CODE)
    rows.sync(to_account_codes(SALES | {"Code": c, "Name": n, "Status": s} for c, n, s in first))
    before = set(rows.by_id)
    entries = to_account_codes(SALES | {"Code": code, "Name": name} for code, name in later)

    rows.sync(entries)

    again = rows.sync(entries)
    assert again.writes == ()
    assert before <= set(rows.by_id)
    active = [row for row in rows.by_id.values() if row["statecode"] == 0]
    assert len(active) == again.unchanged == len({code.rstrip().casefold() for code, _ in later})
    assert all(row["stl3_key"] == f"{key_prefix(CONNECTION_ID)}{row['stl3_code']}" for row in active)
