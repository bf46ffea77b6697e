"""A credit note that could not be applied in full, and what people make of it in Xero afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.cancelling import Ended, by_poll, cancel, delete, exported, part_paid, settle_down
from tests.simulation.updating import person
from tests.world import World


def ask_again(world: World, invoice_id: str) -> None:
    world.try_again(invoice_id)


def credited_and_not_applied(world: World) -> Ended:
    """Return an invoice that was paid in part, and cancelled some time ago."""
    ended = exported(world, part_paid)
    cancel(world, ended.invoice_id)
    settle_down(world)
    return ended


@pytest.mark.parametrize("act", [delete, ask_again])
@pytest.mark.parametrize("settled_by", ["our note", "money"])
def test_what_people_settle_after_our_note_counts_as_credited(
    world: World, act: Callable[[World, str], None], settled_by: str
) -> None:
    """Rule E0, rule E3: nobody is told to make a second credit note for what the first one has taken back."""
    ended = credited_and_not_applied(world)
    note = ended.note()
    if settled_by == "money":
        person(world).pay(ended.xero_id)
    else:
        person(world).allocate_credit_note(note["CreditNoteID"], ended.xero_id, "30.80")
    settle_down(world)
    assert ended.document["Status"] == "PAID"
    ended.remember()

    world.pass_time(minutes=1)
    by_poll(world, lambda: act(world, ended.invoice_id))

    assert ended.told() == []
    assert [one["CreditNoteID"] for one in ended.notes()] == [note["CreditNoteID"]]
    ended.assert_dealt_with("Yes", kind="Delete" if act is delete else "Cancel")


def test_a_note_that_people_void_afterwards_does_not_count(world: World) -> None:
    """Rule E5: the document is paid, and nothing takes it back any more; that is told when it is deleted."""
    ended = credited_and_not_applied(world)
    person(world).void_credit_note(ended.note()["CreditNoteID"])
    person(world).pay(ended.xero_id)
    settle_down(world)
    ended.remember()

    world.pass_time(minutes=1)
    by_poll(world, lambda: delete(world, ended.invoice_id))

    ended.assert_failed("The Invoice is fully paid in Xero", kind="Delete")
