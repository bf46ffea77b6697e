"""Microsoft's log-in on the wire: discovery document, token, authorize and admin consent."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from simulators.microsoft import LoginRefused, MicrosoftLogin
from simulators.serving import Simulated


def login_app(login: MicrosoftLogin) -> Flask:
    """The log-in alone, as a WSGI app."""
    app = Simulated(__name__)
    app.register_blueprint(login_blueprint(login))
    return app


def login_blueprint(login: MicrosoftLogin) -> Blueprint:
    """The routes of the log-in, to be served beside an environment or alone."""
    routes = Blueprint("microsoft", __name__)

    @routes.get("/<tenant>/v2.0/.well-known/openid-configuration")
    def configuration(tenant: str) -> ResponseReturnValue:
        base = f"{_origin()}/{tenant}"
        return jsonify(
            issuer=f"{base}/v2.0",
            authorization_endpoint=f"{base}/oauth2/v2.0/authorize",
            token_endpoint=f"{base}/oauth2/v2.0/token",
            device_authorization_endpoint=f"{base}/oauth2/v2.0/devicecode",
            jwks_uri=f"{base}/discovery/v2.0/keys",
        )

    @routes.post("/<tenant>/oauth2/v2.0/token")
    def token(tenant: str) -> ResponseReturnValue:
        try:
            return jsonify(login.grant_token(tenant, request.form, _origin()))
        except LoginRefused as refused:
            return jsonify(login.error_document(refused)), refused.status

    @routes.get("/<tenant>/oauth2/v2.0/authorize")
    def authorize(tenant: str) -> ResponseReturnValue:
        return redirect(login.authorize(tenant, request.args))

    @routes.get("/<tenant>/v2.0/adminconsent")
    def admin_consent(tenant: str) -> ResponseReturnValue:
        answer = {"admin_consent": "True", "tenant": tenant, "state": request.args.get("state", "")}
        return redirect(f"{request.args['redirect_uri']}?{urlencode(answer)}")

    return routes


def _origin() -> str:
    parts = urlsplit(request.host_url)
    return f"{parts.scheme}://{parts.netloc}"
