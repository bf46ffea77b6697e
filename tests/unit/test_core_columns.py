"""The declarations of our tables and columns: complete, unambiguous, and within what Dataverse takes."""

from __future__ import annotations

import re

import pytest

from core import columns
from core.columns import ON_STANDARD_TABLES, OPTION_BASE, PREFIX, TABLES, Column, options_of
from mappers import balances, dynamics, preferences

OWNERS = {table.name: table.columns for table in TABLES} | ON_STANDARD_TABLES
ALL = [(owner, column) for owner, declared in OWNERS.items() for column in declared]
KNOWN_TARGETS = {table.name for table in TABLES} | {"invoice"}
STANDARD = set(
    re.findall(
        r"\w+",
        """invoiceid name invoicenumber statecode statuscode datedelivered duedate paymenttermscode description
        discountamount discountpercentage freightamount totallineitemamount totalamountlessfreight totaltax
        totalamount modifiedon _pricelevelid_value _customerid_value invoicedetailid _invoiceid_value
        isproductoverridden productdescription productname quantity priceperunit volumediscountamount
        manualdiscountamount extendedamount tax producttypecode lineitemnumber sequencenumber createdon
        fullname _transactioncurrencyid_value""",
    )
)


def named(owner_and_column: tuple[str, Column]) -> str:
    return f"{owner_and_column[0]}.{owner_and_column[1].name}"


@pytest.mark.parametrize(("owner", "column"), ALL, ids=map(named, ALL))
def test_every_column_is_whole(owner: str, column: Column) -> None:
    assert owner
    assert re.fullmatch(rf"{PREFIX}[a-z]+", column.name), "logical names are lower case"
    assert column.label
    assert column.label[0].isupper()
    assert column.description.endswith((".", "?"))
    assert (column.kind == "string") <= (column.max_length > 0)
    assert (column.max_length > 0) <= (column.kind in ("string", "memo"))
    assert column.max_length <= 4000
    assert (column.kind == "choice") == bool(column.options)
    assert (column.kind == "lookup") == bool(column.targets) == bool(column.schema_name)


def test_lookups_have_targets_that_exist_and_a_name_that_is_theirs() -> None:
    lookups = [(owner, column) for owner, column in ALL if column.kind == "lookup"]

    assert len(lookups) >= 10
    for _, column in lookups:
        assert set(column.targets) <= KNOWN_TARGETS
        assert column.schema_name.lower() == column.name


def test_no_name_is_declared_twice() -> None:
    for owner, declared in OWNERS.items():
        names = [column.name for column in declared]
        assert len(names) == len(set(names)), owner
        assert columns.NAME not in names
        assert f"{owner}id" not in names
    assert len({table.name for table in TABLES}) == len({table.set_name for table in TABLES}) == len(TABLES) == 7


def test_options_are_the_publishers_own_and_unambiguous() -> None:
    for owner, column in ALL:
        values = [value for value, _ in column.options]
        labels = [label for _, label in column.options]
        assert values == list(range(OPTION_BASE, OPTION_BASE + len(values))), named((owner, column))
        assert len(set(labels)) == len(labels)
        assert column.default is None or column.default in values


def test_alternate_keys_are_texts_of_a_size_that_can_be_indexed() -> None:
    """Dataverse: at most 900 bytes a key, two a character."""
    key_names = [name for table in TABLES for name, _ in table.keys]

    assert len(set(key_names)) == len(key_names) == 7
    for table in TABLES:
        by_name = {column.name: column for column in table.columns}
        for _, parts in table.keys:
            assert all(by_name[part].kind == "string" for part in parts)
            assert sum(by_name[part].max_length for part in parts) * 2 <= 900


def test_a_key_column_holds_connection_and_the_longest_code() -> None:
    for table in (columns.TAX_TYPE, columns.ACCOUNT_CODE, columns.BRANDING_THEME):
        by_name = {column.name: column for column in table.columns}
        longest = max(column.max_length for name, column in by_name.items() if name.endswith(("code", "themeid")))
        assert by_name["stl3_key"].max_length >= 36 + 1 + longest


def test_options_are_found_by_label_and_by_value() -> None:
    status = options_of("stl3_xerodetails", "exportstatus")

    assert [status[label] - OPTION_BASE for label in ("No", "Yes", "Failed")] == [0, 1, 2]
    assert status.label(OPTION_BASE + 2) == "Failed"
    assert status.label(None) is status.label(1) is None
    with pytest.raises(KeyError):
        status["Perhaps"]
    for owner, column in (("stl3_xerodetails", "invented"), ("invented", "exportstatus")):
        with pytest.raises(KeyError):
            options_of(owner, column)


def test_every_column_that_is_read_is_declared() -> None:
    """A column that code selects and the solution lacks would make Dynamics refuse the whole read."""
    selects = {
        "invoice": dynamics.INVOICE_SELECT,
        "invoicedetail": dynamics.LINE_SELECT,
        "stl3_xerodetails": dynamics.DETAILS_SELECT,
        "stl3_stellariseconnectorsettings": preferences.SELECT,
        "account": balances.select("accounts"),
        "contact": balances.select("contacts"),
    }
    for owner, select in selects.items():
        declared = {
            f"_{column.name}_value" if column.kind == "lookup" else column.name for column in OWNERS[owner]
        } | {f"{owner}id"}
        assert set(select.split(",")) - declared - STANDARD == set(), owner
    navigation = {column.schema_name for column in ON_STANDARD_TABLES["invoicedetail"]}
    assert navigation <= set(re.findall(r"stl3_\w+(?=\()", dynamics.LINE_EXPAND))
    assert set(re.findall(r"select=(stl3_\w+)", dynamics.LINE_EXPAND)) == {"stl3_code"}
