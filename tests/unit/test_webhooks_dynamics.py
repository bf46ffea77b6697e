"""Dynamics' webhook: the secret, the organisation, and what a RemoteExecutionContext means."""

from __future__ import annotations

from typing import Any

import pytest

from clients.odata import tagged
from core import columns
from core.event import OWN_TAG, Event
from core.inbox import Inbox
from tests.unit.webhook_world import INVOICE, ORGANISATION, Webhooks, context, image, read_reference, target

LINE = "11111111-8a57-f011-b4cc-000d3ab1c2d3"
OTHER_INVOICE = "22222222-8a57-f011-b4cc-000d3ab1c2d3"
OPERATION = "d0000000-0000-0000-0000-000000000001"


@pytest.fixture
def webhooks(request: pytest.FixtureRequest) -> Webhooks:
    return Webhooks(Inbox("memory://", queue=f"inbox.{request.node.nodeid}"))


def only(webhooks: Webhooks, body: Any) -> Event:
    """Post and return the one event that came of it."""
    assert webhooks.post_dynamics(body).status_code == 200
    [event] = webhooks.accepted()
    return event


# -- who speaks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
def test_either_secret_is_good_while_one_is_replaced(webhooks: Webhooks, secret: str) -> None:
    response = webhooks.post_dynamics(context(), secret=secret)

    assert (response.status_code, response.data) == (200, b"")
    assert len(webhooks.accepted()) == 1


def test_the_secret_may_come_as_a_webhook_key(webhooks: Webhooks) -> None:
    response = webhooks.client.post("/webhooks/dynamics/endpoint-key?code=old-secret", json=context())

    assert response.status_code == 200


@pytest.mark.parametrize(
    "secret", ["", "wrong", "new-secret ", "é", "nobody-has-this-secret-and-nobody-can-offer-it"]
)
@pytest.mark.parametrize("key", ["endpoint-key", "unknown", "%00", "endpoint-key%FF"])
def test_a_wrong_secret_or_address_is_refused_alike(webhooks: Webhooks, secret: str, key: str) -> None:
    response = webhooks.post_dynamics(context(), secret=secret, key=key)

    assert (response.status_code, response.data) == (401, b"")
    assert webhooks.accepted() == []


def test_a_right_secret_at_an_unknown_address_is_refused(webhooks: Webhooks) -> None:
    assert webhooks.post_dynamics(context(), key="unknown").status_code == 401


@pytest.mark.parametrize("organisation", ["0b0b0b0b-0000-4000-8000-0000000000ff", None, 7, "", {"a": 1}])
def test_another_organisation_with_our_secret_is_refused(webhooks: Webhooks, organisation: Any) -> None:
    """A copy of an environment keeps address and secret, and the ids of its rows are those of the original."""
    response = webhooks.post_dynamics(context(OrganizationId=organisation))

    assert response.status_code == 403
    assert webhooks.counts() == {"dynamics.other_organisation": 1}


# -- bodies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b"9" * 5000,
    ],
)
def test_what_is_no_object_is_a_bad_request(webhooks: Webhooks, body: bytes) -> None:
    assert webhooks.post_dynamics(body).status_code == 400


def test_nothing_is_parsed_before_the_secret_is_right(webhooks: Webhooks) -> None:
    assert webhooks.post_dynamics(b"{", secret="wrong").status_code == 401


@pytest.mark.parametrize("secret", ["new-secret", "wrong"])
def test_a_body_over_the_limit_is_refused_by_its_length(webhooks: Webhooks, secret: str) -> None:
    response = webhooks.post_dynamics(b"x" * (1024 * 1024 + 1), secret=secret)

    assert response.status_code == 413


@pytest.mark.parametrize(
    "odd",
    [
        {"MessageName": None},
        {"MessageName": ["Update"]},
        {"PrimaryEntityName": 5},
        {"PrimaryEntityName": ""},
        {"PrimaryEntityId": "00000000-0000-0000-0000-000000000000"},
        {"PrimaryEntityId": None},
        {"PrimaryEntityId": "\ud800"},
        {"PrimaryEntityId": {"__value": {"__value": 1}}},
    ],
)
def test_a_context_that_names_no_row_is_counted(webhooks: Webhooks, odd: dict[str, Any]) -> None:
    response = webhooks.post_dynamics(context(**odd))

    assert response.status_code == 200
    assert webhooks.counts() == {"dynamics.unusable": 1}


