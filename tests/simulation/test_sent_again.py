"""A document that is over, and a person who sets Export status to No: another one takes its place (rule E8)."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from decimal import Decimal

import pytest

from core.invoice import CANCELLED, PAID
from tests.simulation.sending_again import (
    OF_ONE_DOCUMENT,
    PURCHASE,
    Act,
    Sent,
    acts,
    ask_again,
    created,
    credit,
    credited,
    deleted,
    due,
    end,
    exported,
    number_of,
    over,
    told,
    voided,
)
from tests.simulation.updating import add_line, edit_line, export, person
from tests.world import Line, World

NEVER = "No to send it again"


@acts
@pytest.mark.parametrize("kind", [{}, PURCHASE], ids=["sales", "bill"])
def test_no_makes_a_new_document_in_the_place_of_one_that_is_over(
    world: World, act: Act, kind: dict[str, int]
) -> None:
    """Rule E8: deleted, voided, or credited in full by our note."""
    sent = over(world, act, **kind)
    ask_again(world, sent)

    world.work()

    new = sent.assert_sent_again()
    assert new["Total"] == sent.before["Total"]
    assert world.details(sent.invoice_id)["stl3_earlierdocuments"] == sent.xero_id
    world.settle()
    sent.assert_sent_again()
    world.assert_quiet()


@acts
def test_the_poll_finds_the_no_of_which_no_event_came(world: World, act: Act) -> None:
    """Rule E8, rule H2."""
    sent = over(world, act)
    world.try_again(sent.invoice_id)

    world.settle()

    sent.assert_sent_again()
    world.assert_quiet()


def test_what_waits_is_the_new_document(world: World) -> None:
    """Rule E8: one that is voided has no change to carry over; the gates keep the one that takes its place."""
    sent = over(world, voided)
    world.edit(sent.invoice_id, **{"customerid_account@odata.bind": None})
    world.try_again(sent.invoice_id)

    world.settle()

    assert world.details(sent.invoice_id)["stl3_waitingfor"] == "a new document of it waits for: customer"
    customer = next(iter(world.customers.values()))
    world.edit(sent.invoice_id, **{"customerid_account@odata.bind": f"/accounts({customer})"})
    world.settle()
    sent.assert_sent_again()
    world.assert_quiet()


@acts
def test_nothing_is_sent_again_by_itself(world: World, act: Act) -> None:
    """Rule E8: neither at the end of the document nor when the invoice is changed; the history says what to do."""
    sent = over(world, act)
    if act is not credited:
        assert NEVER in told(world, sent.invoice_id)[-1]
    edit_line(world, sent.invoice_id, priceperunit=Decimal("12.00"))

    world.settle()

    assert created(world, sent.invoice_id) == [sent.xero_id]
    text = told(world, sent.invoice_id)[-1]
    assert "the change of the invoice was not carried over" in text
    assert NEVER in text
    assert "paid" not in text
    world.assert_quiet()


@acts
def test_how_a_document_ended_is_told_although_it_is_sent_again_at_once(world: World, act: Act) -> None:
    """Rule D6: the No comes before anybody has heard of the end in Xero."""
    sent = exported(world, act)
    end(world, sent, act)
    ask_again(world, sent)

    world.work()

    sent.assert_sent_again()
    (text,) = told(world, sent.invoice_id)
    assert ("credited in full" if act is credited else f"updated: {act.__name__.capitalize()}") in text
    world.settle()
    world.assert_quiet()


def test_an_answer_that_is_older_than_what_the_row_says_releases_nothing(world: World) -> None:
    """Rule E8: it is looked at again in a minute, not in a hot loop; then the document is as old as the row says."""
    sent = exported(world, voided)
    end(world, sent, voided)
    later = (world.clock.now() + timedelta(minutes=3)).isoformat()
    world.edit_details(sent.invoice_id, stl3_xeroupdated=later)
    ask_again(world, sent)

    world.work()

    assert len(world.xero_calls()) <= 3
    assert world.status(sent.invoice_id) == "No"
    assert world.details(sent.invoice_id)["stl3_xeroinvoiceid"] == sent.xero_id
    world.edit_details(sent.invoice_id, stl3_xeroupdated=None)
    world.settle()
    sent.assert_sent_again()
    world.assert_quiet()


def test_what_was_changed_meanwhile_is_in_the_new_document(world: World) -> None:
    """Rule E8: the invoice goes as it is now."""
    sent = over(world, voided)
    edit_line(world, sent.invoice_id, priceperunit=Decimal("12.00"))
    add_line(world, sent.invoice_id, "More", "4.00")
    ask_again(world, sent)

    world.work()

    assert sent.assert_sent_again()["SubTotal"] == Decimal("21.00")


def test_the_new_document_is_followed_and_updated_as_any_other(world: World) -> None:
    """Rule E8: it is the live one; rule C61, rule D2."""
    sent = over(world, deleted)
    ask_again(world, sent)
    world.settle()
    new = sent.assert_sent_again()["InvoiceID"]
    edit_line(world, sent.invoice_id, priceperunit=Decimal("12.00"))
    world.settle()
    assert world.org.invoices[new]["SubTotal"] == Decimal("17.00")
    person(world).edit_invoice(new, DueDate="2026-12-24")
    person(world).approve_invoice(new)
    person(world).pay(new, world.org.invoices[new]["AmountDue"])

    world.settle()

    assert world.invoice(sent.invoice_id)["statecode"] == PAID
    world.assert_quiet()


@acts
def test_it_may_be_ended_and_sent_again_more_than_once(world: World, act: Act) -> None:
    """Rule E8: each time another one; the row remembers those that are over."""
    sent = over(world, act)
    ask_again(world, sent)
    world.work()
    second = sent.assert_sent_again()["InvoiceID"]
    world.pass_time(minutes=1)
    act(world, second)
    ask_again(world, sent)

    world.work()
    world.settle()

    third = world.details(sent.invoice_id)["stl3_xeroinvoiceid"]
    assert created(world, sent.invoice_id) == [sent.xero_id, second, third]
    assert world.details(sent.invoice_id)["stl3_earlierdocuments"].split(" ") == [sent.xero_id, second]
    world.assert_quiet()


CANCELLATIONS = {
    "draft deleted": ({"status": "Draft"}, "DELETED"),
    "credit note": ({"status": "Authorised", "create_credit_notes": True}, "PAID"),
    "voided": ({"status": "Authorised", "create_credit_notes": True, "cancel_by": "Void"}, "VOIDED"),
}


@pytest.mark.parametrize("way", CANCELLATIONS)
@pytest.mark.parametrize("by_xero", [True, False])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_cancelled_invoice_that_is_active_again_is_sent_again_when_asked_for(
    world: World, way: str, *, by_xero: bool, at_once: bool
) -> None:
    """Rule E8: what the connector itself has ended; the No comes with the activation, or later."""
    settings, status = CANCELLATIONS[way]
    world.choose(use_xero_number=by_xero, **({"create_credit_notes": True} | settings))
    invoice_id = export(world)
    (old,) = world.all_documents()
    world.edit(invoice_id, statecode=CANCELLED, statuscode=100003)
    world.settle()
    assert world.org.invoices[old["InvoiceID"]]["Status"] == status
    sent = Sent(world, invoice_id, old["InvoiceID"], deepcopy(world.org.invoices[old["InvoiceID"]]))
    world.edit(invoice_id, statecode=0, statuscode=1)
    if not at_once:
        world.settle()
        assert "Set Export status to No to send" in told(world, invoice_id)[-1]
        assert len(world.all_documents()) == 1
        world.pass_time(minutes=20)
    ask_again(world, sent)

    world.work()
    world.settle()

    sent.assert_sent_again(number="" if by_xero else f"{number_of(world, invoice_id)}-2")
    world.assert_quiet()


# -- what is not over ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "total"), [("THEIRS-1", None), ("", "5.00"), ("THEIRS-1", "5.00")], ids=["theirs", "part", "both"]
)
def test_no_sends_nothing_again_that_is_credited_otherwise(world: World, number: str, total: str | None) -> None:
    """Rule E8: by somebody else's note, or in part."""
    sent = exported(world, credited)
    credit(world, sent.xero_id, number=number, total=total)
    world.settle()
    ask_again(world, sent)

    world.work()
    world.settle()

    assert [row["InvoiceID"] for row in world.all_documents()] == [sent.xero_id]
    assert world.status(sent.invoice_id) == "Yes"
    assert created(world, sent.invoice_id) == [sent.xero_id]
    world.assert_quiet()


