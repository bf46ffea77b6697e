"""A team: who is invited joins it, owners decide who belongs to it, and it never is without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.portal_world import PASSWORD, Browser, PortalWorld, links_of, open_portal_world

ANN, BOB = "ann@contoso.com", "bob@contoso.com"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


@pytest.fixture
def ann(world: PortalWorld) -> Browser:
    return world.registered(ANN)


def invited(world: PortalWorld, ann: Browser, email: str = BOB, role: str = "member") -> str:
    """Let Ann invite somebody; return the link of the mail."""
    ann.submit("/team", to="/team/invitations", email=email, role=role)
    (mail,) = world.take_mails()
    assert mail["recipient"] == email
    assert "Contoso" in mail["text"]
    return links_of(mail)[0]


def joined(world: PortalWorld, ann: Browser, email: str = BOB, role: str = "member") -> Browser:
    link = invited(world, ann, email, role)
    visitor = world.browser()
    token = re.search(r"invitation=([\w-]+)", link)
    assert token
    visitor.submit(link, to="/register", email=email, password=PASSWORD, invitation=token[1])
    (welcome,) = world.take_mails()
    assert links_of(welcome) == ["/login"]
    visitor.log_in(email)
    return visitor


def member_id(browser: Browser, email: str) -> int:
    form = rf'members/(\d+)/remove"(?:(?!</form>).)*aria-label="Remove the account of {email}"'
    found = re.search(form, browser.get("/team").text, re.DOTALL)
    assert found
    return int(found[1])


def test_who_is_invited_registers_and_belongs_to_the_team(world: PortalWorld, ann: Browser) -> None:
    bob = joined(world, ann)

    page = bob.get("/team").text
    assert ANN in page
    assert "Owners of the team invite" in page
    assert "invited" not in ann.get("/team").text


@pytest.mark.parametrize("email", ["carol@contoso.com", "bob@contoso.org"])
def test_an_invitation_is_for_one_address(world: PortalWorld, ann: Browser, email: str) -> None:
    link = invited(world, ann)
    token = link.partition("invitation=")[2]

    page = world.browser().submit(link, to="/register", email=email, password=PASSWORD, invitation=token)

    assert page.status_code == 200
    assert f"This invitation is for {BOB}" in page.text


@pytest.mark.parametrize("ending", ["late", "withdrawn", "used"])
def test_an_invitation_ends(world: PortalWorld, ann: Browser, ending: str) -> None:
    link = invited(world, ann)
    token = link.partition("invitation=")[2]
    if ending == "late":
        world.pass_time(days=8)
    if ending == "withdrawn":
        action = re.search(r'action="(/team/invitations/\w+/withdraw)"', ann.get("/team").text)
        assert action
        ann.submit("/team", to=action[1])
    if ending == "used":
        world.browser().submit(link, to="/register", email=BOB, password=PASSWORD, invitation=token)

    email = "carol@contoso.com" if ending == "used" else BOB
    page = world.browser().submit("/register", email=email, password=PASSWORD, invitation=token)

    assert "has ended or was withdrawn" in page.text


def test_an_owner_makes_another_owner_and_removes_a_member(world: PortalWorld, ann: Browser) -> None:
    bob = joined(world, ann)
    number = member_id(ann, BOB)

    ann.submit("/team", to=f"/team/members/{number}/role/owner")
    assert "Invite a colleague" in bob.get("/team").text
    ann.submit("/team", to=f"/team/members/{number}/remove")

    assert not bob.is_logged_in
    bob.log_in(BOB)
    assert not bob.is_logged_in
    ann.get("/team")  # which tells of it
    assert BOB not in ann.get("/team").text


@pytest.mark.parametrize("act", ["role/member", "remove"])
def test_a_team_keeps_an_owner(ann: Browser, act: str) -> None:
    ann.submit("/team", to=f"/team/members/{member_id(ann, ANN)}/{act}")

    page = ann.get("/team").text
    assert "A team needs an owner" in page
    assert "Invite a colleague" in page


def test_a_company_is_renamed(ann: Browser) -> None:
    ann.submit("/team", to="/team/name", name="Contoso <b>Ltd</b>")

    assert "Contoso &lt;b&gt;Ltd&lt;/b&gt;" in ann.get("/team").text


@pytest.mark.parametrize(
    ("form", "fields"), [("/team/invitations", {"email": "no address"}), ("/team/name", {"name": ""})]
)
def test_what_is_wrong_is_said_and_changes_nothing(
    world: PortalWorld, ann: Browser, form: str, fields: dict[str, str]
) -> None:
    page = ann.submit("/team", to=form, role="member", **fields)

    assert "invalid-feedback" in page.text
    assert world.take_mails() == []
    assert "Contoso" in ann.get("/team").text
