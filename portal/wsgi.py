"""Puts the portal beside the webhooks, behind one address, where it can neither slow nor mislead them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.middleware.proxy_fix import ProxyFix

from core.addresses import OPEN_INVOICE
from core.clock import SystemClock
from core.database import open_database
from core.redis import open_redis
from core.settings import Settings
from core.vault import Vault

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from portal.app import Parts

WEBHOOKS = ("/webhooks/", "/healthz", "/readyz", f"{OPEN_INVOICE}/")
PORTAL_THREADS = 2  # of the four that each process of `connector web` has
WAIT_S = 0.5  # a page that waits for its turn holds a third one, or the fourth
STATIC = ("/static/", "/bootstrap/static/")
BUSY = b"<!doctype html><title>Busy</title><p>Too many pages are asked for at once. Try again in a moment."


def beside(
    webhooks: WSGIApplication,
    portal: WSGIApplication,
    *,
    at_once_max: int = PORTAL_THREADS,
    wait_s: float = WAIT_S,
) -> WSGIApplication:
    """Return both as one application; pages have at most so many of a process's threads at once.

    They ask Xero and Dynamics, and passwords take their time; the vendors' deliveries must not wait for that. Files
    take none, and a browser asks for several at once.
    """
    free = BoundedSemaphore(at_once_max)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(WEBHOOKS):
            return webhooks(environ, start_response)
        if path.startswith(STATIC):
            return portal(environ, start_response)
        if not free.acquire(timeout=wait_s):
            start_response("503 Service Unavailable", [("Content-Type", "text/html"), ("Retry-After", "1")])
            return [BUSY]
        try:
            return list(portal(environ, start_response))
        finally:
            free.release()

    return application


def at_its_address(portal: WSGIApplication, public_url: str, *, trusted_proxies: int) -> WSGIApplication:
    """Return a portal that believes to be reached at `public_url`, whatever host a request names.

    Links in mails are made from it: a request with another host would else send somebody's token there. The address
    that a request comes from is the one that the last `trusted_proxies` proxies tell.
    """
    parts = urlsplit(public_url)
    port = str(parts.port or (443 if parts.scheme == "https" else 80))

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.url_scheme"], environ["HTTP_HOST"] = parts.scheme, parts.netloc
        environ["SERVER_NAME"], environ["SERVER_PORT"] = parts.hostname or "", port
        return portal(environ, start_response)

    return ProxyFix(application, x_for=trusted_proxies, x_proto=0, x_host=0)


def lazily(build: Callable[[], WSGIApplication]) -> WSGIApplication:
    """Return an application that is built at its first request: who only receives webhooks never loads it."""
    lock, built = Lock(), list[Any]()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with lock:
            if not built:
                built.append(build())
        answer: Iterable[bytes] = built[0](environ, start_response)
        return answer

    return application


def open_portal(settings: Settings) -> WSGIApplication:
    """Return the portal of this installation, built at its first request."""

    def build() -> WSGIApplication:
        from portal.app import create_portal  # noqa: PLC0415 - half a second, and forty megabytes

        return at_its_address(
            create_portal(build_parts(settings)), settings.public_url, trusted_proxies=settings.trusted_proxies
        )

    return lazily(build)


def build_parts(settings: Settings) -> Parts:
    """Return the real parts. Raises Misconfigured."""
    from clients.http import open_session  # noqa: PLC0415 - with the rest of the portal
    from clients.xero_consent import XeroLogin  # noqa: PLC0415
    from portal.app import Parts  # noqa: PLC0415

    xero = XeroLogin(
        open_session(settings.ca_bundle),
        settings.xero_client_id,
        settings.xero_client_secret,
        settings.xero_login_url,
        settings.xero_identity_url,
        settings.xero_api_url,
    )
    return Parts(
        engine=open_database(settings.database_url),
        vault=Vault(settings.token_keys),
        clock=SystemClock(),
        public_url=settings.public_url,
        secret_keys=settings.secret_key or settings.token_keys,
        attempts=attempts_url(settings.redis_url),
        sends_mail=bool(settings.mail_url),
        support_email=settings.support_email,
        redis=open_redis(settings.redis_url),
        xero=xero if settings.xero_client_id and settings.xero_client_secret else None,
    )


def attempts_url(redis_url: str) -> str:
    """Return the address of our Redis as the library that counts attempts writes it."""
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url
