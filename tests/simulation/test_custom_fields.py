"""Customers' own columns travel to Xero; a setting that is wrong stops the connection until it is mended."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

import pytest

from core import columns, connections
from core.custom_fields import EMPTY, parse
from core.errors import Disconnected, Misconfigured
from core.invoice import Invoice
from pipeline.custom_fields import read_custom_fields
from pipeline.reading import read_invoices, read_preferences
from pipeline.tools import Tools
from pipeline.tracking import read_tracking
from tests.unit.made import invoice
from tests.world import Line, World

OWN = {
    "invoice": [
        {"name": "new_ponumber", "type": "string"},
        {"name": "new_theirs", "type": "string", "max_length": 400},
        {"name": "new_promisedon", "type": "date"},
        {"name": "new_region", "type": "choice", "options": {"1": "North", "2": "far east", "3": "West"}},
        {"name": "new_boss", "type": "lookup", "targets": ["contact"], "schema_name": "new_Boss"},
    ],
    "invoicedetail": [
        {"name": "new_serial", "type": "string"},
        {"name": "new_salesperson", "type": "string"},
    ],
    "account": [
        {"name": "new_companyno", "type": "string"},
        {"name": "new_vat", "type": "string"},
    ],
    "contact": [{"name": "new_taxid", "type": "string"}],
    "product": [{"name": "new_longtext", "type": "memo"}],
}
SETTING: dict[str, Any] = {
    "reference": "{new_ponumber} / {new_boss}",
    "due_date": "new_promisedon",
    "number": "new_theirs",
    "line_description": "{productname} SN {new_serial} ({invoice.name})",
    "tracking": {"region": "new_region", "Salesperson": "line.new_salesperson"},
    "contact": {"CompanyNumber": "new_companyno", "TaxNumber": {"account": "new_vat", "contact": "new_taxid"}},
    "item": {"PurchaseDescription": "new_longtext"},
}
PURCHASE = columns.INVOICE_TYPE["Purchase Invoice"]


@pytest.fixture
def shop(world: World) -> World:
    """A world whose Dynamics has columns of its own, and whose Xero two tracking categories."""
    world.dynamics.customise({"columns": deepcopy(OWN)})
    person = world.xero.user(world.org)
    person.add_tracking_category("Region", ["North", "Far East"])
    person.add_tracking_category("Salesperson", ["Ann"])
    return world


def tools_of(world: World) -> Tools:
    return world.app.connect(world.connection, world.clock.now)


def write(world: World, setting: str) -> None:
    """An administrator types into the settings row, whatever it be."""
    (row,) = world.dynamics.rows(columns.SETTINGS.set_name)
    world.sales.update(
        columns.SETTINGS.set_name, row[columns.SETTINGS.id_column], {"stl3_customfields": setting or None}
    )
    world.dispatch(world.settings_event())


def asked(world: World, words: str) -> int:
    """How many calls to Dynamics asked for it."""
    return sum(words in unquote(call.body.decode()) for call in world.dynamics.wire.calls)


def listed(world: World) -> int:
    return world.xero_calls().count("GET /api.xro/2.0/TrackingCategories")


def export(world: World, *lines: Line, **row: Any) -> dict[str, Any]:
    """Export an invoice; return its document."""
    invoice_id = world.save_invoice(*(lines or (Line("Work", "10.00"),)), **row)
    world.mark(invoice_id)
    world.settle()
    world.assert_exported_once(invoice_id)
    (document,) = world.documents_of(invoice_id)
    return document


def state(world: World) -> tuple[str, str]:
    found = world.app.connections.find(world.connection.id)
    assert found is not None
    return found.state, found.state_reason


# -- what arrives in Xero ----------------------------------------------------------------------------------


def test_a_sales_invoice_carries_the_customers_own_columns(shop: World) -> None:
    """Reference, due date, line text and tracking; the contact and the item that are made of it as well (rule B2)."""
    shop.choose(custom_fields=SETTING)
    shop.sales.update("account", shop.customers["Fourth Coffee"], {"new_companyno": "0123", "new_vat": "GB 7"})
    shop.sales.update("product", shop.products["CHAIR-01"], {"new_longtext": "Bought\nin black"})
    boss = shop.sales.create("contact", {"firstname": "Ann", "lastname": "Lee"})
    invoice_id = shop.save_invoice(
        Line("Black", "10.00", product="CHAIR-01"),
        new_ponumber="PO 7",
        new_promisedon="2027-01-31",
        new_region=2,
        **{"new_Boss@odata.bind": f"/contacts({boss})"},
    )
    (line,) = shop.lines(invoice_id)
    shop.sales.update("invoicedetail", line["invoicedetailid"], {"new_serial": "S-1", "new_salesperson": "ANN"})

    shop.mark(invoice_id)
    shop.settle()

    shop.assert_exported_once(invoice_id)
    (document,) = shop.documents_of(invoice_id)
    assert document["Reference"] == "PO 7 / Ann Lee"
    assert document["DueDateString"] == "2027-01-31T00:00:00"
    (billed,) = document["LineItems"]
    assert billed["Description"].endswith("SN S-1 (Order 4711)")
    assert [(each["Name"], each["Option"]) for each in billed["Tracking"]] == [
        ("Region", "Far East"),
        ("Salesperson", "Ann"),
    ]
    contact = shop.org.contacts[document["Contact"]["ContactID"]]
    assert (contact["CompanyNumber"], contact["TaxNumber"]) == ("0123", "GB 7")
    (item,) = shop.org.items.values()
    assert item["PurchaseDescription"] == "Bought\nin black"


def test_a_bill_carries_the_suppliers_number(shop: World) -> None:
    """Rule C13: the mapped column when it is filled in, else the invoice ID; a bill has no reference (rule C12)."""
    shop.choose(custom_fields={"number": "new_theirs", "reference": "new_ponumber"})

    theirs = export(shop, stl3_invoicetype=PURCHASE, new_theirs="R-2026/17", new_ponumber="PO 7")
    ours = export(shop, stl3_invoicetype=PURCHASE, invoicenumber="INV-77")

    assert (theirs["Type"], theirs["InvoiceNumber"], theirs.get("Reference") or "") == ("ACCPAY", "R-2026/17", "")
    assert ours["InvoiceNumber"] == "INV-77"


def test_a_suppliers_number_that_is_too_long_fails_the_bill_in_words(shop: World) -> None:
    """Rule C13."""
    shop.choose(custom_fields={"number": "new_theirs"})
    invoice_id = shop.save_invoice(Line("Work", "10.00"), stl3_invoicetype=PURCHASE, new_theirs="7" * 256)
    shop.mark(invoice_id)

    shop.settle()

    assert shop.status(invoice_id) == "Failed"
    assert "The supplier's invoice number is longer" in shop.history(invoice_id)[-1]["stl3_details"]


def test_empty_columns_leave_the_standard_rules(shop: World) -> None:
    """Rules C12, C11, C33: description, due date, product name; no tracking, and no contact field."""
    shop.choose(custom_fields=SETTING | {"line_description": "{new_serial} x"})

    document = export(shop, Line("Black", "10.00"), description="PO 99", duedate="2026-12-24")

    assert (document["Reference"], document["DueDateString"]) == ("PO 99", "2026-12-24T00:00:00")
    (line,) = document["LineItems"]
    assert line["Description"] == "Black"
    assert not line["Tracking"]
    assert not shop.org.contacts[document["Contact"]["ContactID"]].get("TaxNumber")


def test_a_contact_and_an_item_are_not_changed_afterwards(shop: World) -> None:
    """Rule B2: what is copied is copied once."""
    shop.choose(custom_fields=SETTING)
    account = shop.customers["Fourth Coffee"]
    shop.sales.update("account", account, {"new_vat": "GB 7"})
    contact_id = export(shop)["Contact"]["ContactID"]

    shop.sales.update("account", account, {"new_vat": "GB 8"})
    assert export(shop)["Contact"]["ContactID"] == contact_id

    assert shop.org.contacts[contact_id]["TaxNumber"] == "GB 7"


def test_an_option_that_xero_lacks_fails_the_invoice_until_somebody_adds_it(shop: World) -> None:
    """Failed → No goes at once: the list that was remembered is read again."""
    shop.choose(custom_fields={"tracking": {"Region": "new_region"}})
    export(shop, new_region=1)
    invoice_id = shop.save_invoice(Line("Work", "10.00"), new_region=3)
    shop.mark(invoice_id)
    shop.settle()
    assert shop.status(invoice_id) == "Failed"
    assert (
        "Xero's tracking category “Region” has no option “West”. Add it in Xero, or correct Region on the invoice."
        in shop.history(invoice_id)[-1]["stl3_details"]
    )

    shop.xero.user(shop.org).add_tracking_option("Region", "West")
    shop.try_again(invoice_id)
    shop.mark(invoice_id)
    shop.settle()

    (line,) = shop.documents_of(invoice_id)[0]["LineItems"]
    assert [each["Option"] for each in line["Tracking"]] == ["West"]


# -- what it costs -----------------------------------------------------------------------------------------


def test_columns_and_categories_are_looked_up_once_an_hour(shop: World) -> None:
    """The steady state costs no call more than without custom fields."""
    shop.choose(custom_fields=SETTING)
    for _ in range(3):
        export(shop, new_region=1)
    assert (asked(shop, "EntityDefinitions"), listed(shop)) == (1, 1)

    shop.pass_time(minutes=61)
    export(shop, new_region=1)

    assert (asked(shop, "EntityDefinitions"), listed(shop)) == (2, 2)


def test_labels_are_asked_for_only_where_a_choice_or_lookup_is_read(shop: World) -> None:
    shop.choose(custom_fields={"reference": "new_ponumber"})
    export(shop)
    assert asked(shop, "FormattedValue") == 0

    write(shop, '{"reference": "new_region"}')

    assert export(shop, new_region=2)["Reference"] == "far east"
    assert asked(shop, "FormattedValue") > 0


def test_without_custom_fields_nothing_is_looked_up(shop: World) -> None:
    export(shop)

    assert read_custom_fields(tools_of(shop), read_preferences(tools_of(shop))) == EMPTY
    assert (asked(shop, "EntityDefinitions"), asked(shop, "FormattedValue"), listed(shop)) == (0, 0, 0)


# -- a setting that is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('{"reference": new_ponumber}', ["not JSON", "line 1, column 15"]),
        ('{"referance": "new_ponumber", "number": 7}', ["Did you mean reference?", "number: must be a text"]),
        (
            '{"reference": "new_ponumbr", "due_date": "new_ponumber", "contact": {"TaxNumber": "new_x"}}',
            [
                "reference: the table invoice has no column new_ponumbr.",
                "due_date: new_ponumber of invoice holds no date.",
                "contact.TaxNumber: neither account nor contact has new_x",
            ],
        ),
    ],
)
def test_a_wrong_setting_stops_the_connection_until_it_is_mended(shop: World, setting: str, words: list[str]) -> None:
    """The connector's record says every mistake; the invoice stays due, is not Failed, and goes afterwards."""
    write(shop, setting)
    invoice_id = shop.save_invoice(Line("Work", "10.00"), new_ponumber="PO 7")
    shop.mark(invoice_id)
    shop.run_for(minutes=20)

    stopped, reason = state(shop)
    (record,) = shop.dynamics.rows(columns.CONNECTOR.set_name)
    assert stopped == connections.NEEDS_ATTENTION
    assert record["stl3_stateinwords"] == reason
    assert [each for each in (*words, "Custom fields") if each not in reason] == []
    assert shop.documents() == []
    assert shop.history(invoice_id) == []

    write(shop, '{"reference": "new_ponumber"}')
    shop.settle()

    shop.assert_exported_once(invoice_id)
    assert shop.documents_of(invoice_id)[0]["Reference"] == "PO 7"
    assert state(shop)[0] == connections.IN_SERVICE


