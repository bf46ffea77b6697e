"""Cancelling where Xero refuses, a number is taken, much comes at once, or the connection is out of service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import columns
from core.connections import IN_SERVICE, PAUSED
from simulators.wire import Fault
from simulators.xero import Refusal
from tests.simulation.cancelling import (
    MAKING,
    POST_INVOICES,
    POST_NOTES,
    PUT_NOTES,
    TOTAL,
    Act,
    Ended,
    approved,
    books,
    cancel,
    cancelled,
    delete,
    exported,
    owed,
    run,
    settle_down,
    try_again,
)
from tests.simulation.updating import person
from tests.world import World

both_sides = pytest.mark.parametrize("side", ["sales", "bill"])


# -- whose document it is --------------------------------------------------------------------------------------


@both_sides
@pytest.mark.parametrize("act", [cancel, delete])
def test_a_document_without_its_link_is_not_touched(world: World, side: str, act: Act) -> None:
    """Rule E0, rule C60: it may be another environment's; with its link back, No makes it go."""
    ended = exported(world, approved, side)
    link = ended.document["Url"]
    person(world).edit_invoice(ended.xero_id, Url="https://example.com/else")
    before = books(world)
    act(world, ended.invoice_id)
    ended.mark()

    run(world)

    kind = "Delete" if act is delete else "Cancel"
    ended.assert_failed("does not carry the link to this invoice", ended.xero_id, kind=kind)
    assert books(world) == before
    world.assert_quiet()

    person(world).edit_invoice(ended.xero_id, Url=link)
    settle_down(world)
    try_again(ended)
    ended.assert_credited_once(kind=kind)
    world.assert_quiet()


@pytest.mark.parametrize("act", [cancel, delete])
def test_a_document_that_xero_does_not_have_is_told_of(world: World, act: Act) -> None:
    """Rule C60: the organisation in Xero has been replaced, say."""
    ended = exported(world)
    row = {"stl3_xeroinvoiceid": "0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b"}
    world.dynamics.overwrite(columns.DETAILS.set_name, ended.details_id, row)
    before = books(world)
    act(world, ended.invoice_id)
    ended.mark()

    run(world)

    ended.assert_failed("is not found in Xero", kind="Delete" if act is delete else "Cancel")
    assert books(world) == before
    world.assert_quiet()


# -- whose number it is ----------------------------------------------------------------------------------------


def somebodys_note(world: World, number: str) -> None:
    person(world).create_credit_note(
        Type="ACCRECCREDIT",
        Contact={"Name": "Somebody else"},
        CreditNoteNumber=number,
        LineItems=[{"Description": "x", "Quantity": 1, "UnitAmount": "1.00", "AccountCode": "200"}],
        Status="AUTHORISED",
    )


@pytest.mark.parametrize("step", [None, MAKING], ids=["before", "meanwhile"])
def test_a_number_that_another_note_has_is_left_to_it(world: World, step: str | None) -> None:
    """Rule E9: the note then gets the document's id; the other one is not touched (rule E10)."""
    ended = cancelled(world)
    taken = f"CN-{ended.number}"
    if step is None:
        somebodys_note(world, taken)
    else:
        world.tap.when(step, lambda: somebodys_note(world, taken))

    run(world)

    other, note = sorted(ended.notes(), key=lambda each: each["Total"])
    assert (other["CreditNoteNumber"], other["Status"], ended.applied(other)) == (taken, "AUTHORISED", [])
    assert note["CreditNoteNumber"] == f"CN-{ended.xero_id}"
    assert ended.applied(note) == [(ended.xero_id, TOTAL)]
    assert [row[:2] for row in ended.told()] == [("Cancel", "Successful")]
    assert ended.details["stl3_creditnotenumber"] == note["CreditNoteNumber"]
    world.assert_quiet()


def test_when_both_numbers_are_taken_a_person_makes_the_note(world: World) -> None:
    """Rule E9, rule C60: nothing is made under a number that is not ours."""
    ended = cancelled(world)
    somebodys_note(world, f"CN-{ended.number}")
    somebodys_note(world, f"CN-{ended.xero_id}")

    run(world)

    ended.assert_failed("All numbers that its credit note might have are used by other credit notes in Xero")
    assert len(ended.notes()) == 2
    world.assert_quiet()


