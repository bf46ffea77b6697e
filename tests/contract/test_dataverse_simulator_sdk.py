"""Microsoft's own clients, unmodified, against the simulator over TLS on loopback."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msal
import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.serve import Server
from simulators.tls import create_loopback_tls
from tests.contract.dataverse_world import CLIENT_ID, SECRET, SOLUTION, TENANT


@pytest.fixture(scope="module")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A simulator with log-in on one TLS port; the official libraries accept nothing less."""
    clock = Clock()
    folder: Path = tmp_path_factory.mktemp("tls")
    tls = create_loopback_tls(folder, clock)
    login = MicrosoftLogin(clock, random.Random(1))
    login.add_tenant(TENANT)
    login.add_app(TENANT, client_id=CLIENT_ID, client_secret=SECRET)
    env = DataverseSimulator(clock, random.Random(1), login, url="https://localhost", tenant_id=TENANT)
    env.customise(SOLUTION)
    env.add_app_user(CLIENT_ID)
    server = Server(env.wire, certificate=(tls.certificate, tls.key)).start()
    env.url = login.origin = server.url
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(tls.ca))
        patch.delenv("CURL_CA_BUNDLE", raising=False)
        yield SimpleNamespace(url=server.url, env=env, login=login, clock=clock)
    server.stop()


def msal_app(loopback: SimpleNamespace, **more: Any) -> msal.ConfidentialClientApplication:
    """An MSAL application for the simulated tenant."""
    given = {"client_id": CLIENT_ID, "client_credential": SECRET, "authority": f"{loopback.url}/{TENANT}"} | more
    return msal.ConfidentialClientApplication(instance_discovery=False, **given)


class MsalCredential:
    """What the Dataverse client wants: an object with get_token."""

    def __init__(self, loopback: SimpleNamespace) -> None:
        self._app = msal_app(loopback)

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        answer = self._app.acquire_token_for_client(list(scopes))
        return AccessToken(answer["access_token"], 0)


@pytest.fixture
def client(loopback: SimpleNamespace) -> Iterator[DataverseClient]:
    with DataverseClient(loopback.url, MsalCredential(loopback)) as opened:
        yield opened


def test_accounts_live_their_whole_life(client: DataverseClient) -> None:
    """Create, read, update, delete: a deleted row is None to the client, not an error."""
    account_id = client.records.create("account", {"name": "Fourth Coffee", "accountnumber": "F4"})

    client.records.update("account", account_id, {"telephone1": "555"})
    read = client.records.retrieve("account", account_id, select=["name", "telephone1"])
    client.records.delete("account", account_id)

    assert read is not None
    assert (read["name"], read["telephone1"]) == ("Fourth Coffee", "555")
    assert client.records.retrieve("account", account_id) is None


def test_an_invoice_with_lines_is_read_back_with_its_totals(client: DataverseClient) -> None:
    account_id = client.records.create("account", {"name": "Fabrikam"})
    bind = {"customerid_account@odata.bind": f"/accounts({account_id})"}
    invoice_id = client.records.create("invoice", {"name": "June", "paymenttermscode": "Net 45", **bind})
    line = {"productdescription": "Work", "isproductoverridden": True, "quantity": 3, "priceperunit": 10.5}
    client.records.create("invoicedetail", line | {"invoiceid@odata.bind": f"/invoices({invoice_id})"})

    read = client.records.retrieve("invoice", invoice_id, select=["totalamount", "paymenttermscode", "invoicenumber"])

    assert read is not None
    assert (read["totalamount"], read["paymenttermscode"]) == (31.5, 3)
    assert read["invoicenumber"].startswith("INV-01000-")


def test_many_rows_are_created_updated_listed_and_deleted(client: DataverseClient) -> None:
    """CreateMultiple, UpdateMultiple, pages by nextLink, BulkDelete."""
    ids = client.records.create("account", [{"name": f"Bulk {n}", "description": "bulk"} for n in range(7)])

    client.records.update("account", ids, {"fax": "77"})
    pages = list(
        client.records.list_pages("account", filter="description eq 'bulk'", select=["name", "fax"], page_size=3)
    )
    job = client.records.delete("account", ids)

    assert [len(page) for page in pages] == [3, 3, 1]
    assert {row["fax"] for page in pages for row in page} == {"77"}
    assert job is not None
    assert list(client.records.list("account", filter="description eq 'bulk'")) == []


def test_upsert_by_alternate_key_creates_then_updates(client: DataverseClient) -> None:
    item = UpsertItem(alternate_key={"new_invoicekey": "key-1"}, record={"new_name": "first"})
    client.records.upsert("new_xerolink", [item])

    again = UpsertItem(alternate_key={"new_invoicekey": "key-1"}, record={"new_name": "second", "new_count": 2})
    other = UpsertItem(alternate_key={"new_invoicekey": "key-2"}, record={"new_name": "other"})
    client.records.upsert("new_xerolink", [again, other])

    rows = client.records.list("new_xerolink", filter="startswith(new_invoicekey,'key-')", orderby=["new_invoicekey"])
    assert [(row["new_name"], row["new_count"]) for row in rows] == [("second", 2), ("other", None)]


def test_batch_with_a_changeset_whose_rows_refer_to_each_other(client: DataverseClient) -> None:
    batch = client.batch.new()
    with batch.changeset() as changeset:
        account = changeset.records.create("account", {"name": "Batched"})
        changeset.records.create("contact", {"lastname": "In Batch", "parentcustomerid_account@odata.bind": account})
        changeset.records.update("account", account, {"telephone1": "1"})
    batch.records.list("contact", filter="lastname eq 'in batch'", select=["fullname"])

    result = batch.execute()

    assert [response.status_code for response in result.responses] == [204, 204, 204, 200]
    found = result.responses[-1].data
    assert [row["fullname"] for row in found["value"]] == ["In Batch"]


