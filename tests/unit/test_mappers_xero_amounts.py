"""Rules C36 and C39: Xero's own arithmetic over the lines that are sent gives what Dynamics asks for, to the cent."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.invoice import Line
from core.money import round_to
from mappers.xero import XeroLine, line_net
from tests.unit.made import invoice, line
from tests.unit.test_mappers_xero import mapped

D = Decimal
QUANTITIES = st.one_of(
    st.decimals(min_value=D("0.00001"), max_value=D(99_999), places=5),
    st.integers(1, 10_000).map(Decimal),
)
PRICES = st.decimals(min_value=D(0), max_value=D(100_000), places=4)


def sent(made: Line, decimals: int = 2) -> XeroLine:
    (only,) = mapped(invoice(made, currency_decimals=decimals)).lines
    return only


def xero_amount(each: XeroLine) -> Decimal:
    """What Xero calculates: two decimals in every currency, quantities and prices of four at most."""
    assert each.quantity is not None
    assert each.unit_amount is not None
    quantity, price = round_to(each.quantity, 4), round_to(each.unit_amount, 4)
    return round_to(quantity * price, 2) - (each.discount or D(0))


@st.composite
def lines(draw: st.DrawFn, decimals: int) -> Line:
    """A line as Dynamics calculates it, whichever way it rounds a tie."""
    quantity, price = draw(QUANTITIES), draw(PRICES)
    volume = draw(st.one_of(st.just(D(0)), st.decimals(min_value=D(0), max_value=price, places=4)))
    unit = D(1).scaleb(-decimals)
    exact = quantity * (price - volume)
    base = draw(st.sampled_from([round_to(exact, decimals), exact.quantize(unit, ROUND_HALF_EVEN)]))
    manual = draw(st.one_of(st.just(D(0)), st.decimals(min_value=D(0), max_value=base + unit, places=decimals)))
    return line(
        quantity=quantity,
        price=price,
        volume_discount=volume,
        base_amount=draw(st.sampled_from([base, None])),
        manual_discount=min(manual, base),
    )


@pytest.mark.parametrize("decimals", [0, 2, 3])
@given(source=st.data())
def test_xero_calculates_what_dynamics_asks_for(decimals: int, source: st.DataObject) -> None:
    made = source.draw(lines(decimals))

    each = sent(made, decimals)

    assert xero_amount(each) == round_to(line_net(made, decimals), 2)
    assert each.discount is None or each.discount > 0


@pytest.mark.parametrize("decimals", [0, 2])
@given(source=st.data())
def test_the_totals_of_many_lines_agree_to_the_cent(decimals: int, source: st.DataObject) -> None:
    made = source.draw(st.lists(lines(decimals), min_size=1, max_size=6))

    document = mapped(invoice(*made, currency_decimals=decimals))

    assert sum(map(xero_amount, document.lines)) == sum(line_net(each, decimals) for each in made)


@given(quantity=QUANTITIES, price=PRICES)
@example(quantity=D(3), price=D("0.333"))
def test_what_a_person_typed_is_what_xero_shows_where_xero_can(quantity: Decimal, price: Decimal) -> None:
    """Quantity and price stay as they are unless Xero would round them; then the amount stands for them."""
    each = sent(line(quantity=quantity, price=price))

    if round_to(quantity, 4) == quantity:
        assert (each.quantity, each.unit_amount, each.discount) == (quantity, price, None)
        assert each.description == "Work"
    else:
        assert (each.quantity, each.unit_amount) == (D(1), round_to(quantity * price, 2))
        assert each.description == f"Work\n{quantity.normalize():f} × {price.normalize():f}"


@pytest.mark.parametrize(
    ("made", "decimals", "expected"),
    [
        (line(quantity=D(3), price=D("10.00"), manual_discount=D("5.00")), 2, (D(3), D("10.00"), D("5.00"))),
        (line(quantity=D(3), price=D("10.00"), volume_discount=D(1)), 2, (D(3), D("10.00"), D("3.00"))),
        (line(quantity=D(3), price=D("10.00"), base_amount=D("29.99")), 2, (D(3), D("10.00"), D("0.01"))),
        # Dynamics rounded a tie down, or up where quantity × price does not explain it
        (line(quantity=D(1), price=D("0.125"), base_amount=D("0.12")), 2, (D(1), D("0.125"), D("0.01"))),
        (line(quantity=D(1), price=D("0.124"), base_amount=D("0.13")), 2, (D(1), D("0.13"), None)),
        # yen have no cents, but Xero calculates some
        (line(quantity=D(3), price=D("10.50"), base_amount=D(32)), 0, (D(1), D(32), None)),
        (line(quantity=D(3), price=D("10.40"), base_amount=D(31)), 0, (D(3), D("10.40"), D("0.20"))),
        # a third decimal is more than Xero has
        (line(quantity=D(1), price=D("1.234"), base_amount=D("1.234")), 3, (D(1), D("1.234"), None)),
        # everything given away
        (line(quantity=D(2), price=D("5.00"), manual_discount=D("10.00")), 2, (D(2), D("5.00"), D("10.00"))),
        # rule C39
        (line(quantity=D(2), price=D("0.12345")), 2, (D(1), D("0.25"), None)),
        (line(quantity=D("0.33333"), price=D(3)), 2, (D(1), D("1.00"), None)),
        (line(quantity=D("2.50000"), price=D("1.10000")), 2, (D("2.5"), D("1.1"), None)),
    ],
)
def test_amounts_one_by_one(made: Line, decimals: int, expected: tuple[Decimal, Decimal, Decimal | None]) -> None:
    each = sent(made, decimals)

    assert (each.quantity, each.unit_amount, each.discount) == expected
    assert xero_amount(each) == round_to(line_net(made, decimals), 2)


def test_a_long_text_leaves_room_for_the_quantity_that_it_keeps() -> None:
    each = sent(line(text="word " * 900, quantity=D("0.33333"), price=D(3)))

    assert len(each.description) <= 4000
    assert each.description.endswith("word…\n0.33333 × 3")


def test_dynamics_own_base_amount_wins() -> None:
    assert line_net(line(base_amount=D("7.77"), manual_discount=D("0.07")), 2) == D("7.70")
    assert line_net(line(quantity=D(3), price=D(2), volume_discount=D("0.5")), 2) == D("4.50")
    assert line_net(line(quantity=D(1), price=D("10.5")), 0) == D(11)
