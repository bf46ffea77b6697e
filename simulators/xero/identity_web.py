"""The identity server over HTTP: consent, tokens, revocation, connections, discovery."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from simulators.xero.call import JSON
from simulators.xero.gate import problem
from simulators.xero.identity import AccessToken, App, Connection, Grant, Identity, TokenRefused, user_id
from simulators.xero.state import Organisation
from simulators.xero.web import respond

OPEN_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
IDENTITY_JSON = "application/json; charset=UTF-8"
_GRANTS = {
    "custom": frozenset({"client_credentials"}),
    "web": frozenset({"authorization_code", "refresh_token"}),
    "pkce": frozenset({"authorization_code", "refresh_token"}),
}


class AuthorizeFailed(Exception):
    """A mistake of the app: the user sees a page and the callback is never reached."""


def identity_blueprint(
    identity: Identity, organisations: dict[str, Organisation], lock: threading.RLock
) -> Blueprint:
    """Serve login.xero.com, identity.xero.com and /connections."""
    blueprint = Blueprint("identity", __name__)
    site = _Site(identity, organisations, lock)
    blueprint.register_error_handler(TokenRefused, _refuse)
    blueprint.register_error_handler(AuthorizeFailed, _explain)
    for method, path, view in (
        ("GET", "/identity/connect/authorize", site.ask),
        ("POST", "/identity/connect/authorize", site.decide),
        ("POST", "/connect/token", site.token),
        ("POST", "/connect/revocation", site.revoke),
        ("GET", "/connections", site.list_connections),
        ("GET", "/Connections", site.list_connections),
        ("DELETE", "/connections/<connection_id>", site.delete_connection),
        ("DELETE", "/Connections/<connection_id>", site.delete_connection),
        ("GET", "/.well-known/openid-configuration", site.discover),
    ):
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "-"), view, methods=[method])
    return blueprint


def _refuse(error: TokenRefused) -> ResponseReturnValue:
    return _json({"error": str(error)}, 400, IDENTITY_JSON)


def _explain(error: AuthorizeFailed) -> ResponseReturnValue:
    return f"<html><h1>Sorry, something went wrong</h1><p>Error: {escape(str(error))}</p></html>", 500


@dataclass(frozen=True, slots=True)
class _Site:
    """The pages and endpoints; each holds the simulator's lock while it works."""

    identity: Identity
    organisations: dict[str, Organisation]
    lock: threading.RLock

    def ask(self) -> ResponseReturnValue:
        """Show the consent page: which organisations, allow or cancel."""
        with self.lock:
            app = _authorizing_app(self.identity, request.args)
            return _consent_page(app, list(self.organisations.values()))

    def decide(self) -> ResponseReturnValue:
        """Take the user's decision and send the browser back."""
        uri, form = request.args.get("redirect_uri", ""), request.form
        back = {"state": request.args["state"]} if "state" in request.args else {}
        with self.lock:
            app = _authorizing_app(self.identity, request.args)
            if form.get("decision", "allow") != "allow":
                return redirect(_with_query(uri, {"error": "access_denied"} | back))
            tenant_ids = [each for each in form.getlist("tenant_id") if each in self.organisations]
            scopes = tuple(request.args["scope"].split())
            grant = self.identity.consent(app, form.get("user", "person"), scopes, tenant_ids)
            code = self.identity.issue_code(grant, uri, request.args.get("code_challenge"))
        return redirect(_with_query(uri, {"code": code} | back))

    def token(self) -> ResponseReturnValue:
        with self.lock:
            app = _calling_app(self.identity)
            kind = request.form.get("grant_type", "")
            if kind not in {"authorization_code", "refresh_token", "client_credentials"}:
                raise TokenRefused("unsupported_grant_type")
            if kind not in _GRANTS[app.kind]:
                raise TokenRefused("unauthorized_client")
            return _json(_tokens(self.identity, _grant(self.identity, app, kind), kind), 200, IDENTITY_JSON)

    def revoke(self) -> ResponseReturnValue:
        with self.lock:
            self.identity.revoke(_calling_app(self.identity), request.form.get("token", ""))
        return Response("", 200)

    def list_connections(self) -> ResponseReturnValue:
        event = request.args.get("authEventId")
        with self.lock:
            held = _bearer_token(self.identity)
            if held is None:
                return _unauthorized(self.identity)
            found = self.identity.connections_of(held.grant)
            shown = [_connection(each, self.organisations) for each in found if event in {None, each.auth_event_id}]
        return _json(shown, 200, JSON)

    def delete_connection(self, connection_id: str) -> ResponseReturnValue:
        with self.lock:
            held = _bearer_token(self.identity)
            if held is None:
                return _unauthorized(self.identity)
            for connection in self.identity.connections_of(held.grant):
                if connection.id == connection_id.lower():
                    connection.active = False
                    return Response("", 204)
        return Response("", 404)

    def discover(self) -> ResponseReturnValue:
        root = request.host_url.rstrip("/")
        document = {
            "issuer": root,
            "authorization_endpoint": f"{root}/identity/connect/authorize",
            "token_endpoint": f"{root}/connect/token",
            "revocation_endpoint": f"{root}/connect/revocation",
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
        }
        return _json(document, 200, JSON)


