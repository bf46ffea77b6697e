"""A document in Xero beside the one that Dynamics makes: what differs, in words, and the update (rule C61)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

from mappers.agreements import (
    amount_of,
    contact_id_of,
    day_of,
    exact_amount_of,
    number_of,
    plain,
    text_of,
    tracking_of,
)
from mappers.lines import XeroLine
from mappers.xero import XeroInvoice

TYPES = {"ACCREC": "sales invoice", "ACCPAY": "bill"}
TEXT, MISSING, EMPTY = "Text", "missing", "empty"
TYPE, AMOUNTS, CURRENCY = "Invoice type", "Line amount types", "Currency"
OF_ALL_LINES = frozenset({AMOUNTS, CURRENCY})
HALF_CENT = Decimal("0.005")
LABEL_MAX, VALUE_MAX, WORDS_MAX = 60, 120, 1200

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: `what` it is, its value in Xero and in Dynamics, in words."""

    what: str
    in_xero: str
    in_dynamics: str

    def __str__(self) -> str:
        return f"{self.what}: {self.in_xero} in Xero, {self.in_dynamics} in Dynamics"


def differences(mapped: XeroInvoice, found: Row, *, customer: str = "") -> list[Difference]:
    """Return what would change in Xero by sending `mapped`; empty when they agree.

    Compared is what is sent, and what Xero gives a line by itself as far as the mapping knows it; `customer` is the
    name of the contact that is sent.
    """
    payload = mapped.as_payload()
    return [*_of_header(payload, found, customer), *_of_lines(mapped.lines, payload["LineItems"], _lines(found))]


def in_words(differing: Sequence[Difference]) -> str:
    """Return the differences as a list; what is too long for a row of history is counted only."""
    told: list[str] = []
    for number, one in enumerate(differing):
        if sum(map(len, told)) > WORDS_MAX:
            told.append(f"- and {len(differing) - number} more")
            break
        told.append(f"- {one}")
    return "\n".join(told)


def as_update(mapped: XeroInvoice, found: Row) -> dict[str, Any]:
    """Return the document of POST /Invoices that makes `found` what Dynamics has.

    It says the status that was read, so that Xero refuses it after an approval. A line keeps its id in Xero where
    nothing but its text differs; any other is sent as a new one: nothing of the old line, tax above all, stays.
    """
    payload = mapped.as_payload()
    if payload["Type"] == "ACCREC" and found.get("Reference"):
        payload.setdefault("Reference", "")  # what is not said stays
    rows, theirs = payload["LineItems"], _lines(found)
    pairs = {} if any(one.what in OF_ALL_LINES for one in _of_header(payload, found, "")) else _pairs(rows, theirs)
    for ours, other in pairs.items():
        differing = {name for name, _, _ in _of_line(mapped.lines[ours], rows[ours], theirs[other])}
        if differing <= {TEXT}:
            rows[ours]["LineItemID"] = theirs[other]["LineItemID"]
    return payload | {"InvoiceID": found["InvoiceID"], "Status": found["Status"]}


def _of_header(payload: Row, found: Row, customer: str) -> Iterator[Difference]:
    if payload["Type"] != found.get("Type"):
        yield Difference(TYPE, TYPES.get(str(found.get("Type")), "unknown"), TYPES[payload["Type"]])
    if contact_id_of(payload) != contact_id_of(found):
        theirs = str((found.get("Contact") or {}).get("Name") or "")
        other = " (another contact)" if text_of(theirs).casefold() == text_of(customer).casefold() else ""
        yield Difference("Customer", _quoted(theirs) + other, _quoted(customer))
    for what, name in (("Date", "Date"), ("Due date", "DueDate")):
        if name in payload and day_of(payload, name) != day_of(found, name):
            yield Difference(what, _day(day_of(found, name)), _day(day_of(payload, name)))
    for what, name in ((AMOUNTS, "LineAmountTypes"), (CURRENCY, "CurrencyCode")):
        if text_of(payload[name]) != text_of(found.get(name)):
            yield Difference(what, text_of(found.get(name)) or EMPTY, payload[name])
    names = [("Number", "InvoiceNumber"), ("Branding theme", "BrandingThemeID")]
    names += [("Reference", "Reference")] if payload["Type"] == "ACCREC" else []
    for what, name in names:
        ours, theirs = text_of(payload.get(name)), text_of(found.get(name))
        is_same = ours.lower() == theirs.lower() if name == "BrandingThemeID" else ours == theirs
        if (name in payload or name == "Reference") and not is_same:
            yield Difference(what, _quoted(theirs), _quoted(ours))


