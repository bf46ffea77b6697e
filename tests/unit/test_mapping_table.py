"""`docs/mapping.md` names every field that is sent, says where it comes from, and calculates as both systems do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from marshmallow import Schema

from core import columns, money
from mappers.contacts import ContactSchema
from mappers.items import ItemSchema
from mappers.xero import InvoiceSchema
from tests.mapping_table import SCHEMAS, fields_of, mapped, named_paths, parts, paths_of, written
from tests.world import Line, World

SENT: dict[str, type[Schema]] = {"Invoices": InvoiceSchema, "Contacts": ContactSchema, "Items": ItemSchema}
STATUS = "AUTHORISED"


@pytest.mark.parametrize("name", [*SCHEMAS, "example"])
def test_the_page_is_what_the_code_says(name: str) -> None:
    """`make docs` renews it."""
    assert written(name) == parts()[name]


@pytest.mark.parametrize("schema", SENT.values())
def test_every_field_says_where_it_comes_from_and_by_which_rule(schema: type[Schema]) -> None:
    unsaid = [path for path, said in fields_of(schema()) if not (said.get("source") and said.get("rules"))]

    assert unsaid == []


def documents_sent(world: World, kind: str) -> list[dict[str, Any]]:
    path = f"/api.xro/2.0/{kind}"
    calls = [call for call in world.xero.wire.calls if (call.method, call.path) == ("PUT", path)]
    return [document for call in calls for document in money.loads(call.body)[kind]]


def reference_row(world: World, table: columns.Table, code: str, code_column: str = "stl3_code") -> str:
    """A row of Xero's reference data, as a person can choose it."""
    made = {"stl3_name": code, code_column: code, "stl3_Connector@odata.bind": world.binding(world.connection)}
    return world.sales.create(table.set_name, made)


@pytest.fixture
def rich(world: World) -> World:
    """A world in which a sales invoice and a bill with every field filled in were sent."""
    own = {"invoice": ["new_ref", "new_region"], "account": ["new_first", "new_last", "new_company", "new_vat"]}
    definition = {
        table: [{"name": name, "type": "string"} for name in names]
        for table, names in (own | {"product": ["new_text"]}).items()
    }
    world.dynamics.customise({"columns": definition})
    world.xero.user(world.org).add_tracking_category("Region", ["North"])
    contact = {
        "FirstName": "new_first",
        "LastName": "new_last",
        "CompanyNumber": "new_company",
        "TaxNumber": "new_vat",
    }
    custom = {"tracking": {"Region": "new_region"}, "contact": contact, "item": {"PurchaseDescription": "new_text"}}
    world.choose(status=STATUS, use_xero_number=False, custom_fields=custom)
    filled = dict.fromkeys(["new_first", "new_last", "new_company", "new_vat"], "x")
    filled |= {"emailaddress1": "books@fourth.example", "telephone1": "1", "fax": "3", "accountnumber": "AC-100"}
    filled |= {f"address1_line{n}": "x" for n in (1, 2, 3)}
    filled |= {f"address1_{part}": "x" for part in ("city", "stateorprovince", "postalcode", "country")}
    world.sales.update("account", world.customers["Fourth Coffee"], filled)
    world.sales.update("product", world.products["CHAIR-01"], {"new_text": "x", "description": "x"})
    theme = reference_row(world, columns.BRANDING_THEME, next(iter(world.org.branding_themes)), "stl3_themeid")
    everything: dict[str, Any] = {
        "new_region": "North",
        "description": "PO 7",
        "discountamount": Decimal("1.00"),
        "freightamount": Decimal("2.00"),
        "stl3_BrandingTheme@odata.bind": f"/{columns.BRANDING_THEME.set_name}({theme})",
    }
    sold = (Line("Black", "19.99", quantity="3", product="CHAIR-01", discount="7.77"), Line("Work", "1.00"))
    bought = Line("White", "5.00", product="DESK-02")
    bill = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}
    invoice_ids = [world.save_invoice(*sold, **everything), world.save_invoice(bought, **everything, **bill)]
    choose_tax_type(world, invoice_ids[0], "Work", "RROUTPUT")
    world.mark(*invoice_ids)
    world.settle()
    world.assert_exported_once(*invoice_ids)
    return world


def choose_tax_type(world: World, invoice_id: str, text: str, code: str) -> None:
    """A person chooses the tax type of a write-in line."""
    row = reference_row(world, columns.TAX_TYPE, code)
    (line,) = (line for line in world.lines(invoice_id) if line["productdescription"] == text)
    chosen = {"stl3_TaxType@odata.bind": f"/{columns.TAX_TYPE.set_name}({row})"}
    world.sales.update("invoicedetail", line["invoicedetailid"], chosen)


def test_the_tables_name_every_field_that_is_sent_and_no_other(rich: World) -> None:
    """Held against documents that went out with everything filled in."""
    sent = {kind: {path for each in documents_sent(rich, kind) for path in paths_of(each)} for kind in SENT}

    named = {kind: named_paths(schema()) for kind, schema in SENT.items()}
    assert sent == named


def test_both_systems_calculate_the_example_like_the_page(world: World) -> None:
    """Rule C52 and rule C37, to the cent: lines and totals in Xero, the tax that Dynamics then has."""
    made, document, reckoned, taxes = mapped()
    discounted, delivery, note = made.lines
    invoice_id = world.save_invoice(
        Line("", "19.99", quantity=str(discounted.quantity), product="CHAIR-01", discount="7.77"),
        discountpercentage=made.discount_percentage,
        freightamount=made.freight,
    )
    for each in (delivery, note):
        row = {"quantity": each.quantity, "priceperunit": each.price, "isproductoverridden": True}
        row |= {"productdescription": each.text, "invoiceid@odata.bind": f"/invoices({invoice_id})"}
        world.sales.create("invoicedetail", row)
    choose_tax_type(world, invoice_id, delivery.text, "RROUTPUT")
    world.mark(invoice_id)

    world.settle()

    (found,) = world.documents_of(invoice_id)
    amounts = sorted((line.amount, line.tax) for line in reckoned.lines if line)
    assert (
        sorted((line["LineAmount"], line["TaxAmount"]) for line in found["LineItems"] if line.get("Quantity"))
        == amounts
    )
    assert len(found["LineItems"]) == len(document.lines)
    assert (found["SubTotal"], found["TotalTax"], found["Total"]) == (reckoned.net, reckoned.tax, reckoned.total)
    invoice = world.invoice(invoice_id)
    assert (invoice["totaltax"], invoice["totalamount"]) == (reckoned.tax, reckoned.total)
    assert sorted(line["tax"] or 0 for line in world.lines(invoice_id)) == sorted(taxes.values())
