"""An invoice saved in Dynamics stands in Xero: the plain case, end to end in one process."""

from __future__ import annotations

from decimal import Decimal

from core import columns
from tests.world import Line, World


def test_a_saved_invoice_stands_in_xero_and_everything_is_written_back(world: World) -> None:
    """One document, the same totals, Xero details, one history row, tax and amount due (rules C50 to C53)."""
    invoice_id = world.save_invoice(
        Line("Black", "120.00", quantity="2", product="CHAIR-01"), Line("Delivery to the third floor", "35.50")
    )
    world.mark(invoice_id)

    world.work()

    (document,) = world.documents()
    assert (document["SubTotal"], document["TotalTax"], document["Total"]) == (
        Decimal("275.50"),
        Decimal("55.10"),
        Decimal("330.60"),
    )
    assert document["Status"] == "DRAFT"
    details = world.details(invoice_id)
    assert world.status(invoice_id) == "Yes"
    assert details["stl3_xeroinvoiceid"] == document["InvoiceID"]
    assert details["stl3_xeronumber"] == document["InvoiceNumber"]
    assert details["stl3_attemptstarted"] is None
    (row,) = world.history(invoice_id)
    assert row["stl3_details"] == f"Invoice has been created in Xero - {document['InvoiceID']}"
    assert row["stl3_name"] == "Sync - 2026-11-24 09:30:00"
    assert columns.SYNC_STATUS.label(row["stl3_syncstatus"]) == "Successful"
    invoice = world.invoice(invoice_id)
    assert invoice["totaltax"] == Decimal("55.10")
    assert invoice["totalamount"] == Decimal("330.60")
    assert invoice["stl3_amountdue"] == Decimal("330.60")
