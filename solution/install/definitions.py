"""Our tables and columns as the metadata API takes them, which is the way to make them that Microsoft supports."""

from __future__ import annotations

from typing import Any

from core.tables import MEMO_LENGTH, NAME, Column, Table
from solution.files.attributes import DECIMAL_LIMIT, MONEY_LIMIT, PRECISION, schema_name
from solution.names import LANGUAGE, relationship_name
from solution.views import plural_of

Json = dict[str, Any]
_NAMESPACE = "Microsoft.Dynamics.CRM."
_USER_LOCAL = {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}}


def table_definition(table: Table) -> Json:
    """Return a table with its name column; what else it has is made afterwards."""
    name = Column(NAME, "string", table.name_label, "What the row is called.", max_length=table.name_length)
    return {
        "@odata.type": f"{_NAMESPACE}EntityMetadata",
        "SchemaName": table.name,
        "EntitySetName": table.set_name,
        "DisplayName": label(table.label),
        "DisplayCollectionName": label(plural_of(table)),
        "Description": label(table.description),
        "OwnershipType": "OrganizationOwned",
        "HasActivities": False,
        "HasNotes": False,
        "IsActivity": False,
        "Attributes": [column_definition(name) | {"IsPrimaryName": True}],
    }


def column_definition(column: Column) -> Json:
    """Return a column; lookups are made with their relationship."""
    kind, own = _own_part(column)
    return {
        "@odata.type": f"{_NAMESPACE}{kind}AttributeMetadata",
        "SchemaName": schema_name(column),
        "DisplayName": label(column.label),
        "Description": label(column.description),
        "RequiredLevel": {
            "Value": "None",
            "CanBeChanged": True,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        **own,
    }


def relationship_definition(table: str, column: Column, target_id: str) -> Json:
    """Return the relationship behind a lookup, with the lookup; `target_id`: the primary key of what it points at."""
    (target,) = column.targets
    lookup = column_definition(column)
    nothing = dict.fromkeys(("Assign", "Merge", "Reparent", "Share", "Unshare"), "NoCascade")
    return {
        "@odata.type": f"{_NAMESPACE}OneToManyRelationshipMetadata",
        "SchemaName": relationship_name(table, column.name),
        "ReferencedEntity": target,
        "ReferencedAttribute": target_id,
        "ReferencingEntity": table,
        "CascadeConfiguration": nothing | {"Delete": "RemoveLink"},
        "Lookup": lookup,
    }


def key_definition(name: str, parts: tuple[str, ...]) -> Json:
    return {"SchemaName": name, "DisplayName": label(name), "KeyAttributes": list(parts)}


def label(text: str) -> Json:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": int(LANGUAGE)}]}


def _own_part(column: Column) -> tuple[str, Json]:
    """Return the name of the column's metadata type and what that adds."""
    precision = int(PRECISION)
    decimals = {"Precision": precision, "MinValue": -int(DECIMAL_LIMIT), "MaxValue": int(DECIMAL_LIMIT)}
    most = int(MONEY_LIMIT)
    amounts = {"Precision": precision, "PrecisionSource": 0, "MinValue": -most, "MaxValue": most}
    parts: dict[str, tuple[str, Json]] = {
        "string": (
            "String",
            {"MaxLength": column.max_length, "FormatName": {"Value": "Url" if column.is_url else "Text"}},
        ),
        "memo": ("Memo", {"MaxLength": column.max_length or MEMO_LENGTH, "Format": "TextArea"}),
        "integer": ("Integer", {"Format": "None"}),
        "decimal": ("Decimal", decimals),
        "money": ("Money", amounts),
        "boolean": ("Boolean", {"DefaultValue": False, "OptionSet": _yes_no()}),
        "datetime": ("DateTime", _USER_LOCAL),
        "choice": ("Picklist", {"OptionSet": _options(column), "DefaultFormValue": _default(column)}),
        "lookup": ("Lookup", {}),
    }
    return parts[column.kind]


def _yes_no() -> Json:
    return {
        "OptionSetType": "Boolean",
        "TrueOption": {"Value": 1, "Label": label("Yes")},
        "FalseOption": {"Value": 0, "Label": label("No")},
    }


def _options(column: Column) -> Json:
    options = [{"Value": value, "Label": label(text)} for value, text in column.options]
    return {"OptionSetType": "Picklist", "IsGlobal": False, "Options": options}


def _default(column: Column) -> int:
    return -1 if column.default is None else column.default
