"""Sessions end: unused, after half a day, by logging out, whoever keeps a copy of the cookie."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from tests.unit.portal_world import ADDRESS, Browser, PortalWorld, open_portal_world

SESSION = "__Host-session"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


def cookie_of(browser: Browser) -> str:
    found = browser.client.get_cookie(SESSION, domain="connector.example")
    assert found is not None
    return found.value


def put_cookie(browser: Browser, value: str) -> None:
    browser.client.set_cookie(SESSION, value, domain="connector.example", secure=True)


def test_a_session_ends_when_nobody_uses_it_for_two_hours(world: PortalWorld) -> None:
    ann = world.registered()
    for _ in range(3):
        world.pass_time(minutes=115)
        assert ann.is_logged_in

    world.pass_time(minutes=125)
    assert not ann.is_logged_in


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(world: PortalWorld) -> None:
    ann = world.registered()
    for _ in range(11):
        world.pass_time(hours=1)
        assert ann.is_logged_in

    world.pass_time(minutes=61)
    assert not ann.is_logged_in


def test_a_copy_of_the_cookie_is_worth_nothing_after_logging_out(world: PortalWorld) -> None:
    ann = world.registered()
    copied = cookie_of(ann)
    ann.submit("/account", to="/logout")

    thief = world.browser()
    put_cookie(thief, copied)

    assert not thief.is_logged_in


def test_a_session_that_was_there_before_logging_in_does_not_become_one(world: PortalWorld) -> None:
    world.registered()
    thief = world.browser()
    thief.get("/login")
    planted = cookie_of(thief)
    victim = world.browser()
    put_cookie(victim, planted)

    victim.log_in()

    assert victim.is_logged_in
    assert cookie_of(victim) != planted
    assert not thief.is_logged_in


def test_a_forged_cookie_is_nobody(world: PortalWorld) -> None:
    ann = world.registered()
    head, _, tail = cookie_of(ann).rpartition(".")

    for forged in (f"{head}.{tail[::-1]}", f"x{head}.{tail}", "nonsense", ""):
        thief = world.browser()
        put_cookie(thief, forged)
        assert not thief.is_logged_in


def test_the_cookie_is_kept_from_scripts_and_other_sites(world: PortalWorld) -> None:
    cookie = SimpleCookie(world.browser().get("/login").headers["Set-Cookie"])[SESSION]

    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]


def test_on_this_machine_alone_it_goes_without_tls(tmp_path: Path) -> None:
    with open_portal_world(tmp_path, public_url="http://localhost:8000") as world:
        answer = world.browser().get("/login")

        assert "session=" in answer.headers["Set-Cookie"]
        assert "Secure" not in answer.headers["Set-Cookie"]
        assert "Strict-Transport-Security" not in answer.headers


def test_logging_out_by_a_link_from_elsewhere_does_nothing(world: PortalWorld) -> None:
    ann = world.registered()

    ann.get("/logout")
    ann.post("/logout", headers={"Referer": "https://evil.example/"})

    assert ann.is_logged_in
    assert ADDRESS not in ann.get("/account").text
