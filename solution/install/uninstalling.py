"""Takes the solution out again."""

from __future__ import annotations

from clients.http import Seconds
from core.errors import Misconfigured, Rejected
from solution.install.finishing import stop_steps
from solution.install.site import Site
from solution.install.standing import find_installed

DELETION_S: Seconds = (5, 600)


def uninstall(site: Site) -> bool:
    """Remove the solution with its tables and rows; return whether there was one. May be repeated.

    An unmanaged one cannot be removed this way: deleting it leaves everything in place. Raises Misconfigured then,
    and where Dynamics refuses because something of the customer's depends on it; Unknown if no answer came.
    """
    installed = find_installed(site.dataverse)
    if installed is None:
        site.tell("The solution is not in this organisation")
        return False
    if not installed.is_managed:
        raise Misconfigured(
            "The solution is here unmanaged, for development. Deleting it would leave its tables, forms and steps: "
            "remove those by hand in Power Apps."
        )
    site.tell("Switching the steps off")
    stop_steps(site)
    site.tell(f"Removing version {installed.version} with its tables and their rows")
    try:
        site.dataverse.delete("solutions", installed.id, timeout_s=DELETION_S)
    except Rejected as error:
        said = " ".join(error.messages) or str(error)
        raise Misconfigured(
            f"Dynamics does not remove the solution: {said} Remove what depends on it first (Power Apps, Solutions, "
            f"Show dependencies)."
        ) from error
    site.tell("Removed")
    return True
