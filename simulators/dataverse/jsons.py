"""JSON that keeps Decimals exact, in and out."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

_MARK = "\ue000"
_MARKED = re.compile('"\\\\ue000(-?[0-9.]+)"')


def read_json(body: bytes | str) -> Any:
    """Parse; every number with a point or exponent is a Decimal. Raises ValueError."""
    return json.loads(body, parse_float=Decimal)


def write_json(document: Any) -> bytes:
    """Serialise; Decimals appear as plain numbers with the digits that they have."""
    # The C encoder offers no hook for numbers: Decimals travel as marked strings and lose their quotes afterwards.
    encoded = json.dumps(document, default=_marked, separators=(",", ":"))
    return _MARKED.sub(r"\1", encoded).encode() if "\\ue000" in encoded else encoded.encode()


def _marked(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON form")
