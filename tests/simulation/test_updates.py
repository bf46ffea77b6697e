"""What changes in Dynamics after the export is carried over to the draft in Xero (rules C52, C61)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from core import columns
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.updating import (
    FAILED,
    READ,
    UPDATE,
    add_line,
    assert_updated,
    document,
    edit_line,
    export,
    other_customer,
    person,
    remove_line,
    updates,
)
from tests.world import Line, World


def test_an_edit_takes_one_read_and_one_write(world: World) -> None:
    """Rule C61: a draft that nobody else has changed follows Dynamics; tax, amount due and details follow it."""
    invoice_id = export(world)
    before = document(world, invoice_id)
    world.pass_time(minutes=5)
    edit_line(world, invoice_id, priceperunit=Decimal("12.50"))
    world.mark(invoice_id)

    world.work()

    assert world.xero_calls(polls=False) == [READ, UPDATE]
    assert_updated(world, invoice_id)
    found = document(world, invoice_id)
    assert (found["SubTotal"], found["TotalTax"], found["Total"]) == (
        Decimal("17.50"),
        Decimal("3.50"),
        Decimal("21.00"),
    )
    assert found["InvoiceNumber"] == before["InvoiceNumber"]
    assert found["LineItems"][1]["LineItemID"] == before["LineItems"][1]["LineItemID"]
    details = world.details(invoice_id)
    assert details["stl3_taxinxero"] == Decimal("3.50")
    assert details["stl3_exportdate"].startswith(f"{world.clock.now():%Y-%m-%dT%H:%M}")
    world.assert_quiet()


def test_our_own_write_back_and_a_touch_without_change_cost_no_call_to_xero(world: World) -> None:
    """Rule C52: tax and amount due are outside the fingerprint, so their echo is nothing to do."""
    invoice_id = export(world)
    world.edit(invoice_id, name="Renamed")
    world.mark(invoice_id)

    world.work()

    assert world.xero_calls(polls=False) == []
    assert updates(world, invoice_id) == []


def reorder(world: World, invoice_id: str) -> None:
    edit_line(world, invoice_id, lineitemnumber=9)


CHANGES: dict[str, tuple[Callable[[World, str], None], Callable[[dict[str, Any]], Any], Any]] = {
    "date": (
        lambda world, key: world.edit(key, datedelivered="2026-12-24T00:00:00Z"),
        lambda found: found["Date"].isoformat(),
        "2026-12-24",
    ),
    "due date": (
        lambda world, key: world.edit(key, duedate="2026-12-31"),
        lambda found: found["DueDate"].isoformat(),
        "2026-12-31",
    ),
    "reference": (
        lambda world, key: world.edit(key, description="PO 8"),
        lambda found: found["Reference"],
        "PO 8",
    ),
    "line added": (
        lambda world, key: add_line(world, key, "Hotel", "80.00"),
        lambda found: [line["Description"] for line in found["LineItems"]],
        ["Work", "Travel", "Hotel"],
    ),
    "line removed": (
        remove_line,
        lambda found: [line["Description"] for line in found["LineItems"]],
        ["Travel"],
    ),
    "lines reordered": (
        reorder,
        lambda found: [line["Description"] for line in found["LineItems"]],
        ["Travel", "Work"],
    ),
    "discount given": (
        lambda world, key: edit_line(world, key, manualdiscountamount=Decimal("1.00")),
        lambda found: found["SubTotal"],
        Decimal("14.00"),
    ),
    "freight": (
        lambda world, key: world.edit(key, freightamount=Decimal("7.00")),
        lambda found: found["SubTotal"],
        Decimal("22.00"),
    ),
    "inclusive": (
        lambda world, key: world.edit(key, stl3_lineamounttypes=columns.LINE_AMOUNT_TYPES["Inclusive"]),
        lambda found: found["LineAmountTypes"],
        "Inclusive",
    ),
    "customer": (other_customer, lambda found: found["Contact"]["Name"], "Adatum"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("status", ["Draft", "Submitted"])
def test_whatever_changes_is_carried_over_once(world: World, name: str, status: str) -> None:
    """Header, lines, customer: the document is what a creation would make now, and it keeps its status."""
    world.choose(status=status.upper())
    world.app.connect(world.connection, world.app.lanes.now).memory.forget_preferences()
    invoice_id = export(world)
    change, look, wanted = CHANGES[name]
    change(world, invoice_id)

    world.settle()

    found = document(world, invoice_id)
    assert look(found) == wanted
    assert found["Status"] == status.upper()
    assert len(world.all_documents()) == 1
    assert [row["stl3_syncstatus"] for row in updates(world, invoice_id)] == [SUCCESSFUL]
    assert world.xero_calls().count(UPDATE) == 1
    world.assert_quiet()


def test_what_is_taken_away_in_dynamics_is_taken_away_in_xero(world: World) -> None:
    """A discount, an item code, a reference: what a request leaves out would stay."""
    invoice_id = export(world, Line("Black", "100.00", product="CHAIR-01", discount="20.00"), description="PO 7")
    assert document(world, invoice_id)["Reference"] == "PO 7"
    edit_line(world, invoice_id, manualdiscountamount=Decimal(0))
    world.edit(invoice_id, description=None)
    add_line(world, invoice_id, "Instead", "30.00")

    world.settle()
    remove_line(world, invoice_id)
    world.settle()

    found = document(world, invoice_id)
    assert found["Reference"] == ""
    assert [line.get("ItemCode") for line in found["LineItems"]] == [None]
    assert_updated(world, invoice_id, times=2)


def test_the_account_of_a_line_that_is_cleared_is_that_of_its_item_again(world: World) -> None:
    """Nothing is said of it then (rule C34), and what is not said would stay on the line."""
    person(world).add_account(Code="410", Name="Special sales", Type="SALES", TaxType="OUTPUT2")
    row = {"stl3_name": "410", "stl3_code": "410", "stl3_key": f"{world.connection.id}|410"}
    chosen = world.sales.create(columns.ACCOUNT_CODE.set_name, row)
    invoice_id = export(world, Line("Black", "100.00", product="CHAIR-01"))
    edit_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({chosen})"})
    world.settle()
    assert document(world, invoice_id)["LineItems"][0]["AccountCode"] == "410"

    edit_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": None})
    world.settle()

    assert document(world, invoice_id)["LineItems"][0]["AccountCode"] == "200"
    assert_updated(world, invoice_id, times=2)


def test_a_batch_with_one_that_xero_refuses(world: World) -> None:
    """Rule C60: 49 are updated by one call; the other one is Failed with Xero's words, until a person says No."""
    invoice_ids = world.save_invoices(50)
    world.settle()
    world.xero.wire.forget_calls()
    world.pass_time(minutes=12)
    person(world).archive_account("260")
    chosen = world.sales.create(
        columns.ACCOUNT_CODE.set_name,
        {"stl3_name": "260", "stl3_code": "260", "stl3_key": f"{world.connection.id}|260"},
    )
    for invoice_id in invoice_ids:
        edit_line(world, invoice_id, quantity=Decimal(3))
    culprit = invoice_ids[17]
    account = f"/{columns.ACCOUNT_CODE.set_name}({chosen})"
    edit_line(world, culprit, **{"stl3_AccountCode@odata.bind": account})
    world.mark(*invoice_ids)

    world.work()
    world.settle()

    assert world.status(culprit) == "Failed"
    (row,) = updates(world, culprit)
    assert (row["stl3_action"], row["stl3_syncstatus"]) == (columns.ACTION["Update"], FAILED)
    assert "260" in row["stl3_details"]
    assert "set Export status to No" in row["stl3_details"]
    for invoice_id in invoice_ids:
        if invoice_id != culprit:
            assert_updated(world, invoice_id)
    world.assert_quiet()

    edit_line(world, culprit, **{"stl3_AccountCode@odata.bind": None})
    world.settle()
    assert world.status(culprit) == "Failed"
    world.try_again(culprit)
    world.settle()
    assert document(world, culprit)["SubTotal"] == Decimal("54.00")
    assert world.status(culprit) == "Yes"
    world.assert_quiet()


