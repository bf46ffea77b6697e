"""Invoices that are deleted in Dynamics: found without any event, and proved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.connections import IN_SERVICE, NEEDS_ATTENTION
from pipeline.deletions import LOOK_AGAIN_AFTER, prove_deleted, relink
from pipeline.outcomes import Report
from pipeline.poll_dynamics import find_due
from tests.simulation.deleting import (
    STATUS,
    WRITE,
    delete,
    exported,
    handled,
    living,
    presents,
    put,
    restore,
    tools_of,
)
from tests.simulation.test_limits_and_rights import state
from tests.world import World


def due(world: World) -> set[str]:
    """What the poller marks, whatever has changed lately."""
    now = world.clock.now()
    return set(find_due(tools_of(world), since=now + timedelta(minutes=1), now=now).invoice_ids)


# -- the poll finds it -----------------------------------------------------------------------------------------


def test_a_deletion_is_found_by_the_poll_alone_and_carried_out(world: World) -> None:
    """Rule E1, rule H2: no event was heard; the draft goes, once, and everything is quiet afterwards."""
    (invoice_id,) = exported(world, 1)
    delete(world, [invoice_id])

    assert world.poll() == 1
    world.work()

    assert (handled(world, [invoice_id]), living(world, [invoice_id])) == (1, 0)
    assert world.status(invoice_id) == "Yes"
    assert world.xero_calls(polls=False).count(WRITE) == 1
    world.assert_quiet()


CANCELLING = "delete 2026-11-24T09:00:00Z"


@pytest.mark.parametrize(
    ("act", "row", "is_due"),
    [
        ("none", {}, False),
        ("none", {"stl3_handledstate": None}, False),
        ("none", {"stl3_handledstate": "3"}, True),
        ("none", {"stl3_handledstate": "deleted"}, True),
        ("none", {"stl3_handledstate": "3", "stl3_exportstatus": STATUS["Failed"]}, True),
        ("none", {"stl3_cancelling": CANCELLING}, True),
        ("none", {"stl3_cancelling": CANCELLING, "stl3_exportstatus": STATUS["Failed"]}, False),
        ("none", {"stl3_handledstate": "3", "stl3_xeroinvoiceid": None}, False),
        ("pay", {}, False),
        ("pay", {"stl3_handledstate": "3"}, True),
        ("cancel", {}, True),
        ("cancel", {"stl3_handledstate": None}, True),
        ("cancel", {"stl3_handledstate": "deleted"}, True),
        ("cancel", {"stl3_handledstate": "3"}, False),
        ("cancel", {"stl3_handledstate": "3", "stl3_exportstatus": STATUS["Failed"]}, False),
        ("cancel", {"stl3_exportstatus": STATUS["Failed"]}, True),
        ("cancel", {"stl3_handledstate": "3", "stl3_exportstatus": STATUS["No"]}, True),
        ("cancel", {"stl3_handledstate": "3", "stl3_cancelling": CANCELLING}, True),
        ("cancel", {"stl3_xeroinvoiceid": None}, False),
        ("cancel", {"stl3_connectionid": "another"}, False),
        ("delete", {}, True),
        ("delete", {"stl3_handledstate": None}, True),
        ("delete", {"stl3_handledstate": "3"}, True),
        ("delete", {"stl3_handledstate": "deleted"}, False),
        ("delete", {"stl3_handledstate": "deleted", "stl3_exportstatus": STATUS["Failed"]}, False),
        ("delete", {"stl3_exportstatus": STATUS["Failed"]}, True),
        ("delete", {"stl3_handledstate": "deleted", "stl3_exportstatus": STATUS["No"]}, True),
        ("delete", {"stl3_handledstate": "deleted", "stl3_cancelling": CANCELLING}, True),
        ("delete", {"stl3_xeroinvoiceid": None}, False),
        ("delete", {"stl3_connectionid": "another"}, False),
    ],
)
def test_the_poll_finds_what_is_not_dealt_with_and_nothing_else(
    world: World, act: str, row: dict[str, Any], *, is_due: bool
) -> None:
    """Rule H2: in the poll's one call; a state that was dealt with, or that has failed, is not found again."""
    (invoice_id,) = exported(world, 1)
    if act == "delete":
        delete(world, [invoice_id])
    elif act != "none":
        getattr(world.sales, f"{act}_invoice")(invoice_id)
    put(world, invoice_id, **row)
    world.dynamics.wire.forget_calls()

    assert due(world) == ({invoice_id} if is_due else set())
    assert len(world.dynamics_calls()) == 1


