"""What Xero calculated stands in Dynamics: tax on the lines, differences in words, never a silent cent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.invoice import ACTIVE, PAID
from tests.world import Line, World

LINES = [
    [Line("One", "0.10"), Line("Two", "0.10"), Line("Three", "0.10")],
    [Line("Odd", "33.33", quantity="3"), Line("Note", "0", quantity="0"), Line("Cent", "0.01")],
    [Line("Discounted", "99.99", quantity="7", discount="12.34", product="CHAIR-01"), Line("Rest", "0.49")],
    [Line(f"Part {n}", "0.07") for n in range(40)],
]


@pytest.mark.parametrize("lines", LINES)
def test_the_tax_of_the_lines_adds_up_to_xeros_total(world: World, lines: list[Line]) -> None:
    """C52, C53: the sum is TotalTax to the cent; amount due and tax in Xero follow; the totals agree (I3)."""
    invoice_id = world.save_invoice(*lines)
    world.mark(invoice_id)

    world.work()

    world.assert_exported_once(invoice_id)
    (document,) = world.documents_of(invoice_id)
    invoice = world.invoice(invoice_id)
    assert sum(line["tax"] or 0 for line in world.lines(invoice_id)) == document["TotalTax"]
    assert invoice["totaltax"] == document["TotalTax"]
    assert invoice["totalamount"] == document["Total"]
    assert invoice["stl3_amountdue"] == document["AmountDue"]
    assert world.details(invoice_id)["stl3_taxinxero"] == document["TotalTax"]
    (row,) = world.history(invoice_id)
    assert "difference" not in row["stl3_details"]


@pytest.mark.parametrize("price", ["0.123456", "0.00049", "1.23456789"])
def test_a_price_with_more_places_than_xero_keeps_never_differs_silently(world: World, price: str) -> None:
    """F52: C39, C40: either the nets agree to the cent, or the history says by how much and on which line."""
    invoice_id = world.save_invoice(Line("Screws", price, quantity="1000"))
    world.mark(invoice_id)

    world.settle()

    (document,) = world.documents_of(invoice_id)
    invoice = world.invoice(invoice_id)
    net = invoice["totalamount"] - invoice["totaltax"]
    (row,) = world.history(invoice_id)
    said = f"difference {document['SubTotal'] - net:.2f}" in row["stl3_details"]
    assert document["SubTotal"] == net or (said and "line 1" in row["stl3_details"])


def test_an_edit_between_reading_and_writing_back_is_carried_over(world: World) -> None:
    """A person changes the price while Xero makes the document: what was agreed is what was sent."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)

    def price_rises() -> None:
        (line,) = world.lines(invoice_id)
        world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": Decimal("11.00")})

    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", price_rises, after=True)

    world.work()
    assert world.documents_of(invoice_id)[0]["SubTotal"] == Decimal("10.00")
    world.settle()

    world.assert_exported_once(invoice_id)
    assert world.documents_of(invoice_id)[0]["SubTotal"] == Decimal("11.00")
    assert len(world.history(invoice_id)) == 2
    world.assert_quiet()


