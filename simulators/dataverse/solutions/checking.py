"""Whether a package can be imported into an environment as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from simulators.dataverse.environment import Environment
from simulators.dataverse.import_state import Failure, Options
from simulators.dataverse.solutions.failing import (
    BAD_ARGUMENT,
    BAD_NAME,
    DEPENDENCIES_MISSING,
    FAILED,
    IS_MANAGED,
    IS_UNMANAGED,
    NO_OPTION_SET,
    NOT_A_ROOT,
    NOT_HIGHER,
    ROOT_MISSING,
    WRONG_PUBLISHER,
)
from simulators.dataverse.solutions.interface import id_by_name
from simulators.dataverse.solutions.parts import (
    APP,
    COLUMN,
    ENDPOINT,
    OPTION_SET,
    ROLE,
    ROW_COMPONENTS,
    SITE_MAP,
    STEP,
    TABLE,
    Dependency,
    Manifest,
    Package,
    Root,
    TablePart,
    version_numbers,
)
from simulators.dataverse.store import Row

_DECLARED = (ROLE, SITE_MAP, APP, STEP, ENDPOINT)  # besides tables: what must be a root component
_BY_NAME = (SITE_MAP, APP)


def find_solution(env: Environment, unique_name: str) -> Row | None:
    wanted = unique_name.lower()
    return next((row for row in env.store.all("solution").values() if row["uniquename"].lower() == wanted), None)


def stage_failures(env: Environment, package: Package) -> list[Failure]:
    """What StageSolution says is wrong: modes and versions, publisher, names, what is missing."""
    found = [*_against_installed(env, package.manifest), *_names(package)]
    missing = missing_dependencies(env, package)
    if missing:
        found.append(Failure(DEPENDENCIES_MISSING, missing_text(package.manifest, missing)))
    return found


def import_failures(env: Environment, package: Package, options: Options) -> list[Failure]:
    """Everything that can be told before a thing is changed."""
    found = stage_failures(env, package)
    if options.upgrade:
        found += _upgrade(env, package.manifest)
    return [*found, *package.content.faults, *_roots(env, package), *_tables(env, package)]


def _against_installed(env: Environment, manifest: Manifest) -> Iterator[Failure]:
    installed = find_solution(env, manifest.unique_name)
    if installed is None:
        return
    was, comes = ("managed", "unmanaged") if installed["ismanaged"] else ("unmanaged", "managed")
    if bool(installed["ismanaged"]) is not manifest.is_managed:
        message = (
            f"The solution is already installed on this system as {'a' if was == 'managed' else 'an'} {was} solution "
            f"and the package supplied is attempting to install it in {comes} mode. Import can only update solutions "
            "when the modes match. Uninstall the current solution and try again."
        )
        yield Failure(IS_MANAGED if was == "managed" else IS_UNMANAGED, message)
    publisher = env.row("publisher", installed["publisherid"].id)["uniquename"]
    if publisher.lower() != manifest.publisher.unique_name.lower():
        message = (
            f"The following managed solution cannot be imported: {manifest.unique_name}. The publisher name cannot "
            f"be changed from {publisher} to {manifest.publisher.unique_name}."
        )
        yield Failure(WRONG_PUBLISHER, message)
    if version_numbers(manifest.version) < version_numbers(installed["version"]):
        yield _not_higher()


def _upgrade(env: Environment, manifest: Manifest) -> Iterator[Failure]:
    installed = find_solution(env, manifest.unique_name)
    if installed is None:
        return
    if not (installed["ismanaged"] and manifest.is_managed):
        yield Failure(FAILED, "The imported solution and the existing solution must both be managed for upgrade.")
    if version_numbers(manifest.version) == version_numbers(installed["version"]):
        yield _not_higher()


def _not_higher() -> Failure:
    message = "The import solution must have a higher version than the existing solution it is upgrading."
    return Failure(NOT_HIGHER, message)


def _names(package: Package) -> Iterator[Failure]:
    """Whatever is custom begins with the publisher's prefix."""
    prefix = f"{package.manifest.publisher.prefix}_"
    rule = (
        "Custom attribute names must start with a valid customization prefix. The prefix for a solution component "
        "should match the prefix that is specified for the publisher of the solution."
    )
    for table in package.content.tables:
        if table.is_new and not table.name.startswith(prefix):
            yield Failure(BAD_NAME, f"Invalid name for entity {table.schema_name}.  {rule}", "entity", table.name)
        for column in table.columns:
            if column.is_custom and not column.name.startswith(prefix):
                message = f"Invalid name for attribute {column.schema_name}.  {rule}"
                yield Failure(BAD_NAME, message, "attribute", f"{table.name}.{column.name}")


def missing_dependencies(env: Environment, package: Package) -> list[Dependency]:
    """Return what the package needs and the environment does not have."""
    listed = [one for one in package.manifest.dependencies if not _is_met(env, one)]
    return [*listed, *_missing_tables(env, package)]


