"""From customizations.xml to what it describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from xml.etree.ElementTree import Element

from simulators.dataverse.import_state import Failure
from simulators.dataverse.schema import Column, Key
from simulators.dataverse.solutions.attributes import (
    Surroundings,
    logical_name,
    options,
    read_column,
    read_states,
    type_of,
)
from simulators.dataverse.solutions.failing import FAILED, NO_PRIMARY_NAME, ImportFailed, invalid_xml
from simulators.dataverse.solutions.interface import read_interface
from simulators.dataverse.solutions.parts import Content, Link, Manifest, TablePart
from simulators.dataverse.solutions.registration import read_endpoints, read_roles, read_steps
from simulators.dataverse.solutions.xml import flag, label, text

# The order that the schema of the file demands.
_ORDER = (
    "Entities", "Roles", "Workflows", "FieldSecurityProfiles", "Templates", "RibbonDiffXml", "IsvConfig",
    "RelationshipRoles", "ConnectionRoles", "SiteMap", "EntityMaps", "EntityRelationships", "OrganizationSettings",
    "optionsets", "Reports", "RoutingRules", "ChannelPropertyGroups", "ConvertRules", "MobileOfflineProfiles", "Slas",
    "ChannelAccessProfiles", "ChannelAccessProfileRules", "Dashboards", "InteractionCentricDashboards", "Dialogs",
    "WebResources", "CustomControls", "SolutionPluginAssemblies", "SdkMessageProcessingSteps", "ServiceEndpoints",
    "AppModuleSiteMaps", "AppModules", "EntityDataProviders", "EntityDataSources", "Languages",
    "GlobalSearchConfigurations", "StoredProcedures",
)  # fmt: skip
# What newer files have besides, wherever it stands.
_NEWER = frozenset(
    {"EntityImageConfigs", "AttributeImageConfigs", "CanvasApps", "AIModels", "Connectors", "connectionreferences"}
)
_PLACES = {name: place for place, name in enumerate(_ORDER)}
_DELETES: dict[str, Literal["remove_link", "cascade", "restrict"]] = {
    "Cascade": "cascade",
    "Restrict": "restrict",
    "RemoveLink": "remove_link",
    "NoCascade": "remove_link",
}
_REFERENCING, _REFERENCED = "1", "0"
_COMPUTED_TWIN = "CalculationOf"


def read_content(root: Element, manifest: Manifest) -> Content:
    """Return what the file describes; raises ImportFailed when it breaks the file's schema."""
    _check_order(root)
    own_sets = {
        (one.get("Name") or "").lower(): options(one, "options/option")
        for one in root.findall("optionsets/optionset")
    }
    links = tuple(_links(root))
    by_column: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        by_column.setdefault((link.table, link.column), []).append(link)
    around = Surroundings(by_column, own_sets, manifest.managed_by)
    faults: list[Failure] = []
    entities = root.findall("Entities/Entity")
    tables = tuple(_table(entity, around, manifest, faults) for entity in entities)
    custom = {(table.name, column.name) for table in tables for column in table.columns if column.kind == "lookup"}
    rows, app_roles, needs = read_interface(root, entities)
    roles, grants = read_roles(root)
    steps, step_needs = read_steps(root)
    return Content(
        tables=tables,
        links=tuple(link for link in links if (link.table, link.column) in custom),
        option_sets=own_sets,
        rows=(*roles, *read_endpoints(root), *rows),
        steps=steps,
        grants=grants,
        app_roles=app_roles,
        needs=(*needs, *step_needs),
        faults=tuple(faults),
    )


def _check_order(root: Element) -> None:
    if root.tag != "ImportExportXml":
        raise invalid_xml(f"The '{root.tag}' element is not declared.", f"<{root.tag}>")
    last = -1
    for child in root:
        if child.tag in _NEWER:
            continue
        place = _PLACES.get(child.tag, -1)
        if place <= last:
            expected = ", ".join(_ORDER[last + 1 :])
            detail = (
                f"The element 'ImportExportXml' has invalid child element '{child.tag}'. "
                f"List of possible elements expected: '{expected}'."
            )
            raise invalid_xml(detail, f"<{child.tag}>")
        last = place


