"""What forms, views, steps and privileges are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core import columns
from core.tables import NAME
from solution.names import part_id
from solution.standard import STANDARD, SYSTEM, ColumnKind

ViewKind = Literal["public", "advanced find", "associated", "quick find", "lookup"]
Message = Literal["Create", "Update", "Delete"]
Verb = Literal["Create", "Read", "Write", "Append", "AppendTo"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column on a form, under its own label; `is_locked`: people can read it, not write it."""

    column: str
    is_locked: bool = False


@dataclass(frozen=True, slots=True)
class SubGrid:
    """Rows of another table that belong to the one shown; `view` is the name of one of our views of that table."""

    name: str
    label: str
    table: str
    relationship: str
    view: str
    rows: int = 6


@dataclass(frozen=True, slots=True)
class Section:
    """Fields and sub-grids, one below the other."""

    name: str
    label: str
    cells: tuple[Field | SubGrid, ...]


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a form; each of `columns` is its width in per cent and the sections in it."""

    name: str
    label: str
    columns: tuple[tuple[int, tuple[Section, ...]], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A main form of a table."""

    table: str
    name: str
    description: str
    tabs: tuple[Tab, ...]

    @property
    def id(self) -> str:
        return part_id("form", self.table, self.name)


@dataclass(frozen=True, slots=True)
class View:
    """A view; `cells` are its columns with their widths in pixels, `conditions` attribute, operator and value."""

    table: str
    name: str
    kind: ViewKind
    cells: tuple[tuple[str, int], ...]
    conditions: tuple[tuple[str, str, str], ...] = ()
    order: tuple[str, bool] = (NAME, False)  # the column, and whether descending
    is_default: bool = False
    description: str = ""
    found_by: tuple[str, ...] = ()  # what quick find looks at

    @property
    def id(self) -> str:
        return part_id("view", self.table, self.name)


@dataclass(frozen=True, slots=True)
class Step:
    """One message of one table that Dynamics posts to us, afterwards and without waiting for us.

    `before` are columns as they were (a pre-image); `filter` the columns whose update counts, empty for all.
    """

    table: str
    message: Message
    before: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"Stellarise Connector: {self.message} of {self.table}"

    @property
    def id(self) -> str:
        return part_id("step", self.table, self.message)

    @property
    def image_id(self) -> str:
        return part_id("image", self.table, self.message)


def column_of(table: str, name: str) -> tuple[ColumnKind, str]:
    """Return kind and label of a column that our forms and views may show. Raises KeyError if it is not known."""
    for own in columns.TABLES:
        if own.name == table and name == NAME:
            return "string", own.name_label
        if own.name == table and name in SYSTEM:
            return SYSTEM[name]
    declared = {one.name: one.columns for one in columns.TABLES} | columns.ON_STANDARD_TABLES
    for column in declared.get(table, ()):
        if column.name == name:
            return column.kind, column.label
    return STANDARD[table].columns[name]
