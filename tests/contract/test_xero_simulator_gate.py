"""The way of a call before its handler: token, tenant, scope, limits, idempotency; and what every answer carries."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from simulators.wire import DroppedConnection, Fault
from simulators.xero import Breakdown
from tests.contract.xero_caller import Answered, XeroCaller, invoice, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


def test_every_answer_says_what_is_left(xero: XeroCaller) -> None:
    answered = xero.get("/Organisation")

    assert answered.headers["X-DayLimit-Remaining"] == "999999"
    assert answered.headers["X-MinLimit-Remaining"] == "999999"
    assert answered.headers["X-AppMinLimit-Remaining"] == "9999"
    assert answered.headers["Xero-Correlation-Id"]


def test_an_expired_token_is_refused_first(xero: XeroCaller) -> None:
    xero.renews = False
    xero.clock.advance(timedelta(minutes=30))

    answered = xero.get("/Organisation", xero_tenant_id="unknown")

    assert answered.status == 401
    assert answered.json["Type"] is None
    assert answered.json["Title"] == "Unauthorized"
    assert answered.json["Detail"] == "TokenExpired: token expired at 03/10/2026 10:00:05"


@pytest.mark.parametrize("tenant", ["", "00000000-0000-0000-0000-000000000001"])
def test_a_tenant_that_is_not_connected_is_forbidden(xero: XeroCaller, tenant: str) -> None:
    answered = xero.get("/Organisation", xero_tenant_id=tenant)

    assert (answered.status, answered.json["Title"]) == (403, "Forbidden")
    assert answered.json["Detail"] == "AuthenticationUnsuccessful"


def test_a_person_may_disconnect_the_app(xero: XeroCaller) -> None:
    xero.simulator.user(xero.organisation).disconnect_app("app")

    assert xero.get("/Organisation").status == 403


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        ("accounting.settings.read", "GET", "/Invoices", 401),
        ("accounting.invoices.read", "GET", "/Invoices", 200),
        ("accounting.transactions.read", "GET", "/Invoices", 200),
        ("accounting.invoices.read", "PUT", "/Invoices", 401),
        ("accounting.invoices", "PUT", "/Invoices", 200),
        ("accounting.invoices", "GET", "/Items", 200),
        ("accounting.invoices", "GET", "/Accounts", 401),
        ("accounting.contacts.read", "GET", "/Contacts", 200),
    ],
)
def test_scopes_are_enforced(scopes: str, method: str, path: str, status: int) -> None:
    answered = start_xero(scopes=scopes).call(method, path, invoice() if method == "PUT" else None)

    assert answered.status == status
    assert status == 200 or answered.json["Detail"] == "AuthorizationUnsuccessful"


def test_without_asking_for_json_the_answer_is_xml(xero: XeroCaller) -> None:
    xero.accept = "*/*"

    good, bad = xero.get("/Organisation"), xero.put("/Invoices", invoice(DueDate=None))

    assert good.headers["Content-Type"].startswith("text/xml")
    assert "<Response" in good.text
    assert "<ApiException" in bad.text


def test_the_minute_limit_ends_with_its_fixed_window() -> None:
    xero = start_xero(minute_limit=3)
    statuses = [xero.get("/Organisation").status for _ in range(4)]
    refused = xero.get("/Organisation")

    assert statuses == [200, 200, 200, 429]
    assert (refused.text, refused.headers.get("Content-Type")) == ("", None)
    assert refused.headers["X-Rate-Limit-Problem"] == "minute"
    assert refused.headers["X-MinLimit-Remaining"] == "0"
    wait_s = int(refused.headers["Retry-After"])
    assert 0 < wait_s <= 60
    xero.clock.advance(timedelta(seconds=wait_s))
    assert xero.get("/Organisation").status == 200


def test_the_day_limit_is_named(xero: XeroCaller) -> None:
    xero.simulator.identity.apps["app"].limits.day = 1
    xero.get("/Organisation")

    refused = xero.get("/Organisation")

    assert refused.headers["X-Rate-Limit-Problem"] == "day"
    assert 60 < int(refused.headers["Retry-After"]) <= 86_400


def test_tenants_do_not_share_a_minute_but_the_app_minute() -> None:
    xero = start_xero(minute_limit=1)
    other = xero.simulator.add_organisation(name="Other")
    xero.simulator.refresh_token("app", [other.tenant_id])
    xero.simulator.identity.apps["app"].limits.app_minute = 2

    first, second = xero.get("/Organisation"), xero.get("/Organisation", xero_tenant_id=other.tenant_id)
    xero.simulator.identity.apps["app"].limits.minute = 10
    third = xero.get("/Organisation")

    assert (first.status, second.status) == (200, 200)
    assert third.headers["X-Rate-Limit-Problem"] == "appminute"


def test_refused_elements_count_and_refused_calls_do_not() -> None:
    xero = start_xero(minute_limit=2)

    xero.put("/Invoices", invoice(DueDate=None))
    xero.get("/Organisation", xero_tenant_id="")

    assert xero.get("/Organisation").headers["X-MinLimit-Remaining"] == "0"


def test_slow_calls_take_seats_and_give_them_back(xero: XeroCaller) -> None:
    xero.simulator.identity.apps["app"].limits.concurrent = 1
    xero.simulator.wire.inject(Fault("GET .*TaxRates", "delay-before", delay_s=30))
    slow: list[Answered] = []
    thread = threading.Thread(target=lambda: slow.append(xero.get("/TaxRates")))
    thread.start()
    lane = ("app", xero.organisation.tenant_id)
    while xero.simulator.limiter.in_flight[lane] == 0:
        threading.Event().wait(0.001)

    refused = xero.get("/Organisation")
    xero.simulator.wire.release()
    thread.join(10)

    assert (refused.status, refused.headers["X-Rate-Limit-Problem"]) == (429, "concurrent")
    assert "Retry-After" not in refused.headers
    assert slow[0].status == 200
    assert xero.get("/Organisation").status == 200


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_a_broken_connection_gives_its_seat_back(xero: XeroCaller, kind: str) -> None:
    xero.simulator.wire.inject(Fault("Organisation", kind))  # type: ignore[arg-type]

    with pytest.raises(DroppedConnection):
        xero.get("/Organisation")

    assert xero.simulator.limiter.in_flight["app", xero.organisation.tenant_id] == 0


def test_a_fault_may_be_for_calls_with_a_content_only(xero: XeroCaller) -> None:
    xero.simulator.wire.inject(Fault("PUT .*Invoices", "status-before", content='"Reference": ?"R-2"'))

    answers = [xero.put("/Invoices", invoice(Reference=reference)).status for reference in ("R-1", "R-2", "R-2")]

    assert answers == [200, 503, 200]
    assert len(xero.organisation.invoices) == 2


def test_a_repeat_with_the_same_key_gets_the_first_answer(xero: XeroCaller) -> None:
    first = xero.put("/Invoices", invoice(), Idempotency_Key="k")
    second = xero.put("/Invoices", invoice(), idempotency_key="k")

    assert second.text == first.text
    assert len(xero.organisation.invoices) == 1


def test_a_refusal_is_replayed_even_when_its_cause_is_gone(xero: XeroCaller) -> None:
    xero.simulator.user(xero.organisation).set_lock_dates(period="2026-03-31")
    first = xero.put("/Invoices", invoice(), Idempotency_Key="k")
    xero.simulator.user(xero.organisation).set_lock_dates()

    assert first.status == 400
    assert xero.put("/Invoices", invoice(), Idempotency_Key="k").text == first.text


def test_a_key_is_forgotten_six_minutes_after_its_first_call(xero: XeroCaller) -> None:
    xero.put("/Invoices", invoice(), Idempotency_Key="k")
    xero.clock.advance(timedelta(minutes=5, seconds=59))
    xero.put("/Invoices", invoice(), Idempotency_Key="k")
    xero.clock.advance(timedelta(seconds=1))
    xero.put("/Invoices", invoice(), Idempotency_Key="k")

    assert len(xero.organisation.invoices) == 2


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/Invoices"), ("POST", "/Invoices"), ("PUT", "/Invoices?unitdp=4")]
)
def test_a_key_belongs_to_one_request(xero: XeroCaller, method: str, path: str) -> None:
    xero.put("/Invoices", invoice(Reference="one"), Idempotency_Key="k")
    body = invoice(Reference="two") if (method, path) == ("PUT", "/Invoices") else invoice(Reference="one")

    answered = xero.call(method, path, body, Idempotency_Key="k")

    assert (answered.status, answered.json["Message"]) == (
        400,
        "Idempotency Key: k is used with a different request.",
    )


def test_an_error_inside_xero_is_replayed_after_the_work_was_done(xero: XeroCaller) -> None:
    xero.simulator.gate.breakdowns.append(Breakdown("PUT .*Invoices", status=500, after=True))
    first = xero.put("/Invoices", invoice(), Idempotency_Key="k")
    second = xero.put("/Invoices", invoice(), Idempotency_Key="k")

    assert (first.status, second.status) == (500, 500)
    assert len(xero.organisation.invoices) == 1


def test_a_lost_answer_is_given_to_the_repeat(xero: XeroCaller) -> None:
    xero.simulator.wire.inject(Fault("PUT .*Invoices", "drop-after"))
    with pytest.raises(DroppedConnection):
        xero.put("/Invoices", invoice(), Idempotency_Key="k")

    answered = xero.put("/Invoices", invoice(), Idempotency_Key="k")

    assert answered.status == 200
    assert len(xero.organisation.invoices) == 1


def test_a_repeat_waits_for_the_first_call_to_end(xero: XeroCaller) -> None:
    answers: list[Answered] = []

    def call() -> None:
        answers.append(xero.put("/Invoices", invoice(), Idempotency_Key="k"))

    threads = [threading.Thread(target=call) for _ in range(4)]
    with xero.simulator.lock:  # nobody gets to work before all have come
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(10)

    assert len({answered.text for answered in answers}) == 1
    assert len(xero.organisation.invoices) == 1


def test_a_key_may_have_128_characters(xero: XeroCaller) -> None:
    assert xero.put("/Invoices", invoice(), Idempotency_Key="k" * 128).status == 200
    assert xero.put("/Invoices", invoice(), Idempotency_Key="k" * 129).status == 400


def test_the_organisation_can_not_be_written() -> None:
    caller = start_xero(scopes="accounting.settings")

    assert caller.post("/Organisation", {}).status == 501
