"""What is in Dynamics already, and what is to be done about it before anything is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clients.dataverse import Dataverse, Payload, rows_path, text_literal
from core.errors import Misconfigured, Rejected
from solution.install.site import Package, parts_of
from solution.names import DISPLAY_NAME, UNIQUE_NAME

Action = Literal["import", "upgrade", "nothing"]
ADMINISTRATOR = "System Administrator"
_JOB = "importjobid,solutionname,startedon,completedon,progress"


@dataclass(frozen=True, slots=True)
class Installed:
    """The solution as it stands in Dynamics."""

    id: str
    version: str
    is_managed: bool


@dataclass(frozen=True, slots=True)
class Job:
    """An import, and the system job that does it; that is empty where it is not known."""

    id: str
    system_job: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an administrator sees before an import; `running` is one that has not ended."""

    user_id: str
    organization_id: str
    roles: tuple[str, ...]
    has_sales: bool
    installed: Installed | None
    running: Job | None


def look(dataverse: Dataverse) -> Standing:
    """Ask Dynamics; nothing is changed. Raises Transient, Limited, Disconnected."""
    who = dataverse.who_am_i()
    user_id = str(who["UserId"])
    running = next((job for job in _jobs(dataverse) if job.get("completedon") is None), None)
    return Standing(
        user_id,
        str(who["OrganizationId"]).lower(),
        roles_of(dataverse, user_id),
        has_table(dataverse, "invoice"),
        find_installed(dataverse),
        Job(str(running["importjobid"])) if running else None,
    )


def plan(standing: Standing, package: Package) -> Action:
    """Return what to do. Raises Misconfigured saying why nothing can be, and what to do about that."""
    if not standing.has_sales:
        raise Misconfigured(
            "This Dynamics organisation has no invoices: Dynamics 365 Sales is not installed in it. Install Sales, "
            "or choose another environment."
        )
    installed = standing.installed
    if installed is None:
        return "import"
    if installed.is_managed and not package.is_managed:
        raise Misconfigured(
            f"{DISPLAY_NAME} {installed.version} is installed as a managed solution. The unmanaged package would "
            "change it for good: install the managed one."
        )
    if package.is_managed and not installed.is_managed:
        raise Misconfigured(
            f"{DISPLAY_NAME} {installed.version} is here as an unmanaged solution, for development. Remove that "
            "first, or install the unmanaged package."
        )
    here, wanted = parts_of(installed.version), parts_of(package.version)
    if here > wanted:
        raise Misconfigured(
            f"{DISPLAY_NAME} {installed.version} is installed, which is newer than this {package.version}. Update "
            "the connector."
        )
    if here == wanted:
        return "nothing"
    return "upgrade" if package.is_managed else "import"


def find_installed(dataverse: Dataverse) -> Installed | None:
    """Return our solution in this organisation, if it is there."""
    query = {
        "$select": "solutionid,version,ismanaged",
        "$filter": f"uniquename eq {text_literal(UNIQUE_NAME)}",
    }
    for row in dataverse.list_rows("solutions", query):
        return Installed(str(row["solutionid"]), str(row["version"]), bool(row["ismanaged"]))
    return None


def find_job(dataverse: Dataverse, *, since: datetime) -> Job | None:
    """Return the import of our solution that began at that moment of Dynamics' clock or later, if there is one."""
    for row in _jobs(dataverse):
        if datetime.fromisoformat(str(row["startedon"])) >= since:
            return Job(str(row["importjobid"]))
    return None


def has_table(dataverse: Dataverse, name: str) -> bool:
    """Whether Dynamics has a table of this logical name."""
    path = rows_path(f"EntityDefinitions(LogicalName={text_literal(name)})", {"$select": "LogicalName"})
    try:
        dataverse.read(path)
    except Rejected as error:
        if error.status == 404:
            return False
        raise
    return True


def roles_of(dataverse: Dataverse, user_id: str) -> tuple[str, ...]:
    """Return the names of the security roles that a user has, those of teams left out."""
    path = rows_path(f"systemusers({user_id})/systemuserroles_association", {"$select": "name"})
    return tuple(str(row["name"]) for row in dataverse.read(path)["value"])


def _jobs(dataverse: Dataverse) -> Iterator[Payload]:
    """Yield the imports of our solution, newest first."""
    query = {
        "$select": _JOB,
        "$filter": f"solutionname eq {text_literal(UNIQUE_NAME)}",
        "$orderby": "startedon desc",
        "$top": "5",
    }
    return dataverse.list_rows("importjobs", query)