@pytest.mark.parametrize(
    "odd", [None, 7, "text", {}, {"key": "Target"}, [None], [[]], [{"key": 1}], [{"key": "Target"}]]
)
@pytest.mark.parametrize(
    "member",
    [
        "InputParameters",
        "OutputParameters",
        "PreEntityImages",
        "PostEntityImages",
        "SharedVariables",
        "ParentContext",
    ],
)
def test_an_odd_member_does_not_hide_the_row(webhooks: Webhooks, member: str, odd: Any) -> None:
    event = only(webhooks, context(**{member: odd}))

    assert (event.entity, event.record_id, event.columns) == ("invoice", INVOICE, ())


# -- what a context means --------------------------------------------------------------------------------------


def test_an_update_names_the_changed_columns_and_its_version(webhooks: Webhooks) -> None:
    parameters = target(totalamount=120, modifiedon="/Date(1751371440000)/", name="x")

    event = only(webhooks, context(InputParameters=parameters))

    version = f"{OPERATION}//Date(1751371440000)/"
    assert event == Event(
        "dynamics", ORGANISATION, "invoice", INVOICE, "Update", version, ("modifiedon", "name", "totalamount")
    )


def test_two_updates_in_one_operation_have_different_keys(webhooks: Webhooks) -> None:
    """R16: an event key too wide or too narrow."""
    bodies = [context(InputParameters=target(name="x", modifiedon=f"/Date({at})/")) for at in (1000, 2000)]

    keys = {only(webhooks, body).key for body in bodies}

    assert len(keys) == 2


def test_a_repeated_delivery_has_the_same_key(webhooks: Webhooks) -> None:
    body = context(OperationId=None, InputParameters=target(name="x"))

    assert only(webhooks, body).key == only(webhooks, body).key


def test_contexts_without_any_version_are_told_apart_by_what_they_say(webhooks: Webhooks) -> None:
    bodies = [context(OperationId=None, InputParameters=target(name=name)) for name in "xy"]

    assert only(webhooks, bodies[0]).key != only(webhooks, bodies[1]).key


def test_a_delete_has_a_reference_as_target(webhooks: Webhooks) -> None:
    parameters = [{"key": "Target", "value": {"Id": INVOICE, "LogicalName": "invoice"}}]

    event = only(webhooks, context(message="Delete", PrimaryEntityId=None, InputParameters=parameters))

    assert (event.record_id, event.message, event.columns) == (INVOICE, "Delete", ())


@pytest.mark.parametrize("message", ["SetState", "SetStateDynamicEntity"])
def test_a_change_of_state_names_its_row_as_moniker(webhooks: Webhooks, message: str) -> None:
    parameters = [
        {"key": "EntityMoniker", "value": {"Id": INVOICE, "LogicalName": "invoice"}},
        {"key": "State", "value": {"Value": 3}},
        {"key": "Status", "value": {"Value": 100003}},
    ]

    event = only(webhooks, context(message=message, PrimaryEntityId=None, InputParameters=parameters))

    assert (event.record_id, event.columns) == (INVOICE, ("statecode", "statuscode"))


def test_an_action_without_target_still_names_its_row(webhooks: Webhooks) -> None:
    parameters = [{"key": "InvoiceClose", "value": {"Attributes": []}}, {"key": "Status", "value": {"Value": 1}}]

    event = only(webhooks, context(message="Close", InputParameters=parameters))

    assert (event.record_id, event.message) == (INVOICE, "Close")


@pytest.mark.parametrize("absent", [None, []])
def test_a_context_stripped_for_its_size_is_enough(webhooks: Webhooks, absent: Any) -> None:
    """F15: a body without the parts that make it large."""
    members = dict.fromkeys(("InputParameters", "PreEntityImages", "PostEntityImages", "ParentContext"), absent)

    assert only(webhooks, context(**members)).record_id == INVOICE


def test_a_create_that_only_tells_its_id_in_the_output(webhooks: Webhooks) -> None:
    output = [{"key": "id", "value": INVOICE}]

    event = only(webhooks, context(message="Create", PrimaryEntityId=None, OutputParameters=output))

    assert event.record_id == INVOICE


