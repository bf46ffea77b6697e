"""The JSON of an event: RemoteExecutionContext as .NET's DataContractJsonSerializer writes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.dataverse.environment import Environment, Event
from simulators.dataverse.formatting import formatted, name_of
from simulators.dataverse.jsons import write_json
from simulators.dataverse.schema import Column, Ref, Table
from simulators.dataverse.store import Row

SIZE_MAX = 256 * 1024
NOBODY = "00000000-0000-0000-0000-000000000000"
LEFT_OUT = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")
_CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
_PAIR = "KeyValuePairOfstringstring:#System.Collections.Generic"
_OBJECT_MODEL = "ObjectModel Implementation"
_MAIN_STAGE, _POST_STAGE = 30, 40
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Image:
    """A registered image; no `columns` means all."""

    alias: str
    before: bool
    after: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A registered step, as far as the event's body tells of it."""

    id: str
    name: str
    asynchronous: bool
    operation_id: str
    images: tuple[Image, ...] = ()
    impersonated_user_id: str | None = None


def event_document(env: Environment, event: Event, step: Step) -> Json:
    """Return the body's members for one event and step."""
    table = env.schema.by_name[event.table]
    own = _context(env, event, step, stage=_POST_STAGE)
    own["InputParameters"] = _new_state(env, table, event) or [_pair("Target", _target(env, table, event))]
    own["OutputParameters"] = [_pair("id", event.row_id)] if event.message == "Create" else []
    own["OwningExtension"] = _reference(
        Ref("sdkmessageprocessingstep", step.id), None if step.asynchronous else step.name
    )
    own["ParentContext"] = _parent(env, table, event, step)
    own["PreEntityImages"], own["PostEntityImages"] = _images(env, table, event, step)
    own["SharedVariables"] = _shared_variables(event)
    return dict(sorted(own.items()))


def event_body(env: Environment, document: Json) -> tuple[bytes, bool]:
    """Return the bytes to send, and whether members had to be left out because there were too many."""
    body = encode(document)
    if len(body) <= SIZE_MAX:
        return body, False
    match env.switches.stripped:
        case "null":
            kept = document | dict.fromkeys(LEFT_OUT)
        case "empty":
            kept = document | {name: None if name == "ParentContext" else [] for name in LEFT_OUT}
        case _:
            kept = {name: value for name, value in document.items() if name not in LEFT_OUT}
    return encode(kept), True


def encode(document: Json) -> bytes:
    """Return JSON as .NET writes it, slashes escaped."""
    return write_json(document).replace(b"/", b"\\/")


def _context(env: Environment, event: Event, step: Step, *, stage: int) -> Json:
    caller = event.caller
    return {
        "BusinessUnitId": env.business_unit_id,
        "CorrelationId": caller.correlation_id,
        "Depth": caller.depth,
        "InitiatingUserAgent": caller.user_agent,
        "InitiatingUserAzureActiveDirectoryObjectId": caller.object_id,
        "InitiatingUserId": caller.user_id,
        "IsExecutingOffline": False,
        "IsInTransaction": not step.asynchronous,
        "IsOfflinePlayback": False,
        "IsolationMode": 1,
        "MessageName": event.message,
        "Mode": 1 if step.asynchronous else 0,
        "OperationCreatedOn": _created_on(env, event, step),
        "OperationId": step.operation_id,
        "OrganizationId": env.organization_id,
        "OrganizationName": env.organization_name,
        "PrimaryEntityId": event.row_id,
        "PrimaryEntityName": event.table,
        "RequestId": caller.request_id,
        "SecondaryEntityName": "none",
        "Stage": stage,
        "UserAzureActiveDirectoryObjectId": NOBODY if step.impersonated_user_id else caller.object_id,
        "UserId": step.impersonated_user_id or caller.user_id,
    }


def _created_on(env: Environment, event: Event, step: Step) -> str:
    """Asynchronous jobs show whole seconds and an offset; synchronous ones milliseconds and none."""
    if step.asynchronous:
        return f"/Date({_milliseconds(event.at)}+0000)/"
    return f"/Date({int(env.clock.now().timestamp() * 1000)})/"


def _parent(env: Environment, table: Table, event: Event, step: Step) -> Json:
    parent = _context(env, event, step, stage=_MAIN_STAGE)
    parent["InputParameters"] = _parent_inputs(env, table, event)
    parent["OutputParameters"] = []
    parent["OwningExtension"] = _reference(
        Ref("sdkmessageprocessingstep", step.id), None if step.asynchronous else _OBJECT_MODEL
    )
    parent["ParentContext"] = None
    parent["PreEntityImages"], parent["PostEntityImages"] = [], []
    changed = {"__type": _PAIR, "key": event.table, "value": "Update"}
    parent["SharedVariables"] = [*_shared_variables(event), _pair("ChangedEntityTypes", [changed])]
    return dict(sorted(parent.items()))