def test_no_sends_nothing_again_that_is_paid(world: World) -> None:
    """Rule E8."""
    sent = exported(world, voided)
    person(world).pay(sent.xero_id, "18.00")
    world.settle()
    ask_again(world, sent)

    world.work()
    world.settle()

    assert len(world.all_documents()) == 1
    assert world.status(sent.invoice_id) == "Yes"


def test_no_sends_nothing_again_that_xero_does_not_find(world: World) -> None:
    """Rule E8: nobody knows whether it is over; it fails, with what to do (rule C60)."""
    sent = exported(world, voided)
    world.settle()
    unknown = "11111111-2222-4333-8444-555555555555"
    world.edit_details(sent.invoice_id, stl3_xeroinvoiceid=unknown)
    ask_again(world, sent)

    world.work()
    world.settle()

    assert len(world.all_documents()) == 1
    assert world.status(sent.invoice_id) == "Failed"
    text = told(world, sent.invoice_id)[-1]
    assert f"The document {unknown} is not found in Xero." in text
    assert "delete the Xero details: the invoice is then sent as a new one" in text
    world.assert_quiet()


# -- the gates -----------------------------------------------------------------------------------------------

GATES = {
    "C2": ({"statecode": PAID, "statuscode": 100001}, "an active invoice"),
    "C3": ({"pricelevelid@odata.bind": None}, "price list"),
    "C4": ({"customerid_account@odata.bind": None}, "customer"),
    "C5": ({"datedelivered": "2026-12-24T00:00:00Z"}, "goes on 24 Dec 2026"),
}


