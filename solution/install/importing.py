"""Imports the package: stage, start, follow, and tell what came of it.

An import is the one thing here that must not be asked for twice: when the answer to that call is lost, Dynamics is
looked into for the job before anything else is done.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from clients.dataverse import Payload
from clients.http import Seconds
from core.errors import Limited, Misconfigured, Transient, Unknown
from solution.install.results import component_errors, meaning_of
from solution.install.site import Package, Site
from solution.install.standing import ADMINISTRATOR, PATIENCE, Action, Job, find_job, look, plan

STAGING_S: Seconds = (5, 300)
POLL_S = 5.0
FIRST_S = 0.5  # a small organisation is fast
LOOKS = 12  # for a job whose start nobody answered
ROUNDS = 3  # an import that ran already, then ours, then a last look
_COMPLETED, _SUCCEEDED, _CANCELLED = 3, 30, 32
_ACTIONS: Mapping[Action, str] = {"import": "ImportSolutionAsync", "upgrade": "StageAndUpgradeAsync"}


def import_package(site: Site, package: Package, *, again: bool = False) -> bool:
    """Bring the package's version into Dynamics; return whether anything had to be imported.

    `again` imports it though it is there.

    May be repeated at any point: a run that is under way is followed, and what is there already stays. Raises
    Misconfigured with what Dynamics says and what to do, Disconnected for a missing right, Transient, Limited, and
    Unknown when nobody knows whether an import has begun; then the next run finds out.
    """
    has_changed = False
    for _ in range(ROUNDS):
        standing = look(site.dataverse)
        if standing.running is not None:
            site.tell("An import of the solution is under way; following it")
            _follow(site, standing.running)
            has_changed = True
            continue
        action = plan(standing, package, again=again and not has_changed)
        if action == "nothing":
            if not has_changed:
                site.tell(f"Version {package.version} is installed")
            return has_changed
        if ADMINISTRATOR not in standing.roles:
            site.tell(f"The user has no role {ADMINISTRATOR} of its own; Dynamics may refuse the import")
        _follow(site, _start(site, package, action))
        has_changed = True
    raise Misconfigured(
        f"Dynamics says that the import succeeded and does not show version {package.version}. Look at the solution "
        "history in Power Apps."
    )


def _start(site: Site, package: Package, action: Action) -> Job:
    dataverse = site.dataverse
    site.tell("Uploading and validating the package")
    staged = dataverse.perform(
        "StageSolution", {"CustomizationFile": base64.b64encode(package.content).decode()}, timeout_s=STAGING_S
    )
    results = staged["StageSolutionResults"]
    _check_staged(results)
    job_id = site.new_id()
    parameters: Payload = {
        "ImportJobId": job_id,  # by which it is found if the answer to this call is lost
        "PublishWorkflows": False,  # the steps stay off until their address and secret are set
        "OverwriteUnmanagedCustomizations": False,  # else the address would be the placeholder again
        "ComponentParameters": [],
        "SolutionParameters": {"StageSolutionUploadId": results["StageSolutionUploadId"]},
    }
    site.tell("Starting the upgrade" if action == "upgrade" else "Starting the import")
    try:
        answer = dataverse.perform(_ACTIONS[action], parameters, timeout_s=STAGING_S)
    except Unknown as error:
        return _find(site, job_id, error)
    except Limited as error:
        raise Misconfigured(
            f"Dynamics starts no import now: {error}. Wait until others have ended (solution history in Power Apps) "
            "and run the command again."
        ) from error
    return Job(str(answer.get("ImportJobKey") or job_id), str(answer["AsyncOperationId"]))


def _find(site: Site, job_id: str, error: Unknown) -> Job:
    """Look for the job whose start was not answered."""
    site.tell("Dynamics did not answer; looking whether the import has begun")
    for _ in range(LOOKS):
        try:
            if (job := find_job(site.dataverse, job_id)) is not None:
                return job
        except Transient:
            pass  # the next look may be answered
        site.wait(POLL_S)
    raise Unknown(
        f"{error}. Dynamics shows no import yet. Run the command again in a few minutes: it looks before it imports"
    )


def _check_staged(results: Payload) -> None:
    """Raise Misconfigured with everything that Dynamics found wrong with the package."""
    missing = results.get("MissingDependencies") or []
    found = [*map(_validation, results.get("SolutionValidationResults") or []), *map(_dependency, missing)]
    if results.get("StageSolutionStatus") != "Passed" or missing:
        raise Misconfigured("Dynamics does not take the package:\n" + "\n".join(f"- {one}" for one in found))


def _validation(result: Payload) -> str:
    return meaning_of(result.get("ErrorCode"), str(result.get("Message") or "no reason given"))


def _dependency(dependency: Payload) -> str:
    name = dependency.get("RequiredComponentDisplayName") or dependency.get("RequiredComponentSchemaName")
    return f"it needs {name or 'a component'}, which this organisation does not have"


def _follow(site: Site, job: Job) -> None:
    """Wait for the end of an import. Raises Misconfigured if it failed or takes more than an hour."""
    ends, shown, pause_s = site.now() + PATIENCE, "", FIRST_S
    while site.now() < ends:
        try:
            progress, is_over = _look_at(site, job)
        except Transient as error:
            progress, is_over = f"Dynamics does not answer: {error}", False
        if progress != shown:
            site.tell(progress)
            shown = progress
        if is_over:
            _check_result(site, job)
            return
        site.wait(pause_s)
        pause_s = min(POLL_S, 2 * pause_s)
    raise Misconfigured(
        "The import has not ended after an hour. Look at the solution history in Power Apps; run the command again "
        "to follow it further."
    )


def _look_at(site: Site, job: Job) -> tuple[str, bool]:
    """Return how far it is, and whether it has ended."""
    row = site.dataverse.find("importjobs", job.id, select="progress,completedon") or {}
    progress = f"Importing: {float(row.get('progress') or 0):.0f} %"
    if not job.system_job:
        return progress, row.get("completedon") is not None
    system_job = site.dataverse.find("asyncoperations", job.system_job, select="statecode,statuscode")
    return progress, system_job is not None and system_job["statecode"] == _COMPLETED


def _check_result(site: Site, job: Job) -> None:
    """Raise Misconfigured with what went wrong, in Dynamics' words and ours."""
    row = site.dataverse.find("importjobs", job.id, select="data")
    errors = component_errors(str((row or {}).get("data") or ""))
    if job.system_job:
        select = "statuscode,message,friendlymessage,errorcode"
        system_job = site.dataverse.find("asyncoperations", job.system_job, select=select) or {}
        if system_job.get("statuscode") == _SUCCEEDED:
            return
        if system_job.get("statuscode") == _CANCELLED:
            raise Misconfigured("Somebody cancelled the import in Dynamics. Run the command again.")
        said = str(system_job.get("friendlymessage") or system_job.get("message") or "")
        errors = errors or [meaning_of(system_job.get("errorcode"), said)]
    if errors:
        raise Misconfigured("The import failed:\n" + "\n".join(f"- {one}" for one in errors))
