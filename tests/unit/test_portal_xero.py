"""Connecting Xero again: the same organisation, by who set out to do it, once (F76, F77)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.test import TestResponse

from clients.http import open_session
from clients.tokens import XeroTokens
from clients.xero_consent import XeroLogin
from core.connections import IN_SERVICE, NEEDS_ATTENTION, Connection, Connections
from core.consents import Consent, Consents
from pipeline.lanes import Lanes
from simulators.wire import Fault
from simulators.xero.simulator import XeroSimulator
from tests.unit.made import connection
from tests.unit.portal_world import ADDRESS, Browser, PortalWorld, open_portal_world
from tests.wsgi_adapter import mount

LOGIN, IDENTITY, API = "https://login.xero.com", "https://identity.xero.com", "https://api.xero.com"
SCOPES = "accounting.invoices accounting.contacts accounting.settings.read accounting.payments.read"
REASON = "Xero no longer accepts the consent. Connect Xero again."


@dataclass
class Books:
    """The portal and Xero; `joined` is the connection of Ann's team, whose consent has ended."""

    world: PortalWorld
    xero: XeroSimulator
    session: requests.Session
    joined: Connection
    ann: Browser

    @property
    def consents(self) -> Consents:
        return Consents(self.world.engine, self.world.vault)

    @property
    def path(self) -> str:
        return f"/connections/{self.joined.id}"

    def set_out(self, browser: Browser | None = None) -> str:
        """Press the button; return where it leads."""
        return str((browser or self.ann).submit(self.path, to=f"{self.path}/xero").location)

    def decide(self, address: str, *tenants: str, decision: str = "allow") -> str:
        """Answer at Xero; return the path to which it leads back."""
        form = {"decision": decision, "tenant_id": list(tenants)}
        answer = self.session.post(address, data=form, allow_redirects=False, timeout=5)
        assert answer.headers["Location"].startswith(f"{ADDRESS}/xero/callback?")
        return answer.headers["Location"].removeprefix(ADDRESS)

    def state(self) -> str:
        found = Connections(self.world.engine).find(self.joined.id)
        assert found is not None
        return found.state

    def consent(self) -> Consent:
        return self.consents.get(self.joined.xero_consent_id)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    session = open_session(None)
    login = XeroLogin(session, "xero-app", "xero-s3cret", LOGIN, IDENTITY, API)
    with open_portal_world(tmp_path, xero=login) as world:
        xero = XeroSimulator(world.clock, random.Random(5))
        for name in ("Contoso Books", "Other Books"):
            xero.add_organisation(name=name, region="UK")
        xero.add_app(client_id="xero-app", client_secret="xero-s3cret", kind="web", scopes=SCOPES)
        for address in (LOGIN, IDENTITY, API):
            mount(session, address, xero.wire)
        ann = world.registered()
        tenant = next(iter(xero.organisations))
        consents = Consents(world.engine, world.vault)
        consents.save(
            Consent("xero-consent", "xero", "xero-app", "xero-s3cret", refresh_token="ended-t0ken", given="x")
        )
        consents.save(Consent("dynamics-consent", "dynamics", "c", "s"))
        with world.app.app_context():
            team = world.app.extensions["portal"].people.find_user(email="ann@contoso.com").team_id
        joined = connection(xero_tenant_id=tenant, team_id=team, state=NEEDS_ATTENTION, state_reason=REASON)
        Connections(world.engine).save(joined)
        yield Books(world, xero, session, joined, ann)


def text(answer: TestResponse, browser: Browser) -> str:
    assert answer.status_code == 302
    return browser.get(answer.location).text


def test_the_page_says_what_is_wrong_and_where_to_mend_it(books: Books) -> None:
    page = books.ann.get(books.path).text

    assert REASON in page
    assert "Connect Xero again" in page
    assert "t0ken" not in page
    assert "s3cret" not in page


def test_xero_is_asked_for_what_is_needed_with_state_and_proof(books: Books) -> None:
    address = books.set_out()

    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{LOGIN}/identity/connect/authorize?")
    assert (query["response_type"], query["client_id"]) == ("code", "xero-app")
    assert query["redirect_uri"] == f"{ADDRESS}/xero/callback"
    assert set(query["scope"].split()) == {*SCOPES.split(), "offline_access"}
    assert (query["code_challenge_method"], len(query["code_challenge"])) == ("S256", 43)
    assert len(query["state"]) >= 43
    policy = books.ann.get(books.path).headers["Content-Security-Policy"]
    assert f"form-action 'self' {LOGIN}" in policy


