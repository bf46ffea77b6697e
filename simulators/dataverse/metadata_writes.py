"""Customising over the Web API: tables, columns, keys and lookups that a client creates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulators.dataverse.customise import add_columns, add_key, column_from, customise
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request, managed_stays, unknown_resource
from simulators.dataverse.http import Answer, Request
from simulators.dataverse.keys import split_segment
from simulators.dataverse.metadata_documents import find_table, metadata_id
from simulators.dataverse.schema import Column, Table
from simulators.dataverse.solutions.importing import reversible
from simulators.dataverse.solutions.jobs import check_lock
from simulators.dataverse.solutions.listing import list_component, open_solution
from simulators.dataverse.solutions.parts import COLUMN, KEY, RELATIONSHIP, TABLE
from simulators.dataverse.solutions.removing import Going, dependents, drop_column, drop_table, in_use_text

Json = dict[str, Any]
_SOLUTION = "mscrm.solutionuniquename"  # the header that names the solution to which a new component belongs
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
# What a changed definition cannot change.
_KEPT = (
    "targets", "navigations", "collection", "relationship", "on_delete", "schema_name", "managed_by", "is_custom",
    "creatable", "updatable",
)  # fmt: skip
_DELETES = {"RemoveLink": "remove_link", "Cascade": "cascade", "Restrict": "restrict", "NoCascade": "remove_link"}


def write_metadata(env: Environment, request: Request, segments: list[str]) -> Answer:
    """Answer POST, PUT and DELETE below the metadata sets; raises Refused for what is not supported."""
    check_lock(env, "EntityCustomization")
    if _SOLUTION in request.headers:
        open_solution(env, request.headers[_SOLUTION])
    name, key = split_segment(segments[0])
    match (request.method, name, len(segments)):
        case ("POST", "CreateEntities", 1):
            env.demand_privilege(request.caller, "prvCreateEntity")
            for definition in request.json()["Entities"]:
                _create_table(env, definition)
            return Answer(204)
        case ("POST", "EntityDefinitions", 1):
            env.demand_privilege(request.caller, "prvCreateEntity")
            made = _create_table(env, request.json())
            return _made(env, request, f"EntityDefinitions({made})", TABLE, made)
        case ("POST", "RelationshipDefinitions", 1):
            env.demand_privilege(request.caller, "prvCreateRelationship")
            return _create_relationship(env, request)
        case (_, "EntityDefinitions", 2) if key is not None:
            return _write_part(env, request, find_table(env, key), segments[1])
        case ("DELETE", "EntityDefinitions", 1) if key is not None:
            env.demand_privilege(request.caller, "prvDeleteEntity")
            return _delete_table(env, find_table(env, key))
        case _:
            raise unknown_resource(name)


def _write_part(env: Environment, request: Request, table: Table, segment: str) -> Answer:
    name, key = split_segment(segment)
    if name == "Attributes":
        return _write_column(env, request, table, key)
    address = f"EntityDefinitions({metadata_id(table.logical_name)})"
    if request.method == "POST" and name == "Keys":
        env.demand_privilege(request.caller, "prvCreateEntityKey")
        body = request.json()
        add_key(env, table.logical_name, body["SchemaName"], body["KeyAttributes"])
        made = metadata_id("key", table.logical_name, body["SchemaName"])
        return _made(env, request, f"{address}/Keys({made})", KEY, made)
    if request.method == "DELETE" and name == "Keys" and key is not None:
        env.demand_privilege(request.caller, "prvDeleteEntityKey")
        for alternate in list(table.keys):
            identity = metadata_id("key", table.logical_name, alternate)
            if key in (identity, f"LogicalName='{alternate.lower()}'"):
                if table.keys[alternate].managed_by:
                    raise managed_stays(alternate, identity)
                del table.keys[alternate]
                env.store.reindex(table.logical_name)
                return Answer(204)
    raise unknown_resource(name)


def _write_column(env: Environment, request: Request, table: Table, key: str | None) -> Answer:
    if request.method == "POST" and key is None:
        env.demand_privilege(request.caller, "prvCreateAttribute")
        definition = column_definition(request.json())
        name = definition["name"]
        if name in table.columns:
            message = f"An attribute with the specified name {name} already exists for entity {table.logical_name}."
            raise Refused(400, "0x80044153", message)
        add_columns(env, table.logical_name, [definition])
        made = metadata_id(table.logical_name, name)
        address = f"EntityDefinitions({metadata_id(table.logical_name)})/Attributes({made})"
        return _made(env, request, address, COLUMN, made)
    column = _find_column(table, key or "")
    if request.method == "PUT":
        env.demand_privilege(request.caller, "prvWriteAttribute")
        return _change_column(env, table, column, request.json())
    if request.method == "DELETE":
        env.demand_privilege(request.caller, "prvDeleteAttribute")
        if column.managed_by or not column.is_custom:
            raise managed_stays(column.name, metadata_id(table.logical_name, column.name))
        _check_unused(env, Going(columns={(table.logical_name, column.name)}))
        with reversible(env):
            drop_column(env, table, column.name)
        env.store.reindex(table.logical_name)
        return Answer(204)
    raise unknown_resource("Attributes")


def _find_column(table: Table, key: str) -> Column:
    wanted = key.partition("=")[2].strip("'") or key
    for column in table.columns.values():
        if wanted in (column.name, metadata_id(table.logical_name, column.name)):
            return column
    raise Refused(404, "0x80060888", f"Could not find metadata '{key}'.")


def _change_column(env: Environment, table: Table, column: Column, body: Json) -> Answer:
    """The whole definition is sent; its type stays what it is, and so does where a lookup points."""
    changed = column_from(table, column_definition(body) | {"name": column.name})
    if changed.kind != column.kind:
        raise bad_request(f"Attribute {column.name} is a {column.kind}, but a {changed.kind} type was specified.")
    kept = {name: getattr(column, name) for name in _KEPT if hasattr(column, name)}
    table.add(replace(changed, **kept))
    env.store.reindex(table.logical_name)
    return Answer(204)


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
        "set_name": body.get("EntitySetName") or (f"{name}es" if name.endswith("s") else f"{name}s"),
        "primary_id": f"{name}id",
        "primary_name": primary["SchemaName"].lower(),
        "display_name": _label_text(body.get("DisplayName")) or name,
        "display_collection_name": _label_text(body.get("DisplayCollectionName")),
        "description": _label_text(body.get("Description")),
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
        "required_level": (body.get("RequiredLevel") or {}).get("Value"),
        "text_format": (body.get("FormatName") or {}).get("Value") or body.get("Format") if kind == "string" else "",
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
    return definition | _choices(kind, body)


def _choices(kind: str, body: Json) -> Json:
    """Options and default of a choice or of yes and no."""
    choices, default = body.get("OptionSet") or {}, None
    options = {str(one["Value"]): _label_text(one.get("Label")) for one in choices.get("Options", [])}
    if kind == "boolean":
        sides = (choices.get(f"{side}Option") for side in ("True", "False"))
        options = {str(one["Value"]): _label_text(one.get("Label")) for one in sides if one}
        default = body.get("DefaultValue")
    elif kind == "choice" and body.get("DefaultFormValue") not in (None, -1):
        default = body["DefaultFormValue"]
    return {"options": options, "default": default} if options or default is not None else {}


def _create_relationship(env: Environment, request: Request) -> Answer:
    body = request.json()
    lookup = body.get("Lookup")
    if not isinstance(lookup, dict):
        raise bad_request("Only one-to-many relationships can be created here.", "0x80048403")
    table = find_table(env, body["ReferencingEntity"])
    definition = column_definition(lookup | {"@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata"}) | {
        "targets": [body["ReferencedEntity"]],
        "relationship": body["SchemaName"],
        "navigation": body.get("ReferencingEntityNavigationPropertyName"),
        "collection": body.get("ReferencedEntityNavigationPropertyName"),
        "on_delete": _DELETES[(body.get("CascadeConfiguration") or {}).get("Delete", "RemoveLink")],
    }
    if definition["name"] in table.columns:
        message = f"An attribute with the specified name {definition['name']} already exists for this entity."
        raise Refused(400, "0x80044153", message)
    add_columns(env, table.logical_name, [definition])
    made = metadata_id("relationship", table.logical_name, definition["name"], body["ReferencedEntity"])
    return _made(env, request, f"RelationshipDefinitions({made})", RELATIONSHIP, made)


def _delete_table(env: Environment, table: Table) -> Answer:
    if not table.is_custom:
        raise bad_request(f"The entity {table.logical_name} cannot be deleted.", "0x8004F01F")
    if table.managed_by:
        raise managed_stays(table.logical_name, metadata_id(table.logical_name))
    _check_unused(env, Going(tables={table.logical_name}))
    with reversible(env):
        drop_table(env, table)
    return Answer(204)


def _check_unused(env: Environment, gone: Going) -> None:
    left = dependents(env, gone)
    if left:
        raise bad_request(in_use_text(left), "0x8004f01f")


def _made(env: Environment, request: Request, address: str, kind: int, made: str) -> Answer:
    """Answer where it is; with `MSCRM.SolutionUniqueName` it also becomes part of that unmanaged solution."""
    if _SOLUTION in request.headers:
        list_component(env, request.headers[_SOLUTION], kind, made)
    return Answer(204, {"OData-EntityId": request.root + address})


def _label_text(label: Any) -> str:
    labels = (label or {}).get("LocalizedLabels") or []
    return str(labels[0].get("Label", "")) if labels else ""
