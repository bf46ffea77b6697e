"""Solutions over the Web API: staging, importing, upgrading, results."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.http import Answer, Request, json_answer
from simulators.dataverse.import_state import Options
from simulators.dataverse.keys import function_argument
from simulators.dataverse.solutions.jobs import check_lock, result_of, stage, staged, start
from simulators.dataverse.values import GUID

_IMPORT_PARAMETERS = frozenset(
    {
        "OverwriteUnmanagedCustomizations",
        "PublishWorkflows",
        "CustomizationFile",
        "ImportJobId",
        "ConvertToManaged",
        "SkipProductUpdateDependencies",
        "HoldingSolution",
        "SkipQueueRibbonJob",
        "LayerDesiredOrder",
        "AsyncRibbonProcessing",
        "ComponentParameters",
        "SolutionParameters",
        "IsTemplateMode",
        "TemplateSuffix",
        "TemplateDisplayNamePrefix",
        "TemplateMode",
    }
)


def stage_solution(env: Environment, request: Request) -> Answer:
    """`StageSolution {CustomizationFile}`: tells whether a file could be imported; imports nothing."""
    _check_post(request)
    env.demand_administrator(request.caller, "prvImportCustomization")
    body = _body(request, frozenset({"CustomizationFile"}), "StageSolution")
    results = stage(env, _file(body.get("CustomizationFile")))
    return _answer(request, "StageSolutionResponse", {"StageSolutionResults": results})


def import_solution(env: Environment, request: Request) -> Answer:
    return _start(env, request, "ImportSolutionAsync", upgrade=False)


def stage_and_upgrade(env: Environment, request: Request) -> Answer:
    return _start(env, request, "StageAndUpgradeAsync", upgrade=True)


def _start(env: Environment, request: Request, action: str, *, upgrade: bool) -> Answer:
    """Begin an import and answer how to follow it. Asked again, it begins again, or is refused meanwhile."""
    _check_post(request)
    env.demand_administrator(request.caller, "prvImportCustomization")
    body = _body(request, _IMPORT_PARAMETERS, action)
    options = Options(
        overwrite=_truth(body, "OverwriteUnmanagedCustomizations"),
        enable_steps=_truth(body, "PublishWorkflows"),
        upgrade=upgrade,
    )
    if body.get("HoldingSolution"):
        raise bad_request("Holding solutions are not simulated: use StageAndUpgradeAsync.", "0x80048d19")
    if "ComponentParameters" in body and not isinstance(body["ComponentParameters"], list):
        raise _bad_parameter("ComponentParameters")
    upload_id = (body.get("SolutionParameters") or {}).get("StageSolutionUploadId")
    content = staged(env, str(upload_id)) if upload_id else _file(body.get("CustomizationFile"))
    job_id = body.get("ImportJobId") or env.new_id()
    if not isinstance(job_id, str) or not GUID.fullmatch(job_id):
        raise _bad_parameter("ImportJobId")
    started = start(env, request.caller, content, options, job_id.lower())
    members = {"ImportJobKey": started.job_id, "AsyncOperationId": started.operation_id}
    return _answer(request, f"{action}Response", members)


def import_result(env: Environment, request: Request) -> Answer:
    """`RetrieveSolutionImportResult(ImportJobId=<guid>)`."""
    env.demand(request.caller, "Read", env.schema.by_name["importjob"])
    job_id = function_argument(request.path, request.query, "ImportJobId")
    return _answer(
        request, "RetrieveSolutionImportResultResponse", {"SolutionOperationResult": result_of(env, job_id)}
    )


def publish(env: Environment, request: Request) -> Answer:
    """What is imported managed, or made by the API, shows at once here; publishing only has to be possible."""
    _check_post(request)
    env.demand_privilege(request.caller, "prvPublishCustomization")
    check_lock(env, "PublishAll")
    return Answer(204)


def _check_post(request: Request) -> None:
    if request.method != "POST":
        message = f"The requested resource does not support http method '{request.method}'."
        raise Refused(405, "0x80060888", message)


def _body(request: Request, known: frozenset[str], action: str) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise bad_request("Empty or invalid payload provided by the user.", "0x80048d19")
    for name in body:
        if name not in known and "@" not in name:
            what = f"parameter '{name}' in the request payload"
            raise bad_request(f"The {what} is not a valid parameter for the operation '{action}'.", "0x80048d19")
    return body


def _truth(body: dict[str, Any], name: str) -> bool:
    if not isinstance(body.get(name), bool):
        raise _bad_parameter(name)
    return bool(body[name])


def _file(encoded: Any) -> bytes:
    try:
        content = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    except binascii.Error as error:
        raise _bad_parameter("CustomizationFile") from error
    if not content:
        raise _bad_parameter("CustomizationFile")
    return content


def _bad_parameter(name: str) -> Refused:
    return bad_request(f"The parameter {name} is missing or not valid.", "0x80048d19")


def _answer(request: Request, kind: str, members: dict[str, Any]) -> Answer:
    return json_answer({"@odata.context": f"{request.root}$metadata#Microsoft.Dynamics.CRM.{kind}", **members})
