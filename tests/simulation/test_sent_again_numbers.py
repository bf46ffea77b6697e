"""Which number a document gets that takes another one's place, and what is made of the old one (rules B1, E8)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import columns
from tests.simulation.sending_again import (
    PURCHASE,
    Act,
    acts,
    ask_again,
    created,
    credited,
    deleted,
    number_of,
    over,
    told,
    voided,
)
from tests.simulation.test_preview import preview_of
from tests.simulation.updating import UPDATE, edit_line, export, person
from tests.world import Line, World


@pytest.fixture
def numbering(world: World) -> World:
    """A connection that numbers documents itself."""
    world.choose(use_xero_number=False)
    return world


@acts
def test_the_used_number_gets_a_suffix(numbering: World, act: Act) -> None:
    """Rule E8, rule B1: "-2", and "-3" for the next one."""
    sent = over(numbering, act)
    base = number_of(numbering, sent.invoice_id)
    ask_again(numbering, sent)
    numbering.work()
    second = sent.assert_sent_again(number=f"{base}-2")["InvoiceID"]
    numbering.pass_time(minutes=1)
    act(numbering, second)
    ask_again(numbering, sent)

    numbering.work()
    numbering.settle()

    (_, _, third) = numbering.all_documents()
    assert third["InvoiceNumber"] == numbering.details(sent.invoice_id)["stl3_xeronumber"] == f"{base}-3"
    assert created(numbering, sent.invoice_id) == [sent.xero_id, second, third["InvoiceID"]]
    numbering.assert_quiet()


def test_a_suffix_that_another_document_has_is_passed_over(numbering: World) -> None:
    """Rule E8: it is the connector's choice, so nobody needs to renumber anything for it."""
    sent = over(numbering, voided)
    base = number_of(numbering, sent.invoice_id)
    person(numbering).edit_invoice(
        person(numbering).create_invoice(
            Type="ACCREC",
            Contact={"ContactID": sent.before["Contact"]["ContactID"]},
            LineItems=[{"Description": "Else", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}],
        )["InvoiceID"],
        InvoiceNumber=f"{base}-2",
    )
    ask_again(numbering, sent)

    numbering.work()

    sent.assert_sent_again(number=f"{base}-3")


def test_the_number_itself_taken_by_another_document_fails(numbering: World) -> None:
    """R10, F47: Rule B1: that one, or the setting, is for a person to change."""
    invoice_id = numbering.save_invoice(Line("Work", "10.00"))
    contact = person(numbering).create_contact(Name="Else")["ContactID"]
    line = {"Description": "Else", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}
    person(numbering).create_invoice(
        Type="ACCREC",
        Contact={"ContactID": contact},
        LineItems=[line],
        InvoiceNumber=number_of(numbering, invoice_id),
    )

    numbering.settle()

    assert numbering.status(invoice_id) == "Failed"
    assert "is already used in Xero by another document" in numbering.history(invoice_id)[0]["stl3_details"]
    assert numbering.details(invoice_id)["stl3_xeronumber"] is None


def test_an_update_keeps_the_number_with_its_suffix(numbering: World) -> None:
    """Rule E8, rule C61: else each update would want to give it the used number back."""
    sent = over(numbering, deleted)
    ask_again(numbering, sent)
    numbering.settle()
    numbering.try_again(sent.invoice_id)
    numbering.xero.wire.forget_calls()
    numbering.settle()
    assert UPDATE not in numbering.xero_calls()
    edit_line(numbering, sent.invoice_id, priceperunit=Decimal("12.00"))

    numbering.settle()

    (new,) = numbering.documents_of(sent.invoice_id)
    assert new["SubTotal"] == Decimal("17.00")
    assert new["InvoiceNumber"] == f"{number_of(numbering, sent.invoice_id)}-2"
    numbering.assert_quiet()


