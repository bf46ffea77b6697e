"""What is in Dynamics already, and what is to be done about it before anything is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from clients.dataverse import Dataverse, rows_path, text_literal
from core.errors import Misconfigured, Rejected
from solution.install.site import Package, parts_of
from solution.names import DISPLAY_NAME, UNIQUE_NAME

Action = Literal["import", "upgrade", "nothing"]
ADMINISTRATOR = "System Administrator"
PATIENCE = timedelta(hours=1)  # what has not ended by then never will


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

    roles: tuple[str, ...]
    has_sales: bool
    installed: Installed | None
    running: Job | None


def look(dataverse: Dataverse) -> Standing:
    """Ask Dynamics; nothing is changed. Raises Transient, Limited, Disconnected."""
    user_id = str(dataverse.who_am_i()["UserId"])
    return Standing(
        roles_of(dataverse, user_id),
        has_table(dataverse, "invoice"),
        find_installed(dataverse),
        _find_running(dataverse),
    )


def plan(standing: Standing, package: Package, *, again: bool = False) -> Action:
    """Return what to do; `again`: import also what is there in this version, since parts of it have gone.

    Raises Misconfigured saying why nothing can be done, and what to do about that.
    """
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
        return "import" if again else "nothing"
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


def find_job(dataverse: Dataverse, job_id: str) -> Job | None:
    """Return the import of this id, if it has begun."""
    row = dataverse.find("importjobs", job_id, select="importjobid")
    return None if row is None else Job(job_id)


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


def _find_running(dataverse: Dataverse) -> Job | None:
    """Return an import of our solution that is under way: begun within the hour, by Dynamics' own clock."""
    query = {
        "$select": "importjobid,createdon",
        "$filter": f"solutionname eq {text_literal(UNIQUE_NAME)} and completedon eq null",
        "$orderby": "createdon desc",
    }
    for row in dataverse.list_rows("importjobs", query):
        begun, now = datetime.fromisoformat(str(row["createdon"])), dataverse.server_time
        if now is None or now - begun < PATIENCE:
            return Job(str(row["importjobid"]))
    return None
