"""Clients of Redis: one factory with explicit time-outs, the URL for each user, the check that a server is fit."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.retry import Retry

from core.errors import Misconfigured

SOCKET_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0
HEALTH_CHECK_INTERVAL_S = 15

# What a caller may treat as "Redis is away for now": nothing was refused for its content.
UNREACHABLE: Final[tuple[type[Exception], ...]] = (
    redis.ConnectionError,
    redis.TimeoutError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
)


def open_redis(url: str) -> redis.Redis:
    """Return a client of the server at `url`: redis://, rediss:// or unix:///path?db=N. Connects on first use.

    A command is sent once. redis-py would otherwise repeat it after a lost reply, and a repeated LPUSH, INCR or
    claim acts twice. Nothing is lost by that: a connection that a restart has cut is noticed when it is taken
    from the pool, before anything is sent on it. Raises Misconfigured for a URL that it can't read.
    """
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            health_check_interval=HEALTH_CHECK_INTERVAL_S,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise Misconfigured(f"REDIS_URL cannot be read: {error}") from error


def dramatiq_url(url: str) -> str:
    """Return `url` with the next database number: Dramatiq's upkeep walks over all keys of its database."""
    return _with_database(url, database_of(url) + 1)


def inbox_url(url: str) -> str:
    """Return `url` as kombu spells it, the same server and database: redis://, rediss:// or redis+socket://."""
    parts, database = urlsplit(url), database_of(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "db"]
    if parts.scheme == "unix":
        query.append(("virtual_host", str(database)))
        # kombu does not unquote the path that it finds behind redis+socket.
        return f"redis+socket://{parts.netloc}{unquote(parts.path)}?{urlencode(query)}"
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in dict(query):
        query.append(("ssl_cert_reqs", "required"))  # kombu's own default checks no certificate
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", urlencode(query), ""))


def database_of(url: str) -> int:
    """Return the database number that `url` names, 0 if none. Raises Misconfigured for what is not a Redis URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise Misconfigured("REDIS_URL must begin with redis://, rediss:// or unix://")
    named = dict(parse_qsl(parts.query)).get("db", "")
    if not named and parts.scheme != "unix":
        named = parts.path.strip("/")
    if named and not named.isdecimal():
        raise Misconfigured("REDIS_URL: the database must be a number")
    return int(named or 0)


def check_fit(client: redis.Redis) -> None:
    """Raise Misconfigured, saying how to mend it, unless the server keeps what it has accepted.

    Measured: without the append-only file a crash loses everything since the last snapshot, and every policy but
    noeviction drops keys silently when memory is full.
    """
    appendonly, policy = _persistence_of(client)
    problems = []
    if appendonly != "yes":
        problems.append(
            "it has no append-only file, so a crash loses accepted events. Set `appendonly yes` in its configuration "
            "(or run `CONFIG SET appendonly yes` and `CONFIG REWRITE`)."
        )
    if policy != "noeviction":
        problems.append(
            f"its maxmemory-policy is {policy}, so it drops keys silently when memory is full. Set "
            "`maxmemory-policy noeviction` (or run `CONFIG SET maxmemory-policy noeviction` and `CONFIG REWRITE`)."
        )
    if problems:
        raise Misconfigured("Redis is not fit to run on: " + " Also ".join(problems))


def _persistence_of(client: redis.Redis) -> tuple[str, str]:
    """Managed servers forbid CONFIG, with various words; INFO says the same."""
    try:
        answers = client.config_get("appendonly", "maxmemory-policy")
        return str(answers["appendonly"]), str(answers["maxmemory-policy"])
    except (ResponseError, KeyError):
        facts = client.info("everything")
    return ("yes" if str(facts.get("aof_enabled")) == "1" else "no"), str(facts.get("maxmemory_policy"))


def _with_database(url: str, database: int) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "db"]
    if parts.scheme == "unix":
        query.append(("db", str(database)))
        return f"unix://{parts.netloc}{quote(unquote(parts.path))}?{urlencode(query)}"
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", urlencode(query), ""))
