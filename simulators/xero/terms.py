"""Payment terms of contacts and of the organisation: stored and shown; Xero's API puts no due date from them."""

from __future__ import annotations

from typing import Any

from simulators.xero.codec import Record, parse_number

SIDES = ("Bills", "Sales")
TERM_TYPES = frozenset({"DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH"})


def merge_terms(old: Record, raw: Any) -> tuple[Record, list[str]]:
    """Return the terms with the sides that the request names, and what is wrong with it; its words are ours.

    Neither the API's description nor anyone's report says how terms are refused.
    """
    if raw is None:
        return old, []
    if not isinstance(raw, dict):
        return old, ["The PaymentTerms field is not valid."]
    terms, errors = dict(old), []
    for side in SIDES:
        given = raw.get(side)
        if not isinstance(given, dict) or not given:
            continue
        day, kind = _day(given.get("Day")), given.get("Type")
        if day is None:
            errors.append(f"The Day of the {side} payment terms must be a whole number from 0 to 31.")
        if kind not in TERM_TYPES:
            errors.append(f"The Type '{kind or ''}' of the {side} payment terms is not valid.")
        terms[side] = {"Day": day, "Type": kind}
    return terms, errors


def _day(value: Any) -> int | None:
    try:
        number = parse_number(value)
    except ValueError:
        return None
    return int(number) if number == int(number) and 0 <= number <= 31 else None
