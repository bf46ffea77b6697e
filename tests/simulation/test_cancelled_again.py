"""Before a cancellation and after it: never exported, active again, deleted later, and asked for once more."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from core import columns
from tests.simulation.cancelling import (
    LINES,
    SIDES,
    WAYS,
    Ended,
    Stand,
    activate,
    approved,
    cancel,
    credited_by_others,
    delete,
    deleted_draft,
    draft,
    exported,
    free_of_charge,
    owed,
    paid,
    part_paid,
    settle_down,
    submitted,
    voided,
)
from tests.simulation.test_refusals import account_row
from tests.simulation.updating import in_order, person
from tests.world import Line, World

every_way = pytest.mark.parametrize("way", WAYS)
both_sides = pytest.mark.parametrize("side", SIDES)
AGAIN = "The invoice is active again. "
SEND = "Set Export status to No to send it again."


def ended_before(
    world: World,
    stand: Stand,
    *,
    side: str = "sales",
    act: Callable[[World, str], None] = cancel,
    automatic: bool = True,
    by: str = "Credit note",
) -> Ended:
    """Return an invoice that was cancelled (or deleted) some time ago, which has been dealt with."""
    ended = exported(world, stand, side)
    world.choose(create_credit_notes=automatic, cancel_by=by)
    world.pass_time(minutes=2)
    act(world, ended.invoice_id)
    settle_down(world)
    ended.remember()
    return ended


# -- never exported --------------------------------------------------------------------------------------------


def waiting(world: World) -> str:
    """It has no price list yet."""
    return world.save_invoice(*LINES, **{"pricelevelid@odata.bind": None})


def failed(world: World) -> str:
    """Xero has refused its account."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    (line,) = world.lines(invoice_id)
    code = f"/{columns.ACCOUNT_CODE.set_name}({account_row(world, '999')})"
    world.sales.update("invoicedetail", line["invoicedetailid"], {"stl3_AccountCode@odata.bind": code})
    return invoice_id


@every_way
@pytest.mark.parametrize("make", [waiting, failed])
@pytest.mark.parametrize("act", [cancel, delete])
def test_what_was_never_exported_is_only_kept_from_going(
    world: World, make: Callable[[World], str], act: Callable[[World, str], None], way: str
) -> None:
    """Rule E7: nothing is asked of Xero, nothing is told."""
    invoice_id = make(world)
    settle_down(world)
    told = world.dynamics.rows(columns.HISTORY.set_name)

    WAYS[way](world, lambda: act(world, invoice_id))
    world.settle()

    assert (world.xero_calls(polls=False), world.all_documents()) == ([], [])
    assert len(world.dynamics.rows(columns.HISTORY.set_name)) == len(told)
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] is None
    world.assert_quiet()


@every_way
def test_what_was_cancelled_before_it_was_exported_goes_when_it_is_active(world: World, way: str) -> None:
    """Rule E7: cancelling had closed a gate, nothing else."""
    world.choose(create_credit_notes=True)
    invoice_id = world.save_invoice(*LINES)
    cancel(world, invoice_id)
    settle_down(world)
    assert world.all_documents() == []

    WAYS[way](world, lambda: activate(world, invoice_id))
    world.settle()

    world.assert_exported_once(invoice_id)
    world.assert_quiet()


def test_cancelled_while_it_is_exported_ends_the_document(world: World) -> None:
    """Rule E7, rule E2: by the time it is recorded the invoice is cancelled; the document does not stay."""
    world.choose(status="Authorised", create_credit_notes=True)
    invoice_id = world.save_invoice(*LINES)
    world.mark(invoice_id)
    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", lambda: cancel(world, invoice_id))

    world.work()
    world.settle()

    assert owed(world) == 0
    details = world.details(invoice_id)
    assert (details["stl3_xerostatus"], details["stl3_handledstate"]) == ("Credited", "3")
    world.assert_quiet()


# -- active again ----------------------------------------------------------------------------------------------

STAYS = AGAIN + "{number} in Xero stays its document: {status}."
GONE = AGAIN + "{number} has been {status} in Xero, and no other is made by itself.\n" + SEND
VOID_NOTE = " Void credit note CN-{number} in Xero, if it is not wanted any more."


