"""What happens to a document in Xero comes back to its invoice (rules D1 to D7, D9), by event and by poll."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

import cli.sync
from core import columns
from core.event import Event
from core.invoice import ACTIVE, CANCELLED, PAID
from simulators.wire import Fault
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.taps import Crash
from tests.simulation.updating import FAILED, document, export, followed, in_order, person, updates
from tests.world import Line, World

READ = "GET /api.xro/2.0/Invoices"
PURCHASE = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}
ELSEWHERE = "0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b"
SENT = 100000007  # a status reason of a customer's own


def approved(world: World, *lines: Line, **row: Any) -> tuple[str, str]:
    """Return an invoice that is in Xero, authorised, and the id of its document."""
    world.choose(status="Authorised")
    invoice_id = export(world, *lines, **row)
    return invoice_id, document(world, invoice_id)["InvoiceID"]


def event_of(world: World, xero_id: str, *, at: Any = None) -> Event:
    """What Xero's webhook says of a document."""
    happened = at or world.org.invoices[xero_id]["UpdatedDateUTC"]
    stamp = f"{happened:%Y-%m-%dT%H:%M:%S.%f}"[:-3]
    return Event("xero", world.org.tenant_id, "invoice", xero_id, "UPDATE", stamp)


def by_event(world: World, xero_id: str) -> None:
    world.dispatch(event_of(world, xero_id))
    world.work()


def by_poll(world: World, _xero_id: str) -> None:
    world.poll()
    world.work()


def told(world: World, invoice_id: str) -> list[str]:
    """What the history tells of the document after its creation, line ends as slashes."""
    assert updates(world, invoice_id) == []
    rows = followed(world, invoice_id)
    assert all(row["stl3_syncstatus"] == SUCCESSFUL for row in rows)
    return [row["stl3_details"].replace("\n", " / ") for row in rows]


def told_with_the_end(world: World, invoice_id: str) -> list[tuple[str, str, str]]:
    """Action, status and words of all that the history tells after the creation, also of an invoice that is gone."""
    rows = world.dynamics.rows(columns.HISTORY.set_name)
    details_id = world.details(invoice_id)[columns.DETAILS.id_column]
    told = [
        (
            str(columns.ACTION.label(row["stl3_action"])),
            str(columns.SYNC_STATUS.label(row["stl3_syncstatus"])),
            row["stl3_details"].replace("\n", " / "),
        )
        for row in rows
        if row["_stl3_xerodetails_value"] == details_id
    ]
    return sorted(each for each in told if each[0] != "Create")


def left_as_paid(act: str, number: str) -> tuple[str, str, str]:
    """Rule E5: what the history tells of a paid document whose invoice was cancelled or deleted."""
    verb = {"Cancel": "cancelled", "Delete": "deleted"}[act]
    words = (
        f"The Invoice is fully paid in Xero: {number}, 18.00 GBP. "
        f"The invoice was {verb} in Dynamics. The document is left as it is. / "
        "Remove the payment in Xero, or make a credit note there by hand and refund it. / "
        "Then set Export status to No, and it is tried again."
    )
    return (act, "Failed", words)


def standing(world: World, invoice_id: str) -> tuple[Any, ...]:
    """Status and amounts on the details row, state and amount due of the invoice."""
    details, invoice = world.details(invoice_id), world.invoice(invoice_id)
    return (
        details["stl3_xerostatus"],
        details["stl3_amountdue"],
        details["stl3_amountpaid"],
        invoice["statecode"],
        invoice["stl3_amountdue"],
    )


ways = pytest.mark.parametrize("come_back", [by_event, by_poll])
Way = Callable[[World, str], None]


@ways
def test_an_approval_comes_back(world: World, come_back: Way) -> None:
    """Rule D1."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_invoice(xero_id, DueDate="2026-12-24")
    person(world).approve_invoice(xero_id)

    come_back(world, xero_id)

    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id) == [f"Invoice status updated: Authorised ({number})."]
    assert standing(world, invoice_id) == ("AUTHORISED", Decimal("18.00"), 0, ACTIVE, Decimal("18.00"))


@ways
def test_a_paid_invoice_becomes_paid(world: World, come_back: Way) -> None:
    """Rule D2: Paid and Complete, in one transaction with its details and history; then it is quiet."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "18.00")

    come_back(world, xero_id)

    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id) == [f"Invoice has been paid in Xero: {number}."]
    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), PAID, 0)
    assert world.invoice(invoice_id)["statuscode"] == 100001
    assert world.details(invoice_id)["stl3_closedbyconnector"] is True
    assert world.status(invoice_id) == "Yes"
    world.settle()
    world.assert_quiet()


