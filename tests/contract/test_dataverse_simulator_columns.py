"""Columns that a customer adds to the standard tables: written, read, shown to people, described, told in events."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.dataverse_world import DataverseWorld
from tests.contract.test_dataverse_simulator_batch import operation, send

D = Decimal
TABLES = {
    "invoice": "invoices",
    "invoicedetail": "invoicedetails",
    "account": "accounts",
    "contact": "contacts",
    "product": "products",
}
COLUMNS = [
    {"name": "new_po", "type": "string", "max_length": 20, "schema_name": "new_PO"},
    {"name": "new_note", "type": "memo"},
    {"name": "new_region", "type": "choice", "options": {"1": "North", "2": "South & East"}},
    {"name": "new_urgent", "type": "boolean"},
    {"name": "new_gift", "type": "boolean", "options": {"0": "For sale", "1": "A gift"}},
    {"name": "new_boxes", "type": "integer"},
    {"name": "new_weight", "type": "decimal", "precision": 3},
    {"name": "new_deposit", "type": "money"},
    {"name": "new_promisedon", "type": "date"},
    {"name": "new_packedat", "type": "datetime"},
    {"name": "new_shipday", "type": "datetime", "format": "DateOnly"},
    {"name": "new_opening", "type": "datetime", "behavior": "TimeZoneIndependent"},
    {"name": "new_site", "type": "lookup", "targets": ["account"], "schema_name": "new_Site"},
    {"name": "new_payer", "type": "lookup", "targets": ["account", "contact"], "schema_name": "new_Payer"},
]
VALUES: dict[str, Any] = {
    "new_po": "PO-7",
    "new_note": "two\nlines",
    "new_region": 2,
    "new_urgent": True,
    "new_gift": True,
    "new_boxes": 1200,
    "new_weight": D("1234.567"),
    "new_deposit": D("-1250.5"),
    "new_promisedon": "2025-07-31",
    "new_packedat": "2025-07-30T23:30:00Z",
    "new_shipday": "2025-07-30T23:00:00Z",
    "new_opening": "2025-07-30T09:00:00Z",
}
# What a person with British settings in London reads of these.
SHOWN = {
    "new_region": "South & East",
    "new_urgent": "Yes",
    "new_gift": "A gift",
    "new_boxes": "1,200",
    "new_weight": "1,234.567",
    "new_deposit": "-£1,250.50",
    "new_promisedon": "31/07/2025",
    "new_packedat": "31/07/2025 00:30",
    "new_shipday": "31/07/2025",
    "new_opening": "30/07/2025 09:00",
    "_new_site_value": "Depot",
    "_new_payer_value": "Ann Payer",
}
FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
TEXTS = f'odata.include-annotations="{FORMATTED}"'


@pytest.fixture
def world() -> DataverseWorld:
    world = DataverseWorld()
    world.env.customise({"columns": dict.fromkeys(TABLES, COLUMNS)})
    return world


def binds(world: DataverseWorld) -> dict[str, str]:
    payer = world.person.create("contacts", {"firstname": "Ann", "lastname": "Payer"})
    return {
        "new_Site@odata.bind": f"/accounts({world.account('Depot')})",
        "new_Payer_contact@odata.bind": f"/contacts({payer})",
    }


def make(world: DataverseWorld, table: str, **columns: Any) -> str:
    """Create a row of the table with these columns."""
    match table:
        case "invoice":
            return world.invoice(**columns)
        case "invoicedetail":
            bind = {"invoiceid@odata.bind": f"/invoices({world.invoice()})"}
            return world.person.create(TABLES[table], {"productdescription": "x", "quantity": 1, **bind, **columns})
        case "contact":
            return world.person.create("contacts", {"lastname": "Smith", **columns})
        case "product":
            return world.product(**columns)
        case _:
            return world.account(**columns)


def texts(row: dict[str, Any]) -> dict[str, str]:
    """What was shown of our columns, by Web API name."""
    mark = f"@{FORMATTED}"
    return {n.removesuffix(mark): text for n, text in row.items() if n.endswith(mark) and "new_" in n}


@pytest.mark.parametrize("table", TABLES)
def test_every_kind_of_column_is_written_read_changed_and_emptied(world: DataverseWorld, table: str) -> None:
    row_id = make(world, table, **VALUES, **binds(world))
    address = f"{TABLES[table]}({row_id})"
    names = [*VALUES, "_new_site_value", "_new_payer_value"]

    read = world.get(address, select=",".join(names))
    world.call("PATCH", address, {"new_region": 1, "new_Site@odata.bind": None, "new_po": None, "new_gift": False})
    changed = world.get(address, select=",".join(names))

    assert {name: read[name] for name in VALUES} == VALUES
    assert (changed["new_region"], changed["new_gift"], changed["new_boxes"]) == (1, False, 1200)
    assert (changed["_new_site_value"], changed["new_po"]) == (None, None)
    assert changed["_new_payer_value"] == read["_new_payer_value"] is not None
    assert changed["@odata.etag"] != read["@odata.etag"]


@pytest.mark.parametrize("table", TABLES)
def test_people_read_labels_names_and_formatted_values(world: DataverseWorld, table: str) -> None:
    row_id = make(world, table, **VALUES, **binds(world))

    shown = world.get(
        f"{TABLES[table]}({row_id})", select=",".join([*VALUES, "new_Site", "new_Payer_contact"]), prefer=TEXTS
    )

    assert texts(shown) == {name: text for name, text in SHOWN.items() if text}
    assert not [name for name in shown if name.endswith(LOGICAL_NAME)]


def test_texts_come_along_with_other_annotations(world: DataverseWorld) -> None:
    row_id = make(world, "invoice", **binds(world))
    address, select = f"invoices({row_id})", "_new_payer_value,new_region"

    both = world.get(address, select=select, prefer=f'odata.include-annotations="{LOGICAL_NAME},{FORMATTED}"')
    other = world.get(address, select=select, prefer=f'odata.include-annotations="{LOGICAL_NAME}"')
    neither = world.get(address, select=select)

    assert both[f"_new_payer_value@{LOGICAL_NAME}"] == "contact"
    assert both[f"_new_payer_value@{FORMATTED}"] == "Ann Payer"
    assert f"new_region@{FORMATTED}" not in both  # nothing chosen, nothing to show
    assert (f"_new_payer_value@{LOGICAL_NAME}" in other, texts(other), texts(neither)) == (True, {}, {})


def test_texts_are_shown_inside_expand_and_in_lists(world: DataverseWorld) -> None:
    site = world.account("Depot", new_region=1, new_urgent=False)
    row_id = world.invoice(
        {"quantity": 1, "priceperunit": 5, "new_region": 2},
        **{"new_Site@odata.bind": f"/accounts({site})", "new_gift": False},
    )
    expand = "invoice_details($select=new_region,priceperunit),new_Site($select=new_region,new_urgent)"

    shown = world.get("invoices", select="new_gift", expand=expand, filter=f"invoiceid eq {row_id}", prefer=TEXTS)

    (row,) = shown["value"]
    (line,) = row["invoice_details"]
    assert texts(row) == {"new_gift": "For sale"}
    assert texts(row["new_Site"]) == {"new_region": "North", "new_urgent": "No"}
    assert (texts(line), line[f"priceperunit@{FORMATTED}"]) == ({"new_region": "South & East"}, "£5.00")


def test_texts_are_shown_in_a_batch_for_the_parts_that_ask(world: DataverseWorld) -> None:
    row_id = make(world, "invoice", new_region=2)
    url = f"invoices({row_id})?$select=new_region"

    status, inner, text = send(world, operation("GET", url, Prefer=TEXTS), operation("GET", url))

    assert (status, inner) == (200, [200, 200])
    assert text.count("South & East") == 1


@pytest.mark.parametrize(("precision", "text"), [(0, "¤1,251"), (2, "¤1,250.50"), (3, "¤1,250.500")])
def test_money_shows_the_currencys_decimals(world: DataverseWorld, precision: int, text: str) -> None:
    currency = world.env.add_currency("XTS", rate=D(2), precision=precision, symbol="¤")
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"}
    row_id = make(world, "invoice", new_deposit=D("1250.5"), **bind)

    shown = world.get(f"invoices({row_id})", select="new_deposit,new_deposit_base", prefer=TEXTS)

    assert shown[f"new_deposit@{FORMATTED}"] == text
    assert shown[f"new_deposit_base@{FORMATTED}"].startswith("£625.")


def test_a_standard_day_that_is_stored_as_a_moment_shows_the_day(world: DataverseWorld) -> None:
    row_id = make(world, "invoice", datedelivered="2025-06-30T23:00:00Z")

    shown = world.get(f"invoices({row_id})", select="datedelivered", prefer=TEXTS)

    assert (shown["datedelivered"], shown[f"datedelivered@{FORMATTED}"]) == ("2025-06-30T23:00:00Z", "01/07/2025")


@pytest.mark.parametrize("query", ["$select=new_nothing", "$select=name,new_regionname", "$filter=new_nothing eq 1"])
def test_an_unknown_column_is_refused_in_dataverses_words(world: DataverseWorld, query: str) -> None:
    answer = world.call("GET", f"invoices?{query}")

    error = answer.get_json()["error"]
    name = "new_regionname" if "regionname" in query else "new_nothing"
    assert answer.status_code == 400
    assert error["code"] == "0x80060888"
    assert error["message"] == f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.invoice'."


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"new_region": 3}, "0x80040203"),
        ({"new_po": "x" * 21}, "0x80044331"),
        ({"new_urgent": "yes"}, "0x80048d19"),
        ({"new_promisedon": "31.07.2025"}, "0x80048d19"),
        ({"new_site": "x"}, "0x80048d19"),
        ({"new_Payer@odata.bind": "/accounts(1)"}, "0x0"),
    ],
)
def test_values_that_a_column_cannot_take_are_refused(world: DataverseWorld, columns: Any, code: str) -> None:
    assert world.refusal("POST", "accounts", {"name": "A"} | columns) == (400, code)


TYPES = {
    "new_po": "String",
    "new_note": "Memo",
    "new_region": "Picklist",
    "new_urgent": "Boolean",
    "new_boxes": "Integer",
    "new_weight": "Decimal",
    "new_deposit": "Money",
    "new_deposit_base": "Money",
    "new_promisedon": "DateTime",
    "new_packedat": "DateTime",
    "new_site": "Lookup",
    "new_payer": "Customer",
    "invoiceid": "Uniqueidentifier",
    "customerid": "Customer",
    "ownerid": "Owner",
    "statecode": "State",
    "statuscode": "Status",
    "versionnumber": "BigInt",
    "new_regionname": "Virtual",
    "new_urgentname": "Virtual",
    "new_sitename": "String",
    "customeridtype": "EntityName",
}


def test_metadata_names_the_type_of_each_column(world: DataverseWorld) -> None:
    world.env.customise({"columns": {"invoice": [{"name": "new_ratio", "type": "double"}]}})
    address = "EntityDefinitions(LogicalName='invoice')/Attributes"
    wanted = " or ".join(f"LogicalName eq '{name}'" for name in [*TYPES, "new_ratio", "new_nothing"])

    some = world.get(address, select="LogicalName,AttributeType", filter=wanted)["value"]
    every = world.get(address, select="LogicalName,AttributeType")["value"]

    assert {row["LogicalName"]: row["AttributeType"] for row in some} == TYPES | {"new_ratio": "Double"}
    assert {row["LogicalName"] for row in some} < {row["LogicalName"] for row in every}
    assert set(some[0]) == {"@odata.type", "MetadataId", "LogicalName", "AttributeType"}


def test_metadata_of_several_tables_is_read_in_one_batch(world: DataverseWorld) -> None:
    parts = [
        operation(
            "GET",
            f"EntityDefinitions(LogicalName='{table}')/Attributes?$select=LogicalName,AttributeType"
            "&$filter=LogicalName eq 'new_region' or LogicalName eq 'new_nothing'",
        )
        for table in TABLES
    ]

    status, inner, text = send(world, *parts)

    bodies = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert (status, inner) == (200, [200] * len(TABLES))
    assert [[(row["LogicalName"], row["AttributeType"]) for row in body["value"]] for body in bodies] == [
        [("new_region", "Picklist")]
    ] * len(TABLES)


def test_metadata_tells_a_customers_columns_and_how_dates_behave(world: DataverseWorld) -> None:
    rows = world.get("EntityDefinitions(LogicalName='invoice')/Attributes")["value"]
    columns = {row["LogicalName"]: row for row in rows}

    custom = {name for name, row in columns.items() if row["IsCustomAttribute"]}
    assert {"new_po", "new_deposit_base", "new_regionname"} <= custom
    assert not {"billto_line1", "totalamount_base", "name"} & custom
    behaviours = {
        name: (columns[name]["Format"], columns[name]["DateTimeBehavior"]["Value"])
        for name in VALUES
        if columns[name]["AttributeType"] == "DateTime"
    }
    assert behaviours == {
        "new_promisedon": ("DateOnly", "DateOnly"),
        "new_packedat": ("DateAndTime", "UserLocal"),
        "new_shipday": ("DateOnly", "UserLocal"),
        "new_opening": ("DateAndTime", "TimeZoneIndependent"),
    }
    assert columns["new_regionname"]["AttributeOf"] == "new_region"


@pytest.mark.parametrize("table", ["invoice", "invoicedetail"])
def test_events_carry_the_columns_that_changed(world: DataverseWorld, table: str) -> None:
    row_id = make(world, table)
    world.step("Update", table, filteringattributes="new_weight,new_region")
    change = VALUES | binds(world)

    world.person.update(TABLES[table], row_id, change)
    world.person.update(TABLES[table], row_id, {"description": "not watched"})

    (body,) = world.deliver()
    attributes = {a["key"]: a["value"] for a in body["InputParameters"][0]["value"]["Attributes"]}
    told = {name: value for name, value in attributes.items() if name.startswith("new_")}
    assert set(told) == {*VALUES, "new_site", "new_payer"}
    assert (told["new_po"], told["new_urgent"], told["new_boxes"]) == ("PO-7", True, 1200)
    assert told["new_weight"] == D("1234.567")
    assert told["new_region"] == {
        "__type": "OptionSetValue:http://schemas.microsoft.com/xrm/2011/Contracts",
        "Value": 2,
    }
    assert told["new_deposit"]["Value"] == D("-1250.5")
    assert told["new_promisedon"] == "/Date(1753920000000)/"
    assert told["new_packedat"] == "/Date(1753918200000)/"
    assert (told["new_site"]["LogicalName"], told["new_payer"]["LogicalName"]) == ("account", "contact")
