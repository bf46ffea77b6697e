"""Privileges and roles: what they are called, which rows they are, and what a user's roles allow.

Whose privileges a table is used with: the lists "<table> entity privileges" of Microsoft's developer's guide. Price
lists, unit groups and discount lists have none of their own but the product's; lines have their parent's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from simulators.dataverse.schema import Table
from simulators.dataverse.store import Row, Store

if TYPE_CHECKING:
    from simulators.dataverse.environment import Environment

ADMINISTRATOR = "System Administrator"
ADMINISTRATOR_TEMPLATE_ID = "627090ff-40a3-4053-8790-584edc5be201"
DEPTHS = {"Basic": 1, "Local": 2, "Deep": 4, "Global": 8}
GLOBAL = DEPTHS["Global"]
_IDS = uuid.UUID("8a0a6f0b-6a55-4d0a-8a62-0c1b7f9e2d41")
# Table to the name that its privileges end in, where that is not the table's own.
_STEMS = {
    "systemuser": "User",
    "savedquery": "Query",
    "pricelevel": "Product",
    "uomschedule": "Product",
    "discounttype": "Product",
    "productassociation": "Product",
    "sdkmessagefilter": "SdkMessage",
    "roleprivileges": "Role",
    "systemuserroles": "Role",
    "appmoduleroles": "AppModule",
    "solutioncomponent": "Solution",
}
# Rows that belong to a parent: to change them is to write to it.
_PARENTS = {"invoicedetail": "Invoice", "productpricelevel": "Product", "uom": "Product", "discount": "Product"}
_VERBS = {"Create": 32, "Read": 1, "Write": 2, "Delete": 65536, "Append": 4, "AppendTo": 16}
_OF_OWNED = {"Assign": 524288, "Share": 262144}
_METADATA = ("Entity", "Attribute", "Relationship", "OptionSet", "EntityKey")
_MISCELLANEOUS = (
    "prvImportCustomization",
    "prvExportCustomization",
    "prvPublishCustomization",
    "prvAssignRole",
    "prvActOnBehalfOfAnotherUser",
    "prvBypassCustomBusinessLogic",
)


def privilege_name(action: str, table: Table) -> str:
    """Return the privilege that `action` (Create, Read, Write, Delete, Append, AppendTo) takes on a table."""
    parent = _PARENTS.get(table.logical_name)
    if parent is not None:
        return f"prv{'Write' if action in ('Create', 'Delete') else action}{parent}"
    return f"prv{action}{_STEMS.get(table.logical_name, table.schema_name)}"


def privileges_of(table: Table) -> tuple[tuple[str, int], ...]:
    """Return names and access rights of the privileges that a table brings; none when it uses another's."""
    if table.logical_name in _PARENTS or _STEMS.get(table.logical_name) not in (None, "User", "Query"):
        return ()
    verbs = _VERBS | (_OF_OWNED if table.ownership == "user" else {})
    return tuple((privilege_name(verb, table), right) for verb, right in verbs.items())


@cache
def privilege_id(name: str) -> str:
    return str(uuid.uuid5(_IDS, name.lower()))


@lru_cache(maxsize=4096)
def pair_id(first: str, second: str) -> str:
    """Return the id of the row that joins two: user and role, role and privilege, app and role, in this order."""
    return str(uuid.uuid5(_IDS, f"{first}/{second}"))


ADMINISTRATOR_ID = str(uuid.uuid5(_IDS, ADMINISTRATOR))


def privilege_rows(tables: Iterable[Table]) -> Iterator[tuple[str, Row]]:
    """Yield id and columns of the rows for the privileges of these tables."""
    for table in tables:
        yield from _rows(privileges_of(table))


@lru_cache(maxsize=1)
def platform_privilege_rows() -> tuple[tuple[str, Row], ...]:
    """The privileges that belong to no table."""
    metadata = ((f"prv{verb}{stem}", right) for stem in _METADATA for verb, right in list(_VERBS.items())[:4])
    return _rows((*metadata, *((name, 0) for name in _MISCELLANEOUS)))


@cache  # a stored row is never changed, so thousands of environments may share it
def _rows(named: tuple[tuple[str, int], ...]) -> tuple[tuple[str, Row], ...]:
    return tuple((privilege_id(name), _row(name, right)) for name, right in named)


def _row(name: str, right: int) -> Row:
    depths: dict[str, Any] = {f"canbe{depth.lower()}": True for depth in DEPTHS}
    return {"privilegeid": privilege_id(name), "name": name, "accessright": right, **depths, "versionnumber": 1}


def role_ids(store: Store, user_id: str) -> list[str]:
    """Return the roles that a user has as rows."""
    return [row["roleid"] for row in store.all("systemuserroles").values() if row["systemuserid"] == user_id]


def is_granted(store: Store, user_id: str, privilege: str) -> bool:
    """Whether a role of the user's names the privilege, for the whole organisation.

    There are no teams and shares here, so what a role allows for its user's own rows only counts as nothing.
    """
    wanted = privilege_id(privilege)
    for role_id in role_ids(store, user_id):
        if role_id == ADMINISTRATOR_ID:
            return True
        grant = store.find("roleprivileges", pair_id(role_id, wanted))
        if grant is not None and grant["privilegedepthmask"] == GLOBAL:
            return True
    return False


def grant(env: Environment, role_id: str, privilege: str, depth: int) -> None:
    """Give a role a privilege (by id), or change how far it reaches."""
    row_id = pair_id(role_id, privilege)
    row = {
        "roleprivilegeid": row_id,
        "roleid": role_id,
        "privilegeid": privilege,
        "privilegedepthmask": depth,
        "versionnumber": env.store.next_version(),
    }
    env.store.put("roleprivileges", row_id, row)


def revoke(env: Environment, role_id: str, privilege: str) -> None:
    row_id = pair_id(role_id, privilege)
    if env.store.find("roleprivileges", row_id) is not None:
        env.store.remove("roleprivileges", row_id)


def assign(env: Environment, user_id: str, role_id: str) -> None:
    """Give a user a role that is a row; a role that the user has stays."""
    row_id = pair_id(user_id, role_id)
    row = {"systemuserroleid": row_id, "systemuserid": user_id, "roleid": role_id}
    env.store.put("systemuserroles", row_id, row | {"versionnumber": env.store.next_version()})


def set_roles(env: Environment, user_id: str, names: tuple[str, ...]) -> None:
    """Give a user these roles and no others. A name that is no row's is kept as a word, which allows everything."""
    rows = {row["name"]: role_id for role_id, row in env.store.all("role").items()}
    with env.store.transaction():
        for row_id, row in list(env.store.all("systemuserroles").items()):
            if row["systemuserid"] == user_id:
                env.store.remove("systemuserroles", row_id)
        for name in names:
            if name in rows:
                assign(env, user_id, rows[name])
    env.roles[user_id] = tuple(name for name in names if name not in rows)


def turn_words_into_roles(env: Environment, role_id: str, name: str) -> None:
    """A role by that name has come: from now on users who had it as a word have what it allows."""
    for user_id, words in env.roles.items():
        if name in words:
            env.roles[user_id] = tuple(word for word in words if word != name)
            assign(env, user_id, role_id)


def forget_role(env: Environment, role_id: str) -> None:
    """Take away the role's privileges, and the role from who has it."""
    for table in ("roleprivileges", "systemuserroles", "appmoduleroles"):
        for row_id, row in list(env.store.all(table).items()):
            if row["roleid"] == role_id:
                env.store.remove(table, row_id)
