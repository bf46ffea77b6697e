"""Compares what is in Dynamics with what the solution says, and reports what is missing or different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clients.dataverse import Dataverse, Payload
from core import columns
from core.tables import MEMO_LENGTH, NAME, Column, Table
from solution import role
from solution.files.parts import HTTP_HEADER
from solution.forms import FORMS
from solution.install.finishing import (
    ENABLED,
    IN_BACKGROUND,
    find_user,
    images_here,
    own_roles,
    role_ids_of,
    steps_here,
)
from solution.install.live import LiveTable, read_tables
from solution.views import VIEWS
from solution.vocabulary import Form, Step, View
from solution.webhook import ENDPOINT_ID, ENDPOINT_NAME, STEPS

AGAIN = "`connector solution install --again` brings it back"
Kind = Literal["table", "column", "key", "form", "view", "role", "endpoint", "step"]
# How the live metadata calls the types of columns.
TYPES = {
    "string": "String",
    "memo": "Memo",
    "integer": "Integer",
    "decimal": "Decimal",
    "money": "Money",
    "boolean": "Boolean",
    "datetime": "DateTime",
    "choice": "Picklist",
    "lookup": "Lookup",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as the solution says; `can_be_made`: it is missing, and `repair` can make it."""

    kind: Kind
    where: str
    message: str
    can_be_made: bool = False


def verify(dataverse: Dataverse, *, address: str, application_id: str) -> Iterator[Drift]:
    """Yield every difference. `address` is where the webhook has to post, `application_id` the connector's app.

    Only reads. Raises Transient, Limited, Disconnected.
    """
    yield from _tables(dataverse)
    yield from _presentation(dataverse)
    yield from _endpoint(dataverse, address)
    yield from _steps(dataverse)
    yield from _role(dataverse, application_id)


def _tables(dataverse: Dataverse) -> Iterator[Drift]:
    here = read_tables(dataverse, [*(table.name for table in columns.TABLES), *columns.ON_STANDARD_TABLES])
    for table in columns.TABLES:
        live = here[table.name]
        if live is None:
            yield Drift("table", table.name, "the table is missing", can_be_made=True)
        else:
            yield from _own_table(table, live)
    for name, declared in columns.ON_STANDARD_TABLES.items():
        live = here[name]
        if live is None:
            yield Drift("table", name, "Dynamics 365 Sales brings this table, and it is not here")
        else:
            yield from _columns(name, declared, live)


def _own_table(table: Table, live: LiveTable) -> Iterator[Drift]:
    if live.set_name != table.set_name:
        yield Drift("table", table.name, f"its set is called {live.set_name} instead of {table.set_name}")
    name = Column(NAME, "string", table.name_label, "", max_length=table.name_length)
    yield from _columns(table.name, (name, *table.columns), live)
    for key, parts in table.keys:
        where, found = f"{table.name}.{key}", live.keys.get(key)
        if found is None:
            yield Drift("key", where, "the key is missing", can_be_made=True)
        elif sorted(found["KeyAttributes"]) != sorted(parts):
            yield Drift("key", where, f"it is of {', '.join(found['KeyAttributes'])} instead of {', '.join(parts)}")
        elif found["EntityKeyIndexStatus"] != "Active":
            status = found["EntityKeyIndexStatus"]
            yield Drift("key", where, f"its index is not active but {status}: rows cannot be found by it")


def _columns(table: str, declared: tuple[Column, ...], live: LiveTable) -> Iterator[Drift]:
    for column in declared:
        where, found = f"{table}.{column.name}", live.columns.get(column.name)
        if found is None:
            yield Drift("column", where, "the column is missing", can_be_made=True)
        else:
            yield from (Drift("column", where, message) for message in _differences(column, found, live))


def _differences(column: Column, found: Payload, live: LiveTable) -> Iterator[str]:
    wanted = TYPES[column.kind]
    if found["AttributeType"] != wanted:
        yield f"it is of type {found['AttributeType']} instead of {wanted}; a type cannot be changed"
        return
    length = column.max_length or (MEMO_LENGTH if column.kind == "memo" else 0)
    if length and found.get("MaxLength", 0) < length:
        yield f"it takes {found.get('MaxLength', 0)} characters instead of {length}"
    if column.kind == "choice":
        options = live.choices.get(column.name, {})
        missing = [f"{label} ({value})" for value, label in column.options if value not in options]
        if missing:
            yield f"it lacks the choices {', '.join(missing)}"
    if column.kind == "lookup":
        yield from _relationship(column, live)


