"""What is not carried over to Xero is left as it is, and the history says why (rules C7, C61, C63)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import columns
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.updating import (
    FAILED,
    READ,
    UPDATE,
    approve_in_xero,
    assert_left,
    assert_updated,
    document,
    edit_line,
    export,
    other_customer,
    person,
    updates,
)
from tests.world import Line, World

# -- what somebody has done in Xero --------------------------------------------------------------------------


def test_what_somebody_has_changed_in_xero_is_not_overwritten(world: World) -> None:
    """F54: Rule C61: one row lists what differs; said once; No sends the version of Dynamics."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_line(xero_id, UnitAmount="11.00")
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))

    world.settle()

    words = assert_left(world, invoice_id, "somebody has changed it there", "Set Export status to No")
    assert "Line 1 “Work”, price: 11.00 in Xero, 12.00 in Dynamics" in words
    assert document(world, invoice_id)["SubTotal"] == Decimal("16.00")
    world.assert_quiet()
    assert len(updates(world, invoice_id)) == 1

    world.try_again(invoice_id)
    world.settle()
    assert document(world, invoice_id)["SubTotal"] == Decimal("17.00")
    assert world.status(invoice_id) == "Yes"
    assert [row["stl3_syncstatus"] for row in updates(world, invoice_id)] == [FAILED, SUCCESSFUL]
    world.assert_quiet()

    edit_line(world, invoice_id, priceperunit=Decimal("13.00"))
    world.settle()
    assert document(world, invoice_id)["SubTotal"] == Decimal("18.00")


def test_each_change_is_told_once(world: World) -> None:
    """Two edits in Dynamics of a document that somebody has changed: two rows, each with what differs then."""
    invoice_id = export(world)
    person(world).edit_invoice(document(world, invoice_id)["InvoiceID"], Reference="Mine")
    for price in ("12.00", "14.00"):
        edit_line(world, invoice_id, priceperunit=Decimal(price))
        world.settle()
        world.pass_time(minutes=12)
        world.settle()

    rows = updates(world, invoice_id)
    assert ["12.00 in Dynamics" in row["stl3_details"] for row in rows] == [True, False]
    assert ["Reference: “Mine” in Xero, empty in Dynamics" in row["stl3_details"] for row in rows] == [True, True]


def test_a_change_that_was_made_on_both_sides_needs_nothing(world: World) -> None:
    """No difference, no history; the next edit goes."""
    invoice_id = export(world)
    person(world).edit_line(document(world, invoice_id)["InvoiceID"], UnitAmount="12.00")
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.settle()
    assert UPDATE not in world.xero_calls()
    assert updates(world, invoice_id) == []

    world.edit(invoice_id, description="PO 9")
    world.settle()

    assert document(world, invoice_id)["Reference"] == "PO 9"
    assert_updated(world, invoice_id)


@pytest.mark.parametrize("paid", [False, True])
def test_an_approved_document_is_not_overwritten_even_when_asked(world: World, *, paid: bool) -> None:
    """F48: Rule C61 and rule C7: the row says what differs and what to do; No becomes Yes again, with such a row."""
    invoice_id = export(world)
    xero_id = approve_in_xero(world, invoice_id)
    if paid:
        person(world).pay(xero_id, "18.00")
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))

    world.settle()
    assert_left(world, invoice_id, "it has been paid" if paid else "it has been approved", "12.00 in Dynamics")
    world.try_again(invoice_id)
    world.settle()

    assert world.status(invoice_id) == "Yes"
    assert UPDATE not in world.xero_calls()
    assert [row["stl3_syncstatus"] for row in updates(world, invoice_id)] == [FAILED, FAILED]
    assert document(world, invoice_id)["SubTotal"] == Decimal("15.00")
    world.assert_quiet()


def test_a_customer_of_whom_xero_knows_nothing_is_not_created_only_to_compare(world: World) -> None:
    """The document is approved: nothing is written, and the row names both customers."""
    invoice_id = export(world)
    approve_in_xero(world, invoice_id)
    other_customer(world, invoice_id)

    world.settle()

    assert_left(world, invoice_id, "Customer: “Fourth Coffee” in Xero, “Adatum” in Dynamics")
    assert len(world.org.contacts) == 1


