"""Our Dataverse client and tokens above the simulated Dynamics and Microsoft log-in, in process."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from clients.dataverse import Change, Dataverse, key_path
from clients.http import open_session
from clients.tokens import DynamicsTokens
from core import columns
from core.consents import Consent, Consents
from core.database import open_database
from core.vault import Vault, new_key
from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.wire import Fault
from solution.package import build
from tests.wsgi_adapter import mount

URL, AUTHORITY = "https://contoso.crm4.dynamics.com", "https://login.microsoftonline.com"
DIRECTORY = "7d2b6f0e-6a2f-4d0a-9a2c-1b7b9f3f1a01"
CLIENT_ID = "5c9e2f4b-0b55-4f6e-8e58-2f1f0c6c7a02"
SECRET = "client-secret-canary"
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
GONE = "aaaaaaaa-0000-0000-0000-000000000001"
DETAILS = columns.DETAILS.set_name


@dataclass
class World:
    clock: Clock
    login: MicrosoftLogin
    env: DataverseSimulator
    user_id: str
    session: requests.Session
    consents: Consents
    tokens: DynamicsTokens
    dataverse: Dataverse

    def account(self, name: str = "Fabrikam") -> str:
        return self.env.user().create("accounts", {"name": name})

    def details(self, key: str, **row: Any) -> Change:
        return Change("PATCH", key_path(DETAILS, {"stl3_dynamicsinvoiceid": key}), {"stl3_name": key, **row})

    def fail(self, match: str, kind: Any, **more: Any) -> None:
        self.env.wire.inject(Fault(match, kind, **more))

    def ask_token(self, **consent: Any) -> str:
        """Ask with a consent that differs from the right one."""
        self.consents.save(replace(self.consents.get("c-1"), **consent))
        return self.tokens.get()


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Yield a simulated Dynamics with our solution, and our client as its application user."""
    clock = Clock(NOW)
    login = MicrosoftLogin(clock, random.Random(1))
    login.add_tenant(DIRECTORY)
    login.add_app(DIRECTORY, client_id=CLIENT_ID, client_secret=SECRET)
    env = DataverseSimulator(clock, random.Random(2), login, url=URL, tenant_id=DIRECTORY)
    env.import_solution(build(managed=True), enable_steps=False)
    user_id = env.add_app_user(CLIENT_ID)
    consents = Consents(open_database(f"sqlite:///{folder / 'c.db'}"), Vault([new_key(lambda n: b"k" * n)]))
    consents.save(Consent("c-1", "dynamics", CLIENT_ID, SECRET, directory=DIRECTORY))
    session = open_session(None)
    adapter = mount(session, URL, env.wire)
    session.mount(AUTHORITY, adapter)
    tokens = DynamicsTokens(consents, "c-1", authority=AUTHORITY, resource=URL, session=session)
    dataverse = Dataverse(session, tokens, url=URL)
    yield World(clock, login, env, user_id, session, consents, tokens, dataverse)
    session.close()
