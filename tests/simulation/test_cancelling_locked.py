"""The day of a credit note, and books that are locked up to it or the document's (rules E11, E12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.simulation.cancelling import (
    APPLYING,
    APPROVING,
    TOTAL,
    Ended,
    approved,
    cancel,
    cancelled,
    cancelled_draft,
    delete,
    exported,
    just_exported,
    lock,
    owed,
    run,
    settle_down,
    try_again,
)
from tests.simulation.taps import Crash
from tests.simulation.updating import person
from tests.world import World

both_sides = pytest.mark.parametrize("side", ["sales", "bill"])


# -- somebody locks the books ----------------------------------------------------------------------------------


@both_sides
def test_a_locked_day_fails_and_names_it(world: World, side: str) -> None:
    """F49: Rule E11, rule C60: nothing is written in Xero; once the lock date is moved, No makes it go."""
    ended = cancelled(world, side)
    lock(world)

    run(world)

    assert world.org.credit_notes == {}
    text = ended.assert_failed("period lock date, currently set at 24 November 2026")
    assert "the credit note's date, which is the day of the cancellation or the" in text
    world.assert_quiet()

    person(world).set_lock_dates()
    try_again(ended)
    ended.assert_credited_once()
    world.assert_quiet()


@both_sides
def test_a_lock_date_set_before_the_approval_leaves_the_draft_for_the_next_try(world: World, side: str) -> None:
    """Rule E11, rule E0: the draft is not in the books; it is what the next try approves."""
    ended = cancelled(world, side)
    world.tap.when(APPROVING, lambda: lock(world))

    run(world)

    assert [note["Status"] for note in ended.notes()] == ["DRAFT"]
    ended.assert_failed("period lock date, currently set at 24 November 2026")
    assert ended.details["stl3_creditnotenumber"] == ended.note()["CreditNoteNumber"]
    world.assert_quiet()

    person(world).set_lock_dates()
    try_again(ended)
    ended.assert_credited_once()
    world.assert_quiet()


@both_sides
def test_a_lock_date_set_before_the_allocation_leaves_the_note_for_the_next_try(world: World, side: str) -> None:
    """Rule E0: the approved note is known by its id, and applied."""
    ended = cancelled(world, side)
    world.tap.when(APPLYING, lambda: lock(world))

    run(world)

    assert [note["Status"] for note in ended.notes()] == ["AUTHORISED"]
    ended.assert_failed("period lock date, currently set at 24 November 2026")
    world.assert_quiet()

    person(world).set_lock_dates()
    try_again(ended)
    ended.assert_credited_once()
    world.assert_quiet()


def test_a_draft_whose_deletion_a_lock_refuses_fails_with_the_remedy(world: World) -> None:
    """Rule E12: nothing else is tried."""
    ended = cancelled_draft(world)
    lock(world)

    run(world)

    assert ended.document["Status"] == "DRAFT"
    ended.assert_failed("period lock date, currently set at 24 November 2026", "Have the lock date moved in Xero")
    world.assert_quiet()

    person(world).set_lock_dates()
    try_again(ended)
    ended.assert_ended_once("DELETED")


INSTEAD = (
    "Invoice has been credited in Xero - {id}\n"
    "Credit note {note} over 40.80 GBP was made and applied to {number}.\n"
    "Xero refuses to void it, because its period is locked; so it was credited."
)


@both_sides
def test_a_void_that_a_lock_refuses_becomes_a_credit_note(world: World, side: str) -> None:
    """Rule E12: by rule E2, and the history says why."""
    ended = cancelled(world, side, by="Void")
    lock(world, days_ago=1)

    run(world)

    assert_credited_instead(ended, side)


@both_sides
def test_so_it_does_across_a_crash(fresh_world: Callable[[], World], side: str) -> None:
    """Rule E12, rule E0: the process dies around any call to Xero or Dynamics."""
    for number in range(1, 40):
        world = fresh_world()
        ended = just_exported(world, approved, side)
        world.choose(cancel_by="Void")
        world.pass_time(days=2)
        cancel(world, ended.invoice_id)
        ended.mark()
        lock(world, days_ago=1)
        world.tap.crash_after_effect(number, only="xero|contoso")
        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 8
            return
        world.redis.flushall()
        world.settle()

        assert_credited_instead(ended, side)
    raise AssertionError("it never ended")


def assert_credited_instead(ended: Ended, side: str) -> None:
    note = ended.note()
    assert len(ended.notes()) == 1
    assert ended.applied(note) == [(ended.xero_id, TOTAL)]
    assert ended.told() == [
        ("Cancel", "Successful", INSTEAD.format(id=ended.xero_id, number=ended.number, note=note["CreditNoteNumber"]))
    ]
    ended.assert_dealt_with("Yes")
    assert owed(ended.world, side) == 0
    ended.world.assert_quiet()


# -- the day of the note ---------------------------------------------------------------------------------------


def test_the_note_has_the_day_of_the_cancellation_however_late_it_is_made(world: World) -> None:
    """Rule E11: everything was down for three days."""
    ended = cancelled(world)
    day = world.clock.now().date()
    world.pass_time(days=3)

    run(world)

    assert ended.note()["Date"] == day
    ended.assert_credited_once()


@pytest.mark.parametrize(("timezone", "later"), [("Pacific/Auckland", 1), ("America/Los_Angeles", 0)])
def test_the_day_is_that_of_the_connections_zone(world: World, timezone: str, later: int) -> None:
    """Rule E11, rule B9: shortly before midnight in London it is tomorrow in Auckland."""
    ended = exported(world, approved)
    world.choose(timezone=timezone)
    world.pass_time(hours=13, minutes=2)
    day = world.clock.now().date()
    cancel(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert ended.note()["Date"] == day + timedelta(days=later)


def test_the_day_is_never_before_the_documents_own(world: World) -> None:
    """Rule E11: somebody has dated the document ahead."""
    ended = exported(world, approved)
    ahead = (world.clock.now() + timedelta(days=20)).date()
    person(world).edit_invoice(ended.xero_id, Date=ahead, DueDate=ahead)
    settle_down(world)
    ended.remember()
    cancel(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert ended.note()["Date"] == ahead


def test_the_note_of_a_deleted_invoice_has_the_day_on_which_it_was_heard_of(world: World) -> None:
    """Rule E11: nothing in Dynamics says when it was deleted."""
    ended = exported(world, approved)
    delete(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert ended.note()["Date"] == world.clock.now().date()
