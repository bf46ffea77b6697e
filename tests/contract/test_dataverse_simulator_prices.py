"""Prices and amounts: discount lists, discounts of lines and invoices, currencies of every precision, ties."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.dataverse.money import Line, invoice_totals, line_amounts
from simulators.dataverse.values import round_to
from tests.contract.dataverse_world import DataverseWorld

D = Decimal


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def discount_list(world: DataverseWorld, *ranges: tuple[str, str, str], amounts: bool = False, **more: Any) -> str:
    """Make a discount list of (low, high, percentage or amount)."""
    list_id = world.person.create("discounttypes", {"name": "Volume", "isamounttype": amounts, **more})
    for low, high, value in ranges:
        row = {"lowquantity": D(low), "highquantity": D(high), "amount" if amounts else "percentage": D(value)}
        world.person.create("discounts", row | {"discounttypeid@odata.bind": f"/discounttypes({list_id})"})
    return list_id


def catalogue(world: DataverseWorld, amount: str, discounts: str | None = None, **price_list: Any) -> dict[str, Any]:
    """A product at a price; return line binds and, under `invoice`, the invoice's."""
    list_id, product = world.price_list(**price_list), world.product()
    bind = {"discounttypeid@odata.bind": f"/discounttypes({discounts})"} if discounts else {}
    world.list_price(list_id, product, amount, **bind)
    return {"line": world.catalogue_line(product), "invoice": {"pricelevelid@odata.bind": f"/pricelevels({list_id})"}}


def bind_currency(currency_id: str) -> dict[str, str]:
    return {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency_id})"}


@pytest.mark.parametrize(
    ("quantity", "per_unit"),
    [
        ("9.99999", "0"),
        ("10", "2.00"),
        ("20", "2.00"),
        ("20.5", "0"),
        ("21", "4.99"),
        ("1000.00001", "0"),
        ("-10", "0"),
    ],
)
def test_the_range_of_the_quantity_gives_the_volume_discount_per_unit(
    world: DataverseWorld, quantity: str, per_unit: str
) -> None:
    """Both ends belong to a range; gaps and negative quantities get nothing."""
    sold = catalogue(world, "19.95", discount_list(world, ("10", "20", "10"), ("21", "1000", "25")))

    invoice_id = world.invoice({**sold["line"], "quantity": D(quantity)}, **sold["invoice"])

    (line,) = world.lines(invoice_id)
    base = round_to(D(quantity) * (D("19.95") - D(per_unit)), 2)
    assert (line["priceperunit"], line["volumediscountamount"]) == (D("19.95"), D(per_unit))
    assert (line["baseamount"], line["extendedamount"]) == (base, base)
    assert world.person.get("invoices", invoice_id)["totallineitemamount"] == base


def test_a_list_of_amounts_takes_the_amount_off_each_unit_and_follows_the_quantity(world: DataverseWorld) -> None:
    sold = catalogue(world, "8", discount_list(world, ("5", "100", "1.25"), amounts=True))
    invoice_id = world.invoice(
        {**sold["line"], "quantity": 6, "manualdiscountamount": D("0.50"), "tax": 3}, **sold["invoice"]
    )
    (line,) = world.lines(invoice_id)

    world.person.update("invoicedetails", line["invoicedetailid"], {"quantity": 4})

    assert (line["volumediscountamount"], line["extendedamount"]) == (D("1.25"), D("43.00"))
    (line,) = world.lines(invoice_id)
    assert (line["volumediscountamount"], line["extendedamount"]) == (0, D("34.50"))


def test_an_overridden_price_has_no_volume_discount_and_locked_prices_keep_theirs(world: DataverseWorld) -> None:
    sold = catalogue(world, "10", discount_list(world, ("2", "9", "50")))
    own = {**sold["line"], "quantity": 3, "ispriceoverridden": True, "priceperunit": 7}
    invoice_id = world.invoice({**sold["line"], "quantity": 3}, own, **sold["invoice"])
    world.call("POST", "LockInvoicePricing", {"InvoiceId": invoice_id})
    listed = next(line for line in world.lines(invoice_id) if not line["ispriceoverridden"])

    world.person.update("invoicedetails", listed["invoicedetailid"], {"quantity": 1})

    found = {row["priceperunit"]: row for row in world.lines(invoice_id)}
    assert (found[7]["volumediscountamount"], found[7]["baseamount"]) == (0, D("21.00"))
    assert (found[10]["volumediscountamount"], found[10]["baseamount"]) == (D("5.00"), D("5.00"))


