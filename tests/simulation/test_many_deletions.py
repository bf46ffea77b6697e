"""Many deletions in Dynamics at a time: the owner is asked before anything is done in Xero."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import count

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from cli import deletions as command
from core import columns
from core.connections import IN_SERVICE, NEEDS_ATTENTION, PAUSED
from core.errors import Disconnected
from pipeline.deletion_guard import DELETIONS_MAX, ask_owner
from tests.simulation.deleting import (
    MANY,
    STATUS,
    WRITE,
    confirm,
    delete,
    exported,
    handled,
    living,
    presents,
    put,
    restore,
    tools_of,
)
from tests.simulation.test_limits_and_rights import connector_record, rests_s, state
from tests.simulation.updating import export
from tests.world import Line, World


def test_as_many_as_may_be_are_carried_out_without_a_question(world: World) -> None:
    """Rule E1: ten at a time."""
    invoice_ids = exported(world, DELETIONS_MAX)
    delete(world, invoice_ids)

    world.settle()

    assert (handled(world, invoice_ids), living(world, invoice_ids)) == (DELETIONS_MAX, 0)
    assert state(world) == IN_SERVICE


def test_more_stop_the_connection_until_the_owner_confirms(world: World) -> None:
    """Rule E1: nothing is done for any of them, however often it is tried again, nor for anything else."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    world.poll()
    world.work()
    assert rests_s(world) == pytest.approx(900, abs=1)
    (other,) = world.save_invoices(1)
    world.run_for(minutes=60)

    assert (handled(world, invoice_ids), living(world, invoice_ids)) == (0, MANY)
    assert WRITE not in world.xero_calls()
    assert world.documents_of(other) == []
    assert state(world) == NEEDS_ATTENTION
    said = connector_record(world)
    assert said["state"] == "Needs attention"
    assert str(said["words"]).startswith(f"{MANY} invoices that are in Xero were deleted in Dynamics.")
    assert f"`connector deletions confirm {world.connection.id}`" in str(said["words"])

    world.woken.clear()
    confirm(world)
    assert world.woken == [world.connection.id]
    world.work()

    assert (handled(world, invoice_ids), living(world, invoice_ids)) == (MANY, 0)
    assert state(world) == IN_SERVICE
    assert connector_record(world) == {"state": "In service", "words": None}
    world.settle()
    world.assert_exported_once(other)
    world.assert_quiet()


def test_a_stopped_connection_does_not_go_on_and_stop_by_turns(world: World) -> None:
    """More is due than one batch holds: the others do not show that all is well."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    world.poll()
    world.work()
    others = world.save_invoices(60)
    world.mark(*others)
    told = world.details(invoice_ids[0])["versionnumber"], connector_version(world)

    world.run_for(minutes=50)

    assert (world.details(invoice_ids[0])["versionnumber"], connector_version(world)) == told
    assert not any(world.documents_of(other) for other in others)

    confirm(world)
    world.settle()
    world.assert_exported_once(*others)
    assert handled(world, invoice_ids) == MANY


def connector_version(world: World) -> int:
    (row,) = world.dynamics.rows(columns.CONNECTOR.set_name)
    return int(row["versionnumber"])


def test_what_was_done_within_minutes_counts_as_well(world: World) -> None:
    """Somebody deletes one after the other: the eleventh stops, and stays stopped when the minutes are over."""
    invoice_ids = exported(world, 12)
    early, late = invoice_ids[:6], invoice_ids[6:]
    delete(world, early)
    world.poll()
    world.work()
    world.pass_time(minutes=2)
    delete(world, late)
    world.poll()
    world.work()
    world.run_for(minutes=40)

    assert (handled(world, early), handled(world, late)) == (6, 0)
    assert state(world) == NEEDS_ATTENTION
    assert str(connector_record(world)["words"]).startswith("6 invoices")

    confirm(world)
    world.settle()
    assert handled(world, invoice_ids) == 12
    assert state(world) == IN_SERVICE


def test_what_was_done_before_does_not_count(world: World) -> None:
    """Ten, and ten more when the round is over."""
    invoice_ids = exported(world, 20)
    for some in (invoice_ids[:10], invoice_ids[10:]):
        delete(world, some)
        world.poll()
        world.work()
        world.pass_time(minutes=6)

    assert handled(world, invoice_ids) == 20
    assert state(world) == IN_SERVICE


def test_what_was_confirmed_does_not_count_again(world: World) -> None:
    """A few more right after many that the owner wanted; many more are asked about anew."""
    invoice_ids = exported(world, 2 * MANY + 5)
    many, few, more = invoice_ids[:MANY], invoice_ids[MANY : MANY + 5], invoice_ids[MANY + 5 :]
    delete(world, many)
    world.poll()
    world.work()
    confirm(world)
    world.work()
    delete(world, few)
    world.poll()
    world.work()
    assert handled(world, [*many, *few]) == MANY + 5

    delete(world, more)
    world.poll()
    world.work()

    assert handled(world, more) == 0
    assert state(world) == NEEDS_ATTENTION


def test_a_word_that_redis_has_lost_is_asked_for_again(world: World) -> None:
    """Nothing is done on a guess."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    world.poll()
    world.work()
    confirm(world)
    world.redis.flushall()

    world.run_for(minutes=20)
    assert handled(world, invoice_ids) == 0
    assert state(world) == NEEDS_ATTENTION

    confirm(world)
    world.settle()
    assert handled(world, invoice_ids) == MANY


