"""What an administrator does in a town: switches the solution's steps on, and connects Xero again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.connections import Connection
from simulators.dataverse import DataverseSimulator
from solution.install.finishing import ENABLED, endpoint_row
from solution.install.site import Webhook
from solution.webhook import ENDPOINT_ID, STEPS
from tests.simulation.fault_plan import TOKEN, Plan
from tests.world import World


def switch_on(dynamics: DataverseSimulator, webhook: Webhook) -> None:
    """Let the steps of the installed solution post there, as its installer does."""
    person = dynamics.user("Administrator")
    dynamics._env.roles[person.id] = ("System Administrator",)
    person.update("serviceendpoint", ENDPOINT_ID, endpoint_row(webhook))
    for step in STEPS:
        person.update("sdkmessageprocessingstep", step.id, dict(ENABLED))


def connect_again(world: World, joined: Sequence[Connection], plan: Plan) -> None:
    """Give anew what has ended by Xero's own rule, after a refresh that nobody heard of.

    Such a refresh has to be repeated within half an hour, and everything may be broken for that long.
    """
    if not any(TOKEN in text for _, text, _ in plan.told):
        return
    for connection in joined:
        consent = world.joiner.consents.get(connection.xero_consent_id)
        held = world.xero.identity.refresh_tokens.get(consent.refresh_token)
        if held is not None and not held.usable(world.clock.now()):
            given = world.xero.refresh_token(consent.client_id, [connection.xero_tenant_id])
            renewed = replace(consent, refresh_token=given, previous_refresh_token="", access_token="")
            world.joiner.consents.save(renewed)
            plan.told.append((world.clock.now(), "connect_again", ("connected again", 1)))
