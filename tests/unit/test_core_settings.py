"""Settings: what is wrong is told at once, by name and without values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import Misconfigured
from core.settings import read_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251 - the test takes settings away, it reads none
        if name.startswith(("XERO_", "MICROSOFT_", "REDIS_", "DATABASE_", "TOKEN_", "PUBLIC_", "LOG_", "POLL_")):
            monkeypatch.delenv(name)
    for name in ("DATA_DIR", "CA_BUNDLE", "SERVICEBUS_CONNECTION", "SERVICEBUS_QUEUE"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_point_at_the_real_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/data")

    settings = read_settings(None)

    assert settings.xero_api_url == "https://api.xero.com"
    assert settings.microsoft_authority == "https://login.microsoftonline.com"
    assert settings.redis_url == "unix:///data/redis/redis.sock?db=0"
    assert settings.database_url == "sqlite:////data/connector.db"
    assert (settings.poll_interval_s, settings.token_keys, settings.ca_bundle) == (300, (), None)


def test_slashes_at_the_end_are_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XERO_API_URL", "https://xero.example/")
    monkeypatch.setenv("MICROSOFT_AUTHORITY", "https://login.example//")

    settings = read_settings(None)

    assert (settings.xero_api_url, settings.microsoft_authority) == ("https://xero.example", "https://login.example")


def test_token_keys_are_a_list_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_KEYS", "newest,older")

    assert read_settings(None).token_keys == ("newest", "older")


def test_every_error_is_named_at_once_and_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "POLL_INTERVAL_SECONDS": "often-s3cret",
        "XERO_API_URL": "http://s3cret.example",
        "PUBLIC_URL": "ftp://user:s3cret@files.example",
        "MICROSOFT_AUTHORITY": "https://[s3cret",
        "LOG_LEVEL": "s3cret",
        "LOG_FORMAT": "s3cret",
        "SERVICEBUS_CONNECTION": "Endpoint=sb://s3cret;SharedAccessKey=s3cret;UseDevelopmentEmulator=true",
        "CA_BUNDLE": "/s3cret",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Misconfigured) as refused:
        read_settings(None)

    message = str(refused.value)
    assert [name for name in wrong if f"{name}: " not in message] == []
    assert "s3cret" not in message


@pytest.mark.parametrize("value", ["0", "-5"])
def test_polling_needs_an_interval(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("POLL_INTERVAL_SECONDS", value)

    with pytest.raises(Misconfigured, match="POLL_INTERVAL_SECONDS: must be at least 1"):
        read_settings(None)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8010", "http://127.0.0.1:8010", "http://[::1]:8010", "https://localhost", "https://a.example"],
)
def test_tls_or_this_machine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("XERO_API_URL", url)

    assert read_settings(None).xero_api_url == url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5672", "[::1]"])
def test_a_bus_without_tls_is_one_on_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    connection = f"Endpoint=sb://{host};SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;"
    monkeypatch.setenv("SERVICEBUS_CONNECTION", connection)

    assert read_settings(None).servicebus_connection == connection


@pytest.mark.parametrize("host", ["bus.example", "localhost.evil.example", "localhost@evil.example", "[evil", ""])
def test_any_other_bus_without_tls_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Rule H6: not by a connection string either."""
    monkeypatch.setenv("SERVICEBUS_CONNECTION", f"UseDevelopmentEmulator = True;Endpoint=sb://{host}")

    with pytest.raises(Misconfigured, match="SERVICEBUS_CONNECTION: UseDevelopmentEmulator is only for this machine"):
        read_settings(None)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.xero.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "//api.xero.com",
        "api.xero.com",
        "https://",
        "",
    ],
)
@pytest.mark.parametrize("name", ["XERO_API_URL", "XERO_IDENTITY_URL", "MICROSOFT_AUTHORITY", "PUBLIC_URL"])
def test_anything_else_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    """Rule H6: no setting switches TLS off."""
    monkeypatch.setenv(name, url)

    with pytest.raises(Misconfigured, match=f"{name}: must be an https://"):
        read_settings(None)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN_KEYS", "XERO_CLIENT_SECRET", "XERO_WEBHOOK_KEY", "MICROSOFT_CLIENT_SECRET"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("REDIS_URL", "rediss://user:s3cret@redis.example/0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:s3cret@db.example/x")

    assert "s3cret" not in repr(read_settings(None))


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XERO_CLIENT_ID", "from the environment")
    monkeypatch.setenv("LOG_LEVEL", "")  # so that what the file sets is taken back after the test
    monkeypatch.delenv("LOG_LEVEL")
    env_file = tmp_path / ".env"
    env_file.write_text("XERO_CLIENT_ID=from the file\nLOG_LEVEL=DEBUG\n", "utf-8")

    settings = read_settings(env_file)

    assert (settings.xero_client_id, settings.log_level) == ("from the environment", "DEBUG")
    assert read_settings(tmp_path / "none").xero_client_id == "from the environment"
