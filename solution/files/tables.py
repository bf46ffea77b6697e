"""Tables: the `Entity` elements, our own whole, Dynamics' own with nothing but what we add."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core import columns
from core.tables import Table
from solution.files.attributes import attributes_of, columns_of
from solution.files.forms import form_xml
from solution.files.views import saved_queries
from solution.files.xml import descriptions, display_names, localized, localized_names, node, texts
from solution.forms import FORMS
from solution.names import VERSION
from solution.standard import STANDARD, StandardTable
from solution.views import VIEWS, plural_of

# What a table is and can do, as exports say it, all of it plain: rows that the connector writes and people look at.
_SETTINGS = {
    "IsDuplicateCheckSupported": "0",
    "IsBusinessProcessEnabled": "0",
    "IsRequiredOffline": "0",
    "IsInteractionCentricEnabled": "0",
    "IsCollaboration": "0",
    "AutoRouteToOwnerQueue": "0",
    "IsConnectionsEnabled": "0",
    "IsDocumentManagementEnabled": "0",
    "AutoCreateAccessTeams": "0",
    "IsOneNoteIntegrationEnabled": "0",
    "IsKnowledgeManagementEnabled": "0",
    "IsSLAEnabled": "0",
    "IsDocumentRecommendationsEnabled": "0",
    "IsBPFEntity": "0",
    "OwnershipTypeMask": "OrgOwned",
    "IsAuditEnabled": "0",
    "IsActivity": "0",
    "ActivityTypeMask": "",
    "IsActivityParty": "0",
    "IsReplicated": "0",
    "IsReplicationUserFiltered": "0",
    "IsMailMergeEnabled": "0",
    "IsVisibleInMobile": "0",
    "IsVisibleInMobileClient": "1",
    "IsReadOnlyInMobileClient": "0",
    "IsOfflineInMobileClient": "0",
    "DaysSinceRecordLastModified": "0",
    "MobileOfflineFilters": "",
    "IsMapiGridEnabled": "1",
    "IsReadingPaneEnabled": "1",
    "IsQuickCreateEnabled": "0",
    "SyncToExternalSearchIndex": "0",
    "IntroducedVersion": VERSION,
    "IsCustomizable": "1",
    "IsRenameable": "1",
    "IsMappable": "1",
    "CanModifyAuditSettings": "1",
    "CanModifyMobileVisibility": "1",
    "CanModifyMobileClientVisibility": "1",
    "CanModifyMobileClientReadOnly": "1",
    "CanModifyMobileClientOffline": "1",
    "CanModifyConnectionSettings": "1",
    "CanModifyDuplicateDetectionSettings": "1",
    "CanModifyMailMergeSettings": "1",
    "CanModifyQueueSettings": "1",
    "CanCreateAttributes": "1",
    "CanCreateForms": "1",
    "CanCreateCharts": "1",
    "CanCreateViews": "1",
    "CanModifyAdditionalSettings": "1",
    "CanEnableSyncToExternalSearchIndex": "1",
    "EnforceStateTransitions": "0",
    "CanChangeHierarchicalRelationship": "1",
    "EntityHelpUrlEnabled": "0",
    "ChangeTrackingEnabled": "0",
    "CanChangeTrackingBeEnabled": "1",
    "IsEnabledForExternalChannels": "0",
}


def entities() -> Iterator[Element]:
    """Yield every table of the solution, by name."""
    ours = {table.name: table for table in columns.TABLES}
    for name in sorted((*ours, *STANDARD)):
        yield _own(ours[name]) if name in ours else _extended(STANDARD[name])


def _own(table: Table) -> Element:
    plural = plural_of(table)
    entity = node(
        "entity",
        localized_names(table.label),
        localized("LocalizedCollectionNames", "LocalizedCollectionName", plural),
        descriptions(table.description),
        node("attributes", *attributes_of(table)),
        node("EntitySetName", table.set_name),
        *texts(**_SETTINGS),
        node("EntityKeys", *(_key(table, name, parts) for name, parts in table.keys)),
        Name=table.name,
    )
    return _entity(table.name, table.name, table.label, table.label, entity)


def _extended(table: StandardTable) -> Element:
    own = columns_of(table.name, columns.ON_STANDARD_TABLES[table.name])
    entity = node("entity", node("attributes", *own), Name=table.schema_name)
    return _entity(table.name, table.schema_name, table.label, "", entity)


def _entity(name: str, schema_name: str, label: str, original: str, entity: Element) -> Element:
    views = [view for view in VIEWS if view.table == name]
    return node(
        "Entity",
        node("Name", schema_name, LocalizedName=label, OriginalName=original),
        node("EntityInfo", entity),
        form_xml(form for form in FORMS if form.table == name),
        *([saved_queries(views)] if views else []),
        _no_ribbon(),
    )


def _key(table: Table, name: str, parts: tuple[str, ...]) -> Element:
    labels_of = {column.name: column.label for column in table.columns}
    return node(
        "EntityKey",
        *texts(Name=name, LogicalName=name, IntroducedVersion=VERSION, IsCustomizable="0"),
        node("EntityKeyAttributes", *(node("AttributeName", part) for part in parts)),
        display_names(", ".join(labels_of[part] for part in parts)),
    )


def _no_ribbon() -> Element:
    return node(
        "RibbonDiffXml",
        node("CustomActions"),
        node("Templates", node("RibbonTemplates", Id="Mscrm.Templates")),
        node("CommandDefinitions"),
        node("RuleDefinitions", node("TabDisplayRules"), node("DisplayRules"), node("EnableRules")),
        node("LocLabels"),
    )
