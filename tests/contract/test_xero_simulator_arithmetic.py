"""Totals of documents: the examples of the vendor's rounding guide, recorded documents, and properties."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.xero.arithmetic import document_totals, line_amount, line_tax, rounded
from tests.contract.xero_caller import line, start_xero

MONEY = st.decimals(min_value=-10_000, max_value=10_000, places=2)
RATES = st.sampled_from([Decimal(rate) for rate in ("0", "5", "8.25", "10", "12.5", "15", "17.5", "20")])


def _lines(amounts: list[Decimal], rate: Decimal, mode: str) -> list[dict[str, Any]]:
    return [{"LineAmount": amount, "TaxAmount": line_tax(amount, rate, mode)} for amount in amounts]


def test_tax_is_rounded_on_each_line_and_then_added() -> None:
    amounts = [Decimal("25.06"), Decimal("25.61"), Decimal("25.63")]

    totals = document_totals(_lines(amounts, Decimal(15), "Exclusive"), "Exclusive")

    assert (totals.subtotal, totals.tax, totals.total) == (Decimal("76.30"), Decimal("11.44"), Decimal("87.74"))


@pytest.mark.parametrize(("amount", "tax"), [("541.25", "70.60"), ("500", "65.22")])
def test_inclusive_tax_is_taken_out_of_the_amount(amount: str, tax: str) -> None:
    assert line_tax(Decimal(amount), Decimal(15), "Inclusive") == Decimal(tax)


def test_ties_are_rounded_away_from_zero() -> None:
    assert (rounded(Decimal("0.005")), rounded(Decimal("-0.005"))) == (Decimal("0.01"), Decimal("-0.01"))


@pytest.mark.parametrize(
    ("rate", "amount", "expected"), [("10", None, "27.00"), (None, "1.50", "28.50"), (None, None, "30.00")]
)
def test_a_discount_is_a_percentage_or_an_amount(rate: str | None, amount: str | None, expected: str) -> None:
    net = line_amount(
        Decimal(3),
        Decimal(10),
        discount_rate=Decimal(rate) if rate else None,
        discount_amount=Decimal(amount) if amount else None,
    )

    assert net == Decimal(expected)


@given(amounts=st.lists(MONEY, max_size=20), rate=RATES)
def test_exclusive_totals_add_up(amounts: list[Decimal], rate: Decimal) -> None:
    totals = document_totals(_lines(amounts, rate, "Exclusive"), "Exclusive")

    assert totals.subtotal == sum(amounts)
    assert totals.total == totals.subtotal + totals.tax
    assert abs(totals.tax - sum(amounts) * rate / 100) <= Decimal("0.005") * len(amounts)


@given(amounts=st.lists(MONEY, max_size=20), rate=RATES)
def test_inclusive_totals_keep_the_amounts(amounts: list[Decimal], rate: Decimal) -> None:
    totals = document_totals(_lines(amounts, rate, "Inclusive"), "Inclusive")

    assert totals.total == sum(amounts)
    assert totals.subtotal + totals.tax == totals.total


@given(amount=MONEY, rate=RATES)
def test_tax_does_not_depend_on_the_sign(amount: Decimal, rate: Decimal) -> None:
    for mode in ("Exclusive", "Inclusive", "NoTax"):
        assert line_tax(-amount, rate, mode) == -line_tax(amount, rate, mode)


def test_amounts_leave_with_their_exact_digits() -> None:
    xero = start_xero(region="NZ", name="NZ")
    lines = [line(UnitAmount=amount) for amount in (25.06, "25.61", 25.63)]

    text = xero.put("/Invoices", {"Invoices": [_document(lines)]}).text

    assert '"SubTotal":76.3,"TotalTax":11.44,"Total":87.74' in text
    assert '"UnitAmount":25.06' in text
    assert '"Quantity":1.0' in text


def test_unit_prices_have_two_decimals_unless_four_are_asked_for_on_that_call() -> None:
    xero = start_xero()
    lines = [line(Quantity=3, UnitAmount=1.2345)]

    two = xero.put("/Invoices", _document(lines)).json["Invoices"][0]
    four = xero.put("/Invoices?unitdp=4", _document(lines)).json["Invoices"][0]
    read = xero.get(f"/Invoices/{four['InvoiceID']}").json["Invoices"][0]
    read_four = xero.get(f"/Invoices/{four['InvoiceID']}?unitdp=4").json["Invoices"][0]

    assert (two["LineItems"][0]["UnitAmount"], two["SubTotal"]) == (Decimal("1.23"), Decimal("3.69"))
    assert (four["LineItems"][0]["UnitAmount"], four["SubTotal"]) == (Decimal("1.2345"), Decimal("3.70"))
    assert read["LineItems"][0]["UnitAmount"] == Decimal("1.23")
    assert read_four["LineItems"][0]["UnitAmount"] == Decimal("1.2345")


def test_no_tax_means_no_tax_whatever_the_line_says() -> None:
    created = start_xero().create(LineAmountTypes="NoTax", LineItems=[line(TaxType="OUTPUT2")])

    assert (created["Total"], created["LineItems"][0]["TaxType"]) == (Decimal(100), "NONE")


def test_a_tax_amount_overrides_the_computed_one() -> None:
    created = start_xero().create(LineItems=[line(TaxAmount=19.99)])

    assert (created["TotalTax"], created["Total"]) == (Decimal("19.99"), Decimal("119.99"))


def test_a_discount_shows_in_line_and_document() -> None:
    created = start_xero().create(LineItems=[line(Quantity=2, UnitAmount=50, DiscountRate=10)])

    assert (created["IsDiscounted"], created["TotalDiscount"]) == (True, Decimal(10))
    assert (created["LineItems"][0]["LineAmount"], created["Total"]) == (Decimal(90), Decimal(108))


def test_a_unit_price_is_derived_from_the_line_amount() -> None:
    raw = line(Quantity=3, LineAmount=10)
    del raw["UnitAmount"]

    created = start_xero().create(LineItems=[raw])

    assert created["LineItems"][0]["UnitAmount"] == Decimal("3.3333")
    assert created["SubTotal"] == Decimal(10)


def test_a_wrong_line_amount_is_refused() -> None:
    assert start_xero().refused(LineItems=[line(Quantity=2, LineAmount=150)]) == [
        "The line total 150.0 does not match the expected line total 200.0"
    ]


def _document(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Type": "ACCREC", "Contact": {"Name": "Ann"}, "LineItems": lines}
