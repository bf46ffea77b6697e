"""Xero access tokens: client credentials, or a person's consent whose refresh token changes with each use."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import requests

from clients.http import Answer
from clients.xero_identity import Granted, ask_for_tokens, error_of, granted_by
from core.clock import Clock
from core.consents import Consent, Consents
from core.errors import Disconnected, Transient

LIFE = timedelta(minutes=30)  # what Xero gives; only assumed where a consent doesn't say when it was renewed
USED_UP = 0.8
GRACE = timedelta(minutes=30)  # the refresh token before the last one still works that long
EXPIRY_MARGIN = timedelta(seconds=30)
_GONE = "The consent for Xero is no longer stored. Connect Xero again."


class XeroTokens:
    """The tokens of one consent. Keep the object: client credentials are remembered in it alone.

    A refresh happens after 80 % of the token's life, in one process at a time (`Consents.begin_refresh`). Its
    outcome is stored only if the consent did not change meanwhile. If the answer is lost, the old refresh token
    goes out again: Xero takes it for 30 minutes more.
    """

    def __init__(
        self,
        consents: Consents,
        consent_id: str,
        *,
        identity_url: str,
        session: requests.Session,
        clock: Clock,
    ) -> None:
        self._consents = consents
        self._consent_id = consent_id
        self._url = f"{identity_url}/connect/token"
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Consent | None = None
        self._refused = ""

    def get(self) -> str:
        """Return a token that should work now. Raises Transient, Limited or Disconnected."""
        with self._lock:
            if self._held is None or not self._is_fresh(self._held):
                self._held = self._renew()
            return self._held.access_token

    def forget(self) -> None:
        """Do not give the token given last again: Xero refused it."""
        with self._lock:
            if self._held is not None:
                self._refused = self._held.access_token

    def _is_fresh(self, consent: Consent) -> bool:
        if not self._works(consent) or consent.expires_at is None:
            return False
        renewed_at = consent.rotated_at or consent.expires_at - LIFE
        return self._clock.now() < renewed_at + (consent.expires_at - renewed_at) * USED_UP

    def _works(self, consent: Consent) -> bool:
        if not consent.access_token or consent.access_token == self._refused or consent.expires_at is None:
            return False
        return self._clock.now() < consent.expires_at - EXPIRY_MARGIN

    def _renew(self) -> Consent:
        stored = self._stored()
        if not stored.refresh_token:
            return self._by_credentials(stored)
        if self._is_fresh(stored):
            return stored  # another process renewed it
        if not self._consents.begin_refresh(stored.id, now=self._clock.now()):
            if self._works(stored):
                return stored
            raise Transient("The Xero token is being renewed by another process")
        try:
            renewed = self._by_refresh_token()
        except BaseException:
            self._consents.give_up_refresh(stored.id)
            raise
        # Stored before first use: a token that only this process knew would be lost with it.
        if self._consents.end_refresh(renewed):
            return renewed
        newer = self._stored()  # the consent changed meanwhile; what is stored is never replaced by something older
        if self._works(newer):
            return newer
        raise Transient("The consent for Xero changed while its token was renewed")

    def _stored(self) -> Consent:
        try:
            return self._consents.get(self._consent_id)
        except KeyError as error:
            raise Disconnected(_GONE) from error

    def _by_credentials(self, consent: Consent) -> Consent:
        form = {"grant_type": "client_credentials"} | ({"scope": consent.scope} if consent.scope else {})
        now = self._clock.now()
        granted = granted_by(self._ask(consent, form))
        return _renewed(consent, granted, now)

    def _by_refresh_token(self) -> Consent:
        consent = self._stored()  # once more: the one who had the right before may just have renewed it
        if self._is_fresh(consent):
            return consent
        now = self._clock.now()
        used, answer = consent.refresh_token, self._refresh(consent, consent.refresh_token)
        if error_of(answer) == "invalid_grant" and self._has_grace(consent, now):
            used, answer = consent.previous_refresh_token, self._refresh(consent, consent.previous_refresh_token)
        if error_of(answer) == "invalid_grant" and self._stored().version != consent.version:
            raise Transient("The consent for Xero was given anew meanwhile")
        granted = granted_by(answer)
        return replace(
            _renewed(consent, granted, now),
            refresh_token=granted.refresh_token or used,
            previous_refresh_token=used,
        )

    def _has_grace(self, consent: Consent, now: datetime) -> bool:
        rotated_at = consent.rotated_at
        return bool(consent.previous_refresh_token) and rotated_at is not None and now < rotated_at + GRACE

    def _refresh(self, consent: Consent, refresh_token: str) -> Answer:
        return self._ask(consent, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _ask(self, consent: Consent, form: dict[str, str]) -> Answer:
        return ask_for_tokens(self._session, self._url, consent.client_id, consent.client_secret, form)


def _renewed(consent: Consent, granted: Granted, now: datetime) -> Consent:
    # `now` is the time before the call: the token can only live longer than we believe.
    return replace(consent, access_token=granted.access_token, rotated_at=now, expires_at=now + granted.life)
