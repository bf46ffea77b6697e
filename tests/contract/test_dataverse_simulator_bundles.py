"""Bundles on invoices: their components' lines come, follow, count and go as the bundle's line says."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.dataverse_world import DataverseWorld

D = Decimal


@dataclass
class Shop:
    """A bundle at 100: two cups (required, 12 each by themselves) and a jug and a half (optional, 7.50 each)."""

    world: DataverseWorld
    price_list: str
    bundle: str
    cup: str
    jug: str

    def invoice(self, *lines: dict[str, Any], **columns: Any) -> str:
        price_list = {"pricelevelid@odata.bind": f"/pricelevels({self.price_list})"}
        return self.world.invoice(*lines, **price_list, **columns)

    def line(self, quantity: str = "1") -> dict[str, Any]:
        return {**self.world.catalogue_line(self.bundle), "quantity": D(quantity)}


def kinds(rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["producttypecode"]: row for row in rows}


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


@pytest.fixture
def shop(world: DataverseWorld) -> Shop:
    price_list = world.price_list()
    cup, jug = world.product("CUP", name="Cup"), world.product("JUG", name="Jug")
    bundle = world.product("SET", name="Tea set", productstructure=3, active=False)
    for product, quantity, required in ((cup, "2", 1), (jug, "1.5", 0)):
        row = {"quantity": D(quantity), "productisrequired": required, "productid@odata.bind": f"/products({bundle})"}
        world.person.create("productassociations", row | {"associatedproduct@odata.bind": f"/products({product})"})
    world.person.update("products", bundle, {"statecode": 0})
    for product, amount in ((bundle, "100"), (cup, "12"), (jug, "7.5")):
        world.list_price(price_list, product, amount)
    return Shop(world, price_list, bundle, cup, jug)


def test_a_bundle_brings_its_components_and_counts_once(world: DataverseWorld, shop: Shop) -> None:
    invoice_id = shop.invoice(shop.line("3"), {**world.catalogue_line(shop.cup), "quantity": 1})

    lines = kinds(world.lines(invoice_id))
    bundle, required, optional, single = lines[2], lines[3], lines[4], lines[1]
    assert (required["productname"], required["quantity"]) == ("Cup", D("6.00000"))
    assert (optional["productname"], optional["quantity"]) == ("Jug", D("4.50000"))
    for component in (required, optional):
        assert component["parentbundleid"] == bundle["invoicedetailid"]
        assert component["_parentbundleidref_value"] == bundle["invoicedetailid"]
        assert (component["priceperunit"], component["extendedamount"]) == (0, 0)
        assert component["isproductoverridden"] is False
    assert (bundle["parentbundleid"], bundle["extendedamount"]) == (None, D("300.00"))
    assert single["extendedamount"] == D("12.00")
    assert world.person.get("invoices", invoice_id)["totalamount"] == D("312.00")


def test_components_with_prices_of_their_own_stay_out_of_the_net(world: DataverseWorld, shop: Shop) -> None:
    world.env.set_component_prices("own")

    invoice_id = shop.invoice(shop.line("2"), discountpercentage=10)

    lines = kinds(world.lines(invoice_id))
    assert (lines[3]["priceperunit"], lines[3]["baseamount"]) == (D("12.00"), D("48.00"))
    assert (lines[4]["priceperunit"], lines[4]["extendedamount"]) == (D("7.50"), D("22.50"))
    row = world.person.get("invoices", invoice_id)
    assert (row["totallineitemamount"], row["totalamount"]) == (D("200.00"), D("180.00"))


def test_tax_written_on_a_component_counts(world: DataverseWorld, shop: Shop) -> None:
    invoice_id = shop.invoice(shop.line())
    component = kinds(world.lines(invoice_id))[3]

    world.person.update("invoicedetails", component["invoicedetailid"], {"tax": D("1.25")})

    row = world.person.get("invoices", invoice_id)
    assert (row["totallineitemamount"], row["totaltax"], row["totalamount"]) == (D("100.00"), D("1.25"), D("101.25"))


def test_components_follow_the_bundles_quantity(world: DataverseWorld, shop: Shop) -> None:
    invoice_id = shop.invoice(shop.line())
    bundle = kinds(world.lines(invoice_id))[2]

    world.person.update("invoicedetails", bundle["invoicedetailid"], {"quantity": 5})

    lines = kinds(world.lines(invoice_id))
    assert {kind: row["quantity"] for kind, row in lines.items()} == {2: 5, 3: 10, 4: D("7.5")}
    assert world.person.get("invoices", invoice_id)["totalamount"] == D("500.00")


def test_components_go_with_the_bundle_and_required_ones_not_alone(world: DataverseWorld, shop: Shop) -> None:
    invoice_id = shop.invoice(shop.line(), shop.line("2"))
    bundles = [line for line in world.lines(invoice_id) if line["producttypecode"] == 2]
    first, second = (line["invoicedetailid"] for line in bundles)
    of_first = {
        line["producttypecode"]: line["invoicedetailid"]
        for line in world.lines(invoice_id)
        if line["parentbundleid"] == first
    }

    assert world.refusal("DELETE", f"invoicedetails({of_first[3]})") == (400, "0x80040203")
    world.person.delete("invoicedetails", of_first[4])
    world.person.delete("invoicedetails", first)

    left = world.lines(invoice_id)
    assert {line["parentbundleid"] or line["invoicedetailid"] for line in left} == {second}
    assert sorted(line["producttypecode"] for line in left) == [2, 3, 4]


def test_an_invoice_with_bundles_is_deleted_whole(world: DataverseWorld, shop: Shop) -> None:
    invoice_id = shop.invoice(shop.line(), shop.line())

    world.person.delete("invoices", invoice_id)

    assert world.env.rows("invoicedetails") == []


def test_inactive_associations_and_families_stay_off_the_invoice(world: DataverseWorld, shop: Shop) -> None:
    for row in world.env.rows("productassociations"):
        world.person.update("productassociations", row["productassociationid"], {"statecode": 1})
    family = world.product("FAM", name="Crockery", productstructure=2)

    invoice_id = shop.invoice(shop.line())

    assert [line["producttypecode"] for line in world.lines(invoice_id)] == [2]
    bind = {"invoiceid@odata.bind": f"/invoices({invoice_id})", "ispriceoverridden": True, "quantity": 1}
    assert world.refusal("POST", "invoicedetails", world.catalogue_line(family) | bind) == (400, "0x80040203")


def test_every_component_tells_of_itself_one_level_deeper(world: DataverseWorld, shop: Shop) -> None:
    invoice_id = shop.invoice()
    endpoint = world.endpoint()
    for message in ("Create", "Update", "Delete"):
        world.step(message, "invoicedetail", endpoint=endpoint)

    line_id = world.person.create(
        "invoicedetails", shop.line() | {"invoiceid@odata.bind": f"/invoices({invoice_id})"}
    )
    created = world.deliver()
    world.person.update("invoicedetails", line_id, {"quantity": 2})
    updated = world.deliver()
    world.person.delete("invoicedetails", line_id)
    deleted = world.deliver()

    for message, bodies in (("Create", created), ("Update", updated), ("Delete", deleted)):
        assert sorted((body["MessageName"], body["Depth"]) for body in bodies) == [
            (message, 1),
            (message, 2),
            (message, 2),
        ]
