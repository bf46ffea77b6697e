"""Every address of the portal: who may come there, what is changed without a token, what is sent along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from core.schema import metadata
from tests.unit.portal_world import ADDRESS, PASSWORD, Browser, PortalWorld, open_portal_world

# Who may use each address: anybody, whoever is logged in, owners of the team.
ANYBODY = {
    "/login", "/logout", "/register", "/confirm", "/confirm/<token>", "/reset", "/reset/<token>", "/help",
    "/tf-validate", "/mf-recovery", "/change-email/<token>", "/tf-select", "/static/<path:filename>",
    "/bootstrap/static/<path:filename>", "/fs-static/<path:filename>", "/tf-rescue",
}  # fmt: skip
LOGGED_IN = {
    "/", "/account", "/account/sessions/end", "/team", "/change", "/change-email", "/verify", "/tf-setup",
    "/tf-setup/<token>", "/mf-recovery-codes", "/connections/<connection_id>", "/connections/<connection_id>/xero",
    "/xero/callback",
}  # fmt: skip
OWNERS = {
    "/team/name", "/team/invitations", "/team/invitations/<invitation_id>/withdraw",
    "/team/members/<int:user_id>/role/<role>", "/team/members/<int:user_id>/remove",
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


def addresses(app: Flask) -> list[tuple[str, str]]:
    """Return each method and rule."""
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def filled(rule: str, **parts: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: quote(parts.get(found[1], "1")), rule)


def content(world: PortalWorld) -> list[object]:
    """Return all rows of all tables."""
    with world.engine.connect() as database:
        return [tuple(row) for table in metadata.sorted_tables for row in database.execute(select(table)).all()]


def test_each_address_says_whose_it_is(world: PortalWorld) -> None:
    assert {rule for _, rule in addresses(world.app)} == ANYBODY | LOGGED_IN | OWNERS


def test_a_stranger_is_sent_to_log_in_and_changes_nothing(world: PortalWorld) -> None:
    world.registered()
    before = content(world)

    for method, rule in addresses(world.app):
        if rule in LOGGED_IN | OWNERS:
            stranger = world.browser()
            ask = stranger.get if method == "GET" else stranger.post
            answer = ask(filled(rule))
            assert (answer.status_code, rule) in {(302, rule), (400, rule)}
            assert answer.status_code == 400 or answer.location.startswith("/login"), rule

    assert content(world) == before


def test_a_member_is_refused_what_is_for_owners(world: PortalWorld) -> None:
    member = a_member(world, world.registered())
    before = content(world)

    for rule in OWNERS:
        answer = member.submit(
            "/account", to=filled(rule, role="owner"), email="x@contoso.com", role="owner", name="X"
        )
        assert answer.status_code == 403, rule
        assert "Only an owner" in answer.text

    assert content(world) == before


def test_an_owner_of_another_team_finds_nobody_of_this_one(world: PortalWorld) -> None:
    ann = world.registered()
    a_member(world, ann)
    ann.submit("/team", to="/team/invitations", email="carol@contoso.com", role="member")
    page = ann.get("/team").text
    numbers = set(re.findall(r"/team/members/(\d+)/", page))
    (invitation,) = re.findall(r"/team/invitations/(\w+)/withdraw", page)
    other = world.registered("eve@fabrikam.com", "Fabrikam")
    before = content(world)

    for number in numbers:
        for act in ("remove", "role/owner", "role/member"):
            assert other.submit("/team", to=f"/team/members/{number}/{act}").status_code == 404
    other.submit("/team", to=f"/team/invitations/{invitation}/withdraw")

    assert content(world) == before
    assert "contoso" not in other.get("/team").text.lower()


def test_nothing_is_changed_without_the_token_of_the_page(world: PortalWorld) -> None:
    ann = world.registered()
    other = world.registered("eve@fabrikam.com", "Fabrikam")
    foreign = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', other.get("/team").text)
    assert foreign
    before = content(world)
    fields = {
        "email": "x@contoso.com", "role": "owner", "name": "X", "password": PASSWORD, "company": "X",
        "new_password": PASSWORD * 2, "new_password_confirm": PASSWORD * 2, "generate_new_codes": "1",
        "setup": "authenticator",
    }  # fmt: skip

    for method, rule in addresses(world.app):
        if method == "POST":
            for token in ({}, {"csrf_token": "made up"}, {"csrf_token": foreign[1]}):
                ann.post(filled(rule, role="owner"), fields | token)
                world.browser().post(filled(rule, role="owner"), fields | token)

    assert content(world) == before
    assert ann.is_logged_in


def test_looking_changes_nothing(world: PortalWorld) -> None:
    ann = world.registered()
    before = content(world)

    for method, rule in addresses(world.app):
        if method == "GET" and rule != "/logout":
            assert ann.get(filled(rule)).status_code < 500, rule

    assert content(world) == before


def test_every_answer_tells_the_browser_what_it_may_do(world: PortalWorld) -> None:
    ann = world.registered()
    paths = [filled(rule) for method, rule in addresses(world.app) if method == "GET"]

    for path in [*paths, "/nowhere", "/team/name", "/%00", "/..%2f..%2fetc/passwd"]:
        for browser in (world.browser(), ann):
            headers = browser.get(path).headers
            policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == "'none'", path
            assert policy["frame-ancestors"] == "'none'"
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
            assert "Access-Control-Allow-Origin" not in headers
            assert "charset=utf-8" in headers["Content-Type"] or "static" in path


def test_no_page_has_what_the_policy_forbids(world: PortalWorld) -> None:
    """Nothing inline, nothing from elsewhere: a browser would leave it out."""
    ann = world.registered()

    for method, rule in addresses(world.app):
        if method == "GET" and "static" not in rule:
            for browser in (world.browser(), ann):
                page = browser.get(filled(rule)).text
                assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:", page), rule
                assert not re.search(r'<(?:link|script|img|form)[^>]*(?:href|src|action)="(?:https?:)?//', page), rule


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "https:evil.example", "http:///evil.example", "/%09/evil.example", "\t//evil.example", " //evil.example",
        "javascript:alert(1)", "https://connector.example@evil.example", "https://connector.example.evil.example",
        "//connector.example@evil.example/", "/%2f%2fevil.example", "/..//evil.example", "https://evil.example/team",
        "ftp://evil.example", "data:text/html,x", "/\n/evil.example", "%2f%2fevil.example", "http://[::1]/",
    ],
)  # fmt: skip
def test_logging_in_leads_nowhere_else(world: PortalWorld, target: str) -> None:
    world.registered()
    visitor = world.browser()

    answer = visitor.log_in(query=f"?next={quote(target)}")

    # As browsers read it, for which a backslash is a slash, and tabs and line ends are nothing.
    location = re.sub(r"[\t\r\n]", "", answer.headers.get("Location", "/")).strip().replace("\\", "/")
    assert urlsplit(urljoin(f"{ADDRESS}/login", location)).netloc == urlsplit(ADDRESS).netloc


def test_after_logging_in_one_is_where_one_wanted_to_be(world: PortalWorld) -> None:
    world.registered()
    visitor = world.browser()

    asked = visitor.get("/team").location

    assert visitor.log_in(query=asked.partition("/login")[2]).location == "/team"


def test_a_form_that_is_too_large_is_refused_before_it_is_read(world: PortalWorld) -> None:
    for path in ("/team/members/99/remove", "/login", "/register"):
        assert world.browser().post(path, {"email": "x" * 100_000}).status_code == 413, path


def a_member(world: PortalWorld, ann: Browser) -> Browser:
    ann.submit("/team", to="/team/invitations", email="bob@contoso.com", role="member")
    token = re.search(r"invitation=([\w-]+)", world.take_mails()[-1]["text"])
    assert token
    bob = world.browser()
    bob.submit("/register", email="bob@contoso.com", password=PASSWORD, invitation=token[1])
    world.take_mails()
    bob.log_in("bob@contoso.com")
    return bob
