"""What tables, columns, keys and relationships an environment has; knows nothing of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

Kind = Literal[
    "string", "memo", "integer", "bigint", "decimal", "double", "money", "boolean", "datetime", "date",
    "choice", "state", "status", "lookup", "guid",
]  # fmt: skip
OnDelete = Literal["remove_link", "cascade", "restrict"]
RequiredLevel = Literal["None", "Recommended", "ApplicationRequired", "SystemRequired"]


class Ref(NamedTuple):
    """A lookup's value."""

    table: str
    id: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `precision_source`: 0 its own, 1 the organisation's pricing precision, 2 the currency's.

    `date_format` and `behavior` are a datetime's: what a form shows of it, and whether it is shown in local time.
    `text_format` is what a text is (Url, Email, ...); `required_level` what forms demand, `required` what everybody
    must give. `relationship` is the relationship's name where it differs from `collection`; `option_set` the global
    choice whose options these are; `managed_by` the managed solution that brought the column.
    """

    name: str
    kind: Kind
    max_length: int = 100
    precision: int = 2
    precision_source: int = 0
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    required: bool = False
    default: Any = None
    options: Mapping[int, str] = field(default_factory=dict)
    state_of_status: Mapping[int, int] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    navigations: tuple[str, ...] = ()
    collection: str = ""
    on_delete: OnDelete = "remove_link"
    schema_name: str = ""
    display_name: str = ""
    description: str = ""
    date_format: Literal["DateAndTime", "DateOnly"] = "DateAndTime"
    behavior: Literal["UserLocal", "TimeZoneIndependent"] = "UserLocal"
    text_format: str = ""
    required_level: RequiredLevel = "None"
    relationship: str = ""
    option_set: str = ""
    managed_by: str = ""
    is_custom: bool = False
    creatable: bool = True
    updatable: bool = True
    write_only: bool = False

    @property
    def property_name(self) -> str:
        """The name in Web API reads."""
        return f"_{self.name}_value" if self.kind == "lookup" else self.name

    def navigation_to(self, target: str) -> str:
        return self.navigations[self.targets.index(target)]


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    columns: tuple[str, ...]
    display_name: str = ""
    managed_by: str = ""


class Navigation(NamedTuple):
    """A single-valued navigation property: the lookup that it follows, and where to."""

    column: Column
    target: str


class Collection(NamedTuple):
    """A collection-valued navigation property: rows of `table` whose lookup `column` names this row."""

    table: str
    column: Column


class Association(NamedTuple):
    """A many-to-many navigation property: rows of `through` join a row (`near`) to rows of `target` (`far`)."""

    through: str
    near: str
    far: str
    target: str


@dataclass(slots=True)
class Table:
    """One table with its columns; `properties`, `navigations`, `collections`, `associations` go by Web API name.

    `managed_by` is the managed solution that brought the table.
    """

    logical_name: str
    set_name: str
    primary_id: str
    primary_name: str
    schema_name: str
    display_name: str
    ownership: Literal["user", "organization", "none"] = "organization"
    object_type_code: int = 0
    is_custom: bool = False
    display_collection_name: str = ""
    description: str = ""
    managed_by: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    properties: dict[str, Column] = field(default_factory=dict)
    navigations: dict[str, Navigation] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)

    def add(self, column: Column) -> None:
        self.columns[column.name] = column
        self.properties[column.property_name] = column
        for target, navigation in zip(column.targets, column.navigations, strict=True):
            self.navigations[navigation] = Navigation(column, target)

    def columns_of(self, *kinds: Kind) -> Iterator[Column]:
        return (column for column in self.columns.values() if column.kind in kinds)


class Schema:
    """All tables of one environment."""

    def __init__(self) -> None:
        self.by_name: dict[str, Table] = {}
        self.by_set: dict[str, Table] = {}
        self.option_sets: dict[str, Mapping[int, str]] = {}
        self._referencing: dict[str, list[Collection]] = {}

    def add_table(self, table: Table, columns: Iterable[Column]) -> None:
        self.by_name[table.logical_name] = table
        self.by_set[table.set_name] = table
        self.add_columns(table.logical_name, columns)
        for waiting in self._referencing.get(table.logical_name, []):
            table.collections[waiting.column.collection] = waiting

    def remove_table(self, name: str) -> None:
        """Forget a table and every relationship that begins at it."""
        table = self.by_name.pop(name)
        del self.by_set[table.set_name]
        for target, relations in self._referencing.items():
            gone = [relation for relation in relations if relation.table == name]
            self._referencing[target] = [relation for relation in relations if relation.table != name]
            for relation in gone:
                if target in self.by_name:
                    self.by_name[target].collections.pop(relation.column.collection, None)

    def remove_column(self, table_name: str, name: str) -> None:
        """Forget a column with its relationships and, of money, its twin in base currency."""
        table = self.by_name[table_name]
        column = table.columns.pop(name)
        del table.properties[column.property_name]
        for target, navigation in zip(column.targets, column.navigations, strict=True):
            table.navigations.pop(navigation, None)
            relations = self._referencing.get(target, [])
            self._referencing[target] = [
                one for one in relations if (one.table, one.column.name) != (table_name, name)
            ]
            if target in self.by_name:
                self.by_name[target].collections.pop(column.collection, None)
        if column.kind == "money" and f"{name}_base" in table.columns:
            self.remove_column(table_name, f"{name}_base")

    def snapshot(self) -> Callable[[], None]:
        """Return a function that puts everything back as it is now."""
        tables, sets, option_sets = dict(self.by_name), dict(self.by_set), dict(self.option_sets)
        referencing = {target: list(relations) for target, relations in self._referencing.items()}
        parts = [(table, _parts_of(table)) for table in tables.values()]

        def restore() -> None:
            self.by_name, self.by_set, self.option_sets, self._referencing = tables, sets, option_sets, referencing
            for table, values in parts:
                for name, value in values.items():
                    setattr(table, name, value)

        return restore

    def add_columns(self, table_name: str, columns: Iterable[Column]) -> None:
        """Add columns; a money column brings its base-currency twin, and the currency if there is none."""
        table = self.by_name[table_name]
        for column in columns:
            table.add(column)
            if column.kind == "money":
                self._add_money_companions(table, column)
            for target in column.targets:
                self._relate(table.logical_name, column, target)

    def _add_money_companions(self, table: Table, column: Column) -> None:
        base = f"{column.name}_base"
        table.add(
            Column(
                base,
                "money",
                precision=4,
                creatable=False,
                updatable=False,
                schema_name=f"{column.schema_name}_Base",
                managed_by=column.managed_by,
                is_custom=column.is_custom,
            )
        )
        if "transactioncurrencyid" not in table.columns:
            currency = Column(
                "transactioncurrencyid",
                "lookup",
                targets=("transactioncurrency",),
                navigations=("transactioncurrencyid",),
                collection=f"transactioncurrency_{table.logical_name}",
                on_delete="restrict",
            )
            rate = Column("exchangerate", "decimal", precision=12, creatable=False, updatable=False)
            self.add_columns(table.logical_name, [currency, rate])

    def _relate(self, table_name: str, column: Column, target: str) -> None:
        relation = Collection(table_name, column)
        self._referencing.setdefault(target, []).append(relation)
        if target in self.by_name:
            self.by_name[target].collections[column.collection] = relation

    def referencing(self, table_name: str) -> list[Collection]:
        """Every lookup that may point at a row of this table."""
        return self._referencing.get(table_name, [])

    def find(self, name: str) -> Table | None:
        """By entity set or logical name."""
        return self.by_set.get(name) or self.by_name.get(name)


def _parts_of(table: Table) -> dict[str, Any]:
    """Return what may change of a table: copies of its dicts, and its names and words."""
    return {
        "columns": dict(table.columns),
        "keys": dict(table.keys),
        "properties": dict(table.properties),
        "navigations": dict(table.navigations),
        "collections": dict(table.collections),
        "display_name": table.display_name,
        "display_collection_name": table.display_collection_name,
        "description": table.description,
        "managed_by": table.managed_by,
    }