def test_an_event_of_a_later_edit_does_not_send_what_failed(world: World) -> None:
    """Rule C60 for updates: only a person's No does, however often the invoice is marked."""
    invoice_id = export(world)
    world.edit(invoice_id, stl3_invoicetype=columns.INVOICE_TYPE["Purchase Invoice"])
    world.settle()
    world.edit(invoice_id, stl3_invoicetype=None, description="PO 9")
    world.xero.wire.forget_calls()
    world.mark(invoice_id)

    world.work()
    assert world.xero_calls(polls=False) == []
    assert world.status(invoice_id) == "Failed"

    world.try_again(invoice_id)
    world.settle()
    assert document(world, invoice_id)["Reference"] == "PO 9"
    assert world.status(invoice_id) == "Yes"


def test_fifty_updates_are_one_read_and_one_write(world: World) -> None:
    """A backlog costs two calls."""
    invoice_ids = world.save_invoices(50)
    world.settle()
    world.pass_time(minutes=12)
    for invoice_id in invoice_ids:
        edit_line(world, invoice_id, quantity=Decimal(2))
    world.xero.wire.forget_calls()
    world.mark(*invoice_ids)

    world.work()

    assert world.xero_calls(polls=False) == [READ, UPDATE]
    for invoice_id in invoice_ids:
        assert_updated(world, invoice_id)


