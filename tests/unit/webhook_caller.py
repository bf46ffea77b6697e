"""Sends the cases of the corpus to the application and says what of all that must hold does not."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Transient
from core.event import Event
from tests.unit.webhook_corpus import CANARY, OLD_KEY, PATHS, Case
from tests.unit.webhook_world import ENDPOINT, ORGANISATION, TENANT, XERO_KEY
from webhooks.app import Parts, create_app

PAGE_BYTES = 4096


class Endless(io.RawIOBase):
    """A body that goes on for ever; `given` counts the bytes that were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.given += len(buffer)
        assert self.given < 100_000_000, "a body without end is read without end"
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


@dataclass
class Caller:
    """The application as a server calls it, with an inbox in a list. `log` is where all log lines go."""

    log: io.StringIO
    published: list[Event] = field(default_factory=list)
    slowest_ms: float = 0.0
    slowest: str = ""
    asked_for_tenants: int = 0

    def __post_init__(self) -> None:
        self._app = create_app(
            Parts(
                publish=self.published.extend,
                find_endpoint={ENDPOINT.key: ENDPOINT}.get,
                read_endpoint=self._read,
                knows_xero_tenant=self._knows,
                xero_webhook_keys=(XERO_KEY, OLD_KEY),
            )
        )

    def _read(self, key: str) -> None:
        if "\x00" in key:  # as PostgreSQL: it refuses the question, and that looks like a database that is away
            raise Transient("the database does not answer: DataError")

    def _knows(self, tenant: str) -> bool:
        self.asked_for_tenants += 1
        return tenant == TENANT

    def complaints(self, cases: Iterable[Case]) -> list[str]:
        """Send the cases; return the name of each that fails, with the reason."""
        return [f"{case.name}: {words}" for case in cases for words in self.complaints_of(case)]

    def complaints_of(self, case: Case) -> Iterator[str]:
        self.published.clear()
        self.log.seek(0)
        self.log.truncate()
        body: Any = Endless() if case.endless else io.BytesIO(case.body)
        started = time.perf_counter()
        status, headers, content = self._call(case, body)
        took_ms = (time.perf_counter() - started) * 1000
        if took_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = took_ms, case.name
        if status not in case.statuses:
            yield f"answered {status}"
        if content:
            yield f"answered with a body: {content[:50]!r}"
        if "set-cookie" in headers or "server" in headers:
            yield f"answered with {sorted(headers)}"
        if case.events is not None and len(self.published) != case.events:
            yield f"published {len(self.published)} events"
        yield from self._strangers(case)
        if isinstance(body, Endless) and body.given > 2_000_000:
            yield f"{body.given} bytes were read"
        written = self.log.getvalue()
        if CANARY.lower() in written.lower():
            yield f"the log says {written[:300]}"
        if '"level": "error"' in written or "Traceback" in written:
            yield f"the log has an error: {written[-300:]}"

    def _strangers(self, case: Case) -> Iterator[str]:
        own = TENANT if case.source == "xero" else ORGANISATION
        for event in self.published:
            if (event.side, event.organisation) != (case.source, own):
                yield f"an event of {event.side} {event.organisation}"
            if Event.from_json(event.as_json()) != event:
                yield f"not the same after the inbox: {event}"

    def _call(self, case: Case, body: Any) -> tuple[int, dict[str, str], bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": case.path or PATHS[case.source],
            "QUERY_STRING": case.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": case.headers.get("content-type", "application/json"),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.errors": self.log,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in case.headers.items()},
        }
        if case.endless:
            environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        elif case.length != "":
            environ["CONTENT_LENGTH"] = str(len(case.body)) if case.length is None else case.length
        answer: list[Any] = []
        chunks = self._app(environ, lambda status, headers, *_: answer.extend((status, headers)))
        content = b"".join(chunks)
        return int(answer[0].split()[0]), {name.lower(): value for name, value in answer[1]}, content


def resident_bytes(pid: int | str = "self") -> int:
    """Return how much memory a process has in use, this one unless told (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