@pytest.mark.parametrize("act", ["void", "delete"])
def test_a_document_that_is_gone_is_not_updated(world: World, act: str) -> None:
    """F48: Rule C61: one row says that the change was not carried over."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    if act == "void":
        approve_in_xero(world, invoice_id)
        person(world).void_invoice(xero_id)
    else:
        person(world).delete_invoice(xero_id)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))

    world.settle()

    assert_left(world, invoice_id, f"has been {act.removesuffix('e')}ed in Xero", "not carried over")
    world.assert_quiet()


def test_a_document_without_our_link_is_not_touched(world: World) -> None:
    """What lacks our origin is never changed, whatever the details row says."""
    invoice_id = export(world)
    (found,) = world.all_documents()
    person(world).edit_invoice(found["InvoiceID"], Url="https://example.com/else")
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))

    world.settle()

    assert world.status(invoice_id) == "Failed"
    assert UPDATE not in world.xero_calls()
    assert "does not carry the link" in updates(world, invoice_id)[0]["stl3_details"]


@pytest.mark.parametrize("act", ["approve", "delete", "edit"])
@pytest.mark.parametrize("when", ["before the read", "after the read"])
def test_a_person_acts_in_xero_while_we_work(world: World, act: str, when: str) -> None:
    """Approved or deleted between read and write: Xero refuses, it is looked at again at once, and never Failed."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_invoice(xero_id, DueDate="2026-12-24")
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.try_again(invoice_id)
    acts = {
        "approve": lambda: person(world).approve_invoice(xero_id),
        "delete": lambda: person(world).delete_invoice(xero_id),
        "edit": lambda: person(world).edit_invoice(xero_id, Reference="Mine"),
    }
    world.tap.when("GET api.xero.com/api.xro/2.0/Invoices", acts[act], after=when == "after the read")
    world.mark(invoice_id)

    world.work()
    world.settle()

    found, *others = world.all_documents()
    assert world.status(invoice_id) == "Yes"
    assert found["SubTotal"] == Decimal("17.00" if act == "edit" else "15.00")
    # Rule E8: a person has asked for it, so what was deleted meanwhile is sent again, as it is now.
    assert [other["SubTotal"] for other in others] == ([Decimal("17.00")] if act == "delete" else [])
    if act == "approve":
        (row,) = updates(world, invoice_id)
        assert "it has been approved" in row["stl3_details"]
    world.assert_quiet()


def test_a_no_that_a_person_sets_while_we_compare_is_not_written_over(world: World) -> None:
    """Rule C61: the row is not the one that was read any more, so it is read again, and the person's No counts."""
    invoice_id = export(world, Line("Work", "10.00"))
    person(world).edit_invoice(document(world, invoice_id)["InvoiceID"], Reference="Theirs")
    world.edit(invoice_id, description="Ours")
    world.mark(invoice_id)
    world.tap.when("GET api.xero.com/api.xro/2.0/Invoices", lambda: world.try_again(invoice_id), after=True)

    world.work()
    world.settle()

    assert document(world, invoice_id)["Reference"] == "Ours"
    assert world.status(invoice_id) == "Yes"
    assert_updated(world, invoice_id)


def test_a_repair_that_a_person_makes_while_a_failure_is_written_counts(world: World) -> None:
    """Rule C60: whoever says No while Xero refuses the document has said it of the row as it then is."""
    world.choose(sales_account="nope")
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)

    def repaired() -> None:
        world.choose(sales_account="200")
        world.dispatch(world.settings_event())
        world.edit_details(invoice_id, stl3_exportstatus=columns.EXPORT_STATUS["No"])

    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", repaired, after=True)

    world.work()
    world.settle()

    assert world.status(invoice_id) == "Yes"
    assert document(world, invoice_id)["SubTotal"] == 10


# -- No on an exported row -----------------------------------------------------------------------------------


def test_no_on_an_exported_invoice_without_a_difference_becomes_yes_again(world: World) -> None:
    """Rule C7: one read, nothing written to Xero, and the creation's row of history stays as it was."""
    invoice_id = export(world)
    before = world.history(invoice_id)
    world.pass_time(minutes=10)
    world.try_again(invoice_id)

    world.settle()

    assert world.xero_calls(polls=False) == [READ]
    assert world.status(invoice_id) == "Yes"
    assert world.history(invoice_id) == before
    world.assert_quiet()


