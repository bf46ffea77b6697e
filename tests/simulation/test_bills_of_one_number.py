"""Two bills of one supplier with one number, which Xero allows: each gets a credit note of its own (rule E10)."""

from __future__ import annotations

import pytest

from tests.simulation.cancelling import (
    MAKING,
    TOTAL,
    Ended,
    approved,
    cancel,
    exported,
    just_exported,
    owed,
    part_paid,
    run,
)
from tests.simulation.taps import Crash
from tests.simulation.updating import person
from tests.world import World


def two_bills(world: World) -> tuple[Ended, Ended]:
    """Return two approved bills; somebody has given the second one the number of the first."""
    first, second = exported(world, approved, "bill"), just_exported(world, approved, "bill")
    person(world).edit_invoice(second.xero_id, InvoiceNumber=first.number)
    world.settle()
    world.pass_time(minutes=12)
    for bill in (first, second):
        bill.remember()
    return first, second


def begin(world: World, bill: Ended) -> None:
    """Somebody cancels it; its intent is written, and the process dies before it asks for the note."""
    cancel(world, bill.invoice_id)
    bill.mark()
    world.tap.crash_at(1, after=False, only=MAKING)
    with pytest.raises(Crash):
        world.work()
    world.die()


def assert_each_has_its_own(*bills: Ended) -> None:
    """One note by the number, one by the id, each applied to its bill in full, and named by its row."""
    world = bills[0].world
    notes = [world.org.credit_notes[bill.details["stl3_creditnoteid"]] for bill in bills]
    numbers = {f"CN-{bills[0].number}"} | {f"CN-{bill.xero_id}" for bill in bills}
    assert len({note["CreditNoteNumber"] for note in notes} & numbers) == len(world.org.credit_notes) == 2
    for bill, note in zip(bills, notes, strict=True):
        assert bill.details["stl3_creditnotenumber"] == note["CreditNoteNumber"]
        assert bill.applied(note) == [(bill.xero_id, TOTAL)]
        assert [row[:2] for row in bill.told()] == [("Cancel", "Successful")]
        bill.assert_dealt_with("Yes")
    assert owed(world, "bill") == 0
    world.assert_quiet()


def test_both_are_cancelled_at_once(world: World) -> None:
    """Rule E10: in one round."""
    first, second = two_bills(world)
    for bill in (first, second):
        cancel(world, bill.invoice_id)
        bill.mark()

    run(world)

    assert_each_has_its_own(first, second)


def test_one_is_cancelled_after_the_other(world: World) -> None:
    """Rule E10: the row of the first one names its note by then."""
    first, second = two_bills(world)
    cancel(world, first.invoice_id)
    world.settle()
    cancel(world, second.invoice_id)

    world.settle()

    assert first.details["stl3_creditnotenumber"] == f"CN-{first.number}"
    assert_each_has_its_own(first, second)


def test_a_number_that_was_begun_for_one_is_not_given_to_the_other(world: World) -> None:
    """It stands on the row; whether its note is on its way nobody knows yet."""
    first, second = two_bills(world)
    begin(world, first)
    assert first.details["stl3_creditnotenumber"] == f"CN-{first.number}"
    cancel(world, second.invoice_id)
    second.mark()

    run(world)

    assert second.details["stl3_creditnotenumber"] == f"CN-{second.xero_id}"
    assert_each_has_its_own(first, second)


def test_a_note_that_the_row_of_the_other_names_is_not_taken_for_ours(world: World) -> None:
    """Somebody gives it, in Xero, the very number that was begun for the second bill: for a person to sort out."""
    first, second = two_bills(world)
    part_paid(world, first.xero_id)
    cancel(world, first.invoice_id)
    world.settle()
    note_id = first.details["stl3_creditnoteid"]
    assert first.applied(world.org.credit_notes[note_id]) == []
    begin(world, second)
    person(world).edit_credit_note(note_id, CreditNoteNumber=second.details["stl3_creditnotenumber"])

    world.settle()

    second.assert_failed("All numbers that its credit note might have are used by other credit notes in Xero.")
    assert list(world.org.credit_notes) == [note_id]
    assert first.applied(world.org.credit_notes[note_id]) == []
    world.assert_quiet()
