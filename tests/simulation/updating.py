"""An exported invoice, what people do to it on both sides, and what has to be true afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core import columns
from tests.simulation.observing import SUCCESSFUL
from tests.world import Line, World

FAILED = columns.SYNC_STATUS["Failed"]
UPDATE, READ = "POST /api.xro/2.0/Invoices", "GET /api.xro/2.0/Invoices"
OF_XERO = (
    "Invoice status updated: ",
    "Invoice has been paid",
    "Invoice is no longer paid",
    "Invoice has been credited",
    "Invoice has been changed in Xero",
    "A payment has been removed in Xero",
    "A credit has been removed in Xero",
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
    """The rows of history after the creation's about what went to Xero, or did not."""
    return [row for row in _later_rows(world, invoice_id) if not _is_of_xero(row)]


def followed(world: World, invoice_id: str) -> list[dict[str, Any]]:
    """The rows of history about what happened to the document in Xero (rules D)."""
    return [row for row in _later_rows(world, invoice_id) if _is_of_xero(row)]


def _later_rows(world: World, invoice_id: str) -> list[dict[str, Any]]:
    return [row for row in world.history(invoice_id) if row["stl3_action"] != columns.ACTION["Create"]]


def _is_of_xero(row: dict[str, Any]) -> bool:
    return str(row["stl3_details"]).startswith(OF_XERO)


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


def other_customer(world: World, invoice_id: str) -> None:
    world.customers["Adatum"] = world.add_customer("Adatum")
    world.edit(invoice_id, **{"customerid_account@odata.bind": f"/accounts({world.customers['Adatum']})"})


def approve_in_xero(world: World, invoice_id: str) -> str:
    """Somebody gives the draft a due date, which approval needs, and approves it; return its id in Xero."""
    xero_id = document(world, invoice_id)["InvoiceID"]
    person(world).edit_invoice(xero_id, DueDate="2026-12-24")
    person(world).approve_invoice(xero_id)
    return str(xero_id)
