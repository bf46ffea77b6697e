"""An attempt whose outcome nobody knows: it is resolved before anything else, however old it is, whatever changed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from core import columns
from simulators.wire import Fault
from tests.world import Line, World

PUT_INVOICES = "PUT /api.xro/2.0/Invoices"


def lose(world: World, *, made: bool, times: int = 1) -> None:
    world.xero.wire.inject(Fault(match=PUT_INVOICES, kind="drop-after" if made else "drop-before", times=times))


def start_attempt(world: World, *, made: bool, invoices: int = 1) -> list[str]:
    """Leave an open attempt behind, as a worker does that never comes back."""
    invoice_ids = world.save_invoices(invoices)
    world.mark(*invoice_ids)
    lose(world, made=made)
    world.work()
    assert world.details(invoice_ids[0])["stl3_attemptstarted"] is not None
    world.xero.wire.forget_calls()
    return invoice_ids


@pytest.mark.parametrize("minutes", [5, 6, 7, 30])
@pytest.mark.parametrize("invoices", [1, 3])
def test_a_document_that_was_made_is_adopted_by_one_look_up(world: World, minutes: int, invoices: int) -> None:
    """R5, F42: Too old to be sent again: one list call and one call for the lines; nothing is sent."""
    invoice_ids = start_attempt(world, made=True, invoices=invoices)
    world.pass_time(minutes=minutes)

    world.work()

    world.assert_exported_once(*invoice_ids)
    assert world.xero_calls() == ["GET /api.xro/2.0/Invoices"] * 2


@pytest.mark.parametrize("minutes", [5, 6])
def test_a_document_that_was_not_made_is_waited_for_until_no_late_call_can_arrive(world: World, minutes: int) -> None:
    """R3, F41, F42: Not found but younger than seven minutes: the attempt stays open and nothing is sent."""
    (invoice_id,) = start_attempt(world, made=False)
    world.pass_time(minutes=minutes)

    world.work()

    assert world.details(invoice_id)["stl3_attemptstarted"] is not None
    assert world.all_documents() == []
    world.settle()
    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize("invoices", [1, 3])
def test_a_document_that_was_not_made_is_made_once_after_seven_minutes(world: World, invoices: int) -> None:
    """F42: Nothing found and too old for a late call: a new attempt begins."""
    invoice_ids = start_attempt(world, made=False, invoices=invoices)
    world.pass_time(minutes=7, seconds=1)

    world.work()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == invoices


def test_a_look_up_reads_all_pages(world: World) -> None:
    """The document stands behind a thousand others that changed since."""
    (invoice_id,) = start_attempt(world, made=True)
    person = world.xero.user(world.org)
    contact = person.create_contact(Name="Busy")["ContactID"]
    world.pass_time(seconds=-120)
    for _ in range(1001):
        line = {"Description": "Work", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}
        person.create_invoice(Type="ACCREC", Contact={"ContactID": contact}, LineItems=[line], Date="2026-11-24")
    world.pass_time(minutes=10)

    world.work()

    assert len(world.documents_of(invoice_id)) == 1
    assert world.status(invoice_id) == "Yes"


def other_amount(world: World, invoice_id: str) -> None:
    (line,) = world.lines(invoice_id)
    world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": Decimal("99.00")})


def other_customer(world: World, invoice_id: str) -> None:
    other = world.add_customer("Adatum")
    world.edit(invoice_id, **{"customerid_account@odata.bind": f"/accounts({other})"})


def cancelled(world: World, invoice_id: str) -> None:
    world.edit(invoice_id, statecode=3, statuscode=100003)


def deleted(world: World, invoice_id: str) -> None:
    world.sales.delete("invoice", invoice_id)


def connector_cleared(world: World, invoice_id: str) -> None:
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": None})


def date_moved(world: World, invoice_id: str) -> None:
    world.edit(invoice_id, datedelivered="2026-12-24T00:00:00Z")


CHANGES = [other_amount, other_customer, cancelled, deleted, connector_cleared, date_moved]
UPDATED = "Invoice has been updated in"
FOLLOWS = {
    other_amount: UPDATED,
    other_customer: UPDATED,
    date_moved: UPDATED,
    connector_cleared: "The connector of this invoice",
    cancelled: "The invoice was cancelled in",
    deleted: "Invoice has been deleted in",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("minutes", [0, 6, 8])
def test_what_was_made_is_found_whatever_has_become_of_its_invoice(
    world: World, change: Callable[[World, str], None], minutes: int
) -> None:
    """The open attempt outranks every gate: the one document is recorded, no other is made; then it is followed."""
    (invoice_id,) = start_attempt(world, made=True)
    change(world, invoice_id)
    world.pass_time(minutes=minutes)

    world.settle()

    (document,) = world.all_documents()
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == document["InvoiceID"]
    assert world.details(invoice_id)["stl3_attemptstarted"] is None
    assert world.status(invoice_id) == "Yes"
    first, *others = [row["stl3_details"].split("\n")[0] for row in world.dynamics.rows(columns.HISTORY.set_name)]
    assert first == f"Invoice has been created in Xero - {document['InvoiceID']}"
    assert [row.split(" ")[:5] for row in others] == [FOLLOWS[change].split(" ")]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("minutes", [0, 6, 8])
def test_what_was_not_made_follows_the_invoice_as_it_is_now(
    world: World, change: Callable[[World, str], None], minutes: int
) -> None:
    """Sending again must not make a document of an invoice that has been cancelled or changed meanwhile."""
    (invoice_id,) = start_attempt(world, made=False)
    change(world, invoice_id)
    world.pass_time(minutes=minutes)

    world.settle()

    assert world.details(invoice_id)["stl3_attemptstarted"] is None
    if change in (other_amount, other_customer):
        world.assert_exported_once(invoice_id)
        (document,) = world.all_documents()
        assert document["SubTotal"] == Decimal("99.00" if change is other_amount else "1.00")
        assert document["Contact"]["Name"] == ("Adatum" if change is other_customer else "Fourth Coffee")
    else:
        assert world.all_documents() == []
        assert world.status(invoice_id) == "No"


def test_an_adopted_document_that_differs_from_the_invoice_is_brought_up_to_date(world: World) -> None:
    """It is as the attempt sent it, so nobody but us has changed it: the edit made meanwhile follows (rule C61)."""
    (invoice_id,) = start_attempt(world, made=True)
    other_amount(world, invoice_id)
    world.pass_time(minutes=6)

    world.settle()

    created, updated = world.history(invoice_id)
    assert "Net total in Xero 1.00 GBP, in Dynamics 99.00: difference -98.00" in created["stl3_details"]
    assert updated["stl3_details"].startswith("Invoice has been updated in Xero")
    (document,) = world.all_documents()
    assert document["SubTotal"] == Decimal("99.00")
    world.assert_quiet()


def test_an_adopted_document_that_somebody_has_changed_is_left_as_it_is(world: World) -> None:
    """Found otherwise than it was sent: nobody knows who did it, so the history lists what differs."""
    (invoice_id,) = start_attempt(world, made=True)
    (document,) = world.all_documents()
    world.xero.user(world.org).edit_line(document["InvoiceID"], UnitAmount="5.00")
    world.pass_time(minutes=6)

    world.settle()

    created, left = world.history(invoice_id)
    assert created["stl3_details"].startswith("Invoice has been created in Xero")
    assert "somebody may have changed it there" in left["stl3_details"]
    assert "price: 5.00 in Xero, 1.00 in Dynamics" in left["stl3_details"]
    assert world.status(invoice_id) == "Yes"
    world.assert_quiet()


def test_a_call_is_sent_again_with_the_same_key_and_the_same_body(world: World) -> None:
    """Within five minutes: Xero replays what it did, or does it now."""
    invoice_ids = world.save_invoices(3)
    world.mark(*invoice_ids)
    lose(world, made=True)

    world.settle()

    puts = [call for call in world.xero.wire.calls if call.method == "PUT" and call.path.endswith("/Invoices")]
    assert len(puts) == 2
    assert len({(call.headers["idempotency-key"], call.body) for call in puts}) == 1
    world.assert_exported_once(*invoice_ids)


def test_a_new_attempt_has_another_key(world: World) -> None:
    """R12, F43: The same invoice, the same body, after an attempt that made nothing."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    lose(world, made=False)
    world.work()
    world.pass_time(minutes=8)

    world.settle()

    first, second = world.sent_keys()
    assert first != second
    world.assert_exported_once(invoice_id)


