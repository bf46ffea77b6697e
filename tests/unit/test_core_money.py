"""Money: rounding as people round, and JSON in which every digit survives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | AMOUNTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("amount", "decimals", "rounded"),
    [
        ("0.125", 2, "0.13"),
        ("-0.125", 2, "-0.13"),
        ("0.124999", 2, "0.12"),
        ("2.5", 0, "3"),
        ("1.0005", 3, "1.001"),
        ("7", 2, "7.00"),
        ("0", 0, "0"),
    ],
)
def test_ties_go_away_from_zero(amount: str, decimals: int, rounded: str) -> None:
    assert str(money.round_to(Decimal(amount), decimals)) == rounded


@given(amount=AMOUNTS, decimals=st.integers(0, 4))
def test_rounding_moves_by_half_a_unit_at_most_and_once_only(amount: Decimal, decimals: int) -> None:
    rounded = money.round_to(amount, decimals)

    assert abs(rounded - amount) * 2 <= Decimal(1).scaleb(-decimals)
    assert money.round_to(rounded, decimals) == rounded
    assert money.round_to(-amount, decimals) == -rounded


@pytest.mark.parametrize(
    ("number", "places"), [("3", 0), ("3.00", 0), ("3.140", 2), ("1E+3", 0), ("0.00", 0), ("-0.00001", 5)]
)
def test_places_are_those_that_a_number_needs(number: str, places: int) -> None:
    assert money.places_of(Decimal(number)) == places


@given(document=DOCUMENTS)
def test_what_is_written_is_read_back_exactly(document: Any) -> None:
    written = money.dumps(document)

    assert money.loads(written) == document
    assert money.dumps(money.loads(written)) == written


def test_decimals_keep_their_digits() -> None:
    assert money.dumps({"a": Decimal("0.10"), "b": Decimal("1800.00")}) == b'{"a":0.10,"b":1800.00}'
    assert str(money.loads(b'{"a":0.10}')["a"]) == "0.10"
    assert money.loads("0.1") + money.loads("0.2") == Decimal("0.3")


def test_the_same_document_gives_the_same_bytes() -> None:
    one, other = {"b": 1, "a": {"d": 2, "c": 3}}, {"a": {"c": 3, "d": 2}, "b": 1}

    assert money.dumps(one) == money.dumps(other) == b'{"a":{"c":3,"d":2},"b":1}'


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": NaN}', "", "{", "nul", b"\xff\xfe\x00"])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        money.loads(text)


def test_a_number_whose_exponent_nobody_can_hold_is_refused_as_what_is_not_json() -> None:
    with pytest.raises(ValueError, match="exponent"):
        money.loads('{"Total": 1.0e99999999999999999999}')


def test_json_nested_without_end_is_refused_as_what_is_not_json() -> None:
    with pytest.raises(ValueError):
        money.loads("[" * 100_000)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_an_amount_that_is_no_number_is_not_written(amount: Decimal) -> None:
    with pytest.raises(ValueError):
        money.dumps({"a": [amount]})


@pytest.mark.parametrize("amount", [0.1, float("nan"), float("inf")])
def test_a_binary_float_is_not_written(amount: float) -> None:
    with pytest.raises((ValueError, TypeError)):
        money.dumps({"a": [amount]})