def test_another_kind_of_document_cannot_be_made_of_it(world: World) -> None:
    """A sales invoice that becomes a purchase invoice is Failed with words; Xero is not asked."""
    invoice_id = export(world)
    world.edit(invoice_id, stl3_invoicetype=columns.INVOICE_TYPE["Purchase Invoice"])

    world.settle()

    assert world.status(invoice_id) == "Failed"
    (row,) = updates(world, invoice_id)
    assert "Xero cannot make a bill of it" in row["stl3_details"]
    assert UPDATE not in world.xero_calls()
    world.assert_quiet()

    world.edit(invoice_id, stl3_invoicetype=None)
    world.try_again(invoice_id)
    world.settle()
    assert world.status(invoice_id) == "Yes"
    assert len(updates(world, invoice_id)) == 1


@pytest.mark.parametrize(
    ("close", "words"),
    [
        ({"pricelevelid@odata.bind": None}, "price list"),
        ({"customerid_account@odata.bind": None}, "customer"),
        ({"datedelivered": None}, "Date Delivered"),
    ],
)
def test_a_change_waits_for_its_gates(world: World, close: dict[str, Any], words: str) -> None:
    """Rule C4 and its like hold for updates too: the details say for what the change waits, without history."""
    invoice_id = export(world)
    before = {name: world.invoice(invoice_id)[name] for name in ("_pricelevelid_value", "datedelivered")}
    world.edit(invoice_id, description="PO 9", **close)

    world.settle()

    assert world.details(invoice_id)["stl3_waitingfor"] == f"its change waits for: {words}"
    assert world.status(invoice_id) == "Yes"
    assert world.xero_calls(polls=False) == []
    assert updates(world, invoice_id) == []
    world.assert_quiet()

    world.edit(
        invoice_id,
        **{
            "pricelevelid@odata.bind": f"/pricelevels({before['_pricelevelid_value']})",
            "customerid_account@odata.bind": f"/accounts({world.customers['Fourth Coffee']})",
            "datedelivered": before["datedelivered"],
        },
    )
    world.settle()
    assert document(world, invoice_id)["Reference"] == "PO 9"
    assert_updated(world, invoice_id)
