"""A finished system is quiet (I5): polls that find nothing, and echoes of our own writes, cost next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import columns
from pipeline.dispatch import GATHER
from pipeline.lanes import Entity
from tests.simulation.hearing import Hearing
from tests.simulation.owing import contact_of, figures, foreign, owes
from tests.simulation.test_events import Hooks
from tests.simulation.test_refusals import bad_account_code
from tests.simulation.updating import add_line, document, person
from tests.world import Line, World

TABLES = ("accounts", "contacts", "invoices", "invoicedetails", *(table.set_name for table in columns.TABLES))
DOCUMENTS = "GET /api.xro/2.0/Invoices"
POLLS = 10


class Town:
    """A world whose two systems tell us of everything, our own writes as well."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dynamics, self.xero = Hooks(world), Hearing(world)
        self.posts = 0

    def listen(self) -> None:
        """Let both systems say what they have to say and a worker do what that leads to, until nobody says more.

        Then a second passes: what people do in Xero next has a time of its own.
        """
        while posts := self.dynamics.deliver() + len(self.xero.deliver()):
            self.posts += posts
            self.world.work()
        self.world.pass_time(seconds=1)

    def rest(self) -> None:
        """Let time pass until everything is done, heard, and too old for the lists of the polls."""
        for _ in range(3):
            self.world.settle()
            self.listen()
            self.world.pass_time(minutes=12)
        assert self.world.interrupted == []

    def save(self, number: int, *, status: str = "Authorised", **row: Any) -> list[str]:
        """Save invoices; once heard of, they are in Xero with this status."""
        self.world.choose(status=status)
        self.listen()
        invoice_ids = self.world.save_invoices(number, duedate="2026-12-24", **row)
        self.listen()
        return invoice_ids

    def pay(self, invoice_id: str, amount: str | None = None) -> None:
        person(self.world).pay(document(self.world, invoice_id)["InvoiceID"], amount)

    def everything(self) -> dict[str, Any]:
        """Every row, with its version, of all that we may write to."""
        found: dict[str, Any] = {name: self.world.dynamics.rows(name) for name in TABLES}
        assert all("versionnumber" in row for name in TABLES for row in found[name])
        return found | {"Xero": self.world.all_documents(), "Contacts": list(self.world.org.contacts.values())}


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)


def live(town: Town) -> None:
    """Some twenty invoices, of every fate that there is."""
    world = town.world
    world.customers |= {name: world.add_customer(name) for name in ("Adatum", "Litware")}
    town.save(4, status="Draft")
    town.save(1, status="Submitted", customer="Adatum")
    (deleted,) = town.save(1, status="Draft")
    person(world).delete_invoice(document(world, deleted)["InvoiceID"])
    paid = town.save(4, customer="Litware")
    part_paid, (voided, credited, opened) = town.save(3), town.save(3, customer="Adatum")
    town.save(2)
    for invoice_id in (*paid, opened):
        town.pay(invoice_id)
    for invoice_id in part_paid:
        town.pay(invoice_id, "0.40")
    person(world).void_invoice(document(world, voided)["InvoiceID"])
    person(world).credit(document(world, credited)["InvoiceID"])
    world.save_invoice(Line("Waits", "5.00"), **{"pricelevelid@odata.bind": None})
    world.save_invoice(Line("Waits", "5.00"), datedelivered="2027-02-01T00:00:00Z")
    failed = world.save_invoice(Line("Fails", "6.00"))
    bad_account_code(world, failed)
    left, deleted_here, active_again = town.save(3, status="Draft")
    (credited_here,) = town.save(1)
    for invoice_id in (left, active_again):
        world.sales.cancel_invoice(invoice_id)
    world.settle()
    world.sales.activate_invoice(active_again)
    for invoice_id in (deleted_here, credited_here):
        world.sales.delete("invoice", invoice_id)
    town.listen()
    xero_id = document(world, opened)["InvoiceID"]
    person(world).remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])
    foreign(world, contact_of(document(world, opened)), "9.00")
    town.rest()


def test_ten_polls_of_an_idle_connection_cost_one_call_to_either_side_and_write_nothing(town: Town) -> None:
    """Drafts, approved, part paid, paid, voided, credited, deleted, failed and waiting ones: nothing is to do."""
    world = town.world
    live(town)
    rows = world.dynamics.rows(columns.DETAILS.set_name)
    assert {row["stl3_xerostatus"] for row in rows} == {
        *("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED", "Credited"),
        None,
    }
    assert {columns.EXPORT_STATUS.label(row["stl3_exportstatus"]) for row in rows} == {"Yes", "No", "Failed"}
    before, posts = town.everything(), town.posts

    for _ in range(POLLS):
        world.xero.wire.forget_calls()
        world.dynamics.wire.forget_calls()
        assert world.poll() == 0
        town.listen()
        world.work()
        assert world.xero_calls() == [DOCUMENTS]
        assert len(world.dynamics_calls()) == 1
        world.pass_time(minutes=5)

    assert town.everything() == before
    assert town.posts == posts


