"""Our credit note that somebody removes from its document, and what the history says when it is applied again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.cancelling import activate, cancel, exported, settle_down
from tests.simulation.updating import person
from tests.world import World

CREDITED = "Invoice has been credited in Xero - "


def asked_again(world: World, invoice_id: str) -> None:
    """A person sets Export status to No."""
    world.try_again(invoice_id)


def cancelled_again(world: World, invoice_id: str) -> None:
    activate(world, invoice_id)
    world.settle()
    cancel(world, invoice_id)


@pytest.mark.parametrize("act", [asked_again, cancelled_again])
def test_a_note_that_is_applied_again_is_told_again(world: World, act: Callable[[World, str], None]) -> None:
    """Rule E0: the removal was told, so what was done about it is; it is the same note, and told once each time."""
    one = exported(world)
    cancel(world, one.invoice_id)
    settle_down(world)
    (allocation,) = world.org.allocations_on(one.xero_id)
    person(world).remove_allocation(allocation["AllocationID"])
    settle_down(world)
    assert one.document["AmountDue"] == one.total

    act(world, one.invoice_id)
    settle_down(world)

    assert len(one.notes()) == 1
    assert one.applied(one.note()) == [(one.xero_id, one.total)]
    told = [text for _, _, text in one.told()]
    assert [text.startswith(CREDITED) for text in (told[0], told[-1])] == [True, True]
    assert sum(text.startswith(CREDITED) for text in told) == 2
    assert (one.details["stl3_xerostatus"], one.details["stl3_amountdue"]) == ("Credited", 0)
    world.assert_quiet()
