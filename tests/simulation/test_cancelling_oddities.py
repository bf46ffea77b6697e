"""What happens seldom while a document is being ended: long outages, late writes, rows that people have spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from simulators.wire import Call, Fault
from tests.simulation.cancelling import (
    APPROVING,
    LINES,
    MAKING,
    PUT_NOTES,
    TOTAL,
    AllSteps,
    Ended,
    Stand,
    activate,
    approved,
    cancel,
    cancelled,
    cancelled_draft,
    delete,
    exported,
    lock,
    owed,
    part_paid,
    run,
    settle_down,
    try_again,
)
from tests.simulation.deleting import put
from tests.simulation.taps import Crash
from tests.simulation.test_explain import explained
from tests.simulation.updating import person
from tests.world import World

WRITES = "^(PUT|POST) /api.xro/"
both_sides = pytest.mark.parametrize("side", ["sales", "bill"])


def writes(world: World) -> int:
    return sum(call.method in ("PUT", "POST") and "/api.xro/" in call.path for call in world.xero.wire.calls)


def calls_of(world: World, method: str, path: str) -> list[Call]:
    return [call for call in world.xero.wire.calls if call.method == method and call.path.endswith(path)]


def die_before(world: World, step: str) -> None:
    """The process dies before this call leaves it; another one starts."""
    world.tap.crash_at(1, after=False, only=step)
    with pytest.raises(Crash):
        world.work()
    world.die()


def hear(world: World, hooks: AllSteps) -> None:
    """Dynamics posts what happened, and the workers work; nobody polls."""
    for _ in range(5):
        hooks.deliver()
        world.work()


# -- outages of writes -----------------------------------------------------------------------------------------

BEGUN: dict[str, Callable[[World], Ended]] = {
    "void": lambda world: cancelled(world, by="Void"),
    "delete": cancelled_draft,
    "credit a sale": cancelled,
    "credit a bill": lambda world: cancelled(world, "bill"),
}
ENDED = {"void": "VOIDED", "delete": "DELETED"}


@pytest.mark.parametrize("what", BEGUN)
@pytest.mark.parametrize("minutes", [20, 60])
def test_an_outage_of_writes_is_waited_for(world: World, what: str, minutes: int) -> None:
    """Rule E0: Xero answers what is read and no write; it is asked seldom, and it is done once that is over."""
    ended = BEGUN[what](world)
    world.xero.wire.forget_calls()
    world.xero.wire.inject(Fault(match=WRITES, kind="status-before", times=10_000, status=503))

    world.run_for(minutes=minutes)

    assert 2 <= writes(world) <= minutes // 4
    assert ended.told() == []
    assert world.status(ended.invoice_id) == "Yes"
    world.xero.wire.release()
    world.settle()
    if what in ENDED:
        ended.assert_ended_once(ENDED[what])
    else:
        ended.assert_credited_once()
    world.assert_quiet()


# -- writes that arrive late -----------------------------------------------------------------------------------


def test_a_note_that_arrives_late_is_found_and_completed(world: World) -> None:
    """Rule E9: just before it is asked for anew, after it was looked for in vain; its number says that it is ours."""
    ended = cancelled(world)
    world.xero.wire.inject(Fault(match=PUT_NOTES, kind="drop-before"))
    world.work()
    (sent,) = calls_of(world, "PUT", "/CreditNotes")
    (late,) = json.loads(sent.body, parse_float=Decimal)["CreditNotes"]
    assert ended.notes() == []
    world.pass_time(minutes=2)
    world.tap.when(MAKING, lambda: person(world).create_credit_note(**late))

    run(world)

    assert [call.status for call in calls_of(world, "PUT", "/CreditNotes")] == [0, 200]  # the second was refused
    ended.assert_credited_once()
    assert owed(world) == 0
    world.assert_quiet()


@both_sides
def test_an_approval_that_arrives_while_the_note_is_taken_back(world: World, side: str) -> None:
    """Rule E5: Xero refuses to delete what is approved by then; it is looked at again, and voided."""
    ended = cancelled(world, side)
    die_before(world, APPROVING)
    draft = ended.note()
    person(world).pay(ended.xero_id)
    world.tap.when(APPROVING, lambda: person(world).approve_credit_note(draft["CreditNoteID"]))

    run(world)

    (note,) = ended.notes()
    assert note["Status"] == "VOIDED"
    kind, status, text = ended.told()[0]
    assert (kind, status, text.split(":")[0]) == ("Cancel", "Failed", "The Invoice is fully paid in Xero")
    assert text.endswith(f"Credit note {note['CreditNoteNumber']}, which had been begun, was taken back.")
    ended.assert_dealt_with("Failed")
    assert owed(world, side) == 0
    world.assert_quiet()


# -- asked for in between --------------------------------------------------------------------------------------


def test_what_was_left_is_ended_if_it_was_active_for_a_moment(world: World) -> None:
    """Rule E8, rule B8: active, No, and cancelled again before a poll came by; the row told the first state still."""
    ended = exported(world)
    world.choose(create_credit_notes=False)
    hooks = AllSteps(world)
    cancel(world, ended.invoice_id)
    hear(world, hooks)
    ended.assert_dealt_with("Yes")
    world.pass_time(minutes=1)
    activate(world, ended.invoice_id)
    world.try_again(ended.invoice_id)
    hear(world, hooks)
    world.choose(create_credit_notes=True)
    world.pass_time(minutes=1)
    ended.remember()

    cancel(world, ended.invoice_id)
    hear(world, hooks)
    world.settle()

    ended.assert_credited_once()
    assert owed(world) == 0
    world.assert_quiet()


def test_what_failed_is_ended_if_it_was_active_for_a_moment(world: World) -> None:
    """Rule E8, rule C60: as the words about a locked period advise; the note gets the later day."""
    ended = exported(world)
    hooks = AllSteps(world)
    lock(world)
    cancel(world, ended.invoice_id)
    hear(world, hooks)
    ended.assert_failed("lock")
    world.pass_time(days=1)
    activate(world, ended.invoice_id)
    world.try_again(ended.invoice_id)
    hear(world, hooks)
    world.pass_time(minutes=1)
    ended.remember()

    cancel(world, ended.invoice_id)
    hear(world, hooks)
    world.settle()

    note = ended.assert_credited_once()
    assert note["Date"] == world.clock.now().date()
    assert owed(world) == 0
    world.assert_quiet()


# -- whose note it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", [approved, part_paid])
def test_two_bills_of_one_number_have_a_note_each_in_whatever_round(world: World, stand: Stand) -> None:
    """Rule E10: the process dies with a note begun; meanwhile the other bill of that supplier is cancelled."""
    one = exported(world, approved, "bill", invoicenumber="S-77")
    two = exported(world, stand, "bill", invoicenumber="S-77")
    assert (one.number, one.document["Contact"]) == (two.number, two.document["Contact"])
    world.pass_time(minutes=2)
    cancel(world, one.invoice_id)
    one.mark()
    die_before(world, MAKING)
    cancel(world, two.invoice_id)
    two.mark()

    run(world)

    assert len(world.org.credit_notes) == 2
    of_one, of_two = (world.org.credit_notes[each.details["stl3_creditnoteid"]] for each in (one, two))
    assert of_one["CreditNoteNumber"] != of_two["CreditNoteNumber"]
    assert one.applied(of_one) == [(one.xero_id, TOTAL)]
    assert two.applied(of_two) == ([(two.xero_id, TOTAL)] if stand is approved else [])
    for each in (one, two):
        assert [row[:2] for row in each.told()][:1] == [("Cancel", "Successful")]
        each.assert_dealt_with("Yes")
    assert owed(world, "bill") == (0 if stand is approved else -10)
    world.assert_quiet()


def test_somebodys_draft_that_the_row_names_by_hand_is_not_touched(world: World) -> None:
    """Rule E10: a draft would be rewritten, so its id alone does not make it ours."""
    ended = exported(world)
    theirs = person(world).create_credit_note(
        Type="ACCRECCREDIT",
        Contact={"ContactID": ended.document["Contact"]["ContactID"]},
        CreditNoteNumber="THEIRS-1",
        Date="2026-11-26",
        LineItems=[{"Description": "Ours not", "Quantity": 1, "UnitAmount": 5, "AccountCode": "200"}],
    )
    before = dict(world.org.credit_notes[theirs["CreditNoteID"]])
    put(world, ended.invoice_id, stl3_creditnoteid=theirs["CreditNoteID"])
    cancel(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert world.org.credit_notes[theirs["CreditNoteID"]] == before
    ended.assert_credited_once()
    world.assert_quiet()


@both_sides
def test_our_approved_note_is_known_by_its_id_when_people_have_renumbered_it(world: World, side: str) -> None:
    """Rule E0: it waits to be applied by hand; deleting the invoice makes no second one."""
    ended = exported(world, part_paid, side)
    cancel(world, ended.invoice_id)
    ended.mark()
    run(world)
    note = ended.note()
    person(world).edit_credit_note(note["CreditNoteID"], CreditNoteNumber="Z-1")
    settle_down(world)
    ended.remember()

    delete(world, ended.invoice_id)
    run(world)

    (kept,) = world.org.credit_notes.values()
    assert (kept["CreditNoteID"], kept["CreditNoteNumber"]) == (note["CreditNoteID"], "Z-1")
    assert ended.told() == []
    ended.assert_dealt_with("Yes", kind="Delete")
    assert owed(world, side) == -10
    world.assert_quiet()


@both_sides
def test_a_note_that_people_approve_after_a_lock_is_told_of(world: World, side: str) -> None:
    """Rule E3, rule C60: we had not come so far, so nobody has read yet that it is to be applied by hand."""
    ended = exported(world, part_paid, side)
    cancel(world, ended.invoice_id)
    ended.mark()
    world.tap.when(APPROVING, lambda: lock(world))
    run(world)
    ended.assert_failed("lock")
    note = ended.note()
    assert note["Status"] == "DRAFT"
    person(world).set_lock_dates(period=None)
    person(world).approve_credit_note(note["CreditNoteID"])

    try_again(ended)

    (told,) = ended.told()
    assert told[:2] == ("Cancel", "Successful")
    assert f"Credit note {note['CreditNoteNumber']} over 40.80 GBP was made but not applied" in told[2]
    assert "Apply it by hand in Xero to what is due" in told[2]
    assert ended.details["stl3_creditnoteid"] == note["CreditNoteID"]
    ended.assert_dealt_with("Yes")
    assert len(ended.notes()) == 1
    world.assert_quiet()


# -- rows that people have spoilt ------------------------------------------------------------------------------


def test_a_row_that_lost_the_id_of_its_invoice_does_not_stop_the_poll(world: World) -> None:
    """Rule E0: the other invoices are found all the same."""
    ended = exported(world)
    delete(world, ended.invoice_id)
    put(world, ended.invoice_id, stl3_dynamicsinvoiceid=None)
    other = world.save_invoice(*LINES)
    world.interrupted.clear()

    world.settle()

    assert world.interrupted == []
    world.assert_exported_once(other)
    assert ended.told() == []


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after a poll"])
def test_a_row_that_names_another_invoice_is_ended_with_its_own(world: World, *, waits: bool) -> None:
    """Rule E0: a person has changed the lookup; the invoice that the document came from is deleted."""
    one, two = misnamed(world)
    if waits:
        settle_down(world)

    delete(world, one.invoice_id)
    one.mark()
    world.settle()

    one.assert_credited_once(kind="Delete")
    assert (two.document["Status"], two.told()) == ("AUTHORISED", [])
    assert owed(world) == TOTAL
    world.assert_quiet()


def test_a_row_that_names_a_cancelled_invoice_is_left_in_peace(world: World) -> None:
    """Rule E0: only the invoice's own row says what has been dealt with; nothing is found again and again."""
    one, two = misnamed(world)

    cancel(world, two.invoice_id)
    settle_down(world)

    two.assert_credited_once()
    assert (one.document["Status"], one.told()) == ("AUTHORISED", [])
    world.assert_quiet()


