"""OData as Dataverse reads it: paths with keys, queries, filters and FetchXML pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote
from uuid import UUID
from xml.etree import ElementTree as ET

from core.event import OWN_TAG

_COOKIE = re.compile(r'pagingcookie="([^"]*)"')
_QUERY_SAFE = "(),'/$:;=@*"


def key_path(set_name: str, key: Mapping[str, str] | str) -> str:
    """Return the path of one row: by id, or by the columns of an alternate key. URL-encoded.

    Key columns are texts or, named `_column_value`, ids of lookups.
    """
    if isinstance(key, str):
        return f"{set_name}({UUID(key)})"  # a value that is no id would become another query
    parts = (f"{column}={_key_value(column, value)}" for column, value in key.items())
    return f"{set_name}({','.join(parts)})"


def text_literal(value: str) -> str:
    """Return a text for a filter, quotes doubled; not URL-encoded."""
    return "'" + value.replace("'", "''") + "'"


def odata_in(column: str, values: Iterable[str]) -> str:
    """Return the filter that `column` is one of `values` (texts or ids; at least one). Not URL-encoded."""
    listed = ",".join(text_literal(value) for value in values)
    assert listed, "an empty list would match nothing: do not ask"
    return f"Microsoft.Dynamics.CRM.In(PropertyName={text_literal(column)},PropertyValues=[{listed}])"


def lookup_in(column: str, ids: Iterable[str]) -> str:
    """Return the filter that a lookup (`_column_value`) is one of these rows (at least one). Not URL-encoded.

    Spelled out, because whether `In` takes a lookup by its column or by its value is not documented.
    """
    listed = [f"{column} eq {UUID(row_id)}" for row_id in ids]
    assert listed, "an empty list would match nothing: do not ask"
    return f"({' or '.join(listed)})"


def rows_path(set_name: str, query: Mapping[str, str]) -> str:
    """Return a set's path with its query, URL-encoded: `rows_path("invoices", {"$filter": "name eq 'A'"})`."""
    text = "&".join(f"{name}={quote(value, safe=_QUERY_SAFE)}" for name, value in query.items())
    return f"{set_name}?{text}" if text else set_name


def tagged(path: str) -> str:
    """Return the path of a write with our tag."""
    return f"{path}{'&' if '?' in path else '?'}tag={OWN_TAG}"


def fetch_page(fetch_xml: str, page: int, cookie: str | None, rows_max: int) -> str:
    """Return the FetchXML of one page: counted from 1, with the cookie that came with the page before."""
    fetch = ET.fromstring(fetch_xml)  # noqa: S314 - our own text, not a stranger's
    if "top" not in fetch.attrib:  # with `top` there are no pages
        fetch.attrib.setdefault("count", str(rows_max))
        fetch.set("page", str(page))
    if cookie:
        fetch.set("paging-cookie", cookie)
    return ET.tostring(fetch, encoding="unicode")


def next_cookie(annotation: str) -> str | None:
    """Return the cookie for the next page: it lies encoded twice in an attribute of what Dataverse answers."""
    found = _COOKIE.search(annotation)
    return unquote(unquote(found[1])) if found else None


def _key_value(column: str, value: str) -> str:
    if column.startswith("_") and column.endswith("_value"):
        return str(UUID(value))
    return f"'{quote(value.replace(chr(39), chr(39) * 2), safe='')}'"
