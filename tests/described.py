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
    """A WSGI app that passes calls on to `app` and notes what is wrong with the bodies; also how many it has seen."""

    app: Callable[..., Iterable[bytes]]
    complaints: list[str] = field(default_factory=list)
    bodies: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if method in ("PUT", "POST") and path.startswith(ACCOUNTING) and openapi.is_available():
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = BytesIO(body)
            self.bodies += 1
            self.complaints += complaints_of(method, path, body)
        return self.app(environ, start_response)


@cache  # the tests send the same bodies over and over
def complaints_of(method: str, path: str, body: bytes) -> tuple[str, ...]:
    """Return what is wrong with the body of one request."""
    complaints = openapi.validate_request(method, path, money.loads(body))
    return tuple(f"{method} {path}: {complaint}" for complaint in complaints)