def misnamed(world: World) -> tuple[Ended, Ended]:
    """Return two exported invoices; the row of the first names the second."""
    one, two = exported(world), exported(world)
    world.edit_details(one.invoice_id, **{"stl3_Invoice@odata.bind": f"/invoices({two.invoice_id})"})
    return one, two


SPOILT = ["x", "void 2026-11-24", "void 2026-11-24T09:00:00", "credit 2026-13-41T09:00:00Z"]  # the rest: unit tests


@both_sides
@pytest.mark.parametrize("text", SPOILT)
def test_a_spoilt_intent_is_none(world: World, side: str, text: str) -> None:
    """Rule E0: what we have not written says nothing; it is emptied as the cancellation is dealt with."""
    ended = cancelled(world, side)
    put(world, ended.invoice_id, stl3_cancelling=text)
    verdict = explained(world, ended.invoice_id).verdict
    assert verdict.startswith("It was cancelled in Dynamics. Next for ")

    run(world)

    ended.assert_credited_once()
    assert owed(world, side) == 0
    world.assert_quiet()


def test_a_spoilt_intent_of_an_active_invoice_is_emptied(world: World) -> None:
    """Rule E8: nobody had cancelled it, so the history has nothing to tell of it."""
    ended = exported(world)
    world.edit_details(ended.invoice_id, stl3_cancelling="x")
    assert explained(world, ended.invoice_id).verdict.startswith("It is in Xero: ")

    world.settle()

    assert (ended.document["Status"], ended.told()) == ("AUTHORISED", [])
    assert (world.status(ended.invoice_id), ended.details["stl3_cancelling"]) == ("Yes", None)
    world.assert_quiet()


def test_a_new_document_starts_without_what_was_under_way_for_the_old_one(world: World) -> None:
    """Rule E0: a person has taken the document's id from the row, so another one is made: nothing of it is begun."""
    ended = cancelled(world)
    die_before(world, APPROVING)
    draft = ended.note()
    put(world, ended.invoice_id, stl3_xeroinvoiceid=None)
    activate(world, ended.invoice_id)
    world.try_again(ended.invoice_id)

    world.settle()

    details = ended.details
    assert details["stl3_xeroinvoiceid"] not in (None, ended.xero_id)
    assert {details[f"stl3_{name}"] for name in ("cancelling", "creditnoteid", "creditnotenumber")} == {None}
    assert draft["Status"] == "DRAFT"
    assert world.status(ended.invoice_id) == "Yes"
    world.assert_quiet()
