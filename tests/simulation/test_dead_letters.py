"""What was put aside can be looked at, tried again and forgotten, and is never lost on the way (F30, F31)."""

from __future__ import annotations

import io
import threading
from itertools import count
from typing import Any

import pytest
from rich.console import Console

from cli import dead as command
from cli.doctor import put_aside
from core import columns
from core.errors import ConnectorError, Misconfigured, Transient
from core.event import Event
from core.inbox import Inbox
from pipeline import letters
from pipeline.dead import KEY, DeadLetter
from pipeline.lanes import Entity
from pipeline.letters import Letter, list_letters
from simulators.wire import Fault
from tests.simulation.taps import Crash
from tests.simulation.test_explain import explained
from tests.world import Line, World


@pytest.fixture
def inbox(request: pytest.FixtureRequest, world: World) -> Inbox:
    return Inbox("memory://", queue=f"dead.{request.node.name}", clock=world.clock)


def break_lines(world: World, invoice_id: str, quantity: Any = "many") -> None:
    """A quantity that no code expects; or one that it does, again."""
    for row in world.dynamics._env.store.all("invoicedetail").values():
        if invoice_id in str(row["invoiceid"]):
            row["quantity"] = quantity


def parked(world: World) -> str:
    """An invoice that was put aside; return its id."""
    invoice_id = world.save_invoice(Line("Impossible", "1.00"))
    break_lines(world, invoice_id)
    world.settle()
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == invoice_id
    return invoice_id


def only(world: World, inbox: Inbox) -> Letter:
    (letter,) = list_letters(world.app, inbox)
    return letter


def announce(world: World, invoice_id: str) -> None:
    """Our defect kept even the history from being written: it is Failed as if it had been."""
    row = {"stl3_exportstatus": columns.EXPORT_STATUS["Failed"]}
    for each in world.all_details(invoice_id):
        world.sales.update(columns.DETAILS.set_name, each[columns.DETAILS.id_column], row)


