"""The Web API's addresses of rows: entity sets, rows, single properties, navigation properties, references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from simulators.dataverse import operations, reading
from simulators.dataverse.associations import associate, associated_rows, disassociate
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import (
    Refused,
    bad_request,
    key_not_found,
    not_found,
    unknown_property,
    unknown_resource,
)
from simulators.dataverse.fetching import fetch
from simulators.dataverse.http import Answer, Request, json_answer
from simulators.dataverse.keys import RowKey, find_row, find_row_id, parse_key, parse_reference, split_segment
from simulators.dataverse.query import Query, read_parameters, read_query
from simulators.dataverse.schema import Navigation, Table
from simulators.dataverse.store import Row


@dataclass(frozen=True, slots=True)
class _Place:
    """A row's address: the table, its key, and the key as it was written."""

    table: Table
    key: RowKey
    written: str


def serve_rows(env: Environment, request: Request, table: Table, segments: list[str]) -> Answer:
    """Answer a request below an entity set; `segments` includes the set itself."""
    _, key_text = split_segment(segments[0])
    rest = segments[1:]
    if key_text is None:
        return _serve_set(env, request, table, rest)
    place = _Place(table, parse_key(table, key_text), key_text)
    if not rest:
        return _serve_row(env, request, place)
    return _serve_property(env, request, place, rest)


def _serve_set(env: Environment, request: Request, table: Table, rest: list[str]) -> Answer:
    if rest == ["$count"]:
        env.demand(request.caller, "Read", table)
        query = read_query(read_parameters(request.query))
        return Answer(
            200, {"Content-Type": "text/plain"}, str(min(len(reading.select_rows(env, table, query)), 5000)).encode()
        )
    if rest:
        raise unknown_resource(rest[0])
    if request.method == "GET":
        return _list(env, request, table)
    if request.method == "POST":
        row_id = operations.create(env, request.caller, table, request.json(), references=request.references)
        return _written(env, request, table, row_id, f"{table.set_name}({row_id})", created=True)
    raise Refused(405, "0x80060888", f"The requested resource does not support http method '{request.method}'.")