def _relationship(column: Column, live: LiveTable) -> Iterator[str]:
    relationship = live.relationships.get(column.name)
    if relationship is None:
        yield "its relationship is missing"
        return
    (target,) = column.targets
    if relationship["ReferencedEntity"] != target:
        yield f"it points at {relationship['ReferencedEntity']} instead of {target}"
    deletion = (relationship.get("CascadeConfiguration") or {}).get("Delete")
    if deletion != "RemoveLink":
        yield f"deleting what it points at does {deletion} instead of RemoveLink: rows would not survive"


def _presentation(dataverse: Dataverse) -> Iterator[Drift]:
    yield from _missing(dataverse, "form", "systemforms", "formid", FORMS)
    yield from _missing(dataverse, "view", "savedqueries", "savedqueryid", VIEWS)


def _missing(
    dataverse: Dataverse, kind: Kind, set_name: str, id_column: str, declared: Sequence[Form | View]
) -> Iterator[Drift]:
    wanted = {one.id: f"{one.table}: {one.name}" for one in declared}
    here = {one for part in _in_parts(sorted(wanted)) for one in _ids(dataverse, set_name, id_column, part)}
    for part_id, name in wanted.items():
        if part_id not in here:
            yield Drift(kind, name, f"it is missing; {AGAIN}")


def _in_parts(ids: list[str], size: int = 20) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _ids(dataverse: Dataverse, set_name: str, id_column: str, wanted: list[str]) -> Iterator[str]:
    query = {"$select": id_column, "$filter": " or ".join(f"{id_column} eq {one}" for one in wanted)}
    return (str(row[id_column]).lower() for row in dataverse.list_rows(set_name, query))


def _endpoint(dataverse: Dataverse, address: str) -> Iterator[Drift]:
    row = dataverse.find("serviceendpoints", ENDPOINT_ID, select="url,authtype,isauthvalueset")
    if row is None:
        yield Drift("endpoint", ENDPOINT_NAME, "the webhook endpoint is missing", can_be_made=True)
        return
    if row["url"] != address:
        words = f"it posts to {row['url']} instead of {address}"
        yield Drift("endpoint", ENDPOINT_NAME, words, can_be_made=True)
    if row["authtype"] != int(HTTP_HEADER):
        words = "it does not show the secret in a header"
        yield Drift("endpoint", ENDPOINT_NAME, words, can_be_made=True)
    if not row["isauthvalueset"]:
        yield Drift("endpoint", ENDPOINT_NAME, "its secret is not set", can_be_made=True)


def _steps(dataverse: Dataverse) -> Iterator[Drift]:
    here, images = steps_here(dataverse), images_here(dataverse)
    for step in STEPS:
        row = here.get(step.id)
        if row is None:
            yield Drift("step", step.name, "the step is missing", can_be_made=True)
        else:
            found = [*_of_step(step, row), *_of_image(step, images)]
            yield from (Drift("step", step.name, words, can_be_made=True) for words in found)


def _of_image(step: Step, images: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What was before a change comes along as an image; without it nobody knows whose line was deleted."""
    if step.before and images.get(step.id) != frozenset(step.before):
        yield f"it does not say {', '.join(step.before)} as it was before"


def _of_step(step: Step, row: Payload) -> Iterator[str]:
    if row["statecode"] != ENABLED["statecode"]:
        yield "it is off"
    if {name: row[name] for name in IN_BACKGROUND} != IN_BACKGROUND:
        yield "it does not run afterwards in the background"
    filtered = {name.strip() for name in str(row.get("filteringattributes") or "").split(",") if name.strip()}
    if filtered != set(step.filter):
        here, wanted = ", ".join(sorted(filtered)) or "every column", ", ".join(step.filter) or "every column"
        yield f"it follows {here} instead of {wanted}"


def _role(dataverse: Dataverse, application_id: str) -> Iterator[Drift]:
    user_id = find_user(dataverse, application_id)
    if user_id is None:
        yield Drift("role", role.ROLE_NAME, f"Dynamics has no application user for the app {application_id}")
    elif not (ours := own_roles(dataverse)):
        yield Drift("role", role.ROLE_NAME, f"the security role is missing; {AGAIN}")
    elif not role_ids_of(dataverse, user_id) & set(ours):
        yield Drift("role", role.ROLE_NAME, "the connector's user does not have it", can_be_made=True)