def test_very_many_mistakes_fit_the_record(shop: World) -> None:
    """The first of them; the rest shows once these are mended."""
    write(shop, json.dumps({f"field{number}": "new_ponumber" for number in range(50)}))
    shop.mark(shop.save_invoice(Line("Work", "10.00")))

    shop.work()

    (record,) = shop.dynamics.rows(columns.CONNECTOR.set_name)
    assert "field0: is not known." in record["stl3_stateinwords"]
    assert len(record["stl3_stateinwords"]) <= 2000


def test_a_column_that_is_taken_away_stops_the_connection_by_its_name(shop: World) -> None:
    """The refused read makes it be looked for again, within the hour that it was remembered."""
    shop.choose(custom_fields={"reference": "new_ponumber"})
    export(shop)
    table = shop.dynamics._env.schema.by_name["invoice"]
    del table.columns["new_ponumber"], table.properties["new_ponumber"]
    shop.mark(shop.save_invoice(Line("Work", "10.00")))

    shop.run_for(minutes=40)

    assert "reference: the table invoice has no column new_ponumber." in state(shop)[1]


def test_a_category_that_xero_lacks_is_the_administrators_business(shop: World) -> None:
    shop.choose(custom_fields={"tracking": {"Branch": "new_region"}})
    invoice_id = shop.save_invoice(Line("Work", "10.00"))
    shop.mark(invoice_id)
    shop.run_for(minutes=20)
    assert state(shop)[0] == connections.NEEDS_ATTENTION
    assert "tracking: Xero has no active tracking category “Branch”." in state(shop)[1]

    shop.xero.user(shop.org).add_tracking_category("Branch", ["North"])
    shop.settle()

    shop.assert_exported_once(invoice_id)