def _list(env: Environment, request: Request, table: Table) -> Answer:
    env.demand(request.caller, "Read", table)
    parameters = read_parameters(request.query)
    if "fetchXml" in parameters:
        return fetch(env, request, table, parameters["fetchXml"])
    query = read_query(parameters)
    reading.check_query(env, table, query)
    options = "&".join(f"{name}={value}" for name, value in parameters.items() if name != "$skiptoken")
    size = request.preference("odata.maxpagesize")
    page = reading.read_page(env, table, query, int(size) if size and size.isdigit() else None, options)
    annotations = request.annotations()
    document: dict[str, Any] = {"@odata.context": context(request, table, query)}
    if query.count:
        document["@odata.count"] = min(page.total, 5000)
        if annotations.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
            document["@Microsoft.Dynamics.CRM.totalrecordcount"] = min(page.total, 5000)
            document["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = page.total > 5000
    document["value"] = [reading.represent(env, request.caller, table, row, query, annotations) for row in page.rows]
    if page.next_token is not None:
        document["@odata.nextLink"] = _next_link(request, table, page.next_token)
    return json_answer(document, 200, _applied(request, "odata.include-annotations", "odata.maxpagesize"))


def context(request: Request, table: Table, query: Query, *, single: bool = False) -> str:
    selected = f"({','.join(query.select)})" if query.select else ""
    return f"{request.root}$metadata#{table.set_name}{selected}{'/$entity' if single else ''}"


def _next_link(request: Request, table: Table, token: str) -> str:
    # Everything else of the URL stays letter by letter: the cookie is bound to it.
    options = [
        part
        for part in request.query.split("&")
        if part and not part.lower().startswith(("$skiptoken", "%24skiptoken"))
    ]
    return f"{request.root}{table.set_name}?{'&'.join([*options, f'$skiptoken={quote(token)}'])}"


def _applied(request: Request, *tokens: str) -> dict[str, str]:
    applied = [f'{token}="{request.preference(token)}"' for token in tokens if request.preference(token) is not None]
    return {"Preference-Applied": ",".join(applied)} if applied else {}


def _serve_row(env: Environment, request: Request, place: _Place) -> Answer:
    match request.method:
        case "GET":
            return _show_row(env, request, place.table, find_row(env, place.table, place.key))
        case "PATCH":
            return _patch(env, request, place)
        case "DELETE":
            row_id = find_row(env, place.table, place.key)
            operations.delete(env, request.caller, place.table, row_id, if_match=request.headers.get("if-match"))
            return Answer(204)
        case _:
            message = f"The requested resource does not support http method '{request.method}'."
            raise Refused(405, "0x80060888", message)


def _show_row(env: Environment, request: Request, table: Table, row_id: str) -> Answer:
    env.demand(request.caller, "Read", table)
    query = read_query(read_parameters(request.query))
    reading.check_query(env, table, query)
    row = env.row(table.logical_name, row_id)
    if request.headers.get("if-none-match") == operations.etag(row) and not query.expand:
        return Answer(304)
    return _representation(env, request, table, row, query, 200)


def _representation(env: Environment, request: Request, table: Table, row: Row, query: Query, status: int) -> Answer:
    shown = reading.represent(env, request.caller, table, row, query, request.annotations())
    document = {"@odata.context": context(request, table, query, single=True), **shown}
    return json_answer(
        document, status, {"ETag": operations.etag(row)} | _applied(request, "odata.include-annotations")
    )


def _patch(env: Environment, request: Request, place: _Place) -> Answer:
    table, key = place.table, place.key
    given = {table.primary_id: key.row_id} if key.row_id else key.as_row()
    missing = not_found(table.logical_name, key.row_id) if key.row_id else key_not_found(table.logical_name)
    row_id, created = operations.upsert(
        env,
        request.caller,
        table,
        find_row_id(env, table, key),
        given,
        request.json(),
        if_match=request.headers.get("if-match"),
        if_none_match=request.headers.get("if-none-match"),
        missing=missing,
        references=request.references,
    )
    # The address comes back as it was written: an alternate key does not tell the new row's id.
    return _written(env, request, table, row_id, f"{table.set_name}({place.written})", created=created)


def _written(env: Environment, request: Request, table: Table, row_id: str, address: str, *, created: bool) -> Answer:
    url = request.root + quote(address, safe="()=',-_.~")
    headers = {"OData-EntityId": url}
    if request.method == "POST":
        headers["Location"] = url
    if not request.wants_representation():
        return Answer(204, headers)
    query = read_query({k: v for k, v in read_parameters(request.query).items() if k in ("$select", "$expand")})
    row = env.row(table.logical_name, row_id)
    answer = _representation(env, request, table, row, query, 201 if created else 200)
    answer.headers |= headers | {"Preference-Applied": "return=representation"}
    return answer


def _serve_property(env: Environment, request: Request, place: _Place, rest: list[str]) -> Answer:
    table = place.table
    row_id = find_row(env, table, place.key)
    name, _ = split_segment(rest[0])
    if name in table.navigations:
        return _serve_navigation(env, request, table, row_id, table.navigations[name], rest)
    if name in table.collections:
        return _serve_collection(env, request, table, row_id, rest)
    if name in table.associations:
        return _serve_association(env, request, table, row_id, rest)
    column = table.properties.get(name)
    if column is None or column.write_only:
        raise unknown_property(name, table.logical_name)
    if request.method in ("PUT", "DELETE"):
        value = None if request.method == "DELETE" else request.json().get("value")
        operations.update(env, request.caller, table, row_id, {name: value}, if_match=request.headers.get("if-match"))
        return Answer(204)
    env.demand(request.caller, "Read", table)
    value = reading.as_plain(table, env.row(table.logical_name, row_id))[name]
    if value is None:
        return Answer(204)
    if rest[1:] == ["$value"]:
        return Answer(200, {"Content-Type": "text/plain"}, str(value).encode())
    address = f"{table.set_name}({row_id})/{name}"
    return json_answer({"@odata.context": f"{request.root}$metadata#{address}", "value": value})


def _serve_navigation(
    env: Environment, request: Request, table: Table, row_id: str, navigation: Navigation, rest: list[str]
) -> Answer:
    name, caller = navigation.column.navigation_to(navigation.target), request.caller
    is_reference = rest[1:] == ["$ref"]
    if request.method == "DELETE" and is_reference:
        operations.update(env, caller, table, row_id, {f"{name}@odata.bind": None})
        return Answer(204)
    if request.method in ("PUT", "POST") and is_reference:
        target = str(request.json().get("@odata.id", ""))
        operations.update(env, caller, table, row_id, {f"{name}@odata.bind": target}, references=request.references)
        return Answer(204)
    env.demand(caller, "Read", table)
    row = env.row(table.logical_name, row_id)
    ref = row.get(navigation.column.name)
    if ref is None or ref.table != navigation.target:
        return Answer(204)
    target_table = env.schema.by_name[navigation.target]
    if is_reference:
        return json_answer({"@odata.id": f"{request.root}{target_table.set_name}({ref.id})"})
    return _show_row(env, request, target_table, ref.id)


def _serve_collection(env: Environment, request: Request, table: Table, row_id: str, rest: list[str]) -> Answer:
    name, _ = split_segment(rest[0])
    collection = table.collections[name]
    child = env.schema.by_name[collection.table]
    row = env.row(table.logical_name, row_id)
    if rest[1:] == ["$ref"] and request.method == "POST":
        _, key = parse_reference(env.schema, str(request.json().get("@odata.id", "")))
        bind = {f"{collection.column.navigation_to(table.logical_name)}@odata.bind": f"{table.set_name}({row_id})"}
        operations.update(env, request.caller, child, find_row(env, child, key), bind)
        return Answer(204)
    if request.method != "GET" or rest[1:]:
        raise bad_request(f"The address {'/'.join(rest)} cannot be used with {request.method}.")
    env.demand(request.caller, "Read", table)
    env.demand(request.caller, "Read", child)
    return _list_related(env, request, child, reading.collection_rows(env, table, row, name))


def _list_related(env: Environment, request: Request, child: Table, related: list[Row]) -> Answer:
    query = read_query(read_parameters(request.query))
    reading.check_query(env, child, query)
    rows = reading.select_rows(env, child, query, related)[: query.top]
    value = [reading.represent(env, request.caller, child, one, query, request.annotations()) for one in rows]
    return json_answer({"@odata.context": context(request, child, query), "value": value})


def _serve_association(env: Environment, request: Request, table: Table, row_id: str, rest: list[str]) -> Answer:
    """`users(id)/roles` lists; POST `.../$ref` joins; DELETE `users(id)/roles(other)/$ref` or `...?$id=` parts."""
    name, key = split_segment(rest[0])
    association, caller = table.associations[name], request.caller
    if request.method == "GET" and not rest[1:] and key is None:
        env.demand(caller, "Read", table)
        related = associated_rows(env, caller, table, env.row(table.logical_name, row_id), name)
        return _list_related(env, request, env.schema.by_name[association.target], related)
    if rest[1:] != ["$ref"] or request.method not in ("POST", "DELETE"):
        raise bad_request(f"The address {'/'.join(rest)} cannot be used with {request.method}.")
    target = env.schema.by_name[association.target]
    if request.method == "POST":
        other = find_row(env, target, _referred(env, target, str(request.json().get("@odata.id", ""))))
        associate(env, caller, association, row_id, other)
    else:
        given = read_parameters(request.query).get("$id", "")
        address = parse_key(target, key) if key else _referred(env, target, given)
        disassociate(env, caller, association, row_id, find_row(env, target, address))
    return Answer(204)


def _referred(env: Environment, target: Table, reference: str) -> RowKey:
    table, key = parse_reference(env.schema, reference)
    if table is not target:
        raise bad_request(f"The reference '{reference}' is not to {target.logical_name}.", "0x80048d19")
    return key
