"""Takes the solution out again."""

from __future__ import annotations

from clients.http import Seconds
from core.errors import Misconfigured, Rejected
from solution.install.finishing import REPAIR, start_steps, steps_here, stop_steps
from solution.install.site import Site
from solution.install.standing import find_installed
from solution.webhook import ENDPOINT_ID

DELETION_S: Seconds = (5, 600)


def uninstall(site: Site) -> bool:
    """Remove the solution with its tables and rows; return whether there was anything of it. May be repeated.

    Endpoint and steps that the Web API alone has made go as well. An unmanaged solution cannot be removed this way:
    deleting it leaves everything in place. Raises Misconfigured then, and where Dynamics refuses because something of
    the customer's depends on it, with the steps running again; Unknown if no answer came.
    """
    installed = find_installed(site.dataverse)
    if installed is not None and not installed.is_managed:
        raise Misconfigured(
            "The solution is here unmanaged, for development. Deleting it would leave its tables, forms and steps: "
            "remove those by hand in Power Apps."
        )
    site.tell("Switching the steps off")
    stopped = stop_steps(site)
    registered = _remove_registration(site)
    if installed is None:
        site.tell("The solution is not in this organisation")
        return registered
    site.tell(f"Removing version {installed.version} with its tables and their rows")
    try:
        _remove(site, installed.id)
    except Misconfigured as error:
        if registered:
            raise Misconfigured(f"{error} Endpoint and steps are removed. {REPAIR}") from error
        start_steps(site, stopped)
        raise
    site.tell("Removed")
    return True


def _remove(site: Site, solution_id: str) -> None:
    try:
        site.dataverse.delete("solutions", solution_id, timeout_s=DELETION_S)
    except Rejected as error:
        said = " ".join(error.messages) or str(error)
        remedy = ""
        if "dependenc" in said.lower():
            remedy = " Remove what depends on it first (Power Apps, Solutions, Show dependencies)."
        raise Misconfigured(f"Dynamics does not remove the solution: {said}{remedy}") from error


def _remove_registration(site: Site) -> bool:
    """Remove endpoint and steps that the Web API alone has made: no solution takes them along. Return whether any."""
    dataverse = site.dataverse
    endpoint = dataverse.find("serviceendpoints", ENDPOINT_ID, select="ismanaged")
    if endpoint is None or endpoint["ismanaged"]:
        return False
    for step_id in steps_here(dataverse):
        dataverse.delete("sdkmessageprocessingsteps", step_id)
    dataverse.delete("serviceendpoints", ENDPOINT_ID)
    site.tell("Endpoint and steps are removed")
    return True
