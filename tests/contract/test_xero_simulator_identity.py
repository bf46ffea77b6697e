"""Consent, tokens, rotation and grace, revocation, connections."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from werkzeug.test import Client, TestResponse

from simulators.xero.identity import AppKind
from tests.contract.xero_caller import XeroCaller, start_xero

CALLBACK = "https://connector.example.com/xero/callback"
SCOPES = "openid offline_access accounting.invoices"


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero(scopes=SCOPES)


def _token(xero: XeroCaller, client_id: str = "app", secret: str = "secret", **form: str) -> TestResponse:
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return Client(xero.simulator.wire).post("/connect/token", data=form, headers={"Authorization": f"Basic {basic}"})


def _refresh(xero: XeroCaller, token: str) -> TestResponse:
    return _token(xero, grant_type="refresh_token", refresh_token=token)


def _authorize(
    xero: XeroCaller, method: str = "POST", form: dict[str, Any] | None = None, **changed: str
) -> TestResponse:
    query = {"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": SCOPES, "state": "s"}
    path = f"/identity/connect/authorize?{urlencode(query | changed)}"
    return Client(xero.simulator.wire).open(path, method=method, data=form or {})


def _code(answered: TestResponse) -> str:
    return parse_qs(urlsplit(answered.location).query)["code"][0]  # type: ignore[type-var,return-value]


def _redeem(xero: XeroCaller, code: str, **changed: str) -> TestResponse:
    return _token(xero, **({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | changed))


def _claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_consent_gives_a_code_for_tokens_and_connects_the_chosen_organisation(xero: XeroCaller) -> None:
    other = xero.simulator.add_organisation(name="Second <Ltd>")
    page = _authorize(xero, "GET")

    answered = _authorize(xero, form={"tenant_id": other.tenant_id})
    tokens = _redeem(xero, _code(answered)).get_json()
    event = _claims(tokens["access_token"])["authentication_event_id"]
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    connections = Client(xero.simulator.wire).get(f"/connections?authEventId={event}", headers=headers).get_json()

    assert "Second &lt;Ltd&gt;" in page.get_data(as_text=True)
    assert (answered.status_code, parse_qs(urlsplit(answered.location).query)["state"]) == (302, ["s"])
    assert tokens.keys() == {"id_token", "access_token", "expires_in", "token_type", "refresh_token", "scope"}
    assert [each["tenantId"] for each in connections] == [other.tenant_id]
    assert connections[0].keys() == {
        *("id", "authEventId", "tenantId", "tenantType", "tenantName", "createdDateUtc", "updatedDateUtc")
    }
    assert connections[0]["createdDateUtc"] == "2026-03-10T09:30:05.1200000"


def test_a_refusal_comes_back_as_access_denied(xero: XeroCaller) -> None:
    assert _authorize(xero, form={"decision": "deny"}).location == f"{CALLBACK}?error=access_denied&state=s"


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "unknown"},
        {"redirect_uri": "http://127.0.0.1/callback"},
        {"redirect_uri": "http://connector.example.com/callback"},
        {"scope": "accounting.everything"},
        {"response_type": "token"},
    ],
)
def test_mistakes_of_the_app_never_reach_the_callback(xero: XeroCaller, changed: dict[str, str]) -> None:
    answered = _authorize(xero, "GET", **changed)

    assert (answered.status_code, answered.location) == (500, None)


def test_a_code_works_once_for_five_minutes_at_its_own_address(xero: XeroCaller) -> None:
    used, late, elsewhere = (_code(_authorize(xero)) for _ in range(3))
    first = _redeem(xero, used)

    again, moved = _redeem(xero, used), _redeem(xero, elsewhere, redirect_uri="https://elsewhere.example.com/")
    xero.clock.advance(timedelta(minutes=5))

    assert first.status_code == 200
    for refused in (again, moved, _redeem(xero, late)):
        assert (refused.status_code, refused.get_data()) == (400, b'{"error":"invalid_grant"}')


def test_pkce_needs_its_verifier_and_no_secret(xero: XeroCaller) -> None:
    xero.simulator.add_app(client_id="desk", kind="pkce", scopes=SCOPES)
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": "desk", "code_challenge": challenge, "code_challenge_method": "S256"}
    codes = [_code(_authorize(xero, **asked)) for _ in range(2)]

    def redeem(code: str, code_verifier: str) -> int:
        form = {"client_id": "desk", "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        form["code_verifier"] = code_verifier
        return Client(xero.simulator.wire).post("/connect/token", data=form).status_code

    assert redeem(codes[0], "w" * 43) == 400
    assert redeem(codes[1], verifier) == 200
    assert _authorize(xero, "GET", client_id="desk").status_code == 500


def test_the_rotated_token_works_on_for_thirty_minutes(xero: XeroCaller) -> None:
    first = xero.simulator.refresh_token("app", [xero.organisation.tenant_id])
    second = _refresh(xero, first).get_json()["refresh_token"]
    xero.clock.advance(timedelta(minutes=29, seconds=59))
    within = _refresh(xero, first)
    xero.clock.advance(timedelta(seconds=1))
    after = _refresh(xero, first)

    assert second != first
    assert within.status_code == 200
    assert (after.status_code, after.get_data()) == (400, b'{"error":"invalid_grant"}')
    assert _refresh(xero, second).status_code == 200
    assert _refresh(xero, within.get_json()["refresh_token"]).status_code == 200


def test_an_unused_refresh_token_dies_after_sixty_days(xero: XeroCaller) -> None:
    token = xero.simulator.refresh_token("app", [])
    xero.clock.advance(timedelta(days=59))
    fresh = _refresh(xero, token).get_json()["refresh_token"]
    xero.clock.advance(timedelta(days=60))

    assert _refresh(xero, fresh).get_data() == b'{"error":"invalid_grant"}'


def test_there_is_no_refresh_token_without_offline_access() -> None:
    xero = start_xero(scopes="accounting.invoices")

    tokens = _redeem(xero, _code(_authorize(xero, scope="accounting.invoices"))).get_json()

    assert "refresh_token" not in tokens


@pytest.mark.parametrize(
    ("client_id", "secret", "form", "error"),
    [
        ("app", "wrong", {"grant_type": "refresh_token"}, "invalid_client"),
        ("nobody", "secret", {"grant_type": "refresh_token"}, "invalid_client"),
        ("", "", {"grant_type": "refresh_token"}, "unauthorized_client"),
        ("app", "secret", {}, "unsupported_grant_type"),
        ("app", "secret", {"grant_type": "password"}, "unsupported_grant_type"),
        ("app", "secret", {"grant_type": "client_credentials"}, "unauthorized_client"),
        ("app", "secret", {"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ("own", "secret", {"grant_type": "client_credentials", "scope": "accounting.payments"}, "invalid_scope"),
    ],
)
def test_token_errors_are_short(
    xero: XeroCaller, client_id: str, secret: str, form: dict[str, str], error: str
) -> None:
    xero.simulator.add_app(client_id="own", client_secret="secret", kind="custom", scopes="accounting.invoices")

    answered = _token(xero, client_id, secret, **form)

    assert (answered.status_code, answered.get_data(as_text=True)) == (400, f'{{"error":"{error}"}}')


def test_a_custom_connection_needs_neither_scope_nor_tenant_header(xero: XeroCaller) -> None:
    kind: AppKind = "custom"
    tenant_id = xero.organisation.tenant_id
    scopes = "accounting.settings.read accounting.invoices"
    xero.simulator.add_app(client_id="own", client_secret="secret", kind=kind, scopes=scopes, tenant_ids=[tenant_id])
    form = {"grant_type": "client_credentials", "client_id": "own", "client_secret": "secret"}
    tokens = Client(xero.simulator.wire).post("/connect/token", data=form).get_json()
    xero.token = tokens["access_token"]

    answered = xero.get("/Organisation", xero_tenant_id="")

    assert tokens.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert tokens["scope"] == scopes
    assert answered.json["Organisations"][0]["OrganisationID"] == tenant_id


def test_revoking_ends_the_users_tokens_and_connections(xero: XeroCaller) -> None:
    token = xero.simulator.refresh_token("app", [xero.organisation.tenant_id])
    access = _refresh(xero, token).get_json()
    form = {"token": access["refresh_token"], "client_id": "app", "client_secret": "secret"}

    answered = Client(xero.simulator.wire).post("/connect/revocation", data=form)

    assert (answered.status_code, answered.get_data()) == (200, b"")
    assert _refresh(xero, access["refresh_token"]).status_code == 400
    assert xero.get("/Invoices").status == 403


def test_a_deleted_connection_closes_one_tenant_and_keeps_its_age_when_remade(xero: XeroCaller) -> None:
    other = xero.simulator.add_organisation(name="Other")
    xero.simulator.refresh_token("app", [other.tenant_id])
    client, headers = Client(xero.simulator.wire), {"Authorization": f"Bearer {xero.token}"}
    connections = client.get("/Connections", headers=headers).get_json()
    mine = next(each for each in connections if each["tenantId"] == xero.organisation.tenant_id)

    deleted = client.delete(f"/connections/{mine['id']}", headers=headers)
    again = client.delete(f"/connections/{mine['id']}", headers=headers)
    closed, open_ = xero.get("/Invoices"), xero.get("/Invoices", xero_tenant_id=other.tenant_id)
    xero.clock.advance(timedelta(minutes=1))
    xero.simulator.refresh_token("app", [xero.organisation.tenant_id])
    remade = client.get("/connections", headers=headers).get_json()

    assert (deleted.status_code, again.status_code) == (204, 404)
    assert (closed.status, open_.status) == (403, 200)
    (mine_again,) = (each for each in remade if each["tenantId"] == xero.organisation.tenant_id)
    assert mine_again["createdDateUtc"] == mine["createdDateUtc"]
    assert mine_again["updatedDateUtc"] > mine["updatedDateUtc"]


def test_scopes_add_up_over_consents(xero: XeroCaller) -> None:
    xero.simulator.refresh_token("app", [], scopes="offline_access accounting.contacts")

    token = xero.simulator.refresh_token("app", [], scopes="accounting.payments")

    assert {"accounting.contacts", "accounting.payments"} <= set(_refresh(xero, token).get_json()["scope"].split())


def test_the_discovery_document_names_the_endpoints(xero: XeroCaller) -> None:
    found = Client(xero.simulator.wire).get("/.well-known/openid-configuration").get_json()

    assert found["token_endpoint"] == "http://localhost/connect/token"
