"""Security roles over the Web API: which privileges a role has, and giving and taking them."""

from __future__ import annotations

from typing import Any

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request, not_found, unknown_resource
from simulators.dataverse.http import Answer, Request, json_answer
from simulators.dataverse.keys import function_argument
from simulators.dataverse.privileges import DEPTHS, grant, revoke, role_ids

_NAMES = {mask: depth for depth, mask in DEPTHS.items()}
Given = list[tuple[str, int]]


def act_on_role(env: Environment, request: Request, role_id: str, action: str) -> Answer:
    """Answer `roles(<id>)/Microsoft.Dynamics.CRM.<action>`."""
    if action not in ("AddPrivilegesRole", "ReplacePrivilegesRole") or request.method != "POST":
        raise unknown_resource(action)
    env.demand(request.caller, "Write", env.schema.by_name["role"])
    given = _read_privileges(env, request.json())
    with env.store.transaction():
        if action == "ReplacePrivilegesRole":
            for one in _grants(env, role_id):
                revoke(env, role_id, one["privilegeid"])
        for privilege, depth in given:
            grant(env, role_id, privilege, depth)
    return Answer(204)


def _read_privileges(env: Environment, body: Any) -> Given:
    listed = body.get("Privileges") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise bad_request("The parameter Privileges is missing.", "0x80048d19")
    given: Given = []
    for one in listed:
        privilege, depth = str(one.get("PrivilegeId", "")).lower(), DEPTHS.get(str(one.get("Depth")))
        if env.store.find("privilege", privilege) is None:
            raise not_found("privilege", privilege)
        if depth is None:
            raise bad_request(f"'{one.get('Depth')}' is no PrivilegeDepth.", "0x80048d19")
        given.append((privilege, depth))
    return given


def role_privileges(env: Environment, request: Request) -> Answer:
    """`RetrieveRolePrivilegesRole(RoleId=<guid>)`."""
    env.demand(request.caller, "Read", env.schema.by_name["role"])
    role_id = function_argument(request.path, request.query, "RoleId").lower()
    env.row("role", role_id)
    return _answer(env, request, "RetrieveRolePrivilegesRoleResponse", _grants(env, role_id))


def user_privileges(env: Environment, request: Request, user_id: str) -> Answer:
    """`systemusers(<id>)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`."""
    env.demand(request.caller, "Read", env.schema.by_name["systemuser"])
    found = {one["privilegeid"]: one for role_id in role_ids(env.store, user_id) for one in _grants(env, role_id)}
    return _answer(env, request, "RetrieveUserPrivilegesResponse", list(found.values()))


def _grants(env: Environment, role_id: str) -> list[dict[str, Any]]:
    return [row for row in env.store.all("roleprivileges").values() if row["roleid"] == role_id]


def _answer(env: Environment, request: Request, kind: str, grants: list[dict[str, Any]]) -> Answer:
    shown = [
        {
            "Depth": _NAMES[one["privilegedepthmask"]],
            "PrivilegeId": one["privilegeid"],
            "BusinessUnitId": env.business_unit_id,
            "PrivilegeName": env.row("privilege", one["privilegeid"])["name"],
        }
        for one in grants
    ]
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.{kind}"
    return json_answer({"@odata.context": context, "RolePrivileges": shown})
