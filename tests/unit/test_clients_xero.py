"""The Xero client against a script of answers: what goes out, and what each answer becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from clients.xero import Limits
from core.errors import ConnectorError, Disconnected, Limited, Rejected, Transient, Unknown
from tests.unit.xero_script import ZERO_ID, World, create, invoice, problem, read


@pytest.fixture
def world() -> World:
    return World()


# -- what goes out ---------------------------------------------------------------------------------------


def test_a_create_is_a_put_with_its_key_and_exact_decimals(world: World) -> None:
    world.say({"Invoices": [invoice("INV-1")]})

    create(world)

    sent = world.script.sent[0]
    assert sent.method == "PUT"
    assert urlsplit(sent.url).path == "/api.xro/2.0/Invoices"
    assert world.query() == {"summarizeErrors": "false", "unitdp": "4"}
    assert sent.body == b'{"Invoices":[{"Total":0.10,"Url":"https://a.example/1"}]}'
    assert sent.headers["Idempotency-Key"] == "k1"
    assert sent.headers["xero-tenant-id"] == "tenant-1"
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["Authorization"] == "Bearer secret-token-1"


def test_a_read_has_neither_body_nor_key(world: World) -> None:
    world.say({"Accounts": [{"Code": "200"}]})

    assert read(world) == [{"Code": "200"}]

    sent = world.script.sent[0]
    assert sent.body == b""
    assert {"Idempotency-Key", "Content-Type"}.isdisjoint(sent.headers)
    assert sent.headers["Accept"] == "application/json"


def test_invoices_are_listed_fifty_a_call_each_once(world: World) -> None:
    ids = [f"{n:08d}-0000-0000-0000-000000000000" for n in range(60)]
    world.say({"Invoices": [invoice("INV-1")]})
    world.say({"Invoices": [invoice("INV-2")]})

    found = list(world.xero.list_invoices(ids=[*ids, ids[0]]))

    assert [each["InvoiceNumber"] for each in found] == ["INV-1", "INV-2"]
    assert [len(world.query(n)["IDs"].split(",")) for n in (0, 1)] == [50, 10]
    assert world.query(0)["unitdp"] == "4"
    assert max(len(sent.url) for sent in world.script.sent) < 2048


def test_nothing_to_ask_no_call(world: World) -> None:
    assert list(world.xero.list_invoices(ids=[])) == []
    assert list(world.xero.list_contacts_matching(names=["", " "])) == []
    assert world.xero.create_invoices([], key="k") == []
    assert world.script.sent == []


def test_a_create_keeps_what_xero_answered_exactly(world: World) -> None:
    world.script.add(
        200,
        b'{"DateTimeUTC":"\\/Date(1773135005120)\\/","Invoices":[{"InvoiceID":"i-1","StatusAttributeString":"OK",'
        b'"Total":1234567.8901,"SubTotal":40.0}]}',
        X_MinLimit_Remaining="59",
        X_DayLimit_Remaining="4999",
        X_AppMinLimit_Remaining="9998",
        Xero_Correlation_Id="c-1",
    )

    (element,) = create(world)

    assert element.ok
    assert element.document["Total"] == Decimal("1234567.8901")
    assert str(element.document["SubTotal"]) == "40.0"
    assert world.xero.server_time == datetime(2026, 3, 10, 9, 30, 5, 120000, tzinfo=UTC)
    assert world.xero.last_limits == Limits(minute=59, day=4999, app_minute=9998)
    assert world.xero.reference == "c-1"


def test_a_strange_time_in_the_envelope_spoils_nothing(world: World) -> None:
    world.say({"DateTimeUTC": "soon", "Invoices": [invoice("INV-1")]})

    assert create(world)[0].ok
    assert world.xero.server_time is None


# -- elements --------------------------------------------------------------------------------------------


def test_each_element_tells_its_own_fate(world: World) -> None:
    world.say(
        {
            "Invoices": [
                invoice("INV-1"),
                invoice(
                    "INV-2",
                    InvoiceID=ZERO_ID,
                    StatusAttributeString="ERROR",
                    HasErrors=True,
                    ValidationErrors=[{"Message": "The Date field must be specified."}],
                    Contact={"ValidationErrors": [{"Message": "No such contact."}]},
                    LineItems=[
                        {
                            "ValidationErrors": [
                                {"Message": "Account code '9' is not a valid code for this document."}
                            ]
                        },
                        {"ValidationErrors": [{"Message": "The Date field must be specified."}]},
                    ],
                ),
                invoice("INV-3", StatusAttributeString="WARNING", Warnings=[{"Message": "An odd rate."}]),
                invoice("INV-4", InvoiceID=ZERO_ID, StatusAttributeString="ERROR"),
            ]
        }
    )

    first, second, third, fourth = world.xero.create_invoices([{}] * 4, key="k")

    assert first.ok
    assert second.errors == (
        "The Date field must be specified.",
        "No such contact.",
        "Account code '9' is not a valid code for this document.",
    )
    assert third.ok
    assert third.warnings == ("An odd rate.",)
    assert not fourth.ok


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"Invoices": []}, id="too few"),
        pytest.param({"Invoices": [invoice("INV-1"), invoice("INV-2"), invoice("INV-3")]}, id="too many"),
        pytest.param({"Invoices": None}, id="none"),
        pytest.param({"Invoices": ["a", "b"]}, id="no objects"),
        pytest.param([], id="no envelope"),
        pytest.param({"Invoices": [invoice("INV-1", InvoiceID=ZERO_ID), invoice("INV-2")]}, id="OK without id"),
        pytest.param({"Invoices": [invoice("INV-2"), invoice("INV-1")]}, id="another order"),
    ],
)
def test_an_answer_that_cannot_be_matched_to_the_documents_is_unknown(world: World, document: Any) -> None:
    world.say(document)

    with pytest.raises(Unknown):
        world.xero.create_invoices([{"InvoiceNumber": "INV-1"}, {"InvoiceNumber": "INV-2"}], key="k")


def test_a_mark_that_xero_writes_differently_is_no_disorder(world: World) -> None:
    world.say({"Invoices": [invoice("INV-1", Url="https://A.example/1"), invoice("INV-2")]})

    elements = world.xero.create_invoices([{"Url": "https://a.example/1"}, {"Url": "https://a.example/2"}], key="k")

    assert [element.document["InvoiceNumber"] for element in elements] == ["INV-1", "INV-2"]


# -- statuses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "on_read", "on_write"),
    [
        (400, {"Type": "ValidationException", "Message": "A validation exception occurred"}, Rejected, Rejected),
        (401, problem("TokenExpired: token expired at 03/10/2026 10:00:00", 401), Transient, Transient),
        (401, {"title": "Unauthorized", "detail": "TokenInvalidSignature"}, Transient, Transient),
        (401, problem("AuthorizationUnsuccessful", 401), Disconnected, Disconnected),
        (401, {"detail": "authorizationunsuccessful"}, Disconnected, Disconnected),
        (403, problem("AuthenticationUnsuccessful", 403), Disconnected, Disconnected),
        (403, None, Disconnected, Disconnected),
        (404, None, Rejected, Rejected),
        (408, None, Transient, Unknown),
        (412, None, Rejected, Rejected),
        (413, None, Rejected, Rejected),
        (429, None, Limited, Limited),
        (500, None, Transient, Unknown),
        (501, None, Transient, Unknown),
        (502, None, Transient, Unknown),
        (503, "The Xero API is temporarily unavailable", Transient, Unknown),
        (503, "The Organisation is offline", Transient, Transient),
        (503, "The Xero API is currently offline for maintenance", Transient, Transient),
        (302, None, Transient, Unknown),
    ],
)
@pytest.mark.parametrize("action", [read, create])
def test_each_status_has_its_class(
    world: World,
    status: int,
    body: Any,
    on_read: type[ConnectorError],
    on_write: type[ConnectorError],
    action: Callable[[World], Any],
) -> None:
    content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    world.script.add(status, content, Xero_Correlation_Id="c-9")

    with pytest.raises(ConnectorError) as caught:
        action(world)

    assert type(caught.value) is (on_read if action is read else on_write)
    assert caught.value.reference == "c-9"
    assert "secret-token" not in str(caught.value)
    assert len(world.script.sent) == 1


@pytest.mark.parametrize("action", [read, create])
def test_an_answer_that_is_not_json_tells_nothing(world: World, action: Callable[[World], Any]) -> None:
    world.script.add(200, b"<Response/>")

    with pytest.raises(Transient if action is read else Unknown):
        action(world)


@pytest.mark.parametrize("action", [read, create])
def test_silence_tells_nothing(world: World, action: Callable[[World], Any]) -> None:
    world.script.fail(requests.ConnectionError("broken"))

    with pytest.raises(Transient if action is read else Unknown):
        action(world)


def test_a_refusal_carries_all_its_messages(world: World) -> None:
    world.say(
        {
            "ErrorNumber": 10,
            "Type": "ValidationException",
            "Message": "A validation exception occurred",
            "Elements": [
                {"ValidationErrors": [{"Message": "Invoice # must be unique."}], "Contact": {"ValidationErrors": []}},
                {"LineItems": [{"ValidationErrors": [{"Message": "Account must be valid."}]}]},
            ],
        },
        400,
    )

    with pytest.raises(Rejected) as caught:
        create(world)

    assert caught.value.messages == ("Invoice # must be unique.", "Account must be valid.")
    assert (caught.value.status, caught.value.code) == (400, "ValidationException")


def test_a_refusal_without_elements_carries_its_message(world: World) -> None:
    world.say({"Type": "ValidationException", "Message": "Idempotency Key: k is used with a different request."}, 400)

    with pytest.raises(Rejected) as caught:
        create(world)

    assert caught.value.messages == ("Idempotency Key: k is used with a different request.",)


@pytest.mark.parametrize(
    ("problem_header", "retry_after", "limit", "seconds"),
    [
        ("minute", "26", "minute", 26.0),
        ("Minute", None, "minute", 60.0),
        ("DayLimit", "66975", "day", 66975.0),
        ("concurrent", None, "concurrent", 1.0),
        ("appminute", "17", "appminute", 17.0),
        ("something new", "5", "unnamed", 5.0),
        (None, None, "unnamed", 60.0),
    ],
)
def test_limits_have_a_name_and_a_time(
    world: World, problem_header: str | None, retry_after: str | None, limit: str, seconds: float
) -> None:
    headers = {"X_Rate_Limit_Problem": problem_header, "Retry_After": retry_after, "X_MinLimit_Remaining": "0"}
    world.script.add(429, **{name: value for name, value in headers.items() if value is not None})

    with pytest.raises(Limited) as caught:
        create(world)

    assert (caught.value.limit, caught.value.retry_after_s) == (limit, seconds)
    assert world.xero.last_limits.minute == 0


def test_an_expired_token_is_forgotten_and_the_next_try_has_another(world: World) -> None:
    world.say(problem("TokenExpired: token expired", 401), 401)
    world.say({"Accounts": []})

    with pytest.raises(Transient):
        read(world)
    read(world)

    assert [sent.headers["Authorization"] for sent in world.script.sent] == [
        "Bearer secret-token-1",
        "Bearer secret-token-2",
    ]


def test_a_fresh_token_that_is_refused_too_is_no_matter_of_time(world: World) -> None:
    world.say(problem("TokenExpired: token expired", 401), 401)
    world.say(problem("TokenExpired: token expired", 401), 401)
    with pytest.raises(Transient):
        read(world)

    with pytest.raises(Disconnected, match="fresh token"):
        read(world)
