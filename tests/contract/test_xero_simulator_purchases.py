"""Bills: what items, accounts and taxes give them, and what they do not have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from simulators.xero import Person
from tests.contract.xero_caller import XeroCaller, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


@pytest.fixture
def person(xero: XeroCaller) -> Person:
    return xero.simulator.user(xero.organisation)


def _bill(xero: XeroCaller, **fields: Any) -> Any:
    return xero.create(
        **({"Type": "ACCPAY", "InvoiceNumber": "B-1", "LineItems": [line(AccountCode="429")]} | fields)
    )


def test_an_item_gives_each_side_its_own_defaults(xero: XeroCaller, person: Person) -> None:
    person.create_item(
        Code="STR",
        Name="Strings",
        Description="Sold strings",
        PurchaseDescription="Bought strings",
        SalesDetails={"UnitPrice": "25.61", "AccountCode": "260", "TaxType": "OUTPUT2"},
        PurchaseDetails={"UnitPrice": "11.1234", "AccountCode": "310", "TaxType": "RRINPUT"},
    )

    (bought,) = _bill(xero, LineItems=[{"ItemCode": "STR", "Quantity": 2}])["LineItems"]
    (sold,) = xero.create(LineItems=[{"ItemCode": "STR", "Quantity": 2}])["LineItems"]

    assert (bought["Description"], bought["AccountCode"], bought["TaxType"]) == ("Bought strings", "310", "RRINPUT")
    assert (bought["UnitAmount"], bought["LineAmount"]) == (Decimal("11.1234"), Decimal("22.25"))
    assert (sold["Description"], sold["AccountCode"], sold["TaxType"]) == ("Sold strings", "260", "OUTPUT2")


def test_a_line_overrides_what_its_item_says(xero: XeroCaller, person: Person) -> None:
    details = {"UnitPrice": 5, "AccountCode": "310", "TaxType": "RRINPUT"}
    person.create_item(Code="STR", Name="Strings", PurchaseDetails=details)

    sent = line(ItemCode="STR", UnitAmount=7, AccountCode="429", TaxType="INPUT2")
    (bought,) = _bill(xero, LineItems=[sent])["LineItems"]

    assert (bought["UnitAmount"], bought["AccountCode"], bought["TaxType"]) == (7, "429", "INPUT2")


def test_an_item_of_one_side_is_taken_on_the_other_and_gives_it_nothing(xero: XeroCaller, person: Person) -> None:
    both = {"UnitPrice": 5, "AccountCode": "429"}
    person.create_item(Code="S", Name="Sold only", IsPurchased=False, PurchaseDetails=both)
    person.create_item(Code="P", Name="Bought only", IsSold=False, Description="x", PurchaseDetails=both)

    sold, bought = (xero.organisation.items.first_by("Code", code) for code in "sp")
    (odd,) = _bill(xero, LineItems=[line(ItemCode="S", AccountCode="429", UnitAmount=None)])["LineItems"]

    assert sold is not None
    assert bought is not None
    assert (sold["PurchaseDetails"], bought["SalesDetails"], bought.get("Description")) == ({}, {}, None)
    assert bought["PurchaseDetails"]["AccountCode"] == "429"
    assert (odd["ItemCode"], odd["UnitAmount"]) == ("S", 0)


@pytest.mark.parametrize(
    ("account", "tax_type", "taken"),
    [
        ("429", "INPUT2", True),
        ("429", "NONE", True),
        ("429", "OUTPUT2", False),
        ("310", "EXEMPTINPUT", True),
        ("710", "INPUT2", True),
        ("200", "INPUT2", False),
        ("200", "OUTPUT2", True),
    ],
)
def test_the_class_of_the_account_says_which_taxes_fit(
    xero: XeroCaller, account: str, tax_type: str, taken: bool
) -> None:
    lines = [line(AccountCode=account, TaxType=tax_type)]

    if taken:
        assert _bill(xero, LineItems=lines)["LineItems"][0]["TaxType"] == tax_type
    else:
        assert xero.refused(Type="ACCPAY", LineItems=lines) == [
            f"The TaxType code '{tax_type}' cannot be used with account code '{account}'."
        ]


def test_a_bill_takes_the_tax_of_its_account(xero: XeroCaller) -> None:
    assert [_bill(xero, LineItems=[line(AccountCode=code)])["TotalTax"] for code in ("429", "469")] == [20, 0]


@pytest.mark.parametrize("discount", [{"DiscountRate": 5}, {"DiscountAmount": 5}])
def test_a_bill_has_no_discounts(xero: XeroCaller, discount: dict[str, Any]) -> None:
    assert xero.refused(Type="ACCPAY", LineItems=[line(AccountCode="429", **discount)]) == [
        "Discounts may not be applied to ACCPAY invoices."
    ]
    assert _bill(xero, LineItems=[line(AccountCode="429", DiscountAmount=0)])["Total"] == 120


def test_bills_share_numbers_with_bills_and_sales_and_never_meet_by_them(xero: XeroCaller) -> None:
    first, second = _bill(xero), _bill(xero)
    sale = xero.create(InvoiceNumber="B-1")
    third = xero.post("/Invoices", {"Type": "ACCPAY", "InvoiceNumber": "B-1", "Contact": {"Name": "Ann"}})

    ids = {each["InvoiceID"] for each in (first, second, sale, third.json["Invoices"][0])}
    assert len(ids) == 4
    assert xero.get("/Invoices/B-1").json["Invoices"][0]["InvoiceID"] == sale["InvoiceID"]


def test_a_bill_has_neither_reference_nor_theme_nor_number_of_its_own(xero: XeroCaller) -> None:
    bill = _bill(xero, InvoiceNumber=None, Reference="PO 7", BrandingThemeID=xero.organisation.default_theme_id())

    assert {"Reference", "BrandingThemeID", "InvoiceNumber"}.isdisjoint(bill)


@pytest.mark.parametrize("kind", ["ACCREC", "ACCPAY"])
@pytest.mark.parametrize("number", ["Rechnung Nr. 7ü", "B\t1", "№ 1"])
def test_numbers_are_printable_ascii_on_both_sides(xero: XeroCaller, kind: str, number: str) -> None:
    lines = [line(AccountCode="429", TaxType="NONE")]

    assert xero.refused(Type=kind, InvoiceNumber=number, LineItems=lines) == [
        "The InvoiceNumber field may only contain printable ASCII characters."
    ]
    assert xero.refused(Type=kind, InvoiceNumber="x" * 256, LineItems=lines) == [
        "The field InvoiceNumber exceeds the maximum length of 255."
    ]
