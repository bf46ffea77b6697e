"""Whatever is sent to the webhooks: they don't break, and believe nothing about organisations not the sender's."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.endpoints import SECRET_HEADER
from core.event import Event
from tests.unit.soaking import many
from tests.unit.webhook_caller import Caller
from tests.unit.webhook_corpus import Case, Source, case, dynamics_context, several_context, xero_delivery, xero_event
from tests.unit.webhook_corpus_more import places_of, value_at, with_value, without
from tests.unit.webhook_world import (
    ENDPOINT,
    INVOICE,
    ORGANISATION,
    TENANT,
    XERO_KEY,
    context,
    read_reference,
    signature_of,
)
from webhooks.app import Parts, create_app
from webhooks.remote_context import FOLLOWED

OTHER = "0b0b0b0b-0000-4000-8000-0000000000ff"
TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=8),
    st.sampled_from([ORGANISATION, TENANT, OTHER, INVOICE, "INVOICE", "invoice", "Update", "Target", "\ud800", ""]),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
MEMBERS = [
    *("events", "tenantId", "resourceId", "eventCategory", "eventType", "eventDateUtc", "key", "value", "__value"),
    *("MessageName", "PrimaryEntityName", "PrimaryEntityId", "OrganizationId", "OperationId", "ParentContext"),
    *("InputParameters", "OutputParameters", "PreEntityImages", "PostEntityImages", "SharedVariables"),
    *("Target", "Targets", "EntityMoniker", "Attributes", "Entities", "Id", "tag", "invoiceid", "modifiedon"),
]
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(MEMBERS), TEXTS), inner, max_size=6)
    ),
    max_leaves=25,
)
PAIRS = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from(["Target", "Targets", "EntityMoniker", "tag", "id", "invoiceid"]), "value": JSON}
    ),
    max_size=3,
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "MessageName": st.one_of(st.sampled_from(["Create", "Update", "Delete", "SetState"]), SCALARS),
        "PrimaryEntityName": st.one_of(st.sampled_from(sorted(FOLLOWED)), SCALARS),
        "PrimaryEntityId": JSON,
        "OrganizationId": st.one_of(st.sampled_from([ORGANISATION, ORGANISATION.upper(), OTHER]), JSON),
        "OperationId": SCALARS,
        "ParentContext": JSON,
        **{
            name: st.one_of(PAIRS, JSON)
            for name in ("InputParameters", "OutputParameters", "PreEntityImages", "PostEntityImages")
        },
    },
)
XERO_EVENTS = st.fixed_dictionaries(
    {
        "tenantId": st.one_of(st.sampled_from([TENANT, TENANT.upper(), OTHER]), SCALARS),
        "resourceId": st.one_of(st.just(INVOICE), JSON),
        "eventCategory": st.one_of(st.sampled_from(["INVOICE", "CONTACT", "SUBSCRIPTION"]), JSON),
        "eventType": st.one_of(st.just("UPDATE"), JSON),
        "eventDateUtc": st.one_of(st.just("2026-03-20T14:05:09.450"), JSON),
    }
)

published: list[Event] = []
CLIENT = create_app(
    Parts(
        publish=published.extend,
        find_endpoint={ENDPOINT.key: ENDPOINT}.get,
        read_endpoint={ENDPOINT.key: ENDPOINT}.get,
        knows_xero_tenant=TENANT.__eq__,
        xero_webhook_keys=(XERO_KEY,),
    )
).test_client()


def bodies(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return documents.map(lambda document: json.dumps(document).encode())


@many(300)
@given(
    st.one_of(
        st.binary(max_size=200),
        bodies(JSON),
        bodies(st.fixed_dictionaries({"events": st.one_of(JSON, st.lists(XERO_EVENTS, max_size=4))})),
    )
)
def test_xero_never_gets_a_failure_and_other_tenants_no_event(body: bytes) -> None:
    published.clear()

    response = CLIENT.post("/webhooks/xero", data=body, headers={"x-xero-signature": signature_of(body)})

    assert (response.status_code, response.data) == (200, b"")
    assert {event.organisation for event in published} <= {TENANT}
    assert all(Event.from_json(event.as_json()) == event for event in published)


@many(300)
@given(st.binary(max_size=300), st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), max_size=60))
def test_xero_without_the_right_signature_is_refused(body: bytes, signature: str) -> None:
    published.clear()

    response = CLIENT.post("/webhooks/xero", data=body, headers={"x-xero-signature": signature})

    assert response.status_code == 401
    assert published == []


@many(500)
@given(st.one_of(st.binary(max_size=200), bodies(JSON), bodies(CONTEXTS)))
def test_dynamics_never_gets_a_server_error_and_other_organisations_no_event(body: bytes) -> None:
    published.clear()

    response = CLIENT.post(
        f"/webhooks/dynamics/{ENDPOINT.key}", data=body, headers={SECRET_HEADER: ENDPOINT.secrets[0]}
    )

    assert response.status_code in (200, 400, 403)
    assert {event.organisation for event in published} <= {ORGANISATION}
    assert all(Event.from_json(event.as_json()) == event for event in published)
    if published:
        assert json.loads(body)["OrganizationId"].lower() == ORGANISATION


@many(200)
@given(
    st.text(max_size=40), st.one_of(st.none(), st.text(st.characters(codec="latin-1", exclude_categories=("Cc",))))
)
def test_dynamics_without_the_right_secret_gets_nothing_but_a_refusal(key: str, secret: str | None) -> None:
    published.clear()
    headers = {} if secret is None else {SECRET_HEADER: secret}

    response = CLIENT.post(f"/webhooks/dynamics/{key}", json=context(), headers=headers)

    assert response.status_code in (308, 401, 404, 405)
    assert published == []


# -- samples, changed ------------------------------------------------------------------------------------------

SAMPLES: dict[Source, list[Any]] = {
    "xero": [xero_delivery(xero_event(), xero_event(eventCategory="CONTACT", tenantId=OTHER)), xero_delivery()],
    "dynamics": [dynamics_context(), several_context(), context()],
}
CALLER = Caller(io.StringIO())


def changed(draw: st.DrawFn, document: Any) -> Any:
    """Return the document with one place of it left out, doubled, replaced, or put into something else."""
    path = draw(st.sampled_from(list(places_of(document))))
    value, how = value_at(document, path), draw(st.sampled_from(["leave out", "double", "replace", "move", "nest"]))
    if how == "move":
        return with_value(document, path, value_at(document, draw(st.sampled_from(list(places_of(document))))))
    if how == "nest":
        nested = st.sampled_from([[value], {"__value": value}, {"Id": value}, {"key": "Target", "value": value}])
        return with_value(document, path, draw(nested))
    if how == "double" and path:
        around = value_at(document, path[:-1])
        doubled = [*around, value] if isinstance(around, list) else around | {draw(st.sampled_from(MEMBERS)): value}
        return with_value(document, path[:-1], doubled)
    if how == "leave out" and path:
        return without(document, path)
    return with_value(document, path, draw(JSON))


@st.composite
def cases_from(draw: st.DrawFn, source: Source, samples: list[Any]) -> Case:
    """Requests that prove their sender rightly, with a sample that was changed up to four times."""
    document = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        document = changed(draw, document)
    return case(source, "changed", document)


@many(400)
@given(st.one_of(cases_from("xero", SAMPLES["xero"]), cases_from("dynamics", SAMPLES["dynamics"])))
def test_f13_f16_changed_samples_do_no_harm(sent: Case) -> None:
    """No answer but the expected few, no event of another tenant, each event the same after the inbox."""
    assert list(CALLER.complaints_of(sent)) == []


@many(100)
@given(st.data())
def test_f13_f16_changed_recordings_do_no_harm(data: st.DataObject) -> None:
    """The same, with what the vendors sent."""
    deliveries = read_reference("xero-examples/31_webhook_events.json")["deliveries"]
    recorded = [
        read_reference(f"dataverse-examples/{name}.json")
        for name in ("01-contact-update-async", "03-account-update-sync", "05-alltypes-create-async")
    ]
    contexts = [each | {"OrganizationId": ORGANISATION, "PrimaryEntityName": "invoicedetail"} for each in recorded]
    bodies_of_xero = [json.loads(each["raw_body"]) for each in deliveries]

    sent = data.draw(st.one_of(cases_from("xero", bodies_of_xero), cases_from("dynamics", contexts)))

    assert list(CALLER.complaints_of(sent)) == []


@many(300)
@given(st.data())
def test_f12_no_byte_of_a_signed_body_can_be_changed(data: st.DataObject) -> None:
    """The signature is kept: nothing of it is believed. Signed anew, it is answered 200, whatever it is by then."""
    body = json.dumps(xero_delivery(xero_event())).encode()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 8)))
    other = body[:start] + data.draw(st.binary(max_size=8)) + body[end:]
    forged = {"x-xero-signature": signature_of(body)}

    if other != body:
        refused = Case("forged", "xero", other, frozenset({401}), forged, events=0)
        assert list(CALLER.complaints_of(refused)) == []
    assert list(CALLER.complaints_of(case("xero", "signed anew", other, status=200))) == []
