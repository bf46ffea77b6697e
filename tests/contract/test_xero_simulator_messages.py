"""Every refusal that Xero is known to give for invoices, contacts, items and settings, provoked, word for word.

What concerns credit notes and the payments endpoint is not here.
"""

from __future__ import annotations

from typing import Any

import pytest

from simulators.xero import NotAllowed, Person
from tests.contract.xero_caller import XeroCaller, invoice, line, start_xero

UNKNOWN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero(scopes="accounting.invoices accounting.contacts accounting.settings")


@pytest.fixture
def person(xero: XeroCaller) -> Person:
    return xero.simulator.user(xero.organisation)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Status": "PAID"}, "Invoice not of valid status for creation"),
        ({"Status": "DELETED"}, "Invoice not of valid status for creation"),
        ({"Type": "SALE"}, "Invoice not of valid type for creation"),
        ({"LineItems": []}, "One or more line items must be specified"),
        ({"Contact": None}, "A Contact must be specified for this type of transaction"),
        ({"Contact": {"ContactID": UNKNOWN}}, "A Contact must be specified for this type of transaction"),
        (
            {"Contact": {}},
            "The Contact must contain at least 1 of the following elements to identify the contact: "
            "Name, ContactID, ContactNumber",
        ),
        ({"LineItems": [line(AccountCode="999")]}, "Account code '999' is not a valid code for this document."),
        ({"LineItems": [line(AccountCode="090")]}, "Account code '090' is not a valid code for this document."),
        ({"LineItems": [line(AccountCode="610")]}, "Account code '610' is not a valid code for this document."),
        (
            {"LineItems": [line(AccountCode="450")]},
            "Account code '450' has been archived, or has been deleted. "
            "Each line item must reference a valid account.",
        ),
        ({"LineItems": [line(AccountCode=None)]}, "Account code must be specified"),
        (
            {"LineItems": [line(TaxType="INPUT2")]},
            "The TaxType code 'INPUT2' cannot be used with account code '200'.",
        ),
        (
            {"LineItems": [line(TaxType="20% (VAT on Income)")]},
            "The TaxType code 20% (VAT on Income) does not exist or cannot be used for this type of transaction.",
        ),
        ({"LineItems": [line(TaxType="TAX001")]}, "Tax rate must be Active"),
        ({"Date": ""}, "The Date field must be specified."),
        ({"DueDate": None}, "The document DueDate field must be specified."),
        ({"CurrencyCode": "JPY"}, "Organisation is not subscribed to currency JPY"),
        ({"LineItems": [line(Description="")]}, "The description field is mandatory for each line item."),
        (
            {"LineItems": [line(LineAmount="99.5")]},
            "The line total 99.5 does not match the expected line total 100.0",
        ),
        (
            {"Type": "ACCPAY", "LineItems": [line(AccountCode="429", DiscountAmount=1)]},
            "Discounts may not be applied to ACCPAY invoices.",
        ),
        (
            {"Contact": {"Name": "Dan", "EmailAddress": "dan"}},
            "Email address must be valid.",
        ),
        (
            {"LineItems": [line(), line(DiscountAmount="100.01")]},
            "The discount rate '100.01' is invalid. Discount must not be greater than the line total.",
        ),
    ],
)
def test_an_invoice_is_refused_with(xero: XeroCaller, fields: dict[str, Any], message: str) -> None:
    assert xero.refused(**fields) == [message]
    assert not xero.organisation.invoices


def test_a_taken_number(xero: XeroCaller) -> None:
    xero.create(InvoiceNumber="A-1")

    assert xero.refused(InvoiceNumber="A-1") == ["Invoice # must be unique."]


def test_an_illegal_transition(xero: XeroCaller) -> None:
    path = f"/Invoices/{xero.create()['InvoiceID']}"

    for status in ("DELETED", "DRAFT", "SUBMITTED"):
        assert xero.post(path, {"Status": status}).messages == ["Invoice not of valid status for modification"]


def test_an_unknown_invoice(xero: XeroCaller) -> None:
    refused = xero.post("/Invoices", invoice(InvoiceID=UNKNOWN))

    assert refused.messages == ["An existing Invoice with the specified InvoiceID could not be found"]


def test_prices_that_fit_their_amount_only_before_they_are_cut(xero: XeroCaller) -> None:
    tiny = line(Quantity=8555500, UnitAmount="0.000149611361", LineAmount=1280)
    rough = line(Quantity=8555500, UnitAmount="0.0000291", LineAmount=249)

    assert xero.refused(LineItems=[tiny]) == ["Account must be valid.", "Tax rate must be valid."]
    assert "does not match the expected line total" in xero.refused(LineItems=[rough])[0]


def test_an_account_without_a_default_tax(xero: XeroCaller, person: Person) -> None:
    person.alter_account("200", TaxType=None)

    assert xero.refused() == ["The TaxType field is mandatory"]


def test_an_archived_account_and_tax_rate(xero: XeroCaller, person: Person) -> None:
    person.archive_account("260")
    person.archive_tax_rate("RROUTPUT")

    lines = [line(AccountCode="260"), line(TaxType="RROUTPUT")]

    assert xero.refused(LineItems=lines) == [
        "Account code '260' has been archived, or has been deleted. Each line item must reference a valid account.",
        "Tax rate must be Active",
    ]


