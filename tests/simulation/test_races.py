"""Races that need an exact order of two calls, processes or clocks; numbered as in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest

from core import columns, money
from core.event import Event
from pipeline.nightly import day_of
from pipeline.poll import poll
from pipeline.renewing import renew_unheard
from pipeline.work import work
from simulators.wire import DroppedConnection, Fault
from tests.world import Line, Skewed, World

PUT_INVOICES = ("PUT", "/api.xro/2.0/Invoices")
BILL = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}


class Post:
    """Stands before Xero and holds back the next call that creates documents, or lets a part of it through."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._app: Any = world.xero.wire._app
        self.held: tuple[dict[str, Any], bytes] | None = None
        self.lets_through: int | None = None
        world.xero.wire._app = self

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.lets_through is None or (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != PUT_INVOICES:
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read()
        if self.lets_through == 0:
            self.held = dict(environ), body
        else:
            document = money.loads(body)
            part = money.dumps({"Invoices": document["Invoices"][: self.lets_through]})
            self._carry(dict(environ), part)
        self.lets_through = None
        raise DroppedConnection("no answer")

    def arrive(self) -> None:
        """The call that was held back arrives; nobody hears its answer."""
        assert self.held is not None
        self._carry(*self.held)

    def _carry(self, environ: dict[str, Any], body: bytes) -> None:
        environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        list(self._app(environ, lambda *_: None))


def invoice_event(world: World, invoice_id: str, message: str = "Create") -> Event:
    organisation = world.connection.dynamics_organization_id
    return Event("dynamics", organisation, "invoice", invoice_id, message, f"{message} {world.clock.now()}")


@pytest.mark.parametrize("kind", ["sales", "bill"])
def test_r3_a_call_that_arrives_after_the_first_look_is_the_one_that_counts(world: World, kind: str) -> None:
    """R3, F41: Xero carries out a call long after its sender gave up and looked for it in vain; nothing is doubled.

    Bills as well, whose numbers Xero does not keep apart.
    """
    post = Post(world)
    world.products.clear()
    invoice_id = world.save_invoice(Line("Work", "10.00"), **(BILL if kind == "bill" else {}))
    world.mark(invoice_id)
    post.lets_through = 0
    world.work()
    world.pass_time(seconds=310)
    world.work()  # too old to be sent again: looks, and finds nothing
    assert world.all_documents() == []

    post.arrive()
    world.settle()

    world.assert_exported_once(invoice_id)
    assert len(world.all_documents()) == 1
    world.assert_quiet()


def test_f41_a_call_that_arrives_after_the_next_attempt_is_found_and_settled(world: World) -> None:
    """R3, F41: later than anybody waits for, so that two documents come into being; the second draft is deleted."""
    post = Post(world)
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    post.lets_through = 0
    world.work()
    world.run_for(minutes=10)
    world.assert_exported_once(invoice_id)

    post.arrive()
    world.run_for(minutes=6)

    assert [row["Status"] for row in world.all_documents()].count("DELETED") == 1
    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize("through", [1, 3, 4])
def test_r11_a_batch_that_is_carried_out_in_part_is_completed(world: World, through: int) -> None:
    """R11, F40, F46: Xero makes some of five documents and the connection breaks: the others are made, once."""
    post = Post(world)
    invoice_ids = world.save_invoices(5)
    world.mark(*invoice_ids)
    post.lets_through = through
    world.work()
    assert len(world.all_documents()) == through

    world.pass_time(minutes=6)  # Xero has forgotten the key: only a look can tell them apart
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 5
    world.assert_quiet()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("point", ["POST contoso", "PUT api.xero.com/api.xro/2.0/Invoices"])
def test_r18_a_poll_and_an_event_find_the_same_invoice_at_once(world: World, point: str, *, after: bool) -> None:
    """R18, R1, F24, F25: another process polls and works while the first one does what the event told."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))

    def meanwhile() -> None:
        other = world.new_process()
        poll(other, world.connection.id)
        work(other, world.connection.id)

    world.dispatch(invoice_event(world, invoice_id))
    world.tap.when(point, meanwhile, after=after)
    world.work()
    world.settle()

    world.assert_exported_once(invoice_id)
    assert len(world.all_documents()) == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_r20_a_worker_whose_clock_is_wrong_by_an_hour(world: World, hours: int) -> None:
    """R20, F67: leases, attempts and their age go by Redis' time; a wrong clock costs nothing, not even a call."""
    invoice_ids = world.save_invoices(3)
    world.app = world.new_process(Skewed(world.clock, timedelta(hours=hours)))
    world.mark(*invoice_ids)
    world.lose_reply("PUT /api.xro/2.0/Invoices")

    world.work()
    world.pass_time(seconds=30)
    world.work()

    world.assert_exported_once(*invoice_ids)
    started = world.clock.now() - timedelta(seconds=31)
    (exported,) = {world.details(invoice_id)["stl3_exportdate"] for invoice_id in invoice_ids}
    assert exported >= f"{started:%Y-%m-%dT%H:%M:%SZ}"
    assert len(set(world.sent_keys())) == 1


@pytest.mark.parametrize(("xero_s", "dynamics_s"), [(240, -240), (-240, 240), (240, 240), (-240, -240)])
def test_r8_vendors_whose_clocks_disagree_by_minutes(fresh_world: Any, xero_s: int, dynamics_s: int) -> None:
    """R8, F64, F67: times of one system are only ever compared with times of the same; no event is needed."""
    world = fresh_world(xero_ahead=timedelta(seconds=xero_s), dynamics_ahead=timedelta(seconds=dynamics_s))
    first, second = world.save_invoices(2, duedate="2026-12-24")
    world.run_for(minutes=11)
    world.assert_exported_once(first, second)

    line = world.lines(first)[0]
    world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": 7})
    (document,) = world.documents_of(second)
    person = world.xero.user(world.org)
    person.approve_invoice(document["InvoiceID"])
    person.pay(document["InvoiceID"], document["Total"])
    world.run_for(minutes=6)

    (changed,) = world.documents_of(first)
    assert changed["Total"] == world.invoice(first)["totalamount"]
    assert world.invoice(second)["statecode"] == 2


def test_r9_a_number_that_is_changed_after_the_export_keeps_its_document(world: World) -> None:
    """R9: the id on the Xero details row says which document it is, not the number."""
    world.choose(use_xero_number=False)
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.settle()
    (document,) = world.documents_of(invoice_id)

    world.edit(invoice_id, invoicenumber="INV-RENUMBERED", description="PO 9")
    world.mark(invoice_id)
    world.settle()

    (now,) = world.documents_of(invoice_id)
    assert now["InvoiceID"] == document["InvoiceID"]
    assert len(world.all_documents()) == 1


def test_f04_events_that_come_days_later_make_nothing_anew(world: World) -> None:
    """F04, F14: the creation, told again two days after the invoice was exported, cancelled and deleted."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    told = invoice_event(world, invoice_id)
    world.choose(create_credit_notes=True)
    world.dispatch(told)
    world.settle()
    world.sales.cancel_invoice(invoice_id)
    world.settle()
    world.sales.delete("invoice", invoice_id)
    world.settle()
    before = [(row["InvoiceID"], row["Status"]) for row in world.all_documents()]

    world.pass_time(hours=49)
    world.settle()
    world.dispatch(told)  # its key is forgotten after a day
    world.settle()

    assert [(row["InvoiceID"], row["Status"]) for row in world.all_documents()] == before
    assert [status for _, status in before] == ["DELETED"]


def test_f27_a_redis_that_shows_yesterday_doubles_nothing(world: World) -> None:
    """F27: after a fail-over to an old replica everything that was done is due again, and watermarks are old."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    before = {key: world.redis.dump(key) for key in world.redis.keys("*")}
    world.settle()
    world.assert_exported_once(*invoice_ids)

    world.redis.flushall()
    for key, value in before.items():
        world.redis.restore(key, 0, value)
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == 3
    world.assert_quiet()


@pytest.mark.parametrize("point", ["POST contoso", "PUT api.xero.com/api.xro/2.0/Contacts"])
def test_f75_a_connection_that_is_removed_in_mid_work_ends_the_work(world: World, point: str) -> None:
    """F75: what its worker asks next is no longer allowed; nothing of it is left, and no other connection suffers."""
    other, organisation = world.join_second()
    mine, theirs = (
        world.save_invoice(Line("Work", "1.00")),
        world.save_invoice(Line("Work", "2.00"), connection=other),
    )

    def remove() -> None:
        world.app.connections.remove(world.connection.id)
        world.app.lanes.forget(world.connection.id)

    world.mark(mine)
    world.tap.when(point, remove)
    world.work()
    world.work()
    world.poll()
    world.settle(connection=other)

    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
    assert len(world.documents(organisation)) == 1
    assert theirs in world.documents(organisation)[0]["Url"]


def test_f35_a_tenant_with_very_many_invoices_hands_over_after_its_time_slice(world: World) -> None:
    """F35: 120 invoices are due; when the slice is over, the worker goes on with the next message of the queue."""
    world.save_invoices(120)
    world.poll()
    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", lambda: world.pass_time(seconds=6), after=True)
    world.woken.clear()

    world.work()

    assert len(world.all_documents()) == 50
    assert world.woken == [world.connection.id]
    assert world.app.lanes.counts(world.connection.id)["due"] >= 70


def test_f68_the_round_of_the_night_comes_once_where_clocks_change(fresh_world: Any) -> None:
    """F68: the nights of London in which an hour is missing or comes twice have one round each, like any other."""
    world = fresh_world()
    for night in ("2026-10-25", "2027-03-28"):
        days = [
            day_of(
                world.connection, world.clock.now().fromisoformat(f"{night}T00:00:00+00:00") + timedelta(minutes=n)
            )
            for n in range(0, 24 * 60, 10)
        ]
        changes = sum(before != after for before, after in pairwise(days))
        assert changes == 1


def test_f72_a_process_that_dies_between_the_refresh_and_its_storing(fresh_world: Any) -> None:
    """F72, F71: Xero has rotated the token and nobody here knows the new one; the old one goes out again."""
    world = fresh_world(consent="web")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.pass_time(minutes=31)
    world.mark(invoice_id)
    world.tap.crash_at(1, after=True, only="identity.xero.com/connect/token")
    with pytest.raises(BaseException, match="after POST identity"):
        work(world.app, world.connection.id)

    world.die()
    world.pass_time(seconds=31)  # the right to refresh of the dead one lapses
    world.settle()

    world.assert_exported_once(invoice_id)
    assert world.app.connections.find(world.connection.id).state == "in service"


def test_f71_a_refresh_that_nobody_heard_of_is_repeated_though_nobody_has_work(fresh_world: Any) -> None:
    """F71: Xero takes the old token for half an hour; the next work comes later than that."""
    world = fresh_world(consent="web")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.pass_time(minutes=31)
    world.mark(invoice_id)
    world.xero.wire.inject(Fault("/connect/token", "drop-after"))
    world.work()
    world.redis.flushall()
    for _ in range(40):
        world.pass_time(minutes=1)
        renew_unheard(world.joiner.consents, world.tokens_of, world.clock.now())
    assert len([call for call in world.xero.wire.calls if "token" in call.path]) == 2

    world.mark(invoice_id)
    world.settle()

    world.assert_exported_once(invoice_id)
    assert world.app.connections.find(world.connection.id).state == "in service"
