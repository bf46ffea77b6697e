"""Apps, consents, tokens and connections: who may speak for which tenant, and until when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from simulators.clock import Clock
from simulators.xero.limits import Limits
from simulators.xero.subscription import Subscription

CODE_LIFE = timedelta(minutes=5)
ACCESS_LIFE = timedelta(minutes=30)
REFRESH_LIFE = timedelta(days=60)
GRACE = timedelta(minutes=30)
EXPIRED_KEPT = timedelta(days=1)
_USERS = UUID("7f6f1a50-53e6-4b77-9d0e-5d3f0c1b2a11")
AppKind = Literal["custom", "web", "pkce"]


class TokenRefused(Exception):
    """The token endpoint answers 400 with this error code."""


@dataclass
class App:
    """One registration in the developer portal."""

    client_id: str
    client_secret: str
    kind: AppKind
    scopes: str
    limits: Limits
    subscription: Subscription
    redirect_uris: tuple[str, ...] = ()


@dataclass
class Connection:
    """One tenant that one user connected to one app; it keeps its id when it is made again."""

    id: str
    client_id: str
    user_id: str
    tenant_id: str
    auth_event_id: str
    created_at: datetime
    updated_at: datetime
    active: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """What a consent gave: scopes of a user (or of a custom connection, whose user is the app itself)."""

    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    auth_event_id: str


@dataclass
class RefreshToken:
    """A refresh token; once rotated out it works on for the grace time."""

    grant: Grant
    issued_at: datetime
    rotated_at: datetime | None = None

    def usable(self, now: datetime) -> bool:
        if self.rotated_at is not None:
            return now - self.rotated_at < GRACE
        return now - self.issued_at < REFRESH_LIFE


@dataclass(frozen=True, slots=True)
class AccessToken:
    grant: Grant
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code on its way back to the app."""

    grant: Grant
    redirect_uri: str
    challenge: str | None
    expires_at: datetime


@dataclass
class Identity:
    """Everything the identity server knows. The caller holds the simulator's lock."""

    clock: Clock
    chance: random.Random
    apps: dict[str, App] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    granted: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def new_id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def consent(self, app: App, user: str, scopes: tuple[str, ...], tenant_ids: list[str]) -> Grant:
        """Record a consent: connect the tenants; scopes add to those of earlier consents."""
        owner = (app.client_id, user_id(user))
        together = tuple(dict.fromkeys((*self.granted.get(owner, ()), *scopes)))
        self.granted[owner] = together
        grant = Grant(*owner, together, self.new_id())
        for tenant_id in tenant_ids:
            self._connect(grant, tenant_id.lower())
        return grant

    def _connect(self, grant: Grant, tenant_id: str) -> None:
        now = self.clock.now()
        for connection in self.connections:
            if (connection.client_id, connection.user_id, connection.tenant_id) == (
                grant.client_id,
                grant.user_id,
                tenant_id,
            ):
                connection.active, connection.updated_at = True, now
                connection.auth_event_id = grant.auth_event_id
                return
        self.connections.append(
            Connection(
                id=self.new_id(),
                client_id=grant.client_id,
                user_id=grant.user_id,
                tenant_id=tenant_id,
                auth_event_id=grant.auth_event_id,
                created_at=now,
                updated_at=now,
            )
        )

    def connections_of(self, grant: Grant) -> list[Connection]:
        owner = (grant.client_id, grant.user_id)
        return [each for each in self.connections if each.active and (each.client_id, each.user_id) == owner]

    def is_connected(self, client_id: str, tenant_id: str) -> bool:
        """Say whether any user connected the tenant to the app: then its webhooks flow."""
        return any(
            each.active and each.client_id == client_id and each.tenant_id == tenant_id for each in self.connections
        )

    def disconnect(self, *, tenant_id: str, client_id: str | None = None) -> None:
        """End the connections of a tenant, as a person does in Xero's settings."""
        for connection in self.connections:
            if connection.tenant_id == tenant_id and client_id in {None, connection.client_id}:
                connection.active = False

    def issue_code(self, grant: Grant, redirect_uri: str, challenge: str | None) -> str:
        code = self._secret(32)
        self.codes[code] = Code(grant, redirect_uri, challenge, self.clock.now() + CODE_LIFE)
        return code

    def redeem_code(self, app: App, code: str, redirect_uri: str, verifier: str | None) -> Grant:
        """Return the grant behind a code, which works once. Raises TokenRefused."""
        found = self.codes.pop(code, None)
        if found is None or found.grant.client_id != app.client_id or self.clock.now() >= found.expires_at:
            raise TokenRefused("invalid_grant")
        if found.redirect_uri != redirect_uri or not _proves(verifier, found.challenge):
            raise TokenRefused("invalid_grant")
        return found.grant

    def issue_refresh_token(self, grant: Grant) -> str:
        token = self._secret(43)
        self.refresh_tokens[token] = RefreshToken(grant, self.clock.now())
        return token

    def rotate(self, app: App, token: str) -> Grant:
        """Use a refresh token: it is rotated out, and works on for 30 minutes from its first use."""
        found = self.refresh_tokens.get(token)
        if found is None or found.grant.client_id != app.client_id or not found.usable(self.clock.now()):
            raise TokenRefused("invalid_grant")
        found.rotated_at = found.rotated_at or self.clock.now()
        return found.grant

    def revoke(self, app: App, token: str) -> None:
        """Kill the user's refresh tokens and every connection that the user made for the app."""
        found = self.refresh_tokens.get(token)
        if found is None or found.grant.client_id != app.client_id:
            return
        owner = (app.client_id, found.grant.user_id)
        for each in [key for key, held in self.refresh_tokens.items() if _owner(held.grant) == owner]:
            del self.refresh_tokens[each]
        self.granted.pop(owner, None)
        for connection in self.connections_of(found.grant):
            connection.active = False

    def issue_access_token(self, grant: Grant) -> str:
        """Return a JWT-shaped token; it is known by its text, the signature only makes it look right."""
        now = self.clock.now()
        expires_at = now + ACCESS_LIFE
        claims = {
            "nbf": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "iss": "https://identity.xero.com",
            "aud": "https://identity.xero.com/resources",
            "client_id": grant.client_id,
            "xero_userid": grant.user_id,
            "jti": self.new_id(),
            "authentication_event_id": grant.auth_event_id,
            "scope": list(grant.scopes),
        }
        text = self._jwt(claims)
        for old in [key for key, held in self.access_tokens.items() if held.expires_at < now - EXPIRED_KEPT]:
            del self.access_tokens[old]
        self.access_tokens[text] = AccessToken(grant, expires_at)
        return text

    def id_token(self, grant: Grant) -> str:
        now = int(self.clock.now().timestamp())
        claims = {"iss": "https://identity.xero.com", "aud": grant.client_id, "nbf": now, "exp": now + 300}
        return self._jwt(claims | {"sub": grant.user_id, "xero_userid": grant.user_id})

    def _jwt(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": "simulated", "typ": "JWT"}
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_base64(hmac.digest(b'simulated', signed.encode(), 'sha256'))}"

    def _secret(self, length: int) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
        return "".join(self.chance.choices(letters, k=length))


def user_id(name: str) -> str:
    """Return the id of a Xero user, always the same for a name; a custom connection's user is its client id."""
    return str(uuid5(_USERS, name))


def _owner(grant: Grant) -> tuple[str, str]:
    return grant.client_id, grant.user_id


def _proves(verifier: str | None, challenge: str | None) -> bool:
    if challenge is None:
        return True
    return verifier is not None and _base64(hashlib.sha256(verifier.encode()).digest()) == challenge


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
