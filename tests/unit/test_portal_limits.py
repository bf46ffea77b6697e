"""Guessing passwords is slow for whoever guesses, and hinders nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.portal_world import Browser, PortalWorld, open_portal_world, token_of

ANN = "ann@contoso.com"
WRONG = "wrong horse battery staple"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


def tries(browser: Browser, email: str, times: int, address: str = "") -> list[int]:
    """Try to log in so often; return the status of each answer."""
    token = token_of(browser.get("/login"))
    headers = {"X-Forwarded-For": address} if address else {}
    form = {"csrf_token": token, "email": email, "password": WRONG}
    return [browser.post("/login", form, headers=headers).status_code for _ in range(times)]


def test_five_wrong_passwords_for_one_account_are_enough_for_a_quarter_of_an_hour(world: PortalWorld) -> None:
    ann = world.registered()
    thief = world.browser("198.51.100.1")

    assert tries(thief, ANN, 7) == [200] * 5 + [429] * 2
    assert "Wait a quarter of an hour" in thief.submit("/login", email=ANN, password=WRONG).text
    world.pass_time(minutes=16)
    assert tries(thief, "ANN@Contoso.com ", 6) == [200] * 5 + [429]
    assert ann.is_logged_in


def test_many_addresses_do_not_help_and_the_owner_still_gets_in(world: PortalWorld) -> None:
    ann = world.registered()
    ann.submit("/account", to="/logout")
    thief = world.browser()

    answers = [tries(thief, ANN, 1, f"198.51.100.{number}")[0] for number in range(50)]

    assert answers.count(200) == 30
    assert ann.log_in().status_code == 302  # from a browser that the account knows


def test_trying_many_accounts_from_one_address_ends_soon(world: PortalWorld) -> None:
    thief = world.browser("198.51.100.2")

    answers = [tries(thief, f"user{number}@contoso.com", 1)[0] for number in range(40)]

    assert answers == [200] * 20 + [429] * 20
    assert world.registered(address="198.51.100.3").is_logged_in


def test_an_address_is_what_the_last_proxy_says_and_not_what_is_sent_along(world: PortalWorld) -> None:
    thief = world.browser()

    answers = [
        tries(thief, f"user{number}@contoso.com", 1, f"10.0.0.{number}, 198.51.100.4")[0] for number in range(30)
    ]

    assert answers == [200] * 20 + [429] * 10


def test_nobody_gets_more_than_five_mails_an_hour_because_of_others(world: PortalWorld) -> None:
    world.registered()
    world.take_mails()

    for number in range(12):
        world.browser(f"198.51.100.{number}").submit("/reset", email=ANN)

    assert len(world.take_mails()) == 5
