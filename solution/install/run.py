"""All of an installation, from an empty organisation to one that may send invoices."""

from __future__ import annotations

from core.errors import Misconfigured
from solution.install.finishing import get_user, give_role, set_webhook
from solution.install.importing import import_package
from solution.install.repairing import register_webhook
from solution.install.site import Package, Site, Webhook
from solution.install.verifying import verify


def install(site: Site, package: Package, webhook: Webhook, *, application_id: str, again: bool = False) -> None:
    """Import the package, let Dynamics post to us, give the connector's user its role, and look whether all is there.

    `application_id` is the app that the connector is in Dynamics; `again` imports also the version that is there.
    May be repeated at any point: what is done is found done. Raises Misconfigured with what is wrong and what to do,
    Disconnected, Transient, Limited, Unknown.
    """
    get_user(site.dataverse, application_id)  # a slip is told before anything is changed
    if import_package(site, package, again=again) and not package.is_managed:
        site.dataverse.perform("PublishAllXml", {})
        site.tell("Published")
    if package.has_webhook:
        set_webhook(site, webhook)
    else:
        register_webhook(site, webhook)
    give_role(site, application_id)
    drifts = list(verify(site.dataverse, address=webhook.address, application_id=application_id))
    if drifts:
        found = "\n".join(f"- {drift.where}: {drift.message}" for drift in drifts)
        raise Misconfigured(f"Installed, and not as it has to be:\n{found}")
    site.tell("Verified")
