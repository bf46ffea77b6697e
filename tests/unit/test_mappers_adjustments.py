"""Discounts on the whole invoice and freight → lines of their own, by account and tax type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.books import Item, Side
from core.invoice import Invoice, Line
from mappers.adjustments import DISCOUNT, FREIGHT, discount_of, share
from mappers.basis import Unmappable
from tests.unit.made import books, invoice, line, mapped, product

D = Decimal
CENTS = st.integers(-(10**7), 10**7).map(lambda cents: D(cents).scaleb(-2))
NOTE = {"text": "Thank you", "quantity": D(0), "price": D(0)}
Said = tuple[str, Decimal | None, str | None, str | None]


def adjusted(made: Invoice, **different: Any) -> list[Said]:
    """Return name, amount, account and tax type of each line that is not one of the invoice."""
    lines = [each for each in mapped(made, **different).lines if each.line_id in (DISCOUNT, FREIGHT)]
    assert all((each.quantity, each.discount, each.item_code) == (D(1), None, None) for each in lines)
    return [(each.description, each.unit_amount, each.account_code, each.tax_type) for each in lines]


def booked_on(account: str | None, price: str, tax_type: str | None = None) -> Line:
    return line(account=account, tax_type=tax_type, price=D(price))


# -- how much ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        ({}, "0"),
        ({"discount": D("1.50")}, "1.50"),
        ({"discount_percentage": D(10)}, "1.00"),
        ({"discount": D("1.50"), "discount_percentage": D(10)}, "2.50"),
        ({"discount_percentage": D("3.333"), "total_lines": D("99.95")}, "3.33"),
        ({"discount_percentage": D(50), "total_lines": D("0.25")}, "0.13"),
        ({"discount_percentage": D(50), "total_lines": D(101), "currency_decimals": 0}, "51"),
        # Dynamics' own figure wins, whichever way it rounded
        ({"discount_percentage": D(50), "total_lines": D("0.25"), "total_less_freight": D("0.13")}, "0.12"),
        ({"discount_percentage": D(5), "total_lines": D("-0.50"), "total_less_freight": D("-0.48")}, "-0.02"),
        ({"discount": D(99), "total_less_freight": D("10.00")}, "0"),
    ],
)
def test_the_discount_is_the_amount_and_the_percentage_of_the_lines(different: dict[str, Any], expected: str) -> None:
    """Rule C37."""
    assert discount_of(invoice(**different)) == D(expected)


# -- where it is booked ------------------------------------------------------------------------------------


def test_a_discount_follows_the_account_and_tax_type_of_the_lines() -> None:
    """Rule C37: one line for all that are booked alike; a tax type that the account gives is not said."""
    made = invoice(line(), line(id="line-2", price=D(5)), discount=D(3), total_lines=D(15))

    assert adjusted(made) == [("Discount", D(-3), "200", None)]


def test_a_discount_over_several_accounts_and_tax_types_is_shared_by_their_nets() -> None:
    """Rule C37."""
    lines = (booked_on("200", "50"), booked_on("400", "30", "NONE"), booked_on("200", "20", "NONE"))

    assert adjusted(invoice(*lines, discount=D(10), total_lines=D(100))) == [
        ("Discount", D(-5), "200", None),
        ("Discount", D(-3), "400", "NONE"),
        ("Discount", D(-2), "200", "NONE"),
    ]


def test_the_rounding_rest_stays_within_the_discount() -> None:
    """Rule C37: a third of 10.00 three times is 10.00."""
    lines = (booked_on("200", "1"), booked_on("400", "1"), booked_on("310", "1"))

    amounts = [amount for _, amount, _, _ in adjusted(invoice(*lines, discount=D(10), total_lines=D(3)))]

    assert amounts == [D("-3.33"), D("-3.34"), D("-3.33")]


def test_yen_are_shared_in_whole_yen() -> None:
    """Rule C37: Xero would show sen."""
    lines = (booked_on("200", "1"), booked_on("400", "1"))
    made = invoice(*lines, discount=D(5), freight=D(3), total_lines=D(2), currency="JPY", currency_decimals=0)

    amounts = [amount for _, amount, _, _ in adjusted(made)]

    assert amounts == [D(-3), D(-2), D(2), D(1)]


def test_a_third_decimal_of_a_discount_is_rounded_once_and_not_part_by_part() -> None:
    """Xero has two: 0.016 is 0.02, and no part goes the other way to make up for another."""
    lines = (booked_on("200", "999"), booked_on("400", "1"))
    made = invoice(*lines, discount=D("0.016"), total_lines=D(1000), currency="KWD", currency_decimals=3)

    assert [amount for _, amount, _, _ in adjusted(made)] == [D("-0.02")]


def test_the_item_says_on_which_account_the_discount_is() -> None:
    """What is not sent with the line has to be sent with its discount, which has no item."""
    items = {"CHAIR-01": Item("CHAIR-01", Side("400", "NONE"))}

    assert adjusted(invoice(line(product=product()), discount=D(1)), items=items) == [
        ("Discount", D(-1), "400", "NONE")
    ]


def test_a_credit_among_other_lines_takes_no_share() -> None:
    """Rule C37, mixed signs: shares of a sum that a credit shrinks would be larger than the lines."""
    lines = (booked_on("200", "100"), booked_on("400", "-90"))

    assert adjusted(invoice(*lines, discount=D(5), total_lines=D(10))) == [("Discount", D(-5), "200", None)]


def test_an_invoice_of_credits_gives_its_discount_back() -> None:
    """Rule C37: 10% of -100 makes the credit smaller, in proportion to its lines."""
    lines = (booked_on("200", "-75"), booked_on("400", "-25"))
    made = invoice(*lines, discount_percentage=D(10), total_lines=D(-100), total_less_freight=D(-90))

    assert [amount for _, amount, _, _ in adjusted(made)] == [D("7.50"), D("2.50")]


# -- freight -----------------------------------------------------------------------------------------------


def test_a_percentage_is_taken_off_credits_as_well() -> None:
    """Rule C37: ten per cent off a sale and off what comes back; the tax of both is that of what is left."""
    made = invoice(
        booked_on("200", "100.00", "OUTPUT2"),
        booked_on("200", "-20.00", "NONE"),
        discount_percentage=D(10),
        total_lines=D(80),
    )

    assert adjusted(made) == [("Discount", D("-10.00"), "200", "OUTPUT2"), ("Discount", D("2.00"), "200", "NONE")]


def test_freight_takes_the_tax_type_that_all_lines_share() -> None:
    """Rule C37: on the account of the settings, in one line, whatever the accounts of the lines."""
    lines = (booked_on("200", "50", "OUTPUT2"), booked_on("400", "30", "OUTPUT2"))

    assert adjusted(invoice(*lines, freight=D(8)), freight_account="425") == [("Freight", D(8), "425", "OUTPUT2")]


def test_freight_over_several_tax_types_is_shared_by_their_nets() -> None:
    """Rule C37."""
    lines = (booked_on("200", "60", "OUTPUT2"), booked_on("400", "20", "NONE"), booked_on("200", "20", "NONE"))

    assert adjusted(invoice(*lines, freight=D(10))) == [
        ("Freight", D(6), "200", "OUTPUT2"),
        ("Freight", D(4), "200", "NONE"),
    ]


def test_freight_is_on_its_own_account_or_on_that_of_sales() -> None:
    """Rule B11."""
    made = invoice(line(tax_type="OUTPUT2"), freight=D(8))

    assert adjusted(made, freight_account="425")[0][2] == "425"
    assert adjusted(made, sales_account="400")[0][2] == "400"
    assert adjusted(made)[0][2] == "200"


def test_a_tax_type_that_the_freight_account_gives_is_not_said() -> None:
    """Rule C35."""
    assert adjusted(invoice(line(tax_type="OUTPUT2"), freight=D(8)), freight_account="400") == [
        ("Freight", D(8), "400", None)
    ]


@pytest.mark.parametrize("total", [None, D("-2.00")])
def test_notes_alone_have_nothing_to_share_by(total: Decimal | None) -> None:
    """Rule C37: the default accounts, and their own tax type."""
    made = invoice(line(**NOTE), discount=D(2), freight=D(5), total_lines=D(0), total_less_freight=total)

    assert adjusted(made, freight_account="425") == [
        ("Discount", D(-2), "200", None),
        ("Freight", D(5), "425", None),
    ]


def test_without_any_account_the_setting_is_named() -> None:
    with pytest.raises(Unmappable, match=r"Freight: no account\. Set a default sales account code"):
        mapped(invoice(line(account="200"), freight=D(5)), books=books(accounts={}))
    with pytest.raises(Unmappable, match=r"Discount: no account\. Set a default purchase account code"):
        mapped(invoice(line(**NOTE), discount=D(5), kind="Purchase Invoice"), books=books(accounts={}))


def test_discount_comes_before_freight_and_both_after_the_lines() -> None:
    """Rule C37; their names say behind which line nobody of Dynamics stands."""
    document = mapped(invoice(line(id="a"), line(id="b"), discount=D(1), freight=D(5)))

    assert document.line_ids == ("a", "b", DISCOUNT, FREIGHT)


# -- shares ------------------------------------------------------------------------------------------------


@given(amount=CENTS, weights=st.lists(CENTS, min_size=1, max_size=8), decimals=st.sampled_from([0, 2]))
def test_shares_add_up_and_none_has_another_sign(amount: Decimal, weights: list[Decimal], decimals: int) -> None:
    """Rule C37."""
    amount = amount.quantize(D(1).scaleb(-decimals))

    parts = share(amount, weights, decimals)

    assert sum(parts, D(0)) == amount
    assert len(parts) == len(weights)
    assert all(part * amount >= 0 for part in parts)
    if any(weights):
        # A part is off its proportion by less than a unit, as both its borders are rounded.
        sign = -1 if max(weights) <= 0 else 1
        counted = [max(D(0), sign * weight) for weight in weights]
        unit = D(1).scaleb(-decimals)
        for part, weight in zip(parts, counted, strict=True):
            assert abs(part - amount * weight / sum(counted)) <= unit
            assert weight or not part


@given(percent=st.integers(1, 100), weights=st.lists(CENTS, min_size=1, max_size=8).filter(sum))
def test_a_percentage_is_the_same_part_of_every_line(percent: int, weights: list[Decimal]) -> None:
    """Rule C37: of credits too, to the cent."""
    amount = (sum(weights, D(0)) * percent / 100).quantize(D("0.01"))

    parts = share(amount, weights, 2, is_percentage=True)

    assert sum(parts, D(0)) == amount
    total = sum(weights, D(0))
    assert all(abs(part - amount * each / total) <= D("0.01") for part, each in zip(parts, weights, strict=True))


@given(amount=CENTS, weights=st.lists(st.integers(1, 1000).map(Decimal), min_size=1, max_size=8))
def test_no_share_is_larger_than_its_line_where_the_whole_is_not(amount: Decimal, weights: list[Decimal]) -> None:
    whole = sum(weights, D(0))
    amount = max(min(amount, whole), -whole)

    parts = share(amount, weights, 2)

    assert all(abs(part) <= weight for part, weight in zip(parts, weights, strict=True))
