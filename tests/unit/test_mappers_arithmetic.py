"""What a document adds up to in Xero, reckoned before it is sent, beside an oracle written from Xero's words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.books import Item, Side
from mappers.arithmetic import Reckoned, reckon
from mappers.basis import Basis
from mappers.xero import to_xero
from tests.unit.arithmetic import xero_answer
from tests.unit.generated import BOOKS, RATES, XERO, Case, cases
from tests.unit.made import basis, invoice, line, product

D = Decimal


def reckoned(*lines: object, mapped_with: Basis | None = None, **different: object) -> Reckoned:
    made = mapped_with or basis(books=BOOKS)
    document = to_xero(invoice(*lines, **different), contact_id="c", basis=made, url="u")  # type: ignore[arg-type]
    return reckon(document, made, RATES)


@settings(max_examples=300, deadline=None)
@given(case=st.sampled_from([0, 2, 3]).flatmap(cases))
def test_every_line_and_every_sum_is_what_xero_answers(case: Case) -> None:
    """Any invoice, sales or purchase, in each way of stating tax."""
    found = reckon(case.document, case.basis, RATES).as_answer()

    answer = xero_answer(case.document.as_payload(), XERO)
    assert [found[name] for name in ("SubTotal", "TotalTax", "Total")] == [
        answer[name] for name in ("SubTotal", "TotalTax", "Total")
    ]
    assert [(each.get("LineAmount"), each.get("TaxAmount")) for each in found["LineItems"]] == [
        (each.get("LineAmount"), each.get("TaxAmount")) for each in answer["LineItems"]
    ]


def test_tax_is_rounded_line_by_line() -> None:
    """Three times 0.02, not once 0.05."""
    assert reckoned(*(line(id=f"l{n}", price=D("0.09")) for n in range(3))).tax == D("0.06")


def test_prices_that_contain_the_tax_keep_their_total() -> None:
    found = reckoned(line(price=D("500.00")), line_amount_types="Inclusive")

    assert (found.net, found.tax, found.total) == (D("416.67"), D("83.33"), D("500.00"))


@pytest.mark.parametrize(
    ("side", "expected"),
    [(Side("260", "STATE"), ("260", "STATE")), (Side("260"), ("260", "RROUTPUT")), (Side(), ("200", "OUTPUT2"))],
)
def test_what_is_not_sent_comes_from_the_item_then_from_the_account(side: Side, expected: tuple[str, str]) -> None:
    """Rule C35: the tax type in force, though the document does not name it."""
    mapped_with = basis(books=BOOKS, items={"CHAIR-01": Item("CHAIR-01", side)})

    (found,) = reckoned(line(product=product()), mapped_with=mapped_with).lines

    assert found is not None
    assert (found.account, found.tax_type) == expected


def test_a_rate_that_nobody_knows_counts_no_tax_and_is_named() -> None:
    found = reckoned(line(tax_type="GONE"), line(id="l2", tax_type="GONE"))

    assert (found.tax, found.unknown) == (D(0), ("GONE",))
    assert found.lines[0] is not None
    assert found.lines[0].rate is None


def test_an_invoice_without_tax_has_no_tax_type_in_force() -> None:
    found = reckoned(line(tax_type="OUTPUT2"), line_amount_types="No Tax")

    assert (found.tax, found.unknown) == (D(0), ())
    assert found.lines[0] is not None
    assert found.lines[0].tax_type == ""


def test_notes_count_nothing() -> None:
    found = reckoned(line(price=D("1.00")), line(id="note", quantity=D(0), price=D(0)))

    assert found.lines[1] is None
    assert found.net == D("1.00")