def test_both_lock_dates(xero: XeroCaller, person: Person) -> None:
    person.set_lock_dates(period="2026-01-31", year_end="2025-12-31")

    assert xero.refused(Date="2025-12-31") == [
        "The document date cannot be before the period lock date, currently set at 31 January 2026",
        "The document date cannot be before the end of year lock date, currently set at 31 December 2025",
    ]


def test_an_account_in_a_currency_that_is_not_enabled(xero: XeroCaller) -> None:
    account = {"Code": "091", "Name": "Euros", "Type": "BANK", "CurrencyCode": "USD"}

    assert xero.put("/Accounts", account).messages == [
        "The current organisation is not subscribed to currency 'USD'."
    ]


def test_the_name_of_an_account_twice(xero: XeroCaller) -> None:
    account = {"Code": "299", "Name": "Sales", "Type": "REVENUE"}

    assert xero.put("/Accounts", account).messages == ["Please enter a unique Name."]


def test_a_wrong_total_where_totals_are_insisted_on(xero: XeroCaller) -> None:
    ignored = xero.create(Total=1)
    xero.organisation.insists_on_totals = True

    assert ignored["Total"] == 120
    assert xero.refused(Total=1) == ["The invoice total does not equal the sum of the lines."]
    assert xero.create(Total=120)["Total"] == 120


def test_money_on_the_document(xero: XeroCaller, person: Person) -> None:
    created = xero.create()
    person.pay(created["InvoiceID"], 20)
    path = f"/Invoices/{created['InvoiceID']}"

    assert xero.post(path, {"Date": "2026-03-11"}).messages == [
        "This document cannot be edited as it has a payment or credit note allocated to it."
    ]
    assert xero.post(path, {"Status": "VOIDED"}).messages == [
        "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
    ]
    with pytest.raises(NotAllowed, match="Payment amount exceeds the amount outstanding on this document"):
        person.pay(created["InvoiceID"], 101)


def test_a_taken_contact_name(xero: XeroCaller, person: Person) -> None:
    person.create_contact(Name="Ann")

    assert xero.put("/Contacts", {"Name": "Ann"}).messages == [
        "The contact name Ann is already assigned to another contact. "
        "The contact name must be unique across all active contacts."
    ]


def test_an_archived_contact(xero: XeroCaller, person: Person) -> None:
    contact_id = person.create_contact(Name="Ann")["ContactID"]
    person.archive_contact(contact_id)

    assert xero.post("/Contacts", {"ContactID": contact_id, "FirstName": "A"}).messages == [
        "The specified contact details matched an archived contact. "
        "Archived contacts cannot currently be edited via the API."
    ]
    (words,) = xero.refused(Contact={"ContactID": contact_id})
    assert words.endswith("'ARCHIVED' is not valid for contacts")


def test_a_taken_item_code(xero: XeroCaller, person: Person) -> None:
    person.create_item(Code="abc")

    assert xero.put("/Items", {"Code": "abc"}).messages == ["Price List Item with Code 'abc' already exists"]


def test_the_cap_of_the_plan_counts_drafts_only_when_they_are_approved(xero: XeroCaller) -> None:
    xero.organisation.approvals_max = 1
    draft = xero.create(Status="DRAFT")
    xero.create()

    refused = xero.post("/Invoices", {"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"})

    assert refused.messages == ["You have reached the limit of invoices you can approve"]


def test_more_of_a_tracked_item_than_there_is(xero: XeroCaller, person: Person) -> None:
    _tracked(person, on_hand=2)
    lines = [line(ItemCode="BOX", Quantity=3)]

    assert xero.refused(LineItems=lines) == ["Insufficient stock. Items are eligible for backorder."]
    assert xero.create(Status="DRAFT", LineItems=lines)["Status"] == "DRAFT"
    assert xero.put("/Invoices?allowBackorders=true", invoice(LineItems=lines)).status == 200


def test_stock_follows_sales_bills_and_voids(xero: XeroCaller, person: Person) -> None:
    item_id = _tracked(person, on_hand=2)["ItemID"]

    def on_hand() -> int:
        return int(xero.organisation.items[item_id]["QuantityOnHand"])

    sale = xero.create(LineItems=[line(ItemCode="BOX", Quantity=2)])
    sold = on_hand()
    bill = xero.create(Type="ACCPAY", LineItems=[{"ItemCode": "BOX", "Description": "Box", "Quantity": 5}])
    bought = on_hand()
    xero.post(f"/Invoices/{sale['InvoiceID']}", {"Status": "VOIDED"})

    assert (sold, bought, on_hand()) == (0, 5, 7)
    assert bill["LineItems"][0]["AccountCode"] == "630"
    assert xero.get("/Items/BOX").json["Items"][0]["QuantityOnHand"] == 7


def test_a_document_below_zero_stays_a_draft(xero: XeroCaller) -> None:
    lines = [line(UnitAmount=10), line(UnitAmount=-30)]

    draft = xero.create(Status="DRAFT", LineItems=lines)

    assert draft["Total"] == -24
    assert xero.refused(LineItems=lines) == ["The document total cannot be negative when it is approved."]
    assert xero.create(LineItems=[line(UnitAmount=30), line(UnitAmount=-10)])["Total"] == 24


def _tracked(person: Person, *, on_hand: int) -> dict[str, Any]:
    person.create_item(Code="BOX", InventoryAssetAccountCode="630", PurchaseDetails={"COGSAccountCode": "310"})
    return person.set_stock("BOX", on_hand)
