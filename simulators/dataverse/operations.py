"""Create, update, delete and upsert of rows: privileges, rules, relationships and events, whoever the caller is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.dataverse import rules, states
from simulators.dataverse.environment import Caller, Environment, Event, snapshot
from simulators.dataverse.errors import Refused, duplicate_key, not_found, version_mismatch
from simulators.dataverse.payload_in import References, Supplied, read_body
from simulators.dataverse.schema import Collection, Ref, Table
from simulators.dataverse.store import DuplicateKey, Row

STATE_COLUMNS = ("statecode", "statuscode")


def create(
    env: Environment,
    caller: Caller,
    table: Table,
    body: Any,
    *,
    references: References | None = None,
    given: Row | None = None,
) -> str:
    """Create a row and those inside it; return its id. `given`: key columns from the URL of an upsert."""
    env.demand(caller, "Create", table)
    supplied = read_body(env, table, body, references or {})
    with env.transaction():
        _create_parents(env, caller, table, supplied, references)
        return _insert(env, caller, table, supplied, given or {}, references)


def _insert(
    env: Environment, caller: Caller, table: Table, supplied: Supplied, given: Row, references: References | None
) -> str:
    asked = given | {name: value for name, value in supplied.row.items() if table.columns[name].creatable}
    row_id = asked.get(table.primary_id) or env.new_id()
    if env.store.find(table.logical_name, row_id) is not None:
        raise Refused(412, "0x80040237", "A record with matching key values already exists.")
    _demand_append(env, caller, table, asked)
    row = {column.name: column.default for column in table.columns.values() if column.default is not None}
    row |= asked | {table.primary_id: row_id}
    _stamp_new(env, caller, table, row)
    rules.before_create(env, table, row)
    _check_required(table, row)
    stored = snapshot(row) | {"versionnumber": env.store.next_version()}
    _put(env, table, row_id, stored)
    hidden = rules.rolled_up(table) | {"versionnumber"}
    target = {name: value for name, value in stored.items() if name not in hidden} | {"modifiedonbehalfby": None}
    _tell(env, caller, table, "Create", row_id, asked | {table.primary_id: row_id}, target, None, stored)
    for navigation, bodies in supplied.children:
        _create_children(env, caller, table, row_id, navigation, bodies, references)
    for follower in rules.rows_to_add(env, table, stored):
        _insert(env, replace(caller, depth=caller.depth + 1), table, Supplied(row=follower), {}, None)
    rules.after_write(env, caller, table, None, env.store.find(table.logical_name, row_id))
    return row_id


def _create_parents(
    env: Environment, caller: Caller, table: Table, supplied: Supplied, references: References | None
) -> None:
    for navigation, body in supplied.parents:
        column, target = table.navigations[navigation]
        supplied.row[column.name] = Ref(
            target, create(env, caller, env.schema.by_name[target], body, references=references)
        )


def _create_children(
    env: Environment,
    caller: Caller,
    table: Table,
    row_id: str,
    navigation: str,
    bodies: list[dict[str, Any]],
    references: References | None,
) -> None:
    relation: Collection = table.collections[navigation]
    child = env.schema.by_name[relation.table]
    for body in bodies:
        given = {relation.column.name: Ref(table.logical_name, row_id)}
        create(env, caller, child, body, references=references, given=given)


def update(
    env: Environment,
    caller: Caller,
    table: Table,
    row_id: str,
    body: Any,
    *,
    if_match: str | None = None,
    references: References | None = None,
    ignored: frozenset[str] = frozenset(),
) -> None:
    """Change a row. Ordinary columns, owner and state are separate messages, in this order."""
    env.demand(caller, "Write", table)
    check_version(env.row(table.logical_name, row_id), if_match)
    supplied = read_body(env, table, body, references or {})
    changes = {
        name: value
        for name, value in supplied.row.items()
        if table.columns[name].updatable and name not in ignored and name != table.primary_id
    }
    with env.transaction():
        _create_parents(env, caller, table, Supplied(row=changes, parents=supplied.parents), references)
        state = {name: changes.pop(name) for name in STATE_COLUMNS if name in changes}
        owner = {name: changes.pop(name) for name in ("ownerid",) if name in changes}
        if changes or not (state or owner):
            _change(env, caller, table, row_id, changes)
        if owner:
            _change(env, caller, table, row_id, owner)
        if state:
            _change(env, caller, table, row_id, _state_change(env, table, row_id, state))


def _state_change(env: Environment, table: Table, row_id: str, asked: Row) -> Row:
    row = env.row(table.logical_name, row_id)
    now = states.State(row["statecode"], row["statuscode"])
    wanted = states.next_state(table, now, asked.get("statecode"), asked.get("statuscode"))
    return {"statecode": wanted.state, "statuscode": wanted.status}


def set_state(env: Environment, caller: Caller, table: Table, row_id: str, state: int, status: int) -> None:
    """Change the state as old clients of the SDK do: a message of its own, of which steps of Update do not hear."""
    env.demand(caller, "Write", table)
    with env.transaction():
        changes = _state_change(env, table, row_id, {"statecode": state, "statuscode": status})
        _change(env, caller, table, row_id, changes, message="SetState")


def _change(
    env: Environment, caller: Caller, table: Table, row_id: str, changes: Row, *, message: str = "Update"
) -> None:
    before = env.row(table.logical_name, row_id)
    for name, value in changes.items():
        if value is None and table.columns[name].required:
            raise Refused(400, "0x80040203", f"Attribute: {name} cannot be set to NULL")
    _demand_append(env, caller, table, changes)
    row = before | changes | {"modifiedon": env.now(), "modifiedby": Ref("systemuser", caller.user_id)}
    rules.before_update(env, table, before, row, frozenset(changes))
    stored = snapshot(row) | {"versionnumber": env.store.next_version()}
    _put(env, table, row_id, stored)
    target = changes | {
        table.primary_id: row_id,
        "modifiedon": row["modifiedon"],
        "modifiedby": row["modifiedby"],
        "modifiedonbehalfby": None,
    }
    _tell(env, caller, table, message, row_id, changes | {table.primary_id: row_id}, target, before, stored)
    for follower_id, follows in rules.rows_to_change(env, table, before, stored):
        _change(env, replace(caller, depth=caller.depth + 1), table, follower_id, follows)
    rules.after_write(env, caller, table, before, stored)


def set_columns(env: Environment, caller: Caller, table: Table, row_id: str, changes: Row) -> None:
    """Change columns that only the platform may change; an Update all the same."""
    _change(env, caller, table, row_id, changes)


def delete(env: Environment, caller: Caller, table: Table, row_id: str, *, if_match: str | None = None) -> None:
    """Delete a row; its relationships decide whether rows that name it go too, lose the link, or forbid it."""
    env.demand(caller, "Delete", table)
    row = env.row(table.logical_name, row_id)
    check_version(row, if_match)
    with env.transaction():
        rules.before_delete(env, table, row)
        for relation in env.schema.referencing(table.logical_name):
            _let_go(env, caller, table, row_id, relation)
        env.store.remove(table.logical_name, row_id)
        _tell(env, caller, table, "Delete", row_id, {}, {}, row, None)
        rules.after_delete(env, caller, table, row)


def _let_go(env: Environment, caller: Caller, table: Table, row_id: str, relation: Collection) -> None:
    child = env.schema.by_name[relation.table]
    for child_id in env.store.children(relation.table, relation.column.name, row_id):
        if env.store.find(relation.table, child_id) is None:
            continue  # it went with another row that went with this one
        if relation.column.on_delete == "restrict":
            raise Refused(
                405,
                "0x80040227",
                f"The record cannot be deleted because it is associated with another record ({child.logical_name}).",
            )
        if relation.column.on_delete == "cascade":
            _delete_child(env, caller, child, child_id)
            continue
        # Losing a link is housekeeping of the platform: a new row version, no message, nobody's modification.
        row = {k: v for k, v in env.row(relation.table, child_id).items() if k != relation.column.name}
        _put(env, child, child_id, row | {"versionnumber": env.store.next_version()})
    assert table.logical_name in relation.column.targets


def _delete_child(env: Environment, caller: Caller, child: Table, child_id: str) -> None:
    row = env.row(child.logical_name, child_id)
    for relation in env.schema.referencing(child.logical_name):
        _let_go(env, caller, child, child_id, relation)
    env.store.remove(child.logical_name, child_id)
    if env.switches.cascade_events:
        _tell(env, replace(caller, depth=caller.depth + 1), child, "Delete", child_id, {}, {}, row, None)


def upsert(
    env: Environment,
    caller: Caller,
    table: Table,
    row_id: str | None,
    given: Row,
    body: Any,
    *,
    if_match: str | None = None,
    if_none_match: str | None = None,
    missing: Refused | None = None,
    references: References | None = None,
) -> tuple[str, bool]:
    """PATCH: update the row, or create it under that id or key; return its id and whether it was created."""
    if row_id is not None:
        if if_none_match == "*":
            raise Refused(
                412, "0x80060892" if given else "0x80040237", "A record with matching key values already exists."
            )
        update(env, caller, table, row_id, body, if_match=if_match, references=references, ignored=frozenset(given))
        return row_id, False
    if if_match is not None:
        raise missing or not_found(table.logical_name, "")
    return create(env, caller, table, body, references=references, given=given), True


def check_version(row: Row, if_match: str | None) -> None:
    if if_match is not None and if_match != "*" and if_match != etag(row):
        raise version_mismatch()


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


def _put(env: Environment, table: Table, row_id: str, row: Row) -> None:
    try:
        env.store.put(table.logical_name, row_id, row)
    except DuplicateKey as duplicate:
        raise duplicate_key(", ".join(duplicate.key.columns)) from duplicate


def _stamp_new(env: Environment, caller: Caller, table: Table, row: Row) -> None:
    now, user = env.now(), Ref("systemuser", caller.user_id)
    row["createdon"] = row.get("overriddencreatedon") or now
    row |= {"modifiedon": now, "createdby": user, "modifiedby": user, "timezoneruleversionnumber": 0}
    state = states.initial_state(table, row.get("statecode"), row.get("statuscode"))
    row |= {"statecode": state.state, "statuscode": state.status}
    if table.ownership == "user":
        row.setdefault("ownerid", user)
        row["owningbusinessunit"] = Ref("businessunit", env.business_unit_id)


def _check_required(table: Table, row: Row) -> None:
    for column in table.columns.values():
        if column.required and row.get(column.name) is None:
            raise Refused(400, "0x80040203", f"Attribute: {column.name} cannot be set to NULL")


def _demand_append(env: Environment, caller: Caller, table: Table, changes: Row) -> None:
    """Binding a lookup takes Append on the row and AppendTo on what it names."""
    for value in changes.values():
        if isinstance(value, Ref):
            env.demand(caller, "Append", table)
            env.demand(caller, "AppendTo", env.schema.by_name[value.table])


def _tell(
    env: Environment,
    caller: Caller,
    table: Table,
    message: str,
    row_id: str,
    supplied: Row,
    target: Row,
    before: Row | None,
    after: Row | None,
) -> None:
    env.raise_event(Event(message, table.logical_name, row_id, supplied, target, before, after, caller, env.now()))