def test_a_failing_changeset_leaves_nothing_behind(client: DataverseClient) -> None:
    batch = client.batch.new()
    with batch.changeset() as changeset:
        changeset.records.create("account", {"name": "Never seen"})
        changeset.records.create("account", {"name": "x" * 161})
    batch.records.create("account", {"name": "Seen"})

    result = batch.execute(continue_on_error=True)

    assert result.has_errors
    assert list(client.records.list("account", filter="name eq 'never seen'")) == []
    assert len(list(client.records.list("account", filter="name eq 'seen'"))) == 1


def test_an_invoice_is_closed_is_read_only_and_opens_again(client: DataverseClient) -> None:
    """In changesets: a line's tax before the state that closes; the state that opens before a column."""
    account_id = client.records.create("account", {"name": "Closing"})
    bind = {"customerid_account@odata.bind": f"/accounts({account_id})"}
    invoice_id = client.records.create("invoice", {"name": "July", **bind})
    line = {"productdescription": "Work", "isproductoverridden": True, "quantity": 1, "priceperunit": 10}
    line_id = client.records.create("invoicedetail", line | {"invoiceid@odata.bind": f"/invoices({invoice_id})"})

    closing = client.batch.new()
    with closing.changeset() as changeset:
        changeset.records.update("invoicedetail", line_id, {"tax": 2})
        changeset.records.update(
            "invoice", invoice_id, {"description": "settled", "statecode": 2, "statuscode": 100001}
        )
    closed = closing.execute()
    with pytest.raises(HttpError) as refused:
        client.records.update("invoice", invoice_id, {"description": "too late"})
    opening = client.batch.new()
    with opening.changeset() as changeset:
        changeset.records.update("invoice", invoice_id, {"statecode": 0, "statuscode": 4})
        changeset.records.update("invoice", invoice_id, {"description": "open again"})
    opened = opening.execute()

    read = client.records.retrieve("invoice", invoice_id, select=["statuscode", "totalamount", "description"])
    assert not closed.has_errors
    assert not opened.has_errors
    assert (refused.value.status_code, refused.value.details.get("service_error_code")) == (400, "0x8004022E")
    assert read is not None
    assert (read["statuscode"], read["totalamount"], read["description"]) == (4, 12, "open again")


def test_fetchxml_pages(client: DataverseClient) -> None:
    client.records.create("contact", [{"lastname": f"Fetched {n}"} for n in range(5)])
    xml = """<fetch count="2"><entity name="contact"><attribute name="fullname"/>
      <filter><condition attribute="lastname" operator="like" value="fetched%"/></filter></entity></fetch>"""

    rows = list(client.query.fetchxml(xml).execute())

    assert sorted(row["fullname"] for row in rows) == [f"Fetched {n}" for n in range(5)]


def test_a_table_is_created_with_columns_and_key(client: DataverseClient) -> None:
    made = client.tables.create("new_Widget", {"new_Size": "int", "new_Price": "decimal"})
    client.tables.create_alternate_key("new_Widget", "new_sizekey", ["new_size"])

    widget_id = client.records.create("new_widget", {"new_name": "W", "new_size": 3})

    assert made.entity_set_name == "new_widgets"
    assert [key.key_attributes for key in client.tables.get_alternate_keys("new_Widget")] == [["new_size"]]
    read = client.records.retrieve("new_widget", widget_id)
    assert read is not None
    assert read["new_size"] == 3


def test_errors_reach_the_client_with_code_and_status(client: DataverseClient) -> None:
    with pytest.raises(HttpError) as caught:
        client.records.create("account", {"name": "x", "nonsense": 1})

    assert caught.value.status_code == 400
    assert caught.value.details["service_error_code"] == "0x80048d19"


def test_msal_takes_the_second_token_from_its_cache(loopback: SimpleNamespace) -> None:
    app = msal_app(loopback)

    first = app.acquire_token_for_client([f"{loopback.url}/.default"])
    second = app.acquire_token_for_client([f"{loopback.url}/.default"])

    assert first["access_token"] == second["access_token"]
    assert second["token_source"] == "cache"


@pytest.mark.parametrize(
    ("more", "scope", "error", "number"),
    [
        ({"client_credential": "wrong"}, "", "invalid_client", 7000215),
        ({"client_id": "00000000-0000-0000-0000-000000000009"}, "", "unauthorized_client", 700016),
        ({}, "https://other.crm4.dynamics.com", "invalid_resource", 500011),
    ],
)
def test_msal_returns_the_errors_of_the_token_endpoint(
    loopback: SimpleNamespace, more: dict[str, str], scope: str, error: str, number: int
) -> None:
    answer = msal_app(loopback, **more).acquire_token_for_client([f"{scope or loopback.url}/.default"])

    assert answer["error"] == error
    assert answer["error_codes"] == [number]
    assert answer["error_description"].startswith(f"AADSTS{number}: ")


def test_msal_meets_an_expired_secret_and_an_unknown_tenant(loopback: SimpleNamespace) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    loopback.login.add_app(TENANT, client_id="old", client_secret="old secret", secret_expires_at=past)
    nowhere = f"{loopback.url}/00000000-0000-0000-0000-000000000001"

    expired = msal_app(loopback, client_id="old", client_credential="old secret")
    lost = msal_app(loopback, authority=nowhere)

    assert expired.acquire_token_for_client([f"{loopback.url}/.default"])["error_codes"] == [7000222]
    assert lost.acquire_token_for_client([f"{loopback.url}/.default"])["error_codes"] == [90002]
