"""Money as exact decimals: rounding to a currency, and JSON that never passes through binary floats."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import simplejson


def round_to(amount: Decimal, decimals: int) -> Decimal:
    """Return `amount` with `decimals` places, ties away from zero as people round invoices."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def places_of(number: Decimal) -> int:
    """Return how many decimals a (finite) number needs: none for 3.00, two for 3.140."""
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int), number
    return max(0, -exponent)


def exact(number: Decimal | int | str | float) -> Decimal:
    """Return the number as it was written. Raises TypeError for a float, which has already lost that."""
    if isinstance(number, float):
        raise TypeError(f"{number!r} is a float: money has passed through binary rounding")
    return Decimal(number)


def loads(text: str | bytes) -> Any:
    """Parse JSON; numbers with a point become `Decimal`, exactly as written. Raises ValueError."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    except ArithmeticError as error:
        raise ValueError("a number in JSON with an exponent that no Decimal holds") from error


def dumps(document: Any) -> bytes:
    """Write JSON as UTF-8 bytes, the same bytes for the same document; `Decimal`s keep their digits.

    Raises ValueError for a number that is not exact: a float, NaN, infinity.
    """
    _refuse_inexact(document)
    text = simplejson.dumps(document, use_decimal=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return bytes(text, "utf-8")


def _refuse_inexact(value: Any) -> None:
    """The encoder would write a float in binary rounding, and a NaN as something that is not JSON."""
    if isinstance(value, float) or (isinstance(value, Decimal) and not value.is_finite()):
        raise ValueError(f"{value} is not an exact number")
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_inexact(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_inexact(inner)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
