"""Functions and actions: WhoAmI, CreateMultiple and its kind, price locks, bulk deletion, publishing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.dataverse import operations, solution_actions
from simulators.dataverse.customise import add_status
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request, key_not_found, not_found, unknown_resource
from simulators.dataverse.http import Answer, Request, json_answer
from simulators.dataverse.keys import find_row, find_row_id, parse_key, parse_reference
from simulators.dataverse.role_actions import act_on_role, role_privileges, user_privileges
from simulators.dataverse.schema import Ref, Table
from simulators.dataverse.store import Row

NAMESPACE = "Microsoft.Dynamics.CRM."
_CUSTOM_RANGE = 100_000_000
Action = Callable[[Environment, Request], Answer]


def unbound(env: Environment, request: Request, name: str) -> Answer | None:
    """Answer a function or action that belongs to no table; None when there is none of that name."""
    action = _UNBOUND.get(name)
    return None if action is None else action(env, request)


def bound_to_set(env: Environment, request: Request, table: Table, name: str) -> Answer:
    """Answer `set/Microsoft.Dynamics.CRM.<name>`."""
    action = _BOUND.get(name)
    if action is None or request.method != "POST":
        raise unknown_resource(name)
    body = request.json()
    targets = body.get("Targets") if isinstance(body, dict) else None
    if not isinstance(targets, list):
        raise bad_request("The parameter Targets is missing.", "0x80048d19")
    with env.transaction():
        return action(env, request, table, targets)


def bound_to_row(env: Environment, request: Request, table: Table, key: str, name: str) -> Answer:
    """Answer `set(<key>)/Microsoft.Dynamics.CRM.<name>`, an action or, with parentheses, a function."""
    row_id = find_row(env, table, parse_key(table, key))
    if table.logical_name == "role":
        return act_on_role(env, request, row_id, name)
    if table.logical_name == "systemuser" and name.removesuffix("()") == "RetrieveUserPrivileges":
        return user_privileges(env, request, row_id)
    raise unknown_resource(name)


def _create_multiple(env: Environment, request: Request, table: Table, targets: list[Any]) -> Answer:
    ids = [operations.create(env, request.caller, table, target, references=request.references) for target in targets]
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    return json_answer({"@odata.context": context, "Ids": ids})


def _update_multiple(env: Environment, request: Request, table: Table, targets: list[Any]) -> Answer:
    for target in targets:
        row_id = str(target.get(table.primary_id, "")).lower()
        if env.store.find(table.logical_name, row_id) is None:
            raise not_found(table.logical_name, row_id)
        operations.update(env, request.caller, table, row_id, target, references=request.references)
    return Answer(204)


def _upsert_multiple(env: Environment, request: Request, table: Table, targets: list[Any]) -> Answer:
    for target in targets:
        row_id, given = _identify(env, table, target)
        operations.upsert(env, request.caller, table, row_id, given, target, references=request.references)
    return Answer(204)


def _identify(env: Environment, table: Table, target: dict[str, Any]) -> tuple[str | None, Row]:
    """By `@odata.id`, by primary key, or by the columns of an alternate key in the body."""
    if "@odata.id" in target:
        _, key = parse_reference(env.schema, target["@odata.id"])
        given = {table.primary_id: key.row_id} if key.row_id else key.as_row()
        return find_row_id(env, table, key), given
    if table.primary_id in target:
        row_id = str(target[table.primary_id]).lower()
        return (row_id if env.store.find(table.logical_name, row_id) else None), {table.primary_id: row_id}
    for alternate in table.keys.values():
        if all(target.get(column) is not None for column in alternate.columns):
            return env.store.find_by_key(table.logical_name, alternate, target), {}
    raise key_not_found(table.logical_name)


_BOUND: dict[str, Callable[[Environment, Request, Table, list[Any]], Answer]] = {
    "CreateMultiple": _create_multiple,
    "UpdateMultiple": _update_multiple,
    "UpsertMultiple": _upsert_multiple,
}


def _who_am_i(env: Environment, request: Request) -> Answer:
    return json_answer(
        {
            "@odata.context": f"{request.root}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": env.business_unit_id,
            "UserId": request.caller.user_id,
            "OrganizationId": env.organization_id,
        }
    )


def _version(_env: Environment, request: Request) -> Answer:
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse"
    return json_answer({"@odata.context": context, "Version": "9.2.25063.00000"})


def _lock_pricing(env: Environment, request: Request) -> Answer:
    return _set_price_lock(env, request, locked=True)


def _unlock_pricing(env: Environment, request: Request) -> Answer:
    return _set_price_lock(env, request, locked=False)


def _set_price_lock(env: Environment, request: Request, *, locked: bool) -> Answer:
    table = env.schema.by_name.get("invoice")
    if table is None:
        raise unknown_resource("LockInvoicePricing")
    env.demand(request.caller, "Write", table)
    invoice_id = str(request.json().get("InvoiceId", "")).lower()
    with env.transaction():
        operations.set_columns(env, request.caller, table, invoice_id, {"ispricelocked": locked})
        for line_id in env.store.children("invoicedetail", "invoiceid", invoice_id):
            line = env.row("invoicedetail", line_id)
            env.store.put("invoicedetail", line_id, line | {"invoiceispricelocked": locked})
    return Answer(204)


def _bulk_delete(env: Environment, request: Request) -> Answer:
    """Deletes at once what the real one deletes by and by; the job is there to be read."""
    with env.transaction():
        for query in request.json().get("QuerySet", []):
            table = env.schema.by_name[query["EntityName"]]
            for row_id in _matching(env, table, query.get("Criteria") or {}):
                operations.delete(env, request.caller, table, row_id)
        job = _finished_job(env, str(request.json().get("JobName", "")), request.caller.user_id)
    return json_answer({"JobId": job})


def _matching(env: Environment, table: Table, criteria: dict[str, Any]) -> list[str]:
    """Rows that meet all conditions `Equal` or `In` of a QueryExpression's criteria."""
    conditions = criteria.get("Conditions") or []
    return [
        row_id for row_id, row in env.store.all(table.logical_name).items() if all(_meets(row, c) for c in conditions)
    ]