# -- what Xero refuses -----------------------------------------------------------------------------------------


def archive_account(world: World, ended: Ended) -> Callable[[], object]:
    (code,) = {line["AccountCode"] for line in ended.document["LineItems"]}
    person(world).archive_account(code)
    return lambda: person(world).restore_account(code)


def archive_contact(world: World, ended: Ended) -> Callable[[], object]:
    contact_id = ended.document["Contact"]["ContactID"]
    person(world).archive_contact(contact_id)
    return lambda: person(world).restore_contact(contact_id)


@both_sides
@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (archive_account, "Restore it in Xero's chart of accounts"),
        (archive_contact, "Restore the contact in Xero"),
    ],
)
def test_what_is_archived_fails_with_the_remedy(
    world: World, side: str, spoil: Callable[[World, Ended], Callable[[], object]], remedy: str
) -> None:
    """Rule C60: in Xero's own words, with what they mean; once mended, No makes it go."""
    ended = cancelled(world, side)
    mend = spoil(world, ended)

    run(world)

    assert ended.notes() == []
    ended.assert_failed("Xero says: ", remedy)
    world.assert_quiet()

    mend()
    try_again(ended)
    ended.assert_credited_once()
    world.assert_quiet()


@pytest.mark.parametrize(
    ("kind", "status", "left"),
    [("CreditNote", "DRAFT", []), ("CreditNote", "AUTHORISED", ["DRAFT"]), ("Allocation", None, ["AUTHORISED"])],
)
def test_any_refusal_is_told_in_xeros_words_and_taken_up_where_it_stopped(
    world: World, kind: Any, status: str | None, left: list[str]
) -> None:
    """Rule C60, rule E0: at each step of the note."""
    ended = cancelled(world)
    world.org.refusals.append(Refusal(kind, "The moon is in the wrong house", status=status))

    run(world)

    assert [note["Status"] for note in ended.notes()] == left
    ended.assert_failed("Xero says: The moon is in the wrong house")
    world.assert_quiet()

    try_again(ended)
    ended.assert_credited_once()
    world.assert_quiet()


# -- many at once ----------------------------------------------------------------------------------------------


def several(world: World, count: int, *, by: str = "Credit note", status: str = "Authorised") -> list[Ended]:
    """Return as many invoices of 1.00, 2.00, …, cancelled a moment ago; no event has come."""
    world.choose(status=status, create_credit_notes=True, cancel_by=by)
    invoice_ids = world.save_invoices(count)
    settle_down(world)
    world.pass_time(days=2)
    settle_down(world)
    found = []
    for invoice_id in invoice_ids:
        details = world.details(invoice_id)
        found.append(Ended(world, invoice_id, details["stl3_xeroinvoiceid"], details["stl3_xerodetailsid"]))
        found[-1].remember()
        cancel(world, invoice_id)
    return found


def poison(world: World, *, where: str, holds: str, answer: dict[str, Any]) -> None:
    """Let Xero answer like this to each call of this method that holds the text."""
    original = world.xero.wire._answer

    def answered(environ: dict[str, Any], content: bytes, fault: Fault | None) -> Any:
        call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        if call == where and holds.encode() in content:
            fault = Fault(match=".", **answer)
        return original(environ, content, fault)

    world.xero.wire._answer = answered


WHOLE = {"kind": "status-before", "status": 400, "body": '{"Message": "A value cannot be read."}'}
BROKEN = {"kind": "status-before", "status": 500}
KINDS: tuple[tuple[str, dict[str, str]], ...] = (
    (PUT_NOTES, {}),
    (POST_INVOICES, {"by": "Void"}),
    (POST_INVOICES, {"status": "Draft"}),
)


