"""Bodies held against the published description of Xero's accounting API; where that is wrong is listed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

SPEC = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "xero-openapi" / "xero_accounting.yaml"
MISSING = f"the published API description is not here ({SPEC.parent.name}/{SPEC.name})"
_PREFIX = "/api.xro/2.0"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Fields that are on the wire, or in newer editions of the description, and missing in the stored one.
UNDESCRIBED = {
    "Invoice": {"DateString", "DueDateString", "InvoicePaymentServices", "InvoiceAddresses"},
    "LineItem": {"ValidationErrors"},
    "CreditNote": {"DateString", "DueDateString", "ID"},
    "Overpayment": {"DateString", "ID"},
    "Prepayment": {"DateString", "ID"},
}
# (schema, field) whose list of values lags behind what Xero sends.
OPEN_ENUMS = {("TaxRate", "ReportTaxType"), ("Organisation", "Class"), ("Account", "SystemAccount")}


def is_available() -> bool:
    return SPEC.exists()


def validate_request(method: str, path: str, body: Any, *, strict: bool = True) -> list[str]:
    """Return what is wrong with a request body; `path` may be a template or a real path, with or without query.

    `strict` also reports fields that the description does not know, and fields that are read-only.
    """
    content = _operation(method, path)["requestBody"]["content"]["application/json"]
    return _complaints(content["schema"], body, strict=strict, request=strict)


def validate_query(method: str, path: str, query: str) -> list[str]:
    """Return what is wrong with a call's path and query: parameters that nobody described, or of another type."""
    try:
        described = _parameters(method, path)
    except KeyError as error:
        return [str(error)]
    complaints = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        schema = described.get(name)
        if schema is None:
            complaints.append(f"query: {name} is not described")
        elif schema.get("type") == "integer" and not value.isdecimal():
            complaints.append(f"query: {name}={value} is no whole number")
        elif schema.get("type") == "boolean" and value not in ("true", "false"):
            complaints.append(f"query: {name}={value} is neither true nor false")
    return complaints


def validate_response(method: str, path: str, status: int, body: Any, *, strict: bool = True) -> list[str]:
    """Return what is wrong with a response body; raises KeyError for a status that is not described."""
    described = _operation(method, path)["responses"][str(status)]
    reference = described.get("$ref", "")
    if reference.startswith("#/components/responses/"):
        described = _spec()["components"]["responses"][reference.rsplit("/", 1)[1]]
    elif reference:  # some operations name a schema where a response belongs
        return _complaints(described, body, strict=strict)
    return _complaints(described["content"]["application/json"]["schema"], body, strict=strict)


def _parameters(method: str, path: str) -> dict[str, dict[str, Any]]:
    """The schemas of an operation's query parameters by name."""
    found = {}
    for parameter in _operation(method, path).get("parameters", []):
        reference = parameter.get("$ref", "")
        named = _spec()["components"]["parameters"][reference.rsplit("/", 1)[1]] if reference else parameter
        if named["in"] == "query":
            found[named["name"]] = named.get("schema", {})
    return found


@cache
def _spec() -> dict[str, Any]:
    spec: dict[str, Any] = yaml.load(SPEC.read_text(encoding="utf-8"), Loader=_LOADER)
    schemas = spec["components"]["schemas"]
    for schema, field in OPEN_ENUMS:
        schemas[schema]["properties"][field].pop("enum", None)
    return spec


@cache
def _registry(strict: bool, request: bool) -> Registry[Any]:
    spec = _spec()
    if strict:
        schemas = {
            name: _strict(name, schema, request=request) for name, schema in spec["components"]["schemas"].items()
        }
        spec = {"components": {**spec["components"], "schemas": schemas}}
    return Registry().with_resource("urn:xero", Resource.from_contents(spec, default_specification=DRAFT7))


def _strict(name: str, schema: dict[str, Any], *, request: bool) -> dict[str, Any]:
    """Close an object schema; in requests also against fields that only Xero may set."""
    properties = schema.get("properties")
    if not properties:
        return schema
    if request:
        properties = {field: shape for field, shape in properties.items() if not shape.get("readOnly")}
    known = properties | ({} if request else {field: {} for field in UNDESCRIBED.get(name, ())})
    return {**schema, "properties": known, "additionalProperties": False}


def _complaints(schema: dict[str, Any], body: Any, *, strict: bool, request: bool = False) -> list[str]:
    absolute = {"$ref": "urn:xero" + schema["$ref"]} if "$ref" in schema else _absolute(schema)
    validator = Draft7Validator(absolute, registry=_registry(strict, request))
    return [_words(error) for error in validator.iter_errors(body)]


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: "urn:xero" + value if key == "$ref" else _absolute(value) for key, value in schema.items()}
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema


def _words(error: ValidationError) -> str:
    place = "/".join(str(part) for part in error.absolute_path) or "body"
    return f"{place}: {error.message[:300]}"


def _operation(method: str, path: str) -> dict[str, Any]:
    bare = path.split("?", 1)[0].removeprefix(_PREFIX)
    for template, operations in _spec()["paths"].items():
        pattern = re.sub(r"\\\{[^}]+\\\}|\{[^}]+\}", "[^/]+", template)
        if (template == bare or re.fullmatch(pattern, bare)) and method.lower() in operations:
            return dict(operations[method.lower()])
    raise KeyError(f"{method} {bare} is not described")