@every_way
@both_sides
@pytest.mark.parametrize(
    ("stand", "automatic", "by", "words", "due"),
    [
        (draft, True, "Credit note", GONE.replace("{status}", "deleted"), "0"),
        (approved, True, "Credit note", GONE.replace("{status}", "credited in full"), "0"),
        (approved, True, "Void", GONE.replace("{status}", "voided"), "0"),
        (voided, True, "Credit note", GONE.replace("{status}", "voided"), "0"),
        (deleted_draft, True, "Credit note", GONE.replace("{status}", "deleted"), "0"),
        (part_paid, True, "Credit note", STAYS.replace("{status}", "Authorised") + VOID_NOTE, "30.80"),
        (paid, True, "Credit note", STAYS.replace("{status}", "Paid"), "0"),
        (free_of_charge, True, "Credit note", STAYS.replace("{status}", "Paid"), "0"),
        (credited_by_others, True, "Credit note", STAYS.replace("{status}", "Paid"), "0"),
        (draft, False, "Credit note", STAYS.replace("{status}", "Draft"), "40.80"),
        (submitted, False, "Credit note", STAYS.replace("{status}", "Submitted"), "40.80"),
        (approved, False, "Credit note", STAYS.replace("{status}", "Authorised"), "40.80"),
        (part_paid, False, "Credit note", STAYS.replace("{status}", "Authorised"), "30.80"),
    ],
)
def test_active_again_is_told_and_nothing_is_done_in_xero(
    world: World,
    stand: Stand,
    by: str,
    words: str,
    due: str,
    side: str,
    way: str,
    *,
    automatic: bool,
) -> None:
    """Rule E8: how the document stands, and what to do to have another one; the invoice says what is due again."""
    ended = ended_before(world, stand, side=side, automatic=automatic, by=by)
    before = dict(world.org.invoices[ended.xero_id])

    WAYS[way](world, lambda: activate(world, ended.invoice_id))

    assert ended.told() == [("Update", "Successful", words.format(number=ended.number))]
    ended.assert_dealt_with("Yes", kind="Update")
    assert world.org.invoices[ended.xero_id] == before
    assert world.invoice(ended.invoice_id)["stl3_amountdue"] == Decimal(due)
    world.assert_quiet()
    assert len(ended.told()) == 1


def test_an_edit_after_that_is_compared_as_usual(world: World) -> None:
    """Rule E8, rule C61: the draft that was left is the invoice's document, and follows it."""
    ended = ended_before(world, draft, automatic=False)
    activate(world, ended.invoice_id)
    world.settle()
    ended.remember()
    line = in_order(world, ended.invoice_id)[0]
    world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": Decimal("12.00")})
    ended.mark()

    world.work()
    world.settle()

    assert ended.document["SubTotal"] == Decimal("40.00")
    assert ended.told() == [("Update", "Successful", f"Invoice has been updated in Xero - {ended.xero_id}")]
    world.assert_quiet()


def test_an_edit_of_what_was_credited_changes_nothing_in_xero(world: World) -> None:
    """Rule E8, rule C61: a person is told once that the document is over."""
    ended = ended_before(world, approved)
    activate(world, ended.invoice_id)
    world.settle()
    ended.remember()
    before = dict(world.org.invoices[ended.xero_id])
    line = in_order(world, ended.invoice_id)[0]
    world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": Decimal("12.00")})
    ended.mark()

    world.work()
    world.settle()

    assert world.org.invoices[ended.xero_id] == before
    assert [row[:2] for row in ended.told()] == [("Update", "Failed")]
    world.assert_quiet()


def test_cancelled_once_more_is_ended_once_more(world: World) -> None:
    """Rule E2, rule E8: left while the setting was No, active again, and cancelled when it is Yes."""
    ended = ended_before(world, approved, automatic=False)
    activate(world, ended.invoice_id)
    world.settle()
    world.choose(create_credit_notes=True)
    world.pass_time(minutes=2)
    ended.remember()
    cancel(world, ended.invoice_id)
    ended.mark()

    world.work()
    world.settle()

    ended.assert_credited_once()
    world.assert_quiet()


# -- cancelled, then deleted -----------------------------------------------------------------------------------


@every_way
@both_sides
def test_what_was_left_is_credited_when_it_is_deleted(world: World, side: str, way: str) -> None:
    """Rule E2: the column of deletions counts now, whatever B8 says."""
    ended = ended_before(world, approved, side=side, automatic=False)

    WAYS[way](world, lambda: delete(world, ended.invoice_id))
    world.settle()

    ended.assert_credited_once(kind="Delete")
    assert owed(world, side) == 0
    world.assert_quiet()