def test_the_same_organisation_is_connected_again_and_its_lane_goes_on(books: Books) -> None:
    lanes = Lanes(books.world.redis)
    lanes.rest(books.joined.id, until=lanes.now().replace(year=2030))

    back = books.decide(books.set_out(), books.joined.xero_tenant_id)
    page = text(books.ann.get(back), books.ann)

    assert "Xero is connected again" in page
    assert lanes.rests_until(books.joined.id) is None
    consent = books.consent()
    assert consent.refresh_token not in ("", "ended-t0ken")
    tokens = XeroTokens(
        books.consents, consent.id, identity_url=IDENTITY, session=books.session, clock=books.world.clock
    )
    assert tokens.get() == consent.access_token
    books.world.pass_time(minutes=29)
    assert tokens.get() != consent.access_token  # refreshed by what was given


def test_another_organisation_is_refused_by_name_and_nothing_changes(books: Books) -> None:
    """F76: invoices must not go into other books."""
    before = books.consent()
    (other,) = [key for key in books.xero.organisations if key != books.joined.xero_tenant_id]

    page = text(books.ann.get(books.decide(books.set_out(), other)), books.ann)

    assert "access was allowed to Other Books" in page
    assert books.consent() == before
    assert books.state() == NEEDS_ATTENTION


@pytest.mark.parametrize("case", ["denied", "no code", "wrong code", "silence", "without token"])
def test_what_does_not_come_to_an_end_changes_nothing_and_says_so(books: Books, case: str) -> None:
    before = books.consent()
    tenant = books.joined.xero_tenant_id
    back = books.decide(books.set_out(), tenant, decision="deny" if case == "denied" else "allow")
    if case == "no code":
        back = back.replace("code=", "other=")
    if case == "wrong code":
        back = back.replace("code=", "code=x")
    if case == "silence":
        books.xero.wire.inject(Fault("/connect/token", "drop-before"))
    if case == "without token":
        books.xero.wire.inject(Fault("/connect/token", "status-before", status=503))

    page = text(books.ann.get(back), books.ann)

    assert "Nothing was changed" in page
    assert books.consent() == before
    assert "Xero is connected again" in text(books.ann.get(books.decide(books.set_out(), tenant)), books.ann)


def test_a_callback_counts_once_even_with_a_kept_cookie(books: Books) -> None:
    """F77: who has seen the address, or kept the cookie, gets nowhere with it."""
    address = books.set_out()
    kept = books.ann.client.get_cookie("__Host-session", domain="connector.example")
    assert kept is not None
    back = books.decide(address, books.joined.xero_tenant_id)
    books.ann.get(back)
    given = books.consent()

    for again in (True, False):
        if again:
            books.ann.client.set_cookie("__Host-session", kept.value, domain="connector.example", secure=True)
        assert "too late, or from another browser" in text(books.ann.get(back), books.ann)
    assert books.consent() == given


@pytest.mark.parametrize("case", ["other state", "no state", "late", "never begun", "somebody else's"])
def test_a_callback_that_nobody_here_set_out_for_is_refused(books: Books, case: str) -> None:
    """F77: else somebody's own code would send this team's invoices into their books."""
    before = books.consent()
    back = books.decide(books.set_out(), books.joined.xero_tenant_id)
    browser = books.ann
    if case == "other state":
        back = back.replace("state=", "state=x")
    if case == "no state":
        back = back.replace("state=", "other=")
    if case == "late":
        books.world.pass_time(minutes=11)
    if case == "never begun":
        browser = books.world.browser()
        browser.log_in()
    if case == "somebody else's":
        browser = books.world.registered("eve@fabrikam.com", "Fabrikam")

    answer = browser.get(back)

    assert "too late, or from another browser" in text(answer, browser)
    assert books.consent() == before


def test_another_team_finds_no_such_connection(books: Books) -> None:
    eve = books.world.registered("eve@fabrikam.com", "Fabrikam")

    assert eve.get(books.path).status_code == 404
    assert eve.submit("/account", to=f"{books.path}/xero").status_code == 404


def test_a_custom_connection_has_nothing_to_give_anew(books: Books) -> None:
    books.consents.save(replace(books.consent(), refresh_token=""))

    assert "custom connection" in books.ann.get(books.path).text
    assert books.ann.submit("/account", to=f"{books.path}/xero").status_code == 404


def test_a_connection_in_service_may_be_given_another_persons_consent(books: Books) -> None:
    """Who gave it leaves the company, and nothing has stopped yet."""
    Connections(books.world.engine).save_state(books.joined.id, IN_SERVICE)
    before = books.consent()

    books.ann.get(books.decide(books.set_out(), books.joined.xero_tenant_id))

    assert books.state() == IN_SERVICE
    assert books.consent().refresh_token != before.refresh_token


def test_redis_may_be_away(books: Books) -> None:
    """The lane goes on by itself then, within a quarter of an hour."""
    back = books.decide(books.set_out(), books.joined.xero_tenant_id)
    books.world.redis_server.connected = False

    assert "Xero is connected again" in text(books.ann.get(back), books.ann)
