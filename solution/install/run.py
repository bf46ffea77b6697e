"""All of an installation, from an empty organisation to one that may send invoices."""

from __future__ import annotations

from core.errors import Misconfigured
from solution.install.finishing import find_user, give_role, set_webhook
from solution.install.importing import import_package
from solution.install.site import Package, Site, Webhook
from solution.install.verifying import verify


def install(site: Site, package: Package, webhook: Webhook, *, application_id: str) -> None:
    """Import the package, let Dynamics post to us, give the connector's user its role, and look whether all is there.

    `application_id` is the app that the connector is in Dynamics. May be repeated at any point: what is done is found
    done. Raises Misconfigured with what is wrong and what to do, Disconnected, Transient, Limited, Unknown.
    """
    if import_package(site, package) and not package.is_managed:
        site.dataverse.perform("PublishAllXml", {})
        site.tell("Published")
    set_webhook(site, webhook)
    give_role(site, application_id)
    user_id = find_user(site.dataverse, application_id)
    drifts = list(verify(site.dataverse, address=webhook.address, user_id=user_id))
    if drifts:
        found = "\n".join(f"- {drift.where}: {drift.message}" for drift in drifts)
        raise Misconfigured(f"Installed, and not as it has to be:\n{found}")
    site.tell("Verified")
