"""Rules of tables: their names, keys, and the columns that none is without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Column, Package, Table
from solution.lint.tokens import OWNERSHIPS, words
from solution.lint.trees import Element, listed, repeated, text

NAME_LENGTH_MAX = 50
_EVERYWHERE = words(
    """
    createdby createdon createdonbehalfby importsequencenumber modifiedby modifiedon modifiedonbehalfby
    overriddencreatedon statecode statuscode timezoneruleversionnumber utcconversiontimezonecode
    """
)
_OF_OWNERS = {
    "UserOwned": frozenset(("ownerid", "owningbusinessunit", "owningteam", "owninguser")),
    "OrgOwned": frozenset(("organizationid",)),
}
_LINKED = frozenset(("createdby", "modifiedby"))
_OF_MONEY = ("exchangerate", "transactioncurrencyid")


def whole_tables(package: Package) -> Iterator[Table]:
    yield from (table for table in package.tables.values() if table.is_whole)


def _names(package: Package) -> Complaints:
    for element in package.customizations.iterfind("Entities/Entity"):
        name, entity = text(element, "Name"), element.find("EntityInfo/entity")
        if not name:
            yield element, "The table has no Name."
        elif entity is not None and entity.get("Name") != name:
            yield entity, f"entity/@Name is {entity.get('Name')!r} and Name {name!r}; they are the same text."


def _repeated(package: Package) -> Complaints:
    tables = package.customizations.findall("Entities/Entity")
    for element, name in repeated((one, text(one, "Name")) for one in tables):
        yield element, f"The table {name} is there twice."
    sets = ((one, text(one, "EntityInfo/entity/EntitySetName")) for one in tables)
    for element, name in repeated(sets):
        yield element, f"Another table has the entity set name {name}, too."


def _lengths(package: Package) -> Complaints:
    for table in package.tables.values():
        yield from _too_long(table.element, table.name)
        for column in table.written:
            yield from _too_long(column.element, max(column.name, column.element.get("PhysicalName", ""), key=len))
        for key in table.element.iterfind("EntityInfo/entity/EntityKeys/EntityKey"):
            yield from _too_long(key, max(text(key, "Name"), text(key, "LogicalName"), key=len))


def _too_long(element: Element, name: str) -> Complaints:
    if len(name) > NAME_LENGTH_MAX:
        yield element, f"The name has {len(name)} characters; names have at most {NAME_LENGTH_MAX}."


def _labels(package: Package) -> Complaints:
    for table in whole_tables(package):
        for path in ("LocalizedNames/LocalizedName", "LocalizedCollectionNames/LocalizedCollectionName"):
            labels = table.element.findall(f"EntityInfo/entity/{path}")
            if not any(one.get("description") for one in labels):
                yield table.element, f"The table has no label: {path.partition('/')[0]} says nothing."


def _sets(package: Package) -> Complaints:
    for table in whole_tables(package):
        if not text(table.element, "EntityInfo/entity/EntitySetName"):
            yield table.element, "The table has no EntitySetName, by which it is called in addresses."


def _ownership(package: Package) -> Complaints:
    for table in package.tables.values():
        for one in table.element.iterfind("EntityInfo/entity/OwnershipTypeMask"):
            if text(one) not in OWNERSHIPS:
                yield one, f"{text(one)!r} is no ownership; a table of one's own has UserOwned or OrgOwned."
    for table in whole_tables(package):
        if table.element.find("EntityInfo/entity/OwnershipTypeMask") is None:
            yield table.element, "The table does not say who owns its rows (OwnershipTypeMask)."


def _flags(package: Package) -> Complaints:
    for table in package.tables.values():
        entity = table.element.find("EntityInfo/entity")
        for one in () if entity is None else entity:
            tag, value = str(one.tag), text(one)
            if tag.startswith(("Is", "Can")) and value not in ("0", "1"):
                yield one, f"{tag} is {value!r}; it is 0 or 1."
            if tag.startswith("HasRelated") and value not in ("True", "False"):
                yield one, f"{tag} is {value!r}; it is True or False."


def _primary_keys(package: Package) -> Complaints:
    for table in whole_tables(package):
        keys = [column for column in table.columns.values() if column.type == "primarykey"]
        if [key.name for key in keys] != [f"{table.name}id"]:
            found = listed(key.name for key in keys) or "none"
            yield table.element, f"The table has one primary key, {table.name}id; here is {found}."


def _primary_names(package: Package) -> Complaints:
    for table in whole_tables(package):
        named = [column.name for column in table.columns.values() if "PrimaryName" in column.mask]
        if len(named) != 1:
            found = listed(named) or "none"
            yield table.element, f"One column of a table is its name (DisplayMask PrimaryName); here is {found}."


def _column_order(package: Package) -> Complaints:
    for table in package.tables.values():
        for before, after in pairwise(table.written):
            if after.name < before.name and _beside(after.name) < _beside(before.name):
                yield after.element, f"Columns are sorted by logical name; {after.name} stands after {before.name}."


def _beside(name: str) -> str:
    """Return a name as other orders have it, in which underscores come before digits."""
    return name.replace("_", " ")


def _standard_columns(package: Package) -> Complaints:
    for table in whole_tables(package):
        missing = (_EVERYWHERE | _OF_OWNERS.get(table.ownership, frozenset())) - table.columns.keys()
        if missing:
            yield table.element, f"Columns that every table has are missing: {listed(missing)}."


def _standard_relationships(package: Package) -> Complaints:
    linked = {(one.table, one.column) for one in package.relationships}
    for table in whole_tables(package):
        needed = _LINKED | _OF_OWNERS.get(table.ownership, frozenset())
        missing = [name for name in needed if (table.name, name) not in linked]
        if missing:
            yield table.element, f"Relationships of columns that every table has are missing: {listed(missing)}."


def _bases_of_money(package: Package) -> Complaints:
    for table in package.tables.values():
        for column in _money(table):
            if f"{column.name}_base" not in table.columns:
                yield column.element, f"{column.name} is money and has no {column.name}_base in the base currency."
        for column in table.columns.values():
            of = text(column.element, "CalculationOf").lower()
            if of and package.lacks_column(table.name, of):
                yield column.element, f"{column.name} is calculated of {of}, which is not there."


def _currencies(package: Package) -> Complaints:
    linked = {(one.table, one.column) for one in package.relationships}
    for table in whole_tables(package):
        if not any(_money(table)):
            continue
        missing = [name for name in _OF_MONEY if name not in table.columns]
        if missing:
            yield table.element, f"The table holds money and lacks {listed(missing)}."
        if (table.name, "transactioncurrencyid") not in linked:
            yield table.element, "The table holds money and has no relationship to its currency."


def _money(table: Table) -> Iterator[Column]:
    for column in table.columns.values():
        if column.is_custom and column.type == "money" and column.element.find("CalculationOf") is None:
            yield column


def _keys(package: Package) -> Complaints:
    for table in package.tables.values():
        keys = table.element.findall("EntityInfo/entity/EntityKeys/EntityKey")
        for key, name in repeated((one, text(one, "Name")) for one in keys):
            yield key, f"The key {name} is there twice."
        for key in keys:
            columns = [text(one) for one in key.iterfind("EntityKeyAttributes/AttributeName")]
            if not columns:
                yield key, "The key has no columns."
            for column in columns:
                if package.lacks_column(table.name, column):
                    yield key, f"The key is made of {column}, which {table.name} does not have."


RULES = (
    Rule("table-name", "A table's Name and entity/@Name are the same text.", _names),
    Rule("table-repeated", "No two tables have the same name or entity set name.", _repeated),
    Rule("name-length", "Names of tables, columns and keys have at most 50 characters.", _lengths),
    Rule("table-label", "Tables have a name and a plural that people read.", _labels),
    Rule("entity-set-name", "Tables have a name for addresses.", _sets),
    Rule("ownership", "Rows belong to users or to the organisation.", _ownership),
    Rule("table-flag", "Flags of tables are 0 or 1, those of related things True or False.", _flags),
    Rule("primary-key", "A table has one primary key, called like the table with `id` behind it.", _primary_keys),
    Rule("primary-name", "One column of a table is its primary name.", _primary_names),
    Rule("column-order", "Columns are sorted by logical name.", _column_order),
    Rule("standard-columns", "Tables have the columns that the platform keeps on every table.", _standard_columns),
    Rule("standard-relationships", "Those columns have their relationships.", _standard_relationships),
    Rule("money-base", "Next to money stands the same in the base currency.", _bases_of_money),
    Rule("money-currency", "A table that holds money has an exchange rate and a currency.", _currencies),
    Rule("alternate-key", "Alternate keys are made of columns that are there.", _keys),
)
