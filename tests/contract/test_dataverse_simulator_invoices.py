"""Invoices: numbers, money, states, what closed ones refuse."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.dataverse.money import Line, in_base_currency, invoice_totals, line_amounts
from tests.contract.dataverse_world import DataverseWorld

PAID = {"statecode": 2, "statuscode": 100001}
CANCELED = {"statecode": 3, "statuscode": 100003}
ACTIVE = {"statecode": 0, "statuscode": 1}


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def euro(world: DataverseWorld, rate: str = "1.25", precision: int = 2) -> str:
    row = {"currencyname": "Euro", "isocurrencycode": "EUR", "currencysymbol": "€", "currencyprecision": precision}
    return world.person.create("transactioncurrencies", row | {"exchangerate": Decimal(rate)})


def product(world: DataverseWorld, price_list: str, amount: str = "9.99", *, active: bool = True) -> dict[str, str]:
    """A product in a price list; return the binds of a line that sells it."""
    unit, group = world.env.rows("uoms")[0]["uomid"], world.env.rows("uomschedules")[0]["uomscheduleid"]
    units = {
        "defaultuomid@odata.bind": f"/uoms({unit})",
        "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
    }
    product_id = world.person.create("products", {"name": "Tea", "productnumber": f"T{amount}", **units})
    if active:
        world.person.update("products", product_id, {"statecode": 0})
    line = {"productid@odata.bind": f"/products({product_id})", "uomid@odata.bind": f"/uoms({unit})"}
    world.person.create(
        "productpricelevels",
        {"amount": Decimal(amount), "pricelevelid@odata.bind": f"/pricelevels({price_list})", **line},
    )
    return line


def test_numbers_are_given_in_order_and_may_be_supplied(world: DataverseWorld) -> None:
    first, second, own = world.invoice(), world.invoice(), world.invoice(invoicenumber="MINE-1")

    numbers = [world.person.get("invoices", i)["invoicenumber"] for i in (first, second, own)]

    assert re.fullmatch(r"INV-01000-[A-Z0-9]{6}", numbers[0])
    assert re.fullmatch(r"INV-01001-[A-Z0-9]{6}", numbers[1])
    assert numbers[2] == "MINE-1"
    world.person.update("invoices", own, {"invoicenumber": "OTHER"})
    assert world.person.get("invoices", own)["invoicenumber"] == "MINE-1"


def test_totals_follow_lines_discounts_and_freight(world: DataverseWorld) -> None:
    invoice_id = world.invoice(
        {"quantity": 3, "priceperunit": Decimal("19.99"), "manualdiscountamount": 5, "tax": Decimal("10.99")},
        {"quantity": Decimal("-1"), "priceperunit": Decimal("10"), "tax": Decimal("-2")},
        discountamount=Decimal("1.5"),
        discountpercentage=Decimal("10"),
        freightamount=Decimal("7.25"),
        totalamount=Decimal(999),
    )

    row = world.person.get("invoices", invoice_id)

    assert row["totallineitemamount"] == Decimal("44.97")
    assert row["totallineitemdiscountamount"] == Decimal("5.00")
    assert row["totaldiscountamount"] == Decimal("11.00")
    assert row["totalamountlessfreight"] == Decimal("38.97")
    assert row["totaltax"] == Decimal("8.99")
    assert row["totalamount"] == Decimal("55.21")


def test_changing_or_deleting_a_line_rolls_up_and_makes_a_new_version(world: DataverseWorld) -> None:
    invoice_id = world.invoice({"quantity": 1, "priceperunit": 10}, {"quantity": 1, "priceperunit": 5})
    lines = {line["priceperunit"]: line["invoicedetailid"] for line in world.env.rows("invoicedetails")}
    before = world.person.get("invoices", invoice_id)["versionnumber"]

    world.person.update("invoicedetails", lines[10], {"quantity": 2, "tax": Decimal("4")})
    between = world.person.get("invoices", invoice_id)
    world.person.delete("invoicedetails", lines[5])
    after = world.person.get("invoices", invoice_id)

    assert (between["totalamount"], after["totalamount"]) == (Decimal("29.00"), Decimal("24.00"))
    assert before < between["versionnumber"] < after["versionnumber"]


def test_base_amounts_use_the_rate_of_the_day_the_invoice_was_made(world: DataverseWorld) -> None:
    currency = euro(world)
    invoice_id = world.invoice(
        {"quantity": 1, "priceperunit": 100},
        **{"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"},
    )
    world.person.update("transactioncurrencies", currency, {"exchangerate": Decimal(2)})
    world.person.create(
        "invoicedetails",
        {
            "invoiceid@odata.bind": f"/invoices({invoice_id})",
            "productdescription": "x",
            "quantity": 1,
            "priceperunit": 25,
        },
    )

    row = world.person.get("invoices", invoice_id)

    assert row["exchangerate"] == Decimal("1.25")
    assert (row["totalamount"], row["totalamount_base"]) == (Decimal("125.00"), Decimal("100.0000"))


def test_amounts_have_the_currencys_digits(world: DataverseWorld) -> None:
    currency = euro(world, precision=0)
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"}

    invoice_id = world.invoice({"quantity": 1, "priceperunit": Decimal("10.5"), "tax": Decimal("0.5")}, **bind)

    assert world.person.get("invoices", invoice_id)["totalamount"] == Decimal(12)


def test_the_price_list_must_be_in_the_invoices_currency(world: DataverseWorld) -> None:
    price_list = world.price_list(euro(world))

    refused = world.refusal("POST", "invoices", {"pricelevelid@odata.bind": f"/pricelevels({price_list})"})

    assert refused == (400, "0x80048CED")


def test_catalogue_products_take_the_list_price_unless_it_is_overridden(world: DataverseWorld) -> None:
    price_list = world.price_list()
    line = product(world, price_list)
    bind = {"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    own = {"priceperunit": 5, "quantity": 2, "productdescription": None}

    world.invoice({**line, **own}, {**line, **own, "ispriceoverridden": True}, **bind)

    rows = world.env.rows("invoicedetails")
    assert sorted(row["extendedamount"] for row in rows) == [Decimal("10.00"), Decimal("19.98")]
    assert {row["productname"] for row in rows} == {"Tea"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"productdescription": "x"}, "0x80081012"),
        ({"quantity": 1}, "0x80043B11"),
        ({"quantity": 1, "productdescription": "x", "isproductoverridden": False}, "0x80043B11"),
    ],
)
def test_lines_that_lack_something_are_refused(world: DataverseWorld, line: dict[str, Any], code: str) -> None:
    bind = {"invoiceid@odata.bind": f"/invoices({world.invoice()})"}

    assert world.refusal("POST", "invoicedetails", line | bind) == (400, code)


def test_product_lines_need_unit_price_list_and_an_active_product(world: DataverseWorld) -> None:
    price_list = world.price_list()
    line, draft = product(world, price_list), product(world, price_list, "1.00", active=False)
    without, with_list = world.invoice(), world.invoice(**{"pricelevelid@odata.bind": f"/pricelevels({price_list})"})

    def refused(invoice_id: str, row: dict[str, Any]) -> str:
        body = row | {"quantity": 1, "invoiceid@odata.bind": f"/invoices({invoice_id})"}
        return world.refusal("POST", "invoicedetails", body)[1]

    assert refused(with_list, {"productid@odata.bind": line["productid@odata.bind"]}) == "0x80043B0D"
    assert refused(without, line) == "0x80043B12"
    assert refused(with_list, draft) == "0x80040203"
    assert refused(with_list, line | {"productdescription": "both"}) == "0x80043AFB"


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        (PAID, PAID, "0x80100000"),
        (CANCELED, PAID, "0x80100000"),
        (CANCELED, CANCELED, "0x80100001"),
        (None, {"statecode": 2, "statuscode": 1}, "0x80048408"),
        (None, {"statuscode": 100001}, "0x80048408"),
    ],
)
def test_states_that_cannot_follow_are_refused(
    world: DataverseWorld, first: dict[str, int] | None, then: dict[str, int], code: str
) -> None:
    invoice_id = world.invoice()
    if first:
        world.person.update("invoices", invoice_id, first)

    assert world.refusal("PATCH", f"invoices({invoice_id})", then, If_Match="*") == (400, code)


def test_paid_can_be_canceled_and_either_reopened(world: DataverseWorld) -> None:
    invoice_id = world.invoice()

    for state in (PAID, CANCELED, ACTIVE, {"statecode": 2}, ACTIVE, {"statuscode": 4}):
        world.person.update("invoices", invoice_id, state)

    row = world.person.get("invoices", invoice_id)
    assert (row["statecode"], row["statuscode"]) == (0, 4)


def test_a_closed_invoice_and_its_lines_are_read_only(world: DataverseWorld) -> None:
    invoice_id = world.invoice({"quantity": 1, "priceperunit": 10})
    line_id = world.env.rows("invoicedetails")[0]["invoicedetailid"]
    world.person.update("invoices", invoice_id, PAID | {"description": "written before it closes"})
    new_line = {"productdescription": "x", "quantity": 1, "invoiceid@odata.bind": f"/invoices({invoice_id})"}

    assert world.refusal("PATCH", f"invoices({invoice_id})", {"name": "x"}, If_Match="*") == (400, "0x8004022E")
    assert world.refusal("PATCH", f"invoices({invoice_id})", ACTIVE | {"name": "x"}) == (400, "0x8004022E")
    assert world.refusal("PATCH", f"invoicedetails({line_id})", {"tax": 1}) == (400, "0x80043B09")
    assert world.refusal("DELETE", f"invoicedetails({line_id})") == (400, "0x80043B09")
    assert world.refusal("POST", "invoicedetails", new_line) == (400, "0x80043B09")
    assert world.person.get("invoices", invoice_id)["description"] == "written before it closes"
    assert world.person.get("invoicedetails", line_id)["invoicestatecode"] == 2


def test_locked_prices_stay_when_the_price_list_is_left(world: DataverseWorld) -> None:
    price_list, other = world.price_list(), world.price_list()
    line = product(world, price_list)
    invoice_id = world.invoice(
        {**line, "quantity": 1, "productdescription": None},
        **{"pricelevelid@odata.bind": f"/pricelevels({price_list})"},
    )
    world.call("POST", "LockInvoicePricing", {"InvoiceId": invoice_id})
    world.person.update("invoices", invoice_id, {"pricelevelid@odata.bind": f"/pricelevels({other})"})
    locked = world.person.get("invoices", invoice_id)

    world.call("POST", "UnlockInvoicePricing", {"InvoiceId": invoice_id})
    world.person.update("invoices", invoice_id, {"pricelevelid@odata.bind": f"/pricelevels({price_list})"})
    world.person.update("invoices", invoice_id, {"pricelevelid@odata.bind": f"/pricelevels({other})"})

    assert (locked["ispricelocked"], locked["totalamount"]) == (True, Decimal("9.99"))
    assert world.person.get("invoices", invoice_id)["totalamount"] == Decimal("0.00")


amounts = st.decimals(min_value=0, max_value=10**6, places=2)
lines = st.lists(
    st.builds(
        Line,
        quantity=st.decimals(min_value=-1000, max_value=1000, places=5),
        price=st.decimals(min_value=0, max_value=10**5, places=4),
        manual_discount=amounts,
        tax=st.decimals(min_value=-1000, max_value=1000, places=2),
    ),
    max_size=8,
)


@given(lines=lines, discount=amounts, percentage=st.decimals(min_value=0, max_value=100, places=2), freight=amounts)
def test_totals_obey_the_formulas(
    lines: list[Line], discount: Decimal, percentage: Decimal, freight: Decimal
) -> None:
    """The published formulas, written out a second time."""

    def cents(value: Decimal) -> Decimal:
        return value.quantize(Decimal("0.01"), ROUND_HALF_UP)

    totals = invoice_totals(lines, 2, discount=discount, discount_percentage=percentage, freight=freight)

    nets = sum((cents(line.quantity * line.price) - line.manual_discount for line in lines), Decimal(0))
    share = cents(nets * percentage / 100)
    assert totals.line_items == nets
    assert totals.discounts == discount + share + sum((line.manual_discount for line in lines), Decimal(0))
    assert totals.tax == sum((line.tax for line in lines), Decimal(0))
    assert totals.total == nets - discount - share + freight + totals.tax
    assert totals.total.as_tuple().exponent == -2


def test_per_unit_discounts_are_taken_for_each_unit() -> None:
    line = Line(quantity=Decimal(3), price=Decimal(10), manual_discount=Decimal("0.50"), tax=Decimal(1))

    assert line_amounts(line, 2, per_unit=True).extended == Decimal("29.50")
    assert line_amounts(line, 2).extended == Decimal("30.50")
    assert in_base_currency(Decimal(10), Decimal(3)) == Decimal("3.3333")