def test_an_invoice_to_be_sent_again_that_waits_is_not_found_at_each_poll(world: World) -> None:
    """Rule E8: it was cancelled, is active again and set to No, and its price list is missing: it waits for that."""
    (invoice_id,) = exported(world, 1)
    world.edit(invoice_id, **{"pricelevelid@odata.bind": None})
    words = "its change waits for: price list"
    put(world, invoice_id, stl3_handledstate="3", stl3_exportstatus=STATUS["No"], stl3_waitingfor=words)

    assert due(world) == set()


# -- two proofs ------------------------------------------------------------------------------------------------


def test_both_proofs_are_needed(world: World) -> None:
    """One that lives, one that is deleted, one whose row still names it though it is gone."""
    lives, deleted, vanished = exported(world, 3)
    delete(world, [deleted])
    world.dynamics.lose_row("invoice", vanished, links="kept")
    report = Report()

    assert prove_deleted(tools_of(world), presents(world, [lives, deleted, vanished]), report) == {deleted}
    assert report.again == {vanished: world.app.lanes.now() + LOOK_AGAIN_AFTER}


def test_a_link_that_a_person_removed_is_no_deletion_and_is_mended(world: World) -> None:
    """The invoice lives: nothing is done to its document, and the poll finds it only once."""
    (invoice_id,) = exported(world, 1)
    world.edit_details(invoice_id, **{"stl3_Invoice@odata.bind": None})
    assert due(world) == {invoice_id}
    report = Report()

    mended = relink(tools_of(world), presents(world, [invoice_id]), report)

    assert mended == set(report.again) == {invoice_id}
    assert world.details(invoice_id)["_stl3_invoice_value"] == invoice_id
    assert due(world) == set()


def test_an_invoice_that_was_restored_is_named_again(world: World) -> None:
    """Between the two reads of a batch it came back: the single look sees it."""
    (invoice_id,) = exported(world, 1)
    delete(world, [invoice_id])
    read = presents(world, [invoice_id])
    restore(world, invoice_id)
    report = Report()

    assert prove_deleted(tools_of(world), read, report) == set()

    assert set(report.again) == {invoice_id}
    assert world.details(invoice_id)["_stl3_invoice_value"] == invoice_id


def test_an_invoice_deleted_while_its_link_is_mended_is_read_again(world: World) -> None:
    """Its details were read behind the deletion, the invoice before it."""
    (invoice_id,) = exported(world, 1)
    world.edit_details(invoice_id, **{"stl3_Invoice@odata.bind": None})
    read = presents(world, [invoice_id])
    delete(world, [invoice_id])
    report = Report()

    assert relink(tools_of(world), read, report) == {invoice_id}

    assert report.again == {invoice_id: world.app.lanes.now() + LOOK_AGAIN_AFTER}


def test_a_lost_right_to_read_is_never_taken_for_deletions(world: World) -> None:
    """Nothing is done to any document, and all goes on when the right is back."""
    invoice_ids = exported(world, 3)
    world.dynamics.deny(world.app_user, "prvReadInvoice")
    world.mark(*invoice_ids)
    world.run_for(minutes=20)
    assert state(world) == NEEDS_ATTENTION

    world.dynamics.allow(world.app_user, "prvReadInvoice")
    world.settle()

    assert living(world, invoice_ids) == 3
    assert state(world) == IN_SERVICE