def _calling_app(identity: Identity) -> App:
    """Return the app by Basic header or form fields; PKCE apps have no secret. Raises TokenRefused."""
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        client_id, secret = basic.username or "", basic.password or ""
    else:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    if not client_id:
        raise TokenRefused("unauthorized_client")
    app = identity.apps.get(client_id)
    if app is None or (app.kind != "pkce" and app.client_secret != secret):
        raise TokenRefused("invalid_client")
    return app


def _grant(identity: Identity, app: App, kind: str) -> Grant:
    form = request.form
    if kind == "authorization_code":
        verifier = form.get("code_verifier")
        return identity.redeem_code(app, form.get("code", ""), form.get("redirect_uri", ""), verifier)
    if kind == "refresh_token":
        return identity.rotate(app, form.get("refresh_token", ""))
    scopes = tuple((form.get("scope") or app.scopes).split())
    if not set(scopes) <= set(app.scopes.split()):
        raise TokenRefused("invalid_scope")
    return Grant(app.client_id, user_id(app.client_id), scopes, identity.new_id())


def _tokens(identity: Identity, grant: Grant, kind: str) -> dict[str, Any]:
    tokens: dict[str, Any] = {"id_token": identity.id_token(grant)} if "openid" in grant.scopes else {}
    tokens |= {"access_token": identity.issue_access_token(grant), "expires_in": 1800, "token_type": "Bearer"}
    if kind != "client_credentials" and "offline_access" in grant.scopes:
        tokens["refresh_token"] = identity.issue_refresh_token(grant)
    return tokens | {"scope": " ".join(grant.scopes)}


def _authorizing_app(identity: Identity, query: Any) -> App:
    app = identity.apps.get(query.get("client_id", ""))
    if app is None or app.kind == "custom":
        raise AuthorizeFailed("unauthorized_client")
    if query.get("response_type") != "code":
        raise AuthorizeFailed("unsupported_response_type")
    uri = urlsplit(query.get("redirect_uri", ""))
    usable = bool(uri.hostname) and (uri.scheme == "https" or (uri.scheme == "http" and uri.hostname == "localhost"))
    registered = not app.redirect_uris or query.get("redirect_uri") in app.redirect_uris
    if not usable or not registered:
        raise AuthorizeFailed("Invalid redirect_uri")
    scopes = set(query.get("scope", "").split())
    if not scopes or not scopes <= OPEN_SCOPES | set(app.scopes.split()):
        raise AuthorizeFailed("invalid_scope")
    if app.kind == "pkce" and query.get("code_challenge_method") != "S256":
        raise AuthorizeFailed("code_challenge is required")
    return app


def _consent_page(app: App, organisations: list[Organisation]) -> str:
    choices = "".join(
        f'<p><label><input type="checkbox" name="tenant_id" value="{escape(each.tenant_id)}"> '
        f"{escape(each.name)}</label></p>"
        for each in organisations
    )
    return (
        "<!doctype html><title>Xero (simulated)</title>"
        f"<h1>{escape(app.client_id)} wants access to</h1>"
        f'<form method="post">{choices}'
        '<button name="decision" value="allow">Allow access</button> '
        '<button name="decision" value="deny">Cancel</button></form>'
    )


def _bearer_token(identity: Identity) -> AccessToken | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    held = identity.access_tokens.get(text.strip()) if kind.lower() == "bearer" else None
    return held if held is not None and identity.clock.now() < held.expires_at else None


def _unauthorized(identity: Identity) -> Response:
    return respond(problem(401, "Unauthorized", "AuthenticationUnsuccessful", identity.new_id()))


def _connection(connection: Connection, organisations: dict[str, Organisation]) -> dict[str, str]:
    return {
        "id": connection.id,
        "authEventId": connection.auth_event_id,
        "tenantId": connection.tenant_id,
        "tenantType": "ORGANISATION",
        "tenantName": organisations[connection.tenant_id].name,
        "createdDateUtc": _seven_digits(connection.created_at),
        "updatedDateUtc": _seven_digits(connection.updated_at),
    }


def _seven_digits(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0"


def _json(body: Any, status: int, content_type: str) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), status, content_type=content_type)


def _with_query(uri: str, query: dict[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(query)}"