@ways
def test_a_part_payment_leaves_the_invoice_active(world: World, come_back: Way) -> None:
    """Rule D3."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "5.00")

    come_back(world, xero_id)

    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id) == [
        f"Invoice has been paid in part in Xero: {number}, 5.00 GBP paid, 13.00 GBP due."
    ]
    assert standing(world, invoice_id) == ("AUTHORISED", Decimal("13.00"), Decimal("5.00"), ACTIVE, Decimal("13.00"))


@ways
def test_a_removed_payment_opens_the_invoice_again(world: World, come_back: Way) -> None:
    """Rule D4: with the status reason that it had before."""
    world.dynamics.customise({"statuses": {"invoice": [{"value": SENT, "state": ACTIVE, "label": "Sent"}]}})
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, statecode=ACTIVE, statuscode=SENT)
    person(world).pay(xero_id, "18.00")
    come_back(world, xero_id)
    assert world.invoice(invoice_id)["statecode"] == PAID
    world.pass_time(minutes=1)
    (payment,) = world.org.payments_on(xero_id)
    person(world).remove_payment(payment["PaymentID"])

    come_back(world, xero_id)

    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id)[1:] == [
        f"A payment has been removed in Xero: {number}, 18.00 GBP due. Invoice status updated: Authorised. / "
        "The invoice is active again."
    ]
    assert standing(world, invoice_id) == ("AUTHORISED", Decimal("18.00"), 0, ACTIVE, Decimal("18.00"))
    assert world.invoice(invoice_id)["statuscode"] == SENT
    assert world.details(invoice_id)["stl3_closedbyconnector"] is False


@ways
def test_an_edit_in_xero_brings_tax_and_amount_due(world: World, come_back: Way) -> None:
    """Rule D5: tax on the line, amount due, and by how much the nets differ."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_line(xero_id, UnitAmount="20.00")

    come_back(world, xero_id)

    assert told(world, invoice_id) == [
        "Invoice has been changed in Xero: tax 5.00 GBP (was 3.00 GBP), amount due 30.00 GBP. / "
        "Net total in Xero 25.00 GBP, in Dynamics 15.00: difference 10.00 (line 1, Work: 20.00 instead of 10.00)."
    ]
    assert [line["tax"] for line in in_order(world, invoice_id)] == [Decimal("4.00"), Decimal("1.00")]
    assert world.invoice(invoice_id)["totaltax"] == Decimal("5.00")
    assert world.details(invoice_id)["stl3_taxinxero"] == Decimal("5.00")
    assert standing(world, invoice_id) == ("DRAFT", Decimal("30.00"), 0, ACTIVE, Decimal("30.00"))
    world.settle()
    world.assert_quiet()


@ways
@pytest.mark.parametrize("how", ["void", "delete"])
def test_a_dead_document_leaves_the_invoice_as_it_is(world: World, come_back: Way, how: str) -> None:
    """Rule D6."""
    if how == "void":
        invoice_id, xero_id = approved(world)
        person(world).void_invoice(xero_id)
    else:
        invoice_id = export(world)
        xero_id = document(world, invoice_id)["InvoiceID"]
        person(world).delete_invoice(xero_id)
    number = world.org.invoices[xero_id]["InvoiceNumber"]

    come_back(world, xero_id)

    status = {"void": "Voided", "delete": "Deleted"}[how]
    assert told(world, invoice_id) == [
        f"Invoice status updated: {status} ({number}). Nothing is due any more. / "
        "The invoice in Dynamics stays as it is. Set Export status to No to send it again."
    ]
    assert standing(world, invoice_id) == (status.upper(), 0, 0, ACTIVE, 0)
    world.settle()
    world.assert_quiet()