def _links(root: Element) -> Iterator[Link]:
    for one in root.findall("EntityRelationships/EntityRelationship"):
        if text(one, "EntityRelationshipType") != "OneToMany":
            continue
        name, column = one.get("Name") or "", text(one, "ReferencingAttributeName")
        roles = {
            text(role, "RelationshipRoleType"): text(role, "NavigationPropertyName")
            for role in one.findall("EntityRelationshipRoles/EntityRelationshipRole")
        }
        yield Link(
            name=name,
            table=text(one, "ReferencingEntityName").lower(),
            column=column.lower(),
            target=text(one, "ReferencedEntityName").lower(),
            navigation=roles.get(_REFERENCING) or column,
            collection=roles.get(_REFERENCED) or name,
            on_delete=_DELETES.get(text(one, "CascadeDelete"), "remove_link"),
        )


def _table(entity: Element, around: Surroundings, manifest: Manifest, faults: list[Failure]) -> TablePart:
    schema_name = text(entity, "Name")
    name = schema_name.lower()
    definition = entity.find("EntityInfo/entity")
    if definition is None:
        return TablePart(name, schema_name, is_new=False)
    attributes = definition.findall("attributes/attribute")
    keys = [one for one in attributes if type_of(one) == "primarykey"]
    columns = _columns(attributes, name, around, manifest, faults)
    if not keys:
        return TablePart(name, schema_name, is_new=False, columns=tuple(columns))
    names = [one for one in attributes if "PrimaryName" in text(one, "DisplayMask").split("|")]
    _check_primary_name(name, [logical_name(one) for one in names], faults)
    return TablePart(
        name=name,
        schema_name=schema_name,
        is_new=True,
        columns=(*columns, *read_states(attributes)),
        keys=tuple(_keys(definition, manifest.managed_by)),
        primary_id=logical_name(keys[0]),
        primary_name=logical_name(names[0]) if names else "",
        set_name=text(definition, "EntitySetName") or f"{name}s",
        display_name=label(definition, "LocalizedNames/LocalizedName"),
        display_collection_name=label(definition, "LocalizedCollectionNames/LocalizedCollectionName"),
        description=label(definition, "Descriptions/Description"),
        ownership="user" if text(definition, "OwnershipTypeMask") == "UserOwned" else "organization",
    )


def _columns(
    attributes: list[Element], table: str, around: Surroundings, manifest: Manifest, faults: list[Failure]
) -> list[Column]:
    """The columns of somebody's own; those that the platform keeps of every table are there anyway."""
    columns, alone = [], []
    for attribute in attributes:
        if not _is_own(attribute, manifest.publisher.prefix) or attribute.find(_COMPUTED_TWIN) is not None:
            continue
        try:
            column = read_column(attribute, table, around)
        except ImportFailed as fault:
            faults.extend(fault.failures)
            continue
        if column.kind == "lookup" and not column.targets:
            alone.append(column.name)
            continue
        columns.append(column)
    if alone:
        message = (
            f"The following attributes {', '.join(alone)} of entity {table} are missing their associated "
            "relationship definition in customizations xml"
        )
        faults.append(Failure(FAILED, message, "entity", table))
    return columns


def _is_own(attribute: Element, prefix: str) -> bool:
    if type_of(attribute) in ("primarykey", "state", "status", "owner"):
        return False
    if text(attribute, "IsCustomField"):
        return flag(attribute, "IsCustomField")
    return logical_name(attribute).startswith(f"{prefix}_")


def _check_primary_name(table: str, names: list[str], faults: list[Failure]) -> None:
    if not names:
        faults.append(
            Failure(NO_PRIMARY_NAME, f"PrimaryName attribute not found for Entity: {table}", "entity", table)
        )
    elif len(names) > 1:
        message = (
            f"The new {names[1]} attribute is set as the primary name attribute for the {table} entity. "
            f"The {table} entity already has the {names[0]} attribute set as the primary name attribute. "
            "An entity can only have one primary name attribute."
        )
        faults.append(Failure(FAILED, message, "entity", table))


def _keys(definition: Element, managed_by: str) -> Iterator[Key]:
    for one in definition.findall("EntityKeys/EntityKey"):
        columns = tuple((part.text or "").strip() for part in one.findall("EntityKeyAttributes/AttributeName"))
        yield Key(text(one, "Name"), columns, label(one, "displaynames/displayname"), managed_by)
