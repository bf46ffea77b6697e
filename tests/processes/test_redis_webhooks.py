"""The webhooks as they are served: gunicorn, SQL and a real Redis that dies under them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from core.database import open_database
from core.endpoints import SECRET_HEADER, Endpoints
from core.inbox import Inbox
from core.redis import inbox_url
from core.vault import Vault, new_key
from tests.processes.redis_world import RealRedis, running_redis, wait_until
from tests.unit.webhook_world import ORGANISATION, XERO_KEY, context, signature_of

pytestmark = pytest.mark.processes

SERVE = """
import sys
from core import log
from core.settings import read_settings
from webhooks.wsgi import serve

settings = read_settings(None)
log.configure(settings.log_level, settings.log_format, "web")
serve(settings, "127.0.0.1", int(sys.argv[1]))
"""


@dataclass
class Served:
    """The served application and what it stands on."""

    server: RealRedis
    process: subprocess.Popen[bytes]
    port: int
    endpoints: Endpoints
    logs: Path

    @property
    def inbox(self) -> Inbox:
        return Inbox(inbox_url(self.server.url))

    def get(self, path: str) -> int:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10).status_code

    def answers(self) -> bool:
        try:
            return self.get("/healthz") == 200
        except requests.ConnectionError:
            return False

    def post(self, key: str, secret: str) -> int:
        url = f"http://127.0.0.1:{self.port}/webhooks/dynamics/{key}"
        return requests.post(url, json=context(), headers={SECRET_HEADER: secret}, timeout=10).status_code

    def talk(self, raw: bytes) -> bytes:
        """Send raw bytes; return the beginning of what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(raw)
            return connection.recv(65536)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


@contextmanager
def running_web(folder: Path) -> Iterator[Served]:
    """The web application with a Redis of its own, its database and log in `folder`."""
    key = new_key()
    with running_redis() as server:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        database_url = f"sqlite:///{folder / 'connector.db'}"
        environment = {
            "REDIS_URL": server.url,
            "DATABASE_URL": database_url,
            "TOKEN_KEYS": key,
            "XERO_WEBHOOK_KEY": f"other, {XERO_KEY}",
        }
        logs = folder / "web.log"
        with logs.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(port)], env=environment, stderr=output, stdout=output
            )
        engine = open_database(database_url)
        running = Served(server, process, port, Endpoints(engine, Vault([key])), logs)
        try:
            wait_until(running.answers, timeout_s=30)
            yield running
        finally:
            process.terminate()
            process.wait(20)
            engine.dispose()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with running_web(tmp_path) as running:
        yield running


def test_accepted_events_are_in_redis_whatever_becomes_of_it(served: Served) -> None:
    endpoint = served.endpoints.ensure(ORGANISATION)  # made after the start: seen at once
    [secret] = endpoint.secrets
    assert [served.post(endpoint.key, secret) for _ in range(20)] == [200] * 20
    assert served.post(endpoint.key, "wrong") == 401

    served.server.kill()
    started = time.monotonic()
    assert served.post(endpoint.key, secret) == 503
    assert time.monotonic() - started < 3
    assert (served.get("/healthz"), served.get("/readyz")) == (200, 503)
    served.server.start()

    assert served.inbox.depth() == 20
    assert served.post(endpoint.key, secret) == 200
    assert served.get("/readyz") == 200
    rotated = served.endpoints.rotate(ORGANISATION)
    assert [served.post(endpoint.key, known) for known in rotated.secrets] == [200, 200]
    assert served.inbox.depth() == 23


def test_a_frozen_redis_gives_503_in_time(served: Served) -> None:
    """F10: a webhook is answered too late."""
    endpoint = served.endpoints.ensure(ORGANISATION)
    [secret] = endpoint.secrets
    assert served.post(endpoint.key, secret) == 200
    served.server.freeze()
    try:
        started = time.monotonic()
        assert served.post(endpoint.key, secret) == 503
        assert time.monotonic() - started < 3
    finally:
        served.server.thaw()


def test_xero_is_believed_by_its_signature_over_the_raw_bytes(served: Served) -> None:
    body = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "LUWDSUDGSWNZVALZXBEV"}'
    url = f"http://127.0.0.1:{served.port}/webhooks/xero"
    right = requests.post(url, data=body, headers={"x-xero-signature": signature_of(body)}, timeout=10)
    wrong = requests.post(url, data=body, headers={"x-xero-signature": "/" + signature_of(body)[1:]}, timeout=10)

    assert (right.status_code, right.content, right.cookies.get_dict()) == (200, b"", {})
    assert (wrong.status_code, wrong.content) == (401, b"")


def test_too_much_is_refused_before_it_is_read(served: Served) -> None:
    endpoint = served.endpoints.ensure(ORGANISATION)
    head = f"POST /webhooks/dynamics/{endpoint.key} HTTP/1.1\r\nHost: h\r\n{SECRET_HEADER}: {endpoint.secrets[0]}\r\n"
    declared = served.talk(f"{head}Content-Length: 1048577\r\n\r\n".encode())
    # More than the limit, and less than what fits into the sockets' buffers behind it.
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    chunked = served.talk(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 17 + b"0\r\n\r\n")

    assert declared.startswith(b"HTTP/1.1 413 ")
    assert chunked.startswith(b"HTTP/1.1 413 ")


def test_a_killed_worker_is_replaced_and_the_end_is_orderly(served: Served) -> None:
    wait_until(lambda: len(served.workers()) == 2)
    victims = served.workers()
    os.kill(victims[0], signal.SIGKILL)
    wait_until(lambda: len(served.workers()) == len(victims) and victims[0] not in served.workers())
    assert served.answers()

    served.process.terminate()

    assert served.process.wait(20) == 0


def test_the_log_has_a_line_a_request_and_no_secret(served: Served) -> None:
    endpoint = served.endpoints.ensure(ORGANISATION)
    [secret] = endpoint.secrets
    url = f"http://127.0.0.1:{served.port}/webhooks/dynamics/{endpoint.key}?code={secret}"
    assert requests.post(url, json=context(), timeout=10).status_code == 200
    served.process.terminate()
    served.process.wait(20)

    text = served.logs.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    [line] = [line for line in lines if line["event"] == "webhook.answered"]
    assert (line["source"], line["status"], line["accepted"]) == ("dynamics", 200, 1)
    assert secret not in text
    assert endpoint.key not in text
