"""What no package can hold: the address and secret of the webhook, and the connector's user with its role."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID
from xml.sax.saxutils import quoteattr

from clients.dataverse import Dataverse, Payload, rows_path, text_literal
from core.errors import Misconfigured
from solution import role
from solution.files.parts import ASYNCHRONOUS, HTTP_HEADER, POST_OPERATION
from solution.install.site import Site, Webhook
from solution.webhook import ENDPOINT_ID, STEPS

REPAIR = "`connector solution verify --webhooks api` registers endpoint and steps."
IN_BACKGROUND = {"mode": int(ASYNCHRONOUS), "stage": int(POST_OPERATION)}
ENABLED, DISABLED = {"statecode": 0, "statuscode": 1}, {"statecode": 1, "statuscode": 2}


def set_webhook(site: Site, webhook: Webhook) -> None:
    """Let the endpoint post to us, then let the steps run: in this order, so that nothing goes to the placeholder."""
    dataverse = site.dataverse
    if dataverse.find("serviceendpoints", ENDPOINT_ID, select="serviceendpointid") is None:
        raise Misconfigured(f"Dynamics does not have the solution's webhook endpoint. {REPAIR}")
    dataverse.update("serviceendpoints", ENDPOINT_ID, endpoint_row(webhook))
    site.tell("Webhook address and secret are set")
    standing = steps_here(dataverse)
    missing = [step.name for step in STEPS if step.id not in standing]
    if missing:
        raise Misconfigured(f"Dynamics does not have these steps of the solution: {', '.join(missing)}. {REPAIR}")
    for step in STEPS:
        if standing[step.id]["statecode"] != ENABLED["statecode"]:
            dataverse.update("sdkmessageprocessingsteps", step.id, dict(ENABLED))
    site.tell(f"{len(STEPS)} steps are enabled")


def endpoint_row(webhook: Webhook) -> Payload:
    """Return the columns of the endpoint that differ from one organisation to another."""
    setting = f"<setting name={quoteattr(webhook.header)} value={quoteattr(webhook.secret)} />"
    return {
        "url": webhook.address,
        "authtype": int(HTTP_HEADER),
        "authvalue": f"<settings>{setting}</settings>",
    }


def stop_steps(site: Site) -> list[str]:
    """Let Dynamics post nothing more; return the ids of the steps that ran."""
    here = steps_here(site.dataverse)
    running = [step_id for step_id, row in here.items() if row["statecode"] == ENABLED["statecode"]]
    for step_id in running:
        site.dataverse.update("sdkmessageprocessingsteps", step_id, dict(DISABLED))
    return running


def start_steps(site: Site, step_ids: Iterable[str]) -> None:
    for step_id in step_ids:
        site.dataverse.update("sdkmessageprocessingsteps", step_id, dict(ENABLED))


def steps_here(dataverse: Dataverse) -> dict[str, Payload]:
    """Return those of our steps that Dynamics has, by id."""
    wanted = {step.id for step in STEPS}
    query = {
        "$select": "sdkmessageprocessingstepid,statecode,mode,stage,filteringattributes,ismanaged",
        "$filter": f"_eventhandler_value eq {ENDPOINT_ID}",
    }
    rows = dataverse.list_rows("sdkmessageprocessingsteps", query)
    found = {str(row["sdkmessageprocessingstepid"]).lower(): row for row in rows}
    return {step_id: row for step_id, row in found.items() if step_id in wanted}


def images_here(dataverse: Dataverse) -> dict[str, frozenset[str]]:
    """Return what the images of our steps hold, by the step's id."""
    wanted = " or ".join(f"sdkmessageprocessingstepimageid eq {step.image_id}" for step in STEPS if step.before)
    query = {"$select": "attributes,_sdkmessageprocessingstepid_value", "$filter": wanted}
    return {
        str(row["_sdkmessageprocessingstepid_value"]).lower(): frozenset(str(row["attributes"] or "").split(","))
        for row in dataverse.list_rows("sdkmessageprocessingstepimages", query)
    }


def give_role(site: Site, application_id: str) -> None:
    """Let the connector's application user have the connector's role. Raises Misconfigured without such a user."""
    dataverse, user_id = site.dataverse, get_user(site.dataverse, application_id)
    if role_ids_of(dataverse, user_id) & set(own_roles(dataverse)):
        site.tell("The connector's user has its role")
        return
    reference = {"@odata.id": f"{dataverse.url}roles({_role_for(dataverse, user_id)})"}
    dataverse.perform(f"systemusers({user_id})/systemuserroles_association/$ref", reference)
    site.tell(f"The connector's user has got the role {role.ROLE_NAME}")


def find_user(dataverse: Dataverse, application_id: str) -> str | None:
    """Return the id of the user that an app is in Dynamics, if there is one. Raises ValueError if that is no id."""
    query = {"$select": "systemuserid", "$filter": f"applicationid eq {UUID(application_id)}"}
    return next((str(row["systemuserid"]) for row in dataverse.list_rows("systemusers", query)), None)


def get_user(dataverse: Dataverse, application_id: str) -> str:
    """Return the same; raises Misconfigured if there is no such user."""
    user_id = find_user(dataverse, application_id)
    if user_id is None:
        raise Misconfigured(
            f"Dynamics has no application user for the app {application_id}. Add it (Power Platform admin centre, "
            "Environments, Settings, Application users) and run the command again."
        )
    return user_id


def role_ids_of(dataverse: Dataverse, user_id: str) -> set[str]:
    path = rows_path(f"systemusers({user_id})/systemuserroles_association", {"$select": "roleid"})
    return {str(row["roleid"]).lower() for row in dataverse.read(path)["value"]}


def own_roles(dataverse: Dataverse) -> dict[str, str]:
    """Return the ids of our role with the business units they are for: Dynamics copies a role to each."""
    query = {"$select": "roleid,_businessunitid_value", "$filter": f"name eq {text_literal(role.ROLE_NAME)}"}
    rows: Sequence[Payload] = list(dataverse.list_rows("roles", query))
    return {str(row["roleid"]).lower(): str(row["_businessunitid_value"]).lower() for row in rows}


def _role_for(dataverse: Dataverse, user_id: str) -> str:
    """Return the id of our role in the business unit of a user; another unit's would be refused."""
    unit = dataverse.get("systemusers", user_id, select="_businessunitid_value")["_businessunitid_value"]
    found = own_roles(dataverse)
    for role_id, of_unit in found.items():
        if of_unit == str(unit).lower():
            return role_id
    raise Misconfigured(f"Dynamics does not have the role {role.ROLE_NAME}. Install the solution first.")
