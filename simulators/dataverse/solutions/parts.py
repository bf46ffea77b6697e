"""What a solution package holds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from simulators.dataverse.import_state import Failure
from simulators.dataverse.schema import Column, Key
from simulators.dataverse.store import Row

TABLE, COLUMN, OPTION_SET, RELATIONSHIP, KEY = 1, 2, 9, 10, 14
ROLE, VIEW, FORM, SITE_MAP, APP, STEP, IMAGE, ENDPOINT = 20, 26, 60, 62, 80, 92, 93, 95
# Kinds of component that are rows: type, table, and what the element of one is called in the job's report.
ROW_COMPONENTS = {
    ROLE: "role",
    VIEW: "savedquery",
    FORM: "systemform",
    SITE_MAP: "sitemap",
    APP: "appmodule",
    STEP: "sdkmessageprocessingstep",
    IMAGE: "sdkmessageprocessingstepimage",
    ENDPOINT: "serviceendpoint",
}
NeedKind = Literal["table", "column", "relationship", "view", "role"]


@dataclass(frozen=True, slots=True)
class Publisher:
    unique_name: str
    friendly_name: str
    description: str
    prefix: str
    option_prefix: int


class Root(NamedTuple):
    """A root component as the manifest lists it, by name (in lower case) or by id."""

    type: int
    name: str
    id: str
    behavior: int


class Dependency(NamedTuple):
    """What a package needs of another solution; `xml` is how the manifest or the importer says it."""

    required_type: int
    required_name: str
    solution: str
    dependent_type: int
    dependent_name: str
    xml: str


@dataclass(frozen=True, slots=True)
class Manifest:
    unique_name: str
    friendly_name: str
    description: str
    version: str
    is_managed: bool
    publisher: Publisher
    roots: tuple[Root, ...]
    dependencies: tuple[Dependency, ...]

    @property
    def managed_by(self) -> str:
        """What the parts say of who brought them: nothing, if the package is unmanaged."""
        return self.unique_name if self.is_managed else ""


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table that the package makes, or (`is_new` false) to which it adds. Names are in lower case."""

    name: str
    schema_name: str
    is_new: bool
    columns: tuple[Column, ...] = ()
    keys: tuple[Key, ...] = ()
    primary_id: str = ""
    primary_name: str = ""
    set_name: str = ""
    display_name: str = ""
    display_collection_name: str = ""
    description: str = ""
    ownership: Literal["user", "organization"] = "organization"


class Link(NamedTuple):
    """A one-to-many relationship behind a lookup; table and column in lower case."""

    name: str
    table: str
    column: str
    target: str
    navigation: str
    collection: str
    on_delete: Literal["remove_link", "cascade", "restrict"]


class RowPart(NamedTuple):
    """A component that is a row."""

    type: int
    id: str
    name: str
    values: Row


class StepPart(NamedTuple):
    """A step; `message_id` and `table` say what it hears of."""

    row: RowPart
    message_id: str
    table: str
    endpoint_id: str
    images: tuple[RowPart, ...]


class Grant(NamedTuple):
    """A privilege of a role, by name."""

    role_id: str
    privilege: str
    depth: int


class Need(NamedTuple):
    """What a form, a view, a step or an app names and could not be without."""

    kind: NeedKind
    table: str
    name: str
    by_type: int
    by_id: str


class Component(NamedTuple):
    """A component of a solution, by the id under which the platform lists it."""

    type: int
    id: str
    name: str
    behavior: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What customizations.xml describes; `faults` is what is wrong with it wherever it is imported."""

    tables: tuple[TablePart, ...] = ()
    links: tuple[Link, ...] = ()
    option_sets: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    rows: tuple[RowPart, ...] = ()
    steps: tuple[StepPart, ...] = ()
    grants: tuple[Grant, ...] = ()
    app_roles: tuple[tuple[str, str], ...] = ()
    needs: tuple[Need, ...] = ()
    faults: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    manifest: Manifest
    content: Content
    components: tuple[Component, ...]


def version_numbers(version: str) -> tuple[int, ...]:
    """Return a version as four numbers that can be compared; what is no number counts as nothing."""
    parts = [int(part) if part.isdigit() else 0 for part in version.split(".")]
    return tuple((*parts, 0, 0, 0, 0)[:4])