@pytest.mark.parametrize(("where", "how"), KINDS, ids=["credit", "void", "delete"])
def test_a_call_that_is_refused_as_a_whole_leaves_its_culprit_alone(
    world: World, where: str, how: dict[str, str]
) -> None:
    """Nothing of it was done, so its members go singly; the culprit fails with Xero's words (rule C60)."""
    culprit, *others = several(world, 4, **how)
    holds = f"CN-{culprit.number}" if where == PUT_NOTES else culprit.xero_id
    poison(world, where=where, holds=holds, answer=WHOLE)
    world.mark(culprit.invoice_id, *[one.invoice_id for one in others])

    run(world)

    culprit.assert_failed("Xero says: A value cannot be read.")
    for one in others:
        assert [row[:2] for row in one.told()] == [("Cancel", "Successful")]
        one.assert_dealt_with("Yes")
    world.assert_quiet()


@pytest.mark.parametrize(("where", "how"), KINDS, ids=["credit", "void", "delete"])
def test_a_document_that_makes_xero_answer_500_holds_up_no_other(
    world: World, where: str, how: dict[str, str]
) -> None:
    """The others are done long before; in the end it is put aside, Failed with a reference."""
    culprit, *others = several(world, 4, **how)
    holds = f"CN-{culprit.number}" if where == PUT_NOTES else culprit.xero_id
    poison(world, where=where, holds=holds, answer=BROKEN)
    world.mark(culprit.invoice_id, *[one.invoice_id for one in others])

    world.run_for(minutes=30)
    for one in others:
        assert [row[:2] for row in one.told()] == [("Cancel", "Successful")]
        one.assert_dealt_with("Yes")
    for _ in range(60):  # business goes on
        world.save_invoices(1)
        world.run_for(minutes=1)

    assert world.status(culprit.invoice_id) == "Failed"
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == culprit.invoice_id
    assert culprit.live_notes() == []


def test_fifty_at_once_cost_few_calls(world: World) -> None:
    """The notes are made and approved together; Xero takes an allocation for one note at a time only."""
    found = several(world, 50)
    world.mark(*[one.invoice_id for one in found])

    world.work()

    calls = world.xero_calls()
    assert len([call for call in calls if call.endswith("/Allocations")]) == 50
    assert {call: calls.count(call) for call in calls if not call.endswith("/Allocations")} == {
        "GET /api.xro/2.0/Invoices": 2,
        "GET /api.xro/2.0/CreditNotes": 4,
        PUT_NOTES: 1,
        POST_NOTES: 1,
    }
    world.settle()
    for one in found:
        assert [row[:2] for row in one.told()] == [("Cancel", "Successful")]
        one.assert_dealt_with("Yes")
        assert len(one.notes()) == 1
    assert owed(world) == 0
    world.assert_quiet()


@pytest.mark.parametrize(("by", "status"), [("Void", "Authorised"), ("Credit note", "Draft")])
def test_fifty_are_voided_or_deleted_in_one_call(world: World, by: str, status: str) -> None:
    """Rule E1, rule E4: one look before, one after."""
    found = several(world, 50, by=by, status=status)
    world.mark(*[one.invoice_id for one in found])

    world.work()

    calls = [call for call in world.xero_calls() if "CreditNotes" not in call]
    assert calls == ["GET /api.xro/2.0/Invoices", POST_INVOICES, "GET /api.xro/2.0/Invoices"]
    world.settle()
    for one in found:
        one.assert_dealt_with("Yes")
    world.assert_quiet()


# -- a connection that is out of service -----------------------------------------------------------------------


@pytest.mark.parametrize("act", [cancel, delete])
def test_a_paused_connection_waits_and_goes_after_it_is_resumed(
    world: World, act: Callable[[World, str], None]
) -> None:
    """Rule C8: nothing is done in Xero meanwhile, and the Xero details say what it waits for."""
    ended = exported(world, approved)
    world.app.connections.save_state(world.connection.id, PAUSED)
    act(world, ended.invoice_id)
    ended.mark()

    run(world)

    assert world.org.credit_notes == {}
    assert ended.told() == []
    assert ended.details["stl3_waitingfor"] == "its cancellation waits for: the connection to be in service"

    world.app.connections.save_state(world.connection.id, IN_SERVICE)
    run(world)
    ended.assert_credited_once(kind="Delete" if act is delete else "Cancel")
    world.assert_quiet()
