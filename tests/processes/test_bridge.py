"""The bridge through Microsoft's own SDK: a bus that breaks, goes away and forgets, a Redis that dies."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from structlog.testing import capture_logs

from cli.doctor import look_at_bus
from core.errors import ConnectorError, Transient
from core.inbox import Inbox
from core.settings import read_settings
from tests.contract.dataverse_world import DataverseWorld
from tests.processes.bridge_world import FORGOTTEN_SOCKETS, HOST, accepted, bridging, put, record
from tests.processes.redis_world import RealRedis, wait_until
from tests.servicebus_broker import QUEUE
from tests.servicebus_peer import ServiceBusPeer
from tests.unit.webhook_world import Webhooks, context
from webhooks.bus import Bus
from webhooks.servicebus import ORGANISATION_CLAIM

pytestmark = [pytest.mark.processes, FORGOTTEN_SOCKETS]


# -- the way ---------------------------------------------------------------------------------------------------


def test_what_happens_in_dynamics_goes_by_the_bus_as_it_goes_by_webhook(
    peer: ServiceBusPeer, inbox: Inbox, request: pytest.FixtureRequest
) -> None:
    """F15, F60: a save, a change, a deleted line, a row too large for the bus, and our own write, which is an echo.

    The same steps post to a webhook, too; both ways say the same but for the id of the job that carried it.
    """
    world = DataverseWorld()
    world.env.customise({"columns": {"invoice": [{"name": "new_big", "type": "memo", "max_length": 300000}]}})
    queue = {"name": "bus", "contract": 2, "path": QUEUE, "namespaceaddress": "sb://x", "messageformat": 2}
    for endpoint in (world.post("serviceendpoints", queue), world.endpoint()):
        world.step("Create", endpoint=endpoint)
        world.step("Update", endpoint=endpoint)
        world.image(world.step("Delete", "invoicedetail", endpoint=endpoint), 0, "before", "invoiceid")
    line = {"productdescription": "Work", "quantity": 1, "priceperunit": 10}
    invoice = world.invoice(line, line)
    world.person.update("invoices", invoice, {"name": "July"})
    world.person.delete("invoicedetails", world.lines(invoice)[0]["invoicedetailid"])
    world.invoice(new_big="x" * 110_000)
    assert world.call("PATCH", f"invoices({invoice})?tag=stl3connector", {"name": "Ours"}).status_code == 204
    messages = world.env.bus
    organisation = world.env.organization_id
    assert any(b"InputParameters" not in message.body for message in messages)

    with bridging(peer, inbox, hosts={organisation: HOST}) as bridged:
        for message in messages:
            peer.put(message.body, message.application_properties, content_type=message.content_type)
        wait_until(lambda: peer.is_empty)

    came = accepted(inbox)
    webhooks = Webhooks(Inbox("memory://", queue=request.node.name))
    webhooks.endpoint = type(webhooks.endpoint)("endpoint-key", organisation, ("new-secret",))
    assert [webhooks.post_dynamics(message.body).status_code for message in messages] == [200] * len(messages)
    assert came == webhooks.accepted()
    assert len(world.deliver()) == len(messages)
    assert {webhooks.post_dynamics(delivery.body).status_code for delivery in world.sent} == {200}
    posted = webhooks.accepted()
    assert [(e.entity, e.record_id, e.message) for e in came] == [(e.entity, e.record_id, e.message) for e in posted]
    assert bridged.counts()["echo"] >= 1
    assert [event.record_id for event in came].count(invoice) >= 3
    assert len(peer.completed) == len(messages)


def test_many_messages_are_carried_in_batches(peer: ServiceBusPeer) -> None:
    """Each once, and no more than fifty in hand."""
    put(peer, *range(120))

    with capture_logs() as logs, bridging(peer) as bridged:
        wait_until(lambda: peer.is_empty)

    sizes = [entry["messages"] for entry in logs if entry["event"] == "messages.carried"]
    assert (sum(sizes), max(sizes) <= 50, len(sizes) < 40) == (120, True, True)
    assert sorted(bridged.records()) == [record(number) for number in range(120)]
    assert len(peer.completed) == 120
    assert {parcel.delivery_count for parcel in peer.completed} == {0}


def test_f16_what_nobody_can_use_is_dead_lettered_and_blocks_nothing(peer: ServiceBusPeer) -> None:
    """F11, F13, F16: each with a reason that says nothing of what the message says; those behind go on."""
    stranger = context(OrganizationId="0b0b0b0b-0000-4000-8000-0000000000ff")
    peer.put(b"@\x06string\x083http", content_type="application/msbin1")
    peer.put(b"<Anna>Nowak</Anna>", content_type="application/xml")
    peer.put(b'{"Anna": "Nowak"', content_type=None)
    peer.put(b"\xffNowak")
    peer.put("a text, no data")
    peer.put({"a": "map"})
    peer.put(b'["Nowak"]')
    peer.put(json.dumps(context()).encode(), {ORGANISATION_CLAIM: "fabrikam.crm4.dynamics.com"})
    peer.put(json.dumps(stranger).encode(), {ORGANISATION_CLAIM: HOST})
    put(peer, 1)

    with capture_logs() as logs, bridging(peer) as bridged:
        wait_until(lambda: peer.is_empty)

    assert [parcel.reason for parcel in peer.dead] == [
        "BinaryXml",
        "Xml",
        "NotJson",
        "NotJson",
        "NoBody",
        "NoBody",
        "NotAContext",
        "OrganisationMismatch",
    ]
    assert all(parcel.description for parcel in peer.dead)
    assert "Nowak" not in repr([(parcel.reason, parcel.description) for parcel in peer.dead])
    assert "Nowak" not in repr(logs)
    assert bridged.records() == [record(1)]
    assert (bridged.counts()["unknown_organisation"], bridged.counts()["dead_lettered"]) == (1, 8)


# -- Redis -----------------------------------------------------------------------------------------------------


def test_f08_a_message_stays_on_the_bus_until_redis_has_it(
    peer: ServiceBusPeer, inbox: Inbox, redis: RealRedis
) -> None:
    """F08, F26: Redis is killed and comes back; nothing is lost, and no delivery was counted more than once."""
    with bridging(peer, inbox) as bridged:
        put(peer, 1)
        wait_until(lambda: peer.is_empty)
        redis.kill()
        try:
            with capture_logs() as logs:
                put(peer, 2, 3)
                wait_until(lambda: [entry["event"] for entry in logs].count("inbox.publish_failed") >= 2)
                put(peer, 4)
            assert len(peer.completed) == 1
            assert not peer.is_empty
        finally:
            redis.start()
        wait_until(lambda: peer.is_empty)

    assert sorted(event.record_id for event in accepted(inbox)) == [record(number) for number in (1, 2, 3, 4)]
    assert {parcel.delivery_count for parcel in peer.completed} == {0}
    assert bridged.counts()["completed"] == 4


# -- the bus ---------------------------------------------------------------------------------------------------


def test_f87_a_bus_that_cuts_and_goes_away_is_found_again(peer: ServiceBusPeer) -> None:
    """F87: a cut, a link that is detached, an hour's absence: it connects anew, and does not storm."""
    with bridging(peer) as bridged:
        put(peer, 1)
        wait_until(lambda: peer.is_empty)
        peer.cut()
        put(peer, 2)
        wait_until(lambda: peer.is_empty)
        peer.detach()
        put(peer, 3)
        wait_until(lambda: peer.is_empty)
        with capture_logs() as logs:
            peer.go_away()
            put(peer, 4)
            wait_until(lambda: any(entry["event"] == "bus.connection_lost" for entry in logs))
            peer.come_back()
            wait_until(lambda: peer.is_empty)

    assert bridged.records() == [record(number) for number in (1, 2, 3, 4)]
    assert 4 <= peer.connections <= 8


