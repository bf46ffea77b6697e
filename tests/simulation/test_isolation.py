"""Two Xero organisations joined to one Dynamics: what belongs to one connection is never used for the other (I4)."""

from __future__ import annotations

from typing import Any

import pytest

from core import columns
from core.connections import Connection
from core.event import Event
from pipeline.lanes import Entity
from simulators.wire import Fault
from tests.simulation.taps import Crash
from tests.simulation.test_refusals import account_row
from tests.world import Line, World


def event_of(world: World, invoice_id: str) -> Event:
    return Event(
        side="dynamics",
        organisation=world.connection.dynamics_organization_id,
        entity="invoice",
        record_id=invoice_id.upper(),
        message="Update",
        version=str(world.clock.now()),
    )


def settle_both(world: World, other: Connection) -> None:
    for _ in range(2):
        world.settle()
        world.settle(connection=other)


def rows_by_connection(world: World) -> dict[str, list[dict[str, Any]]]:
    rows = world.dynamics.rows(columns.DETAILS.set_name)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["stl3_connectionid"], []).append(row)
    return found


def test_each_invoice_goes_to_the_organisation_of_its_connector_only(world: World) -> None:
    """An event reaches both lanes; the poller of each finds only its own."""
    other, books = world.join_second()
    mine = world.save_invoices(3)
    theirs = world.save_invoices(2, connection=other)
    world.dispatch(*(event_of(world, invoice_id) for invoice_id in [*mine, *theirs]))
    assert set(world.woken) == {world.connection.id, other.id}

    settle_both(world, other)

    assert {document["Url"].split("id=")[1].split("#")[0] for document in world.documents()} == set(mine)
    assert {document["Url"].split("id=")[1].split("#")[0] for document in world.documents(books)} == set(theirs)
    rows = rows_by_connection(world)
    assert {row["stl3_dynamicsinvoiceid"] for row in rows[world.connection.id]} == set(mine)
    assert {row["stl3_dynamicsinvoiceid"] for row in rows[other.id]} == set(theirs)
    history = world.dynamics.rows(columns.HISTORY.set_name)
    assert {row["_stl3_invoice_value"] for row in history if row["_stl3_connector_value"] == other.id} == set(theirs)


def test_what_made_nothing_goes_at_once_by_the_connection_that_the_invoice_has_now(world: World) -> None:
    """The other one was told while the outcome was unknown, and could do nothing: no poll is waited for."""
    other, books = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.xero.wire.inject(Fault("PUT /api.xro/2.0/Invoices", "drop-before"))
    world.mark(invoice_id)
    world.work()
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})
    entity = Entity("dynamics", "invoice", invoice_id)
    world.app.lanes.mark(other.id, [entity], due_at=world.app.lanes.now())
    world.work(other)
    assert world.documents() + world.documents(books) == []
    world.woken.clear()

    world.pass_time(minutes=8)
    world.work()

    assert other.id in world.woken
    world.work(other)
    assert world.documents() == []
    assert len(world.documents(books)) == 1
    assert world.details(invoice_id)["stl3_connectionid"] == other.id


def test_a_waiting_invoice_follows_its_connector_to_the_other_connection(world: World) -> None:
    """Not exported yet, so the person's choice counts: the row becomes the other's, and the first one lets go."""
    other, books = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    settle_both(world, other)
    assert world.details(invoice_id)["stl3_connectionid"] == world.connection.id
    world.edit(
        invoice_id,
        **{
            "stl3_Connector@odata.bind": world.binding(other),
            "pricelevelid@odata.bind": f"/pricelevels({world.price_list})",
        },
    )

    settle_both(world, other)

    assert world.documents() == []
    (document,) = world.documents(books)
    details = world.details(invoice_id)
    assert details["stl3_connectionid"] == other.id == details["_stl3_connector_value"]
    assert details["stl3_xeroinvoiceid"] == document["InvoiceID"]
    (row,) = world.history(invoice_id)
    assert row["_stl3_connector_value"] == other.id


def test_a_waiting_invoice_that_changes_its_connector_waits_there(world: World) -> None:
    """C9 for the new connection, though the row was the old one's."""
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    settle_both(world, other)
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other), "datedelivered": None})

    settle_both(world, other)

    details = world.details(invoice_id)
    assert details["stl3_waitingfor"] == "price list; Date Delivered"
    assert details["stl3_connectionid"] == other.id