@pytest.mark.parametrize("rule", GATES)
def test_what_is_to_be_sent_again_waits_for_every_gate(world: World, rule: str) -> None:
    """Rule E8, rule C9: as an invoice that was never sent; a closed one (C2) included."""
    closing, words = GATES[rule]
    sent = over(world, voided)
    before = {
        "statecode": 0,
        "statuscode": 1,
        "pricelevelid@odata.bind": f"/pricelevels({world.price_list})",
        "customerid_account@odata.bind": f"/accounts({world.customers['Fourth Coffee']})",
        "datedelivered": "2026-11-24T00:00:00Z",
    }
    world.edit(sent.invoice_id, **closing)
    ask_again(world, sent)

    world.work()
    world.settle()

    assert world.status(sent.invoice_id) == "No"
    assert words in world.details(sent.invoice_id)["stl3_waitingfor"]
    assert len(world.all_documents()) == 1

    world.edit(sent.invoice_id, **{name: before[name] for name in closing})
    world.settle()
    sent.assert_sent_again()


def test_a_row_that_waits_says_nothing_of_the_document_that_is_over(world: World) -> None:
    """Rule E8: what is released is forgotten, but for its id; no row of history."""
    sent = over(world, credited)
    history = told(world, sent.invoice_id)
    world.edit(sent.invoice_id, datedelivered="2026-12-24T00:00:00Z")
    ask_again(world, sent)

    world.work()

    details = world.details(sent.invoice_id)
    known = {name: details[f"stl3_{name}"] for name in OF_ONE_DOCUMENT if name != "waitingfor"}
    assert {name for name, value in known.items() if value is not None} == set()
    assert (details["stl3_earlierdocuments"], details["stl3_handledstate"]) == (sent.xero_id, "0")
    assert details["stl3_closedbyconnector"] is False
    assert details["stl3_xerocontactid"] is not None
    assert told(world, sent.invoice_id) == history
    world.settle()
    world.assert_quiet_but_later()


def test_a_released_invoice_that_is_cancelled_is_not_sent(world: World) -> None:
    """Rule E7: it is not exported any more, so cancelling only closes its gates."""
    sent = over(world, voided)
    world.edit(sent.invoice_id, datedelivered="2026-12-24T00:00:00Z")
    ask_again(world, sent)
    world.work()
    world.edit(sent.invoice_id, statecode=CANCELLED, statuscode=100003)

    world.settle()
    world.pass_time(days=31)
    world.settle()

    assert len(world.all_documents()) == 1
    assert world.status(sent.invoice_id) == "No"
    assert created(world, sent.invoice_id) == [sent.xero_id]


def test_it_goes_through_the_connection_that_the_invoice_names_by_then(world: World) -> None:
    """Rule E8, rule C63: the old document stays with its connection, the new one follows the invoice (I4)."""
    second, organisation = world.join_second()
    sent = over(world, voided)
    world.edit(sent.invoice_id, **{"stl3_Connector@odata.bind": world.binding(second)})
    world.settle()
    ask_again(world, sent)

    world.work()
    world.settle()
    world.settle(connection=second)
    world.settle()

    assert len(world.all_documents()) == 1
    (made,) = world.all_documents(organisation)
    details = world.details(sent.invoice_id)
    assert (details["stl3_xeroinvoiceid"], details["stl3_connectionid"]) == (made["InvoiceID"], second.id)
    assert due(world, sent.invoice_id) == made["AmountDue"]
    world.assert_quiet()
    world.assert_quiet(second)


def test_it_is_sent_again_in_the_very_second_in_which_the_first_document_was_made(world: World) -> None:
    """Rule E8: with the same content, and yet it is not answered by Xero as a repetition of the first call."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.work()
    first = world.details(invoice_id)["stl3_xeroinvoiceid"]
    deleted(world, first)
    world.try_again(invoice_id)
    world.mark(invoice_id)

    world.work()
    world.work()

    (second,) = world.documents_of(invoice_id)
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == second["InvoiceID"] != first
    assert len(set(world.sent_keys())) == len(world.sent_keys()) == 2
    assert world.status(invoice_id) == "Yes"
    world.settle()
    world.assert_quiet()
