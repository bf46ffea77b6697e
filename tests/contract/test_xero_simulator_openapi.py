"""The simulator's answers, held against the published description of the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.xero_caller import XeroCaller, invoice, line, start_xero

pytestmark = pytest.mark.skipif(not openapi.is_available(), reason=openapi.MISSING)


@pytest.fixture
def xero() -> XeroCaller:
    caller = start_xero(scopes="accounting.invoices accounting.contacts accounting.settings")
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
    caller.create(Type="ACCPAY", InvoiceNumber="B-1", LineItems=[line(AccountCode="429")])
    caller.create(Status="DRAFT", DueDate=None)
    return caller


@pytest.mark.parametrize(
    "path",
    [
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
