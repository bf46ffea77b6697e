"""Many-to-many relationships: which rows are joined to a row, joining and parting them."""

from __future__ import annotations

from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import unknown_resource
from simulators.dataverse.privileges import pair_id
from simulators.dataverse.schema import Association, Table
from simulators.dataverse.store import Row


def associated_rows(env: Environment, caller: Caller, table: Table, row: Row, name: str) -> list[Row]:
    """Return the rows at the other end, in the order in which they were joined."""
    association = table.associations[name]
    env.demand(caller, "Read", env.schema.by_name[association.target])
    own = row[table.primary_id]
    joined = env.store.all(association.through).values()
    ids = [one[association.far] for one in joined if one[association.near] == own]
    found = (env.store.find(association.target, one) for one in ids)
    return [one for one in found if one is not None]


def associate(env: Environment, caller: Caller, association: Association, row_id: str, other_id: str) -> None:
    """Join two rows; joined ones stay so."""
    through, joined_id = _joining(env, caller, association, row_id, other_id)
    row = {through.primary_id: joined_id, association.near: row_id, association.far: other_id}
    with env.store.transaction():
        env.store.put(association.through, joined_id, row | {"versionnumber": env.store.next_version()})


def disassociate(env: Environment, caller: Caller, association: Association, row_id: str, other_id: str) -> None:
    _, joined_id = _joining(env, caller, association, row_id, other_id)
    if env.store.find(association.through, joined_id) is not None:
        with env.store.transaction():
            env.store.remove(association.through, joined_id)


def _joining(
    env: Environment, caller: Caller, association: Association, row_id: str, other_id: str
) -> tuple[Table, str]:
    """Return the table between, and the id of the row that joins the two: the same from either end."""
    through = env.schema.by_name[association.through]
    if association.through == "systemuserroles":
        env.demand_privilege(caller, "prvAssignRole")
    elif association.through == "roleprivileges":
        raise unknown_resource("roleprivileges_association/$ref")  # AddPrivilegesRole says how far one reaches
    else:
        env.demand(caller, "Write", through)
    first, second = sorted(((association.near, row_id), (association.far, other_id)), key=lambda end: _ORDER[end[0]])
    return through, pair_id(first[1], second[1])


_ORDER = {"systemuserid": 0, "appmoduleid": 0, "roleid": 1}
