"""Sent again, and something fails on the way: one new document, the old one untouched, whatever is lost (rule E8)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from core import columns
from simulators.wire import Fault, FaultKind
from tests.simulation.sending_again import (
    Act,
    Sent,
    acts,
    ask_again,
    created,
    credited,
    deleted,
    end,
    exported,
    over,
    told,
    voided,
)
from tests.simulation.taps import Crash
from tests.simulation.test_strays import freeze
from tests.simulation.updating import edit_line
from tests.world import World

PUT = "PUT /api.xro/2.0/Invoices"
PUT_INVOICES = "PUT api.xero.com/api.xro/2.0/Invoices"
# How a document ends, whether Xero numbers the new one, and for how long nobody works after a crash.
WAYS = ((voided, False, 8), (credited, True, 6))


def prepare(world: World, act: Act, *, by_xero: bool = True, invoices: int = 2) -> list[Sent]:
    """Return invoices whose documents have just been ended, and that are to be sent again."""
    world.choose(use_xero_number=by_xero)
    sent = [exported(world, act) for _ in range(invoices)]
    for one in sent:
        end(world, one, act)
    world.xero.wire.forget_calls()
    ask_again(world, *sent)
    return sent


def number(world: World, one: Sent, *, by_xero: bool) -> str:
    return "" if by_xero else f"{world.invoice(one.invoice_id)['invoicenumber']}-2"


def assert_all(world: World, sent: list[Sent], *, by_xero: bool = True) -> None:
    for one in sent:
        one.assert_sent_again(number=number(world, one, by_xero=by_xero))
        assert len(told(world, one.invoice_id)) == 1
    assert len(world.all_documents()) == 2 * len(sent)
    world.assert_quiet()


@pytest.mark.parametrize(
    ("act", "by_xero", "kind", "status"),
    [(voided, False, "drop-after", 0), (voided, False, "status-before", 503), (credited, True, "drop-after", 0)],
)
def test_a_fault_at_any_call_to_xero(
    fresh_world: Callable[[], World], act: Act, kind: FaultKind, status: int, *, by_xero: bool
) -> None:
    """Rule E8: before or after its effect."""
    for place in count():
        world = fresh_world()
        sent = prepare(world, act, by_xero=by_xero)
        world.xero.wire.inject(Fault(match=".", kind=kind, skip=place, status=status))

        world.work()
        if world.xero.wire.faults:
            assert place >= (3 if by_xero else 6)
            break
        world.settle()

        assert_all(world, sent, by_xero=by_xero)


@pytest.mark.parametrize(("kind", "status"), [("drop-after", 0), ("status-before", 503)])
def test_a_fault_at_any_call_to_dynamics(fresh_world: Callable[[], World], kind: FaultKind, status: int) -> None:
    """Rule E8: before or after its effect."""
    for place in count():
        world = fresh_world()
        sent = prepare(world, voided, by_xero=False, invoices=1)
        world.dynamics.wire.inject(Fault(match=".", kind=kind, skip=place, status=status))

        world.work()
        if world.dynamics.wire.faults:
            assert place >= 8
            break
        world.settle()

        assert_all(world, sent, by_xero=False)


@pytest.mark.parametrize(("act", "by_xero", "minutes"), WAYS)
def test_a_crash_at_any_call_that_matters(
    fresh_world: Callable[[], World], act: Act, minutes: int, *, by_xero: bool
) -> None:
    """Rule E8: the process dies around a call to Xero or Dynamics, Redis has lost everything, and time passes."""
    for place in count(1):
        world = fresh_world()
        sent = prepare(world, act, by_xero=by_xero, invoices=1)
        world.tap.crash_after_effect(place, only="xero|contoso")

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert place > 8
            break
        world.redis.flushall()
        world.pass_time(minutes=minutes)
        world.settle()

        assert_all(world, sent, by_xero=by_xero)


@acts
@pytest.mark.parametrize("minutes", [1, 6, 30])
@pytest.mark.parametrize("made", [False, True])
def test_an_attempt_of_which_nobody_knows_is_not_answered_by_the_old_document(
    world: World, act: Act, minutes: int, *, made: bool
) -> None:
    """Rule E8: the look up by origin finds the old one as well, which ended within its ten minutes."""
    (one,) = prepare(world, act, invoices=1)
    world.xero.wire.inject(Fault(match=PUT, kind="drop-after" if made else "drop-before"))
    world.work()
    assert world.details(one.invoice_id)["stl3_attemptstarted"] is not None
    world.pass_time(minutes=minutes)

    world.work()
    world.settle()

    assert_all(world, [one])


@acts
def test_a_new_document_that_somebody_ends_before_it_is_recorded_is_the_invoices(world: World, act: Act) -> None:
    """Rule E8: it is not the earlier one, so it is adopted, dead, and no other is made by itself."""
    (one,) = prepare(world, act, invoices=1)
    world.lose_reply(PUT)
    world.work()
    (new,) = [row for row in world.documents_of(one.invoice_id) if row["InvoiceID"] != one.xero_id]
    world.xero.user(world.org).edit_invoice(new["InvoiceID"], Status="VOIDED" if act is not deleted else "DELETED")
    world.pass_time(minutes=8)

    world.work()
    world.settle()

    assert world.details(one.invoice_id)["stl3_xeroinvoiceid"] == new["InvoiceID"]
    assert created(world, one.invoice_id) == [one.xero_id, new["InvoiceID"]]
    assert len(world.all_documents()) == 2
    world.assert_quiet()


@acts
@pytest.mark.parametrize("minutes", [7.5, 15])
def test_a_call_that_arrives_late_leaves_one_new_document(world: World, act: Act, minutes: float) -> None:
    """Rule E8: frozen at its PUT for longer than anybody waits; the second new one is settled as ever."""
    (one,) = prepare(world, act, invoices=1)
    world.tap.when(PUT_INVOICES, freeze(world, minutes=minutes))

    world.work()
    world.settle()

    assert world.org.invoices[one.xero_id] == one.before
    _, second, late = world.all_documents()
    assert world.details(one.invoice_id)["stl3_xeroinvoiceid"] == second["InvoiceID"]
    assert created(world, one.invoice_id) == [one.xero_id, second["InvoiceID"]]
    # A draft is deleted; an approved one is not for us to take back. Of either the history tells, once.
    assert late["Status"] == ("DELETED" if act is deleted else "AUTHORISED")
    (text,) = [text for text in told(world, one.invoice_id) if "second document" in text]
    assert late["InvoiceNumber"] in text
    world.assert_quiet()


@acts
def test_a_call_that_arrives_late_cannot_take_the_number_once_more(world: World, act: Act) -> None:
    """Rule E8, rule B1: Xero refuses it, so the one that was made meanwhile stays the only new one."""
    (one,) = prepare(world, act, by_xero=False, invoices=1)
    puts = count()

    def second_put(name: str) -> None:
        if PUT_INVOICES in name and next(puts) == 1:
            world.tap.close()
            freeze(world, minutes=8)()

    world.tap.before = second_put

    world.work()
    world.settle()

    assert_all(world, [one], by_xero=False)


@acts
def test_a_no_that_is_taken_back_while_the_document_is_read(world: World, act: Act) -> None:
    """Rule E8: the row is not the one that was read any more, so nothing is released."""
    one = over(world, act)
    ask_again(world, one)
    yes = columns.EXPORT_STATUS["Yes"]
    world.tap.when(
        "GET api.xero.com/api.xro/2.0/Invoices",
        lambda: world.edit_details(one.invoice_id, stl3_exportstatus=yes),
        after=True,
    )

    world.work()
    world.settle()

    assert world.details(one.invoice_id)["stl3_xeroinvoiceid"] == one.xero_id
    assert len(world.all_documents()) == 1
    world.assert_quiet()


def test_a_document_that_lives_again_while_it_is_released_is_the_invoices(world: World) -> None:
    """Rule E8: somebody takes our note off it, and it is owed again: it is adopted, or told of, never forgotten."""
    (one,) = prepare(world, credited, invoices=1)

    def owed() -> None:
        (allocation_id,) = world.org.allocations
        world.xero.user(world.org).remove_allocation(allocation_id)

    world.tap.when(PUT_INVOICES, owed)

    world.work()
    world.settle()

    (new,) = [row for row in world.documents_of(one.invoice_id) if row["InvoiceID"] != one.xero_id]
    assert world.details(one.invoice_id)["stl3_xeroinvoiceid"] == new["InvoiceID"]
    (text,) = [text for text in told(world, one.invoice_id) if "second document" in text]
    assert one.before["InvoiceNumber"] in text
    world.assert_quiet()


def test_an_edit_while_the_document_is_released_goes_with_the_new_one(world: World) -> None:
    """Rule E8: what is sent is what is read then."""
    one = over(world, voided)
    ask_again(world, one)
    world.tap.when(r"\$batch", lambda: edit_line(world, one.invoice_id, quantity=2), after=True)

    world.work()
    world.settle()

    (new,) = world.documents_of(one.invoice_id)
    invoice = world.invoice(one.invoice_id)
    assert new["SubTotal"] == invoice["totalamount"] - invoice["totaltax"]
    assert len(world.all_documents()) == 2
