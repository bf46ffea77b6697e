"""Makes and changes tables, columns, keys and global choices as a package describes them."""

from __future__ import annotations

from dataclasses import replace

from simulators.dataverse.build import table as build_table
from simulators.dataverse.customise import add_table, type_code
from simulators.dataverse.environment import Environment
from simulators.dataverse.schema import Column, Table
from simulators.dataverse.solutions.parts import Package, TablePart


def apply_tables(env: Environment, package: Package) -> None:
    """Tables and their columns first, so that keys find them. What is as described already is left alone."""
    for name, options in package.content.option_sets.items():
        env.schema.option_sets[name] = options
    managed_by = package.manifest.managed_by
    for part in package.content.tables:
        table = env.schema.by_name.get(part.name)
        if table is None:
            _make(env, part, managed_by)
        else:
            _change(env, table, part, managed_by)


def _make(env: Environment, part: TablePart, managed_by: str) -> None:
    table, columns = build_table(
        part.name,
        part.set_name,
        *(_with_options(env, column) for column in part.columns),
        schema_name=part.schema_name,
        primary_name=part.primary_name,
        primary_id=part.primary_id,
        display_name=part.display_name,
        ownership=part.ownership,
        code=type_code(part.name),
        is_custom=True,
        display_collection_name=part.display_collection_name,
        description=part.description,
        managed_by=managed_by,
    )
    table.keys.update({key.name: key for key in part.keys})
    add_table(env, table, columns)


def _change(env: Environment, table: Table, part: TablePart, managed_by: str) -> None:
    changed = False
    for described in part.columns:
        column = _with_options(env, described)
        current = table.columns.get(column.name)
        if column == current:
            continue
        changed = True
        if current is not None and column.kind != "lookup":
            table.add(column)
            continue
        if current is not None:
            env.schema.remove_column(table.logical_name, column.name)
        env.schema.add_columns(table.logical_name, [column])
    for key in part.keys:
        changed = changed or table.keys.get(key.name) != key
        table.keys[key.name] = key
    if part.is_new:
        table.display_name, table.description = part.display_name, part.description
        table.display_collection_name = part.display_collection_name
        table.managed_by = managed_by or table.managed_by
    if changed:
        env.store.reindex(table.logical_name)


def _with_options(env: Environment, column: Column) -> Column:
    """Give a column the options of the global choice that it names, if the package does not."""
    if column.option_set and not column.options:
        return replace(column, options=env.schema.option_sets[column.option_set])
    return column
