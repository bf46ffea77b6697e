"""Xero's webhook: who is believed, and what becomes of what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.event import Event
from core.inbox import Inbox
from tests.unit.webhook_world import TENANT, XERO_KEY, Webhooks, read_reference, signature_of

OTHER_TENANT = "0b0b0b0b-0000-4000-8000-0000000000ff"
RESOURCE = "ed255415-e141-4150-aab7-89c3bbbb851c"


@pytest.fixture
def webhooks(request: pytest.FixtureRequest) -> Webhooks:
    return Webhooks(Inbox("memory://", queue=f"inbox.{request.node.nodeid}"))


def delivery(*events: Any) -> bytes:
    return json.dumps(
        {"events": list(events), "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "A"}
    ).encode()


def event(**changes: Any) -> dict[str, Any]:
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{RESOURCE}",
        "resourceId": RESOURCE,
        "eventDateUtc": "2026-03-20T14:05:09.450",
        "eventType": "UPDATE",
        "eventCategory": "INVOICE",
        "tenantId": TENANT,
        "tenantType": "ORGANISATION",
        **changes,
    }


def recorded() -> Iterator[tuple[dict[str, Any], int]]:
    intent = read_reference("xero-examples/30_webhook_intent_to_receive.json")
    yield intent["correct"], 0
    for sample in read_reference("xero-examples/31_webhook_events.json")["deliveries"]:
        yield sample, len(sample["parsed"]["events"])


def test_every_recorded_delivery_is_accepted_and_in_the_inbox(webhooks: Webhooks) -> None:
    for sample, number in recorded():
        response = webhooks.post_xero(sample["raw_body"].encode(), sample["headers"]["x-xero-signature"])

        assert (response.status_code, response.data) == (200, b"")
        assert "Set-Cookie" not in response.headers
        assert len(webhooks.accepted()) == number


def test_every_recorded_delivery_with_one_character_changed_is_refused(webhooks: Webhooks) -> None:
    samples = [sample for sample, _ in recorded()]
    wrong = read_reference("xero-examples/30_webhook_intent_to_receive.json")["incorrect"]
    assert wrong["expected_response"]["status"] == 401
    for sample in [wrong, *samples]:
        signature = sample["headers"]["x-xero-signature"]
        for changed in ("/" + signature[1:], signature[:-2] + "_=", "") if sample is not wrong else (signature,):
            response = webhooks.post_xero(sample["raw_body"].encode(), changed)

            assert (response.status_code, response.data) == (401, b"")
    assert webhooks.accepted() == []


def test_an_event_says_where_to_look(webhooks: Webhooks) -> None:
    webhooks.post_xero(delivery(event(eventType="Update", tenantId=TENANT.upper())))

    assert webhooks.accepted() == [Event("xero", TENANT, "invoice", RESOURCE, "UPDATE", "2026-03-20T14:05:09.450")]


def test_two_changes_of_one_record_stay_two_and_a_repeat_is_one(webhooks: Webhooks) -> None:
    later = event(eventDateUtc="2026-03-20T14:05:09.451")

    webhooks.post_xero(delivery(event(), event(), later))

    assert len({accepted.key for accepted in webhooks.accepted()}) == 2


def test_both_keys_sign_while_one_is_replaced(request: pytest.FixtureRequest) -> None:
    webhooks = Webhooks(Inbox("memory://", queue=request.node.nodeid), keys=("newer", XERO_KEY))
    body = delivery(event())

    statuses = [webhooks.post_xero(body, signature_of(body, key)).status_code for key in ("newer", XERO_KEY, "none")]

    assert statuses == [200, 200, 401]


def test_without_a_key_nobody_is_believed(request: pytest.FixtureRequest) -> None:
    webhooks = Webhooks(Inbox("memory://", queue=request.node.nodeid), keys=())

    assert webhooks.post_xero(delivery(event()), signature_of(delivery(event()), "")).status_code == 401


@pytest.mark.parametrize("signature", ["", "é", "\xff" * 44, "not base64", "=" * 5000])
def test_an_odd_signature_is_refused(webhooks: Webhooks, signature: str) -> None:
    response = webhooks.post_xero(delivery(event()), signature)

    assert response.status_code == 401


def test_a_missing_signature_is_refused(webhooks: Webhooks) -> None:
    assert webhooks.client.post("/webhooks/xero", data=delivery(event())).status_code == 401


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "unusable"),
        (b"null", "unusable"),
        (b"[]", "unusable"),
        (b'{"events": null}', "unusable"),
        (b'{"events": {"a": 1}}', "unusable"),
        (b'{"events": [null]}', "unusable"),
        (b'{"events": [{"tenantId": NaN}]}', "unusable"),
        (b'{"events": [' + b"9" * 5000 + b"]}", "unusable"),
        (b"[" * 100_000, "unusable"),
        (b'{"events": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "unusable"),
        (b"\xff\xfe\x00", "unusable"),
        (delivery(event(resourceId="\ud800")), "unusable"),
        (delivery(event(eventDateUtc=["x"])), "unusable"),
        (delivery(event(eventType=True)), "unusable"),
        (delivery(event(tenantId=OTHER_TENANT)), "unknown_tenant"),
        (delivery(event(eventCategory="SUBSCRIPTION", tenantType="APPLICATION")), "not_followed"),
        (delivery(event(eventCategory="SOMETHING NEW")), "not_followed"),
    ],
)
def test_what_is_signed_but_of_no_use_is_counted_and_answered_200(
    webhooks: Webhooks, body: bytes, reason: str
) -> None:
    """A refusal would count as our failure, and failures switch the webhook off for every organisation."""
    response = webhooks.post_xero(body)

    assert (response.status_code, response.data) == (200, b"")
    assert webhooks.counts() == {f"xero.{reason}": 1}
    assert webhooks.accepted() == []


def test_one_bad_event_does_not_hold_up_the_good_ones(webhooks: Webhooks) -> None:
    webhooks.post_xero(delivery(event(tenantId=OTHER_TENANT), None, event()))

    assert [accepted.record_id for accepted in webhooks.accepted()] == [RESOURCE]
    assert webhooks.counts() == {"xero.accepted": 1, "xero.unknown_tenant": 1, "xero.unusable": 1}