# -- Xero's categories -------------------------------------------------------------------------------------


def tracked(region: str = "North") -> Invoice:
    return invoice(custom={"new_region": region})


def test_categories_are_read_again_only_for_what_is_missing(shop: World) -> None:
    custom, tools = parse('{"tracking": {"REGION": "new_region"}}'), tools_of(shop)

    for region in ("north", "far  east", ""):
        assert read_tracking(tools, custom, [tracked(region)])["region"].options == {
            "north": "North",
            "far east": "Far East",
        }
    assert listed(shop) == 1
    read_tracking(tools, custom, [tracked("North"), tracked("West")])
    assert listed(shop) == 2


def test_archived_options_and_categories_cannot_be_used(shop: World) -> None:
    custom, tools = parse('{"tracking": {"Region": "new_region"}}'), tools_of(shop)
    person = shop.xero.user(shop.org)
    person.archive_tracking_option("Region", "North")

    found = read_tracking(tools, custom, [tracked()])["region"]
    assert (found.options, found.archived) == ({"far east": "Far East"}, ("north",))
    person.archive_tracking_category("Region")
    shop.pass_time(minutes=61)

    with pytest.raises(Disconnected, match="no active tracking category “Region”"):
        read_tracking(tools, custom, [tracked()])


# -- import ------------------------------------------------------------------------------------------------