def test_a_failure_on_the_way_keeps_the_number_that_is_next(numbering: World) -> None:
    """Rule C60: what fails after the number was found out is sent with it when a person has mended it."""
    sent = over(numbering, voided)
    base = number_of(numbering, sent.invoice_id)

    def misled() -> None:
        numbering.choose(sales_account="nope")
        numbering.dispatch(numbering.settings_event())

    numbering.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", misled, after=True)
    ask_again(numbering, sent)
    numbering.work()
    numbering.settle()
    assert numbering.status(sent.invoice_id) == "Failed"
    assert numbering.details(sent.invoice_id)["stl3_xeronumber"] == f"{base}-2"
    numbering.choose(sales_account="200")
    numbering.dispatch(numbering.settings_event())
    numbering.try_again(sent.invoice_id)

    numbering.settle()

    sent.assert_sent_again(number=f"{base}-2")


@acts
def test_bills_keep_their_number(numbering: World, act: Act) -> None:
    """Rule C13: in Xero it is the supplier's, and need not be unique."""
    sent = over(numbering, act, **PURCHASE)
    ask_again(numbering, sent)

    numbering.work()

    sent.assert_sent_again(number=number_of(numbering, sent.invoice_id))


def test_its_own_living_document_of_that_number_is_adopted(numbering: World) -> None:
    """Rule B1: a person deleted the Xero details; the document lives, so no other is made."""
    invoice_id = export(numbering)
    (found,) = numbering.all_documents()
    details_id = numbering.details(invoice_id)[columns.DETAILS.id_column]
    numbering.sales.delete(columns.DETAILS.set_name, details_id)

    numbering.settle()

    assert len(numbering.all_documents()) == 1
    assert numbering.details(invoice_id)["stl3_xeroinvoiceid"] == found["InvoiceID"]


def test_a_preview_shows_the_new_document(numbering: World) -> None:
    """Rule E8: once a person has asked for it, not what would change the one that is over."""
    sent = over(numbering, voided)
    assert preview_of(numbering, sent.invoice_id).in_xero is not None
    numbering.try_again(sent.invoice_id)

    shown = preview_of(numbering, sent.invoice_id)

    assert (shown.in_xero, shown.closed) == (None, ())
    assert shown.document is not None
    assert shown.body == shown.document.as_payload()


# -- what looks by origin ------------------------------------------------------------------------------------


def test_a_credited_document_is_no_second_one(world: World) -> None:
    """Rule E8: it lives on in Xero, paid by our note; nothing is told of it, and no poll looks at it twice."""
    sent = over(world, credited)
    ask_again(world, sent)
    world.settle()
    person(world).edit_invoice(sent.xero_id, Reference="seen")
    sent.before = world.org.invoices[sent.xero_id]
    world.settle()
    sent.assert_sent_again()
    world.pass_time(minutes=5)
    world.xero.wire.forget_calls()

    world.poll()
    world.work()

    assert [call for call in world.xero_calls() if "Invoices" in call] == ["GET /api.xro/2.0/Invoices"]
    world.assert_quiet()


def test_a_credited_document_is_not_adopted_where_the_details_are_gone(world: World) -> None:
    """Rule E8: by the number of our note the document itself tells that it is over."""
    sent = over(world, credited)
    details_id = world.details(sent.invoice_id)[columns.DETAILS.id_column]
    world.sales.delete(columns.DETAILS.set_name, details_id)
    person(world).edit_invoice(sent.xero_id, Reference="seen")

    world.settle()

    named = world.details(sent.invoice_id)["stl3_xeroinvoiceid"]
    assert named != sent.xero_id
    assert world.org.invoices[named]["Status"] == "AUTHORISED"
    assert [text for text in told(world, sent.invoice_id) if "second document" in text] == []
    world.assert_quiet()


def test_a_document_that_is_owed_again_is_told_of_as_a_second_one(world: World) -> None:
    """Rule E8: somebody takes our credit note off the old document when the new one is there."""
    sent = over(world, credited)
    ask_again(world, sent)
    world.settle()
    (allocation_id,) = world.org.allocations
    person(world).remove_allocation(allocation_id)

    world.settle()

    (text,) = [text for text in told(world, sent.invoice_id) if "second document" in text]
    assert sent.before["InvoiceNumber"] in text
    assert world.details(sent.invoice_id)["stl3_xeroinvoiceid"] != sent.xero_id
    world.assert_quiet()
