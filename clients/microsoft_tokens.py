"""Dynamics access tokens: an application's own, from Microsoft's log-in by way of msal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

import msal
import requests
from msal.exceptions import MsalServiceError

from clients.http import Answer, Seconds, call, retry_after_s
from core.consents import Consent
from core.errors import ConnectorError, Disconnected, Limited, Transient

TIMEOUT_S: Seconds = (5, 15)
_LIMITED_S = 60.0
_TRANSIENT = frozenset({"temporarily_unavailable", "server_error", "request_timeout"})

_GONE = "The consent for Dynamics is no longer stored. Connect Dynamics again."
_CODES = {  # AADSTS numbers, by what a customer's administrator has to do
    7000215: "Microsoft does not accept the client secret. Enter the secret's value (not its id).",
    7000222: "The client secret has expired. Create a new one in Microsoft Entra and enter it.",
    700016: "The app is not known in this Microsoft directory. Check the client id and the directory id.",
    90002: "Microsoft does not know this directory. Check the directory id.",
    500011: "This Dynamics environment is not in the Microsoft directory. Check its address and the directory id.",
    65001: "An administrator has not yet agreed to the app in this Microsoft directory. Give the consent.",
    50076: "Microsoft demands a second factor from the app. Exclude it from that policy.",
    53003: "A conditional access policy blocks the app. Exclude it from that policy.",
    7000112: "The app is disabled in this Microsoft directory. Enable it.",
    7000218: "Microsoft expects a client secret for the app and none is stored. Enter it.",
}


class Stored(Protocol):
    """Where consents are kept."""

    def get(self, consent_id: str) -> Consent:
        """Raises KeyError if there is none."""


class DynamicsTokens:
    """The tokens of one application for one Dynamics environment (`resource`: its address, no slash at the end).

    Keep the object: msal finds its way in the constructor and remembers the token until shortly before it ends.
    """

    def __init__(
        self,
        consents: Stored,
        consent_id: str,
        *,
        authority: str,
        resource: str,
        session: requests.Session,
    ) -> None:
        self._consents = consents
        self._consent_id = consent_id
        self._authority = authority
        self._scope = f"{resource}/.default"
        self._wire = _Wire(session)
        self._lock = threading.Lock()
        self._app: Any = None

    def get(self) -> str:
        """Return a token that should work now. Raises Transient, Limited or Disconnected."""
        with self._lock:
            app, self._app = self._app, None
            # After a failure the next try starts afresh: msal would keep the secret that was refused, and some
            # refusals too.
            app = app or self._open(self._stored())
            result = self._ask(app)
            token = result.get("access_token")
            if not isinstance(token, str) or not token:
                raise _refusal(result, self._wire)
            self._app = app
            return token

    def forget(self) -> None:
        """Do not give the token given last again: Dynamics refused it."""
        with self._lock:
            self._app = None

    def _ask(self, app: Any) -> Mapping[str, Any]:
        try:
            result = app.acquire_token_for_client(scopes=[self._scope])
        except (ValueError, MsalServiceError) as error:  # an unreadable answer, a 5xx
            raise _silence(self._wire) from error
        return result if isinstance(result, dict) else {}

    def _stored(self) -> Consent:
        try:
            return self._consents.get(self._consent_id)
        except KeyError as error:
            raise Disconnected(_GONE) from error

    def _open(self, consent: Consent) -> Any:
        try:
            return msal.ConfidentialClientApplication(
                consent.client_id,
                client_credential=consent.client_secret,
                authority=f"{self._authority}/{consent.directory}",
                instance_discovery=False,  # else an unknown authority makes msal ask Microsoft's first
                http_client=self._wire,
            )
        except (ValueError, MsalServiceError) as error:
            if 400 <= self._wire.status < 500 and self._wire.status != 429:
                raise Disconnected(f"{_CODES[90002]} (AADSTS90002)") from error
            raise _silence(self._wire) from error


@dataclass(slots=True)
class _Wire:
    """What msal takes for an HTTP client: our one call, with its limits; `status` is the last answer's."""

    session: requests.Session
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, **_options: Any) -> _Reply:
        return self._reply(call(self.session, "GET", url, headers=headers or {}, timeout_s=TIMEOUT_S, changes=False))

    def post(
        self,
        url: str,
        *,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> _Reply:
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        body = urlencode(data or {}).encode()
        return self._reply(
            call(self.session, "POST", url, headers=form, body=body, timeout_s=TIMEOUT_S, changes=False)
        )

    def close(self) -> None:
        """Leave the session open: it isn't msal's."""

    def _reply(self, answer: Answer) -> _Reply:
        self.status, self.headers = answer.status, answer.headers
        return _Reply(answer.status, answer.text(), dict(answer.headers))


@dataclass(frozen=True, slots=True)
class _Reply:
    status_code: int
    text: str
    headers: dict[str, str]


def _refusal(result: Mapping[str, Any], wire: _Wire) -> ConnectorError:
    """Return the error for msal's error dictionary, in words for the customer's administrator."""
    error = str(result.get("error") or "")
    codes = [code for code in result.get("error_codes") or () if isinstance(code, int)]
    if wire.status == 429 or error in _TRANSIENT or not error:
        return _silence(wire)
    words = next((_CODES[code] for code in codes if code in _CODES), None)
    if words is None:
        words = "Microsoft's log-in refuses the app. Check the directory id, the client id and the client secret."
    shown = ", ".join(f"AADSTS{code}" for code in codes) or error
    return Disconnected(f"{words} ({shown})", reference=str(result.get("correlation_id") or "") or None)


def _silence(wire: _Wire) -> ConnectorError:
    if wire.status == 429:
        wait_s = retry_after_s(wire.headers, _LIMITED_S)
        return Limited("Microsoft's log-in limits our calls", retry_after_s=wait_s, limit="login", side="dynamics")
    return Transient(f"Microsoft's log-in answered {wire.status} and no token")
