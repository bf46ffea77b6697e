"""Relationships: what a lookup points at, and that a row survives what it points at (rule A, "remove link")."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core import columns
from core.tables import Column, Table
from solution.files.attributes import schema_name
from solution.files.xml import descriptions, node, texts
from solution.names import VERSION, relationship_name
from solution.standard import STANDARD

_NOTHING = "NoCascade"


def relationships() -> Iterator[Element]:
    """Yield every relationship of the solution, by name."""
    found = [*_of_lookups(), *(one for table in columns.TABLES for one in _system(table))]
    yield from sorted(found, key=lambda one: one.get("Name", ""))


def schema_of(table: str) -> str:
    """Return a table's name as files spell it."""
    return STANDARD[table].schema_name if table in STANDARD else table


def _of_lookups() -> Iterator[Element]:
    declared = {table.name: table.columns for table in columns.TABLES} | columns.ON_STANDARD_TABLES
    for table, own in declared.items():
        yield from (_of_lookup(table, column) for column in own if column.kind == "lookup")


def _of_lookup(table: str, column: Column) -> Element:
    (target,) = column.targets
    name = relationship_name(table, column.name)
    return _relationship(
        name,
        table,
        target,
        schema_name(column),
        column.description,
        *texts(CascadeRollupView=_NOTHING, IsValidForAdvancedFind="1"),
        delete="RemoveLink",
        roles=_roles(name, schema_name(column)),
    )


def _roles(name: str, lookup: str) -> Element:
    referencing = texts(
        NavPaneDisplayOption="UseCollectionName",
        NavPaneArea="Details",
        NavPaneOrder="10000",
        NavigationPropertyName=lookup,
        RelationshipRoleType="1",
    )
    referenced = texts(NavigationPropertyName=name, RelationshipRoleType="0")
    return node(
        "EntityRelationshipRoles",
        node("EntityRelationshipRole", *referencing),
        node("EntityRelationshipRole", *referenced),
    )


def _system(table: Table) -> Iterator[Element]:
    name = table.name
    for column, who in (("CreatedBy", "created"), ("ModifiedBy", "changed")):
        words = f"Who {who} the row."
        yield _relationship(f"lk_{name}_{column.lower()}", name, "SystemUser", column, words)
    words = "The organisation that the row belongs to."
    yield _relationship(f"organization_{name}", name, "Organization", "OrganizationId", words)


def _relationship(
    name: str,
    table: str,
    target: str,
    lookup: str,
    description: str,
    *more: Element,
    delete: str = _NOTHING,
    roles: Element | None = None,
) -> Element:
    return node(
        "EntityRelationship",
        *texts(
            EntityRelationshipType="OneToMany",
            IsCustomizable="1",
            IntroducedVersion=VERSION,
            IsHierarchical="0",
            ReferencingEntityName=schema_of(table),
            ReferencedEntityName=schema_of(target),
            CascadeAssign=_NOTHING,
            CascadeDelete=delete,
            CascadeReparent=_NOTHING,
            CascadeShare=_NOTHING,
            CascadeUnshare=_NOTHING,
        ),
        *more,
        node("ReferencingAttributeName", lookup),
        node("RelationshipDescription", descriptions(description)),
        *([] if roles is None else [roles]),
        Name=name,
    )
