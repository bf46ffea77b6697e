"""Rules of ids: GUIDs, each of one thing only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Package
from solution.lint.trees import Element, bare, repeated, text

_HEX = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GUID = re.compile(rf"{_HEX}|\{{{_HEX}\}}")
# By what an import knows things again: in elements, and in attributes of elements.
_OWN_ELEMENTS = ("formid", "savedqueryid", "SdkMessageProcessingStepImageId")
_PLUGINS = "SolutionPluginAssemblies/PluginAssembly"  # known by their names as well
_OWN_ATTRIBUTES = {
    "Roles/Role": "id",
    "SdkMessageProcessingSteps/SdkMessageProcessingStep": "SdkMessageProcessingStepId",
    "ServiceEndpoints/ServiceEndpoint": "ServiceEndpointId",
    _PLUGINS: "PluginAssemblyId",
}
_WEB_RESOURCE = "WebResources/WebResource"
# Ids of other things.
_ELEMENTS = ("PluginTypeId", "SdkMessageId", "EventHandler", "ViewId")
_IN_FORMS = {"tab": "id", "section": "id", "cell": "id", "control": "classid"}


def _own(package: Package) -> Iterator[tuple[Element, str]]:
    """Yield what an import knows by an id, with the id."""
    for one in package.customizations.iter(*_OWN_ELEMENTS):
        yield one, text(one)
    for path, name in _OWN_ATTRIBUTES.items():
        yield from ((one, one.get(name, "")) for one in package.customizations.iterfind(path))
    for one in package.customizations.iterfind(_WEB_RESOURCE):
        yield one, text(one, "WebResourceId")


def _others(package: Package) -> Iterator[tuple[Element, str]]:
    """Yield what names something by an id, where it does."""
    for one in package.customizations.iter(*_ELEMENTS):
        yield one, text(one)
    for form in package.customizations.iterfind("Entities/Entity/FormXml/forms/systemform/form"):
        for one in form.iter(*_IN_FORMS):
            yield one, one.get(_IN_FORMS[str(one.tag)], "")
    for one in package.manifest.iterfind("SolutionManifest/RootComponents/RootComponent"):
        yield one, one.get("id", "")
    for one in package.customizations.iterfind("AppModules/AppModule/AppModuleRoleMaps/Role"):
        yield one, one.get("id", "")


def _formed(package: Package) -> Complaints:
    for one, guid in (*_own(package), *_others(package)):
        if guid and not _GUID.fullmatch(guid):
            yield one, f"{guid[:100]!r} is no GUID: 8, 4, 4, 4 and 12 hexadecimal digits, in braces or without."


def _unique(package: Package) -> Complaints:
    for one, guid in repeated((one, bare(guid)) for one, guid in _own(package)):
        yield one, f"Something else has the id {guid}, too; an import would take one for the other."


def _present(package: Package) -> Complaints:
    for path, name in _OWN_ATTRIBUTES.items():
        for one in () if path == _PLUGINS else package.customizations.iterfind(path):
            if not one.get(name):
                yield one, f"{name} is missing, by which an import knows it again."


RULES = (
    Rule("guid", "Ids are GUIDs.", _formed),
    Rule("guid-repeated", "No two things have the same id.", _unique),
    Rule("guid-missing", "Roles, steps and endpoints have an id.", _present),
)
