"""A request and its answer as the rules see them, from the wire or from inside a `$batch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from simulators.dataverse.environment import Caller
from simulators.dataverse.errors import Refused
from simulators.dataverse.jsons import read_json, write_json
from simulators.dataverse.payload_in import References
from simulators.dataverse.reading import Annotations

JSON = "application/json; odata.metadata=minimal"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is decoded and begins behind `/api/data/v9.2/`; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    root: str
    caller: Caller
    references: References = field(default_factory=dict)

    def prefers(self, token: str) -> bool:
        return token in _preferences(self.headers.get("prefer", ""))

    def preference(self, token: str) -> str | None:
        return _preferences(self.headers.get("prefer", "")).get(token)

    def wants_representation(self) -> bool:
        return self.preference("return") == "representation"

    def annotations(self) -> Annotations:
        names = self.preference("odata.include-annotations")
        return Annotations(frozenset(name.strip() for name in (names or "").split(",") if name.strip()))

    def json(self) -> Any:
        try:
            return read_json(self.body)
        except ValueError as error:
            message = "Error identified in Payload provided by the user for Entity :'', Invalid JSON."
            raise Refused(400, "0x80048d19", message) from error


@lru_cache  # the same few over and over
def _preferences(text: str) -> Mapping[str, str]:
    """Return what a Prefer header asks for; of what it asks for twice, the first."""
    parts, quoted, start = [], False, 0
    for position, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif sign in ",;" and not quoted:
            parts.append(text[start:position])
            start = position + 1
    found: dict[str, str] = {}
    for part in (*parts, text[start:]):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value.strip('"'))
    return MappingProxyType(found)


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"Content-Type": JSON, **(headers or {})}, write_json(document))


def error_answer(refused: Refused) -> Answer:
    document = {"error": {"code": refused.code, "message": refused.message}}
    return Answer(refused.status, {"Content-Type": JSON, **refused.headers}, write_json(document))
