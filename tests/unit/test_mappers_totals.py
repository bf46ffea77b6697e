"""What Xero calculated beside what Dynamics has: the difference in words, and the tax of each line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.totals import amount, difference, line_taxes
from tests.unit.made import invoice, line

D = Decimal
CENTS = st.integers(-(10**6), 10**6).map(lambda cents: D(cents).scaleb(-2))


def document(*lines: tuple[str, str], subtotal: str = "0", tax: str | None = None) -> dict[str, Any]:
    return {
        "SubTotal": D(subtotal),
        "TotalTax": D(tax) if tax is not None else sum((D(each[1]) for each in lines), D(0)),
        "LineItems": [{"LineAmount": D(net), "TaxAmount": D(taxed)} for net, taxed in lines],
    }


# -- the difference (rule C40) -----------------------------------------------------------------------------


def test_equal_totals_have_nothing_to_say() -> None:
    made = invoice(total=D("10.0000"), total_tax=D("0.00"))

    assert difference(made, document(("10.00", "2.00"), subtotal="10.00"), ["line-1"]) == ""


def test_the_tax_that_dynamics_already_has_is_no_difference() -> None:
    made = invoice(total=D("12.00"), total_tax=D("2.00"))

    assert difference(made, document(("10.00", "2.00"), subtotal="10.00"), ["line-1"]) == ""


def test_a_difference_is_told_with_its_lines() -> None:
    made = invoice(line(id="a", price=D("10.00")), line(id="b", price=D("5.00")), total=D("15.00"))

    text = difference(made, document(("10.00", "0"), ("5.01", "0"), subtotal="15.01"), ["a", "b"])

    assert text == ("Net total in Xero 15.01 GBP, in Dynamics 15.00: difference 0.01 (line 2: 5.01 instead of 5.00).")


def test_a_difference_that_no_line_explains_is_told_all_the_same() -> None:
    """A line that Dynamics counts and that did not go."""
    text = difference(invoice(total=D("12.00")), document(("10.00", "0"), subtotal="10.00"), ["line-1"])

    assert text == "Net total in Xero 10.00 GBP, in Dynamics 12.00: difference -2.00."


def test_a_line_of_no_line_of_ours_counts_as_too_much() -> None:
    text = difference(invoice(), document(("10.00", "0"), ("1.00", "0"), subtotal="11.00"), ["line-1", "gone"])

    assert "(line 2: 1.00 instead of 0.00)" in text


def test_yen_are_told_without_decimals_but_never_without_the_difference() -> None:
    whole = difference(invoice(total=D(12), currency="JPY", currency_decimals=0), document(subtotal="10"), [])
    part = difference(invoice(total=D(10), currency="JPY", currency_decimals=0), document(subtotal="10.40"), [])

    assert whole == "Net total in Xero 10 JPY, in Dynamics 12: difference -2."
    assert part == "Net total in Xero 10.4 JPY, in Dynamics 10: difference 0.4."


# -- the tax of each line (rule C52) -----------------------------------------------------------------------


def test_each_line_gets_xeros_tax() -> None:
    made = invoice(line(id="a"), line(id="b"))

    assert line_taxes(made, document(("10", "2.00"), ("10", "0.50")), ["a", "b"]) == {"a": D("2.00"), "b": D("0.50")}


def test_tax_that_no_line_accounts_for_goes_to_the_largest() -> None:
    made = invoice(line(id="a", price=D(10)), line(id="b", price=D(30)), line(id="c", price=D(20)))
    more = document(("10", "1"), ("30", "3"), ("20", "2"), ("-6", "-0.60"), tax="5.41")

    assert line_taxes(made, more, ["a", "b", "c", ""]) == {"a": D(1), "b": D("2.41"), "c": D(2)}


def test_the_largest_is_so_without_its_sign_and_of_equals_it_is_always_the_same() -> None:
    credit = invoice(line(id="a", price=D(10)), line(id="b", base_amount=D(-30)))
    equal = invoice(line(id="a"), line(id="b"))

    assert line_taxes(credit, document(tax="1"), [])["b"] == D(1)
    assert line_taxes(equal, document(tax="1"), []) == {"a": D(0), "b": D(1)}


def test_an_invoice_without_lines_has_nowhere_to_put_tax() -> None:
    assert line_taxes(invoice(line(product_type=3)), document(tax="1"), []) == {}


@given(
    nets=st.lists(CENTS, min_size=1, max_size=6),
    taxes=st.lists(CENTS, max_size=8),
    total=CENTS,
    cut=st.integers(0, 8),
)
def test_the_sum_is_always_xeros_total_tax(
    nets: list[Decimal], taxes: list[Decimal], total: Decimal, cut: int
) -> None:
    made = invoice(*(line(id=f"line-{n}", base_amount=net) for n, net in enumerate(nets)))
    answered = document(*(("0", str(tax)) for tax in taxes), tax=str(total))
    line_ids = [f"line-{n}" for n in range(cut)]

    found = line_taxes(made, answered, line_ids)

    assert sum(found.values()) == total
    assert set(found) == {each.id for each in made.lines}


@pytest.mark.parametrize("held", [{}, {"Total": None}, {"Total": 0}, {"Total": D("0.00")}])
def test_an_amount_that_is_not_there_is_zero(held: dict[str, Any]) -> None:
    assert amount(held, "Total") == D(0)
    assert type(amount(held, "Total")) is Decimal


def test_an_amount_is_exact_whether_number_or_text() -> None:
    assert [amount({"a": each}, "a") for each in (D("0.10"), "0.10", 7)] == [D("0.10"), D("0.10"), D(7)]
