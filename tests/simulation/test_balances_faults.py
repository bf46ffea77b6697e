"""Refreshing what customers owe when calls fail, the process dies, rows move or are refused: it ends right."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from core import columns
from core.money import dumps
from pipeline.balances import refresh as refresh_balances
from pipeline.lanes import Entity
from pipeline.outcomes import Report
from simulators.wire import Fault, FaultKind
from tests.simulation.owing import (
    FOURTH_COFFEE,
    add_currency,
    approved,
    bookkeeper,
    contact_of,
    customers_as_they_are,
    due_again,
    figures,
    in_currency,
    owes,
    refresh,
    words,
)
from tests.simulation.taps import FAULTS, Crash
from tests.world import World

HISTORY_ID = columns.HISTORY.id_column
FAILED = columns.SYNC_STATUS["Failed"]
FAULTS_AND_LIMITS: tuple[tuple[FaultKind, int], ...] = (*FAULTS, ("status-before", 429))


def two_in_arrears(world: World) -> list[str]:
    """Two customers, one of them without a rate, and credit that is not applied: every kind of call is made."""
    euro = add_currency(world, "EUR", "1.25")
    world.customers["Abroad"] = world.add_customer("Abroad", **in_currency(euro))
    documents = [approved(world), approved(world, "50.00", customer="Abroad")]
    world.dynamics.overwrite("transactioncurrencies", euro, {"statecode": 1})
    paid = bookkeeper(world).receive_overpayment(contact_of(documents[0]), "20.00")["OverpaymentID"]
    world.redis.flushall()
    due_again(world, contact_of(documents[1]))
    due_again(world, paid, kind="overpayment")
    return [contact_of(document) for document in documents]


def finish(world: World) -> None:
    for _ in range(40):
        if not world.app.lanes.count_ready(world.connection.id):
            return
        world.pass_time(minutes=1)
        world.work()
    raise AssertionError(world.interrupted)


def assert_right_and_quiet(world: World, contact_ids: list[str]) -> None:
    assert owes(world) == figures("100.00")
    assert owes(world, "Abroad") == (None, None, None)
    assert "EUR" in str(words(world))
    before = customers_as_they_are(world)
    refresh(world, *contact_ids)
    assert customers_as_they_are(world) == before


@pytest.mark.parametrize(("kind", "status"), FAULTS_AND_LIMITS)
def test_a_fault_at_any_call_leaves_it_due_until_it_is_right(
    fresh_world: Callable[[], World], kind: FaultKind, status: int
) -> None:
    """Whatever call fails, before or after its effect."""
    for side in ("xero", "dynamics"):
        for number in count():
            world = fresh_world()
            contact_ids = two_in_arrears(world)
            wire = getattr(world, side).wire
            wire.inject(Fault(match="/api", kind=kind, skip=number, status=status))

            world.work()
            if wire.faults:
                assert number >= 4  # the refresh makes no more calls than that: they have all been hit
                break
            finish(world)

            assert_right_and_quiet(world, contact_ids)


def test_a_crash_at_any_call_is_made_up_for(fresh_world: Callable[[], World]) -> None:
    """The process dies around any call to Xero, Dynamics or Redis: another one ends it."""
    for number in count(1):
        world = fresh_world()
        contact_ids = two_in_arrears(world)
        world.tap.crash_after_effect(number)

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 20
            break
        finish(world)

        assert_right_and_quiet(world, contact_ids)


def test_a_row_that_moves_meanwhile_is_read_again(world: World) -> None:
    """Rule D8: 412; the other connection may just have written its share there."""
    document = approved(world)
    account = world.customers[FOURTH_COFFEE]
    world.tap.when(
        "GET api.xero.com/api.xro/2.0/Contacts", lambda: world.sales.update("account", account, {"fax": "5"})
    )
    tools, report = world.app.connect(world.connection, world.app.lanes.now), Report()
    entity = Entity("xero", "contact", contact_of(document))

    refresh_balances(tools, [entity], report)

    assert owes(world) == (None, None, None)
    assert report.again_in_xero == {entity: world.clock.now()}
    assert tools.memory.balances_read([entity.id]) == {}
    refresh(world, entity.id)
    assert owes(world) == figures("120.00")


def test_a_worker_that_was_frozen_does_not_write_what_was_owed_before(world: World) -> None:
    """It read Dynamics before Xero: whoever has written since is not overwritten, even by the same connection."""
    document = approved(world)
    other = world.new_process()

    def meanwhile() -> None:
        bookkeeper(world).pay(document["InvoiceID"])
        tools = other.connect(world.connection, other.lanes.now)
        refresh_balances(tools, [Entity("xero", "contact", contact_of(document))], Report())

    world.tap.when("GET api.xero.com/api.xro/2.0/Contacts", meanwhile, after=True)
    due_again(world, contact_of(document))
    world.work()

    assert owes(world) == figures("0")


def test_a_row_that_dynamics_refuses_holds_up_no_other_and_is_told_once(world: World) -> None:
    """Rule H4: a Failed row of history says which customer and why, once as long as the row stays as it is."""
    world.customers["Second"] = world.add_customer("Second")
    documents = [approved(world), approved(world, "50.00", customer="Second")]
    fill_up(world, FOURTH_COFFEE)
    known = history_ids(world)

    for _ in range(2):
        refresh(world, *map(contact_of, documents))

    assert owes(world, "Second") == figures("60.00")
    (told,) = [row for row in world.dynamics.rows(columns.HISTORY.set_name) if row[HISTORY_ID] not in known]
    assert told["stl3_syncstatus"] == FAILED
    assert told["stl3_details"].startswith(
        f"What “{FOURTH_COFFEE}” owes could not be written to the account in Dynamics"
    )
    world.sales.update("account", world.customers[FOURTH_COFFEE], {"stl3_balances": None})
    refresh(world, contact_of(documents[0]))
    assert owes(world) == figures("120.00")


def fill_up(world: World, customer: str) -> None:
    """So many connections have a share that there is no room for another one."""
    share = {"owed": 0, "overdue": 0, "currency": "GBP"}
    names = [{columns.NAME: f"Connection {number}", "stl3_connectionid": str(number)} for number in range(50)]
    connectors = [world.sales.create(columns.CONNECTOR.set_name, row) for row in names]
    text = dumps(dict.fromkeys(connectors, share)).decode()
    world.sales.update("account", world.customers[customer], {"stl3_balances": text})


def history_ids(world: World) -> set[str]:
    return {row[HISTORY_ID] for row in world.dynamics.rows(columns.HISTORY.set_name)}


def test_a_missing_right_to_write_customers_is_told_once_and_stops_nothing_else(world: World) -> None:
    """Rule H4: invoices go on, and it is made up for when the right is there."""
    world.customers["Second"] = world.add_customer("Second")
    documents = [approved(world), approved(world, "50.00", customer="Second")]
    world.dynamics.deny(world.app_user, "prvWriteAccount")
    known = history_ids(world)

    for _ in range(2):
        refresh(world, *map(contact_of, documents))

    told = [row for row in world.dynamics.rows(columns.HISTORY.set_name) if row[HISTORY_ID] not in known]
    assert [row["stl3_syncstatus"] for row in told] == [FAILED]
    assert "prvWriteAccount" in told[0]["stl3_details"]
    assert "every night" in told[0]["stl3_details"]
    assert approved(world, "1.00")["Status"] == "DRAFT"  # as it was when it was exported
    assert world.app.connections.find(world.connection.id) == world.connection
    world.dynamics.allow(world.app_user, "prvWriteAccount")
    refresh(world, *map(contact_of, documents))
    assert owes(world, "Second") == figures("60.00")
