"""Metadata over the Web API: EntityDefinitions with their attributes, keys and relationships."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from simulators.dataverse.build import boolean, integer, text
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request, unknown_property, unknown_resource
from simulators.dataverse.filters import World, compile_filter
from simulators.dataverse.http import Answer, Request, json_answer
from simulators.dataverse.keys import split_segment
from simulators.dataverse.metadata_documents import (
    NAMESPACE,
    Document,
    column_document,
    companion_documents,
    find_table,
    global_option_set,
    key_document,
    option_set,
    relationship_documents,
    table_document,
)
from simulators.dataverse.metadata_writes import write_metadata
from simulators.dataverse.query import Query, read_parameters, read_query
from simulators.dataverse.schema import Column, Table

_CAST = re.compile(r"Microsoft\.Dynamics\.CRM\.(\w+)$")
_CHOICES = frozenset({"choice", "state", "status", "boolean"})
_RELATIONSHIPS: dict[str, Callable[[Document, str], bool]] = {
    "OneToManyRelationships": lambda one, table: one["ReferencedEntity"] == table,
    "ManyToOneRelationships": lambda one, table: one["ReferencingEntity"] == table,
    "ManyToManyRelationships": lambda _one, _table: False,
}
# What it takes to read them, whether by themselves or along with a table.
_PRIVILEGES = {
    "EntityDefinitions": "prvReadEntity",
    "RelationshipDefinitions": "prvReadRelationship",
    "GlobalOptionSetDefinitions": "prvReadOptionSet",
    "Attributes": "prvReadAttribute",
    "Keys": "prvReadEntityKey",
    "OptionSet": "prvReadOptionSet",
    **dict.fromkeys(_RELATIONSHIPS, "prvReadRelationship"),
}


def serve_metadata(env: Environment, request: Request, segments: list[str]) -> Answer:
    """Answer below EntityDefinitions, RelationshipDefinitions or GlobalOptionSetDefinitions; else 404."""
    name, key = split_segment(segments[0])
    if request.method != "GET":
        return write_metadata(env, request, segments)
    if name in _PRIVILEGES:
        env.demand_privilege(request.caller, _PRIVILEGES[name])
    query = read_query(read_parameters(request.query))
    match name:
        case "EntityDefinitions" if key is None:
            _demand_expanded(env, request, query)
            documents = [_expand_table(env, table, query) for table in env.schema.by_name.values()]
            return _list(env, request, "EntityDefinitions", documents, query)
        case "EntityDefinitions":
            table = find_table(env, key or "")
            if segments[1:]:
                return _serve_part(env, request, table, segments[1:], query)
            _demand_expanded(env, request, query)
            return _one(request, "EntityDefinitions", _expand_table(env, table, query), query)
        case "RelationshipDefinitions":
            found = list(relationship_documents(env.schema))
            if key is None:
                return _list(env, request, name, found, query)
            return _one(request, name, _pick(found, key, "SchemaName"), query)
        case "GlobalOptionSetDefinitions":
            sets = [global_option_set(one, options) for one, options in env.schema.option_sets.items()]
            if key is None:
                return _list(env, request, name, sets, query)
            return _one(request, name, _pick(sets, key, "Name"), query)
        case _:
            raise unknown_resource(name)


def _demand_expanded(env: Environment, request: Request, query: Query) -> None:
    for name, _ in query.expand:
        if name in _PRIVILEGES:
            env.demand_privilege(request.caller, _PRIVILEGES[name])


def _expand_table(env: Environment, table: Table, query: Query) -> Document:
    document = table_document(table)
    for name, inner in query.expand:
        if name == "Attributes":
            documents = [one for column in table.columns.values() for one in _column_documents(table, column)]
        elif name == "Keys":
            documents = [key_document(env, table, alternate) for alternate in table.keys.values()]
        elif name in _RELATIONSHIPS:
            documents = _relationships(env, table, name)
        else:
            raise unknown_property(name, "EntityMetadata")
        document[name] = [_project(one, inner, always=()) for one in documents]
    return document


def _column_documents(table: Table, column: Column) -> list[Document]:
    return [column_document(table, column), *companion_documents(table, column)]


def _relationships(env: Environment, table: Table, name: str) -> list[Document]:
    belongs = _RELATIONSHIPS[name]
    return [one for one in relationship_documents(env.schema) if belongs(one, table.logical_name)]


def _serve_part(env: Environment, request: Request, table: Table, segments: list[str], query: Query) -> Answer:
    name, key = split_segment(segments[0])
    if name in _PRIVILEGES:
        env.demand_privilege(request.caller, _PRIVILEGES[name])
    if name == "Attributes":
        _demand_expanded(env, request, query)
        return _serve_attributes(env, request, table, key, segments[1:], query)
    if name == "Keys":
        keys = [key_document(env, table, alternate) for alternate in table.keys.values()]
        if key is None:
            return _list(env, request, name, keys, query)
        return _one(request, name, _pick(keys, key, "LogicalName"), query)
    if name in _RELATIONSHIPS:
        return _list(env, request, name, _relationships(env, table, name), query)
    raise unknown_resource(name)


def _serve_attributes(
    env: Environment, request: Request, table: Table, key: str | None, rest: list[str], query: Query
) -> Answer:
    cast = _CAST.match(rest[0]) if rest else None
    documents = [
        _with_option_set(table, column, document, query)
        for column in table.columns.values()
        for document in _column_documents(table, column)
        if cast is None or document["@odata.type"] == f"#{NAMESPACE}{cast.group(1)}"
    ]
    if key is None:
        return _list(env, request, "Attributes", documents, query)
    return _one(request, "Attributes", _pick(documents, key, "LogicalName"), query)


def _with_option_set(table: Table, column: Column, document: Document, query: Query) -> Document:
    for name, inner in query.expand:
        if name not in ("OptionSet", "GlobalOptionSet"):
            raise unknown_property(name, "AttributeMetadata")
        if column.kind in _CHOICES and document["LogicalName"] == column.name:
            own = _project(option_set(table, column), inner, always=("MetadataId",))
            document[name] = own if name == "OptionSet" else None
    return document


def _pick(documents: Iterable[Document], key: str, name_property: str) -> Document:
    wanted = key.partition("=")[2].strip("'") or key
    for document in documents:
        if wanted in (document["MetadataId"], document.get(name_property), document.get("SchemaName")):
            return document
    raise Refused(404, "0x80060888", f"Could not find metadata '{key}'.")


def _list(env: Environment, request: Request, name: str, documents: list[Document], query: Query) -> Answer:
    if query.orderby:
        raise bad_request("The query parameter $orderby is not supported for metadata.")
    if query.filter:
        passes = compile_filter(
            World(env.schema, env.store, env.now(), query.aliases), _shape(documents), query.filter
        )
        documents = [one for one in documents if passes(one)]
    value = [_project(one, query, always=("MetadataId",)) for one in documents]
    return json_answer({"@odata.context": f"{request.root}$metadata#{name}", "value": value})


def _one(request: Request, name: str, document: Document, query: Query) -> Answer:
    context = f"{request.root}$metadata#{name}/$entity"
    return json_answer({"@odata.context": context, **_project(document, query, always=("MetadataId",))})


def _project(document: Document, query: Query, *, always: tuple[str, ...]) -> Document:
    if not query.select:
        return document
    kept = {"@odata.type", *always, *query.select, *(name for name, _ in query.expand)}
    unknown = [name for name in query.select if name not in document]
    if unknown:
        raise unknown_property(unknown[0], "MetadataBase")
    return {name: value for name, value in document.items() if name in kept}


def _shape(documents: list[Document]) -> Table:
    """A table whose columns are the documents' members, so that `$filter` can be used on them."""
    shape = Table("EntityMetadata", "", "MetadataId", "", "", "")
    for document in documents[:1]:
        for name, value in document.items():
            if isinstance(value, bool):
                shape.add(boolean(name))
            elif isinstance(value, int):
                shape.add(integer(name))
            elif isinstance(value, str) or value is None:
                shape.add(text(name) if name != "MetadataId" else Column(name, "guid"))
    return shape