def killed(world: World) -> str:
    """An invoice that killed each worker at the call that would have made its document; return its id."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    for _ in range(6):
        world.tap.crash_at(1, after=False, only="PUT api.xero.com/api.xro/2.0/Invoices")
        with pytest.raises(Crash):
            world.work()
        world.die()
    world.work()
    assert world.status(invoice_id) == "Failed"
    return invoice_id


def of_tomorrow(number: int) -> str:
    """A message that a later version of ours has sent."""
    return f'{{"v": 2, "record": "m-{number}"}}'


def consume_all(inbox: Inbox) -> None:
    """Let the dispatcher take what waits: the last message is a good one."""
    stopping = threading.Event()
    inbox.publish([Event("dynamics", "org", "invoice", "good", "Update", "1")])
    inbox.consume(lambda _events: stopping.set(), stopping=stopping)


def park_message(inbox: Inbox, number: int) -> None:
    inbox._put_text(inbox._queue, of_tomorrow(number))
    consume_all(inbox)


def listed(world: World, inbox: Inbox) -> str:
    """What `connector dead list` prints."""
    console, desk = Console(file=io.StringIO(), width=200), command.desk_of(world.app, inbox)
    found = list_letters(world.app, inbox)
    command.show_list(console, desk, found, letters.look_up(world.app, found)[0], world.clock.now())
    return console.file.getvalue()  # type: ignore[attr-defined]


def shown(world: World, inbox: Inbox) -> str:
    """What `connector dead show` prints of the only one."""
    console, letter = Console(file=io.StringIO(), width=200), only(world, inbox)
    known, failures = letters.look_up(world.app, [letter])
    command.show_one(console, command.desk_of(world.app, inbox), letter, known, world.clock.now())
    assert failures == []
    return console.file.getvalue()  # type: ignore[attr-defined]


# -- putting aside ---------------------------------------------------------------------------------------------


def test_f30_an_invoice_that_cannot_even_be_read_is_failed_and_found_by_no_further_poll(world: World) -> None:
    """F30, I2: it is said by its details alone; else each poll would mark it, and it would be put aside for ever."""
    invoice_id = parked(world)
    (letter,) = world.app.dead.list_all()

    assert world.status(invoice_id) == "Failed"
    (row,) = world.history(invoice_id)
    assert letter.reference in row["stl3_details"]
    assert row["stl3_action"] == columns.ACTION["Create"]
    world.assert_quiet()
    assert list(world.app.dead.list_all()) == [letter]


def test_an_exported_invoice_that_cannot_be_read_any_more_keeps_its_document(world: World, inbox: Inbox) -> None:
    """Nothing is said of its state, which nobody saw: after the repair it is followed as before."""
    (invoice_id,) = world.save_invoices(1)
    world.settle()
    before = world.details(invoice_id)
    break_lines(world, invoice_id)
    world.mark(invoice_id)
    world.settle()
    after = world.details(invoice_id)
    assert (world.status(invoice_id), after["stl3_handledstate"]) == ("Failed", before["stl3_handledstate"])
    assert after["stl3_xeroinvoiceid"] == before["stl3_xeroinvoiceid"]
    break_lines(world, invoice_id, 1)

    letters.replay(world.app, inbox, only(world, inbox))
    world.settle()

    assert world.status(invoice_id) == "Yes"
    assert len(world.all_documents()) == 1
    world.assert_quiet()


# -- replaying an invoice --------------------------------------------------------------------------------------


def test_f31_an_invoice_that_killed_each_worker_goes_when_it_is_replayed(world: World, inbox: Inbox) -> None:
    """C60: replaying sets No, as a person would, and the tries begin anew; it is exported once."""
    invoice_id = killed(world)
    letter = only(world, inbox)
    assert (letter.error, letter.entity) == ("Killed", Entity("dynamics", "invoice", invoice_id))

    assert letters.replay(world.app, inbox, letter) == letters.SET_TO_NO

    assert world.status(invoice_id) == "No"
    assert world.app.lanes.due_at(world.connection.id, letter.entity or Entity("xero", "", "")) is not None
    assert list_letters(world.app, inbox) == []
    world.settle()
    world.assert_exported_once(invoice_id)
    assert len(world.all_documents()) == 1


def test_f30_what_fails_again_comes_back_as_a_new_letter(world: World, inbox: Inbox) -> None:
    """Not mended: the same invoice under another reference; after the repair it goes."""
    invoice_id = parked(world)
    first = only(world, inbox)
    world.pass_time(minutes=1)

    letters.replay(world.app, inbox, first)
    world.settle()

    second = only(world, inbox)
    assert second.entity == first.entity
    assert second.reference != first.reference
    break_lines(world, invoice_id, 1)
    letters.replay(world.app, inbox, second)
    world.settle()
    assert list_letters(world.app, inbox) == []
    world.assert_exported_once(invoice_id)


def test_a_crash_while_it_is_replayed_loses_neither_the_letter_nor_the_work(world: World, inbox: Inbox) -> None:
    """F20: at each call in turn: the letter is still there, or the invoice is due; replaying once more is no harm."""
    invoice_id = killed(world)
    letter = only(world, inbox)
    stored = world.redis.hgetall(KEY)
    entity = Entity("dynamics", "invoice", invoice_id)
    for number in count(1):
        world.tap.crash_after_effect(number)
        try:
            letters.replay(world.app, inbox, letter)
        except Crash:
            world.tap.close()
            is_due = world.app.lanes.due_at(world.connection.id, entity) is not None
            assert is_due or list(world.app.dead.list_all())
            # As before the replay, for the next one.
            world.redis.hset(KEY, mapping=stored)
            world.redis.delete(f"lane:{world.connection.id}:due")
            announce(world, invoice_id)
            continue
        world.tap.close()
        break
    assert number > 4

    world.settle()

    world.assert_exported_once(invoice_id)
    assert list_letters(world.app, inbox) == []


def test_an_update_that_was_put_aside_sends_the_version_of_dynamics(world: World, inbox: Inbox) -> None:
    """C60: for a document that lives No means the same as when a person says it."""
    invoice_id = world.save_invoice(Line("Impossible", "1.00"))
    world.settle()
    entity = Entity("dynamics", "invoice", invoice_id)
    world.app.dead.put(DeadLetter(world.connection.id, entity, "abc123", "KeyError", "trace", world.clock.now()))
    announce(world, invoice_id)

    letters.replay(world.app, inbox, only(world, inbox))
    world.settle()

    assert world.status(invoice_id) == "Yes"
    assert len(world.all_documents()) == 1


def test_a_document_of_xero_is_only_marked(world: World, inbox: Inbox) -> None:
    """Its invoice's export status is nobody's business here."""
    invoice_id = world.save_invoice(Line("Work", "1.00"))
    world.settle()
    xero_id = world.details(invoice_id)["stl3_xeroinvoiceid"]
    entity, before = Entity("xero", "invoice", xero_id), world.details(invoice_id)
    world.app.dead.put(DeadLetter(world.connection.id, entity, "abc123", "KeyError", "trace", world.clock.now()))

    assert letters.replay(world.app, inbox, only(world, inbox)) == ""

    assert world.details(invoice_id) == before
    assert world.app.lanes.due_at(world.connection.id, entity) is not None
    assert world.woken


def test_rows_of_another_connection_are_left_alone(world: World, inbox: Inbox) -> None:
    """C63, I4: the document stays with the connection of its Xero details."""
    other, _ = world.join_second()
    invoice_id = killed(world)
    (mine,) = world.app.dead.list_all()
    world.app.dead.put(DeadLetter(other.id, mine.entity, "abc123", "Killed", "trace", world.clock.now()))
    (theirs,) = (each for each in list_letters(world.app, inbox) if each.connection_id == other.id)

    assert letters.replay(world.app, inbox, theirs) == ""

    assert world.status(invoice_id) == "Failed"


def test_somebody_who_edits_the_details_in_that_moment_is_not_overwritten(world: World, inbox: Inbox) -> None:
    """F62: the letter stays; trying again reads the row again."""
    invoice_id = killed(world)
    letter = only(world, inbox)
    world.tap.when("PATCH", lambda: world.edit_details(invoice_id, stl3_waitingfor="somebody was here"))

    with pytest.raises(Transient, match="changed by somebody else"):
        letters.replay(world.app, inbox, letter)

    assert list_letters(world.app, inbox) == [letter]
    assert letters.replay(world.app, inbox, letter) == letters.SET_TO_NO


def test_without_dynamics_the_letter_stays_and_the_others_are_replayed(world: World, inbox: Inbox) -> None:
    """One that cannot be replayed now says why and keeps no other."""
    killed(world)
    park_message(inbox, 1)
    desk = command.desk_of(world.app, inbox)
    world.dynamics.wire.inject(Fault(match="batch", kind="status-before", status=503))

    done, failed = command.replay_each(desk, list_letters(world.app, inbox))

    assert list(done.values()) == [""]
    (why,) = failed.values()
    assert why.startswith("not replayed, it stays: ")
    assert [letter.source for letter in list_letters(world.app, inbox)] == ["lane"]
    assert inbox.depth() == 1


def test_a_letter_of_a_connection_that_is_gone_can_only_be_dropped(world: World, inbox: Inbox) -> None:
    killed(world)
    letter = only(world, inbox)
    world.app.connections.remove(world.connection.id)

    with pytest.raises(Misconfigured, match="its connection is gone"):
        letters.replay(world.app, inbox, letter)
    assert "gone (" in listed(world, inbox)
    letters.drop(world.app, inbox, letter)

    assert list_letters(world.app, inbox) == []


def test_dropping_an_old_letter_leaves_a_newer_one_of_the_same_invoice(world: World, inbox: Inbox) -> None:
    """It was put aside anew between the look and the word."""
    invoice_id = killed(world)
    old = only(world, inbox)
    entity = Entity("dynamics", "invoice", invoice_id)
    world.app.dead.put(DeadLetter(world.connection.id, entity, "abc123", "KeyError", "trace", world.clock.now()))

    letters.drop(world.app, inbox, old)

    assert only(world, inbox).reference == "abc123"


# -- what stays ------------------------------------------------------------------------------------------------


def test_letters_do_not_expire(world: World) -> None:
    """F30, H4: they stay until somebody decides, however long that takes, and `connector doctor` tells of them."""
    killed(world)

    assert world.redis.ttl(KEY) == -1
    with pytest.raises(ConnectorError, match="1 record was put aside: `connector dead list` shows what"):
        put_aside(world.app, world.connection)
    world.redis.delete(KEY)
    assert put_aside(world.app, world.connection) == "nothing"


def test_without_redis_the_failed_row_stays_and_no_makes_it_go(world: World, inbox: Inbox) -> None:
    """F26: the letters are gone with Redis; what stands in Dynamics is enough."""
    invoice_id = killed(world)
    reference = only(world, inbox).reference
    world.redis.flushall()

    assert list_letters(world.app, inbox) == []
    world.settle()
    assert world.status(invoice_id) == "Failed"
    assert any(reference in row["stl3_details"] for row in world.history(invoice_id))
    world.try_again(invoice_id)
    world.settle()

    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '{"reference": "x"}', '{"at": "never"}'])
def test_a_letter_that_cannot_be_read_is_shown_as_such(world: World, inbox: Inbox, text: str) -> None:
    """F33: it neither hides the others nor breaks `connector explain`; it cannot be replayed, but dropped."""
    invoice_id = killed(world)
    world.redis.hset(KEY, f"{world.connection.id}|dynamics:invoice:x", text)
    found = list_letters(world.app, inbox)
    (broken,) = (letter for letter in found if letter.source == "unreadable")

    assert len(found) == 2
    assert "Put aside" in dict(explained(world, invoice_id).work)
    assert "not readable" in listed(world, inbox)
    with pytest.raises(Misconfigured, match="cannot be read"):
        letters.replay(world.app, inbox, broken)
    letters.drop(world.app, inbox, broken)
    assert [letter.source for letter in list_letters(world.app, inbox)] == ["lane"]


# -- the inbox -------------------------------------------------------------------------------------------------


def test_messages_of_the_inbox_have_references_too(world: World, inbox: Inbox) -> None:
    """F30, F33: one is replayed and one dropped by name, the others stay; what fails again is parked again."""
    for number in (1, 2, 3):
        park_message(inbox, number)
    by_text = {letter.text: letter for letter in list_letters(world.app, inbox)}
    first, second, third = (by_text[of_tomorrow(number)] for number in (1, 2, 3))
    assert [letter.at for letter in by_text.values()] == [world.clock.now()] * 3
    assert "message of the inbox" in listed(world, inbox)
    assert "version 2 is not known here" in second.error

    letters.replay(world.app, inbox, second)
    letters.drop(world.app, inbox, first)

    assert list_letters(world.app, inbox) == [third]
    assert inbox.depth() == 1
    world.pass_time(minutes=1)
    consume_all(inbox)
    again = {letter.reference: letter for letter in list_letters(world.app, inbox)}
    assert again.keys() == {second.reference, third.reference}
    assert again[second.reference].at == world.clock.now()