def test_wrapped_values_are_read_as_plain_ones(webhooks: Webhooks) -> None:
    guid = {"__type": "Guid:#System", "__value": INVOICE}
    modified = {"__type": "DateTime:#System", "__value": "/Date(1527757524000)/"}

    event = only(webhooks, context(PrimaryEntityId=guid, InputParameters=target(modifiedon=modified)))

    assert event.record_id == INVOICE
    assert event.version.endswith("/Date(1527757524000)/")


def test_several_rows_in_one_message_are_several_events(webhooks: Webhooks) -> None:
    rows = [{"Id": row, "Attributes": [{"key": "name", "value": "x"}]} for row in (INVOICE, OTHER_INVOICE)]
    parameters = [{"key": "Targets", "value": {"__type": "EntityCollection", "Entities": rows}}]

    webhooks.post_dynamics(context(message="UpdateMultiple", InputParameters=parameters))

    assert [event.record_id for event in webhooks.accepted()] == [INVOICE, OTHER_INVOICE]


# -- rows that matter for the sake of an invoice ---------------------------------------------------------------

REFERENCE = {"__type": "EntityReference:x", "Id": INVOICE, "LogicalName": "invoice", "Name": None}


@pytest.mark.parametrize(
    "members",
    [
        {"message": "Create", "InputParameters": target(invoiceid=REFERENCE, quantity=1)},
        {"message": "Create", "InputParameters": target(invoiceid=INVOICE)},
        {"message": "Update", "InputParameters": target(quantity=2), "PostEntityImages": image(invoiceid=REFERENCE)},
        {"message": "Delete", "PreEntityImages": image(invoiceid={"__value": INVOICE})},
    ],
)
def test_a_line_stands_for_its_invoice(webhooks: Webhooks, members: dict[str, Any]) -> None:
    event = only(webhooks, context("invoicedetail", PrimaryEntityId=LINE, **members))

    assert (event.entity, event.record_id) == ("invoice", INVOICE)
    assert event.message == "Update", "a deleted line deletes no invoice"


def test_a_line_that_moved_stands_for_both_invoices(webhooks: Webhooks) -> None:
    body = context(
        "invoicedetail",
        PrimaryEntityId=LINE,
        InputParameters=target(invoiceid=INVOICE),
        PreEntityImages=image(invoiceid=OTHER_INVOICE),
    )

    webhooks.post_dynamics(body)

    assert {event.record_id for event in webhooks.accepted()} == {INVOICE, OTHER_INVOICE}


def test_two_lines_of_one_operation_have_different_keys(webhooks: Webhooks) -> None:
    bodies = [
        context("invoicedetail", PrimaryEntityId=line, InputParameters=target(invoiceid=INVOICE))
        for line in (LINE, OTHER_INVOICE)
    ]

    assert only(webhooks, bodies[0]).key != only(webhooks, bodies[1]).key


def test_a_line_whose_invoice_is_not_named_stays_a_line(webhooks: Webhooks) -> None:
    event = only(webhooks, context("invoicedetail", message="Delete", PrimaryEntityId=LINE))

    assert (event.entity, event.record_id, event.message) == ("invoicedetail", LINE, "Delete")


@pytest.mark.parametrize(
    "members",
    [
        {"InputParameters": target(stl3_exportstatus={"Value": 367800000}, stl3_dynamicsinvoiceid=INVOICE)},
        {
            "InputParameters": target(stl3_exportstatus={"Value": 1}),
            "PreEntityImages": image(stl3_dynamicsinvoiceid=INVOICE),
        },
        {"InputParameters": target(stl3_invoice=REFERENCE)},
    ],
)
def test_xero_details_stand_for_their_invoice(webhooks: Webhooks, members: dict[str, Any]) -> None:
    event = only(webhooks, context(columns.DETAILS.name, PrimaryEntityId=LINE, **members))

    assert (event.entity, event.record_id) == ("invoice", INVOICE)


def test_xero_details_without_the_invoice_stay_what_they_are(webhooks: Webhooks) -> None:
    event = only(webhooks, context(columns.DETAILS.name, PrimaryEntityId=LINE))

    assert (event.entity, event.record_id) == (columns.DETAILS.name, LINE)


@pytest.mark.parametrize("entity", ["account", "contact", columns.SETTINGS.name, "Invoice"])
def test_other_tables_that_matter_are_followed(webhooks: Webhooks, entity: str) -> None:
    assert only(webhooks, context(entity)).entity == entity.lower()


