"""The Dataverse client against a script of answers: what goes out, and what each answer becomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from clients.dataverse import Change, Changes, Read
from core.errors import Conflict, ConnectorError, Disconnected, Limited, Rejected, Transient, Unknown
from tests.unit.dataverse_script import ID, ROOT, ROW, World


@pytest.fixture
def world() -> World:
    return World()


def read(world: World) -> Any:
    return world.dataverse.get("invoices", ID, select="name")


def update(world: World) -> Any:
    return world.dataverse.update("invoices", ID, {"name": "A"})


def read_batch(world: World) -> Any:
    return world.dataverse.batch([Read("invoices")])


def change_batch(world: World) -> Any:
    return world.dataverse.batch([Read("invoices"), Changes((Change("PATCH", ROW, {}, if_match="*"),))])


# -- what goes out ---------------------------------------------------------------------------------------


def test_a_read_asks_past_caches_for_exact_rows(world: World) -> None:
    world.script.add(200, b'{"@odata.etag":"W/\\"7\\"","totaltax":1234567.8901,"invoiceid":"x"}')

    row = world.dataverse.get("invoices", ID, select="name,totaltax", expand="customerid_account($select=name)")

    sent = world.script.sent[0]
    assert row["totaltax"] == Decimal("1234567.8901")
    assert sent.url == f"{ROOT}{ROW}?$select=name,totaltax&$expand=customerid_account($select=name)"
    assert sent.headers["Authorization"] == "Bearer secret-token-1"
    assert sent.headers["If-None-Match"] == "null"
    assert sent.headers["OData-Version"] == sent.headers["OData-MaxVersion"] == "4.0"
    assert "Microsoft.Dynamics.CRM.lookuplogicalname" in sent.headers["Prefer"]
    assert "maxpagesize" not in sent.headers["Prefer"]


def test_who_we_are(world: World) -> None:
    world.say({"UserId": "u", "OrganizationId": "o", "BusinessUnitId": "b"})

    assert world.dataverse.who_am_i()["UserId"] == "u"
    assert world.script.sent[0].url == f"{ROOT}WhoAmI"


def test_a_create_returns_the_id_that_the_answer_names(world: World) -> None:
    world.script.add(204, OData_EntityId=f"{ROOT}invoices({ID.upper()})")

    created = world.dataverse.create("invoices", {"totaltax": Decimal("0.10")})

    sent = world.script.sent[0]
    assert created == ID
    assert (sent.method, sent.url) == ("POST", f"{ROOT}invoices?tag=stl3connector")
    assert sent.body == b'{"totaltax":0.10}'
    assert sent.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_create_whose_answer_names_no_id_is_unknown(world: World) -> None:
    world.script.add(204)

    with pytest.raises(Unknown):
        world.dataverse.create("invoices", {})


@pytest.mark.parametrize("if_match", ["*", 'W/"7"'])
def test_an_update_never_makes_a_row(world: World, if_match: str) -> None:
    world.script.add(204)

    world.dataverse.update("invoices", ID, {"name": "A"}, if_match=if_match)

    sent = world.script.sent[0]
    assert (sent.method, sent.url) == ("PATCH", f"{ROOT}{ROW}?tag=stl3connector")
    assert sent.headers["If-Match"] == if_match


def test_an_upsert_goes_to_the_key(world: World) -> None:
    world.script.add(204)

    world.dataverse.upsert("stl3_xerodetailses", {"stl3_dynamicsinvoiceid": "it's"}, {"stl3_name": "A"})

    sent = world.script.sent[0]
    assert sent.url == f"{ROOT}stl3_xerodetailses(stl3_dynamicsinvoiceid='it%27%27s')?tag=stl3connector"
    assert "If-Match" not in sent.headers


def test_the_server_tells_its_time(world: World) -> None:
    world.say({"value": []}, Date="Tue, 10 Mar 2026 09:30:05 GMT")
    world.say({"value": []}, Date="soon")

    for _ in range(2):
        list(world.dataverse.list_rows("invoices", {}))

    assert world.dataverse.server_time == datetime(2026, 3, 10, 9, 30, 5, tzinfo=UTC)


# -- lists -----------------------------------------------------------------------------------------------


def test_a_list_follows_its_pages_verbatim(world: World) -> None:
    following = f"{ROOT}invoices?$select=name&$skiptoken=%3Ccookie%20pagingcookie=%22%253ccookie%253e%22%20/%3E"
    world.say({"value": [{"name": "A"}], "@odata.nextLink": following})
    world.say({"value": [{"name": "B"}]})

    rows = list(world.dataverse.list_rows("invoices", {"$select": "name", "$filter": "name ne 'C & D'"}))

    assert rows == [{"name": "A"}, {"name": "B"}]
    first, second = world.script.sent
    assert first.url == f"{ROOT}invoices?$select=name&$filter=name%20ne%20'C%20%26%20D'"
    assert second.url == following
    assert first.headers["Prefer"] == second.headers["Prefer"]
    assert "odata.maxpagesize=1000" in first.headers["Prefer"]


def test_the_first_few_have_no_pages(world: World) -> None:
    world.say({"value": []})

    list(world.dataverse.list_rows("invoices", {"$top": "1"}))

    assert "maxpagesize" not in world.script.sent[0].headers["Prefer"]


def test_our_token_does_not_follow_a_link_elsewhere(world: World) -> None:
    world.say({"value": [], "@odata.nextLink": "https://evil.example/api/data/v9.2/invoices"})

    with pytest.raises(Transient, match="elsewhere"):
        list(world.dataverse.list_rows("invoices", {}))

    assert len(world.script.sent) == 1


def test_a_fetch_follows_its_pages_with_the_cookie(world: World) -> None:
    cookie = (
        '<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%252f%253e" istracking="False" />'
    )
    world.say(
        {
            "value": [{"name": "A", "d.stl3_name": "X"}],
            "@Microsoft.Dynamics.CRM.morerecords": True,
            "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": cookie,
        }
    )
    world.say({"value": [{"name": "B"}], "@Microsoft.Dynamics.CRM.morerecords": False})

    rows = list(world.dataverse.fetch("invoices", '<fetch><entity name="invoice"/></fetch>'))

    assert [row["name"] for row in rows] == ["A", "B"]
    asked = [parse_qs(urlsplit(sent.url).query)["fetchXml"][0] for sent in world.script.sent]
    assert asked == [
        '<fetch count="1000" page="1"><entity name="invoice" /></fetch>',
        '<fetch count="1000" page="2" paging-cookie="&lt;cookie page=&quot;1&quot;/&gt;"><entity name="invoice" />'
        "</fetch>",
    ]
    assert "fetchxmlpagingcookie" in world.script.sent[0].headers["Prefer"]


# -- statuses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message", "on_read", "on_write", "words"),
    [
        (400, "0x80040203", "Bad value", Rejected, Rejected, "Bad value"),
        (400, "", "Could not find a property named 'x'", Rejected, Rejected, "property named 'x'"),
        (401, "0x80041d52", "", Transient, Transient, "expired"),
        (401, "", "", Transient, Transient, "expired"),
        (401, "0x80072560", "not a member", Disconnected, Disconnected, "application user"),
        (403, "0x80072560", "not a member", Disconnected, Disconnected, "application user"),
        (403, "0x80042F09", "no roles", Disconnected, Disconnected, "has no security role"),
        (403, "0x80040225", "disabled", Disconnected, Disconnected, "disabled"),
        (403, "0x80040220", "missing prvWriteInvoice privilege", Disconnected, Disconnected, "prvWriteInvoice"),
        (403, "0x80048306", "no", Disconnected, Disconnected, "0x80048306"),
        (403, "", "", Disconnected, Disconnected, "403"),
        (404, "0x80040217", "invoice With Id = x Does Not Exist", Rejected, Rejected, "Does Not Exist"),
        (405, "0x80040227", "referenced", Rejected, Rejected, "referenced"),
        (408, "", "", Transient, Unknown, "408"),
        (412, "0x80060882", "The version", Conflict, Conflict, "0x80060882"),
        (412, "0x80060892", "already exists", Conflict, Conflict, "0x80060892"),
        (413, "", "", Rejected, Rejected, "413"),
        (429, "0x80072322", "Number of requests", Limited, Limited, "requests"),
        (500, "0x80040224", "plug-in", Transient, Unknown, "500"),
        (502, "", "", Transient, Unknown, "502"),
        (503, "0x80048544", "too costly", Transient, Unknown, "503"),
        (302, "", "", Transient, Unknown, "302"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", [read, update, read_batch, change_batch])
def test_each_status_has_its_class(
    world: World,
    status: int,
    code: str,
    message: str,
    on_read: type[ConnectorError],
    on_write: type[ConnectorError],
    words: str,
    action: Callable[[World], Any],
) -> None:
    world.refuse(status, code, message, x_ms_service_request_id="r-1")

    with pytest.raises(ConnectorError, match=words) as caught:
        action(world)

    assert type(caught.value) is (on_write if action in (update, change_batch) else on_read)
    assert caught.value.reference == "r-1"
    assert "secret-token" not in str(caught.value)
    assert len(world.script.sent) == 1


@pytest.mark.parametrize(
    ("action", "error"), [(read, Transient), (update, Unknown), (read_batch, Transient), (change_batch, Unknown)]
)
def test_silence_and_nonsense_tell_nothing(
    world: World, action: Callable[[World], Any], error: type[ConnectorError]
) -> None:
    world.script.fail(requests.ReadTimeout("slow"))
    world.script.add(503, b"<html>")

    for _ in range(2):
        with pytest.raises(error):
            action(world)


@pytest.mark.parametrize("action", [read, read_batch])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b'{"value":7}'])
def test_an_unreadable_answer_is_transient(world: World, action: Callable[[World], Any], body: bytes) -> None:
    if action is read and body == b'{"value":7}':
        action = lambda world: list(world.dataverse.list_rows("invoices", {}))  # noqa: E731
    world.script.add(200, body, Content_Type="application/json")

    with pytest.raises(Transient):
        action(world)


def test_an_unreadable_answer_to_changes_is_unknown(world: World) -> None:
    world.script.add(200, b"{}", Content_Type="application/json")

    with pytest.raises(Unknown):
        change_batch(world)


@pytest.mark.parametrize(
    ("code", "limit"),
    [("0x80072322", "requests"), ("0x80072321", "execution time"), ("0x80072326", "concurrent"), ("", "unnamed")],
)
def test_limits_have_a_name_and_a_time(world: World, code: str, limit: str) -> None:
    world.refuse(429, code, Retry_After="21")

    with pytest.raises(Limited) as caught:
        read(world)

    assert (caught.value.limit, caught.value.retry_after_s) == (limit, 21.0)


def test_an_expired_token_is_forgotten(world: World) -> None:
    world.refuse(401)
    world.say({"name": "A"})
    with pytest.raises(Transient):
        read(world)

    read(world)

    assert world.script.sent[1].headers["Authorization"] == "Bearer secret-token-2"


def test_a_fresh_token_that_is_refused_too_is_no_matter_of_time(world: World) -> None:
    world.refuse(401)
    world.refuse(401)
    with pytest.raises(Transient):
        read(world)

    with pytest.raises(Disconnected, match="fresh token"):
        read(world)


def test_a_missing_right_does_not_cost_the_token(world: World) -> None:
    world.refuse(401, "0x80072560")

    with pytest.raises(Disconnected):
        read(world)

    assert world.tokens.number == 1


@pytest.mark.parametrize("code", ["0x80040217", "0x80060891"])
def test_a_row_that_is_not_there_is_found_to_be_none(world: World, code: str) -> None:
    world.refuse(404, code)

    assert world.dataverse.find("invoices", ID, select="name") is None


def test_a_404_without_a_code_is_not_about_the_row(world: World) -> None:
    world.script.add(404, b"<html>")

    with pytest.raises(Rejected):
        world.dataverse.find("invoices", {"stl3_key": "a"}, select="name")
