"""Tokens, users, roles, privileges, limits."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from simulators.dataverse import DataverseSimulator, Refused
from tests.contract.dataverse_world import CLIENT_ID, SECRET, TENANT, URL, DataverseWorld


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def test_without_a_token_the_challenge_tells_the_tenant(world: DataverseWorld) -> None:
    answer = world.call("GET", "WhoAmI", headers={"Authorization": ""})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize, resource_id={URL}/"
    )


def test_who_am_i_is_the_user_that_events_name(world: DataverseWorld) -> None:
    answer = world.get("WhoAmI")

    assert answer["UserId"] == world.app_user_id
    assert answer["OrganizationId"] == world.env.organization_id


def test_expired_forged_and_foreign_tokens_are_401(world: DataverseWorld) -> None:
    good = world.token()
    foreign = world.login.issue(TENANT, CLIENT_ID, "https://other.crm4.dynamics.com")
    world.login.add_tenant("another tenant")
    world.login.add_app("another tenant", client_id=CLIENT_ID, client_secret=SECRET)
    stranger = world.login.issue("another tenant", CLIENT_ID, URL)
    forged = good[:-3] + "abc"

    assert [world.call("GET", "WhoAmI", token=t).status_code for t in (foreign, stranger, forged, "x")] == [401] * 4
    world.clock.advance(timedelta(hours=2))
    assert world.call("GET", "WhoAmI", token=good).status_code == 401


def test_no_application_user_no_roles_and_disabled_are_told_apart(world: DataverseWorld) -> None:
    world.login.add_app(TENANT, client_id="second", client_secret="s")
    token = world.login.issue(TENANT, "second", URL)

    def code() -> str:
        return str(world.call("GET", "WhoAmI", token=token).get_json()["error"]["code"])

    assert code() == "0x80072560"
    user_id = world.env.add_app_user("second", roles=())
    assert code() == "0x80042F09"
    world.env.set_roles(user_id, ("connector",))
    assert world.call("GET", "WhoAmI", token=token).status_code == 200
    world.person.update("systemusers", user_id, {"isdisabled": True})
    assert world.call("GET", "WhoAmI", token=token).status_code == 403


def test_one_privilege_can_be_missing(world: DataverseWorld) -> None:
    invoice_id = world.invoice({"quantity": 1})
    world.env.deny(world.app_user_id, "prvWriteInvoice")

    refused = world.call("PATCH", f"invoices({invoice_id})", {"name": "x"})
    line = world.env.rows("invoicedetails")[0]["invoicedetailid"]

    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "0x80040220")
    assert "prvWriteInvoice" in refused.get_json()["error"]["message"]
    assert world.refusal("PATCH", f"invoicedetails({line})", {"tax": 1}) == (403, "0x80040220")
    assert world.call("GET", f"invoices({invoice_id})").status_code == 200
    world.env.allow(world.app_user_id, "prvWriteInvoice")
    assert world.call("PATCH", f"invoices({invoice_id})", {"name": "x"}).status_code == 204


def test_binding_a_lookup_takes_append_privileges(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    world.env.deny(world.app_user_id, "prvAppendToInvoice")

    refused = world.refusal("POST", "new_xerolinks", {"new_Invoice@odata.bind": f"/invoices({invoice_id})"})

    assert refused == (403, "0x80040220")


def test_expanding_takes_the_right_to_read_what_is_expanded(world: DataverseWorld) -> None:
    world.env.deny(world.app_user_id, "prvReadAccount")
    world.invoice()

    assert world.refusal("GET", "invoices?$expand=customerid_account") == (403, "0x80040220")


def test_an_application_has_one_user_only(world: DataverseWorld) -> None:
    with pytest.raises(Refused) as caught:
        world.person.create("systemusers", {"applicationid": CLIENT_ID})

    assert caught.value.code == "0x8004F511"


def test_impersonation_writes_as_the_other_user(world: DataverseWorld) -> None:
    account_id = world.post("accounts", {"name": "A"}, MSCRMCallerID=world.person.id)

    assert world.get(f"accounts({account_id})")["_createdby_value"] == world.person.id


def test_too_many_requests_are_429_until_the_window_has_moved(world: DataverseWorld) -> None:
    world.env.limits.requests = 3
    statuses = [world.call("GET", "WhoAmI").status_code for _ in range(4)]

    refused = world.call("GET", "WhoAmI")
    world.clock.advance(timedelta(seconds=int(refused.headers["Retry-After"])))
    after = world.call("GET", "WhoAmI")

    assert statuses == [200, 200, 200, 429]
    assert refused.get_json()["error"]["code"] == "0x80072322"
    assert after.status_code == 200
    assert after.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "2"


def test_execution_time_and_concurrency_are_limited_too(world: DataverseWorld) -> None:
    world.env.limits.concurrent = 0
    concurrent = world.refusal("GET", "WhoAmI")
    world.env.limits.concurrent = 52
    assert world.call("GET", "WhoAmI").status_code == 200
    world.env.limits.execution_ms = 0

    assert concurrent == (429, "0x80072326")
    assert world.refusal("GET", "WhoAmI") == (429, "0x80072321")


def test_a_person_consents_and_the_refresh_token_renews(world: DataverseWorld) -> None:
    """Authorization code, redeemed once; refresh token until it is revoked."""
    object_id = world.login.add_person(TENANT, "ann@contoso.com")
    person = world.env.user("Ann", object_id=object_id)
    client = Client(world.env.wire)
    asked = {"client_id": CLIENT_ID, "redirect_uri": "https://portal/back", "state": "s", "scope": f"{URL}/.default"}
    landed = client.get(f"/{TENANT}/oauth2/v2.0/authorize", query_string=asked, base_url=URL).headers["Location"]
    code = parse_qs(urlsplit(landed).query)["code"][0]
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "scope": f"{URL}/user_impersonation offline_access"}

    def redeem(**more: str) -> dict[str, str]:
        return client.post(f"/{TENANT}/oauth2/v2.0/token", data=form | more, base_url=URL).get_json()

    first = redeem(grant_type="authorization_code", code=code, redirect_uri="https://portal/back")
    again = redeem(grant_type="authorization_code", code=code, redirect_uri="https://portal/back")
    renewed = redeem(grant_type="refresh_token", refresh_token=first["refresh_token"])
    world.login.revoke(TENANT, "ann@contoso.com")
    revoked = redeem(grant_type="refresh_token", refresh_token=renewed["refresh_token"])

    who = world.call("GET", "WhoAmI", token=renewed["access_token"]).get_json()
    assert who["UserId"] == person.id
    assert (again["error"], revoked["error"]) == ("invalid_grant", "invalid_grant")
    assert "AADSTS50173" in revoked["error_description"]


def test_consent_mfa_and_throttling_at_the_token_endpoint(world: DataverseWorld) -> None:
    client = Client(world.env.wire)
    form = {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
        "scope": f"{URL}/.default",
    }

    def ask() -> tuple[int, str]:
        answer = client.post(f"/{TENANT}/oauth2/v2.0/token", data=form, base_url=URL)
        return answer.status_code, answer.get_json().get("error", "")

    assert ask() == (200, "")
    world.login.add_app(TENANT, client_id=CLIENT_ID, client_secret="second secret")
    world.login.remove_secret(TENANT, CLIENT_ID, "second secret")
    assert ask() == (200, "")
    world.login.set_consent(TENANT, CLIENT_ID, given=False)
    assert ask() == (400, "invalid_grant")
    world.login.interaction_required = True
    assert ask() == (400, "interaction_required")
    world.login.throttled = True
    assert ask() == (429, "temporarily_unavailable")


def test_a_token_is_good_for_one_environment_only(world: DataverseWorld) -> None:
    other = DataverseSimulator(
        world.clock, random.Random(5), world.login, url="https://fabrikam.crm4.dynamics.com", tenant_id=TENANT
    )
    other.add_app_user(CLIENT_ID)
    headers = {"Authorization": f"Bearer {world.token()}"}

    answer = Client(other.wire).get("/api/data/v9.2/WhoAmI", headers=headers, base_url=other.url)

    assert answer.status_code == 401
    assert other.organization_id != world.env.organization_id


def test_discovery_lists_what_a_person_can_reach(world: DataverseWorld) -> None:
    client = Client(world.env.wire)
    object_ids = [world.login.add_person(TENANT, name) for name in ("user@contoso.com", "stranger@contoso.com")]
    world.env.user("User", object_id=object_ids[0])
    discovery = "https://globaldisco.crm.dynamics.com"

    def instances(token: str) -> tuple[int, list[str]]:
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.get("/api/discovery/v2.0/Instances", headers=headers, base_url=discovery)
        return answer.status_code, [one["Url"] for one in answer.get_json().get("value", [])]

    user, stranger = (
        world.login.issue(TENANT, CLIENT_ID, discovery, object_id=one, delegated=True) for one in object_ids
    )
    assert instances(user) == (200, [URL])
    assert instances(stranger) == (200, [])
    assert instances(world.token())[0] == 401


def test_many_threads_write_without_losing_a_row(world: DataverseWorld) -> None:
    """One lock an environment: upserts of the same key from many threads end in one row each."""
    token = world.token()

    def write(number: int) -> int:
        address = f"new_xerolinks(new_invoicekey='k{number % 10}')"
        return world.call("PATCH", address, {"new_name": str(number)}, token=token).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(write, range(80)))

    assert set(statuses) == {204}
    assert sorted(row["new_invoicekey"] for row in world.env.rows("new_xerolinks")) == [f"k{n}" for n in range(10)]


def test_the_same_seed_makes_the_same_world() -> None:
    def story() -> list[object]:
        world = DataverseWorld(seed=3)
        world.step("Create")
        world.invoice({"quantity": 1, "priceperunit": 2})
        return [world.env.rows("invoices"), world.deliver()]

    assert story() == story()
