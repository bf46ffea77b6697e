"""The simulator's answers, held against the published description of the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.xero_caller import XeroCaller, credit_note, invoice, line, start_xero

pytestmark = pytest.mark.skipif(not openapi.is_available(), reason=openapi.MISSING)


@pytest.fixture
def xero() -> XeroCaller:
    caller = start_xero(scopes="accounting.invoices accounting.contacts accounting.settings accounting.payments")
    person = caller.simulator.user(caller.organisation)
    person.create_item(Code="STR", Name="Strings", SalesDetails={"UnitPrice": "25.61", "AccountCode": "200"})
    person.create_item(Code="BOX", InventoryAssetAccountCode="630", PurchaseDetails={"COGSAccountCode": "310"})
    person.set_stock("BOX", 2)
    person.add_tracking_category("Region", ["North", "South"])
    person.archive_tracking_option("Region", "South")
    terms = {"Sales": {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "Bills": {"Day": 20, "Type": "OFFOLLOWINGMONTH"}}
    person.set_payment_terms(sales=terms["Sales"])
    contact = person.create_contact(
        Name="Ann", EmailAddress="ann@example.com", ContactNumber="C-1", PaymentTerms=terms
    )
    tracked = line(Tracking=[{"Name": "Region", "Option": "North"}], DiscountAmount=1)
    lines = [line(), tracked, line(ItemCode="STR", Quantity=3), line(ItemCode="BOX"), {"Description": "a note"}]
    created = caller.create(
        Contact={"ContactID": contact["ContactID"]}, LineItems=lines, Url="https://crm.example.com/1"
    )
    person.pay(created["InvoiceID"], "50", reference="BACS")
    _settle(caller, contact["ContactID"], created["InvoiceID"])
    caller.create(Type="ACCPAY", InvoiceNumber="B-1", LineItems=[line(AccountCode="429")])
    caller.create(Status="DRAFT", DueDate=None)
    return caller


def _settle(xero: XeroCaller, contact_id: str, invoice_id: str) -> None:
    """Apply a bit of everything to the invoice, and pay out what is left of one credit."""
    person = xero.person
    over, pre = person.receive_overpayment(contact_id, 30), person.receive_prepayment(contact_id, 24, reference="Dep")
    person.allocate_overpayment(over["OverpaymentID"], invoice_id, 10)
    person.allocate_prepayment(pre["PrepaymentID"], invoice_id, 5)
    person.credit(invoice_id, 20)
    person.refund(over["OverpaymentID"])
    note = person.create_credit_note(Contact={"ContactID": contact_id}, LineItems=[line()], Status="AUTHORISED")
    person.refund(note["CreditNoteID"], 7)


@pytest.mark.parametrize(
    "path",
    [
        "/CreditNotes",
        "/CreditNotes?page=1",
        "/CreditNotes/CN-0001",
        "/CreditNotes/CN-0002",
        "/Overpayments",
        "/Overpayments?page=1",
        "/Prepayments",
        "/Payments",
        "/Payments?page=1",
        "/Invoices",
        "/Invoices?page=1",
        "/Invoices?summaryOnly=true",
        "/Invoices/INV-0001",
        "/Contacts",
        "/Contacts?page=1",
        "/Contacts?summaryOnly=true",
        "/Contacts/C-1",
        "/Items",
        "/Items/STR",
        "/Items/BOX",
        "/TrackingCategories",
        "/TrackingCategories?includeArchived=true",
        "/Accounts",
        "/TaxRates",
        "/BrandingThemes",
        "/Currencies",
        "/Organisation",
        "/Organisation/Actions",
    ],
)
def test_reads_are_as_described(xero: XeroCaller, path: str) -> None:
    answered = xero.get(path)

    assert answered.status == 200
    assert openapi.validate_response("GET", path, 200, _without_envelope(answered.json)) == []


def test_writes_are_as_described(xero: XeroCaller) -> None:
    for path, body in (
        ("/Invoices", invoice(CurrencyCode="EUR", CurrencyRate=99)),
        ("/Contacts", {"Name": "Bob", "PaymentTerms": {"Sales": {"Day": 0, "Type": "OFCURRENTMONTH"}}}),
        ("/Invoices", invoice(Type="ACCPAY", LineItems=[line(AccountCode="429")], PlannedPaymentDate="2026-04-01")),
        ("/Items", {"Code": "X", "Name": "X"}),
        ("/Accounts", {"Code": "299", "Name": "More sales", "Type": "REVENUE"}),
        ("/TaxRates", {"Name": "Odd", "TaxComponents": [{"Name": "Odd", "Rate": 3}], "ReportTaxType": "OUTPUT"}),
    ):
        answered = xero.put(f"{path}?summarizeErrors=false", body)

        assert answered.status == 200, answered.text
        assert openapi.validate_response("PUT", path, 200, _without_envelope(answered.json)) == []


def test_single_payments_and_prepaid_money_are_as_described(xero: XeroCaller) -> None:
    held = xero.organisation
    for name, table in (
        ("Payments", held.payments),
        ("Overpayments", held.overpayments),
        ("Prepayments", held.prepayments),
    ):
        for record_id in table:
            answered = xero.get(f"/{name}/{record_id}")

            assert openapi.validate_response("GET", f"/{name}/x", 200, _without_envelope(answered.json)) == []


def test_settling_is_as_described(xero: XeroCaller) -> None:
    created = xero.create()
    contact, target = {"ContactID": created["Contact"]["ContactID"]}, {"InvoiceID": created["InvoiceID"]}
    note = xero.put("/CreditNotes", credit_note(Contact=contact))
    note_id = note.json["CreditNotes"][0]["CreditNoteID"]
    over_id = xero.person.receive_overpayment(contact["ContactID"], 10)["OverpaymentID"]
    allocation = {"Invoice": target, "Amount": 10, "Date": "2026-03-10"}
    paid = xero.put("/Payments?summarizeErrors=false", {"Invoice": target, "Account": {"Code": "090"}, "Amount": 20})
    payment_id = paid.json["Payments"][0]["PaymentID"]
    for method, path, answered in (
        ("PUT", "/CreditNotes", note),
        ("POST", "/CreditNotes/x", xero.post(f"/CreditNotes/{note_id}", {"Reference": "x"})),
        ("PUT", "/CreditNotes/x/Allocations", xero.put(f"/CreditNotes/{note_id}/Allocations", allocation)),
        ("PUT", "/Overpayments/x/Allocations", xero.put(f"/Overpayments/{over_id}/Allocations", allocation)),
        ("PUT", "/Payments", paid),
        ("POST", "/Payments/x", xero.post(f"/Payments/{payment_id}", {"Status": "DELETED"})),
    ):
        assert answered.status == 200, answered.text
        assert openapi.validate_response(method, path, 200, _without_envelope(answered.json)) == []


def test_refused_settling_is_as_described(xero: XeroCaller) -> None:
    invoice_id, note = xero.create()["InvoiceID"], xero.put("/CreditNotes", credit_note()).json["CreditNotes"][0]
    allocation = {"Invoice": {"InvoiceID": invoice_id}, "Amount": 999, "Date": "2026-03-10"}
    for path, body in (
        ("/Payments", {"Invoice": {"InvoiceID": invoice_id}, "Account": {"Code": "090"}, "Amount": 999}),
        (f"/CreditNotes/{note['CreditNoteID']}/Allocations", allocation),
        ("/CreditNotes", credit_note(Status="PAID")),
    ):
        answered = xero.put(path, body)

        assert answered.status == 400
        assert openapi.validate_response("PUT", path, 400, answered.json, strict=False) == []


def test_refusals_are_as_described(xero: XeroCaller) -> None:
    answered = xero.put("/Invoices", invoice(DueDate=None))

    assert answered.status == 400
    assert openapi.validate_response("PUT", "/Invoices", 400, answered.json, strict=False) == []


def test_a_wrong_body_is_noticed() -> None:
    right = {"Invoices": [{"Type": "ACCREC", "LineItems": [{"Quantity": 1}]}]}
    wrong = {"Invoices": [{"Type": "SALE", "Due": "2026-01-01", "AmountDue": 3, "LineItems": [{"Quantity": "1"}]}]}

    assert openapi.validate_request("PUT", "/api.xro/2.0/Invoices?unitdp=4", right) == []
    assert len(openapi.validate_request("PUT", "/Invoices", wrong)) == 3


def _without_envelope(body: dict[str, Any]) -> dict[str, Any]:
    """The description leaves out what wraps every answer."""
    return {
        name: value for name, value in body.items() if name not in {"Id", "Status", "ProviderName", "DateTimeUTC"}
    }