def _meets(row: Row, condition: dict[str, Any]) -> bool:
    wanted = [v.get("Value") if isinstance(v, dict) else v for v in condition.get("Values") or []]
    value = row.get(condition["AttributeName"])
    plain = value.id if isinstance(value, Ref) else value
    if condition.get("Operator") not in ("Equal", "In"):
        raise bad_request(f"The operator {condition.get('Operator')} is not supported in BulkDelete.")
    return plain in [w.lower() if isinstance(w, str) else w for w in wanted]


def _finished_job(env: Environment, name: str, user_id: str) -> str:
    job_id, now = env.new_id(), env.now()
    row = {
        "asyncoperationid": job_id,
        "name": name,
        "operationtype": 13,
        "statecode": 3,
        "statuscode": 30,
        "createdon": now,
        "modifiedon": now,
        "startedon": now,
        "completedon": now,
        "ownerid": Ref("systemuser", user_id),
        "versionnumber": env.store.next_version(),
    }
    env.store.put("asyncoperation", job_id, row)
    return job_id


def _insert_status_value(env: Environment, request: Request) -> Answer:
    """A customiser adds a status reason, with a value of their own or the next free one of the custom range."""
    body = request.json()
    table = env.schema.find(str(body.get("EntityLogicalName", "")))
    if table is None or body.get("AttributeLogicalName") != "statuscode":
        raise bad_request("The attribute is not a status of a table.", "0x80048403")
    labels = (body.get("Label") or {}).get("LocalizedLabels") or [{"Label": ""}]
    taken = [value for value in table.columns["statuscode"].options if value >= _CUSTOM_RANGE]
    value = body.get("Value") or max(taken, default=_CUSTOM_RANGE - 1) + 1
    add_status(env, table.logical_name, int(value), int(body.get("StateCode", 0)), str(labels[0]["Label"]))
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.InsertStatusValueResponse"
    return json_answer({"@odata.context": context, "NewOptionValue": value})


_UNBOUND: dict[str, Action] = {
    "WhoAmI": _who_am_i,
    "RetrieveVersion": _version,
    "LockInvoicePricing": _lock_pricing,
    "UnlockInvoicePricing": _unlock_pricing,
    "BulkDelete": _bulk_delete,
    "InsertStatusValue": _insert_status_value,
    "PublishXml": solution_actions.publish,
    "PublishAllXml": solution_actions.publish,
    "StageSolution": solution_actions.stage_solution,
    "ImportSolutionAsync": solution_actions.import_solution,
    "StageAndUpgradeAsync": solution_actions.stage_and_upgrade,
    "RetrieveSolutionImportResult": solution_actions.import_result,
    "RetrieveRolePrivilegesRole": role_privileges,
}