def test_an_inactive_discount_list_gives_nothing(world: DataverseWorld) -> None:
    discounts = discount_list(world, ("1", "9", "50"))
    sold = catalogue(world, "10", discounts)
    world.person.update("discounttypes", discounts, {"statecode": 1})

    invoice_id = world.invoice({**sold["line"], "quantity": 3}, **sold["invoice"])

    assert world.lines(invoice_id)[0]["volumediscountamount"] == 0


def test_discount_lists_want_their_value_and_the_price_lists_currency(world: DataverseWorld) -> None:
    euro = world.env.add_currency("EUR", rate=D("1.25"))
    amounts, shares = discount_list(world, amounts=True), discount_list(world)
    price_list, product = world.price_list(euro), world.product()
    item = {"amount": 5, "pricelevelid@odata.bind": f"/pricelevels({price_list})", **world.catalogue_line(product)}
    bounds = {"lowquantity": 1, "highquantity": 2, "discounttypeid@odata.bind": f"/discounttypes({amounts})"}

    refused = world.refusal("POST", "discounts", bounds | {"percentage": 5})
    mixed = world.refusal(
        "POST", "productpricelevels", item | {"discounttypeid@odata.bind": f"/discounttypes({amounts})"}
    )

    assert (refused, mixed) == ((400, "0x80040203"), (400, "0x80040203"))
    assert world.post("productpricelevels", item | {"discounttypeid@odata.bind": f"/discounttypes({shares})"})
    assert world.refusal("DELETE", f"discounttypes({shares})") == (405, "0x80040227")


@pytest.mark.parametrize(
    ("places", "price", "net", "discounts", "tax", "total"),
    [
        # 2.5 x 3.3333 = 8.33325; 7.5% of the net; freight 1.0055
        (0, "3.3333", "8", "2", "1", "8"),
        (2, "3.3333", "8.33", "1.95", "0.56", "7.95"),
        (3, "3.3333", "8.333", "1.959", "0.556", "7.936"),
    ],
)
def test_amounts_have_as_many_decimals_as_the_currency_and_prices_as_the_organisation(
    world: DataverseWorld, places: int, price: str, net: str, discounts: str, tax: str, total: str
) -> None:
    world.env.set_organization(pricingdecimalprecision=4)
    currency = world.env.add_currency("XTS", rate=D("0.8"), precision=places)

    invoice_id = world.invoice(
        {"quantity": D("2.5"), "priceperunit": D(price), "tax": D("0.5555")},
        discountamount=D("1.3335"),
        discountpercentage=D("7.5"),
        freightamount=D("1.0055"),
        **bind_currency(currency),
    )

    row, (line,) = world.person.get("invoices", invoice_id), world.lines(invoice_id)
    assert (line["priceperunit"], line["baseamount"]) == (D("3.3333"), D(net))
    assert (row["totallineitemamount"], row["totaldiscountamount"]) == (D(net), D(discounts))
    assert (row["totaltax"], row["totalamount"]) == (D(tax), D(total))
    assert row["totalamount"].as_tuple().exponent == -places
    assert row["totalamount_base"] == round_to(D(total) / D("0.8"), 4)


@pytest.mark.parametrize(("decimals", "price"), [(0, "1"), (2, "1.23"), (4, "1.2346")])
def test_prices_typed_too_fine_are_rounded_before_anything_is_computed(
    world: DataverseWorld, decimals: int, price: str
) -> None:
    world.env.set_organization(pricingdecimalprecision=decimals)

    invoice_id = world.invoice({"quantity": 1000, "priceperunit": D("1.23456")})

    (line,) = world.lines(invoice_id)
    assert (line["priceperunit"], line["baseamount"]) == (D(price), D(price) * 1000)


@pytest.mark.parametrize(
    ("quantity", "price", "net"),
    [
        ("-3", "10", "-30.00"),
        ("3", "-10", "-30.00"),
        ("-3", "-10", "30.00"),
        ("0.00001", "1000", "0.01"),
        ("-0.12345", "9.99", "-1.23"),
        ("123456.78901", "0.01", "1234.57"),
        ("0", "10", "0.00"),
    ],
)
def test_quantities_and_prices_below_zero_and_with_all_their_decimals(
    world: DataverseWorld, quantity: str, price: str, net: str
) -> None:
    invoice_id = world.invoice({"quantity": D(quantity), "priceperunit": D(price)})

    (line,) = world.lines(invoice_id)
    assert (line["quantity"], line["baseamount"], line["extendedamount"]) == (D(quantity), D(net), D(net))
    assert world.person.get("invoices", invoice_id)["totalamount"] == D(net)