def test_redis_wiped_at_any_call_never_lets_more_go_than_may(fresh_world: Callable[[], World]) -> None:
    """The count is made in Dynamics."""
    for number in count(1):
        world = fresh_world()
        invoice_ids = exported(world, MANY)
        delete(world, invoice_ids)
        world.poll()
        left = number

        def wipe(name: str, world: World = world) -> None:
            nonlocal left
            if not name.startswith("redis"):
                left -= 1
                if left == 0:
                    world.redis.flushall()

        world.tap.before = wipe
        world.work()
        world.tap.close()
        world.run_for(minutes=20)

        assert handled(world, invoice_ids) == 0
        assert living(world, invoice_ids) == MANY
        if left > 0:
            assert number > 2
            break


def test_invoices_that_are_restored_let_the_connection_go_on_by_itself(world: World) -> None:
    """The deletion was a mistake; nobody has to confirm anything."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    world.poll()
    world.work()
    for invoice_id in invoice_ids:
        restore(world, invoice_id)

    world.run_for(minutes=20)

    assert state(world) == IN_SERVICE
    assert living(world, invoice_ids) == MANY
    assert handled(world, invoice_ids) == 0


def test_links_that_people_removed_do_not_count(world: World) -> None:
    """A bulk edit has taken them from invoices that live; one other was deleted."""
    invoice_ids = exported(world, MANY + 1)
    deleted, *unlinked = invoice_ids
    for invoice_id in unlinked:
        world.edit_details(invoice_id, **{"stl3_Invoice@odata.bind": None})
    delete(world, [deleted])

    ask_owner(tools_of(world), presents(world, [deleted]))

    assert [each.invoice_id for each in command.waiting(world.app, world.connection)] == [deleted]


def test_a_deletion_that_failed_is_tried_again_without_a_question(world: World) -> None:
    """Rule C60: its owner has asked for it by setting it to No."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    for invoice_id in invoice_ids:
        put(world, invoice_id, stl3_handledstate="deleted", stl3_exportstatus=STATUS["No"])
    read = presents(world, invoice_ids)
    world.dynamics.wire.forget_calls()

    ask_owner(tools_of(world), read)

    assert world.dynamics_calls() == []


def test_deletions_of_another_connection_do_not_count(world: World) -> None:
    """Each owner is asked about their own."""
    second, _ = world.join_second()
    theirs = world.save_invoices(6, connection=second)
    world.settle(connection=second)
    mine = exported(world, 6)
    delete(world, [*mine, *theirs])

    world.settle()

    assert (handled(world, mine), handled(world, theirs)) == (6, 0)
    assert state(world) == IN_SERVICE


