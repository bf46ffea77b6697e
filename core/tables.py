"""What a table and a column of ours are, and short ways to declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

NAME = "stl3_name"
PREFIX = "stl3_"
OPTION_BASE = 367_800_000  # the publisher's option value prefix 36780

Kind = Literal[
    "string", "memo", "integer", "decimal", "money", "boolean", "datetime", "date", "choice", "lookup", "guid"
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `description` is what a person in Dynamics reads about it.

    `name` is the logical name. A lookup has `targets` and a `schema_name`, which is also its case-sensitive
    navigation property. `options` map values to labels; `default` is one of them.
    """

    name: str
    kind: Kind
    label: str
    description: str
    max_length: int = 0
    targets: tuple[str, ...] = ()
    schema_name: str = ""
    options: tuple[tuple[int, str], ...] = ()
    default: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the plain form in which a definition travels (to the simulator, to the solution builder)."""
        plain: dict[str, Any] = {"name": self.name, "type": self.kind, "description": self.description}
        if self.max_length:
            plain["max_length"] = self.max_length
        if self.kind in ("decimal", "money"):
            plain["precision"] = 4
        if self.kind == "lookup":
            plain |= {"targets": list(self.targets), "schema_name": self.schema_name, "on_delete": "remove_link"}
        if self.options:
            plain["options"] = {str(value): text for value, text in self.options}
        if self.default is not None:
            plain["default"] = self.default
        return plain


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours: `set_name` in URLs, `id_column` its primary key, `keys` its alternate keys."""

    name: str
    set_name: str
    label: str
    description: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name_label: str = "Name"
    name_length: int = 300

    @property
    def id_column(self) -> str:
        return f"{self.name}id"

    def as_json(self) -> dict[str, Any]:
        return {
            "logical_name": self.name,
            "set_name": self.set_name,
            "primary_id": self.id_column,
            "primary_name": NAME,
            "display_name": self.label,
            "ownership": "organization",
            "columns": [column.as_json() for column in self.columns],
            "keys": [{"name": name, "columns": list(columns)} for name, columns in self.keys],
        }


def text(name: str, label: str, description: str, length: int = 100) -> Column:
    """Return a text column; `length` in characters."""
    return Column(PREFIX + name, "string", label, description, max_length=length)


def of_kind(name: str, kind: Kind, label: str, description: str) -> Column:
    """Return a column of a kind that needs no more to be said."""
    return Column(PREFIX + name, kind, label, description)


def lookup(schema: str, target: str, label: str, description: str) -> Column:
    """Return a lookup; `schema` is its name as the navigation property spells it."""
    name = PREFIX + schema.lower()
    return Column(name, "lookup", label, description, targets=(target,), schema_name=f"stl3_{schema}")


def choice(name: str, label: str, description: str, *options: str, default: int | None = None) -> Column:
    """Return a choice; options are numbered in their order, `default` is the place of one of them."""
    numbered = tuple((OPTION_BASE + index, text) for index, text in enumerate(options))
    chosen = None if default is None else OPTION_BASE + default
    return Column(PREFIX + name, "choice", label, description, options=numbered, default=chosen)