@pytest.mark.parametrize("entity", ["opportunity", "msdyn_agentstatus", "none"])
def test_other_tables_are_counted_and_left(webhooks: Webhooks, entity: str) -> None:
    assert webhooks.post_dynamics(context(entity)).status_code == 200
    assert webhooks.counts() == {"dynamics.not_followed": 1}
    assert webhooks.accepted() == []


# -- echoes ----------------------------------------------------------------------------------------------------


def _within(depth: int) -> dict[str, Any]:
    tag = [{"key": "tag", "value": OWN_TAG}]
    inner: dict[str, Any] = {"SharedVariables": tag, "ParentContext": None}
    for _ in range(depth):
        inner = {"SharedVariables": [{"key": "IsAutoTransact", "value": True}], "ParentContext": inner}
    return inner


@pytest.mark.parametrize("depth", [0, 1, 2, 50])
def test_our_own_write_is_an_echo(webhooks: Webhooks, depth: int) -> None:
    response = webhooks.post_dynamics(context(**_within(depth)))

    assert response.status_code == 200
    assert webhooks.counts() == {"dynamics.echo": 1}
    assert webhooks.accepted() == []


def test_somebody_elses_tag_is_no_echo(webhooks: Webhooks) -> None:
    assert only(webhooks, context(SharedVariables=[{"key": "tag", "value": "other"}])).record_id == INVOICE


def test_the_tag_is_the_one_that_our_writes_carry() -> None:
    assert tagged("accounts") == f"accounts?tag={OWN_TAG}"


# -- recorded and written examples -----------------------------------------------------------------------------

RECORDED = {
    "01-contact-update-async.json": ("contact", "Update"),
    "02-account-delete-sync.json": ("account", "Delete"),
    "03-account-update-sync.json": ("account", "Update"),
    "04-alltypes-create-sync.json": None,
    "05-alltypes-create-async.json": None,
    "06-msdyn_agentstatus-update-async.json": None,
    "07-msdyn_agentstatus-create-sync.json": None,
    "08-incident-create-trimmed.json": None,
    "synthetic/invoice-create-async.json": ("invoice", "Create"),
    "synthetic/invoice-create-oversize-stripped.json": ("invoice", "Create"),
    "synthetic/invoice-delete-async-with-preimage.json": ("invoice", "Delete"),
    "synthetic/invoice-update-cancelled-async.json": ("invoice", "Update"),
    "synthetic/invoice-update-paid-async-with-images.json": ("invoice", "Update"),
    "synthetic/invoice-update-totals-async.json": ("invoice", "Update"),
    "synthetic/servicebus-invoice-create.json": ("invoice", "Create"),
}


@pytest.mark.parametrize(("name", "expected"), RECORDED.items())
def test_recorded_contexts_are_understood(
    request: pytest.FixtureRequest, name: str, expected: tuple[str, str] | None
) -> None:
    sample = read_reference(f"dataverse-examples/{name}")
    body = sample.get("body", sample)
    endpoint = Webhooks(Inbox("memory://")).endpoint
    webhooks = Webhooks(
        Inbox("memory://", queue=request.node.nodeid),
        endpoint=type(endpoint)(endpoint.key, body["OrganizationId"], endpoint.secrets),
    )

    response = webhooks.post_dynamics(body)

    assert response.status_code == 200
    events = webhooks.accepted()
    if expected is None:
        assert events == []
        assert webhooks.counts() == {"dynamics.not_followed": 1}
    else:
        [event] = events
        assert (event.entity, event.message, event.record_id) == (*expected, body["PrimaryEntityId"])
        assert body["OperationId"] in event.version


def test_the_written_echo_is_recognised(webhooks: Webhooks) -> None:
    sample = read_reference("dataverse-examples/synthetic/invoice-update-own-echo-async.json")
    tag = sample["body"]["SharedVariables"]
    assert any(pair["key"] == "tag" for pair in tag)
    body = sample["body"] | {"SharedVariables": [{"key": "tag", "value": OWN_TAG}]}

    assert webhooks.post_dynamics(body).status_code == 200
    assert webhooks.accepted() == []


def test_a_context_cut_off_in_the_middle_is_refused_without_its_organisation(webhooks: Webhooks) -> None:
    body = read_reference("dataverse-examples/09-servicebus-opportunity-won-PARTIAL.json")

    assert webhooks.post_dynamics(body).status_code == 403
