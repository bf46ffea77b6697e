"""The poller's look at Xero: what moved there is found without a single event, in one call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from core import columns
from core.connections import NEEDS_ATTENTION, PAUSED
from pipeline.lanes import Entity
from pipeline.poll_xero import Row, sort_out
from pipeline.watermarks import Watermark
from simulators.wire import Fault
from simulators.xero.state import Organisation
from tests.world import Line, World

GET_INVOICES = "GET /api.xro/2.0/Invoices"
DUE = {"DueDate": "2026-12-24"}


def export(world: World, number: int = 1) -> list[str]:
    """Return invoices that have been exported and approved long ago; all of it is known on both sides."""
    invoice_ids = world.save_invoices(number)
    world.settle()
    approve_all(world)
    world.settle()
    world.pass_time(minutes=30)
    world.settle()
    return invoice_ids


def approve_all(world: World, organisation: Organisation | None = None) -> None:
    world.pass_time(seconds=10)
    person = world.xero.user(organisation or world.org)
    for document in world.documents(organisation):
        person.edit_invoice(document["InvoiceID"], **DUE)
        person.approve_invoice(document["InvoiceID"])
    world.pass_time(seconds=10)


def pay(world: World, invoice_id: str, amount: str | None = None) -> None:
    (document,) = world.documents_of(invoice_id)
    world.xero.user(world.org).pay(document["InvoiceID"], amount or document["AmountDue"])


def write_of_others(world: World, number: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """Let somebody make approved invoices in Xero that do not come from here."""
    person = world.xero.user(world.org)
    contact = person.create_contact(Name=f"Stranger {len(world.org.contacts)}")["ContactID"]
    line = {"Description": "Work", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}
    made = {"Type": "ACCREC", "Contact": {"ContactID": contact}, "Date": "2026-11-24", "Status": "AUTHORISED"}
    return [person.create_invoice(**made | DUE | {"LineItems": [line]} | fields) for _ in range(number)]


def xero_status(world: World, invoice_id: str) -> str:
    return str(world.details(invoice_id)["stl3_xerostatus"])


def calls_of_poll(world: World) -> tuple[list[str], list[str]]:
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()
    world.poll()
    return world.xero_calls(), world.dynamics_calls()


def is_due(world: World, kind: str, record_id: str) -> bool:
    return world.app.lanes.due_at(world.connection.id, Entity("xero", kind, record_id)) is not None


def test_a_payment_of_which_no_event_came_is_found(world: World) -> None:
    """Rule H2: at the next poll, by one list call."""
    (invoice_id,) = export(world)
    pay(world, invoice_id)

    world.poll()
    world.work()

    assert xero_status(world, invoice_id) == "PAID"
    world.settle()
    world.assert_quiet()


def test_an_idle_poll_is_one_call_to_either_side(world: World) -> None:
    """Nothing listed, so nothing is asked in Dynamics beyond its own part."""
    export(world)
    world.poll()
    world.pass_time(minutes=11)

    xero, dynamics = calls_of_poll(world)

    assert xero == [GET_INVOICES]
    assert len(dynamics) == 1


def test_our_own_write_is_listed_and_passed_over(world: World) -> None:
    """The echo of an export: the row has seen this very change, so no document is read."""
    world.save_invoices(3)
    world.settle()
    world.pass_time(minutes=2)

    xero, dynamics = calls_of_poll(world)

    assert xero == [GET_INVOICES]
    assert len(dynamics) == 2
    world.xero.wire.forget_calls()
    world.work()
    assert world.xero_calls() == []


def test_a_document_whose_write_has_not_been_followed_is_found_without_xero_telling(world: World) -> None:
    """An empty update time says that somebody may have moved it while it was written."""
    (invoice_id,) = export(world)
    world.edit_details(invoice_id, stl3_xeroupdated=None)

    world.poll()
    world.work()

    assert world.details(invoice_id)["stl3_xeroupdated"] is not None
    world.assert_quiet()


@pytest.mark.parametrize("status", [429, 503])
def test_a_failing_xero_hinders_nothing_of_the_look_at_dynamics(world: World, status: int) -> None:
    """The new invoice is marked, and the payment is found by the next poll."""
    (paid,) = export(world)
    pay(world, paid)
    (new,) = world.save_invoices(1)
    headers = {"Retry-After": "30", "X-Rate-Limit-Problem": "minute"} if status == 429 else {}
    world.xero.wire.inject(Fault(match=GET_INVOICES, kind="status-before", status=status, headers=headers))

    world.poll()
    assert world.app.lanes.due_at(world.connection.id, Entity("dynamics", "invoice", new)) is not None
    world.pass_time(minutes=5)
    world.settle()

    world.assert_exported_once(new)
    assert xero_status(world, paid) == "PAID"


def test_a_consent_that_ended_in_xero_stops_the_connection_after_the_look_at_dynamics(world: World) -> None:
    """What is due stays due, and after the repair everything goes on by itself."""
    (paid,) = export(world)
    pay(world, paid)
    (new,) = world.save_invoices(1)
    world.xero.wire.inject(Fault(match=GET_INVOICES, kind="status-before", status=403, times=2))

    world.poll()
    stopped = world.app.connections.find(world.connection.id)
    assert stopped is not None
    assert stopped.state == NEEDS_ATTENTION
    assert world.app.lanes.due_at(world.connection.id, Entity("dynamics", "invoice", new)) is not None
    world.xero.wire.release()
    world.pass_time(minutes=16)
    world.settle()

    resumed = world.app.connections.find(world.connection.id)
    assert resumed is not None
    assert resumed.state != NEEDS_ATTENTION
    assert xero_status(world, paid) == "PAID"
    world.assert_exported_once(new)


def test_a_paused_connection_makes_no_call(world: World) -> None:
    """What moves meanwhile is found when it goes on: the watermark stays where it was."""
    (invoice_id,) = export(world)
    world.app.connections.save_state(world.connection.id, PAUSED)
    pay(world, invoice_id)
    world.pass_time(hours=3)

    assert calls_of_poll(world) == ([], [])
    world.app.connections.save_state(world.connection.id, "in service")
    world.settle()

    assert xero_status(world, invoice_id) == "PAID"


def test_when_redis_has_lost_everything_the_catch_up_finds_what_moved_long_ago(world: World) -> None:
    """F26, F64: Without a watermark everything since the connection began is listed again."""
    paid, still_open = export(world, 2)
    pay(world, paid)
    world.pass_time(days=3)
    world.redis.flushall()

    world.settle()

    assert (xero_status(world, paid), xero_status(world, still_open)) == ("PAID", "AUTHORISED")
    world.assert_quiet()


def test_a_catch_up_that_meets_a_limit_goes_on_from_there(world: World) -> None:
    """The watermark follows behind the marks, page after page, so that no page is read again and again."""
    (first,) = export(world)
    pay(world, first)
    for _ in range(20):
        write_of_others(world, 100)
        world.pass_time(seconds=10)
    (last,) = world.save_invoices(1)
    world.mark(last)
    world.work()
    world.pass_time(minutes=30)
    (document,) = world.documents_of(last)
    world.xero.user(world.org).edit_invoice(document["InvoiceID"], **DUE, Status="SUBMITTED")
    world.xero.wire.inject(
        Fault(match=GET_INVOICES, kind="status-before", status=429, headers={"Retry-After": "60"}, skip=1)
    )
    before = Watermark(world.redis, world.connection.id, "xero").load()

    world.poll()
    in_between = Watermark(world.redis, world.connection.id, "xero").load()
    world.pass_time(seconds=61)  # the lane rests as well until the limit ends
    world.work()
    assert xero_status(world, first) == "PAID"
    world.pass_time(minutes=5)
    xero, _ = calls_of_poll(world)
    world.settle()

    assert before is not None
    assert in_between is not None
    assert in_between > before
    assert len(xero) == 2  # the second thousand and what is left, not the first
    assert xero_status(world, last) == "SUBMITTED"
    world.assert_quiet()


def test_a_document_that_changes_between_two_pages_is_not_lost(world: World) -> None:
    """F55: One of the first page moves to the end, and those behind it move up by one place."""
    invoice_ids = export(world, 3)
    others = write_of_others(world, 998)
    for invoice_id in invoice_ids:
        pay(world, invoice_id, "0.10")
    world.pass_time(minutes=1)
    person = world.xero.user(world.org)
    moved = [other["InvoiceID"] for other in others[:3]]

    def somebody_pays() -> None:
        for xero_id in moved:
            person.pay(xero_id, "0.10")

    world.tap.when("GET api.xero.com/api.xro/2.0/Invoices", somebody_pays, after=True)

    world.poll()
    world.work()

    assert [world.details(invoice_id)["stl3_amountpaid"] for invoice_id in invoice_ids] == [Decimal("0.10")] * 3


def test_redis_wiped_at_any_call_of_a_poll_loses_nothing(fresh_world: Callable[[], World]) -> None:
    """Marks, times and watermarks may go at any moment."""
    for number in count(1):
        world = fresh_world()
        (invoice_id,) = export(world)
        pay(world, invoice_id)
        left = number

        def wipe(_name: str, world: World = world) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                world.tap.close()
                world.redis.flushall()

        world.tap.before = wipe
        world.poll()
        world.tap.close()
        if left > 0:
            assert number > 10
            break
        world.settle()

        assert xero_status(world, invoice_id) == "PAID"


def test_an_answer_that_is_lost_leaves_the_watermark_where_it_was(world: World) -> None:
    """F64: The next poll asks for the same stretch again."""
    (invoice_id,) = export(world)
    pay(world, invoice_id)
    before = Watermark(world.redis, world.connection.id, "xero").load()
    world.lose_reply(GET_INVOICES)

    world.poll()

    assert Watermark(world.redis, world.connection.id, "xero").load() == before
    world.pass_time(minutes=5)
    world.settle()
    assert xero_status(world, invoice_id) == "PAID"


def test_the_contact_of_a_document_of_others_is_due_for_its_balances(world: World) -> None:
    """Rule D8: documents that we did not create change what their customers owe."""
    export(world)
    approved, draft, bill = (
        write_of_others(world)[0],
        write_of_others(world, Status="DRAFT")[0],
        write_of_others(world, Type="ACCPAY")[0],
    )

    world.poll()

    assert is_due(world, "contact", approved["Contact"]["ContactID"])
    assert not is_due(world, "contact", draft["Contact"]["ContactID"])
    assert not is_due(world, "contact", bill["Contact"]["ContactID"])


def test_both_contacts_are_due_when_a_document_moves_from_one_to_another(world: World) -> None:
    """The one before owes less now, though no document of its own has moved."""
    (invoice_id,) = export(world)
    (document,) = world.documents_of(invoice_id)
    before, after = document["Contact"]["ContactID"], write_of_others(world)[0]["Contact"]["ContactID"]
    world.settle()
    world.pass_time(minutes=30)
    world.xero.user(world.org).edit_invoice(document["InvoiceID"], Contact={"ContactID": after})

    world.poll()

    assert is_due(world, "contact", before)
    assert is_due(world, "contact", after)


def test_a_contact_whose_balances_were_read_since_is_not_due_again(world: World) -> None:
    """The document is listed for ten minutes; its contact is read once."""
    export(world)
    (other,) = write_of_others(world)
    world.pass_time(minutes=2)
    world.settle()
    world.pass_time(minutes=5)

    world.poll()

    assert not is_due(world, "contact", other["Contact"]["ContactID"])


def test_documents_of_others_and_of_other_connections_touch_no_row(world: World) -> None:
    """I4, rule D9: two organisations in Xero, one Dynamics; each poll marks what its own rows name."""
    second, organisation = world.join_second()
    mine, theirs = world.save_invoice(Line("A", "1.00")), world.save_invoice(Line("B", "2.00"), connection=second)
    for connection in (world.connection, second):
        world.settle(connection=connection)
    approve_all(world, organisation)
    write_of_others(world)
    before = world.rows_of_ours()

    world.settle()
    assert world.rows_of_ours() == before
    world.settle(connection=second)

    assert (xero_status(world, mine), xero_status(world, theirs)) == ("DRAFT", "AUTHORISED")
    assert len(world.dynamics.rows(columns.DETAILS.set_name)) == 2


def test_a_payment_in_the_very_moment_of_our_write_is_found(world: World) -> None:
    """The same update time to the millisecond: by its time alone it would pass for our own write."""
    world.choose(status="Authorised")
    (invoice_id,) = world.save_invoices(1, duedate="2026-12-24")
    world.settle()
    pay(world, invoice_id)
    assert world.org.invoices[world.details(invoice_id)["stl3_xeroinvoiceid"]]["UpdatedDateUTC"] == world.clock.now()

    world.poll()
    world.work()

    assert xero_status(world, invoice_id) == "PAID"
    world.settle()
    world.assert_quiet()


def test_a_credited_document_is_known_whether_or_not_the_list_names_its_notes(world: World) -> None:
    """Rule D2, I5: a summary may tell what settled it, which is no news; nothing is read again for ten minutes."""
    (invoice_id,) = export(world)
    (document,) = world.documents_of(invoice_id)
    world.xero.user(world.org).credit(document["InvoiceID"])
    world.pass_time(minutes=1)
    world.settle()
    assert xero_status(world, invoice_id) == "Credited"
    tools = world.app.connect(world.connection, world.app.lanes.now)
    details = world.details(invoice_id)
    seen = datetime.fromisoformat(details["stl3_xeroupdated"])
    row = Row(
        invoice_id=invoice_id,
        connection_id=world.connection.id,
        xero_id=document["InvoiceID"],
        contact_id=document["Contact"]["ContactID"],
        seen=seen,
        is_attempted=False,
        status=details["stl3_xerostatus"],
        due=details["stl3_amountdue"],
    )
    (listed,) = tools.xero.list_invoices_changed(world.clock.now() - timedelta(minutes=10))
    (whole,) = tools.xero.list_invoices(ids=[document["InvoiceID"]])

    for notes in ([], whole["CreditNotes"]):
        moved = sort_out(tools, [listed | {"CreditNotes": notes}], [row])

        assert moved.documents == {}
