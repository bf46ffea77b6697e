"""How often somebody may try: by address, by account, and by account from an address that it does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, URLSafeSerializer

from core import ids

KNOWN_FOR_S = 180 * 86_400
BY_ADDRESS = "20 per minute; 200 per hour"
BY_ACCOUNT_AND_ADDRESS = "5 per 15 minutes"
BY_ACCOUNT = "30 per hour"
ASKED_FOR_MAIL = "5 per hour"
CODES = "10 per 15 minutes"
POST = ["POST"]


class Known:
    """A cookie by which a browser that an account has logged in from is known again; it opens nothing.

    Whoever tries an account's passwords from elsewhere is slowed down for that account; its owner is not.
    """

    def __init__(self, app: Flask, *, is_https: bool) -> None:
        self._signer = URLSafeSerializer(app.config["SECRET_KEY"], "known browsers")
        self._is_https = is_https
        self.name = "__Host-known" if is_https else "known"

    def remember(self, response: Response, email: str) -> None:
        known = [*self._accounts(), ids.digest(email)][-5:]
        response.set_cookie(
            self.name,
            str(self._signer.dumps(list(dict.fromkeys(known)))),
            max_age=KNOWN_FOR_S,
            secure=self._is_https,
            httponly=True,
            samesite="Lax",
        )

    def knows(self, email: str) -> bool:
        return ids.digest(email) in self._accounts()

    def _accounts(self) -> list[str]:
        try:
            return [str(each) for each in self._signer.loads(request.cookies.get(self.name, ""))]
        except (BadSignature, TypeError):
            return []


def limit_attempts(app: Flask, known: Known, *, storage: str, normalize: Callable[[str], str]) -> Limiter:
    """Limit what strangers may try; counted in `storage`, and in this process while that does not answer."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=storage,
        strategy="moving-window",
        key_prefix="portal",
        in_memory_fallback_enabled=True,
        headers_enabled=False,
    )

    def account() -> str:
        return f"account {ids.digest(normalize(request.form.get('email', '')))}"

    def account_and_address() -> str:
        return f"{account()} {get_remote_address()}"

    def is_known() -> bool:
        return known.knows(normalize(request.form.get("email", "")))

    def failed(response: Response) -> bool:
        return response.status_code != 302

    def limit(names: str, decorate: Callable[[Any], Any]) -> None:
        for name in (f"security.{each}" for each in names.split()):
            if name in views:  # some are there only where mails can be sent
                views[name] = decorate(views[name])

    views: dict[str, Any] = app.view_functions
    limit(
        "login register forgot_password reset_password send_confirmation",
        limiter.shared_limit(BY_ADDRESS, scope="strangers", methods=POST),
    )
    limit(
        "two_factor_token_validation mf_recovery verify",
        limiter.limit(CODES, deduct_when=failed, methods=POST),
    )
    limit(
        "login",
        limiter.limit(BY_ACCOUNT_AND_ADDRESS, key_func=account_and_address, deduct_when=failed, methods=POST),
    )
    limit(
        "login",
        limiter.limit(BY_ACCOUNT, key_func=account, deduct_when=failed, exempt_when=is_known, methods=POST),
    )
    limit("register forgot_password send_confirmation", limiter.limit(ASKED_FOR_MAIL, key_func=account, methods=POST))
    return limiter
