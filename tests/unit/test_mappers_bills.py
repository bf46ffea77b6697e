"""Purchase invoices → bills: the purchase side throughout, and no discounts, which Xero refuses on bills."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.books import Item, Side
from core.invoice import Line
from mappers.basis import Unmappable
from mappers.lines import XeroLine
from tests.unit.arithmetic import decimal, line_amount
from tests.unit.made import books, invoice, line, mapped, product

D = Decimal
CHAIR = Item("CHAIR-01", Side("400", "OUTPUT2"), Side("429", "INPUT2"))


def on_bill(*made: Line, **different: Any) -> tuple[XeroLine, ...]:
    own = {name: different.pop(name) for name in ("discount", "freight", "total_lines") if name in different}
    return mapped(invoice(*made, kind="Purchase Invoice", **own), **different).lines


def test_a_bill_takes_the_items_purchase_side() -> None:
    """Rules C34 and C35: neither is said, as the item gives both."""
    (chair,) = on_bill(line(product=product()), items={"CHAIR-01": CHAIR})

    assert (chair.item_code, chair.account_code, chair.tax_type) == ("CHAIR-01", None, None)


def test_the_default_purchase_account_is_the_lowest_active_one() -> None:
    """Rule B7: or the one of the settings; that of sales does not count."""
    assert on_bill(line())[0].account_code == "310"
    assert on_bill(line(), purchase_account="429")[0].account_code == "429"
    assert on_bill(line(), sales_account="260")[0].account_code == "310"


def test_without_any_account_the_line_and_the_setting_are_named() -> None:
    """Rule B7."""
    with pytest.raises(Unmappable, match=r"Line “Work”: no account\. Set a default purchase account code"):
        on_bill(line(), books=books(accounts={}))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        # nothing to hide: as typed
        (line(quantity=D(3), price=D("10.00")), (D(3), D("10.00"))),
        (line(quantity=D(-3), price=D("10.00")), (D(-3), D("10.00"))),
        # the net per unit, where four decimals hold it exactly
        (line(quantity=D(4), price=D("10.00"), manual_discount=D("1.00")), (D(4), D("9.75"))),
        (line(quantity=D(8), price=D("10.00"), manual_discount=D("0.10")), (D(8), D("9.9875"))),
        (line(quantity=D("2.5"), price=D("10.00"), volume_discount=D(1)), (D("2.5"), D("9"))),
        (line(quantity=D(2), price=D("5.00"), manual_discount=D("10.00")), (D(2), D(0))),
        (line(quantity=D(2), price=D("5.00"), manual_discount=D("11.00")), (D(2), D("-0.50"))),
        # else in one piece (rule C39)
        (line(quantity=D(3), price=D("10.00"), manual_discount=D("5.00")), (D(1), D("25.00"))),
        (line(quantity=D(7), price=D("99.99"), manual_discount=D("12.34")), (D(1), D("687.59"))),
        (line(quantity=D("0.33333"), price=D("3.00")), (D(1), D("1.00"))),
    ],
)
def test_what_a_discount_would_say_is_in_the_price(made: Line, expected: tuple[Decimal, Decimal]) -> None:
    """Rule C36, for bills: the unit amount is net ÷ quantity where that is exact."""
    (each,) = on_bill(made)

    assert (each.quantity, each.unit_amount, each.discount) == (*expected, None)
    net = made.quantity * (made.price - made.volume_discount) - made.manual_discount
    said = {"Quantity": each.quantity, "UnitAmount": each.unit_amount}
    assert decimal(line_amount(said), 2) == net.quantize(D("0.01"))
    kept = f"\n{made.quantity.normalize():f} × {made.price.normalize():f}"
    assert each.description == "Work" + (kept if each.quantity != made.quantity else "")


def test_discount_and_freight_of_a_whole_bill_are_lines_as_on_sales() -> None:
    """Rule C37."""
    lines = on_bill(line(tax_type="INPUT2"), discount=D(1), freight=D(5), freight_account="425")

    said = [(each.description, each.unit_amount, each.account_code, each.tax_type) for each in lines[1:]]
    assert said == [("Discount", D(-1), "310", None), ("Freight", D(5), "425", "INPUT2")]
    assert not any(each.discount for each in lines)


def test_freight_without_an_account_of_its_own_is_booked_where_purchases_are() -> None:
    """Rule B11."""
    assert on_bill(line(), freight=D(5), purchase_account="429")[-1].account_code == "429"


def test_a_bill_has_the_number_of_dynamics_and_no_reference_or_theme() -> None:
    """Rule C13."""
    payload = mapped(invoice(kind="Purchase Invoice", description="PO 99")).as_payload()

    assert (payload["Type"], payload["InvoiceNumber"]) == ("ACCPAY", "INV-01000")
    assert not payload.keys() & {"Reference", "BrandingThemeID"}
