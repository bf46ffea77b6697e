"""Settings from the environment and `.env`, read once at the start of a process; every error is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvValidationError

from core.errors import Misconfigured

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMATS = ("json", "console")
CONSOLE_MAIL = "console"
SECRET_KEY_CHARACTERS_MIN = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of all processes. URLs have no slash at the end; secrets never appear in `repr`."""

    redis_url: str = field(repr=False)
    database_url: str = field(repr=False)
    data_dir: Path
    public_url: str
    token_keys: tuple[str, ...] = field(repr=False)
    secret_key: tuple[str, ...] = field(repr=False)
    trusted_proxies: int
    mail_url: str = field(repr=False)
    mail_from: str
    support_email: str
    ca_bundle: str | None
    xero_client_id: str
    xero_client_secret: str = field(repr=False)
    xero_webhook_key: str = field(repr=False)
    xero_api_url: str
    xero_identity_url: str
    xero_login_url: str
    microsoft_client_id: str
    microsoft_client_secret: str = field(repr=False)
    microsoft_authority: str
    servicebus_connection: str = field(repr=False)
    servicebus_queue: str
    poll_interval_s: int
    log_level: str
    log_format: str


def read_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Return the settings. Raises Misconfigured naming every variable that is wrong, never its value."""
    env = Env(eager=False)
    if env_file is not None and env_file.is_file():
        env.read_env(str(env_file), recurse=False)
    data_dir = Path(env.str("DATA_DIR", "var") or "var")
    values: dict[str, Any] = {
        "redis_url": env.str("REDIS_URL", f"unix://{(data_dir / 'redis' / 'redis.sock').absolute()}?db=0"),
        "database_url": env.str("DATABASE_URL", f"sqlite:///{(data_dir / 'connector.db').absolute()}"),
        "data_dir": data_dir,
        "public_url": env.str("PUBLIC_URL", "http://localhost:8000"),
        "token_keys": tuple(env.list("TOKEN_KEYS", []) or ()),
        "secret_key": tuple(env.list("SECRET_KEY", []) or ()),
        "trusted_proxies": env.int("TRUSTED_PROXIES", 0),
        "mail_url": env.str("MAIL_URL", ""),
        "mail_from": env.str("MAIL_FROM", ""),
        "support_email": env.str("SUPPORT_EMAIL", ""),
        "ca_bundle": env.str("CA_BUNDLE", "") or None,
        "xero_client_id": env.str("XERO_CLIENT_ID", ""),
        "xero_client_secret": env.str("XERO_CLIENT_SECRET", ""),
        "xero_webhook_key": env.str("XERO_WEBHOOK_KEY", ""),
        "xero_api_url": env.str("XERO_API_URL", "https://api.xero.com"),
        "xero_identity_url": env.str("XERO_IDENTITY_URL", "https://identity.xero.com"),
        "xero_login_url": env.str("XERO_LOGIN_URL", "https://login.xero.com"),
        "microsoft_client_id": env.str("MICROSOFT_CLIENT_ID", ""),
        "microsoft_client_secret": env.str("MICROSOFT_CLIENT_SECRET", ""),
        "microsoft_authority": env.str("MICROSOFT_AUTHORITY", "https://login.microsoftonline.com"),
        "servicebus_connection": env.str("SERVICEBUS_CONNECTION", ""),
        "servicebus_queue": env.str("SERVICEBUS_QUEUE", ""),
        "poll_interval_s": env.int("POLL_INTERVAL_SECONDS", 300),
        "log_level": (env.str("LOG_LEVEL", "INFO") or "").upper(),
        "log_format": env.str("LOG_FORMAT", "json"),
    }
    problems = _seal(env)
    problems += [
        f"{name.upper()}: {problem}"
        for name in values
        if name.endswith(("_url", "authority")) and (problem := _url_problem(name, values[name]))
    ]
    problems += [f"{name}: {problem}" for name, problem in _other_problems(values) if problem]
    problems += [
        f"{name.upper()}: must be one of {', '.join(known)}"
        for name, known in (("log_level", LOG_LEVELS), ("log_format", LOG_FORMATS))
        if values[name] not in known
    ]
    if problems:
        raise Misconfigured("Settings are wrong:\n  " + "\n  ".join(problems))
    return Settings(**{name: value.rstrip("/") if name in _SLASHED else value for name, value in values.items()})


def _other_problems(values: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    yield "SERVICEBUS_CONNECTION", _bus_problem(values["servicebus_connection"])
    for setting, name, least in (
        ("POLL_INTERVAL_SECONDS", "poll_interval_s", 1),
        ("TRUSTED_PROXIES", "trusted_proxies", 0),
    ):
        is_less = isinstance(values[name], int) and values[name] < least
        yield setting, f"must be at least {least}" if is_less else None
    is_missing = values["ca_bundle"] and not Path(values["ca_bundle"]).exists()
    yield "CA_BUNDLE", "there is no such file" if is_missing else None
    is_short = any(len(key) < SECRET_KEY_CHARACTERS_MIN for key in values["secret_key"])
    yield "SECRET_KEY", f"must have at least {SECRET_KEY_CHARACTERS_MIN} characters" if is_short else None
    yield "MAIL_URL", _mail_problem(values["mail_url"])
    is_without = values["mail_url"] and "@" not in values["mail_from"]
    yield "MAIL_FROM", "must be the address that mails come from, as MAIL_URL is set" if is_without else None


def _mail_problem(mail_url: str) -> str | None:
    if not mail_url or mail_url.partition(":")[0] == CONSOLE_MAIL:
        return None
    try:
        parts = urlsplit(mail_url)
        is_fine = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fine = False
    return None if is_fine else f"must be smtp://user:password@host:587, smtps://… or {CONSOLE_MAIL}:"


_SLASHED = frozenset({"public_url", "xero_api_url", "xero_identity_url", "xero_login_url", "microsoft_authority"})


def _seal(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        wrong = error.error_messages
        assert isinstance(wrong, Mapping)  # a list only where one variable is read eagerly
        return [f"{name}: {' '.join(messages)}" for name, messages in wrong.items()]
    return []


def _url_problem(name: str, url: object) -> str | None:
    """Rule H6: TLS everywhere, plain HTTP only to loopback."""
    if name in ("redis_url", "database_url", "mail_url"):
        return None
    try:
        parts = urlsplit(str(url))
    except ValueError:
        return "is not an address"
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS:
        return None
    return "must be an https:// address (plain http only to this machine)"


def _bus_problem(connection: str) -> str | None:
    """Rule H6 again: a connection string for Microsoft's emulator means plain TCP."""
    named = {
        name.strip().lower(): value.strip()
        for name, _, value in (part.partition("=") for part in connection.split(";"))
    }
    if named.get("usedevelopmentemulator", "").lower() != "true":
        return None
    try:
        host = urlsplit(named.get("endpoint", "")).hostname
    except ValueError:
        host = None
    return None if host in LOOPBACK_HOSTS else "UseDevelopmentEmulator is only for this machine"