def test_the_polls_right_after_everything_happened_write_nothing_either(town: Town) -> None:
    """Lists and watermarks overlap by ten minutes: what is listed again has been seen, and is not due again."""
    world = town.world
    live(town)
    (invoice_id,) = town.save(1)
    town.pay(invoice_id)
    town.listen()
    world.settle()
    world.pass_time(minutes=1)
    world.settle()
    before = town.everything()

    for _ in range(3):
        world.xero.wire.forget_calls()
        world.dynamics.wire.forget_calls()
        world.poll()
        assert world.xero_calls() == [DOCUMENTS]
        assert len(world.dynamics_calls()) <= 2
        documents = [Entity("xero", "invoice", each["InvoiceID"]) for each in world.all_documents()]
        assert not any(world.app.lanes.due_at(world.connection.id, document) for document in documents)
        world.work()
        assert world.xero_calls() == [DOCUMENTS]
        world.pass_time(minutes=5)

    assert town.everything() == before


# -- echoes ----------------------------------------------------------------------------------------------------


def creates(town: Town) -> None:
    invoice_ids = town.world.save_invoices(3)
    town.dynamics.deliver()
    town.world.work()
    town.world.assert_exported_once(*invoice_ids)


def updates(town: Town) -> None:
    world = town.world
    draft = next(row["InvoiceID"] for row in world.documents() if row["Status"] == "DRAFT")
    (row,) = (row for row in world.dynamics.rows(columns.DETAILS.set_name) if row["stl3_xeroinvoiceid"] == draft)
    add_line(world, row["stl3_dynamicsinvoiceid"], "More", "7.00")
    town.dynamics.deliver()
    world.work()
    assert [line["Description"] for line in world.org.invoices[draft]["LineItems"]][-1] == "More"


def closes(town: Town) -> None:
    world = town.world
    approved = next(row for row in world.documents() if row["Status"] == "AUTHORISED")
    person(world).pay(approved["InvoiceID"])
    town.xero.deliver()
    world.work()
    rows = world.dynamics.rows(columns.DETAILS.set_name)
    (details,) = (row for row in rows if row["stl3_xeroinvoiceid"] == approved["InvoiceID"])
    assert details["stl3_closedbyconnector"] is True


def opens(town: Town) -> None:
    world = town.world
    closes(town)
    paid = next(row for row in world.documents() if row["Status"] == "PAID")
    town.listen()
    world.pass_time(minutes=1)
    person(world).remove_payment(world.org.payments_on(paid["InvoiceID"])[0]["PaymentID"])
    town.xero.deliver()
    world.work()
    assert not any(row["stl3_closedbyconnector"] for row in world.dynamics.rows(columns.DETAILS.set_name))


def fails(town: Town) -> None:
    world = town.world
    invoice_id = world.save_invoice(Line("Fails", "6.00"))
    bad_account_code(world, invoice_id)
    town.dynamics.deliver()
    world.work()
    assert world.status(invoice_id) == "Failed"


def waits(town: Town) -> None:
    world = town.world
    invoice_id = world.save_invoice(Line("Waits", "6.00"), **{"pricelevelid@odata.bind": None})
    town.dynamics.deliver()
    world.work()
    assert world.details(invoice_id)["stl3_waitingfor"] is not None


@pytest.mark.parametrize("act", [creates, updates, closes, opens, fails, waits])
def test_the_echo_of_what_we_write_reads_no_document_and_writes_nothing(
    town: Town, act: Callable[[Town], None]
) -> None:
    """R14, F60: I5: whatever we have written, on either side, comes back as events; they end at the first station
    or the lane.

    Also when they have gathered for five minutes, and when each of them comes twice.
    """
    world = town.world
    town.save(2, status="Draft")
    town.save(1)
    world.choose(status="Draft")
    town.rest()
    act(town)
    before = town.everything()
    world.xero.wire.forget_calls()

    posts = world.dynamics.outbox.pending()
    told = town.xero.hear()
    world.dispatch(*told, *told)
    town.dynamics.deliver()
    for delivery in posts:
        assert town.dynamics._post(delivery) == 200
    world.work()
    town.listen()
    world.pass_time(seconds=GATHER.total_seconds())
    world.work()

    assert DOCUMENTS not in world.xero_calls()
    assert town.everything() == before
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}
    assert (told != []) is (act in (creates, updates))
    assert (posts != []) is (act is not waits)  # a details row that is new raises nothing


def test_the_contact_that_we_create_is_read_once_for_its_balances_and_no_document_is(town: Town) -> None:
    """Rule D8: Xero tells of it, and what the new customer owes is shown before any poll."""
    world = town.world
    town.save(1)
    town.rest()
    world.customers["Adatum"] = world.add_customer("Adatum")
    world.save_invoices(1, customer="Adatum")
    town.dynamics.deliver()
    world.work()
    world.xero.wire.forget_calls()

    told = town.xero.deliver()
    world.work()
    world.pass_time(seconds=GATHER.total_seconds())
    world.work()
    town.listen()

    assert {event.entity for event in told} == {"contact", "invoice"}
    assert world.xero_calls() == ["GET /api.xro/2.0/Contacts"]
    assert owes(world, "Adatum") == figures("1.20")
