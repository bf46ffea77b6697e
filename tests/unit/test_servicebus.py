"""What a message of a Service Bus queue says, and which message says nothing that anybody could use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.event import Event
from core.inbox import Inbox
from tests.unit.test_webhooks_fuzz import CONTEXTS, JSON, OTHER
from tests.unit.webhook_world import INVOICE, ORGANISATION, Webhooks, context, image, read_reference, target
from webhooks import servicebus
from webhooks.servicebus import ORGANISATION_CLAIM, Refusal, Verdict, host_of, read_message

HOST = "contoso.crm4.dynamics.com"
CLAIM = {ORGANISATION_CLAIM.encode(): HOST.encode()}
LINE = "11111111-8a57-f011-b4cc-000d3ab1c2d3"


def find_hosts(organisation: str) -> frozenset[str]:
    """One organisation is connected here, and no other."""
    return frozenset({HOST} if organisation == ORGANISATION else ())


def read(
    body: Any, *, content_type: str | None = "application/json", properties: dict[Any, Any] | None = None
) -> Verdict:
    raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    return read_message(raw, content_type, CLAIM if properties is None else properties, find_hosts)


def only(verdict: Verdict) -> Event:
    assert verdict.refusal is None
    [event] = verdict.read.events
    return event


def as_webhook(request: pytest.FixtureRequest, body: Any) -> list[Event]:
    """What comes of the same body when it is posted."""
    webhooks = Webhooks(Inbox("memory://", queue=f"inbox.{request.node.nodeid}"))
    assert webhooks.post_dynamics(body).status_code == 200
    return webhooks.accepted()


# -- what it says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        context(),
        context(message="Create", InputParameters=target(name="June", modifiedon="/Date(1751371440000)/")),
        context(message="Delete"),
        context("invoicedetail", "Delete", PrimaryEntityId=LINE, PreEntityImages=image(invoiceid={"Id": INVOICE})),
        context("invoicedetail", "Delete", PrimaryEntityId=LINE),
        context(SharedVariables=[{"key": "tag", "value": "stl3connector"}]),
        context("opportunity"),
    ],
    ids=["update", "create", "delete", "line deleted", "line deleted without image", "our echo", "another table"],
)
def test_it_says_what_a_webhook_with_that_body_says(request: pytest.FixtureRequest, body: dict[str, Any]) -> None:
    """F60: our own echo among them, which says nothing."""
    assert list(read(body).read.events) == as_webhook(request, body)


@pytest.mark.parametrize("absent", [None, [], "gone"])
def test_f15_a_message_that_was_stripped_for_its_size_still_names_its_row(absent: Any) -> None:
    """Nobody says whether the members are absent, null or empty."""
    stripped = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")
    body = context() | dict.fromkeys(stripped, absent)
    if absent == "gone":
        body = {name: value for name, value in body.items() if name not in stripped}
    properties = CLAIM | {b"http://schemas.microsoft.com/xrm/2011/Claims/MessageMaxSizeExceeded": b"true"}

    event = only(read(body, properties=properties))

    assert (event.entity, event.record_id, event.message, event.columns) == ("invoice", INVOICE, "Update", ())


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "", None, "text/plain"]
)
def test_json_is_read_whatever_it_is_called(content_type: str | None) -> None:
    """What is not said to be XML may be JSON, and then it is."""
    assert only(read(context(), content_type=content_type)).record_id == INVOICE


def test_a_written_message_is_understood() -> None:
    """Body and properties of one as the SDK would show it."""
    sample = read_reference("dataverse-examples/synthetic/servicebus-invoice-create.json")
    properties = {name.encode(): value.encode() for name, value in sample["application_properties"].items()}
    body = sample["body"] | {"OrganizationId": ORGANISATION}

    event = only(read(body, content_type=sample["content_type"], properties=properties))

    assert (event.entity, event.message, event.record_id) == ("invoice", "Create", body["PrimaryEntityId"])


# -- who speaks ------------------------------------------------------------------------------------------------


def test_f11_an_organisation_that_is_unknown_here_is_counted_and_no_refusal() -> None:
    """F11, F13: whoever has the queue's key can name any organisation, and gets no event for another by that."""
    verdict = read(context(OrganizationId=OTHER))

    assert (verdict.read.events, verdict.refusal) == ((), None)
    assert verdict.read.counts == {"unknown_organisation": 1}


@pytest.mark.parametrize(
    "claim",
    [
        HOST,
        HOST.encode(),
        HOST.upper(),
        f"{HOST}.",
        f"{HOST}:443",
        f"https://{HOST}/",
        "contoso.api.crm4.dynamics.com",
    ],
)
@pytest.mark.parametrize("key", [ORGANISATION_CLAIM, ORGANISATION_CLAIM.encode()])
def test_the_host_of_the_environment_may_be_written_in_several_ways(key: Any, claim: Any) -> None:
    assert only(read(context(), properties={key: claim})).organisation == ORGANISATION