@ways
@pytest.mark.parametrize("kind", ["overpayment", "prepayment"])
def test_what_was_paid_in_advance_counts_as_paid(world: World, come_back: Way, kind: str) -> None:
    """Rule D7: in part, then all of it."""
    invoice_id, xero_id = approved(world)
    contact_id = document(world, invoice_id)["Contact"]["ContactID"]
    advance = getattr(person(world), f"receive_{kind}")(contact_id, "100.00")
    key = advance[f"{kind.capitalize()}ID"]
    getattr(person(world), f"allocate_{kind}")(key, xero_id, "8.00")
    come_back(world, xero_id)
    assert standing(world, invoice_id) == ("AUTHORISED", Decimal("10.00"), Decimal("8.00"), ACTIVE, Decimal("10.00"))
    world.pass_time(minutes=1)

    getattr(person(world), f"allocate_{kind}")(key, xero_id, "10.00")
    come_back(world, xero_id)

    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), PAID, 0)
    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id) == [
        f"Invoice has been paid in part in Xero: {number}, 8.00 GBP paid, 10.00 GBP due.",
        f"Invoice has been paid in Xero: {number}.",
    ]


@ways
def test_credit_notes_alone_leave_the_invoice_as_it_is(world: World, come_back: Way) -> None:
    """Rule D2: Credited, nothing due, still active."""
    invoice_id, xero_id = approved(world)
    person(world).credit(xero_id)

    come_back(world, xero_id)

    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id) == [
        f"Invoice has been credited in full in Xero: {number}. Nothing is due any more."
    ]
    assert standing(world, invoice_id) == ("Credited", 0, 0, ACTIVE, 0)


@ways
def test_a_bill_is_followed_like_a_sales_invoice(world: World, come_back: Way) -> None:
    """Rule D9."""
    invoice_id, xero_id = approved(world, **PURCHASE)
    assert document(world, invoice_id)["Type"] == "ACCPAY"
    person(world).pay(xero_id, document(world, invoice_id)["AmountDue"])

    come_back(world, xero_id)

    assert standing(world, invoice_id)[0] == "PAID"
    assert world.invoice(invoice_id)["statecode"] == PAID


def test_documents_of_others_are_ignored(world: World) -> None:
    """Rule D9: an event of one costs no call to Xero and writes nothing."""
    export(world)
    contact = person(world).create_contact(Name="Somebody else")
    theirs = person(world).create_invoice(
        Type="ACCREC",
        Contact={"ContactID": contact["ContactID"]},
        LineItems=[{"Description": "Theirs", "Quantity": 1, "UnitAmount": "5.00", "AccountCode": "200"}],
    )
    before = world.rows_of_ours()
    world.xero.wire.forget_calls()

    by_event(world, theirs["InvoiceID"])

    assert world.xero_calls() == []
    assert world.rows_of_ours() == before


# -- invoices that people have closed --------------------------------------------------------------------------


def test_an_invoice_closed_by_a_person_gets_details_and_one_row_only(world: World) -> None:
    """Rule D2: read-only in Dynamics, which is no failure; a removed payment does not open it either."""
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, statecode=PAID, statuscode=100001)
    person(world).pay(xero_id, "18.00")

    world.settle()

    number = document(world, invoice_id)["InvoiceNumber"]
    assert told(world, invoice_id) == [
        f"Invoice has been paid in Xero: {number}. / The invoice had been closed in Dynamics before."
    ]
    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), PAID, Decimal("18.00"))
    assert world.status(invoice_id) == "Yes"
    world.pass_time(seconds=1)
    person(world).remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])
    world.settle()
    assert world.invoice(invoice_id)["statecode"] == PAID
    assert world.interrupted == []
    world.assert_quiet()


def test_a_cancelled_invoice_that_is_paid_stays_cancelled(world: World) -> None:
    """Rules D2 and E5: the money is told of, and that nothing was done about the document because of it."""
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, statecode=CANCELLED, statuscode=100003)
    person(world).pay(xero_id, "18.00")

    world.settle()

    number = document(world, invoice_id)["InvoiceNumber"]
    words = f"Invoice has been paid in Xero: {number}. / The invoice is cancelled in Dynamics and stays so."
    assert told_with_the_end(world, invoice_id) == [left_as_paid("Cancel", number), ("Update", "Successful", words)]
    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), CANCELLED, Decimal("18.00"))
    world.pass_time(seconds=1)
    person(world).remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])
    world.settle()
    assert (world.invoice(invoice_id)["statecode"], world.status(invoice_id)) == (CANCELLED, "Failed")
    assert world.interrupted == []
    world.assert_quiet()


