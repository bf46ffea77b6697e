"""Whether everything is there that forms, views, steps and apps name, once tables and rows are in place."""

from __future__ import annotations

from simulators.dataverse.environment import Environment
from simulators.dataverse.import_state import Failure
from simulators.dataverse.solutions.failing import DEPENDENT_MISSING, NO_ATTRIBUTE
from simulators.dataverse.solutions.parts import ROW_COMPONENTS, VIEW, Need, Package

_NAMES = {"table": "Entity", "column": "Attribute", "relationship": "EntityRelationship"}
_NAMES |= {"view": "SavedQuery", "role": "Role"}
# Columns that the platform has on every table and the simulator keeps on none.
_PLATFORM = frozenset(
    {
        "createdonbehalfby",
        "importsequencenumber",
        "organizationid",
        "owningteam",
        "owninguser",
        "utcconversiontimezonecode",
    }
)
_NO_VIEW = "00000000-0000-0000-0000-000000000000"


def need_failures(env: Environment, package: Package) -> list[Failure]:
    """Say of each need that is not met what the platform says."""
    seen: dict[tuple[str, str, str], bool] = {}
    failures = []
    for need in package.content.needs:
        key = (need.kind, need.table, need.name)
        if key not in seen:
            seen[key] = _is_met(env, need)
        if not seen[key]:
            failures.append(_failure(need))
    return failures


def _is_met(env: Environment, need: Need) -> bool:
    table = env.schema.by_name.get(need.table)
    match need.kind:
        case "table":
            return table is not None
        case "column":
            return table is not None and (need.name in table.columns or need.name in _PLATFORM)
        case "relationship":
            return table is not None and any(
                need.name in (name, relation.column.relationship) for name, relation in table.collections.items()
            )
        case "view":
            return need.name == _NO_VIEW or env.store.find("savedquery", need.name) is not None
        case "role":
            return env.store.find("role", need.name) is not None


def _failure(need: Need) -> Failure:
    if need.by_type == VIEW and need.kind == "column":
        message = (
            f"'{need.table}' entity doesn't contain attribute with Name = '{need.name}' and NameMapping = 'Logical'."
        )
        return Failure(NO_ATTRIBUTE, message, ROW_COMPONENTS[VIEW], need.by_id)
    by = ROW_COMPONENTS[need.by_type]
    message = (
        f"The dependent component {_NAMES[need.kind]} (Id={need.name}) does not exist.  Failure trying to associate "
        f"it with {by} (Id={need.by_id}) as a dependency. Missing dependency lookup type = {need.kind}."
    )
    return Failure(DEPENDENT_MISSING, message, by, need.by_id)
