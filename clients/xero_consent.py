"""A person's consent to speak for them in Xero: where they give it, and what comes of it.

Source: Xero's guide to the standard authorization code flow; RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests

from clients.http import call
from clients.xero_identity import TIMEOUT_S, Granted, ask_for_tokens, granted_by
from core.errors import Disconnected, Transient


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that the person has connected to our app. `connection_id` is Xero's own, of app and user."""

    tenant_id: str
    name: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class XeroLogin:
    """Xero's log-in for our app; addresses without a slash at the end."""

    session: requests.Session = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    login_url: str
    identity_url: str
    api_url: str

    def address(self, *, redirect_uri: str, state: str, verifier: str, scopes: str) -> str:
        """Return where the person is to be sent; they come back to `redirect_uri` with `state` and a code."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": scopes,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.login_url}/identity/connect/authorize?{urlencode(query)}"

    def redeem(self, code: str, *, redirect_uri: str, verifier: str) -> Granted:
        """Return the tokens for a code, which works once. Raises Disconnected, Limited or Transient."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        url = f"{self.identity_url}/connect/token"
        granted = granted_by(ask_for_tokens(self.session, url, self.client_id, self.client_secret, form))
        if not granted.refresh_token:
            raise Disconnected("Xero gave no refresh token: the scope offline_access was not granted.")
        return granted

    def list_organisations(self, access_token: str) -> list[Organisation]:
        """Return what this person has connected to our app, now or before. Raises Transient or Disconnected."""
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        answer = call(
            self.session, "GET", f"{self.api_url}/connections", headers=headers, timeout_s=TIMEOUT_S, changes=False
        )
        if answer.status in (401, 403):
            raise Disconnected("Xero does not accept the token that it has just given.")
        try:
            found = answer.json() if answer.status == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise Transient(f"Xero answered {answer.status} and no list of connections")
        return [
            Organisation(str(each["tenantId"]).lower(), str(each.get("tenantName") or ""), str(each["id"]))
            for each in found
            if each.get("tenantType") == "ORGANISATION"
        ]
