"""Rules of solution.xml and of the list of files: name, version, publisher, root components, dependencies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from solution.lint.findings import Complaints, Rule
from solution.lint.model import PREFIX, Package
from solution.lint.reading import CONTENT_TYPES, TYPES
from solution.lint.tokens import MANIFEST_ORDER, PUBLISHER_ORDER
from solution.lint.trees import Element, bare, number, repeated, text

_NAME = re.compile(r"[A-Za-z0-9_]{1,65}")
_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){3}")
_OCTETS = "application/octet-stream"
_FILE_NAMES = ("FileName", "JsonFileName", "XamlFileName", "FormulaDefinitionFileName")
_MANIFEST = "SolutionManifest"
_ROOTS = "SolutionManifest/RootComponents/RootComponent"

# Kinds of components: where customizations.xml has them, and what identifies each there.
_BY_NAME = {
    "1": ("table", "Entities/Entity", "Name"),
    "9": ("global option set", "optionsets/optionset", "@Name"),
    "61": ("web resource", "WebResources/WebResource", "Name"),
    "62": ("site map", "AppModuleSiteMaps/AppModuleSiteMap", "SiteMapUniqueName"),
    "80": ("app", "AppModules/AppModule", "UniqueName"),
}
_BY_ID = {
    "20": ("security role", "Roles/Role", "@id"),
    "91": ("plug-in assembly", "SolutionPluginAssemblies/PluginAssembly", "@PluginAssemblyId"),
    "92": ("step", "SdkMessageProcessingSteps/SdkMessageProcessingStep", "@SdkMessageProcessingStepId"),
    "95": ("service endpoint", "ServiceEndpoints/ServiceEndpoint", "@ServiceEndpointId"),
}
_FORMS = ("24", "60")
_NAMED = (_BY_NAME.keys() | _BY_ID.keys() | {*_FORMS}) - {"62"}  # the old site map of everything has no name


def _names(package: Package) -> Complaints:
    for one in package.manifest.iterfind(f"{_MANIFEST}/UniqueName"):
        if not _NAME.fullmatch(text(one)) or "_upgrade" in text(one).lower():
            yield one, f"{text(one)!r} is no name of a solution: letters, digits and underscores, without '_upgrade'."
    if not text(package.manifest, f"{_MANIFEST}/UniqueName"):
        yield package.manifest, "The solution has no unique name."


def _version(package: Package) -> Complaints:
    version = text(package.manifest, f"{_MANIFEST}/Version")
    if not _VERSION.fullmatch(version):
        place = package.manifest.find(f"{_MANIFEST}/Version")
        yield _or(place, package.manifest), f"{version!r} is no version of four numbers, such as 1.0.0.0."


def _managed(package: Package) -> Complaints:
    managed = text(package.manifest, f"{_MANIFEST}/Managed")
    if managed not in ("0", "1"):
        place = package.manifest.find(f"{_MANIFEST}/Managed")
        yield _or(place, package.manifest), f"Managed is {managed!r}; it is 1 in managed packages and 0 in others."


def _publisher(package: Package) -> Complaints:
    publisher = package.manifest.find(f"{_MANIFEST}/Publisher")
    if publisher is None or not text(publisher, "UniqueName"):
        yield _or(publisher, package.manifest), "The solution has no publisher with a unique name."
        return
    prefix = text(publisher, "CustomizationPrefix")
    if not PREFIX.fullmatch(prefix):
        message = f"{prefix!r} is no prefix: 2 to 8 letters and digits, a letter first, not starting with 'mscrm'."
        yield _or(publisher.find("CustomizationPrefix"), publisher), message


def _option_prefix(package: Package) -> Complaints:
    for publisher in package.manifest.iterfind(f"{_MANIFEST}/Publisher"):
        prefix = number(text(publisher, "CustomizationOptionValuePrefix"))
        if prefix is None or not 10_000 <= prefix <= 99_999:
            place = publisher.find("CustomizationOptionValuePrefix")
            yield _or(place, publisher), "The prefix of option values is not a number from 10000 to 99999."


def _order(package: Package) -> Complaints:
    for path, order in ((_MANIFEST, MANIFEST_ORDER), (f"{_MANIFEST}/Publisher", PUBLISHER_ORDER)):
        for parent in package.manifest.iterfind(path):
            places = [(order.index(str(one.tag)), one) for one in parent if one.tag in order]
            for (before, earlier), (after, later) in pairwise(places):
                if after < before:
                    yield later, f"{later.tag} stands after {earlier.tag}; exports have it before."


def _root_kinds(package: Package) -> Complaints:
    for root in package.manifest.iterfind(_ROOTS):
        kind, behavior = number(root.get("type")), root.get("behavior", "0")
        if kind is None or kind < 1:
            yield root, f"{root.get('type')!r} is no type of a component; types are numbers, 1 for a table."
        if behavior not in ("0", "1", "2"):
            yield root, f"{behavior!r} is no behavior: 0 is all of it, 1 without its parts, 2 only what is named."
        if not root.get("schemaName") and not root.get("id") and root.get("type") in _NAMED:
            yield root, "The root component has neither schemaName nor id."


def _root_order(package: Package) -> Complaints:
    kinds = [(number(root.get("type")) or 0, root) for root in package.manifest.iterfind(_ROOTS)]
    for (before, _), (after, root) in pairwise(kinds):
        if after < before:
            yield root, f"Root components are sorted by type; {after} stands after {before}."


def _root_repeated(package: Package) -> Complaints:
    roots = package.manifest.findall(_ROOTS)
    named = ((root, f"{root.get('type')} {root.get('schemaName') or root.get('id') or ''}") for root in roots)
    for root, name in repeated(named):
        yield root, f"The root component {name} is listed twice."


def _root_undefined(package: Package) -> Complaints:
    kinds = {kind: called for kind, (called, _, _) in (_BY_NAME | _BY_ID).items()}
    defined = {kind: {name for _, name in _defined(package, kind)} for kind in kinds}
    kinds |= dict.fromkeys(_FORMS, "form")
    defined |= dict.fromkeys(_FORMS, _form_ids(package))
    for root in package.manifest.iterfind(_ROOTS):
        kind, name = root.get("type", ""), _identity(root)
        if name and kind in kinds and name not in defined[kind]:
            yield root, f"customizations.xml has no {kinds[kind]} {name}, which is listed as root component."


def _root_undeclared(package: Package) -> Complaints:
    roots = package.manifest.findall(_ROOTS)
    listed = {(root.get("type"), _identity(root)) for root in roots}
    for kind, (called, _, _) in (_BY_NAME | _BY_ID).items():
        for element, name in _defined(package, kind):
            if name and (kind, name) not in listed:
                yield element, f"The {called} {name} is not listed as root component (type {kind}) in solution.xml."


def _dependencies(package: Package) -> Complaints:
    for one in package.manifest.iterfind(f"{_MANIFEST}/MissingDependencies/MissingDependency"):
        required = one.find("Required")
        if required is None or one.find("Dependent") is None:
            yield one, "A missing dependency names what is Required and what is Dependent on it."
        elif required.get("solution") in ("", "Active"):
            name = required.get("schemaName") or required.get("id") or "Something"
            yield required, f"{name} is required and comes with no solution, so another organisation cannot have it."


def _content_types(package: Package) -> Complaints:
    kinds = {one.get("Extension", "").lower() for one in package.types.iterfind(f"{TYPES}Default")}
    named = {one.get("PartName", "").lower() for one in package.types.iterfind(f"{TYPES}Override")}
    for part in sorted(package.parts - {CONTENT_TYPES}):
        if PurePosixPath(part).suffix[1:].lower() not in kinds and f"/{part}".lower() not in named:
            yield package.types, f"No content type is given for {part}: a Default of its extension or an Override."
    for one in package.types:
        if one.get("ContentType") != _OCTETS:
            yield one, f"The content type is {one.get('ContentType')!r}; exports have {_OCTETS} for everything."


def _files(package: Package) -> Complaints:
    parts = {part.lower() for part in package.parts}
    for one in package.customizations.iter(*_FILE_NAMES):
        name = text(one)
        if name.startswith("/") and name[1:].lower() not in parts:
            yield one, f"The package has no file {name[1:]}."


def _identity(root: Element) -> str:
    kind = root.get("type", "")
    by_id = kind in _BY_ID or kind in _FORMS
    return bare(root.get("id", "")) if by_id else root.get("schemaName", "").lower()


def _defined(package: Package, kind: str) -> Iterator[tuple[Element, str]]:
    _, path, name = _BY_NAME.get(kind) or _BY_ID[kind]
    for element in package.customizations.iterfind(path):
        found = element.get(name[1:], "") if name.startswith("@") else text(element, name)
        yield element, bare(found)


def _form_ids(package: Package) -> set[str]:
    return {bare(text(one)) for one in package.customizations.iter("formid", "FormId", "FormID")}


def _or(element: Element | None, otherwise: Element) -> Element:
    return otherwise if element is None else element


RULES = (
    Rule("solution-name", "The solution's name is letters, digits and underscores, without `_upgrade`.", _names),
    Rule("solution-version", "The version has four parts.", _version),
    Rule("managed-flag", "The package says whether it is managed, by 1 or 0.", _managed),
    Rule("publisher", "The publisher has a name and a prefix of 2 to 8 letters and digits.", _publisher),
    Rule("option-prefix", "The publisher's prefix of option values is from 10000 to 99999.", _option_prefix),
    Rule("manifest-order", "The parts of solution.xml stand in the order of exports.", _order),
    Rule("root-component", "Every root component has a type, a behavior and a name or id.", _root_kinds),
    Rule("root-order", "Root components are sorted by type.", _root_order),
    Rule("root-repeated", "No root component is listed twice.", _root_repeated),
    Rule("root-undefined", "Every root component is in customizations.xml.", _root_undefined),
    Rule(
        "root-undeclared", "Every table, option set, role, app, step and so on is a root component.", _root_undeclared
    ),
    Rule("missing-dependency", "What the package asks for from elsewhere can be had.", _dependencies),
    Rule("content-types", "Every file has a content type, application/octet-stream.", _content_types),
    Rule("part-missing", "Files that customizations.xml names are in the package.", _files),
)
