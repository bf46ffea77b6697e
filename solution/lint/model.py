"""The package as rules look at it: tables, columns and relationships by name, and what may be expected of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from solution.lint.trees import Element, bare, text

# Columns that every table has and no export writes: what forms and views show of them is right.
NEVER_EXPORTED = frozenset(
    ("versionnumber", "entityimage", "entityimageid", "entityimage_url", "entityimage_timestamp", "createdbyname")
)
PREFIX = re.compile(r"(?!mscrm)[a-z][a-z0-9]{1,7}", re.IGNORECASE)
ONE_TO_MANY, MANY_TO_MANY = "OneToMany", "ManyToMany"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `name` is its logical name, `type` the word that files use."""

    element: Element
    name: str
    type: str

    @property
    def is_custom(self) -> bool:
        return text(self.element, "IsCustomField") == "1"

    @property
    def mask(self) -> frozenset[str]:
        return frozenset(text(self.element, "DisplayMask").split("|"))


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `schema_name` as files spell it, `written` the columns that the package holds, in their order.

    `columns` are the same by logical name, of repeated ones the last.
    `is_whole`: a table of the publisher's own with everything that belongs to it, so that what it lacks is missing.
    """

    element: Element
    schema_name: str
    written: tuple[Column, ...]
    columns: Mapping[str, Column]
    is_whole: bool

    @property
    def name(self) -> str:
        return self.schema_name.lower()

    @property
    def ownership(self) -> str:
        return text(self.element, "EntityInfo/entity/OwnershipTypeMask")

    def forms(self) -> Iterator[Element]:
        yield from self.element.iterfind("FormXml/forms/systemform")

    def views(self) -> Iterator[Element]:
        yield from self.element.iterfind("SavedQueries/savedqueries/savedquery")


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship; one to many: `table` has the lookup `column` to `target`; many to many: two tables."""

    element: Element
    name: str
    kind: str
    table: str
    column: str
    target: str


@dataclass(frozen=True, slots=True)
class Package:
    """A package that could be read; names are in lower case.

    `tables_between` are those that hold relationships of many to many, which are nowhere described.
    `stands_alone`: it asks for nothing with the publisher's prefix from elsewhere, so it must hold what it names.
    `awaited` are ids and names that it does ask for.
    """

    parts: frozenset[str]
    types: Element
    manifest: Element
    customizations: Element
    is_managed: bool
    prefix: str
    tables: Mapping[str, Table]
    relationships: tuple[Relationship, ...]
    tables_between: frozenset[str]
    awaited: frozenset[str]
    stands_alone: bool

    def is_own(self, name: str) -> bool:
        """Whether a name has the publisher's prefix."""
        return bool(self.prefix) and name.lower().startswith(f"{self.prefix}_")

    def must_hold(self, name: str) -> bool:
        """Whether a thing of this name can come from nowhere but this package."""
        return self.stands_alone and self.is_own(name)

    def has_table(self, name: str) -> bool:
        """Whether a table is here, one between two others included."""
        return name.lower() in self.tables or name.lower() in self.tables_between

    def lacks_table(self, name: str) -> bool:
        return self.must_hold(name) and not self.has_table(name)

    def lacks_column(self, table: str, column: str) -> bool:
        """Whether a column is certainly missing. Of tables that the package only extends it holds some columns."""
        known = self.tables.get(table.lower())
        if known is None or column.lower() in known.columns or column.lower() in NEVER_EXPORTED:
            return False
        return known.is_whole or self.must_hold(column)


def package_of(parts: frozenset[str], types: Element, manifest: Element, customizations: Element) -> Package:
    """Return the package that three documents and the names of all files make."""
    prefix = text(manifest, "SolutionManifest/Publisher/CustomizationPrefix").lower()
    roots = manifest.findall("SolutionManifest/RootComponents/RootComponent")
    behaviors = {
        (one.get("schemaName") or "").lower(): one.get("behavior") for one in roots if one.get("type") == "1"
    }
    found = [_table(one, prefix, behaviors) for one in customizations.iterfind("Entities/Entity")]
    required = manifest.findall("SolutionManifest/MissingDependencies/MissingDependency/Required")
    awaited = {bare(one.get(name, "")) for one in required for name in ("id", "schemaName", "parentSchemaName")}
    links = customizations.findall("EntityRelationships/EntityRelationship")
    return Package(
        parts,
        types,
        manifest,
        customizations,
        is_managed=text(manifest, "SolutionManifest/Managed") == "1",
        prefix=prefix,
        tables={table.name: table for table in found},
        relationships=tuple(map(_relationship, links)),
        tables_between=frozenset(text(one, "IntersectEntityName").lower() for one in links) - {""},
        awaited=frozenset(awaited),
        stands_alone=bool(prefix) and not any(name.startswith(f"{prefix}_") for name in awaited),
    )


def _column(attribute: Element) -> Column:
    name = text(attribute, "LogicalName") or text(attribute, "Name") or attribute.get("PhysicalName", "")
    return Column(attribute, name.lower(), text(attribute, "Type"))


def _table(element: Element, prefix: str, behaviors: Mapping[str, str | None]) -> Table:
    entity = element.find("EntityInfo/entity")
    name = text(element, "Name") or ("" if entity is None else entity.get("Name", ""))
    written = tuple(map(_column, element.iterfind("EntityInfo/entity/attributes/attribute")))
    columns = {column.name: column for column in written}
    is_own = bool(prefix) and name.lower().startswith(f"{prefix}_")
    is_whole = is_own and behaviors.get(name.lower(), "0") == "0" and _is_described(entity)
    return Table(element, name, written, columns, is_whole)


def _is_described(entity: Element | None) -> bool:
    """Whether a table is written in full, and is an ordinary one.

    Activities, processes and tables of other sources have other columns; of tables that another solution brought,
    only what was added is written, their names not.
    """
    if entity is None or entity.find("LocalizedNames") is None or entity.find("DataProviderId") is not None:
        return False
    return text(entity, "IsActivity") != "1" and text(entity, "IsBPFEntity") != "1"


def _relationship(element: Element) -> Relationship:
    kind = text(element, "EntityRelationshipType")
    of_many = kind == MANY_TO_MANY
    table, target = (
        ("FirstEntityName", "SecondEntityName") if of_many else ("ReferencingEntityName", "ReferencedEntityName")
    )
    return Relationship(
        element,
        element.get("Name", "").lower(),
        kind,
        text(element, table).lower(),
        text(element, "ReferencingAttributeName").lower(),
        text(element, target).lower(),
    )
