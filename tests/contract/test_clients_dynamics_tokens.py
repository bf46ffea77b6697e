"""Our Dynamics tokens against the simulated Microsoft log-in, in process and over TLS."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from clients.dataverse import Dataverse, Read, rows_path
from clients.http import open_session
from clients.tokens import DynamicsTokens
from core.consents import Consent, Consents
from core.database import open_database
from core.errors import ConnectorError, Disconnected, Limited, Transient
from core.vault import Vault, new_key
from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.serve import Server
from simulators.tls import create_loopback_tls
from tests.contract.clients_dataverse_world import (
    AUTHORITY,
    CLIENT_ID,
    DIRECTORY,
    GONE,
    NOW,
    SECRET,
    URL,
    World,
    open_world,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as opened:
        yield opened


# -- tokens ----------------------------------------------------------------------------------------------


def test_a_token_is_asked_for_once(world: World) -> None:
    tokens = {world.tokens.get() for _ in range(3)}

    assert len(tokens) == 1
    assert [call.path.rsplit("/", 1)[1] for call in world.env.wire.calls] == ["openid-configuration", "token"]


def test_a_forgotten_token_is_replaced(world: World) -> None:
    first = world.tokens.get()
    world.clock.advance(timedelta(seconds=1))

    world.tokens.forget()

    assert world.tokens.get() != first


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        ({"client_secret": "wrong-canary"}, "secret's value.*AADSTS7000215"),
        ({"client_id": "00000000-0000-0000-0000-000000000001"}, "client id.*AADSTS700016"),
        ({"directory": "00000000-0000-0000-0000-000000000002"}, "directory id.*AADSTS90002"),
    ],
)
def test_a_log_in_that_is_refused_says_what_to_do(world: World, consent: dict[str, str], words: str) -> None:
    with pytest.raises(Disconnected, match=words) as caught:
        world.ask_token(**consent)

    assert "canary" not in "\n".join(_texts(caught.value))


def test_a_secret_that_has_expired_says_so(world: World) -> None:
    world.login.add_app(
        DIRECTORY, client_id=CLIENT_ID, client_secret="old", secret_expires_at=NOW - timedelta(days=1)
    )

    with pytest.raises(Disconnected, match=r"expired.*AADSTS7000222"):
        world.ask_token(client_secret="old")


def test_an_environment_of_another_directory_says_so(world: World) -> None:
    tokens = DynamicsTokens(
        world.consents, "c-1", authority=AUTHORITY, resource="https://other.crm4.dynamics.com", session=world.session
    )

    with pytest.raises(Disconnected, match=r"environment.*AADSTS500011"):
        tokens.get()


def test_a_consent_that_is_missing_says_so(world: World) -> None:
    world.login.set_consent(DIRECTORY, CLIENT_ID, given=False)

    with pytest.raises(Disconnected, match=r"consent.*AADSTS65001"):
        world.tokens.get()


def test_a_log_in_that_is_repaired_works_at_once(world: World) -> None:
    """msal remembers refusals for a minute and the secret for ever; we do not."""
    with pytest.raises(Disconnected):
        world.ask_token(client_secret="wrong")

    assert world.ask_token(client_secret=SECRET)


@pytest.mark.parametrize("what", ["openid-configuration", "/token"])
@pytest.mark.parametrize(
    ("kind", "status"), [("drop-before", 0), ("drop-after", 0), ("status-before", 503), ("status-before", 200)]
)
def test_a_log_in_that_tells_nothing_is_a_matter_of_time(world: World, what: str, kind: str, status: int) -> None:
    world.fail(what, kind, status=status, body="<html>")

    with pytest.raises(Transient):
        world.tokens.get()

    assert world.tokens.get()


@pytest.mark.parametrize("what", ["openid-configuration", "/token"])
def test_a_log_in_that_limits_us_says_how_long(world: World, what: str) -> None:
    world.fail(what, "status-before", status=429, headers={"Retry-After": "17"}, body="{}")

    with pytest.raises(Limited) as caught:
        world.tokens.get()

    assert (caught.value.retry_after_s, caught.value.limit) == (17.0, "login")
    assert world.tokens.get()


def test_a_throttled_log_in_is_a_matter_of_time(world: World) -> None:
    world.login.throttled = True

    with pytest.raises(Transient):
        world.tokens.get()


def test_a_consent_that_was_removed_is_disconnected(world: World) -> None:
    tokens = DynamicsTokens(world.consents, "none", authority=AUTHORITY, resource=URL, session=world.session)

    with pytest.raises(Disconnected, match="no longer stored"):
        tokens.get()


def test_no_error_shows_a_secret(world: World) -> None:
    token = world.tokens.get()
    texts: list[str] = []
    for status in (0, 400, 401, 403, 404, 412, 429, 500):
        for what in ("/token", "/api/data/"):
            if what == "/token":
                world.tokens.forget()
            world.fail(what, "status-before" if status else "drop-after", status=status)
            with pytest.raises(ConnectorError) as caught:
                world.dataverse.update("accounts", GONE, {"name": "A"})
            texts += _texts(caught.value)
            world.env.wire.release()

    shown = "\n".join(texts)
    assert len(texts) >= 16
    assert SECRET not in shown
    assert token not in shown
    assert "Bearer" not in shown


def _texts(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!s} {error!r}"
        error = error.__cause__ or error.__context__


# -- over sockets ----------------------------------------------------------------------------------------


def test_log_in_and_rows_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production, but for the certificate: msal, requests and the environment's variables together."""
    clock = Clock()
    tls = create_loopback_tls(tmp_path, clock)
    login = MicrosoftLogin(clock, random.Random(1))
    login.add_tenant(DIRECTORY)
    login.add_app(DIRECTORY, client_id=CLIENT_ID, client_secret=SECRET)
    env = DataverseSimulator(clock, random.Random(2), login, url="https://localhost", tenant_id=DIRECTORY)
    env.add_app_user(CLIENT_ID)
    server = Server(env.wire, certificate=(tls.certificate, tls.key)).start()
    env.url = login.origin = server.url
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "no such file"))
    consents = Consents(open_database(f"sqlite:///{tmp_path / 'c.db'}"), Vault([new_key(lambda n: b"k" * n)]))
    consents.save(Consent("c-1", "dynamics", CLIENT_ID, SECRET, directory=DIRECTORY))

    with open_session(str(tls.ca)) as session:
        tokens = DynamicsTokens(consents, "c-1", authority=server.url, resource=server.url, session=session)
        dataverse = Dataverse(session, tokens, url=server.url)
        account_id = dataverse.create("accounts", {"name": "Fabrikam"})
        (outcome,) = dataverse.batch([Read(rows_path("accounts", {"$select": "name"}))])
        row = dataverse.get("accounts", account_id, select="name")

    server.stop()
    assert [each["name"] for each in outcome.rows] == ["Fabrikam"] == [row["name"]]