def test_a_key_that_is_wrong_or_may_not_listen_is_told_and_tried_again(peer: ServiceBusPeer) -> None:
    """Once, clearly, without the key; and when the right is given, it goes on by itself."""
    put(peer, 1)
    with capture_logs() as logs, bridging(peer, key="d3Jvbmcta2V5"):
        wait_until(lambda: peer.connections >= 2)
    [told] = [entry for entry in logs if entry["event"] == "bus.connection_refused"]
    assert "does not accept the key in SERVICEBUS_CONNECTION" in told["reason"]
    assert "d3Jvbmcta2V5" not in repr(logs)

    peer.allow(listening=False)
    with capture_logs() as logs, bridging(peer) as bridged:
        wait_until(lambda: any(entry["event"] == "bus.connection_refused" for entry in logs))
        peer.allow(listening=True)
        wait_until(lambda: peer.is_empty)
    assert "may not listen on the queue dynamics" in next(e["reason"] for e in logs if "reason" in e)
    assert bridged.records() == [record(1)]


def test_f07_a_settlement_that_is_lost_repeats_the_event_and_loses_nothing(peer: ServiceBusPeer) -> None:
    """F02, F07: the connection breaks under the settlement; the same event comes twice, with the same key."""
    peer.set_fault("lose")
    with bridging(peer) as bridged:
        put(peer, 1)
        wait_until(lambda: peer.connections >= 2)
        peer.set_fault(None)
        peer.end_locks()
        wait_until(lambda: peer.is_empty)

    assert bridged.records() == [record(1)] * 2
    assert len({event.key for event in bridged.published}) == 1
    assert [parcel.delivery_count for parcel in peer.completed] == [1]