def test_a_repaired_invoice_is_not_answered_with_yesterdays_refusal(world: World) -> None:
    """R12, F43: The same body a few seconds after a refusal gets a new answer: Xero replays errors to a known key."""
    person = world.xero.user(world.org)
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    person.alter_account("200", Status="ARCHIVED")
    world.choose(sales_account="200")
    world.mark(invoice_id)
    world.work()
    assert world.status(invoice_id) == "Failed"
    person.alter_account("200", Status="ACTIVE")
    world.try_again(invoice_id)
    world.pass_time(seconds=5)

    world.settle()

    world.assert_exported_once(invoice_id)
    bodies = {call.body for call in world.xero.wire.calls if call.method == "PUT" and call.path.endswith("Invoices")}
    assert len(bodies) == 1
    assert len(set(world.sent_keys())) == 2


def test_a_refusal_whose_answer_was_lost_is_recorded_once(world: World) -> None:
    """Xero refused, nobody heard it: it is asked again and the invoice fails, with one row of history."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.choose(sales_account="nope")
    world.mark(invoice_id)
    lose(world, made=True)

    world.settle()

    assert world.status(invoice_id) == "Failed"
    (row,) = world.history(invoice_id)
    assert "nope" in row["stl3_details"]
    assert world.details(invoice_id)["stl3_attemptstarted"] is None


@pytest.mark.parametrize("invoices", [1, 3])
def test_a_refusal_of_the_second_send_says_nothing_of_the_first(world: World, invoices: int) -> None:
    """The first call made the documents and its answer was lost; a gateway refuses the repetition: they are found."""
    invoice_ids = start_attempt(world, made=True, invoices=invoices)
    refusal = Fault(match=PUT_INVOICES, kind="status-before", status=400, body="Bad Request", times=5)
    world.xero.wire.inject(refusal)
    world.pass_time(minutes=1)

    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.all_documents()) == invoices
