"""Our Xero client and tokens above the simulated Xero, in process."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from clients.http import open_session
from clients.tokens import XeroTokens
from clients.xero import Xero
from core.consents import Consent, Consents
from core.database import open_database
from core.vault import Vault, new_key
from simulators.clock import Clock
from simulators.wire import Fault
from simulators.xero import Organisation, Person, XeroSimulator
from tests.described import Described
from tests.wsgi_adapter import WsgiAdapter, mount

API, IDENTITY = "https://api.xero.com", "https://identity.xero.com"
START = datetime(2026, 3, 10, 9, 30, 5, 120000, tzinfo=UTC)
CLIENT_SECRET = "client-secret-canary"


@dataclass
class World:
    clock: Clock
    simulator: XeroSimulator
    organisation: Organisation
    adapter: WsgiAdapter
    consents: Consents
    tokens: XeroTokens
    xero: Xero
    contact_id: str

    def invoice(self, number: int, **fields: Any) -> dict[str, Any]:
        whole = {
            "Type": "ACCREC",
            "Contact": {"ContactID": self.contact_id},
            "Date": "2026-03-10",
            "DueDate": "2026-04-09",
            "Status": "AUTHORISED",
            "LineAmountTypes": "Exclusive",
            "Url": f"https://contoso.crm4.dynamics.com/main.aspx?id={number}",
            "LineItems": [
                {
                    "Description": "Work",
                    "Quantity": Decimal("1.0"),
                    "UnitAmount": Decimal("1234567.8901"),
                    "AccountCode": "200",
                }
            ],
        } | fields
        return {name: value for name, value in whole.items() if value is not None}

    def fail(self, match: str, kind: Any, **more: Any) -> None:
        self.simulator.wire.inject(Fault(match, kind, **more))

    @property
    def person(self) -> Person:
        return self.simulator.user(self.organisation)

    @property
    def calls(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.simulator.wire.calls]


@contextmanager
def open_world(folder: Path, kind: Literal["custom", "web"] = "custom") -> Iterator[World]:
    """Open a world in which every call is held against the published description, where that is at hand."""
    clock = Clock(START)
    simulator = XeroSimulator(clock, random.Random(1))
    organisation = simulator.add_organisation(name="Demo (UK)", currencies=["EUR"])
    scopes = "accounting.invoices accounting.contacts accounting.settings.read accounting.payments.read"
    if kind == "web":
        scopes += " offline_access"
    tenant_id = organisation.tenant_id
    simulator.add_app(
        client_id="app",
        client_secret=CLIENT_SECRET,
        kind=kind,
        scopes=scopes,
        tenant_ids=[tenant_id],
        minute_limit=1000,
        concurrent_limit=100,
    )
    refresh_token = simulator.refresh_token("app", [tenant_id]) if kind == "web" else ""
    consents = Consents(open_database(f"sqlite:///{folder / 'c.db'}"), Vault([new_key(lambda n: b"k" * n)]))
    consents.save(Consent("c-1", "xero", "app", CLIENT_SECRET, scope=scopes, refresh_token=refresh_token))
    session = open_session(None)
    described = Described(simulator.wire)
    adapter = mount(session, API, described)
    session.mount(IDENTITY, adapter)
    tokens = XeroTokens(consents, "c-1", identity_url=IDENTITY, session=session, clock=clock)
    xero = Xero(session, tokens, api_url=API, tenant_id=tenant_id)
    contact = simulator.user(organisation).create_contact(Name="Ann", ContactNumber="n-1", AccountNumber="A-1")
    yield World(clock, simulator, organisation, adapter, consents, tokens, xero, contact["ContactID"])
    session.close()
    assert described.complaints == [], described.complaints
