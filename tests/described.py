"""Every request to Xero over the whole suite is held against the published description of its API."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

from core import money
from tests.contract import openapi

ACCOUNTING = "/api.xro/2.0/"


@dataclass
class Described:
    """A WSGI app that passes calls on to `app` and notes what is wrong with them; also how many it has looked at."""

    app: Callable[..., Iterable[bytes]]
    complaints: list[str] = field(default_factory=list)
    calls: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(ACCOUNTING) and openapi.is_available():
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = BytesIO(body)
            self.calls += 1
            query = environ.get("QUERY_STRING", "")
            self.complaints += complaints_of(environ["REQUEST_METHOD"], environ["PATH_INFO"], query, body)
        return self.app(environ, start_response)


@cache  # the tests send the same requests over and over
def complaints_of(method: str, path: str, query: str, body: bytes) -> tuple[str, ...]:
    """Return what is wrong with one request."""
    complaints = openapi.validate_query(method, path, query)
    if method in ("PUT", "POST"):
        complaints += openapi.validate_request(method, path, money.loads(body))
    return tuple(f"{method} {path}: {complaint}" for complaint in complaints)
