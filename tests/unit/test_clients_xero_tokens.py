"""Xero tokens: fresh ones are reused, rotation survives lost answers and races, and refusals speak plainly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from core.errors import ConnectorError, Disconnected, Limited, Transient
from tests.unit.xero_identity import IDENTITY, NOW, SECRETS, World
from tests.wsgi_adapter import Scripted


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def scripted(world: World) -> Scripted:
    script = Scripted()
    world.session.mount(IDENTITY, script)
    return script


# -- client credentials ----------------------------------------------------------------------------------


def test_client_credentials_are_asked_once_for_80_percent_of_a_life(world: World) -> None:
    world.save()
    tokens = world.tokens()

    got = [tokens.get(), tokens.get()]
    world.advance(minutes=23, seconds=59)
    got.append(tokens.get())
    world.advance(seconds=1)
    got.append(tokens.get())

    assert got == ["A1", "A1", "A1", "A2"]
    assert world.identity.forms[0] == {"grant_type": "client_credentials", "scope": "accounting.invoices"}


def test_the_secret_travels_in_the_header_alone(world: World) -> None:
    world.save()
    script = scripted(world)
    script.add(200, b'{"access_token":"A1","expires_in":1800}')

    world.tokens().get()

    (sent,) = script.sent
    assert (sent.method, sent.url) == ("POST", f"{IDENTITY}/connect/token")
    assert sent.headers["Authorization"] == "Basic Y2xpZW50LTE6Y2xpZW50LXNlY3JldC1jYW5hcnk="
    assert b"canary" not in sent.body


def test_a_forgotten_token_is_not_given_again(world: World) -> None:
    world.save()
    tokens = world.tokens()
    tokens.get()

    tokens.forget()

    assert tokens.get() == "A2"


def test_forgetting_before_there_is_a_token_is_nothing(world: World) -> None:
    world.save()
    tokens = world.tokens()

    tokens.forget()

    assert tokens.get() == "A1"


# -- rotation --------------------------------------------------------------------------------------------


def test_a_refresh_stores_the_new_token_before_it_is_used(world: World) -> None:
    world.save(refresh_token="R0")

    assert world.tokens().get() == "A1"

    stored = world.stored()
    assert (stored.access_token, stored.refresh_token, stored.previous_refresh_token) == ("A1", "R1", "R0")
    assert (stored.rotated_at, stored.expires_at) == (NOW, NOW + timedelta(minutes=30))
    assert world.identity.forms == [{"grant_type": "refresh_token", "refresh_token": "R0"}]


def test_another_process_uses_the_stored_token(world: World) -> None:
    world.save(refresh_token="R0")
    world.tokens().get()

    assert world.tokens(world.open_consents()).get() == "A1"
    assert len(world.identity.forms) == 1


def test_a_token_from_the_portal_without_a_time_of_renewal_is_used(world: World) -> None:
    world.save(refresh_token="R0", access_token="A0", expires_at=NOW + timedelta(minutes=30))
    tokens = world.tokens()

    first = tokens.get()
    world.advance(minutes=24)

    assert (first, tokens.get()) == ("A0", "A1")


def test_a_lost_answer_is_mended_with_the_same_refresh_token(world: World) -> None:
    """F71: the answer to a refresh is lost."""
    world.save(refresh_token="R0")
    world.identity.lose_answers = 1
    with pytest.raises(Transient):
        world.tokens().get()

    world.advance(minutes=20)
    token = world.tokens().get()

    assert token == "A2"
    assert [form["refresh_token"] for form in world.identity.forms] == ["R0", "R0"]
    assert world.stored().refresh_token == "R2"


def test_a_process_that_dies_while_it_refreshes_blocks_the_others_for_30_seconds_only(world: World) -> None:
    """F72: a crash before the new token is stored."""
    world.save(refresh_token="R0")
    assert world.consents.begin_refresh("c-1", now=world.clock.now())
    with pytest.raises(Transient, match="another process"):
        world.tokens().get()

    world.advance(seconds=31)

    assert world.tokens().get() == "A1"


def test_the_loser_of_a_race_uses_the_token_that_still_works(world: World) -> None:
    world.save(refresh_token="R0")
    world.tokens().get()
    world.advance(minutes=25)
    winner, loser = world.tokens(world.open_consents()), world.tokens(world.open_consents())
    world.identity.asked.clear()
    world.identity.may_answer.clear()
    won: list[str] = []
    thread = threading.Thread(target=lambda: won.append(winner.get()))
    thread.start()
    assert world.identity.asked.wait(5)

    lost = loser.get()
    world.identity.may_answer.set()
    thread.join(5)

    assert (won, lost) == (["A2"], "A1")
    assert len(world.identity.forms) == 2
    assert loser.get() == "A2", "once the winner has stored it"


def test_the_loser_of_a_race_without_a_working_token_comes_again(world: World) -> None:
    world.save(refresh_token="R0")
    world.identity.may_answer.clear()
    thread = threading.Thread(target=world.tokens(world.open_consents()).get)
    thread.start()
    assert world.identity.asked.wait(5)

    with pytest.raises(Transient, match="another process"):
        world.tokens(world.open_consents()).get()

    world.identity.may_answer.set()
    thread.join(5)
    assert world.tokens().get() == "A1"


def test_many_processes_at_once_refresh_once(world: World) -> None:
    """R19, F70: two processes refresh one token."""
    world.save(refresh_token="R0")
    world.tokens().get()
    world.advance(minutes=25)
    sources = [world.tokens(world.open_consents()) for _ in range(6)]
    got: list[str] = []
    threads = [threading.Thread(target=lambda source=source: got.append(source.get())) for source in sources]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(got) == 6
    assert set(got) <= {"A1", "A2"}
    assert len(world.identity.forms) == 2


def test_a_refused_token_is_not_renewed_when_another_process_has_done_so(world: World) -> None:
    world.save(refresh_token="R0")
    tokens, other = world.tokens(), world.tokens(world.open_consents())
    tokens.get(), other.get()
    for source in (tokens, other):
        source.forget()

    assert (tokens.get(), other.get()) == ("A2", "A2")
    assert len(world.identity.forms) == 2


def test_the_refresh_token_before_is_tried_within_its_grace(world: World) -> None:
    """F71: the answer to a refresh is lost."""
    world.save(refresh_token="stored by a loser", previous_refresh_token="R0", rotated_at=NOW - timedelta(minutes=29))

    token = world.tokens().get()

    assert token == "A2"
    assert [form["refresh_token"] for form in world.identity.forms] == ["stored by a loser", "R0"]
    assert (world.stored().refresh_token, world.stored().previous_refresh_token) == ("R2", "R0")


def test_the_refresh_token_before_is_not_tried_after_its_grace(world: World) -> None:
    world.save(refresh_token="gone", previous_refresh_token="R0", rotated_at=NOW - timedelta(minutes=30))

    with pytest.raises(Disconnected, match="Connect Xero again"):
        world.tokens().get()

    assert len(world.identity.forms) == 1


def test_a_consent_given_anew_during_a_refresh_is_not_overwritten(world: World) -> None:
    """F73: a refresh takes longer than its right."""
    world.save(refresh_token="R0")
    world.identity.may_answer.clear()
    got: list[str] = []
    tokens = world.tokens(world.open_consents())
    thread = threading.Thread(target=lambda: got.append(tokens.get()))
    thread.start()
    assert world.identity.asked.wait(5)

    world.save(refresh_token="fresh", access_token="fresh access", expires_at=NOW + timedelta(minutes=30))
    world.identity.may_answer.set()
    thread.join(5)

    assert got == ["fresh access"]
    assert world.stored().refresh_token == "fresh"


def test_a_refusal_of_a_consent_that_was_given_anew_meanwhile_stops_nobody(world: World) -> None:
    world.save(refresh_token="revoked")
    world.identity.may_answer.clear()
    errors: list[Exception] = []

    def ask() -> None:
        try:
            world.tokens(world.open_consents()).get()
        except ConnectorError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert world.identity.asked.wait(5)
    world.save(refresh_token="R0")
    world.identity.may_answer.set()
    thread.join(5)

    assert [type(error) for error in errors] == [Transient]
    assert world.tokens().get() == "A2"


def test_a_failed_refresh_frees_the_right_at_once(world: World) -> None:
    world.save(refresh_token="R0")
    script = scripted(world)
    script.add(503)
    script.add(200, b'{"access_token":"A9","expires_in":1800,"refresh_token":"R9"}')
    with pytest.raises(Transient):
        world.tokens().get()

    assert world.tokens().get() == "A9"


def test_an_answer_without_a_new_refresh_token_keeps_the_old(world: World) -> None:
    world.save(refresh_token="R0")
    scripted(world).add(200, b'{"access_token":"A9","expires_in":1800}')

    world.tokens().get()

    assert world.stored().refresh_token == "R0"


# -- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh_token", ["", "refresh-canary"])
@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, b'{"error":"invalid_grant"}', Disconnected, "Connect Xero again"),
        (400, b'{"error":"invalid_client"}', Disconnected, "client id or secret"),
        (401, b'{"error":"invalid_client"}', Disconnected, "client id or secret"),
        (400, b'{"error":"unauthorized_client"}', Disconnected, "type of the app"),
        (400, b'{"error":"invalid_scope"}', Disconnected, "scopes"),
        (400, b'{"error":"something_new"}', Disconnected, "Connect Xero again"),
        (400, b"<html>", Transient, "400"),
        (404, b"", Transient, "404"),
        (500, b'{"error":"server_error"}', Transient, "500"),
        (503, b"", Transient, "503"),
        (200, b"<html>", Transient, "no token"),
        (200, b'{"access_token":""}', Transient, "no token"),
        (302, b"", Transient, "302"),
    ],
)
def test_each_refusal_has_its_class_and_words(
    world: World, refresh_token: str, status: int, body: bytes, error: type[ConnectorError], words: str
) -> None:
    world.save(refresh_token=refresh_token)
    scripted(world).add(status, body)

    with pytest.raises(ConnectorError, match=words) as caught:
        world.tokens().get()

    assert type(caught.value) is error
    shown = "".join(_texts(caught.value))
    assert not [secret for secret in SECRETS if secret in shown]


def _texts(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!s} {error!r}"
        error = error.__cause__ or error.__context__


def test_limited_log_in_says_how_long(world: World) -> None:
    world.save()
    scripted(world).add(429, Retry_After="17")

    with pytest.raises(Limited) as caught:
        world.tokens().get()

    assert (caught.value.retry_after_s, caught.value.limit) == (17.0, "login")


def test_silence_is_transient(world: World) -> None:
    world.save()
    scripted(world).fail(requests.ReadTimeout("slow"))

    with pytest.raises(Transient):
        world.tokens().get()


def test_a_consent_that_was_removed_is_disconnected(world: World) -> None:
    with pytest.raises(Disconnected, match="no longer stored"):
        world.tokens().get()


def test_a_secret_typed_anew_is_used_at_once(world: World) -> None:
    consent = world.save()
    tokens = world.tokens()
    script = scripted(world)
    script.add(400, b'{"error":"invalid_client"}')
    script.add(200, b'{"access_token":"A9","expires_in":1800}')
    with pytest.raises(Disconnected):
        tokens.get()

    world.consents.save(replace(consent, client_secret="right"))

    assert tokens.get() == "A9"
    assert script.sent[0].headers["Authorization"] != script.sent[1].headers["Authorization"]
