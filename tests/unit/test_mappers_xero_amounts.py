"""Any invoice, to the cent: what Xero calculates from the document is what Dynamics asks for.

Both systems' arithmetic is in tests/unit/arithmetic.py, from their vendors' words and not from our code.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from core.invoice import Invoice
from core.money import dumps, loads, places_of
from mappers.adjustments import DISCOUNT, FREIGHT, discount_of
from mappers.lines import line_net
from mappers.totals import difference, line_taxes
from tests.unit.arithmetic import EVEN, UP, account_of, decimal, has_tie, rounded, xero_answer
from tests.unit.generated import XERO, Case, cases

D = Decimal
MANY = settings(max_examples=400, deadline=None)
SOME = settings(max_examples=150, deadline=None)
COMPONENTS = (3, 4)


def net_of(invoice: Invoice, answer: dict[str, Any]) -> Decimal:
    """Return what has to equal Dynamics' net: the total where prices contain tax."""
    return Decimal(answer["Total" if invoice.line_amount_types == "Inclusive" else "SubTotal"])


def check_taxes(case: Case, answer: dict[str, Any]) -> None:
    """Rule C52."""
    decimals = case.invoice.currency_decimals
    taxes = line_taxes(case.invoice, answer, case.document.line_ids)

    inclusive = case.invoice.line_amount_types == "Inclusive"
    wanted = Fraction(0) if inclusive else rounded(Fraction(answer["TotalTax"]), decimals)
    assert sum(taxes.values()) == decimal(wanted, decimals)
    assert set(taxes) == {line.id for line in case.invoice.lines}
    assert all(places_of(tax) <= decimals for tax in taxes.values()), "Dynamics would round them and lose the sum"
    assert not any(taxes[line.id] for line in case.invoice.lines if line.product_type in COMPONENTS)


@pytest.mark.parametrize("decimals", [0, 2])
@MANY
@given(source=st.data())
def test_xeros_net_is_dynamics_net(decimals: int, source: st.DataObject) -> None:
    """Always, with no and with two decimals, however Dynamics rounds ties; and then nothing is said (rule C40)."""
    case = source.draw(cases(decimals))
    document = case.document

    answer = xero_answer(document.as_payload(), XERO)

    assert net_of(case.invoice, answer) == case.invoice.net
    assert difference(case.invoice, answer, document.line_ids) == ""
    check_taxes(case, answer)


@MANY
@given(case=cases(3))
def test_a_third_decimal_is_never_lost_in_silence(case: Case) -> None:
    """Xero has two: the nets are equal, or the difference is told with its amount (rule C40)."""
    document = case.document

    answer = xero_answer(document.as_payload(), XERO)

    told = difference(case.invoice, answer, document.line_ids)
    off = net_of(case.invoice, answer) - case.invoice.net
    assert (told == "") == (off == 0)
    event(f"differs: {off != 0}")
    if told:
        (amount,) = re.findall(r": difference (-?\d+\.\d+)", told)
        assert D(amount) == off
        assert abs(off) <= D("0.005") * (len(case.invoice.lines) + 2)  # each of them, discount and freight
    check_taxes(case, answer)


@MANY
@given(case=cases(2))
def test_the_one_thing_that_could_differ_is_a_tie_that_xero_does_not_round_up(case: Case) -> None:
    """Xero does not say how it rounds x.xx5: if to even, exactly lines with such an amount may be a cent off.

    Then that cent is told with its line (rule C40).
    """
    document = case.document
    payload = document.as_payload()
    answer = xero_answer(payload, XERO, ties=EVEN)
    usual = xero_answer(payload, XERO)

    sent = loads(dumps(payload))["LineItems"]
    off = [
        has_tie(line)
        for line, one, other in zip(sent, answer["LineItems"], usual["LineItems"], strict=True)
        if one.get("LineAmount") != other.get("LineAmount")
    ]
    assert all(off)
    differs = net_of(case.invoice, answer) != case.invoice.net
    assert differs <= bool(off)
    assert bool(difference(case.invoice, answer, document.line_ids)) == differs


