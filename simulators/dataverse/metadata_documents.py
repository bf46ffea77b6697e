"""Tables, columns, keys and relationships as the metadata documents of the Web API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused
from simulators.dataverse.schema import Column, Key, Schema, Table

Document = dict[str, Any]
NAMESPACE = "Microsoft.Dynamics.CRM."
_IDS = uuid.UUID("0f6f1d02-51a5-4a8f-9a55-7a4c1a3b9d10")
_LANGUAGE = 1033
# Kind of column: AttributeType, and the stem of its metadata type.
_TYPES = {
    "string": ("String", "String"), "memo": ("Memo", "Memo"), "integer": ("Integer", "Integer"),
    "bigint": ("BigInt", "BigInt"), "decimal": ("Decimal", "Decimal"), "double": ("Double", "Double"),
    "money": ("Money", "Money"), "boolean": ("Boolean", "Boolean"), "datetime": ("DateTime", "DateTime"),
    "date": ("DateTime", "DateTime"), "choice": ("Picklist", "Picklist"), "state": ("State", "State"),
    "status": ("Status", "Status"), "lookup": ("Lookup", "Lookup"), "guid": ("Uniqueidentifier", "UniqueIdentifier"),
}  # fmt: skip
_CASCADES = {"remove_link": "RemoveLink", "cascade": "Cascade", "restrict": "Restrict"}


@cache  # names are few, and asked for again and again
def metadata_id(*parts: str) -> str:
    return str(uuid.uuid5(_IDS, "/".join(parts)))


def label(text: str) -> Document:
    """Return a Label in the organisation's one language."""
    one = {"Label": text, "LanguageCode": _LANGUAGE, "IsManaged": False, "MetadataId": metadata_id("label", text)}
    return {"LocalizedLabels": [one] if text else [], "UserLocalizedLabel": one if text else None}


def table_document(table: Table) -> Document:
    return {
        "MetadataId": metadata_id(table.logical_name),
        "LogicalName": table.logical_name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "CollectionSchemaName": f"{table.schema_name}s",
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name or None,
        "ObjectTypeCode": table.object_type_code,
        "OwnershipType": {"user": "UserOwned", "organization": "OrganizationOwned", "none": "None"}[table.ownership],
        "IsCustomEntity": table.is_custom,
        "IsPrivate": False,
        "IsManaged": not table.is_custom or bool(table.managed_by),
        "IsActivity": False,
        "IsIntersect": False,
        "ChangeTrackingEnabled": False,
        "IsOptimisticConcurrencyEnabled": True,
        "DisplayName": label(table.display_name),
        "DisplayCollectionName": label(table.display_collection_name or f"{table.display_name}s"),
        "Description": label(table.description),
    }


def find_table(env: Environment, key: str) -> Table:
    """By `LogicalName='x'` or by metadata id."""
    wanted = key.removeprefix("LogicalName=").strip("'")
    for table in env.schema.by_name.values():
        if wanted in (table.logical_name, table_document(table)["MetadataId"]):
            return table
    raise Refused(404, "0x80060888", f"Could not find an entity with name '{wanted}'.")


