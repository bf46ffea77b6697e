"""What removing managed components does: their data goes too, and nothing outside may depend on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from simulators.dataverse.environment import Environment
from simulators.dataverse.metadata_documents import metadata_id
from simulators.dataverse.privileges import forget_role, privilege_id, privileges_of
from simulators.dataverse.schema import Table
from simulators.dataverse.solutions.parts import (
    APP,
    ENDPOINT,
    FORM,
    IMAGE,
    ROLE,
    ROW_COMPONENTS,
    SITE_MAP,
    STEP,
    VIEW,
)
from simulators.dataverse.store import Row

_ORDER = (IMAGE, STEP, ENDPOINT, APP, SITE_MAP, FORM, VIEW, ROLE)  # what names something goes before it
# What names columns in its XML: how it is called, the column that says of which table it is, where the XML is.
_INTERFACE = {
    FORM: ("SystemForm", "objecttypecode", ("formxml",)),
    VIEW: ("SavedQuery", "returnedtypecode", ("fetchxml", "layoutxml")),
}


@dataclass(slots=True)
class Going:
    """What is about to be removed; `columns` and `keys` by table and name."""

    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)
    rows: dict[int, set[str]] = field(default_factory=lambda: {kind: set() for kind in ROW_COMPONENTS})


@dataclass(frozen=True, slots=True)
class Dependent:
    """Something that would be left naming what is gone."""

    kind: str
    name: str
    required_kind: str
    required_name: str


def going(env: Environment, solution: Row, object_ids: Iterable[str] | None = None) -> Going:
    """Return what a managed solution brought; with `object_ids` only that which is among them."""
    found, name = Going(), solution["uniquename"]
    chosen = None if object_ids is None else set(object_ids)

    def goes(managed_by: str, *names: str) -> bool:
        return managed_by == name and (chosen is None or metadata_id(*names) in chosen)

    for table in env.schema.by_name.values():
        if goes(table.managed_by, table.logical_name):
            found.tables.add(table.logical_name)
            continue
        for column in table.columns.values():
            if goes(column.managed_by, table.logical_name, column.name):
                found.columns.add((table.logical_name, column.name))
        for key in table.keys.values():
            if goes(key.managed_by, "key", table.logical_name, key.name):
                found.keys.add((table.logical_name, key.name))
    for kind, table_name in ROW_COMPONENTS.items():
        found.rows[kind] = {
            row_id
            for row_id, row in env.store.all(table_name).items()
            if row.get("solutionid") == solution["solutionid"] and (chosen is None or row_id in chosen)
        }
    return found


def dependents(env: Environment, gone: Going) -> list[Dependent]:
    """Return what outside names something of what is going."""
    return [*_columns_left(env, gone), *_steps_left(env, gone), *_interface_left(env, gone)]


def in_use_text(left: list[Dependent]) -> str:
    """Return what the platform says when something is in the way of a deletion."""
    first = left[0]
    return (
        f"The {first.required_kind}({first.required_name}) component cannot be deleted because it is referenced by "
        f"{len(left)} other components. For a list of referenced components, use the "
        "RetrieveDependenciesForDeleteRequest."
    )


def _columns_left(env: Environment, gone: Going) -> Iterator[Dependent]:
    for table in env.schema.by_name.values():
        if table.logical_name in gone.tables:
            continue
        for column in table.columns_of("lookup"):
            for target in column.targets:
                if target in gone.tables and (table.logical_name, column.name) not in gone.columns:
                    yield Dependent("Attribute", f"{table.logical_name}.{column.name}", "Entity", target)
        for key in table.keys.values():
            for name in key.columns:
                place = (table.logical_name, name)
                if place in gone.columns and (table.logical_name, key.name) not in gone.keys:
                    yield Dependent("EntityKey", key.name, "Attribute", ".".join(place))


def _steps_left(env: Environment, gone: Going) -> Iterator[Dependent]:
    for step_id, step in env.store.all("sdkmessageprocessingstep").items():
        if step_id in gone.rows[STEP]:
            continue
        name = str(step.get("name"))
        if step["eventhandler"].id in gone.rows[ENDPOINT]:
            yield Dependent("SdkMessageProcessingStep", name, "ServiceEndpoint", step["eventhandler"].id)
        heard = step.get("sdkmessagefilterid")
        table = env.row("sdkmessagefilter", heard.id)["primaryobjecttypecode"] if heard else ""
        if table in gone.tables:
            yield Dependent("SdkMessageProcessingStep", name, "Entity", table)
        for watched in (step.get("filteringattributes") or "").split(","):
            if (table, watched.strip()) in gone.columns:
                yield Dependent("SdkMessageProcessingStep", name, "Attribute", f"{table}.{watched.strip()}")


def _interface_left(env: Environment, gone: Going) -> Iterator[Dependent]:
    """Forms and views of tables that stay; those of tables that go, go too."""
    for kind, (shown, of_table, texts) in _INTERFACE.items():
        for row_id, row in env.store.all(ROW_COMPONENTS[kind]).items():
            table = row.get(of_table)
            if row_id in gone.rows[kind] or table in gone.tables:
                continue
            xml = "".join(str(row.get(column, "")) for column in texts)
            for place in gone.columns:
                if place[0] == table and _names(xml, place[1]):
                    yield Dependent(shown, str(row.get("name")), "Attribute", ".".join(place))
            for name in gone.tables:
                if _names(xml, name):
                    yield Dependent(shown, str(row.get("name")), "Entity", name)


def _names(xml: str, name: str) -> bool:
    """Whether a form or view names it, in an attribute or as an element's text (the table of a sub-grid)."""
    return f'"{name}"' in xml or f">{name}<" in xml


