"""From customizations.xml: roles with their privileges, service endpoints, steps with their images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from simulators.dataverse.privileges import DEPTHS
from simulators.dataverse.schema import Ref
from simulators.dataverse.solutions.failing import invalid_xml
from simulators.dataverse.solutions.parts import ENDPOINT, IMAGE, ROLE, STEP, Grant, Need, RowPart, StepPart
from simulators.dataverse.solutions.xml import flag, guid, number, text

_PLUG_IN = "4602"
_ENDPOINT_NUMBERS = {
    "ConnectionMode": "connectionmode",
    "Contract": "contract",
    "UserClaim": "userclaim",
    "AuthType": "authtype",
    "MessageFormat": "messageformat",
    "NamespaceFormat": "namespaceformat",
}
_ENDPOINT_TEXTS = {
    "Description": "description",
    "Path": "path",
    "SolutionNamespace": "solutionnamespace",
    "NamespaceAddress": "namespaceaddress",
    "SASKeyName": "saskeyname",
    "Url": "url",
}
_STEP_NUMBERS = {
    "InvocationSource": "invocationsource",
    "Mode": "mode",
    "Rank": "rank",
    "Stage": "stage",
    "SupportedDeployment": "supporteddeployment",
}


def read_roles(root: Element) -> tuple[tuple[RowPart, ...], tuple[Grant, ...]]:
    roles, grants = [], []
    for one in root.findall("Roles/Role"):
        role_id, name = guid(one.get("id")), one.get("name") or ""
        roles.append(RowPart(ROLE, role_id, name, {"name": name}))
        for privilege in one.findall("RolePrivileges/RolePrivilege"):
            level = privilege.get("level") or ""
            if level not in DEPTHS:
                detail = (
                    f"The 'level' attribute is invalid - The value '{level}' is invalid according to its datatype"
                )
                raise invalid_xml(detail, "<RolePrivilege>")
            grants.append(Grant(role_id, privilege.get("name") or "", DEPTHS[level]))
    return tuple(roles), tuple(grants)


def read_endpoints(root: Element) -> Iterator[RowPart]:
    """Yield the endpoints. What proves to the receiver who is calling is never in a file."""
    for one in root.findall("ServiceEndpoints/ServiceEndpoint"):
        endpoint_id, name = guid(one.get("ServiceEndpointId")), one.get("Name") or ""
        values: dict[str, Any] = {"name": name}
        for tag, column in _ENDPOINT_NUMBERS.items():
            values[column] = number(one, tag)
        for tag, column in _ENDPOINT_TEXTS.items():
            values[column] = text(one, tag) or None
        given = {column: value for column, value in values.items() if value is not None}
        yield RowPart(ENDPOINT, endpoint_id, name, given)


def read_steps(root: Element) -> tuple[tuple[StepPart, ...], tuple[Need, ...]]:
    """Return the steps, and what they name. Only steps that call an endpoint can be here."""
    steps: list[StepPart] = []
    needs: list[Need] = []
    for one in root.findall("SdkMessageProcessingSteps/SdkMessageProcessingStep"):
        step_id, name = guid(one.get("SdkMessageProcessingStepId")), one.get("Name") or ""
        watched = text(one, "FilteringAttributes")
        values: dict[str, Any] = {"name": name, "asyncautodelete": flag(one, "AsyncAutoDelete")}
        for tag, column in _STEP_NUMBERS.items():
            values[column] = number(one, tag)
        for tag, column in (("Description", "description"), ("FilteringAttributes", "filteringattributes")):
            values[column] = text(one, tag) or None
        table = text(one, "PrimaryEntity").lower()
        images = tuple(_images(one, step_id))
        endpoint_id = guid(text(one, "EventHandler"))
        if text(one, "EventHandlerTypeCode") == _PLUG_IN:
            endpoint_id = ""
        given = {column: value for column, value in values.items() if value is not None}
        row = RowPart(STEP, step_id, name, given)
        steps.append(StepPart(row, guid(text(one, "SdkMessageId")), table, endpoint_id, images))
        needs += _needs(table, step_id, watched, images)
    return tuple(steps), tuple(needs)


def _images(step: Element, step_id: str) -> Iterator[RowPart]:
    path = "SdkMessageProcessingStepImages/SdkMessageProcessingStepImage"
    for one in step.findall(path):
        name = one.get("Name") or text(one, "Name")
        values = {
            "name": name or text(one, "EntityAlias"),
            "entityalias": text(one, "EntityAlias"),
            "imagetype": number(one, "ImageType"),
            "messagepropertyname": text(one, "MessagePropertyName"),
            "attributes": text(one, "Attributes") or None,
            "sdkmessageprocessingstepid": Ref("sdkmessageprocessingstep", step_id),
        }
        given = {column: value for column, value in values.items() if value is not None}
        yield RowPart(IMAGE, guid(text(one, "SdkMessageProcessingStepImageId")), name, given)


def _needs(table: str, step_id: str, watched: str, images: tuple[RowPart, ...]) -> Iterator[Need]:
    if not table or table == "none":
        return
    yield Need("table", table, table, STEP, step_id)
    for name in filter(None, watched.split(",")):
        yield Need("column", table, name.strip().lower(), STEP, step_id)
    for image in images:
        for name in filter(None, str(image.values.get("attributes", "")).split(",")):
            yield Need("column", table, name.strip().lower(), IMAGE, image.id)
