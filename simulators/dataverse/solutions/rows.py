"""Writes the rows of a package: roles, endpoints, steps, forms, views, apps, and the solution itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from simulators.dataverse import registration
from simulators.dataverse.customise import message_filter_id
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused
from simulators.dataverse.import_state import Failure, Options
from simulators.dataverse.privileges import grant, pair_id, privilege_id, revoke, turn_words_into_roles
from simulators.dataverse.schema import Ref
from simulators.dataverse.solutions.failing import BAD_ENDPOINT, BAD_PRIVILEGE, BAD_ROLE, BAD_STEP, failed
from simulators.dataverse.solutions.listing import listing, listing_id
from simulators.dataverse.solutions.parts import (
    ENDPOINT,
    ROLE,
    ROW_COMPONENTS,
    Package,
    RowPart,
    StepPart,
)
from simulators.dataverse.store import Row

_IDS = uuid.UUID("6b1f0c5e-93b5-4a8b-8d5f-5d1f3c0a7e11")
_ENABLED = {"statecode": 0, "statuscode": 1}
_DISABLED = {"statecode": 1, "statuscode": 2}


@cache
def solution_id(unique_name: str) -> str:
    return str(uuid.uuid5(_IDS, f"solution/{unique_name.lower()}"))


@dataclass(frozen=True, slots=True)
class _Import:
    """One import as its rows are written: what of, where to, how, when."""

    env: Environment
    package: Package
    options: Options
    at: datetime
    solution_id: str
    warnings: list[Failure]


def write_rows(env: Environment, package: Package, options: Options, at: datetime) -> list[Failure]:
    """Write a package's rows; return what is worth a warning. Raises ImportFailed when a row could not work."""
    run = _Import(env, package, options, at.replace(microsecond=0), solution_id(package.manifest.unique_name), [])
    _write_solution(run)
    for row in run.package.content.rows:
        _write_component(run, row)
    for step in run.package.content.steps:
        _write_step(run, step)
    _write_grants(run)
    for app_id, role_id in run.package.content.app_roles:
        _put(run, "appmoduleroles", pair_id(app_id, role_id), {"appmoduleid": app_id, "roleid": role_id})
    _list_components(run)
    return run.warnings


def _write_solution(run: _Import) -> None:
    manifest, publisher = run.package.manifest, run.package.manifest.publisher
    wanted = publisher.unique_name.lower()
    found = run.env.store.all("publisher").items()
    publisher_id = next((i for i, row in found if row["uniquename"].lower() == wanted), None)
    if publisher_id is None:
        publisher_id = str(uuid.uuid5(_IDS, f"publisher/{wanted}"))
        row = {
            "uniquename": publisher.unique_name,
            "friendlyname": publisher.friendly_name,
            "description": publisher.description,
            "customizationprefix": publisher.prefix,
            "customizationoptionvalueprefix": publisher.option_prefix,
            "isreadonly": manifest.is_managed,
        }
        _put(run, "publisher", publisher_id, row)
    row = {
        "uniquename": manifest.unique_name,
        "friendlyname": manifest.friendly_name,
        "description": manifest.description,
        "version": manifest.version,
        "solutionpackageversion": "9.2",
        "ismanaged": manifest.is_managed,
        "isvisible": True,
        "installedon": run.at,
        "updatedon": run.at,
        "publisherid": Ref("publisher", publisher_id),
    }
    _put(run, "solution", run.solution_id, row)


def _write_component(run: _Import, part: RowPart) -> None:
    values = dict(part.values)
    if part.type == ROLE:
        _check_role_name(run, part)
        values["businessunitid"] = Ref("businessunit", run.env.business_unit_id)
    elif part.type == ENDPOINT:
        values = _endpoint(run, part)
    _put_owned(run, part, values)
    if part.type == ROLE:
        turn_words_into_roles(run.env, part.id, part.name)


def _check_role_name(run: _Import, part: RowPart) -> None:
    for role_id, row in run.env.store.all("role").items():
        if row["name"].lower() == part.name.lower() and role_id != part.id:
            message = (
                "Cannot import security role. The role with specified role id is not updatable or role name is "
                "not unique."
            )
            raise failed(BAD_ROLE, message, "role", part.name)


