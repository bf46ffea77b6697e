"""What a test may see of, and do to, the calls that reach a simulator: a log of calls and injected faults."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from simulators.clock import Clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PREFIX = "/_control"
SECRET_HEADERS = frozenset({"authorization", "cookie"})

FaultKind = Literal["drop-before", "drop-after", "status-before", "status-after", "delay-before", "delay-after"]


class DroppedConnection(ConnectionError):
    """The connection breaks without an answer; a server closes the socket, an in-process adapter raises."""


@dataclass
class Fault:
    """One thing that goes wrong on the wire.

    `match` is a regular expression searched in "METHOD /path?query", `content` one searched in the call's body.
    `*-before`: the simulator never sees the
    call; `*-after`: it does its work and only the answer is lost or replaced. `skip` calls pass first, then
    `times` calls are hit. A delay holds the call for `delay_s`, or until `Wire.release()`.
    """

    match: str
    kind: FaultKind
    content: str = ""
    times: int = 1
    skip: int = 0
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    delay_s: float = 0.0


@dataclass(frozen=True)
class Call:
    """One answered (or dropped) call; `status` 0 means that the caller got no answer."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_bytes: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"at": self.at.isoformat(), "body": self.body.decode("utf-8", "replace")}


class Wire:
    """WSGI middleware around a simulator: records each call and lets the planned faults happen."""

    def __init__(self, app: WSGIApplication, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._count = 0
        self.held = 0  # calls that a delay holds right now
        self.calls: list[Call] = []
        self.faults: list[Fault] = []

    def inject(self, fault: Fault) -> None:
        re.compile(fault.match), re.compile(fault.content.encode())
        with self._lock:
            self._released.clear()
            self.faults.append(fault)

    def release(self) -> None:
        """Let every held call go on, and forget the faults that are left."""
        with self._lock:
            self.faults.clear()
        self._released.set()

    def forget_calls(self) -> None:
        with self._lock:
            self.calls.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL_PREFIX):
            return self._app(environ, start_response)
        body = _read_body(environ)
        fault = self._next_fault(f"{environ['REQUEST_METHOD']} {path}?{environ.get('QUERY_STRING', '')}", body)
        answer = self._answer(environ, body, fault)
        dropped = fault is not None and fault.kind.startswith("drop")
        self._record(environ, body, answer, dropped=dropped)
        if dropped:
            raise DroppedConnection(f"{fault.kind if fault else ''}: {path}")
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment, body: bytes, fault: Fault | None) -> _Answer:
        if fault is None:
            return _run(self._app, environ, body)
        if fault.kind == "delay-before":
            self._hold(fault)
        if fault.kind.endswith("before") and not fault.kind.startswith("delay"):
            return _replacement(fault)
        answer = _run(self._app, environ, body)
        if fault.kind == "delay-after":
            self._hold(fault)
        return _replacement(fault) if fault.kind == "status-after" else answer

    def _hold(self, fault: Fault) -> None:
        with self._lock:
            self.held += 1
        self._released.wait(fault.delay_s)
        with self._lock:
            self.held -= 1

    def _next_fault(self, call: str, body: bytes) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if not re.search(fault.match, call) or not re.search(fault.content.encode(), body):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _record(self, environ: WSGIEnvironment, body: bytes, answer: _Answer, *, dropped: bool) -> None:
        with self._lock:
            self._count += 1
            self.calls.append(
                Call(
                    number=self._count,
                    at=self._clock.now(),
                    method=environ["REQUEST_METHOD"],
                    path=environ.get("PATH_INFO", ""),
                    query=environ.get("QUERY_STRING", ""),
                    headers=_headers(environ),
                    body=body,
                    status=0 if dropped else int(answer.status.split(" ", 1)[0]),
                    answer_bytes=len(answer.body),
                )
            )


@dataclass
class _Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def _replacement(fault: Fault) -> _Answer:
    headers = {"Content-Type": "text/plain", **fault.headers}
    return _Answer(f"{fault.status} Injected", list(headers.items()), fault.body.encode())


def _run(app: WSGIApplication, environ: WSGIEnvironment, body: bytes) -> _Answer:
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    answer = _Answer("500 No answer", [], b"")

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        answer.status, answer.headers = status, list(headers)
        return lambda _chunk: None

    chunks: Any = app(environ, start_response)
    try:
        answer.body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return answer


def _read_body(environ: WSGIEnvironment) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated") or environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        return bytes(stream.read())
    length = environ.get("CONTENT_LENGTH") or "0"
    return bytes(stream.read(int(length)))


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    def pairs() -> Iterator[tuple[str, str]]:
        for key, value in environ.items():
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower(), str(value)
        if environ.get("CONTENT_TYPE"):
            yield "content-type", environ["CONTENT_TYPE"]

    return {name: "(hidden)" if name in SECRET_HEADERS else value for name, value in pairs()}
