"""An exported invoice that changes in Dynamics is changed in Xero, or its history says why not (rules C61, C63)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from core import columns
from simulators.wire import Fault, FaultKind
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.taps import Crash
from tests.world import Line, World

FAILED = columns.SYNC_STATUS["Failed"]
UPDATE, READ = "POST /api.xro/2.0/Invoices", "GET /api.xro/2.0/Invoices"
FAULTS: tuple[tuple[FaultKind, int], ...] = (
    ("drop-before", 0),
    ("drop-after", 0),
    ("status-before", 503),
    ("status-after", 500),
)


def export(world: World, *lines: Line, **row: Any) -> str:
    """Return an invoice that is in Xero, its echoes settled."""
    invoice_id = world.save_invoice(*(lines or (Line("Work", "10.00"), Line("Travel", "5.00"))), **row)
    made = [line.text for line in lines] if lines else ["Work", "Travel"]
    for line in world.lines(invoice_id):
        number = made.index(line["productdescription"] or line["description"]) + 1
        world.sales.update("invoicedetail", line["invoicedetailid"], {"lineitemnumber": number})
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    world.xero.wire.forget_calls()
    return invoice_id


def document(world: World, invoice_id: str) -> dict[str, Any]:
    (found,) = world.documents_of(invoice_id)
    return found


def person(world: World) -> Any:
    return world.xero.user(world.org)


def in_order(world: World, invoice_id: str) -> list[dict[str, Any]]:
    return sorted(world.lines(invoice_id), key=lambda line: line["lineitemnumber"] or 99)


def edit_line(world: World, invoice_id: str, place: int = 0, **row: Any) -> None:
    line = in_order(world, invoice_id)[place]
    world.sales.update("invoicedetail", line["invoicedetailid"], row)


def add_line(world: World, invoice_id: str, text: str, price: str) -> None:
    row = {"isproductoverridden": True, "productdescription": text, "quantity": 1, "priceperunit": Decimal(price)}
    world.sales.create("invoicedetail", row | {"invoiceid@odata.bind": f"/invoices({invoice_id})"})


def remove_line(world: World, invoice_id: str, place: int = 0) -> None:
    line = in_order(world, invoice_id)[place]
    world.sales.delete("invoicedetail", line["invoicedetailid"])


def texts(world: World, invoice_id: str) -> list[str]:
    return [line["Description"] for line in document(world, invoice_id)["LineItems"]]


def updates(world: World, invoice_id: str) -> list[dict[str, Any]]:
    """The rows of history after the creation's."""
    return [row for row in world.history(invoice_id) if row["stl3_action"] != columns.ACTION["Create"]]


def assert_updated(world: World, invoice_id: str, *, times: int = 1) -> None:
    """Xero has what Dynamics has, the history says so, nothing is left to do."""
    found, invoice, details = document(world, invoice_id), world.invoice(invoice_id), world.details(invoice_id)
    assert world.status(invoice_id) == "Yes"
    assert found["SubTotal"] == invoice["totalamount"] - invoice["totaltax"]
    assert found["TotalTax"] == invoice["totaltax"]
    assert found["AmountDue"] == invoice["stl3_amountdue"] == details["stl3_amountdue"]
    assert details["stl3_fingerprint"] is not None
    assert details["stl3_waitingfor"] is None
    rows = updates(world, invoice_id)
    assert [(row["stl3_details"], row["stl3_syncstatus"]) for row in rows] == [
        (f"Invoice has been updated in Xero - {found['InvoiceID']}", SUCCESSFUL)
    ] * times
    assert len([row for row in world.history(invoice_id) if row not in rows]) == 1


def assert_left(world: World, invoice_id: str, *words: str) -> str:
    """Nothing was overwritten; one row of history says why and what differs. Return it."""
    assert UPDATE not in world.xero_calls()
    assert world.status(invoice_id) == "Yes"
    (row,) = updates(world, invoice_id)
    assert row["stl3_syncstatus"] == FAILED
    for each in words:
        assert each in row["stl3_details"]
    return str(row["stl3_details"])


# -- what is carried over ------------------------------------------------------------------------------------


def test_an_edit_takes_one_read_and_one_write(world: World) -> None:
    """Rule C61: a draft that nobody else has changed follows Dynamics; tax, amount due and details follow it."""
    invoice_id = export(world)
    before = document(world, invoice_id)
    world.pass_time(minutes=5)
    edit_line(world, invoice_id, priceperunit=Decimal("12.50"))
    world.mark(invoice_id)

    world.work()

    assert world.xero_calls() == [READ, UPDATE]
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

    assert world.xero_calls() == []
    assert updates(world, invoice_id) == []


def other_customer(world: World, invoice_id: str) -> None:
    world.customers["Adatum"] = world.add_customer("Adatum")
    world.edit(invoice_id, **{"customerid_account@odata.bind": f"/accounts({world.customers['Adatum']})"})


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

    assert world.xero_calls() == [READ, UPDATE]
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
    assert world.xero_calls() == []
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


