"""The page of a connection, and Xero's consent given anew: the same organisation, or nothing changes."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_security import auth_required
from werkzeug.wrappers import Response

from clients.xero_consent import Organisation
from clients.xero_identity import Granted
from core import ids
from core.connections import NEEDS_ATTENTION, Connection
from core.consents import Consent
from core.errors import ConnectorError, Transient
from pipeline.connect import XERO_SCOPES
from portal.current import here, me, people

ON_ITS_WAY = "xero"  # in the session: which consent somebody is about to give
GIVEN_WITHIN = timedelta(minutes=10)
SCOPES = f"{XERO_SCOPES} offline_access"

connection_pages = Blueprint("connection", __name__)
log = structlog.get_logger()


@connection_pages.get("/connections/<connection_id>")
@auth_required("session")
def show(connection_id: str) -> str:
    connection = _mine(connection_id)
    return render_template(
        "connection.html", one=connection, xero=_consent(connection), can_connect=here().xero is not None
    )


@connection_pages.post("/connections/<connection_id>/xero")
@auth_required("session")
def connect_xero(connection_id: str) -> Response:
    """Send the person to Xero, to give the consent of this connection anew."""
    connection, login = _mine(connection_id), here().xero
    if login is None or not _consent(connection).refresh_token:
        abort(404)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    began = int(people().now().timestamp())
    session[ON_ITS_WAY] = {"state": state, "verifier": verifier, "connection": connection.id, "began": began}
    address = login.address(redirect_uri=_callback(), state=state, verifier=verifier, scopes=SCOPES)
    return redirect(address)


@connection_pages.get("/xero/callback")
@auth_required("session")
def come_back() -> Response:
    """The person comes back from Xero. What is not the consent that they set out to give is refused."""
    begun: dict[str, Any] = session.pop(ON_ITS_WAY, None) or {}
    state = request.args.get("state", "")
    is_theirs = bool(begun) and hmac.compare_digest(state.encode(), str(begun["state"]).encode())
    if not is_theirs or _is_late(begun) or people().has_ended(state):
        return _back("home.show", "This came back too late, or from another browser. Begin again.", "warning")
    people().end_session(state, people().now() + 2 * GIVEN_WITHIN)  # a state counts once, whoever kept the cookie
    people().commit()
    connection = _mine(begun["connection"])
    if request.args.get("error") or not request.args.get("code"):
        return _back_to(connection, "Nothing was changed: access was not allowed in Xero.", "warning")
    try:
        words = _renew(connection, request.args["code"], begun["verifier"])
    except ConnectorError as error:
        log.warning("consent.refused", connection=connection.id, error=type(error).__name__)
        return _back_to(connection, f"Nothing was changed: {error}", "warning")
    return _back_to(
        connection, words or "Xero is connected again. What waited goes on now.", "warning" if words else "success"
    )


def _renew(connection: Connection, code: str, verifier: str) -> str:
    """Take the place of the consent that the connection has; return why not, in words, if it is for other books."""
    login = here().xero
    assert login is not None
    now = people().now()
    granted = login.redeem(code, redirect_uri=_callback(), verifier=verifier)
    given = {one.tenant_id: one for one in login.list_organisations(granted.access_token)}
    if connection.xero_tenant_id not in given:
        return _other_books(connection, list(given.values()))
    before = here().consents.get(connection.xero_consent_id)
    here().consents.save(_given_anew(before, granted, login.client_id, login.client_secret, now))
    log.info("consent.given", connection=connection.id, user=me().id)
    if connection.state == NEEDS_ATTENTION:
        _go_on(connection)
    return ""


def _given_anew(before: Consent, granted: Granted, client_id: str, client_secret: str, now: datetime) -> Consent:
    return replace(
        before,
        client_id=client_id,
        client_secret=client_secret,
        scope=SCOPES,
        refresh_token=granted.refresh_token,
        previous_refresh_token="",
        given=ids.digest(granted.refresh_token),
        access_token=granted.access_token,
        rotated_at=now,
        expires_at=now + granted.life,
    )


def _go_on(connection: Connection) -> None:
    """Let it be tried at once; without Redis it is tried within a quarter of an hour by itself."""
    try:
        here().lanes.end_rest(connection.id)
    except Transient as error:
        log.warning("lane.still_rests", connection=connection.id, reason=str(error))


def _other_books(connection: Connection, given: list[Organisation]) -> str:
    names = ", ".join(one.name for one in given) or "no organisation"
    return (
        f"Nothing was changed: access was allowed to {names}. This connection belongs to the organisation of "
        f"{connection.name}; begin again and choose that one."
    )


def _is_late(begun: dict[str, Any]) -> bool:
    return people().now() - datetime.fromtimestamp(begun["began"], UTC) > GIVEN_WITHIN


def _consent(connection: Connection) -> Consent:
    return here().consents.get(connection.xero_consent_id)


def _callback() -> str:
    return url_for("connection.come_back", _external=True)


def _mine(connection_id: str) -> Connection:
    """Return a connection of the team; another team's is not there."""
    found = here().connections.find(connection_id)
    if found is None or found.team_id != me().team_id:
        abort(404)
    return found


def _back_to(connection: Connection, words: str, kind: str) -> Response:
    flash(words, kind)
    return redirect(url_for("connection.show", connection_id=connection.id))


def _back(endpoint: str, words: str, kind: str) -> Response:
    flash(words, kind)
    return redirect(url_for(endpoint))
