"""Registering, confirming, logging in and out, a new password, another address (rule G1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import Client

from core.schema import users
from tests.unit.portal_world import ADDRESS, PASSWORD, PortalWorld, links_of, open_portal_world, token_of

ANN, BOB = "ann@contoso.com", "bob@contoso.com"
OTHER_PASSWORD = "nine quiet lanterns drift"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


def test_somebody_registers_confirms_logs_in_and_out(world: PortalWorld) -> None:
    visitor = world.browser()
    sent = visitor.submit("/register", email="Ann@Contoso.com", company="  Contoso   Ltd ", password=PASSWORD)
    assert (sent.status_code, sent.location) == (302, "/login")
    (mail,) = world.take_mails()
    assert mail["recipient"] == ANN
    assert "confirm" in mail["subject"]

    assert visitor.get(links_of(mail)[0]).location == "/login"
    assert visitor.log_in("ANN@contoso.com").location == "/"
    assert "Contoso Ltd" in visitor.get("/team").text

    visitor.submit("/account", to="/logout")
    assert not visitor.is_logged_in


def test_who_has_not_confirmed_is_not_let_in_and_may_ask_for_the_mail_again(world: PortalWorld) -> None:
    visitor = world.browser()
    visitor.submit("/register", email=ANN, company="Contoso", password=PASSWORD)
    world.take_mails()

    visitor.log_in()
    assert not visitor.is_logged_in

    visitor.submit("/confirm", email=ANN)
    visitor.confirm()
    visitor.log_in()
    assert visitor.is_logged_in


def test_a_link_to_confirm_ends_after_two_days(world: PortalWorld) -> None:
    visitor = world.browser()
    visitor.submit("/register", email=ANN, company="Contoso", password=PASSWORD)

    world.pass_time(hours=49)
    visitor.confirm()

    visitor.log_in()
    assert not visitor.is_logged_in


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "short"}, "12 characters"),
        ({"password": "password1234"}, "very common"),
        ({"password": "contosocontoso"}, "Repeats"),
        ({"password": ""}, "not provided"),
        ({"email": "no address"}, "Invalid email"),
        ({"email": ""}, "not provided"),
        ({"company": ""}, "name of your company"),
        ({"company": "c" * 201}, "200 characters"),
        ({"invitation": "made up"}, "has ended or was withdrawn"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(
    world: PortalWorld, fields: dict[str, str], said: str
) -> None:
    typed = {"email": ANN, "company": "Contoso", "password": PASSWORD} | fields

    page = world.browser().submit("/register", **typed)

    assert page.status_code == 200
    assert said in " ".join(re.findall(r'invalid-feedback d-block">([^<]+)', page.text))
    assert world.take_mails() == []
    assert world.browser().submit("/register", email=ANN, company="C", password=PASSWORD).status_code == 302
    assert [mail["subject"] for mail in world.take_mails()] == ["Please confirm your e-mail address"]


def test_registering_a_known_address_looks_the_same_and_its_owner_is_told(world: PortalWorld) -> None:
    world.registered()
    stranger = world.browser()

    fresh = stranger.submit("/register", email="new@contoso.com", company="Contoso", password=PASSWORD)
    shown_fresh = stranger.get("/login").text
    world.take_mails()
    known = stranger.submit("/register", email=ANN, company="Contoso", password=PASSWORD)
    shown_known = stranger.get("/login").text

    assert (known.status_code, known.location) == (fresh.status_code, fresh.location)
    assert plain(shown_known, ANN) == plain(shown_fresh, "new@contoso.com")
    (mail,) = world.take_mails()
    assert "It has an account already" in mail["text"]
    assert world.browser().log_in(ANN).status_code == 302  # its password is as it was


@pytest.mark.parametrize(
    ("page", "field"), [("/reset", {}), ("/confirm", {}), ("/login", {"password": "wrong " * 4})]
)
def test_no_page_says_whether_an_address_is_known(world: PortalWorld, page: str, field: dict[str, str]) -> None:
    world.registered()
    texts = []
    for email in (ANN, "nobody@contoso.com"):
        stranger = world.browser()
        texts.append(plain(stranger.submit(page, email=email, **field).text, email))

    assert texts[0] == texts[1]


def test_a_password_is_reset_once_and_within_half_an_hour(world: PortalWorld) -> None:
    ann = world.registered()
    visitor = world.browser()
    visitor.submit("/reset", email=ANN)
    link = links_of(world.take_mails()[0])[0]

    world.pass_time(minutes=31)
    assert visitor.get(link).status_code == 302

    visitor.submit("/reset", email=ANN)
    link = links_of(world.take_mails()[0])[0]
    visitor.submit(link, password=OTHER_PASSWORD, password_confirm=OTHER_PASSWORD)

    assert [mail["subject"] for mail in world.take_mails()] == ["Your password has been reset"]
    assert visitor.get(link).status_code == 302  # once is enough
    assert not ann.is_logged_in  # whoever was logged in with the old one
    visitor.log_in(ANN, PASSWORD)
    assert not visitor.is_logged_in
    visitor.log_in(ANN, OTHER_PASSWORD)
    assert visitor.is_logged_in


def test_a_changed_password_ends_every_other_session(world: PortalWorld) -> None:
    ann = world.registered()
    elsewhere = world.browser()
    elsewhere.log_in()
    world.take_mails()

    ann.submit("/change", password=PASSWORD, new_password=OTHER_PASSWORD, new_password_confirm=OTHER_PASSWORD)

    assert ann.is_logged_in
    assert not elsewhere.is_logged_in
    assert [mail["subject"] for mail in world.take_mails()] == ["Your password has been changed"]


def test_every_other_browser_is_logged_out_on_request(world: PortalWorld) -> None:
    ann = world.registered()
    elsewhere = world.browser()
    elsewhere.log_in()

    ann.submit("/account", to="/account/sessions/end")

    assert ann.is_logged_in
    assert not elsewhere.is_logged_in


def test_an_address_changes_when_the_new_one_has_confirmed(world: PortalWorld) -> None:
    ann = world.registered()

    ann.submit("/change-email", email="Ann.Smith@Contoso.com")
    (mail,) = world.take_mails()
    assert mail["recipient"] == "ann.smith@contoso.com"
    assert ANN in ann.get("/account").text

    ann.get(links_of(mail)[0])
    assert "ann.smith@contoso.com" in ann.get("/account").text
    assert world.browser().log_in("ann.smith@contoso.com").status_code == 302


def test_links_in_mails_lead_to_us_whatever_host_a_request_names(world: PortalWorld) -> None:
    world.registered()
    visitor = world.browser()
    token = token_of(visitor.get("/reset"))

    cookie = visitor.client.get_cookie("__Host-session", domain="connector.example")
    assert cookie is not None
    visitor.client = Client(world.wsgi, use_cookies=False)  # else none is sent where another host is named
    for header in ("Host", "X-Forwarded-Host", "X-Host", "Forwarded"):
        named = {header: "evil.example", "Cookie": f"{cookie.key}={cookie.value}"}
        visitor.post("/reset", {"csrf_token": token, "email": ANN}, headers=named)

    found = [link for mail in world.take_mails() for link in links_of(mail)]  # which looks at their host
    assert len(found) == 4


def test_without_a_mail_server_one_can_only_come_by_an_invitation(tmp_path: Path) -> None:
    with open_portal_world(tmp_path, sends_mail=False) as world:
        visitor = world.browser()
        refused = visitor.submit("/register", email=ANN, company="Contoso", password=PASSWORD)
        assert "MAIL_URL" in refused.text
        assert "MAIL_URL" in visitor.get("/login").text
        assert visitor.get("/reset").status_code == 404
        with world.app.app_context():
            people = world.app.extensions["portal"].people
            token = people.invite(people.create_team("Contoso").id, ANN, "owner")
            people.commit()

        visitor.submit(
            f"/register?invitation={token}", to="/register", email=ANN, password=PASSWORD, invitation=token
        )
        visitor.log_in()
        visitor.submit("/team", to="/team/invitations", email=BOB, role="member")

        assert f"{ADDRESS}/register?invitation=" in visitor.get("/team").text
        assert world.take_mails() == []


def test_passwords_are_hashed_slowly_and_each_with_a_salt_of_its_own(tmp_path: Path) -> None:
    """At least what OWASP asks of Argon2id: 19 MiB, two rounds."""
    with open_portal_world(tmp_path, hash_options={}) as world:
        for email in (ANN, BOB):
            world.browser().submit("/register", email=email, company="Contoso", password=PASSWORD)
        with world.engine.connect() as database:
            hashes = list(database.execute(select(users.c.password)).scalars())

    for each in hashes:
        found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$", each)
        assert found
        assert int(found[1]) >= 19 * 1024
        assert int(found[2]) >= 2
    assert len(set(hashes)) == 2


def plain(page: str, email: str) -> str:
    """Return the page without what differs each time, and without what was typed."""
    return re.sub(r'name="csrf_token"[^>]*>|value="[^"]*"', "", page).replace(email, "…")
