"""Real webhooks of the simulated Dynamics through our own application: events make work at once, echoes make none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from werkzeug.test import Client

from core import columns
from core.endpoints import SECRET_HEADER, Endpoints
from core.event import Event
from core.vault import Vault
from simulators.outbox import Delivery, deliver_due
from tests.simulation.test_refusals import bad_account_code
from tests.world import Line, World
from webhooks.app import Parts, create_app

STEPS = (
    ("invoice", "Create"),
    ("invoice", "Update"),
    ("invoicedetail", "Create"),
    ("invoicedetail", "Update"),
    (columns.DETAILS.name, "Update"),
    (columns.SETTINGS.name, "Update"),
)


@dataclass
class Hooks:
    """Steps registered in Dynamics that post to our application, which hands its events to the dispatcher."""

    world: World

    def __post_init__(self) -> None:
        organisation = self.world.connection.dynamics_organization_id
        endpoints = Endpoints(self.world.engine, Vault(self.world.keys))
        endpoint = endpoints.ensure(organisation)
        parts = Parts(
            publish=self.publish,
            find_endpoint=endpoints.find,
            read_endpoint=endpoints.find,
            knows_xero_tenant=lambda _tenant: False,
            xero_webhook_keys=(),
        )
        self.client = Client(create_app(parts))
        setting = f'<settings><setting name="{SECRET_HEADER}" value="{endpoint.secrets[0]}" /></settings>'
        row = {"name": "Connector", "contract": 8, "authtype": 5, "authvalue": setting}
        url = f"https://connector.example/webhooks/dynamics/{endpoint.key}"
        self.endpoint_id = self.world.sales.create("serviceendpoint", row | {"url": url})
        for table, message in STEPS:
            self.step(table, message)
        self.events: list[Event] = []

    def step(self, table: str, message: str) -> str:
        """Register a step; return its id."""
        rows = self.world.dynamics.rows
        (message_id,) = (row["sdkmessageid"] for row in rows("sdkmessages") if row["name"] == message)
        (filter_id,) = (
            row["sdkmessagefilterid"]
            for row in rows("sdkmessagefilters")
            if row["primaryobjecttypecode"] == table and row["_sdkmessageid_value"] == message_id
        )
        step = {
            "name": f"{table} {message}",
            "stage": 40,
            "mode": 1,
            "rank": 1,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({self.endpoint_id})",
            "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filter_id})",
        }
        step_id = self.world.sales.create("sdkmessageprocessingstep", step)
        if table in ("invoicedetail", columns.DETAILS.name):
            self.image(step_id, "invoiceid" if table == "invoicedetail" else "stl3_dynamicsinvoiceid", message)
        return step_id

    def image(self, step_id: str, attributes: str, message: str) -> None:
        """Let its posts say these columns: as they were before a deletion, else as they are afterwards."""
        when = "before" if message == "Delete" else "after"
        row = {
            "name": when,
            "entityalias": when,
            "imagetype": 0 if message == "Delete" else 1,
            "messagepropertyname": "Id" if message == "Create" else "Target",
            "attributes": attributes,
            "sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({step_id})",
        }
        self.world.sales.create("sdkmessageprocessingstepimage", row)

    def publish(self, events: Sequence[Event]) -> None:
        self.events += events
        self.world.dispatch(*events)

    def deliver(self) -> int:
        """Let Dynamics post what it has to post; return how many posts that were."""
        return deliver_due(self.world.dynamics.outbox, self._post, self.world.dynamics.settle)

    def _post(self, delivery: Delivery) -> int:
        path = urlsplit(delivery.url).path
        return self.client.post(path, data=delivery.body, headers=delivery.headers).status_code


@pytest.fixture
def hooks(world: World) -> Hooks:
    return Hooks(world)


def test_a_saved_invoice_is_in_xero_by_its_event(world: World, hooks: Hooks) -> None:
    """H1: no poll is needed."""
    invoice_ids = world.save_invoices(2)
    assert hooks.deliver() > 0
    assert world.woken

    world.work()

    world.assert_exported_once(*invoice_ids)


def test_our_own_writes_raise_no_work(world: World, hooks: Hooks) -> None:
    """R14, F60: Intents, details, tax, amount due and history are posted too: nothing is written for them, in Xero
    or here.
    """
    invoice_id = world.save_invoice(Line("Work", "10.00"), Line("More", "5.00"))
    hooks.deliver()
    world.work()
    world.xero.wire.forget_calls()
    before = world.rows_of_ours()

    assert hooks.deliver() > 0
    world.work()

    assert world.xero_calls() == []
    assert world.rows_of_ours() == before
    assert hooks.deliver() == 0
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
    world.assert_exported_once(invoice_id)
    world.assert_quiet()


def test_failed_set_to_no_makes_it_go_at_once(world: World, hooks: Hooks) -> None:
    """C60: the event of the details row leads to the invoice."""
    (invoice_id,) = world.save_invoices(1)
    bad_account_code(world, invoice_id)
    hooks.deliver()
    world.work()
    hooks.deliver()
    assert world.status(invoice_id) == "Failed"
    (line,) = world.lines(invoice_id)
    world.sales.update("invoicedetail", line["invoicedetailid"], {"stl3_AccountCode@odata.bind": None})
    world.try_again(invoice_id)

    hooks.deliver()
    world.work()

    world.assert_exported_once(invoice_id)


def test_a_new_line_opens_the_gate_at_once(world: World, hooks: Hooks) -> None:
    """C6: the event of the line leads to the invoice."""
    invoice_id = world.save_invoice()
    hooks.deliver()
    world.work()
    line = world._line(Line("Work", "10.00"))
    world.sales.create("invoicedetail", {**line, "invoiceid@odata.bind": f"/invoices({invoice_id})"})

    hooks.deliver()
    world.work()

    world.assert_exported_once(invoice_id)


def test_events_that_come_twice_or_in_another_order_change_nothing(world: World, hooks: Hooks) -> None:
    """R7, F02, F03: Each delivery is posted twice, the last one first."""
    invoice_ids = world.save_invoices(3)
    posts = world.dynamics.outbox.pending()
    for delivery in [*reversed(posts), *posts]:
        assert hooks._post(delivery) == 200
        world.work()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3


def test_a_settings_event_drops_the_remembered_settings(world: World, hooks: Hooks) -> None:
    """B: at once, not after a minute."""
    world.save_invoices(1)
    hooks.deliver()
    world.work()
    world.choose(status="Authorised")
    world.save_invoices(1)

    hooks.deliver()
    world.work()

    assert sorted(document["Status"] for document in world.documents()) == ["AUTHORISED", "DRAFT"]