def entry(world: World, setting: Any) -> dict[str, Any]:
    return world.entry() | {"settings": {"custom_fields": setting}}


def stored(world: World) -> str | None:
    (row,) = world.dynamics.rows(columns.SETTINGS.set_name)
    return row["stl3_customfields"]


@pytest.mark.parametrize("as_text", [True, False])
def test_import_writes_custom_fields_given_as_an_object_or_as_text(shop: World, as_text: bool) -> None:
    shop.joiner.join(entry(shop, json.dumps(SETTING) if as_text else SETTING))

    assert parse(stored(shop) or "") == parse(json.dumps(SETTING))
    (found,) = read_invoices(tools_of(shop), [shop.save_invoice(Line("Work", "1.00"), new_ponumber="7")]).values()
    assert found.invoice is not None
    assert found.invoice.custom == {"name": "Order 4711", "new_ponumber": "7"}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("{", ["settings: custom_fields: This is not JSON"]),
        ({"colour": "x"}, ["settings: custom_fields: colour: is not known."]),
        (
            {"reference": "new_x", "tracking": {"Branch": "new_y"}},
            [
                "settings: custom_fields: reference: the table invoice has no column new_x.",
                "tracking.Branch: the table invoice has no column new_y.",
                "tracking: Xero has no active tracking category “Branch”.",
            ],
        ),
    ],
)
def test_import_refuses_what_is_wrong_before_it_writes(shop: World, setting: Any, words: list[str]) -> None:
    shop.choose(custom_fields={"reference": "new_ponumber"})
    before = stored(shop)

    with pytest.raises(Misconfigured) as refused:
        shop.joiner.join(entry(shop, setting))

    assert [each for each in words if each not in str(refused.value)] == []
    assert stored(shop) == before