@pytest.mark.parametrize("is_linked", [True, False])
def test_the_row_of_an_invoice_that_waits_for_the_same_as_before_is_taken_over(
    world: World, *, is_linked: bool
) -> None:
    """C9; else it named the wrong connection, and without its link each poll found it again (I5)."""
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"), **{"pricelevelid@odata.bind": None})
    settle_both(world, other)
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})
    if not is_linked:
        world.edit_details(invoice_id, **{"stl3_Invoice@odata.bind": None})

    settle_both(world, other)

    details = world.details(invoice_id)
    assert (details["stl3_waitingfor"], details["stl3_connectionid"]) == ("price list", other.id)
    assert details["_stl3_invoice_value"] == invoice_id
    for connection in (world.connection, other):
        world.assert_quiet(connection)


def test_f31_an_invoice_that_kills_the_workers_of_another_connection_stays_as_it_is(world: World) -> None:
    """I4: the event reached both lanes, and only the dead letter tells of it."""
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    settle_both(world, other)
    exported = world.details(invoice_id)
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})
    entity = Entity("dynamics", "invoice", invoice_id)
    world.app.lanes.mark(other.id, [entity], due_at=world.app.lanes.now())
    for _ in range(6):
        world.tap.crash_at(1, after=False, only="POST contoso")
        with pytest.raises(Crash):
            world.work(other)
        world.die()

    world.work(other)

    assert [(letter.connection_id, letter.entity) for letter in world.app.dead.list_all()] == [(other.id, entity)]
    assert world.details(invoice_id) == exported
    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize("made", [True, False])
def test_an_open_attempt_stays_with_its_connection_whatever_connector_is_chosen_meanwhile(
    world: World, *, made: bool
) -> None:
    """The first connection resolves it; only when nothing was made may the other one send the invoice."""
    other, books = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.tap.crash_at(1, after=made, only="PUT api.xero.com/api.xro/2.0/Invoices")
    with pytest.raises(Crash):
        world.work()
    world.die()
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})
    world.settle(connection=other)
    assert world.documents(books) == []
    assert world.details(invoice_id)["stl3_connectionid"] == world.connection.id

    settle_both(world, other)

    assert len(world.documents()) == (1 if made else 0)
    assert len(world.documents(books)) == (0 if made else 1)
    details = world.details(invoice_id)
    assert details["stl3_connectionid"] == (world.connection.id if made else other.id)
    assert world.status(invoice_id) == "Yes"
    assert len(world.history(invoice_id)) == (2 if made else 1)  # the other connector is told (rule C63)


def test_an_invoice_that_is_sent_again_elsewhere_names_no_contact_of_the_first_organisation(world: World) -> None:
    """Rules E8 and D8: what its customer owes is counted by the contacts that rows of a connection name."""
    other, books = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    settle_both(world, other)
    world.xero.user(world.org).delete_invoice(world.details(invoice_id)["stl3_xeroinvoiceid"])
    settle_both(world, other)
    (line,) = world.lines(invoice_id)
    code = f"/{columns.ACCOUNT_CODE.set_name}({account_row(world, '999')})"
    world.sales.update("invoicedetail", line["invoicedetailid"], {"stl3_AccountCode@odata.bind": code})
    world.try_again(invoice_id)
    settle_both(world, other)
    details = world.details(invoice_id)
    assert (world.status(invoice_id), details["stl3_xeroinvoiceid"]) == ("Failed", None)
    assert details["stl3_xerocontactid"] in world.org.contacts

    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})
    world.try_again(invoice_id)
    settle_both(world, other)

    details = world.details(invoice_id)
    assert (world.status(invoice_id), details["stl3_connectionid"]) == ("Failed", other.id)
    assert (details["stl3_xerocontactid"], details["stl3_contactof"]) == (None, None)
    world.sales.update("invoicedetail", line["invoicedetailid"], {"stl3_AccountCode@odata.bind": None})
    world.try_again(invoice_id)
    settle_both(world, other)
    assert len(world.documents(books)) == 1
    assert world.details(invoice_id)["stl3_xerocontactid"] in books.contacts


def test_an_exported_invoice_stays_with_its_connection(world: World) -> None:
    """C63: choosing another connector afterwards makes no second document anywhere."""
    other, books = world.join_second()
    (invoice_id,) = world.save_invoices(1)
    settle_both(world, other)
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(other)})
    world.try_again(invoice_id)

    settle_both(world, other)

    assert len(world.all_documents()) == 1
    assert world.documents(books) == []
    assert world.details(invoice_id)["stl3_connectionid"] == world.connection.id


def test_settings_of_one_connection_do_not_count_for_the_other(world: World) -> None:
    """B: a row a connection."""
    other, books = world.join_second()
    world.choose(connection=other, status="Authorised")
    world.save_invoices(1)
    world.save_invoices(1, connection=other)

    settle_both(world, other)

    assert [document["Status"] for document in world.documents()] == ["DRAFT"]
    assert [document["Status"] for document in world.documents(books)] == ["AUTHORISED"]
