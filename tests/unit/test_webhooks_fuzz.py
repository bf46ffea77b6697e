"""Whatever is sent to the webhooks: they don't break, and believe nothing about organisations not the sender's."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.endpoints import SECRET_HEADER
from core.event import Event
from tests.unit.webhook_world import ENDPOINT, INVOICE, ORGANISATION, TENANT, XERO_KEY, context, signature_of
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


@settings(max_examples=300, deadline=None)
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


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), max_size=60))
def test_xero_without_the_right_signature_is_refused(body: bytes, signature: str) -> None:
    published.clear()

    response = CLIENT.post("/webhooks/xero", data=body, headers={"x-xero-signature": signature})

    assert response.status_code == 401
    assert published == []


@settings(max_examples=500, deadline=None)
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


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40), st.one_of(st.none(), st.text(st.characters(codec="latin-1", exclude_categories=("Cc",))))
)
def test_dynamics_without_the_right_secret_gets_nothing_but_a_refusal(key: str, secret: str | None) -> None:
    published.clear()
    headers = {} if secret is None else {SECRET_HEADER: secret}

    response = CLIENT.post(f"/webhooks/dynamics/{key}", json=context(), headers=headers)

    assert response.status_code in (308, 401, 404, 405)
    assert published == []