def test_a_deleted_invoice_is_told_of_in_its_details(world: World) -> None:
    """Rules D2 and E5: its Xero details survive it."""
    invoice_id, xero_id = approved(world)
    world.sales.delete("invoice", invoice_id)
    person(world).pay(xero_id, "18.00")

    world.settle()

    details = world.details(invoice_id)
    number = details["stl3_xeronumber"]
    assert details["stl3_xerostatus"] == "PAID"
    words = (
        f"Invoice has been paid in Xero: {number}. / "
        "The invoice is gone from Dynamics, or the connector may not read it any more."
    )
    assert told_with_the_end(world, invoice_id) == [left_as_paid("Delete", number), ("Update", "Successful", words)]


def test_who_opens_a_paid_invoice_by_hand_keeps_it_open(world: World) -> None:
    """Rule D2: closed once. A payment removed and made again closes it again."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "18.00")
    world.settle()
    world.edit(invoice_id, statecode=ACTIVE, statuscode=1)
    world.pass_time(seconds=1)
    person(world).edit_invoice(xero_id, Reference="Seen")
    world.settle()
    assert world.invoice(invoice_id)["statecode"] == ACTIVE

    world.pass_time(seconds=1)
    person(world).remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])
    world.settle()
    world.pass_time(seconds=1)
    person(world).pay(xero_id, "18.00")
    world.settle()

    assert world.invoice(invoice_id)["statecode"] == PAID


def test_somebody_cancels_while_we_close(world: World) -> None:
    """Rule D2: between our reading and our writing; a cancelled invoice is never paid."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "18.00")
    cancel = {"statecode": CANCELLED, "statuscode": 100003}
    world.tap.when(READ.replace(" ", " .*"), lambda: world.edit(invoice_id, **cancel), after=True)

    by_event(world, xero_id)
    world.settle()

    assert world.invoice(invoice_id)["statecode"] == CANCELLED
    number = document(world, invoice_id)["InvoiceNumber"]
    words = f"Invoice has been paid in Xero: {number}. / The invoice is cancelled in Dynamics and stays so."
    assert told_with_the_end(world, invoice_id) == [left_as_paid("Cancel", number), ("Update", "Successful", words)]


def test_somebody_cancels_while_we_open_again(world: World) -> None:
    """Rule D4: a cancelled invoice is never opened."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "18.00")
    world.settle()
    world.pass_time(seconds=1)
    person(world).remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])
    cancel = {"statecode": CANCELLED, "statuscode": 100003}
    world.tap.when(READ.replace(" ", " .*"), lambda: world.edit(invoice_id, **cancel), after=True)

    by_event(world, xero_id)
    world.settle()

    assert world.invoice(invoice_id)["statecode"] == CANCELLED
    assert world.details(invoice_id)["stl3_closedbyconnector"] is False


def test_what_dynamics_does_not_let_us_close_is_told(world: World) -> None:
    """Rule D2: the customer has removed the status reason Complete; details follow, a Failed row says what to do."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "18.00")
    world.dynamics.customise({"removed_statuses": {"invoice": [100001]}})

    world.settle()

    number = document(world, invoice_id)["InvoiceNumber"]
    (row,) = followed(world, invoice_id)
    assert row["stl3_syncstatus"] == FAILED
    first, second = row["stl3_details"].split("\n")
    assert first == f"Invoice has been paid in Xero: {number}."
    assert second.startswith("Dynamics did not let the connector set the invoice to Paid: ")
    assert second.endswith(". Do it by hand.")
    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), ACTIVE, 0)
    assert not world.details(invoice_id)["stl3_closedbyconnector"]
    world.assert_quiet()


