"""Credit notes by our Xero client in the simulated Xero: made, found, changed, approved, applied."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clients.xero import Element
from core.errors import Rejected, Unknown
from simulators.xero import Breakdown
from tests.contract.clients_xero_world import World, open_world

DAY = date(2026, 3, 10)
NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as opened:
        yield opened


def draft(world: World, number: str, **fields: Any) -> dict[str, Any]:
    line = {
        "Description": "Work",
        "Quantity": Decimal(3),
        "UnitAmount": Decimal("33.3333"),
        "AccountCode": "200",
        "TaxType": "OUTPUT2",
        "TaxAmount": Decimal("20.01"),
    }
    return {
        "Type": "ACCRECCREDIT",
        "Contact": {"ContactID": world.contact_id},
        "CreditNoteNumber": number,
        "Date": "2026-03-10",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": "GBP",
        "Status": "DRAFT",
        "LineItems": [line],
    } | fields


def create(world: World, *documents: dict[str, Any], key: str = "k-1") -> list[Element]:
    return world.xero.create_credit_notes(documents, key=key)


def approve(world: World, note_id: str) -> Element:
    (element,) = world.xero.update_credit_notes([{"CreditNoteID": note_id, "Status": "AUTHORISED"}])
    return element


def approved(world: World, number: str = "CN-1", **fields: Any) -> str:
    (element,) = create(world, draft(world, number, **fields), key=f"k-{number}")
    assert approve(world, element.document["CreditNoteID"]).ok
    return str(element.document["CreditNoteID"])


def invoice_id(world: World, number: int = 1, **fields: Any) -> str:
    line = {
        "Description": "Work",
        "Quantity": 1,
        "UnitAmount": 100,
        "AccountCode": "200",
        "TaxAmount": Decimal("20.01"),
    }
    (element,) = world.xero.create_invoices([world.invoice(number, LineItems=[line], **fields)], key=f"i-{number}")
    assert element.ok, element.errors
    return str(element.document["InvoiceID"])


def apply(world: World, note_id: str, to: str, amount: str = "120.01") -> Element:
    return world.xero.allocate_credit_note(note_id, invoice_id=to, amount=Decimal(amount), dated=DAY)


def test_a_draft_is_made_corrected_approved_and_applied(world: World) -> None:
    to = invoice_id(world)
    (made,) = create(world, draft(world, "CN-1"))
    note_id = made.document["CreditNoteID"]

    (corrected,) = world.xero.update_credit_notes([draft(world, "CN-1", CreditNoteID=note_id, Reference="D-1")])
    accepted, applied = approve(world, note_id), apply(world, note_id, to)
    (note,) = world.xero.list_credit_notes(ids=[note_id])
    (invoice,) = world.xero.list_invoices(ids=[to])

    assert (made.document["Status"], made.document["Total"]) == ("DRAFT", Decimal("120.01"))
    assert corrected.document["Reference"] == "D-1"
    assert accepted.document["Status"] == "AUTHORISED"
    assert applied.ok
    assert (note["Status"], note["RemainingCredit"], len(note["Allocations"])) == ("PAID", Decimal("0.00"), 1)
    assert (note["LineItems"][0]["UnitAmount"], note["LineItems"][0]["TaxAmount"]) == (
        Decimal("33.3333"),
        Decimal("20.01"),
    )
    assert (invoice["Status"], invoice["AmountCredited"]) == ("PAID", Decimal("120.01"))
    assert invoice["CreditNotes"][0]["CreditNoteNumber"] == "CN-1"


def test_notes_of_a_call_keep_their_order_and_each_refusal_its_place(world: World) -> None:
    create(world, draft(world, "CN-1"), key="k-0")

    elements = create(world, draft(world, "CN-2"), draft(world, "cn-1"), draft(world, "CN-3"))

    assert [element.errors for element in elements] == [(), ("Credit Note # must be unique.",), ()]
    assert len(world.organisation.credit_notes) == 3


def test_notes_are_found_by_number_whatever_their_side_and_state_and_by_id(world: World) -> None:
    """Rule E10."""
    line = {"Description": "Rent", "Quantity": 1, "UnitAmount": 10, "AccountCode": "429"}
    bill = draft(world, "CN-1", Type="ACCPAYCREDIT", LineItems=[line])
    notes = [draft(world, "CN-1"), bill, bill, draft(world, "CN-2"), draft(world, "CN-10")]
    ids = [element.document["CreditNoteID"] for element in create(world, *notes)]
    world.person.delete_credit_note(ids[0])

    by_number = list(world.xero.list_credit_notes(numbers=["cn-1"]))
    by_both = list(world.xero.list_credit_notes(numbers=["CN-1"], ids=[ids[0], ids[3].upper(), NOBODY]))

    assert {note["CreditNoteID"] for note in by_number} == set(ids[:3])
    assert {note["CreditNoteID"] for note in by_both} == set(ids[:4])
    assert len(by_both) == 4
    assert all(note["LineItems"] for note in by_both)
    assert list(world.xero.list_credit_notes(numbers=["CN-"], ids=[NOBODY])) == []


def test_fifty_invoices_are_looked_for_in_a_few_calls(world: World) -> None:
    numbers = [f"CN-INV-{n:05d}-ABCDEF" for n in range(50)]
    create(world, *(draft(world, number) for number in numbers))
    ids = list(world.organisation.credit_notes)
    world.simulator.wire.forget_calls()

    found = list(world.xero.list_credit_notes(numbers=numbers, ids=ids))

    assert sorted(note["CreditNoteNumber"] for note in found) == numbers
    assert len(world.calls) == 4


@pytest.mark.parametrize("kind", ["drop-after", "status-after"])
def test_a_note_whose_answer_is_lost_is_unknown_and_the_same_key_brings_it_again(world: World, kind: str) -> None:
    world.fail("PUT /api.xro/2.0/CreditNotes", kind)

    with pytest.raises(Unknown):
        create(world, draft(world, "CN-1"))
    (element,) = create(world, draft(world, "CN-1"))

    assert element.ok
    assert len(world.organisation.credit_notes) == 1


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
def test_an_allocation_whose_answer_is_lost_is_unknown(world: World, when: Any, applied: int) -> None:
    note_id, to = approved(world), invoice_id(world)
    world.fail("/Allocations", f"drop-{when}")

    with pytest.raises(Unknown):
        apply(world, note_id, to)

    assert len(world.organisation.allocations) == applied
    assert apply(world, note_id, to).ok == (not applied)  # nothing is left of it the second time


def test_an_error_inside_xero_is_unknown(world: World) -> None:
    note_id, to = approved(world), invoice_id(world)
    world.simulator.gate.breakdowns.append(Breakdown("/Allocations", after=True))

    with pytest.raises(Unknown):
        apply(world, note_id, to)

    assert world.organisation.invoices[to]["Status"] == "PAID"


def test_allocations_that_xero_refuses_say_why(world: World) -> None:
    note_id, bill_line = approved(world), {"Description": "Rent", "UnitAmount": 10, "AccountCode": "429"}
    other = world.person.create_contact(Name="Bob")["ContactID"]
    to, euros = invoice_id(world, 1), invoice_id(world, 2, CurrencyCode="EUR")
    foreign = invoice_id(world, 3, Contact={"ContactID": other})
    paid, dead = invoice_id(world, 4), invoice_id(world, 5)
    (bill,) = world.xero.create_invoices([world.invoice(6, Type="ACCPAY", LineItems=[bill_line])], key="b")
    (open_draft,) = create(world, draft(world, "CN-2"), key="k-2")
    world.person.pay(paid)
    world.person.void_invoice(dead)

    def refusal(target: str, amount: str = "1", note: str = note_id) -> str:
        (message,) = apply(world, note, target, amount).errors
        return message

    assert "greater than amount outstanding" in refusal(to, "120.02")
    assert "another contact" in refusal(foreign)
    assert "another currency" in refusal(euros)
    assert "already been paid off" in refusal(paid)
    assert "not approved" in refusal(dead)
    assert "incorrect invoice type" in refusal(bill.document["InvoiceID"])
    assert "before it is approved" in refusal(to, note=open_draft.document["CreditNoteID"])
    assert "could not be found" in refusal(NOBODY)
    assert world.organisation.allocations == {}


def test_a_note_that_is_not_there_cannot_be_applied(world: World) -> None:
    to = invoice_id(world)

    with pytest.raises(Rejected) as caught:
        apply(world, NOBODY, to)

    assert caught.value.status == 404


def test_drafts_are_deleted_and_approved_notes_voided_unless_applied(world: World) -> None:
    (made,) = create(world, draft(world, "CN-1"))
    voided, used = approved(world, "CN-2"), approved(world, "CN-3")
    apply(world, used, invoice_id(world), "1")

    elements = world.xero.update_credit_notes(
        [
            {"CreditNoteID": made.document["CreditNoteID"], "Status": "DELETED"},
            {"CreditNoteID": voided, "Status": "VOIDED"},
            {"CreditNoteID": used, "Status": "VOIDED"},
        ]
    )

    assert [element.ok for element in elements] == [True, True, False]
    assert [element.document["Status"] for element in elements[:2]] == ["DELETED", "VOIDED"]
    assert "credit notes allocated" in elements[2].errors[0]