@pytest.mark.parametrize(
    "claim", ["fabrikam.crm4.dynamics.com", b"fabrikam.crm4.dynamics.com", "", b"\xff", 7, None, "https://[", [HOST]]
)
def test_f13_a_host_that_is_not_the_organisations_own_is_refused(claim: Any) -> None:
    """F13: a copy of an environment, or somebody who only knows an organisation's id."""
    verdict = read(
        context(), properties={ORGANISATION_CLAIM: claim} if claim is not None else {ORGANISATION_CLAIM: 0}
    )

    assert verdict == Verdict(refusal=servicebus.OTHER_HOST)


@pytest.mark.parametrize("properties", [{}, {b"http://schemas.microsoft.com/xrm/2011/Claims/User": b"somebody"}])
def test_without_the_claim_the_queues_key_is_enough(properties: dict[Any, Any]) -> None:
    assert only(read(context(), properties=properties)).organisation == ORGANISATION


def test_a_message_without_properties_is_read() -> None:
    body = json.dumps(context()).encode()

    assert only(read_message(body, None, None, find_hosts)).organisation == ORGANISATION


# -- what nobody can use ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "refusal"),
    [
        (b"@\x06string\x083http", "application/msbin1", servicebus.BINARY_XML),
        (b"@\x06string\x083http", "application/json", servicebus.NOT_JSON),
        (b"<RemoteExecutionContext/>", "application/xml", servicebus.TEXT_XML),
        (b"<RemoteExecutionContext/>", "text/xml; charset=utf-8", servicebus.TEXT_XML),
        (b"<RemoteExecutionContext/>", "application/json", servicebus.NOT_JSON),
        (b"", "application/json", servicebus.NOT_JSON),
        (b"{", "application/json", servicebus.NOT_JSON),
        (b'{"a": NaN}', "application/json", servicebus.NOT_JSON),
        (b"[" * 100_000, "application/json", servicebus.NOT_JSON),
        (b"9" * 5000, "application/json", servicebus.NOT_JSON),
        ('{"OrganizationId": "é"}'.encode("latin-1"), "application/json", servicebus.NOT_JSON),
        (b"null", "application/json", servicebus.NO_OBJECT),
        (b"[]", "application/json", servicebus.NO_OBJECT),
        (b'"text"', "application/json", servicebus.NO_OBJECT),
        (b"{}", "application/json", servicebus.NO_ORGANISATION),
        (json.dumps(context(OrganizationId="contoso")).encode(), "application/json", servicebus.NO_ORGANISATION),
        (None, "application/json", servicebus.NO_DATA),
        (b" " * (1024 * 1024 + 1), "application/json", servicebus.TOO_LARGE),
    ],
)
def test_f16_what_nobody_can_use_is_refused_with_its_reason(
    body: bytes | None, content_type: str, refusal: Refusal
) -> None:
    """F16: the reason stands on the bus, where the administrator looks; it says nothing of what the message says."""
    assert read(body, content_type=content_type) == Verdict(refusal=refusal)


KEYS = st.one_of(
    st.just(ORGANISATION_CLAIM), st.just(ORGANISATION_CLAIM.encode()), st.text(), st.binary(), st.integers()
)
VALUES = st.one_of(st.just(HOST), st.just(HOST.encode()), st.text(), st.binary(), st.integers(), st.none())


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.none(),
        st.binary(max_size=200),
        st.one_of(JSON, CONTEXTS).map(lambda document: json.dumps(document).encode()),
        CONTEXTS.map(lambda document: json.dumps(document).encode("utf-16")),
    ),
    st.one_of(st.none(), st.sampled_from(["application/json", "application/msbin1", "text/xml"]), st.text()),
    st.one_of(st.none(), st.dictionaries(KEYS, VALUES, max_size=3)),
)
def test_f16_whatever_comes_is_read_and_other_organisations_get_no_event(
    body: bytes | None, content_type: str | None, properties: dict[Any, Any] | None
) -> None:
    """F13, F16: any bytes, any JSON, any properties: never an exception, never an event of somebody else."""
    verdict = read_message(body, content_type, properties, find_hosts)

    assert {event.organisation for event in verdict.read.events} <= {ORGANISATION}
    assert all(Event.from_json(event.as_json()) == event for event in verdict.read.events)
    assert not (verdict.refusal and verdict.read.events)
    if verdict.read.events:
        assert body is not None
        assert json.loads(body)["OrganizationId"].lower() == ORGANISATION
        hosts = [host for key, host in (properties or {}).items() if key in CLAIM or key == ORGANISATION_CLAIM]
        assert all(host in (HOST, HOST.encode()) for host in hosts[:1])


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_a_host_is_found_or_none_is(text: str) -> None:
    """Never an exception, and always in the form in which hosts are compared."""
    found = host_of(text)

    assert found == found.lower()
    assert "/" not in found
