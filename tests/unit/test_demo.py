"""What the demo tells of a sale: whether it came true, how long it took, and how that fits into a window."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from core import columns
from demo.owed import Owed, owed_by
from demo.sale import CANCELLED, CREDITED, DELETED, EXPORTED, PAID, Sale
from demo.show import owed_table, summary_of, table_of, timeline
from demo.watch import came_true, disagreement, due_in_xero, dynamics_state, is_ours, latency_ms, number_of

ACTED_AT = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
D = Decimal
TODAY = date(2026, 7, 1)


def paid_sale(**facts: Any) -> Sale:
    """A sale that was paid in Xero, as it has to be in the end; `facts` differ."""
    sale = Sale("Paid in Xero", "Adventure Works Cycles", {}, EXPORTED, "has been paid in Xero", "inv-1")
    sale.status, sale.state, sale.rows, sale.in_xero = "PAID", PAID, 2, True
    sale.acted_at = ACTED_AT.timestamp()
    invoice = {"invoicenumber": "INV-01001-ABC123", "totalamount": D("1200.00"), "statecode": 2}
    sale.facts = {
        "invoice": invoice | {"stl3_amountdue": D("0.00")},
        "details": {
            "stl3_exportstatus": columns.EXPORT_STATUS["Yes"],
            "stl3_xerostatus": "PAID",
            "stl3_amountdue": D("0.00"),
        },
        "written_at": (ACTED_AT + timedelta(milliseconds=85)).isoformat(),
        "history": [{"stl3_details": "created"}, {"stl3_details": "Invoice has been paid in Xero: INV-0002."}],
        "document": {
            "InvoiceNumber": "INV-0002",
            "Status": "PAID",
            "Total": D("1200.00"),
            "TotalTax": D("200.00"),
            "AmountDue": D("0.00"),
            "UpdatedDateUTC": "/Date(1782896400000+0000)/",
        },
        "documents": 1,
        "notes": [],
        "payments": [],
    } | facts
    return sale


def test_a_sale_has_come_true_when_both_systems_say_so() -> None:
    sale = paid_sale()

    assert disagreement(sale) == ""
    assert came_true(sale)


@pytest.mark.parametrize(
    ("part", "change", "what"),
    [
        ("invoice", {"statecode": 0}, "state of the invoice: active, not paid"),
        ("invoice", {"totalamount": D("1199.99")}, "total"),
        ("invoice", {"stl3_amountdue": D("1200")}, "amount due"),
        ("details", {"stl3_xerostatus": "AUTHORISED"}, "status in Xero details: AUTHORISED, not PAID"),
        ("details", {"stl3_amountdue": None}, "amount due in Xero details"),
        ("document", {"Status": "AUTHORISED"}, "status in Xero"),
    ],
)
def test_anything_that_differs_is_named(part: str, change: dict[str, Any], what: str) -> None:
    sale = paid_sale()

    sale.facts[part] |= change

    assert not came_true(sale)
    assert what in disagreement(sale)
    assert what in timeline([sale])[0]


@pytest.mark.parametrize("facts", [{"documents": 2}, {"history": [{"stl3_details": "has been paid in Xero"}]}])
def test_one_document_and_each_act_told_once(facts: dict[str, Any]) -> None:
    assert not came_true(paid_sale(**facts))


def test_what_was_credited_is_paid_in_xero_and_credited_in_dynamics() -> None:
    sale = paid_sale()
    sale.status = CREDITED

    assert "status in Xero details: PAID, not Credited" in disagreement(sale)
    sale.facts["details"]["stl3_xerostatus"] = CREDITED
    assert disagreement(sale) == ""


def cancelled_sale(state: str = CANCELLED) -> Sale:
    """A sale that was cancelled, or deleted, after it had been approved, as it has to be in the end."""
    sale = paid_sale()
    sale.title, sale.words = "Cancelled in Dynamics", "was made and applied"
    sale.status, sale.state, sale.in_xero, sale.is_credited = CREDITED, state, False, True
    sale.facts["details"] |= {"stl3_xerostatus": CREDITED, "stl3_dynamicsnumber": "INV-01001-ABC123"}
    sale.facts["history"][-1] = {"stl3_details": "Credit note CN-INV-0002 was made and applied to INV-0002."}
    sale.facts["notes"] = [{"CreditNoteNumber": "CN-INV-0002"}]
    # Dynamics leaves a cancelled invoice as it was, and nothing of one that is deleted.
    sale.facts["invoice"] = {} if state == DELETED else sale.facts["invoice"] | {"statecode": 3, "stl3_amountdue": 9}
    return sale


@pytest.mark.parametrize("state", [CANCELLED, DELETED])
def test_a_sale_that_was_cancelled_or_deleted_is_credited_once(state: str) -> None:
    """Rule E2: told with the number of the note; a second note is no success."""
    sale = cancelled_sale(state)

    assert came_true(sale)
    (line,) = timeline([sale])
    assert line.endswith(
        "Cancelled in Dynamics for Adventure Works Cycles: in Xero after 0 ms, CN-INV-0002 applied, 0.00 due"
    )
    assert (dynamics_state(sale), number_of(sale)) == (state, "INV-01001-ABC123")
    sale.facts["notes"] *= 2
    assert disagreement(sale) == "credit notes of the connector: 2, not 1"
    sale.facts["notes"] = []
    assert not came_true(sale)


def test_a_draft_that_was_cancelled_is_deleted_without_a_note() -> None:
    """Rule E1."""
    sale = cancelled_sale()
    sale.status, sale.is_credited, sale.facts["notes"] = "DELETED", False, []
    sale.facts["document"]["Status"] = sale.facts["details"]["stl3_xerostatus"] = "DELETED"

    assert came_true(sale)
    assert timeline([sale])[0].endswith("in Xero after 0 ms, draft deleted, 0.00 due")


@pytest.mark.parametrize(
    ("note", "ours"),
    [
        ({}, True),
        ({"CreditNoteNumber": "CN-d-1"}, True),
        ({"CreditNoteNumber": "CN-0007"}, False),
        ({"Type": "ACCPAYCREDIT"}, False),
    ],
)
def test_a_note_of_the_connector_is_known_by_its_number(note: dict[str, str], *, ours: bool) -> None:
    """Rule E9: of the document's number, or of its id."""
    made = {"Type": "ACCRECCREDIT", "CreditNoteNumber": "CN-INV-0002"} | note

    assert is_ours(made, {"Type": "ACCREC", "InvoiceNumber": "INV-0002", "InvoiceID": "d-1"}) is ours
    assert not is_ours(made, {})


