"""What `connector dead` shows of what was put aside, and what it says when it is tried again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from cli import dead as command
from core.connections import PAUSED
from core.errors import Misconfigured
from core.inbox import Inbox
from pipeline import letters
from pipeline.letters import chosen_letters, list_letters
from simulators.wire import Fault
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.test_dead_letters import killed, listed, only, shown
from tests.world import World


@pytest.fixture
def inbox(request: pytest.FixtureRequest, world: World) -> Inbox:
    return Inbox("memory://", queue=f"dead.{request.node.name}", clock=world.clock)


def test_an_unknown_reference_is_told_before_anything_is_done(world: World, inbox: Inbox) -> None:
    killed(world)
    found = list_letters(world.app, inbox)

    with pytest.raises(Misconfigured, match="There is no dead letter nope, nor-that"):
        chosen_letters(found, ["nope", found[0].reference, "nor-that"])
    assert chosen_letters(found, [found[0].reference] * 2) == found


def test_a_letter_is_listed_and_shown_with_all_that_is_known(world: World, inbox: Inbox) -> None:
    """Reference, since when in the connection's time, whose, which invoice and how it stands now, what to do."""
    assert "Nothing was put aside." in listed(world, inbox)
    invoice_id = killed(world)
    letter, number = only(world, inbox), world.invoice(invoice_id)["invoicenumber"]
    world.pass_time(hours=3, minutes=5)

    for text in (listed(world, inbox), shown(world, inbox)):
        assert letter.reference in text
        assert "24 Nov 2026 09:31:36 (GMT)" in text
        assert "3 h" in text
        assert f"dynamics invoice {invoice_id} ({number})" in text
        assert "Killed" in text
        assert "Failed" in text
    assert f"`connector dead replay {letter.reference}`" in " ".join(shown(world, inbox).split())
    known, _ = letters.look_up(world.app, [letter])
    plain = command.as_plain(command.desk_of(world.app, inbox), letter, known, world.clock.now())
    assert plain["age_s"] == 3 * 3600 + 5 * 60
    assert (plain["number"], plain["export_status"], plain["connection_name"]) == (number, "Failed", "Contoso")
    assert isinstance(plain["at"], datetime)


def test_what_was_mended_by_hand_shows_that(world: World, inbox: Inbox) -> None:
    """Somebody set No in Dynamics: the letter stays until it is dropped, and says how the invoice stands now."""
    invoice_id = killed(world)
    world.try_again(invoice_id)
    world.settle()
    assert [row["stl3_syncstatus"] for row in world.history(invoice_id)].count(SUCCESSFUL) == 1

    assert "Yes" in listed(world, inbox)


def test_without_dynamics_the_list_is_shown_without_numbers(world: World, inbox: Inbox) -> None:
    killed(world)
    world.dynamics.wire.inject(Fault(match="batch", kind="status-before", status=503))

    known, failures = letters.look_up(world.app, list_letters(world.app, inbox))

    assert known == {}
    assert failures[0].startswith("Contoso: ")


def test_what_keeps_a_replayed_one_waiting_is_said(world: World, inbox: Inbox, capsys: Any) -> None:
    """A lane that rests, a connection that is paused."""
    killed(world)
    letter, desk = only(world, inbox), command.desk_of(world.app, inbox)
    capsys.readouterr()
    world.app.lanes.rest(world.connection.id, until=world.clock.now().replace(hour=14, minute=5, second=0))
    command.show_replayed(desk, [letter], {letter.reference: letters.SET_TO_NO})
    said = capsys.readouterr()
    world.app.connections.save_state(world.connection.id, PAUSED)
    command.show_replayed(command.desk_of(world.app, inbox), [letter], {letter.reference: ""})

    assert said.out == f"{letter.reference}: is tried again; its export status was set to No in Dynamics.\n"
    assert said.err == "Contoso waits, next try 24 Nov 2026 14:05:00 (GMT).\n"
    assert "Contoso is paused" in capsys.readouterr().err
