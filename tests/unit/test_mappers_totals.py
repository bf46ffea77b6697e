"""What Xero calculated beside what Dynamics has: the difference in words, and the tax of each line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.adjustments import DISCOUNT, FREIGHT
from mappers.totals import amount, difference, line_ids_of, line_taxes
from tests.unit.made import invoice, line, product

D = Decimal
CENTS = st.integers(-(10**6), 10**6).map(lambda cents: D(cents).scaleb(-2))


def document(*lines: tuple[str, str], subtotal: str = "0", tax: str | None = None, **more: Any) -> dict[str, Any]:
    """What Xero answers: a net and a tax for each line."""
    return {
        "SubTotal": D(subtotal),
        "TotalTax": D(tax) if tax is not None else sum((D(each[1]) for each in lines), D(0)),
        "LineItems": [{"LineAmount": D(net), "TaxAmount": D(taxed)} for net, taxed in lines],
    } | more


# -- the difference ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_amount_types", ["Exclusive", "No Tax"])
def test_equal_nets_have_nothing_to_say(line_amount_types: str) -> None:
    """Rule C40."""
    made = invoice(total=D("10.0000"), total_tax=D("0.00"), line_amount_types=line_amount_types)

    assert difference(made, document(("10.00", "2.00"), subtotal="10.00"), ["line-1"]) == ""


def test_the_tax_that_dynamics_already_has_is_no_difference() -> None:
    made = invoice(total=D("12.00"), total_tax=D("2.00"))

    assert difference(made, document(("10.00", "2.00"), subtotal="10.00"), ["line-1"]) == ""


@pytest.mark.parametrize("typed_tax", ["0.00", "1.67"])
def test_where_prices_contain_tax_the_totals_are_compared(typed_tax: str) -> None:
    """Rule C40, Inclusive: with Dynamics' total as it is once the tax on its lines is 0 (rule C52)."""
    tax = D(typed_tax)
    made = invoice(total=D("10.00") + tax, total_tax=tax, line_amount_types="Inclusive")
    same = document(("10.00", "1.67"), subtotal="8.33", Total=D("10.00"))

    assert difference(made, same, ["line-1"]) == ""
    assert difference(made, same | {"Total": D("10.01")}, ["line-1"]) == (
        "Total in Xero 10.01 GBP, in Dynamics 10.00: difference 0.01."
    )


def test_a_difference_is_told_with_its_lines() -> None:
    """Rule C40."""
    made = invoice(
        line(id="a", price=D("10.00")),
        line(id="b", price=D("5.00"), product=product()),
        line(id="c", product_type=3),
        line(id="d", price=D("1.00"), text="Rest"),
        total=D("16.00"),
    )
    answer = document(("10.00", "0"), ("5.01", "0"), ("0.99", "0"), ("0.02", "0"), subtotal="16.02")

    assert difference(made, answer, ["a", "b", "d", FREIGHT]) == (
        "Net total in Xero 16.02 GBP, in Dynamics 16.00: difference 0.02 "
        "(line 2, Office chair: 5.01 instead of 5.00; line 3, Rest: 0.99 instead of 1.00; "
        "Freight: 0.02 instead of 0.00)."
    )


def test_the_parts_of_a_discount_are_told_as_one() -> None:
    made = invoice(discount=D("3.00"), total=D("7.00"))
    answer = document(("10.00", "0"), ("-1.50", "0"), ("-1.49", "0"), subtotal="7.01")

    assert difference(made, answer, ["line-1", DISCOUNT, DISCOUNT]).endswith(
        "difference 0.01 (Discount: -2.99 instead of -3.00)."
    )


def test_a_difference_that_no_line_explains_is_told_all_the_same() -> None:
    """A line that Dynamics counts and that did not go."""
    text = difference(invoice(total=D("12.00")), document(("10.00", "0"), subtotal="10.00"), ["line-1"])

    assert text == "Net total in Xero 10.00 GBP, in Dynamics 12.00: difference -2.00."


def test_yen_are_told_without_decimals_but_never_without_the_difference() -> None:
    whole = difference(invoice(total=D(12), currency="JPY", currency_decimals=0), document(subtotal="10"), [])
    part = difference(invoice(total=D(10), currency="JPY", currency_decimals=0), document(subtotal="10.40"), [])

    assert whole == "Net total in Xero 10 JPY, in Dynamics 12: difference -2."
    assert part == "Net total in Xero 10.4 JPY, in Dynamics 10: difference 0.4."