def test_what_dynamics_does_not_let_us_open_is_told(world: World) -> None:
    """Rule D4: the status reason before is gone; it stays ours to open, and a person is told to."""
    world.dynamics.customise({"statuses": {"invoice": [{"value": SENT, "state": ACTIVE, "label": "Sent"}]}})
    invoice_id, xero_id = approved(world)
    world.edit(invoice_id, statecode=ACTIVE, statuscode=SENT)
    person(world).pay(xero_id, "18.00")
    world.settle()
    world.dynamics.customise({"removed_statuses": {"invoice": [SENT]}})
    world.pass_time(seconds=1)
    person(world).remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])

    world.settle()

    row = followed(world, invoice_id)[-1]
    assert row["stl3_syncstatus"] == FAILED
    assert "Dynamics did not let the connector make the invoice active again" in row["stl3_details"]
    assert "The invoice is active again." not in row["stl3_details"]
    assert standing(world, invoice_id)[:4] == ("AUTHORISED", Decimal("18.00"), 0, PAID)
    assert world.details(invoice_id)["stl3_closedbyconnector"] is True
    world.assert_quiet()

    number, rows = document(world, invoice_id)["InvoiceNumber"], len(followed(world, invoice_id))
    for _ in range(2):
        world.pass_time(days=1)
        world.settle()
    assert len(followed(world, invoice_id)) <= rows + 1, "tried again each night, and not told each night"
    world.dynamics.customise({"statuses": {"invoice": [{"value": SENT, "state": ACTIVE, "label": "Sent"}]}})
    world.pass_time(days=1)
    world.settle()
    assert world.invoice(invoice_id)["statecode"] == ACTIVE
    assert followed(world, invoice_id)[-1]["stl3_details"] == (
        f"Invoice is no longer paid in Xero: {number}, 18.00 GBP due.\nThe invoice is active again."
    )


# -- echoes, faults, crashes -------------------------------------------------------------------------------------


