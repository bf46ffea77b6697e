"""Serves the webhooks: the real parts, and gunicorn started from here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from core.connections import Connection, Connections
from core.database import open_database
from core.endpoints import Endpoints
from core.errors import Transient
from core.inbox import Inbox
from core.redis import inbox_url
from core.settings import Settings
from core.vault import Vault
from webhooks.app import Parts, create_app
from webhooks.remembered import Remembered
from webhooks.worker import Quiet, Worker

WORKERS = 2
THREADS = 4
GRACEFUL_TIMEOUT_S = 8  # all in all a process has ten seconds, and gunicorn takes one of them
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only gunicorn's heartbeat; on a slow disk it would stall the workers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Value = TypeVar("Value")


def build_parts(settings: Settings) -> Parts:
    """Return the parts of one process. Raises Misconfigured when the database or the keys can't be used."""
    engine = open_database(settings.database_url)
    inbox = Inbox(inbox_url(settings.redis_url))
    endpoints = Endpoints(engine, Vault(settings.token_keys))
    connections = Connections(engine)
    found_endpoints = Remembered(lambda key: _asked(lambda: endpoints.find(key)))
    found_tenants = Remembered(lambda tenant: _asked(lambda: _any_of_xero(connections, tenant)))
    found_addresses = Remembered(lambda connection_id: _asked(lambda: _dynamics_url(connections, connection_id)))
    return Parts(
        publish=inbox.publish,
        find_endpoint=found_endpoints.find,
        read_endpoint=found_endpoints.read,
        knows_xero_tenant=lambda tenant: found_tenants.find(tenant) is not None,
        xero_webhook_keys=tuple(key.strip() for key in settings.xero_webhook_key.split(",") if key.strip()),
        problems=lambda: _problems(engine, inbox),
        find_dynamics_url=found_addresses.find,
    )


def serve(
    settings: Settings,
    host: str,
    port: int,
    *,
    beside: Callable[[WSGIApplication], WSGIApplication] = lambda webhooks: webhooks,
    workers: int = WORKERS,
    threads: int = THREADS,
) -> None:
    """Serve until SIGTERM; requests under way are finished. `beside` puts other pages beside the webhooks.

    Raises Misconfigured before anything is served.
    """
    # Workers build their own parts after the fork. This first time is for the schema, and for errors to be told here.
    open_database(settings.database_url).dispose()
    Vault(settings.token_keys)
    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "worker_class": Worker,
        "workers": workers,
        "threads": threads,
        "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
        "graceful_timeout": GRACEFUL_TIMEOUT_S,
        "logger_class": Quiet,
        "control_socket_disable": True,  # nobody manages it that way; a second server would fight for the file
        "accesslog": None,  # the address of an endpoint may carry its secret; our own line does not
    }
    structlog.get_logger().info("web.started", host=host, port=port, workers=workers, threads=threads)
    _Server(lambda: beside(create_app(build_parts(settings))), options).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    def __init__(self, build: Callable[[], WSGIApplication], options: dict[str, Any]) -> None:
        self._build = build
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        return self._build()


def _any_of_xero(connections: Connections, tenant: str) -> Connection | None:
    return next(connections.list_of_xero(tenant), None)


def _dynamics_url(connections: Connections, connection_id: str) -> str | None:
    found = connections.find(connection_id)
    return found.dynamics_url if found else None


def _asked(ask: Callable[[], Value]) -> Value:
    try:
        return ask()
    except SQLAlchemyError as error:
        raise Transient(f"the database does not answer: {type(error).__name__}") from error


def _problems(engine: Engine, inbox: Inbox) -> list[str]:
    problems = []
    try:
        inbox.depth()
    except Transient:
        problems.append("redis")
    try:
        with engine.connect() as database:
            database.execute(text("SELECT 1"))
    except SQLAlchemyError:
        problems.append("database")
    return problems
