"""Rules of views: what they ask for and what they show."""

from __future__ import annotations

from collections.abc import Iterator

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Package, Table
from solution.lint.tables import whole_tables
from solution.lint.tokens import FETCH_OPERATORS
from solution.lint.trees import Element, listed, number, text

_QUICK_FIND = "4"
# Lists, advanced find, rows of another table, quick find, choosing a row.
_STANDARD = {"0": "list", "1": "advanced find", "2": "associated", "4": "quick find", "64": "lookup"}
_ASKING = ("entity", "link-entity")


def _views(package: Package) -> Iterator[tuple[Table, Element]]:
    for table in package.tables.values():
        yield from ((table, view) for view in table.views())


def _asked(package: Package) -> Iterator[tuple[Table, Element, Element]]:
    """Yield every view with its table and what it asks for: fetch/entity."""
    for table, view in _views(package):
        yield from ((table, view, one) for one in view.iterfind("fetchxml/fetch/entity"))


def _ids(package: Package) -> Complaints:
    for _, view in _views(package):
        if not text(view, "savedqueryid"):
            yield view, "The view has no savedqueryid, by which an upgrade would find it again."


def _labels(package: Package) -> Complaints:
    for _, view in _views(package):
        if view.find("LocalizedNames/LocalizedName") is None:
            yield view, "The view has no name that people read (LocalizedNames)."


def _kinds(package: Package) -> Complaints:
    for _, view in _views(package):
        kind = number(text(view, "querytype"))
        if kind is None or kind < 0 or kind & (kind - 1):
            yield view, f"querytype is {text(view, 'querytype')!r}; it is 0, 1, 2, 4, 64 or another power of two."
        is_quick, is_marked = text(view, "querytype") == _QUICK_FIND, text(view, "isquickfindquery")
        if is_marked and is_quick != (is_marked == "1"):
            yield view, "Views of quick find, and no others, have querytype 4 and isquickfindquery 1."


def _standard(package: Package) -> Complaints:
    for table in whole_tables(package):
        kinds = {text(view, "querytype") for view in table.views() if text(view, "isdefault") == "1"}
        missing = [f"{name} ({kind})" for kind, name in _STANDARD.items() if kind not in kinds]
        if missing:
            yield table.element, f"The table has no default view for: {', '.join(missing)}."


def _tables(package: Package) -> Complaints:
    for table, view, entity in _asked(package):
        if entity.get("name", "").lower() != table.name:
            yield entity, f"The view of {table.name} asks for {entity.get('name')!r}."
        for row in view.iterfind("layoutxml/grid/row"):
            if table.is_whole and row.get("id") != f"{table.name}id":
                yield row, f"row/@id is {row.get('id')!r}; it is the primary key {table.name}id."


def _cells(package: Package) -> Complaints:
    for table, view in _views(package):
        for cell in view.iterfind("layoutxml/grid/row/cell"):
            name = cell.get("name", "")
            if "." not in name and package.lacks_column(table.name, name):
                yield cell, f"The view shows {name}, which is no column of {table.name}."
        for grid in view.iterfind("layoutxml/grid"):
            jump = grid.get("jump", "")
            if jump and package.lacks_column(table.name, jump):
                yield grid, f"grid/@jump is {jump}, which is no column of {table.name}."


def _fetched(package: Package) -> Complaints:
    for _, view, entity in _asked(package):
        known = {one.get("alias") or one.get("name") for one in entity.iterfind("attribute")}
        for link in entity.iter("link-entity"):
            known |= {_name_in(link, one) for one in link.iterfind("attribute")}
            known |= {f"{link.get('alias')}.*" for _ in link.iterfind("all-attributes")}
        if entity.find("all-attributes") is not None:
            continue
        for cell in view.iterfind("layoutxml/grid/row/cell"):
            name = cell.get("name", "")
            if name not in known and f"{name.partition('.')[0]}.*" not in known:
                yield cell, f"The view shows {name} and does not ask for it; its fetch has no such attribute."


def _name_in(link: Element, attribute: Element) -> str:
    return attribute.get("alias") or f"{link.get('alias')}.{attribute.get('name')}"


def _columns(package: Package) -> Complaints:
    for _, _, entity in _asked(package):
        for one in entity.iter("attribute", "condition", "order"):
            name = one.get("name") if one.tag == "attribute" else one.get("attribute")
            asking = next(one.iterancestors(*_ASKING), entity)
            if name and not one.get("entityname") and package.lacks_column(asking.get("name", ""), name):
                yield one, f"The view asks for {name}, which is no column of {asking.get('name')}."


def _operators(package: Package) -> Complaints:
    for _, _, entity in _asked(package):
        for one in entity.iter("condition"):
            if one.get("operator") not in FETCH_OPERATORS:
                yield one, f"{one.get('operator')!r} is no operator of a condition, such as eq, ne, like or null."


def _quick_finds(package: Package) -> Complaints:
    for table, view, entity in _asked(package):
        finding = [one for one in entity.iter("filter") if one.get("isquickfindfields") == "1"]
        if text(view, "querytype") == _QUICK_FIND and table.is_whole and not finding:
            yield view, "Quick find looks at no column: it has no filter with isquickfindfields."
        for one in finding:
            if one.get("type") != "or" or not list(one.iter("condition")):
                found = listed(condition.get("attribute", "") for condition in one.iter("condition"))
                yield (
                    one,
                    f"What quick find looks at is joined by `or`; here is {one.get('type')!r} of {found or 'none'}.",
                )


RULES = (
    Rule("view-id", "Views have an id.", _ids),
    Rule("view-label", "Views have a name that people read.", _labels),
    Rule("view-type", "Types of views are powers of two; those of quick find are marked as such.", _kinds),
    Rule("standard-views", "Tables have the default views that the platform expects.", _standard),
    Rule("view-table", "Views ask for rows of their table, and know its primary key.", _tables),
    Rule("view-column", "Views show columns that are there.", _cells),
    Rule("view-fetch", "Views show what they ask for.", _fetched),
    Rule("fetch-column", "Views ask for columns that are there.", _columns),
    Rule("fetch-operator", "Conditions have known operators.", _operators),
    Rule("quick-find", "Quick find looks at columns, joined by `or`.", _quick_finds),
)
