"""Adapters under requests for tests: a WSGI app mounted in process, or a script of answers."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from simulators.wire import DroppedConnection


class WsgiAdapter(BaseAdapter):
    """Calls `app` in this thread; a connection that it drops is one that broke. `calls` counts what came through."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        super().__init__()
        self._app = app
        self.calls: list[str] = []

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        self.calls.append(f"{request.method} {request.path_url}")
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
            started[:] = [status, headers]
            return lambda _chunk: None

        try:
            chunks = self._app(_environ(request), start_response)
            try:
                body = b"".join(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        except DroppedConnection as error:
            raise requests.ConnectionError(str(error), request=request) from error
        status, headers = started
        return response_to(request, int(status.split(" ", 1)[0]), headers, body)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Sent:
    """A request as it would have left."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Scripted(BaseAdapter):
    """Gives the answers of a script, in order; an exception in it is raised. `sent` is what was asked."""

    answers: list[tuple[int, dict[str, str], bytes] | Exception] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)

    def add(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))

    def fail(self, error: Exception) -> None:
        self.answers.append(error)

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        self.sent.append(Sent(str(request.method), str(request.url), request.headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers, content = answer
        return response_to(request, status, list(headers.items()), content)

    def close(self) -> None:
        """Nothing is open."""


def mount(session: requests.Session, url: str, app: Callable[..., Iterable[bytes]]) -> WsgiAdapter:
    """Let calls to `url` end in `app`."""
    adapter = WsgiAdapter(app)
    session.mount(url, adapter)
    return adapter


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
        "QUERY_STRING": parts.query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": parts.netloc,
    }
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = text
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = text
    return environ


def response_to(
    request: requests.PreparedRequest, status: int, headers: list[tuple[str, str]], body: bytes
) -> requests.Response:
    raw = HTTPResponse(io.BytesIO(body), headers=dict(headers), status=status, preload_content=False)
    return HTTPAdapter().build_response(request, raw)