@pytest.mark.parametrize(("quantity", "net"), [("0.5", "0.01"), ("-0.5", "-0.01"), ("1.5", "0.02"), ("2.5", "0.03")])
def test_ties_are_rounded_away_from_zero(world: DataverseWorld, quantity: str, net: str) -> None:
    """The simulator's own decision: see `round_to`."""
    invoice_id = world.invoice({"quantity": D(quantity), "priceperunit": D("0.01")})

    assert world.lines(invoice_id)[0]["baseamount"] == D(net)


@pytest.mark.parametrize(("quantity", "extended"), [("3", "28.50"), ("-3", "-28.50"), ("2.5", "23.75")])
def test_an_organisation_may_have_manual_discounts_typed_per_unit(
    world: DataverseWorld, quantity: str, extended: str
) -> None:
    world.env.set_organization(discountcalculationmethod=1)

    invoice_id = world.invoice({"quantity": D(quantity), "priceperunit": 10, "manualdiscountamount": D("0.5")})

    row = world.person.get("invoices", invoice_id)
    assert world.lines(invoice_id)[0]["extendedamount"] == D(extended)
    assert (row["totallineitemdiscountamount"], row["totalamount"]) == (D(quantity) / 2, D(extended))


def test_price_lists_and_invoices_in_several_currencies(world: DataverseWorld) -> None:
    yen = world.env.add_currency("JPY", rate=D("190.5"), precision=0)
    sold = catalogue(world, "1250", currency_id=yen)

    invoice_id = world.invoice({**sold["line"], "quantity": 3}, **sold["invoice"], **bind_currency(yen))

    found = world.get(
        f"invoices({invoice_id})",
        select="totalamount",
        expand="transactioncurrencyid($select=isocurrencycode,currencyprecision)",
        prefer='odata.include-annotations="OData.Community.Display.V1.FormattedValue"',
    )
    currency = found["transactioncurrencyid"]
    assert (currency["isocurrencycode"], currency["currencyprecision"], found["totalamount"]) == ("JPY", 0, 3750)
    assert found["totalamount@OData.Community.Display.V1.FormattedValue"] == "¥3,750"


def test_another_price_list_prices_the_lines_anew_in_both_currencies(world: DataverseWorld) -> None:
    euro = world.env.add_currency("EUR", rate=D("1.25"))
    sold = catalogue(world, "10", currency_id=euro)
    product = world.env.rows("products")[0]["productid"]
    other = world.price_list(euro)
    shares = {"discounttypeid@odata.bind": f"/discounttypes({discount_list(world, ('2', '9', '10'))})"}
    world.list_price(other, product, "20", **shares)
    invoice_id = world.invoice({**sold["line"], "quantity": 2}, **sold["invoice"], **bind_currency(euro))

    world.person.update("invoices", invoice_id, {"pricelevelid@odata.bind": f"/pricelevels({other})"})

    row, (line,) = world.person.get("invoices", invoice_id), world.lines(invoice_id)
    assert (line["volumediscountamount"], line["extendedamount"]) == (D("2.00"), D("36.00"))
    assert (line["volumediscountamount_base"], line["extendedamount_base"]) == (D("1.6000"), D("28.8000"))
    assert (row["totalamount"], row["totalamount_base"]) == (D("36.00"), D("28.8000"))


@given(
    quantity=st.decimals(min_value=-1000, max_value=1000, places=5),
    price=st.decimals(min_value=-(10**5), max_value=10**5, places=4),
    volume=st.decimals(min_value=0, max_value=1000, places=3),
    manual=st.decimals(min_value=0, max_value=1000, places=3),
    places=st.sampled_from([0, 2, 3]),
    per_unit=st.booleans(),
)
def test_lines_obey_the_formula_in_every_precision(
    quantity: Decimal, price: Decimal, volume: Decimal, manual: Decimal, places: int, per_unit: bool
) -> None:
    """The published formula, written out a second time."""

    def kept(value: Decimal) -> Decimal:
        return value.quantize(D(1).scaleb(-places), ROUND_HALF_UP)

    line = Line(quantity=quantity, price=price, volume_discount=volume, manual_discount=manual)

    amounts = line_amounts(line, places, per_unit=per_unit)
    totals = invoice_totals([line, line], places, per_unit=per_unit)

    base = kept(quantity * (price - volume))
    assert amounts.base == base
    assert amounts.extended == base - kept(manual * quantity if per_unit else manual)
    assert totals.total == totals.line_items == 2 * amounts.extended
