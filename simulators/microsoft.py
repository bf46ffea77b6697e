"""Microsoft's log-in: tenants, apps with secrets, people; tokens by client credentials, code and refresh token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from simulators.clock import Clock

TOKEN_LIFE_S = 3599
REFRESH_LIFE = timedelta(days=90)
CODE_LIFE = timedelta(minutes=10)
OPENID_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})
DISCOVERY = "https://globaldisco.crm.dynamics.com"


class InvalidToken(Exception):
    """The token is not ours, was changed, or has expired."""


class LoginRefused(Exception):
    """The token endpoint says no, with an OAuth error and Microsoft's number for it."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(f"AADSTS{number}: {text}")
        self.error = error
        self.number = number
        self.status = status


@dataclass(frozen=True, slots=True)
class Token:
    """What an access token says."""

    tenant_id: str
    client_id: str
    object_id: str
    audience: str
    expires_at: datetime
    delegated: bool = False


@dataclass(slots=True)
class _App:
    object_id: str
    secrets: dict[str, datetime | None] = field(default_factory=dict)
    consented: bool = True


@dataclass(slots=True)
class _Tenant:
    apps: dict[str, _App] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    resources: list[Callable[[], str]] = field(default_factory=list)


@dataclass(slots=True)
class _Grant:
    """A code or refresh token: for whom, until when, and whether it was used or revoked."""

    tenant_id: str
    client_id: str
    username: str
    scope: str
    expires_at: datetime
    redirect_uri: str = ""
    nonce: str = ""
    challenge: str = ""
    used: bool = False
    revoked: bool = False


