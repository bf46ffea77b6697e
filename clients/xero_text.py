"""Xero's own notations: dates in answers, conditions and list parameters in queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

QUERY_LENGTH_MAX = 2000  # encoded; common servers and proxies cut at 2 to 4 thousand
_STAMP = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNQUOTABLE = re.compile(r'["\\]+')


def parse_xero_time(text: str) -> datetime:
    """Return an aware UTC time from `/Date(ms+0000)/` or ISO form (no zone: UTC). Raises ValueError.

    The offset says in which zone Xero would show it; the milliseconds are UTC whatever it is.
    """
    if found := _STAMP.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    parsed = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def parse_xero_date(text: str) -> date:
    """Return a calendar date: it travels as midnight UTC of that day, whatever the organisation's zone."""
    return parse_xero_time(text).date()


def equals(field: str, value: str) -> str:
    """Return the condition that `field` is `value` (case doesn't count).

    Xero's grammar has no escape for a double quote (measured by users: every attempt is a syntax error), and what
    it makes of a backslash is not written down. Around these the condition asks for the parts between them, so
    that it may match a little more: compare again.
    """
    if not _UNQUOTABLE.search(value):
        return f'{field}=="{value}"'
    pieces = [piece for piece in _UNQUOTABLE.split(value) if piece.strip()]
    if not pieces:
        return f'{field}==""'  # nothing to ask for; every record would be too much of an answer
    contains = [f'{field}.Contains("{piece}")' for piece in pieces]
    return "(" + " AND ".join([f"{field}!=null", *contains]) + ")"


def is_id(field: str, value: str) -> str | None:
    """Return the condition that `field` is this id; None for what is no id: no record has it."""
    try:
        return f'{field}==Guid("{UUID(value)}")'
    except ValueError:
        return None


def any_of(conditions: Iterable[str]) -> Iterator[str]:
    """Join conditions by OR into as few as fit a URL."""
    for chunk in _chunks(conditions, joint=" OR "):
        yield " OR ".join(chunk)


def query_string(query: Mapping[str, str]) -> str:
    """Return the query with `?`, or nothing; blanks as %20 and commas as they are: ids are listed with them."""
    text = "&".join(f"{name}={quote(value, safe=',:')}" for name, value in query.items())
    return f"?{text}" if text else ""


def if_modified_since(moment: datetime) -> str:
    """Return the header's value: UTC, whole seconds, rounded down so that nothing is left out."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _chunks(parts: Iterable[str], *, joint: str) -> Iterator[Sequence[str]]:
    chunk: list[str] = []
    length = 0
    for part in parts:
        added = len(quote(joint + part))
        if chunk and length + added > QUERY_LENGTH_MAX:
            yield chunk
            chunk, length = [], 0
        chunk.append(part)
        length += added
    if chunk:
        yield chunk
