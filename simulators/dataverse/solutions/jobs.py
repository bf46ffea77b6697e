"""Import jobs: files put by, one import at a time, and its effect when its time is up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import Refused, not_found
from simulators.dataverse.import_state import Failure, Options, Outcome, Running
from simulators.dataverse.schema import Ref
from simulators.dataverse.solutions.archive import read_manifest, read_package
from simulators.dataverse.solutions.checking import missing_dependencies, stage_failures
from simulators.dataverse.solutions.failing import FAILED, ImportFailed
from simulators.dataverse.solutions.importing import import_package
from simulators.dataverse.solutions.parts import Package
from simulators.dataverse.solutions.report import Json, import_result, job_data, stage_results, worksheet
from simulators.dataverse.store import Row

IMPORT_TYPE, UPGRADE_TYPE = 203, 211
_IN_PROGRESS = {"statecode": 2, "statuscode": 20}
_SUCCEEDED, _FAILED, _CANCELLED = 30, 31, 32
_COMPLETED = 3
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Started:
    """How an import under way is followed: by its job, and by the operation that runs it."""

    job_id: str
    operation_id: str


def stage(env: Environment, content: bytes) -> Json:
    """Check a file and, if it is good, keep it under an id; return StageSolutionResults. Nothing is imported."""
    switches = env.imports.switches
    injected, switches.next_stage = switches.next_stage, ()
    try:
        package = read_package(content)
    except ImportFailed as failed:
        return stage_results(env, None, injected or failed.failures, [], "")
    failures = injected or tuple(stage_failures(env, package))
    upload_id = env.new_id()
    if not failures:
        env.imports.uploads[upload_id] = content
    return stage_results(env, package, failures, missing_dependencies(env, package), upload_id)


def staged(env: Environment, upload_id: str) -> bytes:
    """Return a file that was put by; raises Refused when there is none under the id."""
    content = env.imports.uploads.get(upload_id.lower())
    if content is None:
        raise not_found("stagesolutionupload", upload_id)
    return content


def check_lock(env: Environment, operation: str) -> None:
    """Raise Refused while an import runs: customising is done by one at a time."""
    if env.imports.running is None:
        return
    what = (
        "Cannot start another [Import] because there is a previous [Import] running at this moment."
        if operation == "Import"
        else f"Cannot start the requested operation [{operation}] because there is another [Import] running at this "
        "moment."
    )
    message = (
        f"{what} Use Solution History for more details. -- The solution installation or removal failed due to the "
        "installation or removal of another solution at the same time. Please try again later."
    )
    raise Refused(429, "0x80071151", message)


def start(env: Environment, caller: Caller, content: bytes, options: Options, job_id: str) -> Started:
    """Begin an import. Its job must be a new one: an id that was used before is refused."""
    check_lock(env, "Import")
    if env.store.find("importjob", job_id) is not None:
        raise Refused(412, "0x80040237", f"A duplicate import job id already exists : {job_id}")
    operation_id, now = env.new_id(), env.clock.now()
    due_at = now + timedelta(seconds=env.imports.switches.duration_s)
    env.imports.running = Running(job_id, operation_id, content, options, now, due_at)
    manifest = read_manifest(content)
    stamps = {"startedon": env.now(), "createdon": env.now(), "modifiedon": env.now()}
    user = Ref("systemuser", caller.user_id)
    job = {"importjobid": job_id, "name": "Customizations", "progress": Decimal(0), "createdby": user}
    if manifest is not None:
        job["solutionname"] = manifest.unique_name
    operation = {
        "asyncoperationid": operation_id,
        "name": "StageAndUpgrade" if options.upgrade else "ImportSolution",
        "messagename": "StageAndUpgradeAsync" if options.upgrade else "ImportSolutionAsync",
        "operationtype": UPGRADE_TYPE if options.upgrade else IMPORT_TYPE,
        "correlationid": caller.correlation_id,
        "requestid": caller.request_id,
        "depth": 1,
        "retrycount": 0,
        "ownerid": user,
        "createdby": user,
    }
    with env.store.transaction():
        _put(env, "importjob", job_id, job | stamps | {"statecode": 0, "statuscode": 1})
        _put(env, "asyncoperation", operation_id, operation | stamps | _IN_PROGRESS)
    return Started(job_id, operation_id)


def catch_up(env: Environment) -> None:
    """Let time do its work: how far the import is, or what it did, if it is over by now."""
    running, now = env.imports.running, env.clock.now()
    if running is None:
        return
    if now >= running.due_at:
        env.imports.running = None
        _finish(env, running)
        return
    share = Decimal((now - running.started_at) // _MICROSECOND) / (
        (running.due_at - running.started_at) // _MICROSECOND
    )
    progress = round(share * 100, 2)
    if env.row("importjob", running.job_id)["progress"] != progress:
        data = job_data(_readable(running.content), None, running.started_at, now, str(progress))
        with env.store.transaction():
            _change(env, "importjob", running.job_id, {"progress": progress, "data": data})


def _finish(env: Environment, running: Running) -> None:
    switches = env.imports.switches
    cancelled, switches.next_cancelled = switches.next_cancelled, False
    injected, switches.next_failures = switches.next_failures, ()
    if cancelled:
        _end(env, running, Outcome((Failure(FAILED, "The import was canceled."),)), _CANCELLED)
        return
    try:
        if injected:
            raise ImportFailed(injected)
        outcome = import_package(env, read_package(running.content), running.options, running.due_at)
    except ImportFailed as failed:
        _end(env, running, Outcome(failed.failures), _FAILED)
    else:
        _end(env, running, outcome, _SUCCEEDED)


def _end(env: Environment, running: Running, outcome: Outcome, status: int) -> None:
    ended = running.due_at.replace(microsecond=0)
    package = _readable(running.content)
    progress = Decimal(100) if status == _SUCCEEDED else env.row("importjob", running.job_id)["progress"]
    job: Row = {
        "progress": progress,
        "completedon": ended,
        "data": job_data(package, outcome, running.started_at, running.due_at, str(progress)),
    }
    operation: Row = {"statecode": _COMPLETED, "statuscode": status, "completedon": ended}
    if outcome.failures:
        first = outcome.failures[0]
        shown = package.manifest.friendly_name if package else "Customizations"
        operation["friendlymessage"] = first.message
        operation["message"] = f'Solution "{shown}" failed to import: {first.message}'
        operation["errorcode"] = first.code
    env.imports.outcomes[running.job_id] = outcome
    with env.store.transaction():
        _change(env, "importjob", running.job_id, job)
        _change(env, "asyncoperation", running.operation_id, operation)


def result_of(env: Environment, job_id: str) -> Json:
    """Return SolutionOperationResult of a job that is over; raises Refused for any other."""
    job = env.row("importjob", job_id.lower())
    outcome = env.imports.outcomes.get(job_id.lower())
    if outcome is None:
        raise Refused(400, "0x80040203", "The import job is not completed.")
    return import_result(outcome, worksheet(outcome, str(job.get("solutionname"))))


def import_now(env: Environment, content: bytes, options: Options) -> Outcome:
    """Import without a job; raises ImportFailed, or Refused while another import runs."""
    check_lock(env, "Import")
    return import_package(env, read_package(content), options, env.clock.now())


def _readable(content: bytes) -> Package | None:
    try:
        return read_package(content)
    except ImportFailed:
        return None


def _put(env: Environment, table: str, row_id: str, row: Row) -> None:
    env.store.put(table, row_id, row | {"versionnumber": env.store.next_version()})


def _change(env: Environment, table: str, row_id: str, changes: Row) -> None:
    _put(env, table, row_id, env.row(table, row_id) | changes | {"modifiedon": env.now()})
