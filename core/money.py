"""Money as exact decimals: rounding to a currency, and JSON that never passes through binary floats."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import simplejson


def round_to(amount: Decimal, decimals: int) -> Decimal:
    """Return `amount` with `decimals` places, ties away from zero as people round invoices."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def loads(text: str | bytes) -> Any:
    """Parse JSON; numbers with a point become `Decimal`, exactly as written. Raises ValueError."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def dumps(document: Any) -> bytes:
    """Write JSON as UTF-8 bytes, the same bytes for the same document; `Decimal`s keep their digits."""
    text = simplejson.dumps(document, use_decimal=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return bytes(text, "utf-8")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