def test_nothing_is_due_of_what_was_voided() -> None:
    assert due_in_xero({"Status": "VOIDED", "AmountDue": D("12.00")}) == 0
    assert due_in_xero({"Status": "AUTHORISED", "AmountDue": D("12.00")}) == D("12.00")


def test_the_time_ends_where_the_effect_shows() -> None:
    """Of an act in Xero in Dynamics, of one in Dynamics in Xero, and never before the act."""
    sale = paid_sale()
    back = latency_ms(sale)
    sale.in_xero = False
    there = latency_ms(sale)
    sale.acted_at += 60

    assert back == pytest.approx(85, abs=0.01)
    assert there == pytest.approx(0, abs=0.01)
    assert latency_ms(sale) is None


def document(**fields: Any) -> dict[str, Any]:
    return {
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": {"Name": "Contoso"},
        "AmountDue": D("100.00"),
        "CurrencyRate": D(1),
        "DueDateString": "2026-07-01T00:00:00",
    } | fields


def test_a_customer_owes_what_is_open_of_sales_in_base_currency() -> None:
    account = {"stl3_amountowed": D("186.96"), "stl3_amountoverdue": D("86.96"), "stl3_balancecurrency": "GBP"}
    documents = [
        document(),
        document(CurrencyRate=D("1.15"), DueDateString="2026-06-30T00:00:00"),
        document(Type="ACCPAY"),
        document(Status="PAID", AmountDue=D(0)),
        document(Contact={"Name": "Somebody else"}),
    ]

    owed = owed_by("Contoso", account, documents, TODAY)

    assert (owed.in_xero, owed.overdue_in_xero) == (D("186.96"), D("86.96"))
    assert owed.agrees
    assert not owed_by("Contoso", {}, documents, TODAY).agrees
    assert owed_by("Nobody", {}, documents, TODAY).agrees


@pytest.mark.parametrize("width", [80, 100, 120, 140])
def test_tables_fit_into_the_window(width: int) -> None:
    """Columns that a narrow window has no room for are left out, none is cut."""
    sales = [paid_sale(), cancelled_sale()]
    owed = [Owed("Adventure Works Cycles", D("12345.67"), D("12345.67"), D("12345.67"), D(0), "GBP")]
    console = Console(width=width)

    with console.capture() as captured:
        console.print(table_of(sales, width))
        console.print(owed_table(owed))
        console.print(summary_of(sales, owed))

    text = captured.get()
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= width
    assert "…" not in text.replace(" …", "")
    assert "2 of 2 invoices are where they should be; 0 of 1 balances agree" in text
    assert "Act in Xero to Dynamics: median 85 ms" in text
    assert all(part in text for part in ("INV-01001", "paid", "cancelled", "0.00", "12,345.67"))