def test_no_waits_for_the_gates_of_an_update_and_costs_an_idle_poll_nothing(world: World) -> None:
    """An exported invoice set to No whose customer is missing."""
    invoice_id = export(world)
    world.edit(invoice_id, **{"customerid_account@odata.bind": None})
    world.try_again(invoice_id)

    world.settle()

    assert world.status(invoice_id) == "No"
    assert world.details(invoice_id)["stl3_waitingfor"] == "its change waits for: customer"
    world.assert_quiet()


# -- the connector of an exported invoice --------------------------------------------------------------------


def test_another_connector_on_an_exported_invoice_only_leaves_a_row_of_history(world: World) -> None:
    """Rule C63: the document stays with its connection, and keeps following edits through it."""
    second, _ = world.join_second()
    invoice_id = export(world)
    name = {
        row["stl3_dynamicsxeroconnectorid"]: row["stl3_name"]
        for row in world.dynamics.rows(columns.CONNECTOR.set_name)
    }
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(second)})

    world.settle()
    world.settle(connection=second)

    (row,) = updates(world, invoice_id)
    assert row["stl3_details"] == (
        f"The connector of this invoice was changed to “{name[second.id]}”. "
        f"The document stays with the connection “{name[world.connection.id]}”."
    )
    assert world.xero_calls(polls=False) == []
    world.assert_quiet()

    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.settle(connection=second)
    world.settle()
    assert document(world, invoice_id)["SubTotal"] == Decimal("17.00")
    assert len(updates(world, invoice_id)) == 2
    assert len(world.all_documents()) == 1


def test_a_connector_that_is_cleared_and_chosen_again_is_told_each_time(world: World) -> None:
    """Rule C63, together with another change: both are dealt with, each has its row."""
    invoice_id = export(world)
    world.edit(invoice_id, description="PO 9", **{"stl3_Connector@odata.bind": None})
    world.settle()
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": world.binding(world.connection)})
    world.settle()

    removed, updated, again = (row["stl3_details"] for row in updates(world, invoice_id))
    assert removed.startswith("The connector of this invoice was removed. The document stays")
    assert updated.startswith("Invoice has been updated in Xero")
    assert again.endswith("again, the connection that its document went through.")
    assert document(world, invoice_id)["Reference"] == "PO 9"
    world.assert_quiet()


@pytest.mark.parametrize("cleared", [False, True])
def test_no_is_found_by_the_poller_of_the_documents_own_connection(world: World, *, cleared: bool) -> None:
    """Rule C63: the other connection's poll leaves it alone, and is quiet."""
    second, _ = world.join_second()
    invoice_id = export(world)
    world.edit(invoice_id, **{"stl3_Connector@odata.bind": None if cleared else world.binding(second)})
    world.settle()
    world.pass_time(minutes=12)
    world.try_again(invoice_id)

    world.settle(connection=second)
    world.assert_quiet(second)
    assert world.status(invoice_id) == "No"
    world.settle()

    assert world.status(invoice_id) == "Yes"
    assert len(world.all_documents()) == 1


def test_a_difference_is_told_where_both_sides_were_changed_alike(world: World) -> None:
    """Rule C40: a currency with three decimals has amounts that Xero cannot hold, whoever wrote the document."""
    dinar = world.dynamics.add_currency("KWD", rate=Decimal("0.4"), precision=3)
    currency = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({dinar})"}
    price_list = world.sales.create("pricelevel", {"name": "In dinar", **currency})
    row = currency | {"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    invoice_id = export(world, Line("Work", "1.00", quantity="0.5"), **row)
    assert "difference" not in world.history(invoice_id)[0]["stl3_details"]
    person(world).edit_line(document(world, invoice_id)["InvoiceID"], UnitAmount="1.01")
    edit_line(world, invoice_id, priceperunit=Decimal("1.01"))

    world.mark(invoice_id)
    world.settle()

    assert UPDATE not in world.xero_calls()
    (told,) = updates(world, invoice_id)
    assert told["stl3_syncstatus"] == SUCCESSFUL
    assert told["stl3_details"].startswith(
        "The document in Xero says what the invoice says.\nNet total in Xero 0.510 KWD"
    )
    world.assert_quiet()
