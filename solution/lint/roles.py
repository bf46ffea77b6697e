"""Rules of security roles: their privileges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Package
from solution.lint.tokens import PRIVILEGE_LEVELS, PRIVILEGE_VERBS
from solution.lint.trees import Element, listed, repeated

_PRIVILEGE = re.compile(rf"prv({'|'.join(PRIVILEGE_VERBS)})(.+)", re.IGNORECASE)
# What else privileges on tables of Dynamics' own can begin with: prvApproveKnowledgeArticle, prvMergeAccount.
_RARE = re.compile(
    r"prv(Act|Activate|Add|Allow|Approve|Bulk|Cancel|Close|Configure|Control|Convert|Disable|Edit|Enable|Execute"
    r"|Export|Go|Import|Manage|Merge|Override|Print|Promote|Publish|Qualify|Reparent|Rollup|Search|Send|Sync|Use|View)",
    re.IGNORECASE,
)
# Tables that are guarded by the privileges of another (Microsoft: privileges by entity).
_WITHOUT = {
    "invoicedetail": "invoice",
    "productpricelevel": "product",
    "pricelevel": "product",
    "uom": "product",
    "discount": "product",
}
_NAME_LENGTH_MAX = 256
_OF_OWNERS = ("assign", "share")


def _privileges(package: Package) -> Iterator[Element]:
    yield from package.customizations.iterfind("Roles/Role/RolePrivileges/RolePrivilege")


def _names(package: Package) -> Complaints:
    for one in _privileges(package):
        name = one.get("name", "")
        found = _PRIVILEGE.fullmatch(name)
        if not name.startswith("prv"):
            yield one, f"{name!r} is no privilege: those start with 'prv'."
        elif found is None and (_is_of_table(package, name) or f"{package.prefix}_" in name.lower()):
            verbs = listed(PRIVILEGE_VERBS)
            yield one, f"{name} is no privilege of a table: 'prv', one of {verbs}, and the table's name."


def _is_of_table(package: Package, name: str) -> bool:
    tables = (table for table in package.tables if table)
    return not _RARE.match(name) and any(name.lower().endswith(table) for table in tables)


def _tables(package: Package) -> Complaints:
    for one in _privileges(package):
        found = _PRIVILEGE.fullmatch(one.get("name", ""))
        if found is None:
            continue
        verb, name = found[1].lower(), found[2].lower()
        table = package.tables.get(name)
        if name in _WITHOUT:
            yield one, f"{found[2]} has no privileges of its own: those of {_WITHOUT[name]} count."
        elif package.lacks_table(name):
            yield one, f"{found[2]} is no table of the package."
        elif table is not None and table.is_whole and table.ownership == "OrgOwned" and verb in _OF_OWNERS:
            yield one, f"Rows of {found[2]} belong to the organisation: nobody can assign or share them."


def _levels(package: Package) -> Complaints:
    for one in _privileges(package):
        if one.get("level") not in PRIVILEGE_LEVELS:
            yield one, f"{one.get('level')!r} is none of {listed(PRIVILEGE_LEVELS)}."


def _repeated(package: Package) -> Complaints:
    for role in package.customizations.iterfind("Roles/Role"):
        if len(role.get("name", "")) not in range(1, _NAME_LENGTH_MAX + 1):
            yield role, f"The role has a name of 1 to {_NAME_LENGTH_MAX} characters."
        privileges = ((one, one.get("name", "")) for one in role.iterfind("RolePrivileges/RolePrivilege"))
        for one, name in repeated(privileges):
            yield one, f"The role has {name} twice."


RULES = (
    Rule("privilege-name", "Privileges are called `prv`, a verb and a table.", _names),
    Rule("privilege-table", "Privileges are on tables that are there and can be used so.", _tables),
    Rule("privilege-level", "Levels are Basic, Local, Deep or Global.", _levels),
    Rule("role", "Roles have a name, and no privilege twice.", _repeated),
)