def test_the_echo_of_our_own_write_costs_no_call_to_xero(world: World) -> None:
    """Invariant I5: creating and updating raise events; nothing is read in Xero, nothing written."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    before = world.rows_of_ours()

    by_event(world, xero_id)

    assert world.xero_calls() == []
    assert world.rows_of_ours() == before


def test_an_old_event_after_a_newer_one_costs_nothing(world: World) -> None:
    """Reordered deliveries."""
    invoice_id, xero_id = approved(world)
    early = world.clock.now()
    world.pass_time(seconds=5)
    person(world).pay(xero_id, "5.00")
    by_event(world, xero_id)
    world.xero.wire.forget_calls()

    world.dispatch(event_of(world, xero_id, at=early))
    world.work()

    assert world.xero_calls() == []
    assert len(followed(world, invoice_id)) == 1


def test_a_payment_in_the_moment_of_our_write_is_followed(world: World) -> None:
    """Adopted after a lost answer when somebody has paid it already: one creation, and the payment is told."""
    world.choose(status="Authorised")
    world.lose_reply("PUT /api.xro/2.0/Invoices", times=2)
    invoice_id = world.save_invoice(Line("Work", "10.00"), duedate="2026-12-24")
    world.mark(invoice_id)
    world.work()
    (made,) = world.documents()
    person(world).pay(made["InvoiceID"], "12.00")
    world.pass_time(minutes=8)

    world.settle()

    assert standing(world, invoice_id) == ("PAID", 0, Decimal("12.00"), PAID, 0)
    assert told(world, invoice_id) == [f"Invoice has been paid in Xero: {made['InvoiceNumber']}."]
    world.assert_quiet()


def test_a_crash_at_any_call_changes_nothing(fresh_world: Callable[[], World]) -> None:
    """Paid, told once, whatever call the worker dies at."""
    for number in count(1):
        world = fresh_world()
        invoice_id, xero_id = approved(world)
        person(world).pay(xero_id, "18.00")
        world.dispatch(event_of(world, xero_id))
        world.tap.crash_after_effect(number)
        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 8
            break
        world.settle()

        assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), PAID, 0)
        assert len(told(world, invoice_id)) == 1
        world.assert_quiet()


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
@pytest.mark.parametrize("side", ["xero", "dynamics"])
@pytest.mark.parametrize("skip", range(3))
def test_a_lost_answer_changes_nothing(world: World, side: str, kind: Any, skip: int) -> None:
    """The write-back is repeated; the second time it finds what the first has done."""
    invoice_id, xero_id = approved(world)
    person(world).pay(xero_id, "18.00")
    match = READ if side == "xero" else "batch"
    getattr(world, side).wire.inject(Fault(match=match, kind=kind, skip=skip))
    world.dispatch(event_of(world, xero_id))
    world.work()

    world.settle()

    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), PAID, 0)
    assert len(told(world, invoice_id)) == 1


def test_a_document_that_cannot_be_followed_is_put_aside(world: World) -> None:
    """Ours to mend: the others go on, the history says so, the invoice keeps its export status."""
    first, bad = approved(world)
    second, good = approved(world)
    record = world.org.invoices[bad]
    person(world).pay(bad, "18.00")
    person(world).pay(good, "18.00")
    world.org.invoices.save({**world.org.invoices[bad], "AmountDue": "much"})
    assert record["InvoiceID"] == bad

    world.settle(minutes=400)

    assert world.invoice(second)["statecode"] == PAID
    assert world.status(first) == "Yes"
    (row,) = updates(world, first)
    assert row["stl3_syncstatus"] == FAILED
    assert f"What happened to the document {bad} in Xero could not be followed." in row["stl3_details"]
    assert "reference" in row["stl3_details"]
    world.pass_time(minutes=30)
    world.settle()
    world.assert_quiet()


def test_fifty_payments_are_one_read_and_one_write(world: World) -> None:
    """Rule D2 at a run of payments: the calls do not grow with their number."""
    world.choose(status="Authorised")
    invoice_ids = world.save_invoices(50, duedate="2026-12-24")
    world.mark(*invoice_ids)
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    xero_ids = [document(world, invoice_id)["InvoiceID"] for invoice_id in invoice_ids]
    for xero_id in xero_ids:
        person(world).pay(xero_id, world.org.invoices[xero_id]["AmountDue"])
    world.dispatch(*(event_of(world, xero_id) for xero_id in xero_ids))
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()

    world.work()

    assert {world.invoice(invoice_id)["statecode"] for invoice_id in invoice_ids} == {PAID}
    assert world.xero_calls() == [READ]
    assert len(world.dynamics_calls()) == 3  # rows that name the documents, invoices, write-back


def test_a_document_that_xero_does_not_have_is_told_once(world: World) -> None:
    """The row names one of another organisation, say: neither silent nor looked for at every poll."""
    invoice_id, xero_id = approved(world)
    world.settle()
    row_id = world.details(invoice_id)[columns.DETAILS.id_column]
    assert xero_id != ELSEWHERE
    elsewhere = {"stl3_xeroinvoiceid": ELSEWHERE, "stl3_xeroupdated": None}
    world.dynamics.overwrite(columns.DETAILS.set_name, row_id, elsewhere)

    world.settle()
    world.pass_time(days=3)
    world.settle()

    rows = [row for row in world.history(invoice_id) if "is not found in Xero" in row["stl3_details"]]
    assert [row["stl3_syncstatus"] for row in rows] == [FAILED]
    world.assert_quiet()
    world.dynamics.overwrite(columns.DETAILS.set_name, row_id, {"stl3_xeroinvoiceid": xero_id})
    person(world).pay(xero_id, "18.00")
    world.settle()
    assert standing(world, invoice_id)[0] == "PAID", "followed again once the row is right"


def test_a_contact_whose_balances_cannot_be_read_is_put_aside_with_a_word(world: World) -> None:
    """Ours to mend: invoices go on, and the history of the connection says so."""
    invoice_id, xero_id = approved(world)
    contact_id = document(world, invoice_id)["Contact"]["ContactID"]
    person(world).pay(xero_id, "18.00")
    refusal = Fault(match="GET /api.xro/2.0/Contacts", kind="status-before", status=400, times=100)
    world.xero.wire.inject(refusal)

    world.settle(minutes=400)

    assert world.invoice(invoice_id)["statecode"] == PAID
    told = [row["stl3_details"] for row in world.dynamics.rows(columns.HISTORY.set_name)]
    assert any(
        words.startswith(f"What a customer owes could not be brought from Xero ({contact_id}).") for words in told
    )


def test_sync_on_demand_looks_at_both_sides(world: World) -> None:
    """`connector sync`: whatever has been seen of the document; without an event and before the poll."""
    invoice_id, xero_id = approved(world)
    world.dispatch(event_of(world, xero_id))
    person(world).pay(xero_id, "18.00")

    cli.sync.mark(world.app, world.connection, {invoice_id: {invoice_id}})
    world.work()

    assert standing(world, invoice_id) == ("PAID", 0, Decimal("18.00"), PAID, 0)
