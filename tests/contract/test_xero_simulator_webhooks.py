"""Webhooks: what raises them, how they look, intent to receive, retries, disabling, replay, and the switches."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response, request

from simulators.outbox import Delivery, deliver_due
from simulators.serve import Server
from simulators.xero.subscription import Subscription
from tests.contract.xero_caller import XeroCaller, invoice, start_xero

KEY = "a-key-that-looks-like-base64=="


@pytest.fixture
def xero() -> XeroCaller:
    caller = start_xero()
    subscription = _subscription(caller)
    subscription.key, subscription.url = KEY, "https://connector.example.com/webhooks/xero"
    return caller


def _subscription(xero: XeroCaller) -> Subscription:
    return xero.simulator.identity.apps["app"].subscription


def _deliver(xero: XeroCaller, status: int | None = 200) -> list[Delivery]:
    """Send what is due, each answered with `status`; return what was sent."""
    sent: list[Delivery] = []

    def send(delivery: Delivery) -> int | None:
        sent.append(delivery)
        return status

    deliver_due(xero.simulator.outbox, send, xero.simulator.settle)
    return sent


def _events(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    return [event for delivery in deliveries for event in json.loads(delivery.body)["events"]]


def _kinds(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    return [(event["eventCategory"], event["eventType"]) for event in _events(deliveries)]


def test_a_delivery_is_signed_over_its_uneven_bytes(xero: XeroCaller) -> None:
    created = xero.create()

    (delivery,) = _deliver(xero)
    body = json.loads(delivery.body)

    expected = base64.b64encode(hmac.digest(KEY.encode(), delivery.body, "sha256")).decode()
    assert delivery.headers["x-xero-signature"] == expected
    assert delivery.headers["Content-Type"] == "application/json; charset=utf-8"
    assert delivery.timeout_s == 5
    assert delivery.body.startswith(b'{"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Contacts/')
    assert b'],"firstEventSequence": 1,"lastEventSequence": 2, "entropy": "' in delivery.body
    assert body["events"][1] == {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{created['InvoiceID']}",
        "resourceId": created["InvoiceID"],
        "eventDateUtc": "2026-03-10T09:30:05.120",
        "eventType": "CREATE",
        "eventCategory": "INVOICE",
        "tenantId": xero.organisation.tenant_id,
        "tenantType": "ORGANISATION",
    }


def test_people_and_the_app_itself_raise_events(xero: XeroCaller) -> None:
    person = xero.simulator.user(xero.organisation)
    created = xero.create(Status="DRAFT")
    contact_id = created["Contact"]["ContactID"]
    _deliver(xero)
    seen = []
    for act in (
        lambda: person.edit_contact(contact_id, FirstName="Ann"),
        lambda: person.edit_invoice(created["InvoiceID"], Reference="x"),
        lambda: person.approve_invoice(created["InvoiceID"]),
        lambda: person.pay(created["InvoiceID"], 20),
        xero.create,
        lambda: person.archive_contact(contact_id),
        lambda: person.create_item(Code="X"),
        lambda: person.add_account(Code="299", Name="More", Type="REVENUE"),
    ):
        act()
        seen.append(_kinds(_deliver(xero)))

    update = ("INVOICE", "UPDATE")
    assert seen == [
        *([("CONTACT", "UPDATE")], [update], [update], [update], [("INVOICE", "CREATE")], [("CONTACT", "UPDATE")]),
        *([], []),
    ]


def test_refused_writes_raise_nothing(xero: XeroCaller) -> None:
    xero.put("/Invoices", {"Invoices": [invoice(Contact={"Name": "New"}), invoice(DueDate=None)]})

    assert _deliver(xero) == []


def test_only_connected_tenants_reach_the_app(xero: XeroCaller) -> None:
    other = xero.simulator.add_organisation(name="Other")
    xero.simulator.user(other).create_contact(Name="Zoe")

    assert _deliver(xero) == []


def test_failure_is_retried_at_once_then_each_quarter_of_an_hour_until_a_day_has_passed(xero: XeroCaller) -> None:
    xero.create()
    first = _deliver(xero, status=500)
    attempts = 0
    while _subscription(xero).status == "RETRY":
        assert xero.simulator.outbox.pending()[0].due_at == xero.clock.now() + timedelta(minutes=15)
        xero.clock.advance(timedelta(minutes=15))
        attempts += len(_deliver(xero, status=None))

    assert [delivery.body for delivery in first] == [first[0].body] * 2  # the second was the immediate retry
    assert attempts == 96
    assert _subscription(xero).status == "DISABLED"
    assert xero.simulator.outbox.pending() == []


def test_what_happens_meanwhile_is_replayed_in_order(xero: XeroCaller) -> None:
    created = xero.create()
    _deliver(xero, status=503)
    for reference in ("a", "b"):
        xero.clock.advance(timedelta(minutes=1))
        xero.post(f"/Invoices/{created['InvoiceID']}", {"Reference": reference})
        assert _deliver(xero) == []
    xero.clock.advance(timedelta(minutes=13))

    sent = _deliver(xero, status=200)
    times = [event["eventDateUtc"] for event in _events(sent)]

    assert _subscription(xero).status == "OK"
    assert times == sorted(times)
    assert json.loads(sent[-1].body)["lastEventSequence"] == 4


def test_events_older_than_31_days_are_gone(xero: XeroCaller) -> None:
    xero.create()
    _subscription(xero).status = "DISABLED"
    xero.create()
    _deliver(xero, status=500)
    xero.clock.advance(timedelta(days=32))
    xero.create()

    outcome = xero.simulator.verify_webhook("app", probe=lambda _delivery: None)

    assert outcome == {"signed_accepted": True, "forged_refused": True, "passed": True}
    assert _kinds(_deliver(xero)) == [("INVOICE", "CREATE")]


def test_the_intent_to_receive_mixes_right_and_wrong_signatures(xero: XeroCaller) -> None:
    probes: list[Delivery] = []

    xero.simulator.verify_webhook("app", probe=probes.append)  # type: ignore[func-returns-value]

    for probe in probes:
        right = base64.b64encode(hmac.digest(KEY.encode(), probe.body, "sha256")).decode()
        given = probe.headers["x-xero-signature"]
        differing = sum(one != other for one, other in zip(right, given, strict=True))
        assert differing == (0 if probe.context["expected_status"] == 200 else 1)
        assert probe.body.startswith(b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "')
        assert len(probe.body) == 95
    assert {probe.context["expected_status"] for probe in probes} == {200, 401}


def test_a_wrong_answer_to_the_intent_disables(xero: XeroCaller) -> None:
    outcome = xero.simulator.verify_webhook(
        "app", probe=lambda delivery: None if delivery.context["expected_status"] == 200 else "Response not 401"
    )

    assert outcome == {"signed_accepted": True, "forged_refused": False, "passed": False}
    assert _subscription(xero).status == "DISABLED"


@pytest.fixture
def receiver() -> Iterator[tuple[str, dict[str, Any]]]:
    """A receiver on a loopback port, and the faults it may have."""
    app, faults = Flask("receiver"), dict[str, Any]()

    @app.post("/")
    def receive() -> Response:
        expected = base64.b64encode(hmac.digest(KEY.encode(), request.get_data(), "sha256")).decode()
        right = request.headers["x-xero-signature"] == expected
        return Response(faults.get("body", ""), 200 if right else 401, headers=faults.get("headers"))

    server = Server(app).start()
    yield server.url, faults
    server.stop()


@pytest.mark.parametrize(
    ("faults", "passed"), [({}, True), ({"body": "ok"}, False), ({"headers": {"Set-Cookie": "a=b"}}, False)]
)
def test_the_intent_checks_a_real_receiver(
    xero: XeroCaller, receiver: tuple[str, dict[str, Any]], faults: dict[str, Any], passed: bool
) -> None:
    url, its_faults = receiver
    its_faults.update(faults)
    xero.simulator.set_webhook("app", url)

    assert xero.simulator.verify_webhook("app")["passed"] is passed


def test_deliveries_can_be_doubled_lost_and_overtaken(xero: XeroCaller) -> None:
    subscription = _subscription(xero)
    contact = {"ContactID": xero.create()["Contact"]["ContactID"]}
    _deliver(xero)

    subscription.duplicate = True
    xero.create(Contact=contact)
    doubled = _deliver(xero)
    subscription.duplicate, subscription.drop = False, 1
    xero.create(Contact=contact)
    lost = _deliver(xero)
    subscription.reorder = True
    for _ in range(10):
        xero.create(Contact=contact)
    xero.clock.advance(timedelta(seconds=3))
    numbers = [json.loads(delivery.body)["firstEventSequence"] for delivery in _deliver(xero)]

    assert len({delivery.body for delivery in doubled}) == 1
    assert len(doubled) == 2
    assert lost == []
    assert len(numbers) == 10
    assert numbers != sorted(numbers)