def missing_text(manifest: Manifest, missing: list[Dependency]) -> str:
    listed = "".join(one.xml for one in missing)
    return (
        f"The following solution cannot be imported: {manifest.unique_name}. Some dependencies are missing. "
        f"The missing dependencies are : <MissingDependencies>{listed}</MissingDependencies> , "
        "ProductUpdatesOnly : False"
    )


def _is_met(env: Environment, dependency: Dependency) -> bool:
    if dependency.required_type == TABLE and dependency.required_name.lower() in env.schema.by_name:
        return True
    name, _, version = dependency.solution.partition(" (")
    installed = find_solution(env, name) if version else None
    return installed is not None and version_numbers(installed["version"]) >= version_numbers(version.rstrip(") "))


def _missing_tables(env: Environment, package: Package) -> Iterator[Dependency]:
    """Tables to which the package adds, at which its lookups point or whose messages its steps want to hear."""
    here = env.schema.by_name.keys() | {table.name for table in package.content.tables if table.is_new}
    for table in package.content.tables:
        if table.name not in here:
            for column in table.columns:
                yield _missing(table.name, COLUMN, column.name, table.name)
            if not table.columns:
                yield _missing(table.name, TABLE, table.name, "")
    for link in package.content.links:
        if link.target not in here:
            yield _missing(link.target, COLUMN, link.column, link.table)
    for step in package.content.steps:
        if step.table not in ("", "none") and step.table not in here:
            yield _missing(step.table, STEP, step.row.name, "")


def _missing(required: str, dependent_type: int, dependent: str, parent: str) -> Dependency:
    of = f" parentSchemaName={quoteattr(parent)}" if parent else ""
    xml = (
        f'<MissingDependency><Required type="{TABLE}" schemaName={quoteattr(required)} '
        f'displayName={quoteattr(required)} solution="Active" />'
        f'<Dependent type="{dependent_type}" schemaName={quoteattr(dependent)}{of} /></MissingDependency>'
    )
    return Dependency(TABLE, required, "Active", dependent_type, dependent, xml)


def _roots(env: Environment, package: Package) -> Iterator[Failure]:
    """What the file holds is declared in the manifest, and what is declared is in the file or here already."""
    content = package.content
    declared = {(root.type, root.name or root.id) for root in package.manifest.roots}
    held = {(TABLE, table.name): table.schema_name for table in content.tables}
    held |= {(OPTION_SET, name): name for name in content.option_sets}
    for row in (*content.rows, *(step.row for step in content.steps)):
        held[row.type, row.name.lower() if row.type in _BY_NAME else row.id] = row.name
        if row.type == APP:
            held[APP, str(row.values["uniquename"]).lower()] = row.name
    for (kind, name), shown in held.items():
        if kind in (TABLE, OPTION_SET, *_DECLARED) and (kind, name) not in declared:
            message = (
                f"The import has failed because component {shown} of type {kind} is not declared in the solution "
                "file as a root component. To fix this, import again using the XML file that was generated when you "
                "exported the solution."
            )
            yield Failure(NOT_A_ROOT, message, "rootComponent", name)
    for root in package.manifest.roots:
        if (root.type, root.name or root.id) not in held and not _is_here(env, root):
            name = root.name or root.id
            message = (
                f"Cannot add a Root Component {name} of type {root.type} because it is not in the target system."
            )
            yield Failure(ROOT_MISSING, message, "rootComponent", name)


def _is_here(env: Environment, root: Root) -> bool:
    if root.type == TABLE:
        return root.name in env.schema.by_name
    if root.type == OPTION_SET:
        return root.name in env.schema.option_sets
    if root.type not in ROW_COMPONENTS:
        return False
    row_id = id_by_name(root.type, root.name) if root.type in _BY_NAME else root.id
    return env.store.find(ROW_COMPONENTS[root.type], row_id) is not None


def _tables(env: Environment, package: Package) -> Iterator[Failure]:
    for part in package.content.tables:
        yield from _columns(env, part)
        known = env.schema.by_name[part.name].columns.keys() if part.name in env.schema.by_name else set()
        own = {column.name for column in part.columns}
        for key in part.keys:
            for name in key.columns:
                if name not in own and name not in known:
                    message = (
                        f"The entity key {key.name} names the attribute {name}, which {part.name} does not have."
                    )
                    yield Failure(BAD_ARGUMENT, message, "entity", part.name)


def _columns(env: Environment, part: TablePart) -> Iterator[Failure]:
    table = env.schema.by_name.get(part.name)
    for column in part.columns:
        current = None if table is None else table.columns.get(column.name)
        if current is not None and current.kind != column.kind:
            message = f"Attribute {column.name} is a {current.kind}, but a {column.kind} type was specified."
            yield Failure(BAD_ARGUMENT, message, "attribute", f"{part.name}.{column.name}")
        if column.option_set and not column.options and column.option_set not in env.schema.option_sets:
            message = (
                f"Attribute '{column.name}' was not imported as it references a non-existing global Option Set "
                f"('{column.option_set}')."
            )
            yield Failure(NO_OPTION_SET, message, "attribute", f"{part.name}.{column.name}")