def column_document(table: Table, column: Column) -> Document:
    """Return one column with everything its own metadata type adds, choices excepted."""
    attribute_type, stem = _type_of(column)
    return {
        "@odata.type": f"#{NAMESPACE}{stem}AttributeMetadata",
        "MetadataId": metadata_id(table.logical_name, column.name),
        "LogicalName": column.name,
        "SchemaName": column.schema_name or column.name,
        "EntityLogicalName": table.logical_name,
        "AttributeType": attribute_type,
        "AttributeTypeName": {"Value": f"{attribute_type}Type"},
        "AttributeOf": None,
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsCustomAttribute": column.is_custom or table.is_custom,
        "IsManaged": is_managed(table, column),
        "IsLogical": False,
        "IsValidForCreate": column.creatable,
        "IsValidForRead": not column.write_only,
        "IsValidForUpdate": column.updatable,
        "RequiredLevel": {
            "Value": "SystemRequired" if column.required else column.required_level,
            "CanBeChanged": not column.required,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        "DisplayName": label(column.display_name or column.name),
        "Description": label(column.description),
        **_own_part(column),
    }


def is_managed(table: Table, column: Column) -> bool:
    """Whether a solution, or Microsoft, brought the column."""
    if column.is_custom:
        return bool(column.managed_by)
    return not table.is_custom or bool(table.managed_by)


def companion_documents(table: Table, column: Column) -> Iterator[Document]:
    """Yield the columns that only metadata knows: the labels of choices, the names and tables of lookups."""
    if column.kind in ("choice", "state", "status", "boolean"):
        yield _companion(table, column, f"{column.name}name", "Virtual", "")
    elif column.kind == "lookup":
        yield _companion(table, column, f"{column.name}name", "String", "String") | {"MaxLength": 100}
        if len(column.targets) > 1 or column.name == "ownerid":
            yield _companion(table, column, f"{column.name}type", "EntityName", "EntityName")


def _companion(table: Table, column: Column, name: str, attribute_type: str, stem: str) -> Document:
    return column_document(table, column) | {
        "@odata.type": f"#{NAMESPACE}{stem}AttributeMetadata",
        "MetadataId": metadata_id(table.logical_name, name),
        "LogicalName": name,
        "SchemaName": name,
        "AttributeType": attribute_type,
        "AttributeTypeName": {"Value": f"{attribute_type}Type"},
        "AttributeOf": column.name,
        "IsLogical": True,
        "IsValidForCreate": False,
        "IsValidForUpdate": False,
    }


def _type_of(column: Column) -> tuple[str, str]:
    if column.name == "ownerid":
        return "Owner", "Lookup"
    if column.targets == ("account", "contact"):
        return "Customer", "Lookup"
    return _TYPES[column.kind]


def _own_part(column: Column) -> Document:
    match column.kind:
        case "string":
            form = column.text_format or "Text"
            return {"MaxLength": column.max_length, "FormatName": {"Value": form}, "Format": form}
        case "memo":
            return {"MaxLength": column.max_length, "Format": "TextArea"}
        case "integer" | "bigint":
            return {"Format": "None", **_range(column)}
        case "decimal" | "double":
            return {"Precision": column.precision, **_range(column)}
        case "money":
            return {
                "Precision": column.precision,
                "PrecisionSource": column.precision_source,
                "IsBaseCurrency": column.name.endswith("_base"),
                **_range(column),
            }
        case "date":
            return {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}
        case "datetime":
            return {"Format": column.date_format, "DateTimeBehavior": {"Value": column.behavior}}
        case "lookup":
            return {"Targets": list(column.targets)}
        case _:
            return _default(column)


def _default(column: Column) -> Document:
    if column.kind == "boolean":
        return {"DefaultValue": bool(column.default)}
    if column.kind in ("choice", "state"):
        return {"DefaultFormValue": -1 if column.default is None else column.default}
    return {}


def _range(column: Column) -> Document:
    return {"MinValue": column.minimum, "MaxValue": column.maximum}


def option_set(table: Table, column: Column) -> Document:
    """Return the choices of a column, as `$expand=OptionSet` shows them."""
    name = column.option_set or f"{table.logical_name}_{column.name}"
    shared = bool(column.option_set)
    common = {"MetadataId": metadata_id("optionset", name), "Name": name, "IsGlobal": shared}
    if column.kind == "boolean":
        names = dict(column.options) or {0: "No", 1: "Yes"}
        return common | {
            "OptionSetType": "Boolean",
            "TrueOption": {"Value": 1, "Label": label(names[1])},
            "FalseOption": {"Value": 0, "Label": label(names[0])},
        }
    options: list[Document] = []
    for value, text in column.options.items():
        option: Document = {"Value": value, "Label": label(text)}
        if column.kind == "status":
            option["State"] = column.state_of_status[value]
        options.append(option)
    kind = {"state": "State", "status": "Status"}.get(column.kind, "Picklist")
    return common | {"OptionSetType": kind, "Options": options}


def global_option_set(name: str, options: Mapping[int, str]) -> Document:
    return {
        "@odata.type": f"#{NAMESPACE}OptionSetMetadata",
        "MetadataId": metadata_id("optionset", name),
        "Name": name,
        "IsGlobal": True,
        "OptionSetType": "Picklist",
        "Options": [{"Value": value, "Label": label(text)} for value, text in options.items()],
    }


def key_document(env: Environment, table: Table, key: Key) -> Document:
    pending = env.pending_keys.get((table.logical_name, key.name))
    return {
        "MetadataId": metadata_id("key", table.logical_name, key.name),
        "LogicalName": key.name.lower(),
        "SchemaName": key.name,
        "EntityLogicalName": table.logical_name,
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": "Pending" if pending else "Active",
        "DisplayName": label(key.display_name or key.name),
        "IsManaged": bool(key.managed_by),
    }


def relationship_documents(schema: Schema) -> Iterator[Document]:
    """Every one-to-many relationship; a lookup with several targets is one for each."""
    for table in schema.by_name.values():
        for column in table.columns_of("lookup"):
            for target in column.targets:
                if target in schema.by_name:
                    yield relationship_document(schema, table, column, target)


def relationship_document(schema: Schema, table: Table, column: Column, target: str) -> Document:
    name = column.relationship or column.collection
    return {
        "@odata.type": f"#{NAMESPACE}OneToManyRelationshipMetadata",
        "MetadataId": metadata_id("relationship", table.logical_name, column.name, target),
        "SchemaName": name if len(column.targets) == 1 else f"{name}_{target}",
        "RelationshipType": "OneToManyRelationship",
        "ReferencedEntity": target,
        "ReferencedAttribute": schema.by_name[target].primary_id,
        "ReferencingEntity": table.logical_name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": column.navigation_to(target),
        "ReferencedEntityNavigationPropertyName": column.collection,
        "IsCustomRelationship": table.is_custom or column.is_custom,
        "IsManaged": is_managed(table, column),
        "CascadeConfiguration": {
            "Assign": "NoCascade",
            "Delete": _CASCADES[column.on_delete],
            "Merge": "NoCascade",
            "Reparent": "NoCascade",
            "Share": "NoCascade",
            "Unshare": "NoCascade",
        },
    }