# -- what somebody has done in Xero --------------------------------------------------------------------------


def test_what_somebody_has_changed_in_xero_is_not_overwritten(world: World) -> None:
    """Rule C61: one row lists what differs; said once; No sends the version of Dynamics."""
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
    """Rule C61 and rule C7: the row says what differs and what to do; No becomes Yes again, with such a row."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_invoice(xero_id, DueDate="2026-12-24")
    person(world).approve_invoice(xero_id)
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
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_invoice(xero_id, DueDate="2026-12-24")
    person(world).approve_invoice(xero_id)
    other_customer(world, invoice_id)

    world.settle()

    assert_left(world, invoice_id, "Customer: “Fourth Coffee” in Xero, “Adatum” in Dynamics")
    assert len(world.org.contacts) == 1


@pytest.mark.parametrize("act", ["void", "delete"])
def test_a_document_that_is_gone_is_not_updated(world: World, act: str) -> None:
    """Rule C61: one row says that the change was not carried over."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    if act == "void":
        person(world).edit_invoice(xero_id, DueDate="2026-12-24")
        person(world).approve_invoice(xero_id)
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

    (found,) = world.all_documents()
    if act == "edit":
        assert (world.status(invoice_id), found["SubTotal"]) == ("Yes", Decimal("17.00"))
    else:
        assert found["SubTotal"] == Decimal("15.00")
        assert world.status(invoice_id) == ("Yes" if act == "approve" else "Failed")
    if act == "approve":
        (row,) = updates(world, invoice_id)
        assert "it has been approved" in row["stl3_details"]
    world.assert_quiet()


# -- No on an exported row -----------------------------------------------------------------------------------


def test_no_on_an_exported_invoice_without_a_difference_becomes_yes_again(world: World) -> None:
    """Rule C7: one read, nothing written to Xero, and the creation's row of history stays as it was."""
    invoice_id = export(world)
    before = world.history(invoice_id)
    world.pass_time(minutes=10)
    world.try_again(invoice_id)

    world.settle()

    assert world.xero_calls() == [READ]
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
    assert world.xero_calls() == []
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


# -- lost answers, crashes, repetitions ----------------------------------------------------------------------


def prepare_two(fresh_world: Callable[[], World]) -> tuple[World, list[str]]:
    world = fresh_world()
    invoice_ids = world.save_invoices(2)
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    for invoice_id in invoice_ids:
        edit_line(world, invoice_id, quantity=Decimal(3))
        add_line(world, invoice_id, "More", "4.00")
    world.xero.wire.forget_calls()
    world.mark(*invoice_ids)
    return world, invoice_ids


@pytest.mark.parametrize(("kind", "status"), FAULTS)
@pytest.mark.parametrize("side", ["xero", "dynamics"])
def test_a_fault_at_any_call_of_an_update_leaves_it_done_and_told_once(
    fresh_world: Callable[[], World], kind: FaultKind, status: int, side: str
) -> None:
    """Whatever call fails, before or after its effect."""
    for number in count():
        world, invoice_ids = prepare_two(fresh_world)
        wire = getattr(world, side).wire
        wire.inject(Fault(match=".", kind=kind, skip=number, status=status))

        world.work()
        if wire.faults:
            assert number >= 2
            break
        world.settle()

        for invoice_id in invoice_ids:
            assert_updated(world, invoice_id)
        assert len(world.all_documents()) == 2
        world.assert_quiet()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("wiped", [False, True])
def test_a_crash_at_any_call_of_an_update_leaves_it_done_and_told_once(
    fresh_world: Callable[[], World], *, after: bool, wiped: bool
) -> None:
    """The process dies around any call to Xero, Dynamics or Redis; `wiped`: Redis has lost everything as well."""
    for number in count(1):
        world, invoice_ids = prepare_two(fresh_world)
        world.tap.crash_at(number, after=after, only="xero|contoso" if wiped else "")

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > (4 if wiped else 10)
            break
        if wiped:
            world.redis.flushall()
        world.settle()

        for invoice_id in invoice_ids:
            assert_updated(world, invoice_id)
        world.assert_quiet()


def test_an_edit_while_the_update_is_under_way_is_carried_over_as_well(world: World) -> None:
    """During the POST: the fingerprint is that of what was sent, so that the next round sees the difference."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.tap.when("POST api.xero.com", lambda: edit_line(world, invoice_id, priceperunit=Decimal("13.00")))
    world.work()

    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("18.00")
    assert len(updates(world, invoice_id)) == 2
    world.assert_quiet()


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_an_edit_after_a_lost_answer_is_carried_over(world: World, kind: FaultKind) -> None:
    """Whether the first update arrived shows in the document: nobody else has changed it either way."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.xero.wire.inject(Fault(match=UPDATE, kind=kind))
    world.work()
    edit_line(world, invoice_id, priceperunit=Decimal("13.00"))

    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("18.00")
    assert_updated(world, invoice_id)
    world.assert_quiet()


