"""People go on while a document is being ended: who pays, approves, voids, locks, edits or changes their mind."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.simulation.cancelling import (
    APPLYING,
    APPROVING,
    ENDING,
    MAKING,
    PUT_NOTES,
    TOTAL,
    Ended,
    activate,
    cancel,
    cancelled,
    cancelled_draft,
    delete,
    exported,
    owed,
    part_paid,
    run,
    try_again,
)
from tests.simulation.taps import Crash
from tests.simulation.test_strays import freeze
from tests.simulation.updating import person
from tests.world import World

both_sides = pytest.mark.parametrize("side", ["sales", "bill"])
steps = pytest.mark.parametrize("step", [MAKING, APPROVING, APPLYING], ids=["made", "approved", "applied"])
TRY_AGAIN = "Then set Export status to No, and it is tried again."
IN_PART = (
    "Invoice has been credited in Xero - {id}\n"
    "Credit note {note} over 40.80 GBP was made but not applied, as {number} is paid or credited in part already. "
    "Apply it by hand in Xero to what is due, and refund the rest."
)
FULLY_PAID = (
    "The Invoice is fully paid in Xero: {number}, 40.80 GBP. The invoice was cancelled in Dynamics. The document is "
    "left as it is.\nRemove the payment in Xero, or make a credit note there by hand and refund it.\n" + TRY_AGAIN
)
TAKEN_BACK = "Credit note {note}, which had been begun, was taken back."


def words(text: str, ended: Ended, note: str = "") -> str:
    return text.format(id=ended.xero_id, number=ended.number, note=note or f"CN-{ended.number}")


# -- somebody pays ---------------------------------------------------------------------------------------------


@both_sides
@steps
def test_a_payment_in_part_leaves_the_note_to_be_applied_by_hand(world: World, side: str, step: str) -> None:
    """Rule E3, rule E0: whenever it arrives, one note stands in the books, and applies to nothing."""
    ended = cancelled(world, side)
    world.tap.when(step, lambda: person(world).pay(ended.xero_id, "10.00"))

    run(world)

    note = ended.note()
    assert (note["Status"], note["RemainingCredit"], ended.applied(note)) == ("AUTHORISED", TOTAL, [])
    assert len(ended.notes()) == 1
    assert ended.told()[0] == ("Cancel", "Successful", words(IN_PART, ended))
    ended.assert_dealt_with("Yes")
    assert ended.details["stl3_creditnoteid"] == note["CreditNoteID"]
    assert (ended.details["stl3_amountdue"], ended.details["stl3_amountpaid"]) == (Decimal("30.80"), 10)
    assert owed(world, side) == -10
    world.assert_quiet()


@both_sides
@steps
def test_a_payment_in_full_takes_the_note_back(world: World, side: str, step: str) -> None:
    """Rule E5: nothing is to be credited any more, so nothing of the note is left in the books."""
    ended = cancelled(world, side)
    world.tap.when(step, lambda: person(world).pay(ended.xero_id))

    run(world)

    assert ended.live_notes() == []
    assert ended.document["Status"] == "PAID"
    assert ended.told()[0] == ("Cancel", "Failed", words(f"{FULLY_PAID}\n{TAKEN_BACK}", ended))
    ended.assert_dealt_with("Failed")
    assert (ended.details["stl3_creditnoteid"], ended.details["stl3_creditnotenumber"]) == (None, None)
    assert owed(world, side) == 0
    world.assert_quiet()


@both_sides
def test_a_payment_that_is_removed_again_lets_the_next_try_credit(world: World, side: str) -> None:
    """Rule E2, rule C60: the number of a sales note that was taken back is used up, so the other one is taken."""
    ended = cancelled(world, side)
    world.tap.when(APPLYING, lambda: person(world).pay(ended.xero_id))
    run(world)
    (payment,) = world.org.payments.values()
    person(world).remove_payment(payment["PaymentID"])
    world.settle()

    try_again(ended)

    note = ended.note()
    assert (note["Status"], ended.applied(note)) == ("PAID", [(ended.xero_id, TOTAL)])
    assert note["CreditNoteNumber"] == f"CN-{ended.xero_id}"
    assert [row[:2] for row in ended.told()] == [("Cancel", "Successful")]
    ended.assert_dealt_with("Yes")
    assert owed(world, side) == 0
    world.assert_quiet()


def test_a_payment_in_part_before_the_void_makes_it_a_credit_note(world: World) -> None:
    """Rule E4, rule E3: Xero refuses to void what is paid in part; what stands then decides."""
    ended = cancelled(world, by="Void")
    world.tap.when(ENDING, lambda: person(world).pay(ended.xero_id, "10.00"))

    run(world)

    assert ended.document["Status"] == "AUTHORISED"
    assert ended.applied(ended.note()) == []
    assert ended.told()[0] == ("Cancel", "Successful", words(IN_PART, ended))
    ended.assert_dealt_with("Yes")
    assert owed(world) == -10
    world.assert_quiet()


def test_a_payment_in_full_before_the_void_fails(world: World) -> None:
    """Rule E5: it is fully paid by then, and no note was begun."""
    ended = cancelled(world, by="Void")
    world.tap.when(ENDING, lambda: person(world).pay(ended.xero_id))

    run(world)

    assert ended.notes() == []
    assert ended.told()[0] == ("Cancel", "Failed", words(FULLY_PAID, ended))
    ended.assert_dealt_with("Failed")
    world.assert_quiet()


# -- somebody approves, voids, deletes or edits it -------------------------------------------------------------


def test_a_draft_that_is_approved_before_it_is_deleted_is_credited(world: World) -> None:
    """Rule E1, rule E2: Xero refuses to delete it, and the next look finds it approved."""
    ended = cancelled_draft(world)
    person(world).edit_invoice(ended.xero_id, DueDate="2026-12-24")
    world.tap.when(ENDING, lambda: person(world).approve_invoice(ended.xero_id))

    run(world)

    ended.assert_credited_once()
    world.assert_quiet()


def test_a_draft_that_is_deleted_by_hand_meanwhile_is_told_once(world: World) -> None:
    """Rule E0: whoever was first, it is deleted."""
    ended = cancelled_draft(world)
    world.tap.when(ENDING, lambda: person(world).delete_invoice(ended.xero_id))

    run(world)

    ended.assert_ended_once("DELETED")
    world.assert_quiet()


def test_a_document_that_is_voided_by_hand_before_we_do_is_told_once(world: World) -> None:
    """Rule E0: whoever was first, it is voided."""
    ended = cancelled(world, by="Void")
    world.tap.when(ENDING, lambda: person(world).void_invoice(ended.xero_id))

    run(world)

    ended.assert_ended_once("VOIDED")
    world.assert_quiet()


@both_sides
@steps
def test_a_document_that_is_voided_meanwhile_takes_the_note_back(world: World, side: str, step: str) -> None:
    """Rule E6: nothing is owed, so a note would be too much."""
    ended = cancelled(world, side)
    world.tap.when(step, lambda: person(world).void_invoice(ended.xero_id))

    run(world)

    assert ended.live_notes() == []
    text = "The invoice was cancelled in Dynamics. {number} has been voided in Xero before: there is nothing to do.\n"
    assert ended.told()[0] == ("Cancel", "Successful", words(text + TAKEN_BACK, ended))
    ended.assert_dealt_with("Yes")
    assert ended.details["stl3_xerostatus"] == "VOIDED"
    assert owed(world, side) == 0
    world.assert_quiet()


@steps
@pytest.mark.parametrize("price", ["1.00", "100.00"])
def test_an_edit_of_the_document_meanwhile_is_never_credited_in_silence(world: World, step: str, price: str) -> None:
    """Rule E9: the note was built from what stood before; a person is told of both sums."""
    ended = cancelled(world)
    world.tap.when(step, lambda: person(world).edit_line(ended.xero_id, UnitAmount=price))

    run(world)

    note = ended.note()
    assert len(ended.notes()) == 1
    assert note["Status"] != "DRAFT"
    ended.assert_failed(
        f"Credit note {note['CreditNoteNumber']} is approved and adds up to 40.80 GBP (tax 6.80 GBP), the "
        f"document to {ended.total} GBP (tax {ended.document['TotalTax']} GBP).",
        "Void the credit note in Xero, and the next try makes another one",
    )
    assert owed(world) == ended.total - TOTAL
    world.assert_quiet()

    for allocation in world.org.allocations_of(note["CreditNoteID"]):
        person(world).remove_allocation(allocation["AllocationID"])
    person(world).void_credit_note(note["CreditNoteID"])
    try_again(ended)
    assert ended.applied(ended.note()) == [(ended.xero_id, ended.total)]
    ended.assert_dealt_with("Yes")
    assert owed(world) == 0
    world.assert_quiet()


# -- somebody changes their mind -------------------------------------------------------------------------------


@both_sides
@steps
def test_an_invoice_made_active_again_meanwhile_is_told_of(world: World, side: str, step: str) -> None:
    """Rule E8: what was begun is completed, and how the invoice is sent again is said after it."""
    ended = cancelled(world, side)
    world.tap.when(step, lambda: activate(world, ended.invoice_id))

    run(world)

    again = (
        "The invoice is active again. {number} has been credited in full in Xero, and no other is made by itself.\n"
        "Set Export status to No to send it again."
    )
    assert ended.told()[1:] == [("Update", "Successful", words(again, ended))]
    assert ended.applied(ended.note()) == [(ended.xero_id, TOTAL)]
    ended.assert_dealt_with("Yes", kind="Update")
    world.assert_quiet()


@both_sides
@steps
def test_an_invoice_deleted_meanwhile_is_credited_once(world: World, side: str, step: str) -> None:
    """Rule E0: cancelled, then deleted while the note is made."""
    ended = cancelled(world, side)
    world.tap.when(step, lambda: delete(world, ended.invoice_id))

    run(world)

    ended.assert_credited_once(kind="Delete")
    assert owed(world, side) == 0
    world.assert_quiet()


@both_sides
@pytest.mark.parametrize("lost", [MAKING, APPROVING, APPLYING], ids=["making", "approving", "applying"])
@pytest.mark.parametrize("mind", [activate, delete])
def test_who_changes_their_mind_while_a_crash_lies_between(
    world: World, side: str, lost: str, mind: Callable[[World, str], None]
) -> None:
    """Rule E0: Xero had done it, nobody has heard of it, and the invoice is another one by then."""
    ended = cancelled(world, side)
    world.tap.crash_at(1, after=True, only=lost)
    with pytest.raises(Crash):
        world.work()
    world.die()
    mind(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert len(ended.notes()) == 1
    assert ended.applied(ended.note()) == [(ended.xero_id, TOTAL)]
    (row,) = ended.told()
    assert row[:2] == ("Delete" if mind is delete else "Cancel", "Successful")
    assert row[2].startswith(f"Invoice has been credited in Xero - {ended.xero_id}\n")
    assert ("Set Export status to No to send it again." in row[2]) is (mind is activate)
    ended.assert_dealt_with("Yes", kind="Delete" if mind is delete else "Update")
    assert owed(world, side) == 0
    world.assert_quiet()


@both_sides
def test_an_invoice_made_active_again_before_xero_was_asked_is_left_alone(world: World, side: str) -> None:
    """Rule E8: the process died before the note was made; nobody wants it any more."""
    ended = cancelled(world, side)
    world.tap.crash_at(1, after=False, only=MAKING)
    with pytest.raises(Crash):
        world.work()
    world.die()
    activate(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert ended.notes() == []
    assert ended.told() == [
        (
            "Update",
            "Successful",
            f"The invoice is active again. {ended.number} in Xero stays its document: Authorised.",
        )
    ]
    ended.assert_dealt_with("Yes", kind="Update")
    assert ended.details["stl3_creditnotenumber"] is None
    assert owed(world, side) == TOTAL
    world.assert_quiet()


@both_sides
@pytest.mark.parametrize("minutes", [1, 5])
def test_a_worker_that_freezes_before_it_makes_the_note(world: World, side: str, minutes: int) -> None:
    """Rules E0 and E10: others wait for the note of a bill; of a sale Xero takes the number once."""
    ended = cancelled(world, side)
    world.tap.when(MAKING, freeze(world, minutes=minutes))

    run(world)

    ended.assert_credited_once()
    world.assert_quiet()


def test_who_makes_it_active_again_is_not_told_before_a_late_call_has_arrived(world: World) -> None:
    """Rule E8: a worker froze before it voided the document, which may be voided yet."""
    ended = cancelled(world, by="Void")

    def meanwhile() -> None:
        activate(world, ended.invoice_id)
        ended.mark()
        freeze(world, minutes=3)()
        assert ended.told() == []

    world.tap.when(ENDING, meanwhile)

    run(world)

    assert ended.document["Status"] == "VOIDED"
    (row,) = ended.told()
    assert row == (
        "Cancel",
        "Successful",
        f"Invoice has been voided in Xero - {ended.xero_id}\n"
        f"The invoice is active again. {ended.number} has been voided in Xero, and no other is made by itself.\n"
        "Set Export status to No to send it again.",
    )
    ended.assert_dealt_with("Yes", kind="Update")
    world.assert_quiet()


@pytest.mark.parametrize(("by", "asking"), [("Credit note", MAKING), ("Void", ENDING)])
def test_nothing_is_asked_of_xero_before_the_intent_stands(world: World, by: str, asking: str) -> None:
    """Rule E0: the row moves after it was read, so the intent is not written, and all is read again."""
    ended = cancelled(world, by=by)
    intents: list[str] = []

    def look(name: str) -> None:
        if re.search(asking, name):
            intents.append(ended.details["stl3_cancelling"] or "none")

    def meanwhile() -> None:
        world.edit_details(ended.invoice_id, stl3_name="Renamed")
        world.tap.before = look

    world.tap.when("GET api.xero.com/api.xro/2.0/CreditNotes", meanwhile, after=True)

    run(world)

    assert [text.split()[0] for text in intents] == [by.split(maxsplit=1)[0].lower()]
    assert [row[:2] for row in ended.told()] == [("Cancel", "Successful")]
    ended.assert_dealt_with("Yes")
    world.assert_quiet()


def test_an_approved_note_that_somebody_changes_before_it_is_recorded_is_told_of(world: World) -> None:
    """Rule E9: it does not take back what the document asks for any more, and it is not for us to change."""
    ended = exported(world, part_paid)
    cancel(world, ended.invoice_id)
    ended.mark()

    def meanwhile() -> None:
        line = {"Description": "Less", "Quantity": 1, "UnitAmount": "30.00", "AccountCode": "200", "TaxType": "NONE"}
        person(world).edit_credit_note(ended.note()["CreditNoteID"], LineItems=[line])
        raise Crash("after the approval")

    world.tap.when(APPROVING, meanwhile, after=True)
    with pytest.raises(Crash):
        world.work()
    world.die()

    run(world)

    ended.assert_failed("is approved and adds up to", "the document to 40.80 GBP")
    assert (ended.note()["Status"], ended.applied(ended.note())) == ("AUTHORISED", [])
    world.assert_quiet()


def test_the_settings_change_while_a_crash_lies_between(world: World) -> None:
    """Rule E0: what was begun is completed, whatever the settings say now."""
    ended = cancelled(world)
    world.lose_reply(PUT_NOTES)
    world.work()
    world.choose(create_credit_notes=False, cancel_by="Void")
    world.pass_time(minutes=2)

    world.settle()

    ended.assert_credited_once()
    world.assert_quiet()
