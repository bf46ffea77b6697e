"""Row addresses: `accounts(<guid>)`, `accounts(accountnumber='A''1',_ownerid_value=<guid>)`, absolute or relative."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request, key_not_found, not_found, unknown_resource
from simulators.dataverse.schema import Column, Key, Ref, Schema, Table
from simulators.dataverse.store import Row
from simulators.dataverse.values import GUID, parse_moment

ROOT = re.compile(r"^/?api/data/v9\.\d+/?")
_SEGMENT = re.compile(r"([A-Za-z_][\w.]*|\$\w+)(?:\((.*)\))?$", re.DOTALL)
_TROUBLESOME = frozenset("/<>*%&:\\?+")


@dataclass(frozen=True, slots=True)
class RowKey:
    """How a URL names a row: by `row_id`, or by the parts of alternate `key` in `values`."""

    row_id: str | None = None
    key: Key | None = None
    values: tuple[tuple[str, Any], ...] = ()

    def as_row(self) -> Row:
        return dict(self.values)


def split_path(path: str) -> list[str]:
    """Split a decoded path at slashes that are not inside parentheses or quotes."""
    parts, current, depth, quoted = [], "", 0, False
    for sign in path.strip("/"):
        if sign == "'":
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
        if sign == "/" and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += sign
    return [*parts, current] if current else parts


def split_segment(segment: str) -> tuple[str, str | None]:
    """`accounts(x)` becomes ("accounts", "x"); without parentheses the second is None."""
    match = _SEGMENT.match(segment)
    if match is None:
        raise unknown_resource(segment)
    return match.group(1), match.group(2)


def function_argument(path: str, query: str, name: str) -> str:
    """Return an argument of `Function(Name=value)` or `Function(Name=@p)?@p=value`, without quotes."""
    _, inside = split_segment(split_path(path)[0])
    arguments = dict(_key_parts(inside or ""))
    value = arguments.get(name, "")
    if value.startswith("@"):
        value = dict(parse_qsl(query)).get(value, "")
    if not value:
        raise bad_request(f"The parameter {name} is missing.", "0x80048d19")
    return value.strip("'")


def parse_key(table: Table, text: str) -> RowKey:
    """Read what stands between the parentheses; raises Refused when it names no key of the table."""
    text = text.strip()
    if GUID.fullmatch(text):
        return RowKey(row_id=text.lower())
    pairs = dict(_key_parts(text))
    if set(pairs) == {table.primary_id} and GUID.fullmatch(pairs[table.primary_id].strip("'")):
        return RowKey(row_id=pairs[table.primary_id].strip("'").lower())
    columns = {table.properties[name].name for name in pairs if name in table.properties}
    for key in table.keys.values():
        if len(columns) == len(pairs) and columns == set(key.columns):
            values = tuple(
                (table.properties[name].name, _key_value(table, name, part)) for name, part in pairs.items()
            )
            return RowKey(key=key, values=values)
    raise bad_request(
        f"The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{table.logical_name}'. "
        "Ensure that the names and number of key properties match the declared key properties for the resource "
        f"'Microsoft.Dynamics.CRM.{table.logical_name}'."
    )


def _key_parts(text: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^,]*)\s*(?:,|$)", text):
        yield match.group(1), match.group(2).strip()


def _key_value(table: Table, name: str, part: str) -> Any:
    column: Column = table.properties[name]
    if part == "null":
        return None
    match column.kind:
        case "string" | "memo":
            return _string_part(column, part)
        case "lookup":
            return Ref(column.targets[0], part.strip("'").lower())
        case "guid":
            return part.strip("'").lower()
        case "integer" | "bigint" | "choice" | "state" | "status":
            return int(part)
        case "decimal" | "money" | "double":
            return Decimal(part)
        case "boolean":
            return part == "true"
        case "date":
            return date.fromisoformat(part)
        case _:
            return parse_moment(part)


def _string_part(column: Column, part: str) -> str:
    if not (part.startswith("'") and part.endswith("'") and len(part) >= 2):
        raise bad_request(
            f"Bad Request - Error in query syntax: '{part}' is no string literal for {column.name}.", "0x0"
        )
    value = part[1:-1].replace("''", "'")
    if _TROUBLESOME & set(value):
        raise Refused(400, "0x0", "Bad Request - Error in query syntax.")
    return value


def parse_reference(schema: Schema, reference: str) -> tuple[Table, RowKey]:
    """Read the value of a bind, `@odata.id` or `$ref`: a URL or path that ends in `set(key)`."""
    path = ROOT.sub("", unquote(urlsplit(reference).path))
    segments = split_path(path)
    if not segments:
        raise bad_request(f"The reference '{reference}' is not valid.", "0x80048d19")
    name, key_text = split_segment(segments[-1])
    table = schema.by_set.get(name)
    if table is None or key_text is None:
        raise unknown_resource(name)
    return table, parse_key(table, key_text)


def find_row_id(env: Environment, table: Table, key: RowKey) -> str | None:
    """Return the id of the row, or None. A key whose index is not built yet cannot be used."""
    if key.row_id is not None:
        return key.row_id if env.store.find(table.logical_name, key.row_id) is not None else None
    assert key.key is not None
    if env.pending_keys.get((table.logical_name, key.key.name)):
        raise Refused(
            400, "0x8006088f", f"Invalid EntityKey Operation performed : The key {key.key.name} is not active."
        )
    return env.store.find_by_key(table.logical_name, key.key, key.as_row())


def find_row(env: Environment, table: Table, key: RowKey) -> str:
    """Return the id of the row; raises Refused 404 in the words that fit the kind of key."""
    row_id = find_row_id(env, table, key)
    if row_id is None:
        raise not_found(table.logical_name, key.row_id) if key.row_id else key_not_found(table.logical_name)
    return row_id