@pytest.mark.parametrize("closes", ["cancelled", "line deleted", "invoice deleted"])
def test_an_invoice_that_closes_while_xero_makes_its_document_is_recorded_all_the_same(
    world: World, closes: str
) -> None:
    """The invoice itself refuses to be written; the details row and the history say what stands in Xero.

    What the end of the invoice means for the document comes after that (rule E1).
    """
    invoice_ids = world.save_invoices(3)
    invoice_id = invoice_ids[1]

    def happens() -> None:
        if closes == "cancelled":
            world.edit(invoice_id, statecode=3, statuscode=100003)
        elif closes == "line deleted":
            world.sales.delete("invoicedetail", world.lines(invoice_id)[0]["invoicedetailid"])
        else:
            world.sales.delete("invoice", invoice_id)

    world.mark(*invoice_ids)
    world.tap.when("PUT api.xero.com/api.xro/2.0/Invoices", happens, after=True)

    world.work()
    world.settle()

    documents = {one["InvoiceID"]: one["Status"] for one in world.all_documents()}
    details = world.details(invoice_id)
    xero_id = details["stl3_xeroinvoiceid"]
    left = (
        f"The invoice was cancelled in Dynamics. {details['stl3_xeronumber']} in Xero is left as it is, "
        "as the settings say (Create credit note automatically: No)."
    )
    status, ends = {
        "cancelled": ("DRAFT", [left]),
        "line deleted": ("DRAFT", []),
        "invoice deleted": ("DELETED", [f"Invoice has been deleted in Xero - {xero_id}"]),
    }[closes]
    assert (len(documents), documents[xero_id], details["stl3_xerostatus"]) == (3, status, status)
    assert world.status(invoice_id) == "Yes"
    told = [row["stl3_details"].split("\n")[0] for row in world.rows_of_ours()["stl3_synchistories"]]
    assert sorted(text for text in told if not text.startswith("Invoice has been created in Xero")) == ends
    assert len(told) == 3 + len(ends)
    world.assert_quiet()


def test_the_lookups_of_details_and_history_name_the_right_records(world: World) -> None:
    """Connector, invoice and Xero details, the text columns and the link (C50, C51)."""
    invoice_id = world.save_invoice(Line("Work", "10.00"))
    world.mark(invoice_id)
    world.work()

    details, (row,) = world.details(invoice_id), world.history(invoice_id)
    invoice = world.invoice(invoice_id)
    assert details["_stl3_connector_value"] == world.connection.id == details["stl3_connectionid"]
    assert details["_stl3_invoice_value"] == invoice_id
    assert (details["stl3_name"], details["stl3_dynamicsnumber"]) == (invoice["name"], invoice["invoicenumber"])
    assert row["_stl3_connector_value"] == world.connection.id
    assert row["_stl3_xerodetails_value"] == details["stl3_xerodetailsid"]
    assert details["stl3_xerourl"].startswith("https://go.xero.com/organisationlogin/default.aspx?shortcode=")


def test_an_invoice_with_more_lines_than_a_change_takes_says_that_its_tax_was_not_written(world: World) -> None:
    """Rule C52: Xero has the document and the details its tax; nobody takes the lines' old tax for Xero's."""
    invoice_id = world.save_invoice(*[Line(f"Part {number}", "0.01") for number in range(998)])
    world.mark(invoice_id)

    world.work()

    world.assert_exported_once(invoice_id)
    (row,) = world.history(invoice_id)
    assert "tax was not written to its lines" in row["stl3_details"]
    assert world.details(invoice_id)["stl3_taxinxero"] == world.documents_of(invoice_id)[0]["TotalTax"]
    assert {line["tax"] for line in world.lines(invoice_id)} <= {None, 0}


def test_what_is_due_on_an_invoice_of_very_many_lines_follows_all_the_same(world: World) -> None:
    """Rules C53, D2, D3 and D4: only the lines' tax is too much for one change."""
    world.choose(status="Authorised")
    lines = [Line(f"Part {number}", "0.01") for number in range(998)]
    invoice_id = world.save_invoice(*lines, duedate="2026-12-24")
    world.settle()
    (document,) = world.documents_of(invoice_id)
    xero_id, total = document["InvoiceID"], document["Total"]
    person = world.xero.user(world.org)
    states = [(world.invoice(invoice_id)["statecode"], world.invoice(invoice_id)["stl3_amountdue"])]

    for amount in ("1.00", None):
        world.pass_time(minutes=1)
        person.pay(xero_id, amount)
        world.settle()
        states.append((world.invoice(invoice_id)["statecode"], world.invoice(invoice_id)["stl3_amountdue"]))
    world.pass_time(minutes=1)
    person.remove_payment(world.org.payments_on(xero_id)[0]["PaymentID"])
    world.settle()
    states.append((world.invoice(invoice_id)["statecode"], world.invoice(invoice_id)["stl3_amountdue"]))

    assert states == [(ACTIVE, total), (ACTIVE, total - 1), (PAID, 0), (ACTIVE, Decimal("1.00"))]
    world.assert_quiet()
