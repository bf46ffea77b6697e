"""Imports a package as a whole, or not at all; and removes what a managed solution brought."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused
from simulators.dataverse.import_state import Options, Outcome
from simulators.dataverse.solutions.checking import find_solution, import_failures
from simulators.dataverse.solutions.failing import IN_USE, ImportFailed, failed
from simulators.dataverse.solutions.needing import need_failures
from simulators.dataverse.solutions.parts import Package
from simulators.dataverse.solutions.removing import Dependent, dependents, going, in_use_text, remove
from simulators.dataverse.solutions.rows import write_rows
from simulators.dataverse.solutions.tables import apply_tables
from simulators.dataverse.store import DuplicateKey, Row


def import_package(env: Environment, package: Package, options: Options, at: datetime) -> Outcome:
    """Import a package at once; raises ImportFailed, and then nothing has changed."""
    failures = import_failures(env, package, options)
    if failures:
        raise ImportFailed(failures)
    before = find_solution(env, package.manifest.unique_name)
    with reversible(env):
        apply_tables(env, package)
        try:
            warnings = write_rows(env, package, options, at)
        except DuplicateKey as duplicate:
            raise failed(IN_USE, f"Cannot insert duplicate key: {duplicate.key.name}") from duplicate
        failures = need_failures(env, package)
        if failures:
            raise ImportFailed(failures)
        if before is not None and options.upgrade:
            _remove_omitted(env, package, before)
    return Outcome(warnings=tuple(warnings))


@contextmanager
def reversible(env: Environment) -> Iterator[None]:
    """A transaction that, when it fails, puts tables and columns back as well."""
    layers, roles = dict(env.imports.layers), dict(env.roles)
    restore = env.schema.snapshot()

    def undo() -> None:
        restore()
        env.store.rebuild()
        env.imports.layers, env.roles = layers, roles

    with env.store.transaction():
        env.store.on_rollback(undo)
        yield


def _remove_omitted(env: Environment, package: Package, solution: Row) -> None:
    """Remove what the installed version has and this one does not, unless something depends on it."""
    kept = {component.id for component in package.components}
    listed = env.store.children("solutioncomponent", "solutionid", solution["solutionid"])
    omitted = {
        row["objectid"]: row_id
        for row_id in listed
        if (row := env.row("solutioncomponent", row_id))["objectid"] not in kept
    }
    gone = going(env, solution, omitted)
    left = dependents(env, gone)
    if left:
        raise failed(IN_USE, in_use_text(left), left[0].required_kind, left[0].required_name)
    remove(env, gone)
    for row_id in omitted.values():
        env.store.remove("solutioncomponent", row_id)


def uninstall(env: Environment, solution: Row) -> None:
    """Before a solution's row goes: remove what it brought, if it is managed; raises Refused if that is needed."""
    if not solution["ismanaged"]:
        return
    gone = going(env, solution)
    left = dependents(env, gone)
    if left:
        raise Refused(400, "0x8004f01d", _dependencies_text(left))
    with reversible(env):
        remove(env, gone)


def _dependencies_text(left: list[Dependent]) -> str:
    details = "\n".join(
        f"RequiredComponentObject details: Type : {one.required_kind}, ObjectName : {one.required_name}, "
        f"DependentComponentObject details : Type : {one.kind}, ObjectName : {one.name}, DependencyType : Published"
        for one in left
    )
    return f"Solution dependencies exist, cannot uninstall. DependencyCount : {len(left)}\n{details}"
