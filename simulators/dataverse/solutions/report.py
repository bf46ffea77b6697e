"""What the platform tells of staging and of importing: results of a stage, a job's report, an import's result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from simulators.dataverse.environment import Environment
from simulators.dataverse.import_state import Failure, Outcome
from simulators.dataverse.solutions.checking import find_solution
from simulators.dataverse.solutions.failing import hexadecimal
from simulators.dataverse.solutions.parts import (
    APP,
    COLUMN,
    ENDPOINT,
    KEY,
    OPTION_SET,
    RELATIONSHIP,
    ROLE,
    ROW_COMPONENTS,
    SITE_MAP,
    STEP,
    TABLE,
    Component,
    Dependency,
    Package,
)

Json = dict[str, Any]
NO_ID = "00000000-0000-0000-0000-000000000000"
_TYPE_NAMES = {TABLE: "Entity", COLUMN: "Attribute", STEP: "SDKMessageProcessingStep"}
# Where a component stands in a job's report: the list, and what one is called in it.
_PLACES = {
    TABLE: ("entities", "entity"),
    OPTION_SET: ("optionSets", "optionSet"),
    ROLE: ("securityroles", "securityrole"),
    STEP: ("SdkMessageProcessingSteps", "SdkMessageProcessingStep"),
    ENDPOINT: ("ServiceEndpoints", "ServiceEndpoint"),
    APP: ("appModules", "appModule"),
    SITE_MAP: ("siteMaps", "siteMap"),
}
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def stage_results(
    env: Environment,
    package: Package | None,
    failures: Sequence[Failure],
    missing: Sequence[Dependency],
    upload_id: str,
) -> Json:
    """Return StageSolutionResults; `package` is None when the file could not be read."""
    return {
        "StageSolutionUploadId": NO_ID if failures else upload_id,
        "StageSolutionStatus": "Failed" if failures else "Passed",
        "SolutionValidationResults": [_validation(one) for one in failures],
        "MissingDependencies": [_missing(one) for one in missing],
        "SolutionDetails": None if package is None else _details(env, package),
        "SolutionComponentsDetails": [] if package is None else [_component(env, one) for one in package.components],
    }


def _validation(failure: Failure) -> Json:
    return {
        "SolutionValidationResultType": "Error",
        "Message": failure.message,
        "ErrorCode": failure.code,
        "AdditionalInfo": None,
    }


def _missing(dependency: Dependency) -> Json:
    sides = {
        "Required": (dependency.required_type, dependency.required_name),
        "Dependent": (dependency.dependent_type, dependency.dependent_name),
    }
    document: Json = {"CanResolveMissingDependency": False, "MissingPackages": []}
    for side, (kind, name) in sides.items():
        document |= {
            f"{side}ComponentType": _TYPE_NAMES.get(kind, str(kind)),
            f"{side}ComponentSchemaName": name,
            f"{side}ComponentDisplayName": name,
            f"{side}ComponentId": NO_ID,
            f"{side}ComponentParentSchemaName": None,
            f"{side}ComponentParentDisplayName": None,
        }
    return document | {"RequiredSolutionName": dependency.solution}


def _details(env: Environment, package: Package) -> Json:
    manifest = package.manifest
    before = find_solution(env, manifest.unique_name) or {}
    publisher = env.row("publisher", before["publisherid"].id) if before else {}
    return {
        "SolutionUniqueName": manifest.unique_name,
        "SolutionFriendlyName": manifest.friendly_name,
        "SolutionDescription": manifest.description,
        "SolutionVersion": manifest.version,
        "IsManaged": manifest.is_managed,
        "PublisherUniqueName": manifest.publisher.unique_name,
        "PublisherFriendlyName": manifest.publisher.friendly_name,
        "PreviousSolutionUniqueName": before.get("uniquename"),
        "PreviousSolutionFriendlyName": before.get("friendlyname"),
        "PreviousSolutionVersion": before.get("version"),
        "PreviousIsManaged": bool(before.get("ismanaged")),
        "PreviousPublisherUniqueName": publisher.get("uniquename"),
        "PreviousPublisherFriendlyName": publisher.get("friendlyname"),
        "PreviousPatchSolutionsNames": [],
        "HasPendingUpgrade": False,
        "IsPatchSolution": False,
        "IsPrerequisitesExport": False,
    }


def _component(env: Environment, component: Component) -> Json:
    if component.type in ROW_COMPONENTS:
        present = str(env.store.find(ROW_COMPONENTS[component.type], component.id) is not None)
    elif component.type == TABLE:
        present = str(component.name in env.schema.by_name)
    else:
        present = "Unknown"
    return {
        "ComponentName": component.name,
        "ComponentTypeName": _component_type(component.type),
        "IsPresentInOrg": present,
        "Attributes": {"Count": 0, "IsReadOnly": False, "Keys": [], "Values": []},
    }


def _component_type(kind: int) -> str:
    names = {TABLE: "entity", COLUMN: "attribute", KEY: "entitykey", RELATIONSHIP: "entityrelationship"}
    return names.get(kind) or ROW_COMPONENTS.get(kind, "optionset")


def job_data(
    package: Package | None, outcome: Outcome | None, started: datetime, ended: datetime, progress: str
) -> str:
    """Return an import job's `data`: how each component fared. Without `outcome` the import still runs."""
    root = Element("importexportxml", start=_ticks(started), stop=_ticks(ended), progress=progress, processed="true")
    manifests = SubElement(root, "solutionManifests")
    failures = outcome.failures if outcome else ()
    if package is None:
        _add_result(SubElement(manifests, "solutionManifest", processed="true"), failures[:1], ended)
        return tostring(root, encoding="unicode")
    _add_manifest(manifests, package, outcome, ended)
    lists = {name: SubElement(root, name) for name, _ in _PLACES.values()}
    by_name: dict[tuple[str, str], Failure] = {(one.kind.lower(), one.name.lower()): one for one in failures}
    warned = {one.name: one for one in (outcome.warnings if outcome else ())}
    for component in package.components:
        if component.type not in _PLACES:
            continue
        parent, tag = _PLACES[component.type]
        element = SubElement(lists[parent], tag, id=component.id, LocalizedName=component.name, processed="true")
        if outcome is None:
            element.set("processed", "false")
        else:
            wrong = by_name.get((_component_type(component.type), component.name.lower()))
            wrong = wrong or by_name.get((tag.lower(), component.name.lower()))
            _add_result(element, (wrong,) if wrong else (), ended, warned.get(component.id))
    return tostring(root, encoding="unicode")