def test_somebody_changes_the_document_after_a_lost_answer(world: World) -> None:
    """The update arrived, unheard, and then a person changed it: nothing is overwritten."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.lose_reply(UPDATE)
    world.work()
    person(world).edit_line(document(world, invoice_id)["InvoiceID"], UnitAmount="99.00")
    world.xero.wire.forget_calls()

    world.settle()

    assert_left(world, invoice_id, "somebody has changed it there", "99.00 in Xero, 12.00 in Dynamics")
    world.assert_quiet()


def test_two_edits_in_a_row_and_duplicated_events_are_one_update(world: World) -> None:
    """What is read is what counts; a repeated hint finds nothing to do."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    edit_line(world, invoice_id, priceperunit=Decimal("13.00"))
    world.mark(invoice_id, invoice_id)
    world.work()
    world.mark(invoice_id)
    world.work()

    assert_updated(world, invoice_id)
    assert world.xero_calls() == [READ, UPDATE]


def test_there_and_back_are_two_updates(world: World) -> None:
    """A → B → A: both are told, and the document ends as it began."""
    invoice_id = export(world)
    for price in ("12.00", "10.00"):
        edit_line(world, invoice_id, priceperunit=Decimal(price))
        world.mark(invoice_id)
        world.work()

    assert_updated(world, invoice_id, times=2)
    assert document(world, invoice_id)["SubTotal"] == Decimal("15.00")


def test_an_update_that_makes_xero_answer_500_each_time_holds_up_no_other(world: World) -> None:
    """After its tries it is put aside, Failed with a reference; the others were updated long before."""
    poison = export(world, Line("Unspeakable", "9.00"))
    invoice_ids = [export(world) for _ in range(3)]
    original = world.xero.wire._answer

    def answer(environ: dict[str, Any], content: bytes, fault: Fault | None) -> Any:
        if environ["REQUEST_METHOD"] == "POST" and b"Unspeakable" in content:
            fault = Fault(match=".", kind="status-before", status=500)
        return original(environ, content, fault)

    world.xero.wire._answer = answer
    for invoice_id in (poison, *invoice_ids):
        edit_line(world, invoice_id, quantity=Decimal(2))
    world.mark(poison, *invoice_ids)

    world.run_for(minutes=5)
    for invoice_id in invoice_ids:
        assert_updated(world, invoice_id)
    for _ in range(40):  # business goes on
        world.save_invoices(1)
        world.run_for(minutes=1)

    assert world.status(poison) == "Failed"
    (letter,) = world.app.dead.list_all()
    assert letter.entity.id == poison


def test_a_refused_repetition_of_the_whole_call_goes_singly(world: World) -> None:
    """A 400 without elements changed nothing: the culprit stands alone, with its words."""
    invoice_ids = [export(world) for _ in range(3)]
    poison = export(world, Line("Unspeakable", "9.00"))
    original = world.xero.wire._answer

    def answer(environ: dict[str, Any], content: bytes, fault: Fault | None) -> Any:
        if environ["REQUEST_METHOD"] == "POST" and b"Unspeakable" in content:
            fault = Fault(match=".", kind="status-before", status=400, body='{"Message": "A value cannot be read."}')
        return original(environ, content, fault)

    world.xero.wire._answer = answer
    for invoice_id in (poison, *invoice_ids):
        edit_line(world, invoice_id, quantity=Decimal(2))
    world.mark(poison, *invoice_ids)

    world.work()
    world.settle()

    for invoice_id in invoice_ids:
        assert_updated(world, invoice_id)
    assert world.status(poison) == "Failed"
    assert updates(world, poison)[0]["stl3_details"].startswith("Xero says: A value cannot be read.")
    world.assert_quiet()


def test_a_line_deleted_during_the_write_back_leaves_the_update_recorded(world: World) -> None:
    """Dynamics refuses the tax of a line that is gone: details and history are written all the same."""
    invoice_id = export(world)
    edit_line(world, invoice_id, priceperunit=Decimal("12.00"))
    world.mark(invoice_id)
    world.tap.when("POST api.xero.com", lambda: remove_line(world, invoice_id))

    world.work()
    world.settle()

    assert document(world, invoice_id)["SubTotal"] == Decimal("5.00")
    assert len(updates(world, invoice_id)) == 2
    world.assert_quiet()


def test_a_changed_customer_does_not_lend_its_contact(world: World) -> None:
    """The document is approved, so it keeps its contact; the new customer's next invoice gets its own (rule C20)."""
    invoice_id = export(world)
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_invoice(xero_id, DueDate="2026-12-24")
    person(world).approve_invoice(xero_id)
    other_customer(world, invoice_id)
    world.settle()

    second = export(world, customer="Adatum")

    assert document(world, second)["Contact"]["Name"] == "Adatum"
    assert document(world, invoice_id)["Contact"]["Name"] == "Fourth Coffee"