class MicrosoftLogin:
    """One log-in for all simulated tenants. `microsoft_web` serves it; environments read its tokens."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._key = chance.randbytes(32)
        self._tenants: dict[str, _Tenant] = {}
        self._grants: dict[str, _Grant] = {}
        self.throttled = False
        self.interaction_required = False
        self.origin = "https://login.microsoftonline.com"

    # -- what a test sets up ---------------------------------------------------------------------------

    def add_tenant(self, tenant_id: str) -> None:
        self._tenants.setdefault(tenant_id, _Tenant())

    def add_app(
        self,
        tenant_id: str,
        *,
        client_id: str,
        client_secret: str,
        secret_expires_at: datetime | None = None,
        consented: bool = True,
    ) -> str:
        """Register an app, or add a secret to it; return the object id of its service principal."""
        app = self._tenants[tenant_id].apps.setdefault(client_id, _App(self._new_id()))
        app.secrets[client_secret] = secret_expires_at
        app.consented = consented
        return app.object_id

    def remove_secret(self, tenant_id: str, client_id: str, client_secret: str) -> None:
        del self._tenants[tenant_id].apps[client_id].secrets[client_secret]

    def add_person(self, tenant_id: str, username: str) -> str:
        """Return the object id of somebody who can log in at the authorize page."""
        return self._tenants[tenant_id].people.setdefault(username, self._new_id())

    def set_consent(self, tenant_id: str, client_id: str, *, given: bool) -> None:
        self._tenants[tenant_id].apps[client_id].consented = given

    def revoke(self, tenant_id: str, username: str) -> None:
        """All refresh tokens of a person end."""
        for grant in self._grants.values():
            if (grant.tenant_id, grant.username) == (tenant_id, username):
                grant.revoked = True

    def add_resource(self, tenant_id: str, origin: Callable[[], str]) -> None:
        """An environment announces itself; its URL may change later."""
        self._tenants[tenant_id].resources.append(origin)

    # -- what environments ask -------------------------------------------------------------------------

    def authority_of(self, tenant_id: str) -> str:
        return f"{self.origin}/{tenant_id}"

    def find_object_id(self, tenant_id: str, client_id: str) -> str | None:
        app = self._tenants[tenant_id].apps.get(client_id)
        return app.object_id if app else None

    def read_token(self, raw: str) -> Token:
        """Return what a token says; raises InvalidToken."""
        try:
            head, payload, signature = raw.split(".")
            claims = json.loads(_from_base64(payload))
        except ValueError as error:
            raise InvalidToken("The token is malformed.") from error
        if not hmac.compare_digest(signature, self._sign(f"{head}.{payload}")):
            raise InvalidToken("The signature of the token is invalid.")
        expires_at = datetime.fromtimestamp(claims["exp"], tz=self._clock.now().tzinfo)
        if expires_at <= self._clock.now():
            raise InvalidToken("The token has expired.")
        return Token(
            tenant_id=claims["tid"],
            client_id=claims["appid"],
            object_id=claims["oid"],
            audience=claims["aud"],
            expires_at=expires_at,
            delegated="scp" in claims,
        )

    def issue(
        self, tenant_id: str, client_id: str, audience: str, *, object_id: str = "", delegated: bool = False
    ) -> str:
        """Return a signed access token, without asking for a secret."""
        now = int(self._clock.now().timestamp())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFE_S,
            "appid": client_id,
            "oid": object_id or self._tenants[tenant_id].apps[client_id].object_id,
            "tid": tenant_id,
            "ver": "1.0",
            "uti": self._new_id(),
        }
        return self._jwt(claims | ({"scp": "user_impersonation"} if delegated else {}))

    # -- the token endpoint ----------------------------------------------------------------------------

    def grant_token(self, tenant_id: str, form: Mapping[str, str], origin: str) -> dict[str, Any]:
        """Answer the token endpoint; raises LoginRefused."""
        if self.throttled:
            raise LoginRefused("temporarily_unavailable", 90055, "The request was throttled.", 429)
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            raise LoginRefused("invalid_request", 90002, f"Tenant '{tenant_id}' not found.")
        client_id = form.get("client_id", "")
        app = self._check_client(tenant, tenant_id, client_id, form.get("client_secret", ""))
        if self.interaction_required:
            raise LoginRefused("interaction_required", 50076, "You must use multi-factor authentication.")
        match form.get("grant_type"):
            case "client_credentials":
                return self._by_credentials(tenant, tenant_id, client_id, app, form.get("scope", ""), origin)
            case "authorization_code":
                return self._by_code(tenant, tenant_id, client_id, form, origin)
            case "refresh_token":
                return self._by_refresh_token(tenant, tenant_id, client_id, form, origin)
            case other:
                raise LoginRefused("unsupported_grant_type", 70003, f"The grant type '{other}' is not supported.")

    def _check_client(self, tenant: _Tenant, tenant_id: str, client_id: str, secret: str) -> _App:
        app = tenant.apps.get(client_id)
        if app is None:
            text = f"Application with identifier '{client_id}' was not found in the directory '{tenant_id}'."
            raise LoginRefused("unauthorized_client", 700016, text)
        if secret not in app.secrets:
            raise LoginRefused("invalid_client", 7000215, "Invalid client secret provided.", 401)
        expires_at = app.secrets[secret]
        if expires_at is not None and expires_at <= self._clock.now():
            text = f"The provided client secret keys for app '{client_id}' are expired."
            raise LoginRefused("invalid_client", 7000222, text, 401)
        return app

    def _by_credentials(
        self, tenant: _Tenant, tenant_id: str, client_id: str, app: _App, scope: str, origin: str
    ) -> dict[str, Any]:
        if not scope.endswith("/.default"):
            raise LoginRefused("invalid_scope", 1002012, f"The provided value for scope {scope} is not valid.")
        resource = self._check_resource(tenant, tenant_id, scope, origin)
        if not app.consented:
            raise _consent_missing(client_id)
        return _bearer(self.issue(tenant_id, client_id, resource))

    def _check_resource(self, tenant: _Tenant, tenant_id: str, scope: str, origin: str) -> str:
        scopes = [part for part in scope.split() if part not in OPENID_SCOPES]
        resource = scopes[0].rpartition("/")[0].rstrip("/") if scopes else DISCOVERY
        known = {get().rstrip("/") for get in tenant.resources} | {origin, DISCOVERY}
        if resource not in known:
            text = f"The resource principal named {resource} was not found in the tenant named {tenant_id}."
            raise LoginRefused("invalid_resource", 500011, text)
        return resource

    def _by_code(
        self, tenant: _Tenant, tenant_id: str, client_id: str, form: Mapping[str, str], origin: str
    ) -> dict[str, Any]:
        grant = self._grants.get(form.get("code", ""))
        if grant is None or grant.client_id != client_id or grant.expires_at <= self._clock.now():
            raise LoginRefused("invalid_grant", 70008, "The provided authorization code has expired.")
        if grant.used:
            raise LoginRefused("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.")
        if grant.redirect_uri != form.get("redirect_uri"):
            raise LoginRefused("invalid_grant", 50011, "The redirect URI does not match.")
        if grant.challenge and grant.challenge != _challenge(form.get("code_verifier", "")):
            raise LoginRefused("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge.")
        grant.used = True
        return self._for_person(tenant, tenant_id, client_id, grant, form.get("scope", grant.scope), origin)

    def _by_refresh_token(
        self, tenant: _Tenant, tenant_id: str, client_id: str, form: Mapping[str, str], origin: str
    ) -> dict[str, Any]:
        grant = self._grants.get(form.get("refresh_token", ""))
        if grant is None or grant.client_id != client_id or grant.expires_at <= self._clock.now():
            raise LoginRefused("invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        if grant.revoked:
            raise LoginRefused("invalid_grant", 50173, "The provided grant has expired due to it being revoked.")
        return self._for_person(tenant, tenant_id, client_id, grant, form.get("scope", grant.scope), origin)

    def _for_person(
        self, tenant: _Tenant, tenant_id: str, client_id: str, grant: _Grant, scope: str, origin: str
    ) -> dict[str, Any]:
        if not tenant.apps[client_id].consented:
            raise _consent_missing(client_id)
        resource = self._check_resource(tenant, tenant_id, scope, origin)
        object_id = tenant.people[grant.username]
        refresh = f"0.{self._new_id()}"
        expires_at = self._clock.now() + REFRESH_LIFE
        self._grants[refresh] = _Grant(tenant_id, client_id, grant.username, grant.scope, expires_at)
        now = int(self._clock.now().timestamp())
        identity = {
            "aud": client_id,
            "iss": f"{origin}/{tenant_id}/v2.0",
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
            "nonce": grant.nonce,
            "oid": object_id,
            "sub": object_id,
            "tid": tenant_id,
            "preferred_username": grant.username,
        }
        client_info = {"uid": object_id, "utid": tenant_id}
        return _bearer(self.issue(tenant_id, client_id, resource, object_id=object_id, delegated=True)) | {
            "scope": scope,
            "refresh_token": refresh,
            "id_token": self._jwt(identity),
            "client_info": _base64(json.dumps(client_info).encode()),
        }

    def authorize(self, tenant_id: str, asked: Mapping[str, str]) -> str:
        """The person agrees at once; return the redirect with code and state, or with the error."""
        tenant = self._tenants.get(self._home_of(tenant_id, asked))
        state = {"state": asked.get("state", "")}
        if tenant is None or asked.get("client_id") not in tenant.apps or not tenant.people:
            answer = {"error": "access_denied", "error_description": "AADSTS65004: User declined to consent."} | state
            return f"{asked['redirect_uri']}?{urlencode(answer)}"
        username = asked.get("login_hint") or next(iter(tenant.people))
        code = f"0.{self._new_id()}"
        self._grants[code] = _Grant(
            tenant_id=self._home_of(tenant_id, asked),
            client_id=asked["client_id"],
            username=username,
            scope=asked.get("scope", ""),
            expires_at=self._clock.now() + CODE_LIFE,
            redirect_uri=asked["redirect_uri"],
            nonce=asked.get("nonce", ""),
            challenge=asked.get("code_challenge", ""),
        )
        return f"{asked['redirect_uri']}?{urlencode({'code': code} | state)}"

    def _home_of(self, tenant_id: str, asked: Mapping[str, str]) -> str:
        """`organizations` and `common` mean the tenant of the person who logs in."""
        if tenant_id not in ("organizations", "common"):
            return tenant_id
        hint = asked.get("login_hint")
        for known, tenant in self._tenants.items():
            if tenant.people and (hint is None or hint in tenant.people):
                return known
        return tenant_id

    def error_document(self, refused: LoginRefused) -> dict[str, Any]:
        trace, correlation, now = self._new_id(), self._new_id(), self._clock.now()
        stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": refused.error,
            "error_description": f"{refused} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [refused.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{self.origin}/error?code={refused.number}",
        }

    def _jwt(self, claims: dict[str, Any]) -> str:
        head = _base64(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
        payload = _base64(json.dumps(claims).encode())
        return f"{head}.{payload}.{self._sign(f'{head}.{payload}')}"

    def _sign(self, text: str) -> str:
        return _base64(hmac.new(self._key, text.encode(), hashlib.sha256).digest())

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _consent_missing(client_id: str) -> LoginRefused:
    text = f"The user or administrator has not consented to use the application with ID '{client_id}'."
    return LoginRefused("invalid_grant", 65001, text)


def _bearer(access_token: str) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE_S,
        "ext_expires_in": TOKEN_LIFE_S,
        "access_token": access_token,
    }


def _challenge(verifier: str) -> str:
    return _base64(hashlib.sha256(verifier.encode()).digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
