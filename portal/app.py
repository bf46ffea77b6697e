"""The web application of the portal: its parts, what the library for accounts is told, and its pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import redis
from flask import Flask, Response, after_this_request
from flask_bootstrap import Bootstrap5
from flask_login import user_logged_in
from flask_security import Security
from flask_wtf import CSRFProtect
from sqlalchemy import Engine
from sqlalchemy.orm import scoped_session, sessionmaker

from clients.xero_consent import XeroLogin
from core.clock import Clock
from core.connections import Connections
from core.consents import Consents
from core.mails import Mails
from core.vault import Vault
from pipeline.lanes import Lanes
from portal import sessions
from portal.account import account_pages
from portal.connection import connection_pages
from portal.current import NAME, Here
from portal.errors import show_errors
from portal.forms import Registration, WithoutRemembering
from portal.headers import send_headers
from portal.home import home_pages
from portal.keys import derive
from portal.limits import Known, limit_attempts
from portal.mailing import Post, mail_util
from portal.people import People, User
from portal.second_factor import ISSUER, second_factor
from portal.team import team_pages

FORM_BYTES_MAX = 64 * 1024
PASSWORD_CHARACTERS_MIN = 12
REGISTERED = "Thank you. Unless you came by an invitation, a mail is on its way: open its link, then log in."


@dataclass(frozen=True, slots=True)
class Parts:
    """What the portal needs.

    `secret_keys` sign sessions and links, the newest first. `attempts` is where attempts to log in are counted:
    a Redis, or `memory://`. Without `sends_mail` nobody can register but by an invitation, or reset a password.
    `xero` is Xero's log-in for the app of this installation, if it has one. `hash_options` are those of Argon2, where
    the library's are not wanted.
    """

    engine: Engine = field(repr=False)
    vault: Vault = field(repr=False)
    clock: Clock
    public_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    attempts: str = field(repr=False)
    sends_mail: bool
    support_email: str
    redis: redis.Redis = field(repr=False)
    xero: XeroLogin | None = None
    hash_options: Mapping[str, int] = field(default_factory=dict)


def create_portal(parts: Parts) -> Flask:
    """Return the WSGI application, as it is reached by way of `portal.wsgi`."""
    app = Flask("portal")
    app.config.update(_settings(parts))
    session = scoped_session(sessionmaker(parts.engine))
    people = People(session, parts.clock.now)
    post = Post(Mails(parts.engine, parts.vault), session, parts.clock.now, sends=parts.sends_mail)

    Bootstrap5(app)
    CSRFProtect(app)
    security = Security(
        app,
        people,
        login_form=WithoutRemembering,
        register_form=Registration,
        mail_util_cls=mail_util(post),
        totp_cls=second_factor(parts.vault),
    )
    security.want_json(lambda _request: False)  # people only: fewer ways in
    sessions.watch_sessions(app, people)

    app.extensions[NAME] = Here(
        people=people,
        post=post,
        connections=Connections(parts.engine),
        consents=Consents(parts.engine, parts.vault),
        lanes=Lanes(parts.redis),
        xero=parts.xero,
        support_email=parts.support_email,
    )
    for pages in (home_pages, connection_pages, account_pages, team_pages):
        app.register_blueprint(pages)
    _limit(app, parts)
    show_errors(app)
    send_headers(app, is_https=_is_https(parts), forms_lead_to=[parts.xero.login_url] if parts.xero else [])

    @app.teardown_appcontext
    def give_back(_error: BaseException | None) -> None:
        session.remove()

    return app


def _limit(app: Flask, parts: Parts) -> None:
    known = Known(app, is_https=_is_https(parts))
    limit_attempts(app, known, storage=parts.attempts, normalize=lambda typed: typed.strip().casefold())

    def remember(_app: Flask, user: User) -> None:
        @after_this_request
        def know(response: Response) -> Response:
            known.remember(response, user.email)
            return response

    user_logged_in.connect(remember, app, weak=False)


def _is_https(parts: Parts) -> bool:
    return urlsplit(parts.public_url).scheme == "https"


def _settings(parts: Parts) -> dict[str, Any]:
    newest, *older = derive(parts.secret_keys, "sessions")
    prefix = "__Host-" if _is_https(parts) else ""
    return {
        "SECRET_KEY": newest,
        "SECRET_KEY_FALLBACKS": older,
        "MAX_CONTENT_LENGTH": FORM_BYTES_MAX,
        "MAX_FORM_MEMORY_SIZE": FORM_BYTES_MAX,
        "PERMANENT_SESSION_LIFETIME": sessions.IDLE,
        "SESSION_COOKIE_NAME": f"{prefix}session",
        "SESSION_COOKIE_SECURE": bool(prefix),
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": int(sessions.LONGEST.total_seconds()),
        "BOOTSTRAP_SERVE_LOCAL": True,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": True,
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": dict(parts.hash_options),
        "SECURITY_HASHING_SCHEMES": ["hex_sha256"],  # of what is random or signed already
        "SECURITY_DEPRECATED_HASHING_SCHEMES": [],
        "SECURITY_PASSWORD_LENGTH_MIN": PASSWORD_CHARACTERS_MIN,
        "SECURITY_PASSWORD_COMPLEXITY_CHECKER": "zxcvbn",
        "SECURITY_PASSWORD_CONFIRM_REQUIRED": False,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},  # the mail itself finds out
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_DATETIME_FACTORY": parts.clock.now,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_FRESHNESS": timedelta(minutes=30),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=5),
        "SECURITY_REGISTERABLE": True,
        "SECURITY_CONFIRMABLE": True,
        "SECURITY_RECOVERABLE": parts.sends_mail,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_CHANGE_EMAIL": parts.sends_mail,
        "SECURITY_RESET_PASSWORD_WITHIN": timedelta(minutes=30),
        "SECURITY_LOGOUT_CSRF": True,
        "SECURITY_MSG_CONFIRM_REGISTRATION": (REGISTERED, "success"),
        "SECURITY_EMAIL_SUBJECT_REGISTER": "Please confirm your e-mail address",
        "SECURITY_EMAIL_SUBJECT_CONFIRM": "Please confirm your e-mail address",
        "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET": "A new password",
        "SECURITY_CHANGE_EMAIL_SUBJECT": "Please confirm your new e-mail address",
        "SECURITY_POST_REGISTER_VIEW": "/login",
        "SECURITY_POST_CONFIRM_VIEW": "/login",
        "SECURITY_POST_RESET_VIEW": "/login",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_POST_CHANGE_VIEW": "/account",
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "/account",
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "/account",
        "SECURITY_TOTP_SECRETS": {"0": "sealed by our vault"},
        "SECURITY_TOTP_ISSUER": ISSUER,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": derive(parts.secret_keys, "recovery codes"),
    }