def test_a_paused_connection_asks_nobody_and_stays_paused(world: World) -> None:
    """A person paused it; when it serves again, the owner is asked."""
    invoice_ids = exported(world, MANY)
    world.app.connections.save_state(world.connection.id, PAUSED)
    delete(world, invoice_ids)
    world.mark(*invoice_ids)
    world.run_for(minutes=20)
    assert state(world) == PAUSED
    assert handled(world, invoice_ids) == 0

    world.app.connections.save_state(world.connection.id, IN_SERVICE)
    world.poll()
    world.work()

    assert state(world) == NEEDS_ATTENTION
    assert handled(world, invoice_ids) == 0


def test_more_than_one_read_can_name_are_counted_and_shown(world: World) -> None:
    """Rule H4: ids go fifty at a time."""
    invoice_ids = exported(world, 120)
    delete(world, invoice_ids)

    with pytest.raises(Disconnected, match="120 invoices that are in Xero were deleted"):
        ask_owner(tools_of(world), presents(world, invoice_ids[:1]))

    assert len(command.waiting(world.app, world.connection)) == 120


# -- the command -----------------------------------------------------------------------------------------------


def shown(world: World) -> str:
    console = Console(file=io.StringIO(), width=160)
    command.show(console, command.waiting(world.app, world.connection))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_what_waits_is_shown_with_its_document(world: World) -> None:
    """Number and name in Dynamics, number, status and amount due in Xero."""
    invoice_id = export(world, Line("Work", "10.00"), name="Order [4712]")
    details = world.details(invoice_id)
    assert "No deleted invoice waits" in shown(world)
    delete(world, [invoice_id])

    (row,) = (line for line in shown(world).splitlines() if "Order" in line)

    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        details["stl3_dynamicsnumber"],
        "Order [4712]",
        details["stl3_xeronumber"],
        "DRAFT",
        "12.00 GBP",
        "no",
    ]
    assert "before they are confirmed" not in shown(world)


def test_what_is_confirmed_is_shown_until_it_is_carried_out(world: World) -> None:
    """And how many wait for a word."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    assert f"{MANY} at a time: nothing is done in Xero before they are confirmed." in shown(world)
    command.confirm(world.app, world.connection, command.waiting(world.app, world.connection)[:4])

    after = shown(world)

    assert (after.count(" yes "), after.count(" no ")) == (4, MANY - 4)
    assert "before they are confirmed" not in after
    world.settle()
    assert "No deleted invoice waits" in shown(world)


@pytest.mark.parametrize(("answer", "yes"), [("n\n", False), ("y\n", False), ("", True)])
def test_the_owner_is_asked_unless_the_word_is_given_before(world: World, answer: str, *, yes: bool) -> None:
    """A no changes nothing."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    world.poll()
    world.work()

    with CliRunner().isolation(input=answer) as (out, *_):
        if answer == "n\n":
            with pytest.raises(click.Abort):
                command.ask(world.app, world.connection, yes=yes)
        else:
            command.ask(world.app, world.connection, yes=yes)
        said = out.getvalue().decode()
    world.work()

    confirmed = answer != "n\n"
    assert ("Delete, void or credit their documents" in said) is not yes
    assert (f"Confirmed {MANY} deletions." in said) is confirmed
    assert handled(world, invoice_ids) == (MANY if confirmed else 0)


def test_a_word_when_all_were_restored_only_ends_the_rest(world: World) -> None:
    """Whoever says it does not wait for the next try."""
    invoice_ids = exported(world, MANY)
    delete(world, invoice_ids)
    world.poll()
    world.work()
    for invoice_id in invoice_ids:
        restore(world, invoice_id)

    confirm(world)
    world.work()

    assert state(world) == IN_SERVICE
    assert living(world, invoice_ids) == MANY


def test_what_is_shown_as_json_keeps_its_digits(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    invoice_id = export(world, Line("Work", "10.00"))
    delete(world, [invoice_id])
    capsys.readouterr()

    command.print_as_json(command.waiting(world.app, world.connection))

    (plain,) = json.loads(capsys.readouterr().out, parse_float=str)
    assert plain["invoice_id"] == invoice_id
    assert plain["amount_due"] == "12.00"
    assert plain["is_confirmed"] is False
