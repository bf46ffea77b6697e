"""What the platform checks when endpoints, steps and images are registered."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.store import Row

WEBHOOK = 8
WEBHOOK_KEY, HTTP_HEADER, HTTP_QUERY = 4, 5, 6
ASYNCHRONOUS, POST_OPERATION = 1, 40
_IMAGE_PROPERTY = {"Create": "Id", "SetState": "EntityMoniker"}


def check(env: Environment, table: str, row: Row) -> None:
    """Raise Refused when an endpoint, step or image could not work."""
    match table:
        case "serviceendpoint":
            _check_endpoint(row, env.store.find(table, row["serviceendpointid"]))
        case "sdkmessageprocessingstep":
            _check_step(env, row)
        case _:
            _check_image(env, row)


def settings(authvalue: str) -> dict[str, str]:
    """Read `<settings><setting name= value= /></settings>`; raises ValueError when it is something else."""
    try:
        root = ET.fromstring(authvalue)  # noqa: S314
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    if root.tag != "settings":
        raise ValueError(f"<{root.tag}>")
    return {entry.attrib["name"]: entry.attrib["value"] for entry in root.iter("setting")}


def message_name(env: Environment, step: Row) -> str:
    return str(env.row("sdkmessage", step["sdkmessageid"].id)["name"])


def _check_endpoint(row: Row, before: Row | None) -> None:
    """One that a solution brought has no secret at first; anybody else's must have one."""
    row["isauthvalueset"] = bool(row.get("authvalue"))
    row["issaskeyset"], row["issastokenset"] = bool(row.get("saskey")), bool(row.get("sastoken"))
    if row.get("contract") != WEBHOOK:
        return
    url = urlsplit(row.get("url") or "")
    if url.scheme not in ("http", "https") or not url.netloc:
        raise bad_request("The webhook needs a valid URL.", "0x80040203")
    authtype = row.get("authtype")
    if authtype not in (WEBHOOK_KEY, HTTP_HEADER, HTTP_QUERY):
        raise bad_request(f"The authentication type {authtype} is not valid for a webhook.", "0x80040203")
    brought = before is not None and before.get("authvalue") is None and row.get("authvalue") is None
    if authtype != WEBHOOK_KEY and not brought:
        try:
            settings(row.get("authvalue") or "")
        except (ValueError, KeyError) as error:
            code = "0x80050203" if authtype == HTTP_HEADER else "0x80050204"
            raise bad_request("The webhook authentication value is not valid.", code) from error


def _check_step(env: Environment, row: Row) -> None:
    if row.get("sdkmessageid") is None or row.get("eventhandler") is None:
        return  # the check for required columns names what is missing
    if row.get("mode") == ASYNCHRONOUS and row.get("stage") != POST_OPERATION:
        raise bad_request("Asynchronous steps are only supported in the post-operation stage.", "0x80040203")
    message = message_name(env, row)
    if row.get("filteringattributes") and message != "Update":
        raise bad_request("Filtering attributes are only supported for the Update message.", "0x80040203")
    step_filter = row.get("sdkmessagefilterid")
    if step_filter is not None:
        found = env.row("sdkmessagefilter", step_filter.id)
        if found["sdkmessageid"] != row["sdkmessageid"]:
            raise bad_request("The SdkMessageFilter does not belong to the SdkMessage.", "0x80040203")
        table = env.schema.by_name[found["primaryobjecttypecode"]]
        for name in filter(None, (row.get("filteringattributes") or "").split(",")):
            if name.strip() not in table.columns:
                raise bad_request(
                    f"The attribute {name.strip()} does not exist on {table.logical_name}.", "0x80040203"
                )


def _check_image(env: Environment, row: Row) -> None:
    if row.get("sdkmessageprocessingstepid") is None or row.get("imagetype") is None:
        return
    message = message_name(env, env.row("sdkmessageprocessingstep", row["sdkmessageprocessingstepid"].id))
    wants_before, wants_after = row["imagetype"] in (0, 2), row["imagetype"] in (1, 2)
    if (message == "Create" and wants_before) or (message == "Delete" and wants_after):
        raise Refused(400, "0x80040203", f"The {message} message does not support this type of image.")
    wanted = _IMAGE_PROPERTY.get(message, "Target")
    if str(row.get("messagepropertyname")).casefold() != wanted.casefold():
        raise bad_request(
            f"Message property name '{row.get('messagepropertyname')}' is not valid on message {message}.",
            "0x80040203",
        )
