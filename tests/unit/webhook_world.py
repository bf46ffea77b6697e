"""The webhook application on an inbox in memory, with one Dynamics and one Xero organisation known to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core.endpoints import SECRET_HEADER, Endpoint
from core.event import Event
from core.inbox import Inbox
from webhooks.app import Parts, create_app

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"

ORGANISATION = "6ad6b2f1-4c0e-4a68-9d3f-0a1f6f1f1f01"
TENANT = "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f"
ENDPOINT = Endpoint("endpoint-key", ORGANISATION, ("new-secret", "old-secret"))
XERO_KEY = "TEST-WEBHOOK-SIGNING-KEY-not-a-real-one=="
INVOICE = "3f1d6f3e-8a57-f011-b4cc-000d3ab1c2d3"


def read_reference(name: str) -> Any:
    """Return a recorded JSON file; skips the test where the records are not at hand."""
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip(f"the recorded payloads are not at hand ({REFERENCE})")
    return json.loads(path.read_text("utf-8"))


def signature_of(body: bytes, key: str = XERO_KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


@dataclass
class Webhooks:
    """Posts to the application and looks into its inbox."""

    inbox: Inbox
    endpoint: Endpoint = ENDPOINT
    tenants: frozenset[str] = frozenset({TENANT})
    keys: tuple[str, ...] = (XERO_KEY,)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = Parts(
            publish=self.inbox.publish,
            find_endpoint=self._find,
            read_endpoint=self._find,
            knows_xero_tenant=self.tenants.__contains__,
            xero_webhook_keys=self.keys,
            problems=lambda: self.problems,
        )
        self.client = create_app(self.parts).test_client()

    def _find(self, key: str) -> Endpoint | None:
        return self.endpoint if key == self.endpoint.key else None

    def post_xero(self, body: bytes, signature: str | None = None, **headers: str) -> TestResponse:
        """Post a body, rightly signed unless another signature is given."""
        sent = {"x-xero-signature": signature_of(body) if signature is None else signature, **headers}
        return self.client.post("/webhooks/xero", data=body, headers=sent, content_type="application/json")

    def post_dynamics(self, body: Any, *, secret: str = "new-secret", key: str = "endpoint-key") -> TestResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            f"/webhooks/dynamics/{key}", data=raw, headers={SECRET_HEADER: secret}, content_type="application/json"
        )

    def counts(self) -> dict[str, int]:
        """What was counted besides answers."""
        counted = self.parts.counters.snapshot()
        return {name: number for name, number in counted.items() if number and ".status_" not in name}

    def accepted(self) -> list[Event]:
        """Take everything out of the inbox."""
        events: list[Event] = []
        stopping = threading.Event()
        if self.inbox.depth() == 0:
            return events

        def take(taken: list[Event]) -> None:
            events.extend(taken)
            if self.inbox.depth() == 0:
                stopping.set()

        self.inbox.consume(take, stopping=stopping)
        return events


def context(entity: str = "invoice", message: str = "Update", **members: Any) -> dict[str, Any]:
    """A small RemoteExecutionContext."""
    return {
        "MessageName": message,
        "PrimaryEntityName": entity,
        "PrimaryEntityId": INVOICE,
        "OrganizationId": ORGANISATION,
        "OperationId": "d0000000-0000-0000-0000-000000000001",
        "InputParameters": [],
        **members,
    }


def target(**attributes: Any) -> list[dict[str, Any]]:
    """InputParameters with an Entity as Target."""
    pairs = [{"key": name, "value": value} for name, value in attributes.items()]
    return [
        {
            "key": "Target",
            "value": {"__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts", "Attributes": pairs},
        }
    ]


def image(**attributes: Any) -> list[dict[str, Any]]:
    pairs = [{"key": name, "value": value} for name, value in attributes.items()]
    return [{"key": "Image", "value": {"Attributes": pairs, "Id": INVOICE, "LogicalName": "x"}}]