@every_way
@both_sides
@pytest.mark.parametrize(
    ("stand", "by"),
    [(approved, "Credit note"), (approved, "Void"), (draft, "Credit note"), (part_paid, "Credit note")],
)
def test_what_was_ended_before_is_not_told_again_when_it_is_deleted(
    world: World, stand: Stand, by: str, side: str, way: str
) -> None:
    """Rule E0: what our earlier effect settled counts as done; no second row, no second note."""
    ended = ended_before(world, stand, side=side, by=by)
    notes = dict(world.org.credit_notes)

    WAYS[way](world, lambda: delete(world, ended.invoice_id))
    world.settle()

    assert ended.told() == []
    assert dict(world.org.credit_notes) == notes
    ended.assert_dealt_with("Yes", kind="Delete")
    world.assert_quiet()


# -- asked for once more ---------------------------------------------------------------------------------------

gone = pytest.mark.parametrize("act", [cancel, delete])
KIND = {cancel: "Cancel", delete: "Delete"}


def ask(ended: Ended) -> None:
    """A person sets Export status to No."""
    ended.remember()
    ended.world.try_again(ended.invoice_id)


@every_way
@both_sides
@pytest.mark.parametrize("stand", [approved, draft])
def test_no_after_the_setting_was_changed_ends_what_was_left(world: World, stand: Stand, side: str, way: str) -> None:
    """Rule C60, rule B8: the step is repeated with the settings of now."""
    ended = ended_before(world, stand, side=side, automatic=False)
    world.choose(create_credit_notes=True)
    world.pass_time(minutes=2)

    WAYS[way](world, lambda: ask(ended))
    world.settle()

    if stand is draft:
        ended.assert_ended_once("DELETED")
    else:
        ended.assert_credited_once()
    world.assert_quiet()


@every_way
@gone
def test_no_after_the_payment_was_removed_credits(world: World, act: Callable[[World, str], None], way: str) -> None:
    """Rule C60, rule E5: it had failed as fully paid, and waited for its person."""
    ended = ended_before(world, paid, act=act)
    assert world.status(ended.invoice_id) == "Failed"
    (payment,) = world.org.payments.values()
    person(world).remove_payment(payment["PaymentID"])
    settle_down(world)
    assert world.status(ended.invoice_id) == "Failed"

    WAYS[way](world, lambda: ask(ended))
    world.settle()

    ended.assert_credited_once(kind=KIND[act])
    assert owed(world) == 0
    world.assert_quiet()


@every_way
@gone
def test_no_where_it_is_still_paid_fails_once_more(world: World, act: Callable[[World, str], None], way: str) -> None:
    """Rule C60, rule E5: who asks again is answered again."""
    ended = ended_before(world, paid, act=act)

    WAYS[way](world, lambda: ask(ended))
    world.settle()

    ended.assert_failed("The Invoice is fully paid in Xero", kind=KIND[act])
    world.assert_quiet()


@every_way
@gone
def test_no_where_all_is_credited_already_tells_nothing(
    world: World, act: Callable[[World, str], None], way: str
) -> None:
    """Rule E0: Yes again, without a row."""
    ended = ended_before(world, approved, act=act)

    WAYS[way](world, lambda: ask(ended))
    world.settle()

    assert ended.told() == []
    ended.assert_dealt_with("Yes", kind=KIND[act])
    assert len(ended.notes()) == 1
    world.assert_quiet()


@every_way
@gone
@pytest.mark.parametrize(("stand", "by", "word"), [(draft, "Credit note", "deleted"), (approved, "Void", "voided")])
def test_no_where_the_document_is_dead_is_answered(
    world: World, act: Callable[[World, str], None], stand: Stand, by: str, word: str, way: str
) -> None:
    """Rule E6: there is nothing to do, and it says so."""
    ended = ended_before(world, stand, act=act, by=by)

    WAYS[way](world, lambda: ask(ended))
    world.settle()

    acted = {cancel: "cancelled", delete: "deleted"}[act]
    assert ended.told() == [
        (
            KIND[act],
            "Successful",
            f"The invoice was {acted} in Dynamics. {ended.number} has been {word} in Xero before: there is nothing "
            "to do.",
        )
    ]
    ended.assert_dealt_with("Yes", kind=KIND[act])
    world.assert_quiet()


@every_way
def test_a_failed_one_that_is_made_active_again_is_yes(world: World, way: str) -> None:
    """Rule E8: nothing waits for a person any more; the document is the invoice's, and paid."""
    ended = ended_before(world, paid)
    assert world.status(ended.invoice_id) == "Failed"

    WAYS[way](world, lambda: activate(world, ended.invoice_id))
    world.settle()

    assert ended.told()[0] == (
        "Update",
        "Successful",
        f"The invoice is active again. {ended.number} in Xero stays its document: Paid.",
    )
    ended.assert_dealt_with("Yes", kind="Update")
    world.assert_quiet()
