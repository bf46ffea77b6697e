"""The application around both webhooks: statuses, readiness, and an inbox that is away."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterator

import pytest

from core.errors import Transient
from core.event import Event
from core.inbox import Inbox
from tests.unit.webhook_world import ENDPOINT, TENANT, XERO_KEY, Webhooks, context, signature_of
from webhooks.app import Parts, create_app
from webhooks.remembered import Remembered

XERO_BODY = json.dumps(
    {
        "events": [
            {
                "resourceId": "ed255415-e141-4150-aab7-89c3bbbb851c",
                "eventDateUtc": "2026-03-20T14:05:09.450",
                "eventType": "UPDATE",
                "eventCategory": "INVOICE",
                "tenantId": TENANT,
            }
        ]
    }
).encode()


@pytest.fixture
def webhooks(request: pytest.FixtureRequest) -> Webhooks:
    return Webhooks(Inbox("memory://", queue=f"inbox.{request.node.nodeid}"))


@pytest.fixture
def hung_port() -> Iterator[int]:
    """Something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/webhooks/xero", "/webhooks/dynamics/endpoint-key"])
def test_only_post_is_answered(webhooks: Webhooks, method: str, path: str) -> None:
    response = webhooks.client.open(path, method=method)

    assert (response.status_code, response.data) == (405, b"")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/dynamics/", "/webhooks/other", "/%2e%2e/etc/passwd"])
def test_anything_else_is_not_found(webhooks: Webhooks, path: str) -> None:
    response = webhooks.client.post(path)

    assert (response.status_code, response.data) == (404, b"")


@pytest.mark.parametrize("path", ["/webhooks/xero", "/webhooks/dynamics/endpoint-key"])
def test_a_body_without_length_is_cut_off_at_the_limit(webhooks: Webhooks, path: str) -> None:
    """A chunked body says its length only by ending; the server must stop listening before that."""
    source = io.BytesIO(b"x" * (20 * 1024 * 1024))
    response = webhooks.client.post(
        path,
        input_stream=source,
        headers={"Transfer-Encoding": "chunked", "x-connector-secret": "new-secret"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (response.status_code, response.data) == (413, b"")
    assert source.tell() < 2 * 1024 * 1024


def test_a_process_that_lives_says_so(webhooks: Webhooks) -> None:
    webhooks.problems = ["redis"]

    assert webhooks.client.get("/healthz").status_code == 200


def test_readiness_names_what_is_away(webhooks: Webhooks) -> None:
    assert webhooks.client.get("/readyz").get_json() == {"ready": True, "problems": []}
    webhooks.problems = ["redis"]

    response = webhooks.client.get("/readyz")

    assert response.status_code == 503
    assert response.get_json() == {"ready": False, "problems": ["redis"]}


def test_without_redis_both_are_told_to_come_again(hung_port: int) -> None:
    """F08: 2xx would be a promise that nobody keeps; and a hung Redis must not hold the sender up."""
    webhooks = Webhooks(Inbox(f"redis://127.0.0.1:{hung_port}/0"))

    for post in (lambda: webhooks.post_xero(XERO_BODY), lambda: webhooks.post_dynamics(context())):
        started = time.monotonic()
        response = post()
        assert (response.status_code, response.data) == (503, b"")
        assert time.monotonic() - started < 3
    assert webhooks.counts() == {"xero.not_taken": 1, "dynamics.not_taken": 1}


def test_a_refused_connection_is_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    away = Webhooks(Inbox(f"redis://127.0.0.1:{port}/0"))

    assert away.post_xero(XERO_BODY).status_code == 503


def test_a_delivery_without_events_needs_no_redis(hung_port: int) -> None:
    webhooks = Webhooks(Inbox(f"redis://127.0.0.1:{hung_port}/0"))

    assert webhooks.post_xero(b'{"events":[]}').status_code == 200


def test_without_the_database_both_are_told_to_come_again() -> None:
    """F09: the database is away while an event comes."""

    def away(_key: str) -> None:
        raise Transient("the database does not answer")

    published: list[Event] = []
    client = create_app(Parts(published.extend, away, away, away, (XERO_KEY,))).test_client()

    xero = client.post("/webhooks/xero", data=XERO_BODY, headers={"x-xero-signature": signature_of(XERO_BODY)})
    dynamics = client.post("/webhooks/dynamics/endpoint-key", json=context())

    assert (xero.status_code, dynamics.status_code) == (503, 503)
    assert published == []


def test_the_inbox_has_the_events_before_the_answer(webhooks: Webhooks) -> None:
    """F05: the web dies before the inbox has the event."""
    assert webhooks.post_xero(XERO_BODY).status_code == 200
    assert webhooks.inbox.depth() == 1
    assert webhooks.post_dynamics(context()).status_code == 200
    assert webhooks.inbox.depth() == 2


def test_a_new_secret_is_good_at_once() -> None:
    """The old form of the endpoint is still remembered when the first caller with the new secret comes."""
    stored = {ENDPOINT.key: ENDPOINT}
    remembered = Remembered(stored.get, seconds=10, monotonic=lambda: 0.0)
    published: list[Event] = []
    parts = Parts(published.extend, remembered.find, remembered.read, lambda _: False, ())
    client = create_app(parts).test_client()
    url = f"/webhooks/dynamics/{ENDPOINT.key}"
    assert client.post(f"{url}?code=new-secret", json=context()).status_code == 200

    stored[ENDPOINT.key] = type(ENDPOINT)(ENDPOINT.key, ENDPOINT.organization_id, ("newest", "new-secret"))

    assert client.post(f"{url}?code=newest", json=context()).status_code == 200
    assert client.post(f"{url}?code=old-secret", json=context()).status_code == 401


def test_a_hit_is_remembered_for_a_while_and_a_miss_never() -> None:
    stored: dict[str, str] = {}
    asked: list[str] = []
    now = [0.0]

    def find(key: str) -> str | None:
        asked.append(key)
        return stored.get(key)

    remembered = Remembered(find, seconds=10, monotonic=lambda: now[0])
    assert remembered.find("a") is None
    stored["a"] = "found"
    assert [remembered.find("a") for _ in range(3)] == ["found"] * 3
    assert len(asked) == 2
    del stored["a"]
    now[0] = 10.0
    assert remembered.find("a") is None