def _parent_inputs(env: Environment, table: Table, event: Event) -> list[Json]:
    if event.message == "Delete":
        target: Json = _typed_reference(Ref(event.table, event.row_id))
    else:
        target = _typed("Entity", _entity(env, table, event.row_id, event.supplied, formatted_too=False))
    inputs = _new_state(env, table, event) or [_pair("Target", target)]
    if event.caller.app_name:
        inputs.append(_pair("x-ms-app-name", event.caller.app_name))
    if event.message in ("Create", "Update"):
        inputs.append(_pair("SuppressDuplicateDetection", event.caller.suppress_duplicates))
    return inputs


def _shared_variables(event: Event) -> list[Json]:
    caller = event.caller
    variables: list[tuple[str, Any]] = [("IsAutoTransact", True)]
    if caller.app_name:
        variables += [("AcceptLang", "en-GB,en;q=0.9"), ("x-ms-app-name", caller.app_name)]
    if event.message == "Create":
        variables.append(("DefaultsAddedFlag", True))
    if caller.tag is not None:
        variables.append(("tag", caller.tag))
    return [_pair(name, value) for name, value in variables]


def _new_state(env: Environment, table: Table, event: Event) -> list[Json]:
    """What SetState brings in place of a Target."""
    if event.message != "SetState":
        return []
    asked = {"State": "statecode", "Status": "statuscode"}
    values = [
        _pair(key, _attribute(env, table.columns[name], event.supplied[name], names_too=False))
        for key, name in asked.items()
    ]
    return [_pair("EntityMoniker", _typed_reference(Ref(event.table, event.row_id))), *values]


def _target(env: Environment, table: Table, event: Event) -> Json:
    if event.message == "Delete":
        return _typed_reference(Ref(event.table, event.row_id))
    entity = _entity(env, table, event.row_id, event.target, formatted_too=event.message == "Create")
    return _typed("Entity", entity)


def _images(env: Environment, table: Table, event: Event, step: Step) -> tuple[list[Json], list[Json]]:
    before, after = [], []
    if step.asynchronous and event.after is not None and table.primary_name:
        names = [table.primary_name, table.primary_id]
        primary = {name: event.after[name] for name in names if event.after.get(name) is not None}
        after.append(
            _pair("AsynchronousStepPrimaryName", _entity(env, table, event.row_id, primary, formatted_too=False))
        )
    for image in step.images:
        if image.before and event.before is not None:
            before.append(_pair(image.alias, _image(env, table, event.row_id, event.before, image)))
        if image.after and event.after is not None:
            after.append(_pair(image.alias, _image(env, table, event.row_id, event.after, image)))
    return before, after


def _image(env: Environment, table: Table, row_id: str, row: Row, image: Image) -> Json:
    columns = [*image.columns, table.primary_id] if image.columns else list(row)
    chosen = {name: row[name] for name in dict.fromkeys(columns) if row.get(name) is not None}
    return _entity(env, table, row_id, chosen, formatted_too=True, names_too=True)


def _entity(
    env: Environment, table: Table, row_id: str, row: Row, *, formatted_too: bool, names_too: bool = False
) -> Json:
    attributes = [
        _pair(name, _attribute(env, table.columns[name], value, names_too=names_too)) for name, value in row.items()
    ]
    texts: Iterable[tuple[str, str | None]] = ()
    if formatted_too:
        texts = [
            (name, _text(env, table.columns[name], value, row, names_too=names_too)) for name, value in row.items()
        ]
    return {
        "Attributes": attributes,
        "EntityState": None,
        "FormattedValues": [_pair(name, text) for name, text in texts if text is not None],
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table.logical_name,
        "RelatedEntities": [],
        "RowVersion": None,
    }


def _text(env: Environment, column: Column, value: Any, row: Row, *, names_too: bool) -> str | None:
    if value is None or (column.kind == "lookup" and not names_too):
        return None
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(env.timezone)).isoformat()
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00+00:00"
    return formatted(env, column, value, row)


def _attribute(env: Environment, column: Column, value: Any, *, names_too: bool) -> Any:
    if value is None:
        return None
    match column.kind:
        case "lookup":
            return _typed_reference(value, name_of(env, value) if names_too else None)
        case "money":
            return _typed("Money", {"Value": value})
        case "choice" | "state" | "status":
            return _typed("OptionSetValue", {"Value": value})
        case "datetime":
            return f"/Date({_milliseconds(value)})/"
        case "date":
            return f"/Date({_milliseconds(datetime(value.year, value.month, value.day, tzinfo=UTC))})/"
        case _:
            return value


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def _pair(key: str, value: Any) -> Json:
    return {"key": key, "value": value}


def _typed(name: str, members: Json) -> Json:
    return {"__type": f"{name}:{_CONTRACTS}", **members}


def _reference(ref: Ref, name: str | None = None) -> Json:
    return {"Id": ref.id, "KeyAttributes": [], "LogicalName": ref.table, "Name": name, "RowVersion": None}


def _typed_reference(ref: Ref, name: str | None = None) -> Json:
    return _typed("EntityReference", _reference(ref, name))