def _of_lines(lines: Sequence[XeroLine], ours: Sequence[Row], theirs: Sequence[Row]) -> Iterator[Difference]:
    pairs = _pairs(ours, theirs)
    for number, (line, row) in enumerate(zip(lines, ours, strict=True)):
        if number not in pairs:
            yield Difference(f"Line {number + 1} {_label(row)}", MISSING, _amount(row))
            continue
        for what, in_xero, in_dynamics in _of_line(line, row, theirs[pairs[number]]):
            yield Difference(f"Line {number + 1} {_label(row)}, {what.lower()}", in_xero, in_dynamics)
    for number, row in enumerate(theirs):
        if number not in pairs.values():
            yield Difference(f"Line {_label(row)}", _amount(row), MISSING)
    places = [pairs[number] for number in sorted(pairs)]
    if places != sorted(places):
        yield Difference("Order of the lines", "another one", "that of the invoice")


def _of_line(line: XeroLine, ours: Row, theirs: Row) -> Iterator[tuple[str, str, str]]:
    """Yield what differs between two lines that stand for each other, and its two values in words."""
    if text_of(ours.get("Description")) != text_of(theirs.get("Description")):
        yield TEXT, _quoted(str(theirs.get("Description") or "")), _quoted(str(ours.get("Description") or ""))
    for what, name in (("Quantity", "Quantity"), ("Price", "UnitAmount")):
        if plain(number_of(ours, name)) != plain(number_of(theirs, name)):
            yield what, _number(number_of(theirs, name)), _number(number_of(ours, name))
    exact, amount = exact_amount_of(ours), number_of(theirs, "LineAmount")
    # How Xero rounds half a cent is not known: an amount that is a rounding of ours is ours.
    if (exact is None) != (amount is None) or (exact is not None and abs(exact - (amount or 0)) > HALF_CENT):
        yield "Amount", _number(amount), _number(amount_of(ours))
    codes = (
        ("Item code", "ItemCode", line.item_code or ""),
        ("Account code", "AccountCode", line.account_code or line.given_account or None),
        ("Tax type", "TaxType", line.tax_type or line.given_tax_type or None),
    )
    for what, name, wanted in codes:
        has = text_of(theirs.get(name))
        if wanted is not None and has.casefold() != text_of(wanted).casefold():
            yield what, _quoted(has), _quoted(wanted)
    if ours.get("Tracking") and tracking_of(ours) != tracking_of(theirs):
        yield "Tracking", _tracking(theirs), _tracking(ours)


def _pairs(ours: Sequence[Row], theirs: Sequence[Row]) -> dict[int, int]:
    """Return which line of theirs stands for which of ours: equal ones, moved ones, then what is in its place."""
    keys, others = (
        [_key(row, amount_of(row)) for row in ours],
        [_key(row, number_of(row, "LineAmount")) for row in theirs],
    )
    matcher = SequenceMatcher(None, keys, others, autojunk=False)
    pairs = {block.a + k: block.b + k for block in matcher.get_matching_blocks() for k in range(block.size)}
    left = [number for number in range(len(theirs)) if number not in pairs.values()]
    for number, key in enumerate(keys):
        moved = next((other for other in left if others[other] == key), None)
        if number not in pairs and moved is not None:
            pairs[number] = moved
            left.remove(moved)
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        if tag == "replace":
            changed = [number for number in range(start, end) if number not in pairs]
            places = [number for number in range(other_start, other_end) if number in left]
            pairs |= dict(zip(changed, places, strict=False))
    return pairs


def _key(row: Row, amount: Decimal | None) -> tuple[str, ...]:
    numbers = (number_of(row, "Quantity"), number_of(row, "UnitAmount"), amount)
    return (text_of(row.get("Description")), *(plain(number) for number in numbers))


def _lines(found: Row) -> list[Row]:
    return list(found.get("LineItems") or ())


def _label(row: Row) -> str:
    first = next(iter(str(row.get("Description") or "").strip().splitlines()), "")
    return _quoted(first[:LABEL_MAX])


def _amount(row: Row) -> str:
    amount = number_of(row, "LineAmount")
    return _number(amount_of(row) if amount is None else amount)


def _number(number: Decimal | None) -> str:
    if number is None:
        return EMPTY
    return f"{number:.2f}" if number == round(number, 2) else plain(number)


def _quoted(text: str) -> str:
    tidy = text_of(text)
    return f"“{tidy if len(tidy) <= VALUE_MAX else tidy[: VALUE_MAX - 1] + '…'}”" if tidy else EMPTY


def _day(text: str) -> str:
    if not text:
        return EMPTY
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"


def _tracking(row: Row) -> str:
    named = [f"{one.get('Name')} {one.get('Option')}" for one in row.get("Tracking") or ()]
    return _quoted(", ".join(named))
