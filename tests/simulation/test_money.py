"""Hundreds of invoices of every kind, through both systems: what each of them holds in the end, to the cent."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from core import columns
from tests.simulation.test_refusals import account_row, on_line
from tests.simulation.trading import PLACES, Trade
from tests.world import Line, World

BATCH = 50


def net_in_xero(document: dict[str, Any]) -> Decimal:
    """Return what has to equal Dynamics' net: the total where prices contain tax."""
    return Decimal(document["Total" if document["LineAmountTypes"] == "Inclusive" else "SubTotal"])


def in_currency(amount: Decimal, code: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-PLACES[code]), ROUND_HALF_UP)


def check(world: World, invoice_id: str) -> Decimal:
    """Check what both systems hold of an invoice; return by how much their nets differ."""
    world.assert_exported_once(invoice_id)
    (document,) = world.documents_of(invoice_id)
    invoice, lines = world.invoice(invoice_id), world.lines(invoice_id)
    code = document["CurrencyCode"]
    off = net_in_xero(document) - (invoice["totalamount"] - invoice["totaltax"])
    row, *more = world.history(invoice_id)
    assert [each["stl3_details"] for each in more] == (
        [f"Invoice has been paid in Xero: {document['InvoiceNumber']}."] if document["Status"] == "PAID" else []
    )  # Xero shows an approved document of nothing as paid
    assert ("difference" in row["stl3_details"]) == (off != 0)
    assert not off or f": difference {off.normalize():f}" in row["stl3_details"]
    inclusive = document["LineAmountTypes"] == "Inclusive"
    tax = Decimal(0) if inclusive else in_currency(document["TotalTax"], code)
    assert sum(line["tax"] or 0 for line in lines) == tax == invoice["totaltax"]
    assert invoice["stl3_amountdue"] == document["AmountDue"]
    assert world.details(invoice_id)["stl3_taxinxero"] == document["TotalTax"]
    return off


def check_refusal(world: World, invoice_id: str) -> None:
    """Xero approves nothing below zero; everything else that was generated it has to take."""
    (row,) = world.history(invoice_id)
    assert "cannot be negative when it is approved" in row["stl3_details"]
    assert world.invoice(invoice_id)["totalamount"] < 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "settings",
    [
        {"status": "DRAFT"},
        {"status": "DRAFT", "sales_account": "260", "purchase_account": "429"},
        {"status": "SUBMITTED", "use_xero_number": False},
        {"status": "AUTHORISED"},
        {"status": "AUTHORISED", "create_products": False},
    ],
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def test_invoices_of_every_kind_are_the_same_in_both_systems(
    world: World, seed: int, settings: dict[str, Any]
) -> None:
    """F52: Invariant I3, rules C36 to C40, C52 and C53: nets are equal; a fils alone can differ, never in silence."""
    trade = Trade(world, random.Random(f"{seed} {settings}"))
    world.choose(**settings)
    invoice_ids = [trade.save_invoice() for _ in range(BATCH)]
    world.mark(*invoice_ids)

    world.settle()

    exported = [each for each in invoice_ids if world.documents_of(each)]
    for refused in set(invoice_ids) - set(exported):
        assert settings["status"] == "AUTHORISED"
        check_refusal(world, refused)
    differing = [each for each in exported if check(world, each)]
    assert {world.documents_of(each)[0]["CurrencyCode"] for each in differing} <= {"KWD"}
    assert len(world.all_documents()) == len(exported) > BATCH * 0.6
    world.assert_quiet()


def test_freight_of_sales_has_an_account_of_its_own(world: World) -> None:
    """Rule B11: with the tax type of the lines, which that account has not by itself."""
    world.choose(status="AUTHORISED", freight_account="260")
    invoice_id = world.save_invoice(Line("Work", "10.00"), freightamount=Decimal("5.00"))
    world.mark(invoice_id)

    world.settle()

    assert check(world, invoice_id) == 0
    _, freight = world.documents_of(invoice_id)[0]["LineItems"]
    assert (freight["Description"], freight["AccountCode"], freight["TaxType"]) == ("Freight", "260", "OUTPUT2")
    assert (freight["LineAmount"], freight["TaxAmount"]) == (Decimal("5.00"), Decimal("1.00"))


def test_freight_beside_an_account_of_xeros_own_has_the_tax_type_of_that_account(world: World) -> None:
    """Rule C37: Xero's own account for roundings can stand on a line (rule F4), and its tax type then counts."""
    invoice_id = world.save_invoice(Line("Work", "10.00"), freightamount=Decimal("5.00"))
    row = f"/{columns.ACCOUNT_CODE.set_name}({account_row(world, '860')})"
    on_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": row})
    world.mark(invoice_id)

    world.settle()

    assert check(world, invoice_id) == 0
    work, freight = world.documents_of(invoice_id)[0]["LineItems"]
    assert (work["AccountCode"], work["TaxType"]) == ("860", "NONE")
    assert (freight["AccountCode"], freight["TaxType"]) == ("200", "NONE")


def test_an_account_of_xeros_own_is_nobodys_default(world: World) -> None:
    """Rules B6 and B7: where money that nobody placed would be lost among Xero's own roundings and gains."""
    person = world.xero.user(world.org)
    for code in ("310", "400", "425", "429", "469", "477", "493"):
        person.archive_account(code)
    invoice_id = world.save_invoice(Line("Work", "10.00"), stl3_invoicetype=columns.INVOICE_TYPE["Purchase Invoice"])
    world.mark(invoice_id)

    world.settle()

    assert world.documents_of(invoice_id) == []
    assert "no account. Set a default purchase account code" in world.history(invoice_id)[0]["stl3_details"]
