"""The parts of a process, built once at its start: the composition root of everything behind the inbox."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import Event, Thread

import redis
import requests
import structlog
from sqlalchemy import Engine

from clients.dataverse import Dataverse
from clients.http import open_session
from clients.tokens import DynamicsTokens, XeroTokens
from clients.xero import Xero
from core.clock import Clock, SystemClock
from core.connections import Connection, Connections
from core.consents import Consents
from core.database import open_database
from core.errors import LeaseLost, Transient
from core.redis import open_redis
from core.settings import Settings
from core.vault import Vault
from pipeline.dead import DeadLetters
from pipeline.lanes import LEASE_MS, Lanes, Lease
from pipeline.memory import Memory
from pipeline.tools import Tools

log = structlog.get_logger()

SLICE_S = 5.0


@dataclass(frozen=True, slots=True)
class App:
    """What working on lanes needs. `connect` binds tools to a connection and to what `hold` makes sure of.

    `keep` holds a lease while a call is under way; `wake` tells a worker that a lane has work.
    """

    clock: Clock
    jitter: random.Random
    connections: Connections
    lanes: Lanes
    dead: DeadLetters
    redis: redis.Redis
    connect: Callable[[Connection, Callable[[], datetime]], Tools]
    wake: Callable[[str], None]
    keep: Callable[[Lease], AbstractContextManager[None]]
    new_token: Callable[[], str]
    slice_s: float = SLICE_S


def build_app(settings: Settings, *, wake: Callable[[str], None]) -> App:
    """Return the real parts. Raises Misconfigured."""
    clock = SystemClock()
    engine = open_database(settings.database_url)
    client = open_redis(settings.redis_url)
    return App(
        clock=clock,
        jitter=random.Random(),  # noqa: S311 - spreads retries, guards nothing
        connections=Connections(engine),
        lanes=Lanes(client),
        dead=DeadLetters(client),
        redis=client,
        connect=connector(settings, engine=engine, client=client, clock=clock),
        wake=wake,
        keep=keeping,
        new_token=secrets.token_hex,
    )


def connector(
    settings: Settings, *, engine: Engine, client: redis.Redis, clock: Clock, session: requests.Session | None = None
) -> Callable[[Connection, Callable[[], datetime]], Tools]:
    """Return the function that opens both sides of a connection.

    One HTTP session a process, one set of tokens a consent, one client a connection and side: a client remembers
    what its side said of its tokens and limits.
    """
    http = session or open_session(settings.ca_bundle)
    consents = Consents(engine, Vault(settings.token_keys))

    @cache
    def xero_tokens(consent_id: str) -> XeroTokens:
        return XeroTokens(consents, consent_id, identity_url=settings.xero_identity_url, session=http, clock=clock)

    @cache
    def xero(consent_id: str, tenant_id: str) -> Xero:
        return Xero(http, xero_tokens(consent_id), api_url=settings.xero_api_url, tenant_id=tenant_id)

    @cache
    def dataverse(consent_id: str, url: str) -> Dataverse:
        authority = settings.microsoft_authority
        tokens = DynamicsTokens(consents, consent_id, authority=authority, resource=url, session=http)
        return Dataverse(http, tokens, url=url)

    def connect(connection: Connection, hold: Callable[[], datetime]) -> Tools:
        return Tools(
            connection=connection,
            xero=xero(connection.xero_consent_id, connection.xero_tenant_id),
            dataverse=dataverse(connection.dynamics_consent_id, connection.dynamics_url),
            memory=Memory(client, connection.id),
            hold=hold,
            public_url=settings.public_url,
        )

    return connect


@contextmanager
def keeping(lease: Lease) -> Iterator[None]:
    """Hold the lease from a thread of its own while this process works; a frozen process stops holding it."""
    done = Event()

    def hold() -> None:
        while not done.wait(LEASE_MS / 3000):
            try:
                lease.hold()
            except LeaseLost:
                return
            except Transient:
                continue  # Redis is away: the lease ends by itself if it stays away

    thread = Thread(target=hold, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
