"""Customising over the Web API: tables, columns, keys and lookups that a client creates."""

from __future__ import annotations

from typing import Any

from simulators.dataverse.customise import add_columns, add_key, customise
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request, unknown_resource
from simulators.dataverse.http import Answer, Request
from simulators.dataverse.keys import split_segment
from simulators.dataverse.metadata_documents import find_table, metadata_id
from simulators.dataverse.schema import Table

Json = dict[str, Any]
_KINDS = {
    "String": "string",
    "Memo": "memo",
    "Integer": "integer",
    "BigInt": "bigint",
    "Decimal": "decimal",
    "Double": "double",
    "Money": "money",
    "Boolean": "boolean",
    "DateTime": "datetime",
    "Picklist": "choice",
    "Lookup": "lookup",
    "UniqueIdentifier": "guid",
}
_DELETES = {"RemoveLink": "remove_link", "Cascade": "cascade", "Restrict": "restrict", "NoCascade": "remove_link"}


def write_metadata(env: Environment, request: Request, segments: list[str]) -> Answer:
    """Answer POST and DELETE below the metadata sets; raises Refused for what is not supported."""
    name, key = split_segment(segments[0])
    match (request.method, name, len(segments)):
        case ("POST", "CreateEntities", 1):
            for definition in request.json()["Entities"]:
                _create_table(env, definition)
            return Answer(204)
        case ("POST", "EntityDefinitions", 1):
            return _made(request, f"EntityDefinitions({_create_table(env, request.json())})")
        case ("POST", "RelationshipDefinitions", 1):
            return _create_relationship(env, request)
        case (_, "EntityDefinitions", 2) if key is not None:
            return _write_part(env, request, find_table(env, key), segments[1])
        case ("DELETE", "EntityDefinitions", 1) if key is not None:
            return _delete_table(env, find_table(env, key))
        case _:
            raise unknown_resource(name)


def _write_part(env: Environment, request: Request, table: Table, segment: str) -> Answer:
    name, key = split_segment(segment)
    address = f"EntityDefinitions({metadata_id(table.logical_name)})"
    if request.method == "POST" and name == "Attributes":
        column = column_definition(request.json())
        add_columns(env, table.logical_name, [column])
        return _made(request, f"{address}/Attributes({metadata_id(table.logical_name, column['name'])})")
    if request.method == "POST" and name == "Keys":
        body = request.json()
        add_key(env, table.logical_name, body["SchemaName"], body["KeyAttributes"])
        return _made(request, f"{address}/Keys({metadata_id('key', table.logical_name, body['SchemaName'])})")
    if request.method == "DELETE" and name == "Keys" and key is not None:
        for alternate in list(table.keys):
            if key in (metadata_id("key", table.logical_name, alternate), f"LogicalName='{alternate.lower()}'"):
                del table.keys[alternate]
                env.store.reindex(table.logical_name)
                return Answer(204)
    raise unknown_resource(name)


def _create_table(env: Environment, body: Json) -> str:
    name = body["SchemaName"].lower()
    if name in env.schema.by_name:
        raise Refused(400, "0x80044363", f"An entity with the specified name {name} already exists.")
    attributes = body.get("Attributes", [])
    primary = next((one for one in attributes if one.get("IsPrimaryName")), None)
    if primary is None:
        raise bad_request("The primary name attribute is missing.", "0x80048403")
    definition = {
        "logical_name": name,
        "schema_name": body["SchemaName"],
        "set_name": f"{name}es" if name.endswith("s") else f"{name}s",
        "primary_id": f"{name}id",
        "primary_name": primary["SchemaName"].lower(),
        "display_name": _label_text(body.get("DisplayName")) or name,
        "ownership": "user" if body.get("OwnershipType") == "UserOwned" else "organization",
        "columns": [column_definition(one) for one in attributes],
    }
    customise(env, {"tables": [definition]})
    return metadata_id(name)


def column_definition(body: Json) -> Json:
    """Return an attribute's metadata in the form that `customise` takes."""
    stem = body["@odata.type"].rpartition(".")[2].removesuffix("AttributeMetadata").removeprefix("Complex")
    if stem not in _KINDS:
        raise bad_request(f"Attributes of type {stem} are not supported here.", "0x80048403")
    kind = _KINDS[stem]
    behaviour = (body.get("DateTimeBehavior") or {}).get("Value")
    if kind == "datetime" and behaviour == "DateOnly":
        kind = "date"
    definition: Json = {
        "name": body["SchemaName"].lower(),
        "schema_name": body["SchemaName"],
        "type": kind,
        "max_length": body.get("MaxLength"),
        "required": (body.get("RequiredLevel") or {}).get("Value") == "SystemRequired",
        "display_name": _label_text(body.get("DisplayName")),
        "description": _label_text(body.get("Description")),
    }
    if "Precision" in body:
        definition["precision"] = body["Precision"]
    if "PrecisionSource" in body:
        definition["precision_source"] = body["PrecisionSource"]
    if kind == "datetime":
        definition |= {"format": body.get("Format"), "behavior": behaviour}
    if kind in ("integer", "decimal", "double", "money"):
        definition |= {"minimum": body.get("MinValue"), "maximum": body.get("MaxValue")}
    options = (body.get("OptionSet") or {}).get("Options", [])
    if options:
        definition["options"] = {str(one["Value"]): _label_text(one.get("Label")) for one in options}
    return definition


def _create_relationship(env: Environment, request: Request) -> Answer:
    body = request.json()
    lookup = body.get("Lookup")
    if not isinstance(lookup, dict):
        raise bad_request("Only one-to-many relationships can be created here.", "0x80048403")
    table = find_table(env, body["ReferencingEntity"])
    definition = column_definition(lookup | {"@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata"}) | {
        "targets": [body["ReferencedEntity"]],
        "relationship": body["SchemaName"],
        "on_delete": _DELETES[(body.get("CascadeConfiguration") or {}).get("Delete", "RemoveLink")],
    }
    add_columns(env, table.logical_name, [definition])
    made = metadata_id("relationship", table.logical_name, definition["name"], body["ReferencedEntity"])
    return _made(request, f"RelationshipDefinitions({made})")


def _delete_table(env: Environment, table: Table) -> Answer:
    if not table.is_custom:
        raise bad_request(f"The entity {table.logical_name} cannot be deleted.", "0x8004F01F")
    env.schema.remove_table(table.logical_name)
    return Answer(204)


def _made(request: Request, address: str) -> Answer:
    return Answer(204, {"OData-EntityId": request.root + address})


def _label_text(label: Any) -> str:
    labels = (label or {}).get("LocalizedLabels") or []
    return str(labels[0].get("Label", "")) if labels else ""
