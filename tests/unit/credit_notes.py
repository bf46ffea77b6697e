"""An approved invoice and its credit note as lists of Xero show them; what is different is passed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from mappers.credit_notes import credit_note_of

D = Decimal
INVOICE_ID = "ed255415-e141-4150-aab7-89c3bbbb851c"
OTHER_ID = "00000000-0000-4000-8000-000000000001"
NOTE_ID = "249f15fa-f2a7-4acc-8769-0984103f2225"
CONTACT_ID = "430fa14a-f945-44d3-9f97-5df5e28441b8"
ON = date(2026, 3, 25)


def line(**different: Any) -> dict[str, Any]:
    """A line as a list of documents shows it; None leaves a field out."""
    made = {
        "Description": "Acme Tires",
        "UnitAmount": D("20.0"),
        "TaxType": "OUTPUT2",
        "TaxAmount": D("8.0"),
        "LineAmount": D("40.0"),
        "AccountCode": "200",
        "Tracking": [],
        "Quantity": D("2.0"),
        "LineItemID": "5f7a612b-fdcc-4d33-90fa-a9f6bc6db32f",
        "AccountID": "7d05a53d-613d-4eb2-a2fc-dcb6adb80b80",
        "ValidationErrors": [],
    } | different
    return {name: value for name, value in made.items() if value is not None}


def document(*lines: dict[str, Any], **different: Any) -> dict[str, Any]:
    """An approved invoice as a list shows it, which adds up."""
    rows = list(lines) or [line()]
    net = sum((row.get("LineAmount", D(0)) for row in rows), D(0))
    tax = sum((row.get("TaxAmount", D(0)) for row in rows), D(0))
    return {
        "Type": "ACCREC",
        "InvoiceID": INVOICE_ID,
        "InvoiceNumber": "INV-0042",
        "Reference": "Order 4711",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": CONTACT_ID, "Name": "Liam Gallagher"},
        "DateString": "2026-03-10T00:00:00",
        "Date": "/Date(1773100800000+0000)/",
        "LineAmountTypes": "Exclusive",
        "LineItems": rows,
        "TotalTax": tax,
        "Total": net + tax,
        "CurrencyCode": "GBP",
        "CurrencyRate": D("1.0"),
    } | different


def note(**different: Any) -> dict[str, Any]:
    """Our credit note as a list shows it."""
    return {
        "Type": "ACCRECCREDIT",
        "CreditNoteID": NOTE_ID,
        "CreditNoteNumber": "CN-INV-0042",
        "Status": "DRAFT",
        "Contact": {"ContactID": CONTACT_ID},
        "CurrencyCode": "GBP",
        "Total": D("48.0"),
        "TotalTax": D("8.0"),
        "LineItems": [line()],
        "Allocations": [],
    } | different


def applied_to(invoice_id: str) -> list[dict[str, Any]]:
    return [{"Amount": D("48.0"), "Invoice": {"InvoiceID": invoice_id}}]


def credited(*lines: dict[str, Any], **different: Any) -> dict[str, Any]:
    return credit_note_of(document(*lines, **different), number="CN-INV-0042", dated=ON)


def credited_line(**different: Any) -> dict[str, Any]:
    (made,) = credited(line(**different))["LineItems"]
    return made
