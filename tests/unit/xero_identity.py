"""Xero's token endpoint as the tests of our tokens need it, and consents in a database."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import requests
from requests.adapters import BaseAdapter

from clients.http import open_session
from clients.tokens import XeroTokens
from core.consents import Consent, Consents
from core.database import open_database
from core.vault import Vault, new_key
from simulators.clock import Clock
from tests.wsgi_adapter import response_to

IDENTITY = "https://identity.xero.com"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
KEY = new_key(lambda count: b"k" * count)
SECRETS = ("client-secret-canary", "refresh-canary", "R0", "R1", "A1")


class Identity(BaseAdapter):
    """Xero's token endpoint: each refresh token works once more for 30 minutes after it was replaced."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.valid: dict[str, datetime | None] = {"R0": None}
        self.forms: list[dict[str, str]] = []
        self.lose_answers = 0
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        assert isinstance(request.body, bytes)
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.forms.append(form)
        self.asked.set()
        assert self.may_answer.wait(5)
        number = len(self.forms)
        answer: dict[str, Any] = {"access_token": f"A{number}", "expires_in": 1800, "token_type": "Bearer"}
        if form["grant_type"] == "refresh_token":
            used, now = form["refresh_token"], self._clock.now()
            ends = self.valid.get(used, NOW - timedelta(days=1))
            if ends is not None and ends <= now:
                return response_to(request, 400, [], b'{"error":"invalid_grant"}')
            self.valid[used] = ends or now + timedelta(minutes=30)
            answer["refresh_token"] = f"R{number}"
            self.valid[f"R{number}"] = None
        if self.lose_answers:
            self.lose_answers -= 1
            raise requests.ConnectionError("lost")
        return response_to(request, 200, [], json.dumps(answer).encode())

    def close(self) -> None:
        """Nothing is open."""


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = Clock(NOW)
        self.url = f"sqlite:///{folder / 'connector.db'}"
        self.consents = self.open_consents()
        self.identity = Identity(self.clock)
        self.session = open_session(None)
        self.session.mount(IDENTITY, self.identity)

    def open_consents(self) -> Consents:
        """As another process opens them."""
        return Consents(open_database(self.url), Vault([KEY]))

    def save(self, **fields: Any) -> Consent:
        consent = Consent("c-1", "xero", "client-1", "client-secret-canary", scope="accounting.invoices", **fields)
        return self.consents.save(consent)

    def tokens(self, consents: Consents | None = None) -> XeroTokens:
        return XeroTokens(
            consents or self.consents, "c-1", identity_url=IDENTITY, session=self.session, clock=self.clock
        )

    def stored(self) -> Consent:
        return self.consents.get("c-1")

    def advance(self, **delta: float) -> None:
        self.clock.advance(timedelta(**delta))
