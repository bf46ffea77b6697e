"""We were down while a thousand invoices of ours changed in Xero: what it costs to catch up, all of it counted."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from core import columns
from core.invoice import ACTIVE, PAID
from tests.simulation.owing import owes
from tests.world import World

CUSTOMERS = ("Adatum", "Fourth Coffee", "Litware", "Northwind")
INVOICES = 1_000
CALLS_MAX = 25


def sell(world: World) -> None:
    """A thousand approved invoices of four customers, settled long ago."""
    world.customers |= {name: world.add_customer(name) for name in CUSTOMERS if name not in world.customers}
    world.choose(status="Authorised")
    each = INVOICES // len(CUSTOMERS)
    made = [key for name in CUSTOMERS for key in world.save_invoices(each, customer=name, duedate="2026-12-24")]
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    assert len(world.documents()) == len(made) == INVOICES
    assert owes_in_all(world) == owed_in_xero(world)


def change_everything(world: World, *, part: str) -> None:
    """Every other invoice that is open is paid, the rest in part, hours after anybody of ours has looked."""
    world.pass_time(hours=3)
    person = world.xero.user(world.org)
    for number, document in enumerate(row for row in world.documents() if row["Status"] == "AUTHORISED"):
        person.pay(document["InvoiceID"], part if number % 2 else None)
        if number % 10 == 0:
            world.pass_time(seconds=1)
    world.pass_time(hours=3)
    world.xero.wire.forget_calls()


def owed_in_xero(world: World) -> Decimal:
    return sum((row["AmountDue"] for row in world.documents()), Decimal(0))


def owes_in_all(world: World) -> Decimal:
    return sum((owes(world, name)[0] for name in CUSTOMERS), Decimal(0))


def catch_up(world: World) -> list[str]:
    """Poll once and work until nothing is due; return the calls to Xero that this took."""
    world.poll()
    for _ in range(30):
        world.work()
    assert world.interrupted == []
    assert world.app.lanes.count_ready(world.connection.id) == 0
    return world.xero_calls()


def assert_caught_up(world: World, calls: list[str]) -> None:
    """Every invoice and every customer is as Xero says; there were few calls, and later there are none but polls."""
    documents = {row["InvoiceID"]: row for row in world.documents()}
    rows = {row["stl3_xeroinvoiceid"]: row for row in world.dynamics.rows(columns.DETAILS.set_name)}
    invoices = {row["invoiceid"]: row for row in world.dynamics.rows("invoices")}
    for xero_id, document in documents.items():
        details = rows[xero_id]
        invoice = invoices[details["stl3_dynamicsinvoiceid"]]
        said = (details["stl3_xerostatus"], details["stl3_amountdue"], details["stl3_amountpaid"])
        assert said == (document["Status"], document["AmountDue"], document["AmountPaid"])
        assert invoice["statecode"] == (PAID if document["Status"] == "PAID" else ACTIVE)
        assert invoice["stl3_amountdue"] == document["AmountDue"]
    assert owes_in_all(world) == owed_in_xero(world)
    assert len(calls) <= CALLS_MAX, Counter(calls)
    world.settle()
    world.assert_quiet()


def test_a_thousand_changed_invoices_are_caught_up_with_by_a_handful_of_calls(world: World) -> None:
    """Rules D2, D3, D8: at first with the watermark, which leads to all of it; then with nothing left in Redis."""
    sell(world)
    change_everything(world, part="0.20")

    calls = catch_up(world)

    assert Counter(row["Status"] for row in world.documents()) == {"PAID": 500, "AUTHORISED": 500}
    assert_caught_up(world, calls)

    change_everything(world, part="0.30")
    world.redis.flushall()

    calls = catch_up(world)

    assert Counter(row["Status"] for row in world.documents()) == {"PAID": 750, "AUTHORISED": 250}
    assert_caught_up(world, calls)


def test_a_connection_that_is_joined_again_hears_of_what_moved_before(world: World) -> None:
    """Rules D2 and D4: its own record and Redis are lost; the details rows know since when there are documents.

    What was paid is final, so no night would look at it.
    """
    world.choose(status="Authorised")
    paid, unpaid = world.save_invoices(2, duedate="2026-12-24")
    world.settle()
    person = world.xero.user(world.org)
    (first,), (second,) = world.documents_of(paid), world.documents_of(unpaid)
    person.pay(second["InvoiceID"])
    world.pass_time(minutes=30)
    world.settle()
    person.pay(first["InvoiceID"])
    person.remove_payment(world.org.payments_on(second["InvoiceID"])[0]["PaymentID"])
    world.pass_time(days=3)
    world.app.connections.remove(world.connection.id)
    world.redis.flushall()

    world.joiner.join(world.entry())
    world.settle()

    assert [world.invoice(each)["statecode"] for each in (paid, unpaid)] == [PAID, ACTIVE]
    world.assert_quiet()