def remove(env: Environment, gone: Going) -> None:
    """Remove rows, columns and tables, with what they hold."""
    for kind in _ORDER:
        for row_id in gone.rows[kind]:
            _remove_row(env, ROW_COMPONENTS[kind], row_id)
    for table_name, key in gone.keys:
        del env.schema.by_name[table_name].keys[key]
    for table_name, column in gone.columns:
        drop_column(env, env.schema.by_name[table_name], column)
    for name in gone.tables:
        _cut_lookups(env, name)
    for name in gone.tables:
        drop_table(env, env.schema.by_name[name])
    for name in {table for table, _ in (*gone.keys, *gone.columns)}:
        env.store.reindex(name)


def _remove_row(env: Environment, table: str, row_id: str) -> None:
    """Remove a component's row. Nobody is asked and no step hears of it: it is the platform's own doing."""
    if env.store.find(table, row_id) is None:
        return
    if table == "role":
        forget_role(env, row_id)
    for relation in env.schema.referencing(table):
        for child_id in env.store.children(relation.table, relation.column.name, row_id):
            if relation.column.on_delete == "cascade":
                _remove_row(env, relation.table, child_id)
                continue
            child = env.row(relation.table, child_id)
            left = {name: value for name, value in child.items() if name != relation.column.name}
            env.store.put(relation.table, child_id, left)
    env.store.remove(table, row_id)
    env.imports.layers.pop(row_id, None)


def drop_column(env: Environment, table: Table, name: str) -> None:
    """Take a column, its relationships and its values away. The caller indexes the table anew."""
    if name not in table.columns:
        return  # what an amount is in base currency goes with the amount
    twins = {name, f"{name}_base"} if table.columns[name].kind == "money" else {name}
    rows = env.store.all(table.logical_name)
    for row_id, row in list(rows.items()):
        if not twins.isdisjoint(row):
            env.store.put(table.logical_name, row_id, {n: value for n, value in row.items() if n not in twins})
    env.schema.remove_column(table.logical_name, name)


def _cut_lookups(env: Environment, table_name: str) -> None:
    """Tables that go together may point at one another: without this, the first to go would leave loose ends."""
    for column in list(env.schema.by_name[table_name].columns_of("lookup")):
        if column.is_custom:
            env.schema.remove_column(table_name, column.name)


def drop_table(env: Environment, table: Table) -> None:
    """Take a table and its rows away, and what the platform made for it."""
    name = table.logical_name
    for row_id in list(env.store.all(name)):
        env.store.remove(name, row_id)
    for filter_id, row in list(env.store.all("sdkmessagefilter").items()):
        if row["primaryobjecttypecode"] == name:
            env.store.remove("sdkmessagefilter", filter_id)
    for kind, (_, column, _) in _INTERFACE.items():
        for row_id, row in list(env.store.all(ROW_COMPONENTS[kind]).items()):
            if row.get(column) == name:
                env.store.remove(ROW_COMPONENTS[kind], row_id)
    _drop_privileges(env, {privilege_id(privilege) for privilege, _ in privileges_of(table)})
    for key in [key for key in env.pending_keys if key[0] == name]:
        del env.pending_keys[key]
    env.schema.remove_table(name)


def _drop_privileges(env: Environment, ids: set[str]) -> None:
    for grant_id, row in list(env.store.all("roleprivileges").items()):
        if row["privilegeid"] in ids:
            env.store.remove("roleprivileges", grant_id)
    for privilege in ids:
        env.store.remove("privilege", privilege)