def _add_manifest(parent: Element, package: Package, outcome: Outcome | None, ended: datetime) -> None:
    manifest = package.manifest
    element = SubElement(
        parent,
        "solutionManifest",
        languagecode="1033",
        id=manifest.unique_name,
        LocalizedName=manifest.friendly_name,
        processed="false" if outcome is None else "true",
    )
    SubElement(element, "UniqueName").text = manifest.unique_name
    names = SubElement(element, "LocalizedNames")
    SubElement(names, "LocalizedName", description=manifest.friendly_name, languagecode="1033")
    SubElement(element, "Version").text = manifest.version
    SubElement(element, "Managed").text = "1" if manifest.is_managed else "0"
    publisher = SubElement(element, "Publisher")
    SubElement(publisher, "UniqueName").text = manifest.publisher.unique_name
    SubElement(element, "results")
    if outcome is not None:
        _add_result(element, outcome.failures[:1], ended)


def _add_result(parent: Element, failures: Sequence[Failure], at: datetime, warning: Failure | None = None) -> None:
    said = failures[0] if failures else warning
    result = "failure" if failures else "warning" if warning else "success"
    SubElement(
        parent,
        "result",
        result=result,
        errorcode="0" if said is None else hexadecimal(said.code).upper().replace("0X", "0x"),
        errortext="" if said is None else said.message,
        datetime=at.strftime("%H:%M:%S.%f")[:11],
        datetimeticks=_ticks(at),
    )


def _ticks(at: datetime) -> str:
    """Tenths of microseconds since the year 1, as .NET counts."""
    return str((at - _EPOCH) // timedelta(microseconds=1) * 10)


def import_result(outcome: Outcome, formatted: str) -> Json:
    """Return SolutionOperationResult."""
    return {
        "Type": "Import",
        "Status": "Failed" if outcome.failures else "Passed",
        "WarningMessages": [_message(one) for one in outcome.warnings],
        "ErrorMessages": [_message(one) for one in outcome.failures],
        "FormattedResults": formatted,
        "ActionLink": {"Label": None, "Target": None},
    }


def _message(failure: Failure) -> Json:
    return {"ErrorCode": hexadecimal(failure.code), "Message": failure.message}


def worksheet(outcome: Outcome, unique_name: str) -> str:
    """Return the report as the spreadsheet that people download, cut down to one row a component."""
    rows = [(unique_name, "Failure" if outcome.failures else "Processed", "", "")]
    rows += [(one.name, "Failure", hexadecimal(one.code), one.message) for one in outcome.failures]
    rows += [(one.name, "Warning", hexadecimal(one.code), one.message) for one in outcome.warnings]
    book = Element("Workbook", xmlns="urn:schemas-microsoft-com:office:spreadsheet")
    table = SubElement(SubElement(book, "Worksheet", {"ss:Name": "Components"}), "Table")
    for row in (("Name", "Status", "ErrorCode", "ErrorText"), *rows):
        cells = SubElement(table, "Row")
        for value in row:
            SubElement(SubElement(cells, "Cell"), "Data", {"ss:Type": "String"}).text = value
    return '<?xml version="1.0"?>' + tostring(book, encoding="unicode")
