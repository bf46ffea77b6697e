"""What no rule allows and yet happens: lost rows, blanked columns, numbers that are almost the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import Client

from tests.contract.dataverse_world import URL, DataverseWorld

D = Decimal


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def catalogue_invoice(world: DataverseWorld) -> tuple[str, str]:
    """An invoice with one line of a product at 9.99; return the ids of invoice and product."""
    price_list, product = world.price_list(), world.product()
    world.list_price(price_list, product, "9.99")
    line = {**world.catalogue_line(product), "quantity": 2}
    return world.invoice(line, **{"pricelevelid@odata.bind": f"/pricelevels({price_list})"}), product


@pytest.mark.parametrize("table", ["account", "contact"])
def test_an_invoice_can_name_a_customer_that_is_gone(world: DataverseWorld, table: str) -> None:
    name = {"name": "Gone"} if table == "account" else {"lastname": "Gone"}
    customer = world.person.create(f"{table}s", name)
    invoice_id = world.invoice(
        **{"customerid_account@odata.bind": None, f"customerid_{table}@odata.bind": f"/{table}s({customer})"}
    )
    world.step("Update")

    world.env.lose_row(table, customer)

    found = world.get(
        f"invoices({invoice_id})",
        select="_customerid_value",
        expand="customerid_account($select=name),customerid_contact($select=fullname)",
        prefer='odata.include-annotations="*"',
    )
    assert found["_customerid_value"] == customer
    assert found["_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == table
    assert "_customerid_value@OData.Community.Display.V1.FormattedValue" not in found
    assert (found["customerid_account"], found["customerid_contact"]) == (None, None)
    assert world.refusal("GET", f"{table}s({customer})") == (404, "0x80040217")
    assert world.deliver() == []
    world.person.update("invoices", invoice_id, {"name": "still writable"})
    assert len(world.deliver()) == 1


def test_links_to_a_lost_row_can_be_emptied(world: DataverseWorld) -> None:
    customer = world.account("Gone")
    invoice_id = world.invoice(**{"customerid_account@odata.bind": f"/accounts({customer})"})
    before = world.person.get("invoices", invoice_id)

    world.env.lose_row("account", customer, links="cleared")

    row = world.person.get("invoices", invoice_id)
    assert (row["_customerid_value"], row["_accountid_value"]) == (None, None)
    assert row["versionnumber"] > before["versionnumber"]
    assert row["modifiedon"] == before["modifiedon"]


@pytest.mark.parametrize("links", ["kept", "cleared"])
def test_a_line_can_lose_its_product_and_be_written_all_the_same(world: DataverseWorld, links: Any) -> None:
    invoice_id, product = catalogue_invoice(world)

    world.env.lose_row("product", product, links=links)

    (line,) = world.lines(invoice_id)
    address = f"invoicedetails({line['invoicedetailid']})"
    found = world.get(address, expand="productid($select=name)")
    assert found["_productid_value"] == (product if links == "kept" else None)
    assert (found["productid"], found["productnumber"], found["productname"]) == (None, None, "Tea")
    assert (found["isproductoverridden"], found["productdescription"]) == (False, None)
    assert world.call("PATCH", address, {"tax": 4}).status_code == 204
    (line,) = world.lines(invoice_id)
    assert (line["priceperunit"], line["extendedamount"], line["productname"]) == (D("9.99"), D("23.98"), "Tea")
    assert line["pricingerrorcode"] == 6
    assert world.refusal("PATCH", address, {"quantity": 3})[0] in (400, 404)


def test_a_line_may_have_neither_product_nor_text(world: DataverseWorld) -> None:
    invoice_id = world.invoice(
        {"productdescription": None, "isproductoverridden": True, "quantity": 1, "priceperunit": 5}
    )

    (line,) = world.lines(invoice_id)
    assert (line["_productid_value"], line["productdescription"], line["productname"]) == (None, None, None)
    assert line["extendedamount"] == D("5.00")


def test_a_currency_can_lose_its_code(world: DataverseWorld) -> None:
    currency = world.env.add_currency("EUR", rate=D("1.25"))
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"}
    price_list = world.price_list(currency)
    refused = world.refusal("PATCH", f"transactioncurrencies({currency})", {"currencyname": None}, If_Match="*")

    world.env.overwrite("transactioncurrency", currency, {"isocurrencycode": None})

    invoice_id = world.invoice(
        {"quantity": 1, "priceperunit": 10}, **bind, **{"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    )
    inner = "transactioncurrencyid($select=isocurrencycode,currencyprecision)"
    found = world.get(f"invoices({invoice_id})", expand=f"{inner},pricelevelid($expand={inner})")
    assert refused == (400, "0x80040203")
    assert found["transactioncurrencyid"]["isocurrencycode"] is None
    assert found["pricelevelid"]["transactioncurrencyid"]["isocurrencycode"] is None
    assert found["totalamount"] == D("10.00")


def test_read_only_columns_can_be_overwritten_without_a_trace(world: DataverseWorld) -> None:
    invoice_id, _ = catalogue_invoice(world)
    world.step("Update")
    before = world.person.get("invoices", invoice_id)

    world.env.overwrite("invoices", invoice_id, {"totalamount": D("99.99"), "invoicenumber": None})

    after = world.person.get("invoices", invoice_id)
    assert (after["totalamount"], after["invoicenumber"]) == (D("99.99"), None)
    assert after["modifiedon"] == before["modifiedon"]
    assert world.deliver() == []


@pytest.mark.parametrize("number", ["TEA-01", "tea-01", "Tea-01  "])
def test_a_product_number_is_taken_whatever_its_case_and_trailing_blanks(world: DataverseWorld, number: str) -> None:
    world.product("TEA-01")
    row = {"name": "Other", "productnumber": number, **world.unit()}
    other = world.product("TEA-02")

    assert world.refusal("POST", "products", row) == (412, "0x80040237")
    assert world.refusal("PATCH", f"products({other})", {"productnumber": number}) == (412, "0x80040237")


def test_leading_blanks_make_another_product_number(world: DataverseWorld) -> None:
    world.product("TEA-01")

    world.product(" TEA-01")

    assert sorted(row["productnumber"] for row in world.env.rows("products")) == [" TEA-01", "TEA-01"]


@pytest.mark.parametrize(
    ("literal", "found"), [("tea-01", 1), ("TEA-01   ", 1), (" TEA-01", 0), ("TEA-011", 0), ("TEA 01", 0)]
)
def test_filters_compare_texts_as_the_database_does(world: DataverseWorld, literal: str, found: int) -> None:
    world.product("TEA-01 ")

    rows = world.get("products", select="productnumber", filter=f"productnumber eq '{literal}'")["value"]

    assert [row["productnumber"] for row in rows] == ["TEA-01 "] * found


def test_accidents_can_be_staged_from_another_process(world: DataverseWorld) -> None:
    def control(path: str, body: Any) -> Any:
        answer = Client(world.env.wire).post(f"/_control/{path}", json=body, base_url=URL)
        return answer.get_json() | {"status": answer.status_code}

    currency = control("currencies", {"code": "JPY", "rate": 190.5, "precision": 0})["transactioncurrencyid"]
    control("organization", {"pricingdecimalprecision": 4})
    control("overwrite", {"set": "transactioncurrencies", "id": currency, "row": {"isocurrencycode": None}})
    customer = world.account("Gone")
    invoice_id = world.invoice(**{"customerid_account@odata.bind": f"/accounts({customer})"})
    control("lose-row", {"set": "accounts", "id": customer, "links": "cleared"})

    row = world.person.get("transactioncurrencies", currency)
    assert (row["currencyname"], row["isocurrencycode"], row["exchangerate"]) == ("JPY", None, D("190.5"))
    assert world.env.rows("organizations")[0]["pricingdecimalprecision"] == 4
    assert world.person.get("invoices", invoice_id)["_customerid_value"] is None
    assert control("lose-row", {"set": "accounts", "id": customer})["status"] == 404
    wrong = {"set": "invoices", "id": invoice_id}
    assert control("overwrite", wrong | {"row": {"nonsense": 1}})["status"] == 400
    assert control("overwrite", wrong | {"row": {"pricelevelid": invoice_id}})["status"] == 400
