"""What a table and a column of ours are, and short ways to declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAME = "stl3_name"
PREFIX = "stl3_"
OPTION_BASE = 367_800_000  # the publisher's option value prefix 36780
MEMO_LENGTH = 2000  # of a column of several lines, where nothing else is declared

Kind = Literal[
    "string", "memo", "integer", "decimal", "money", "boolean", "datetime", "date", "choice", "lookup", "guid"
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `description` is what a person in Dynamics reads about it.

    `name` is the logical name. A lookup has `targets` and a `schema_name`, which is also its case-sensitive
    navigation property. `options` map values to labels; `default` is one of them. `is_url`: a text that is a link.
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
    is_url: bool = False


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


def text(name: str, label: str, description: str, length: int = 100) -> Column:
    """Return a text column; `length` in characters."""
    return Column(PREFIX + name, "string", label, description, max_length=length)


def link(name: str, label: str, description: str, length: int) -> Column:
    """Return a text column that can be clicked; `length` in characters."""
    return Column(PREFIX + name, "string", label, description, max_length=length, is_url=True)


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