def test_three_decimals_are_told_as_they_are() -> None:
    made = invoice(line(price=D("1.234")), total=D("1.234"), currency="KWD", currency_decimals=3)

    assert difference(made, document(("1.23", "0"), subtotal="1.23"), ["line-1"]) == (
        "Net total in Xero 1.230 KWD, in Dynamics 1.234: difference -0.004 (line 1, Work: 1.230 instead of 1.234)."
    )


# -- the tax of each line ----------------------------------------------------------------------------------


def test_each_line_gets_xeros_tax() -> None:
    """Rule C52."""
    made = invoice(line(id="a"), line(id="b"))

    assert line_taxes(made, document(("10", "2.00"), ("10", "0.50")), ["a", "b"]) == {"a": D("2.00"), "b": D("0.50")}


def test_the_tax_of_discount_and_freight_goes_to_the_largest_line() -> None:
    """Rule C52; and any rest that no line accounts for."""
    made = invoice(line(id="a", price=D(10)), line(id="b", price=D(30)), line(id="c", price=D(20)))
    more = document(("10", "1"), ("30", "3"), ("20", "2"), ("-6", "-0.60"), ("1", "0.10"), tax="5.51")

    found = line_taxes(made, more, ["a", "b", "c", DISCOUNT, FREIGHT])

    assert found == {"a": D(1), "b": D("2.51"), "c": D(2)}


@pytest.mark.parametrize("typed", ["0", "1.67"])
def test_prices_that_contain_tax_leave_none_on_the_lines(typed: str) -> None:
    """Rule C52, Inclusive: else Dynamics would add it once more."""
    made = invoice(line(id="a", tax=D(typed)), line(id="b"), line_amount_types="Inclusive")

    assert line_taxes(made, document(("10", "1.67"), ("10", "1.67")), ["a", "b"]) == {"a": D(0), "b": D(0)}


def test_components_of_a_bundle_have_no_tax() -> None:
    """Rule C52: what somebody typed there would be in the total of Dynamics and not in that of Xero."""
    made = invoice(line(id="a", product_type=2), line(id="a.1", product_type=3, tax=D(1)))

    assert line_taxes(made, document(("10", "2")), ["a"]) == {"a": D(2), "a.1": D(0)}


def test_yen_have_whole_taxes_that_add_up_to_the_rounded_total() -> None:
    """Rule C52: three times 0.40 is 1; Dynamics would keep 0 for each."""
    made = invoice(*(line(id=each) for each in "abc"), currency="JPY", currency_decimals=0)

    found = line_taxes(made, document(*(("4", "0.40"),) * 3), list("abc"))

    assert found == {"a": D(0), "b": D(0), "c": D(1)}


def test_the_largest_is_so_without_its_sign_and_of_equals_it_is_always_the_same() -> None:
    credit = invoice(line(id="a", price=D(10)), line(id="b", extended_amount=D(-30)))
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
    """Rule C52, whatever the document in Xero looks like by now."""
    made = invoice(*(line(id=f"line-{n}", extended_amount=net) for n, net in enumerate(nets)))
    answered = document(*(("0", str(tax)) for tax in taxes), tax=str(total))
    line_ids = [f"line-{n}" for n in range(cut)]

    found = line_taxes(made, answered, line_ids)

    assert sum(found.values()) == total
    assert set(found) == {each.id for each in made.lines}


# -- lines of a document that was found --------------------------------------------------------------------


def test_a_document_that_was_found_has_the_lines_then_the_adjustments() -> None:
    made = invoice(line(id="a"), line(id="a.1", product_type=3), line(id="b"))
    found = {"LineItems": [{"Description": each} for each in ("Work", "Work", "Discount", "Discount", "Freight")]}

    assert line_ids_of(made, found) == ("a", "b", DISCOUNT, DISCOUNT, FREIGHT)
    assert line_ids_of(made, {"LineItems": found["LineItems"][:2]}) == ("a", "b")


@pytest.mark.parametrize("texts", [["Work"], ["Work", "Work", "Something else"], []])
def test_a_document_with_other_lines_is_nobodys_guess(texts: list[str]) -> None:
    made = invoice(line(id="a"), line(id="b"))

    assert line_ids_of(made, {"LineItems": [{"Description": text} for text in texts]}) == ()


# -- amounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [{}, {"Total": None}, {"Total": 0}, {"Total": D("0.00")}])
def test_an_amount_that_is_not_there_is_zero(held: dict[str, Any]) -> None:
    assert amount(held, "Total") == D(0)
    assert type(amount(held, "Total")) is Decimal


def test_an_amount_is_exact_whether_number_or_text() -> None:
    assert [amount({"a": each}, "a") for each in (D("0.10"), "0.10", 7)] == [D("0.10"), D("0.10"), D(7)]
