"""Xero's log-in: what it is asked for tokens, and what its answers mean."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import requests

from clients.http import Answer, Seconds, call, retry_after_s
from core.errors import Disconnected, Limited, Transient

TIMEOUT_S: Seconds = (5, 9)  # in all at most 28 s: less than the 30 s of the right to refresh
_LIMITED_S = 60.0

_REVOKED = (
    "Xero no longer accepts the consent (it ended, was revoked, or was not used for 60 days). Connect Xero again."
)
_REFUSALS = {
    "invalid_client": "Xero does not accept the client id or secret of the app. Enter them again.",
    "unauthorized_client": "The Xero app may not ask for tokens like this. Check the type of the app and its secret.",
    "invalid_scope": "The Xero app lacks scopes that the connector needs. Enable them, then connect again.",
    "unsupported_grant_type": "The Xero app does not allow this kind of log-in. Check the type of the app.",
    "invalid_grant": _REVOKED,
}


@dataclass(frozen=True, slots=True)
class Granted:
    """Tokens as Xero gives them; without `refresh_token` for an app that speaks for itself."""

    access_token: str
    refresh_token: str
    life: timedelta

    def __repr__(self) -> str:
        return f"Granted(life={self.life})"


def ask_for_tokens(
    session: requests.Session, url: str, client_id: str, client_secret: str, form: dict[str, str]
) -> Answer:
    """Return the answer of the token endpoint at `url`, whatever it is. Raises Transient without one."""
    credentials = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    # Not a change in the sense of `call`: a lost answer is mended by asking again with the same token.
    body = urlencode(form).encode()
    return call(session, "POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S, changes=False)


def granted_by(answer: Answer) -> Granted:
    """Return what the token endpoint granted. Raises Disconnected, Limited or Transient."""
    if answer.status == 429:
        wait_s = retry_after_s(answer.headers, _LIMITED_S)
        raise Limited("Xero's log-in limits our calls", retry_after_s=wait_s, limit="login", side="xero")
    if answer.status == 200:
        document = _document(answer)
        token, seconds = document.get("access_token"), document.get("expires_in")
        if isinstance(token, str) and token and isinstance(seconds, int):
            return Granted(token, str(document.get("refresh_token") or ""), timedelta(seconds=seconds))
    error = error_of(answer)
    if 400 <= answer.status < 500 and error:
        raise Disconnected(_REFUSALS.get(error, "Xero's log-in refuses the consent. Connect Xero again."))
    raise Transient(f"Xero's log-in answered {answer.status} and no token")


def error_of(answer: Answer) -> str:
    error = _document(answer).get("error") if answer.status >= 400 else None
    return error if isinstance(error, str) else ""


def _document(answer: Answer) -> dict[str, object]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
