"""Calls to the simulated Xero without a socket, for the tests of its rules."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from werkzeug.test import Client, TestResponse

from simulators.clock import Clock
from simulators.xero import DEFAULT_SCOPES, Organisation, Person, XeroSimulator

START = datetime(2026, 3, 10, 9, 30, 5, 120000, tzinfo=UTC)
ZERO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass
class Answered:
    """One answer, with its JSON body when it has one; fractions are Decimal."""

    response: TestResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Any:
        return self.response.headers

    @property
    def text(self) -> str:
        return self.response.get_data(as_text=True)

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def messages(self) -> list[str]:
        """The validation messages of all elements, whether the call failed as a whole or not."""
        body = self.json
        elements = body.get("Elements") or next((v for k, v in body.items() if isinstance(v, list)), [])
        return [message["Message"] for element in elements for message in element.get("ValidationErrors", [])]


@dataclass
class XeroCaller:
    """A simulator with one app of one organisation, and calls to it."""

    clock: Clock
    simulator: XeroSimulator
    organisation: Organisation
    client_id: str = "app"
    token: str = ""
    renews: bool = True
    """Fetch a new access token when the old one has expired."""
    accept: str | None = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        """A user of the organisation."""
        return self.simulator.user(self.organisation)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """Make an accounting call below /api.xro/2.0; header names with _ for -."""
        held = self.simulator.identity.access_tokens.get(self.token)
        if self.renews and (held is None or held.expires_at <= self.clock.now()):
            self.token = self.simulator.access_token(self.client_id)
        sent = {
            "Authorization": f"Bearer {self.token}",
            "xero-tenant-id": self.organisation.tenant_id,
            "Accept": self.accept or "",
            **self.headers,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        return Answered(
            Client(self.simulator.wire).open(f"/api.xro/2.0{path}", method=method, data=data, headers=sent)
        )

    def get(self, path: str, **headers: str) -> Answered:
        return self.call("GET", path, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Answered:
        return self.call("PUT", path, body, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answered:
        return self.call("POST", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answered:
        return self.call("DELETE", path, **headers)

    def one(self, path: str) -> Any:
        """Return the only element that a GET answers with."""
        answered = self.get(path)
        assert answered.status == 200, answered.text
        (element,) = next(value for value in answered.json.values() if isinstance(value, list))
        return element

    def create(self, **fields: Any) -> Any:
        """Create one invoice and return it as answered."""
        answered = self.put("/Invoices?unitdp=4", invoice(**fields))
        assert answered.status == 200, answered.text
        return answered.json["Invoices"][0]

    def refused(self, **fields: Any) -> list[str]:
        """Try to create one invoice and return why not."""
        answered = self.put("/Invoices?unitdp=4", invoice(**fields))
        assert answered.status == 400, answered.text
        return answered.messages


def line(**fields: Any) -> dict[str, Any]:
    return {"Description": "Work", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200"} | fields


def invoice(**fields: Any) -> dict[str, Any]:
    """Return an authorised sales invoice for Ann; None leaves a field out."""
    whole = {
        "Type": "ACCREC",
        "Contact": {"Name": "Ann"},
        "Date": "2026-03-10",
        "DueDate": "2026-04-09",
        "Status": "AUTHORISED",
        "LineItems": [line()],
    } | fields
    return {name: value for name, value in whole.items() if value is not None}


def credit_note(**fields: Any) -> dict[str, Any]:
    """Return an authorised sales credit note for Ann; None leaves a field out."""
    whole = {
        "Type": "ACCRECCREDIT",
        "Contact": {"Name": "Ann"},
        "Date": "2026-03-10",
        "Status": "AUTHORISED",
        "LineItems": [line()],
    } | fields
    return {name: value for name, value in whole.items() if value is not None}


def start_xero(
    *, frozen: bool = True, minute_limit: int = 1_000_000, scopes: str = DEFAULT_SCOPES, **organisation: Any
) -> XeroCaller:
    """Start a simulator with a connected web app, whose limits do not get in the way."""
    clock = Clock(START if frozen else None)
    simulator = XeroSimulator(clock, random.Random(1))
    org = simulator.add_organisation(
        **({"name": "Demo Company (UK)", "region": "UK", "currencies": ["EUR"]} | organisation)
    )
    simulator.add_app(
        client_id="app",
        client_secret="secret",
        scopes=scopes,
        tenant_ids=[org.tenant_id],
        minute_limit=minute_limit,
        daily_limit=1_000_000,
        concurrent_limit=100,
    )
    return XeroCaller(clock, simulator, org, token=simulator.access_token("app"))
