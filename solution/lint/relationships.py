"""Rules of relationships, and of the lookups behind them."""

from __future__ import annotations

from solution.lint.findings import Complaints, Rule
from solution.lint.model import MANY_TO_MANY, ONE_TO_MANY, Package
from solution.lint.tokens import CASCADES, CASCADES_OF_REMOVAL, NAVIGATION_PANE
from solution.lint.trees import listed, repeated, text

_REMOVALS = ("CascadeDelete", "CascadeArchive")
_LOOKUPS = ("lookup", "customer")
_POINTING = (*_LOOKUPS, "owner", "partylist", "uniqueidentifier")  # the last one: to the stage of a process


def _names(package: Package) -> Complaints:
    for element, name in repeated((one.element, one.name) for one in package.relationships):
        yield element, f"The relationship {name} is there twice."
    for one in package.relationships:
        if not one.name:
            yield one.element, "The relationship has no Name."


def _words(package: Package) -> Complaints:
    for one in package.relationships:
        if one.kind not in (ONE_TO_MANY, MANY_TO_MANY):
            yield one.element, f"{one.kind!r} is no type of a relationship; it is {ONE_TO_MANY} or {MANY_TO_MANY}."
        for child in one.element:
            tag, value = str(child.tag), text(child)
            known = CASCADES_OF_REMOVAL if tag in _REMOVALS else CASCADES
            if tag.startswith("Cascade") and value not in known:
                yield child, f"{tag} is {value!r}; it is one of {listed(known)}."
        for child in one.element.iter("NavPaneDisplayOption"):
            if text(child) not in NAVIGATION_PANE:
                yield child, f"{text(child)!r} is none of {listed(NAVIGATION_PANE)}."


def _tables(package: Package) -> Complaints:
    for one in package.relationships:
        for name in (one.table, one.target):
            if not name:
                yield one.element, "The relationship does not say between which tables it is."
            elif package.lacks_table(name):
                yield one.element, f"The relationship is one of {name}, which is no table of the package."


def _lookups(package: Package) -> Complaints:
    linked = {(one.table, one.column) for one in package.relationships if one.kind == ONE_TO_MANY}
    for table in package.tables.values():
        for column in table.columns.values():
            if column.is_custom and column.type in _LOOKUPS and (table.name, column.name) not in linked:
                message = "is a lookup, and no relationship of one to many says what it points at"
                yield column.element, f"{table.name}.{column.name} {message}."


def _columns(package: Package) -> Complaints:
    for one in package.relationships:
        table = package.tables.get(one.table)
        if one.kind != ONE_TO_MANY or table is None or not table.is_whole:
            continue
        column = table.columns.get(one.column)
        if column is None:
            yield (
                one.element,
                f"The relationship goes by {one.column or 'no column'}, which {one.table} does not have.",
            )
        elif column.type not in _POINTING:
            yield one.element, f"The relationship goes by {one.column}, which is no lookup but {column.type}."


def _once(package: Package) -> Complaints:
    of_many = (one for one in package.relationships if one.kind == ONE_TO_MANY and one.column)
    named = ((one.element, f"{one.table}.{one.column} to {one.target}") for one in of_many)
    for element, name in repeated(named):
        yield element, f"Another relationship goes by {name}, too."


RULES = (
    Rule("relationship-name", "Relationships have names, each its own.", _names),
    Rule("relationship-word", "Types, cascades and places in the navigation are known words.", _words),
    Rule("relationship-table", "Relationships are between tables that are there.", _tables),
    Rule("lookup-relationship", "Every custom lookup has a relationship that says what it points at.", _lookups),
    Rule("relationship-column", "Relationships go by a lookup that is there.", _columns),
    Rule("relationship-repeated", "No two relationships join the same lookup to the same table.", _once),
)