def test_f40_a_settlement_whose_answer_is_lost_was_one_all_the_same(peer: ServiceBusPeer) -> None:
    """F40: nothing comes again, and the bridge goes on with the next message."""
    peer.set_fault("lose answer")
    with bridging(peer) as bridged:
        put(peer, 1)
        wait_until(lambda: len(peer.completed) == 1)
        peer.set_fault(None)
        put(peer, 2)
        wait_until(lambda: peer.is_empty)

    assert bridged.records() == [record(1), record(2)]


def test_f23_a_lock_that_ran_out_is_no_end(peer: ServiceBusPeer) -> None:
    """F23: the bridge was held up for longer than a lock lives; both messages come again and are settled then."""
    ended = threading.Event()

    class Slow(Inbox):
        def publish(self, events: Any) -> None:
            super().publish(events)
            if not ended.is_set():
                ended.set()
                peer.end_locks()

    put(peer, 1, 2)
    with bridging(peer, Slow("memory://")) as bridged:
        wait_until(lambda: peer.is_empty)

    assert bridged.counts()["lock_lost"] == 2
    assert bridged.counts()["completed"] == 2
    assert sorted(bridged.records()) == [record(1), record(1), record(2), record(2)]


def test_a_receiver_that_has_shut_itself_down_is_no_quiet_queue(peer: ServiceBusPeer) -> None:
    """It gives nothing, at once, for ever: taken for a quiet queue, the bridge would spin and hear nothing more."""
    bus = Bus(peer.connection_string(), QUEUE)
    assert bus.receive(1, 0.3) == []
    bus._receiver._handler._shutdown = True

    with pytest.raises(Transient, match="has ended"):
        bus.receive(1, 1.0)

    bus.close()


# -- looking at it ---------------------------------------------------------------------------------------------


def test_the_doctor_says_what_is_wrong_with_the_bus(peer: ServiceBusPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking takes no message away and locks none."""
    put(peer, 1)
    monkeypatch.setenv("SERVICEBUS_QUEUE", QUEUE)

    def look(connection: str) -> str:
        monkeypatch.setenv("SERVICEBUS_CONNECTION", connection)
        return look_at_bus(read_settings(None))

    assert look(peer.connection_string()) == "the queue dynamics can be read; messages wait in it"
    with pytest.raises(ConnectorError, match="does not accept the key"):
        look(peer.connection_string(key="wrong"))
    monkeypatch.setenv("SERVICEBUS_QUEUE", "other")
    with pytest.raises(ConnectorError, match="no queue other"):
        look(peer.connection_string())
    assert (peer.waiting, peer.locked) == (1, 0)