def _endpoint(run: _Import, part: RowPart) -> Row:
    """Return the endpoint's columns: the package's, and what somebody changed since the last import on top.

    With `overwrite` that layer goes: the address is the package's again, and there is no secret, for a package
    has none.
    """
    env = run.env
    if part.values.get("contract") is None:
        raise failed(
            BAD_ENDPOINT, "An error occurred while importing Service Endpoints.", "serviceendpoint", part.name
        )
    before, layers = env.store.find("serviceendpoint", part.id), env.imports.layers
    last = layers.get(part.id, {})
    layers[part.id] = dict(part.values)
    unset: dict[str, Any] = {"isauthvalueset": False, "issaskeyset": False, "issastokenset": False}
    if before is None:
        return {**part.values, **unset}
    if run.options.overwrite:
        return {**part.values, **unset, "authvalue": None, "saskey": None, "sastoken": None}
    return {name: value for name, value in part.values.items() if before.get(name) == last.get(name)}


def _write_step(run: _Import, step: StepPart) -> None:
    env, row = run.env, step.row
    message = env.store.find("sdkmessage", step.message_id)
    if message is None or env.store.find("serviceendpoint", step.endpoint_id) is None:
        what = "message" if message is None else "event handler"
        text = f"An error occurred while importing Sdk Messages. The {what} of step {row.name} does not exist."
        raise failed(BAD_STEP, text, "SdkMessageProcessingStep", row.name)
    values = row.values | {
        "sdkmessageid": Ref("sdkmessage", step.message_id),
        "eventhandler": Ref("serviceendpoint", step.endpoint_id),
    }
    if step.table not in ("", "none"):
        values["sdkmessagefilterid"] = Ref("sdkmessagefilter", message_filter_id(step.table, message["name"]))
    if env.store.find("sdkmessageprocessingstep", row.id) is None:
        values |= _ENABLED if run.options.enable_steps else _DISABLED
    _put_checked(run, row, values)
    for image in step.images:
        _put_checked(run, image, image.values)


def _put_checked(run: _Import, part: RowPart, values: Row) -> None:
    _put_owned(run, part, values)
    table = ROW_COMPONENTS[part.type]
    try:
        registration.check(run.env, table, run.env.row(table, part.id))
    except Refused as refused:
        raise failed(BAD_STEP, refused.message, "SdkMessageProcessingStep", part.name) from refused


def _write_grants(run: _Import) -> None:
    """Give each role what the package says; what an earlier version gave and this one does not is taken."""
    env = run.env
    given: dict[str, set[str]] = {row.id: set() for row in run.package.content.rows if row.type == ROLE}
    for one in run.package.content.grants:
        privilege = privilege_id(one.privilege)
        if env.store.find("privilege", privilege) is None:
            message = f"The privilege to be imported is invalid: {one.privilege}"
            run.warnings.append(Failure(BAD_PRIVILEGE, message, "role", one.role_id))
            continue
        grant(env, one.role_id, privilege, one.depth)
        given[one.role_id].add(privilege)
    for role_id, privileges in given.items():
        for privilege in env.imports.layers.get(role_id, {}).get("privileges", set()) - privileges:
            revoke(env, role_id, privilege)
        env.imports.layers[role_id] = {"privileges": privileges}


def _list_components(run: _Import) -> None:
    for one in run.package.components:
        row = listing(run.solution_id, one.type, one.id, one.behavior)
        _put(run, "solutioncomponent", listing_id(run.solution_id, one.type, one.id), row)


def _put_owned(run: _Import, part: RowPart, values: Row) -> None:
    if run.package.manifest.is_managed:
        values = values | {"ismanaged": True, "solutionid": run.solution_id}
    _put(run, ROW_COMPONENTS[part.type], part.id, values)


def _put(run: _Import, table: str, row_id: str, values: Row) -> None:
    """Create or change a row; what stays as it was keeps its version."""
    env = run.env
    before = env.store.find(table, row_id)
    if before is None:
        system = Ref("systemuser", env.system_user_id)
        before = {
            env.schema.by_name[table].primary_id: row_id,
            "createdon": run.at,
            "createdby": system,
            "modifiedby": system,
            "statecode": 0,
            "statuscode": 1,
        }
    elif all(before.get(name) == value for name, value in values.items()):
        return
    row = before | values | {"modifiedon": run.at, "versionnumber": env.store.next_version()}
    env.store.put(table, row_id, {name: value for name, value in row.items() if value is not None})
