"""Views: the `savedquery` elements."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from core import columns
from core.tables import NAME
from solution.files.xml import descriptions, flag, localized_names, node, texts
from solution.names import VERSION, braced
from solution.standard import STANDARD
from solution.vocabulary import View, ViewKind

QUERY_TYPES: dict[ViewKind, str] = {
    "public": "0",
    "advanced find": "1",
    "associated": "2",
    "quick find": "4",
    "lookup": "64",
}
_OWN = {table.name: table for table in columns.TABLES}


def saved_queries(views: Iterable[View]) -> Element:
    """Return all views of one table."""
    return node("SavedQueries", node("savedqueries", *map(_view, views)))


def _view(view: View) -> Element:
    return node(
        "savedquery",
        *texts(
            IsCustomizable="1",
            CanBeDeleted=flag(not view.is_default),
            isquickfindquery=flag(view.kind == "quick find"),
            isprivate="0",
            isdefault=flag(view.is_default),
            savedqueryid=braced(view.id),
        ),
        node("layoutxml", _grid(view)),
        node("querytype", QUERY_TYPES[view.kind]),
        node("fetchxml", node("fetch", _query(view), version="1.0", mapping="logical")),
        node("IntroducedVersion", VERSION),
        localized_names(view.name),
        descriptions(view.description),
    )


def _grid(view: View) -> Element:
    primary_id, primary_name, set_name = _keys(view.table)
    in_lists = view.kind in ("associated", "lookup")
    cells = [node("cell", name=name, width=str(width)) for name, width in view.cells]
    row = node("row", *cells, name=view.table if in_lists else "result", id=primary_id)
    name = set_name if in_lists else "resultset"
    return node("grid", row, name=name, jump=primary_name, select="1", icon="1", preview="1")


def _query(view: View) -> Element:
    primary_id, _, _ = _keys(view.table)
    order, descending = view.order
    names = dict.fromkeys((primary_id, *(name for name, _ in view.cells), order))
    parts = [node("attribute", name=name) for name in names]
    parts.append(node("order", attribute=order, descending="true" if descending else "false"))
    if view.conditions:
        conditions = [
            node("condition", attribute=attribute, operator=operator, value=value)
            for attribute, operator, value in view.conditions
        ]
        parts.append(node("filter", *conditions, type="and"))
    if view.found_by:
        found = [node("condition", attribute=name, operator="like", value="{0}") for name in view.found_by]
        parts.append(node("filter", *found, type="or", isquickfindfields="1"))
    return node("entity", *parts, name=view.table)


def _keys(table: str) -> tuple[str, str, str]:
    """Return primary key, primary name and entity set of a table."""
    if table in _OWN:
        return _OWN[table].id_column, NAME, _OWN[table].set_name
    known = STANDARD[table]
    return known.id_column, known.primary_name, known.set_name