@pytest.mark.parametrize("decimals", [0, 2, 3])
@SOME
@given(source=st.data())
def test_the_document_is_one_that_xero_takes(decimals: int, source: st.DataObject) -> None:
    """Lengths, decimals and discounts as Xero allows them; every line has an account, given or by its item."""
    case = source.draw(cases(decimals))
    payload = case.document.as_payload()
    is_bill = payload["Type"] == "ACCPAY"

    for line in payload["LineItems"]:
        assert 1 <= len(line["Description"]) <= 4000
        if "Quantity" not in line:
            assert line.keys() == {"Description"}
            continue
        quantity, price, discount = line["Quantity"], line["UnitAmount"], line.get("DiscountAmount")
        assert len(str(quantity)) <= 13
        assert re.fullmatch(r"-?\d+(\.\d{1,4})?", str(quantity))
        assert re.fullmatch(r"-?\d+(\.\d{1,4})?", str(price))
        assert discount is None or (not is_bill and 0 < discount <= quantity * price)
        assert discount is None or places_of(discount) <= 2
        assert account_of(line, payload["Type"], XERO)
        assert ("TaxType" in line) <= (payload["LineAmountTypes"] != "NoTax")
    assert xero_answer(payload, XERO, discounts_first=True) == xero_answer(payload, XERO, discounts_first=False)


@pytest.mark.parametrize("decimals", [0, 2, 3])
@SOME
@given(source=st.data())
def test_discount_and_freight_are_shared_without_a_wrong_sign(decimals: int, source: st.DataObject) -> None:
    """Rule C37: they add up to what Dynamics took off and put on, and no part goes the other way.

    But for a percentage on lines of both signs, which is taken off the credits as well.
    """
    case = source.draw(cases(decimals))
    invoice, lines = case.invoice, case.document.lines

    places = min(decimals, 2)
    for kind, wanted in ((DISCOUNT, -discount_of(invoice)), (FREIGHT, invoice.freight)):
        parts = [line.unit_amount or D(0) for line in lines if line.line_id == kind]
        whole = decimal(rounded(Fraction(wanted), places), places)
        assert sum(parts, D(0)) == whole
        nets = [line_net(each, decimals) for each in invoice.lines]
        is_mixed = min(nets) < 0 < max(nets) and bool(invoice.discount_percentage) and kind == DISCOUNT
        assert is_mixed or all(part * whole > 0 for part in parts)
        assert all(line.quantity == 1 and line.discount is None for line in lines if line.line_id == kind)
    booked = [(line.account_code, line.tax_type) for line in lines if line.line_id == DISCOUNT]
    assert len(booked) == len(set(booked))


@pytest.mark.parametrize("ties", [UP, EVEN])
@pytest.mark.parametrize(
    ("amount", "places", "up", "even"),
    [
        ("0.125", 2, "0.13", "0.12"),
        ("-0.125", 2, "-0.13", "-0.12"),
        ("0.135", 2, "0.14", "0.14"),
        ("0.1251", 2, "0.13", "0.13"),
        ("31.5", 0, "32", "32"),
        ("-0.5", 0, "-1", "0"),
    ],
)
def test_the_rounding_that_judges_is_itself_right(amount: str, places: int, up: str, even: str, ties: str) -> None:
    assert decimal(rounded(Fraction(amount), places, ties), places) == D(up if ties == UP else even)


def test_the_arithmetic_that_judges_agrees_with_xeros_published_example() -> None:
    """Tax of 15% on 25.06, 25.61 and 25.63 is 3.76 + 3.84 + 3.84, not 11.45 on the sum."""
    line = {"Description": "-", "Quantity": D(1), "AccountCode": "200", "TaxType": "GST"}
    lines = [line | {"UnitAmount": D(each)} for each in ("25.06", "25.61", "25.63")]
    books = XERO.__class__(rates={"GST": D(15)}, accounts={"200": "GST"})

    answer = xero_answer({"Type": "ACCREC", "LineAmountTypes": "Exclusive", "LineItems": lines}, books)

    assert [each["TaxAmount"] for each in answer["LineItems"]] == [D("3.76"), D("3.84"), D("3.84")]
    assert (answer["SubTotal"], answer["TotalTax"], answer["Total"]) == (D("76.30"), D("11.44"), D("87.74"))
