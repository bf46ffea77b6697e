"""Invoices: creation, batches, the status machine, and every refusal in Xero's words."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from simulators.xero import NotAllowed
from tests.contract.xero_caller import ZERO_ID, XeroCaller, invoice, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


def test_a_new_invoice_gets_a_number_a_theme_and_the_day_of_the_organisation() -> None:
    xero = start_xero(region="NZ", name="Auckland")

    created = xero.create(Date=None, Status="DRAFT", DueDate=None)

    assert created["InvoiceNumber"] == "INV-0001"
    assert created["BrandingThemeID"] == xero.organisation.default_theme_id()
    assert created["DateString"] == "2026-03-10T00:00:00"  # 22:30 in Auckland
    assert created["Date"] == "/Date(1773100800000+0000)/"
    assert "Payments" not in created
    assert "DueDate" not in created


def test_numbers_already_taken_are_skipped(xero: XeroCaller) -> None:
    xero.create(InvoiceNumber="INV-0001")

    assert xero.create()["InvoiceNumber"] == "INV-0002"


def test_put_refuses_a_known_sales_number_and_post_updates_that_invoice(xero: XeroCaller) -> None:
    first = xero.create(InvoiceNumber="A-1", Reference="one")

    refused = xero.put("/Invoices", invoice(InvoiceNumber="a-1"))
    updated = xero.post("/Invoices", invoice(InvoiceNumber="A-1", Reference="two"))

    assert refused.messages == ["Invoice # must be unique."]
    assert refused.json["Elements"][0]["InvoiceID"] == ZERO_ID
    assert updated.json["Invoices"][0]["InvoiceID"] == first["InvoiceID"]
    assert updated.json["Invoices"][0]["Reference"] == "two"


def test_bills_may_share_a_number(xero: XeroCaller) -> None:
    bill = {"Type": "ACCPAY", "InvoiceNumber": "B-1", "LineItems": [line(AccountCode="429")]}

    assert xero.create(**bill)["InvoiceID"] != xero.create(**bill)["InvoiceID"]


def test_one_refused_element_undoes_the_whole_call(xero: XeroCaller) -> None:
    answered = xero.put("/Invoices", {"Invoices": [invoice(Contact={"Name": "New"}), invoice(DueDate=None)]})

    assert answered.status == 400
    assert answered.json["Type"] == "ValidationException"
    assert len(answered.json["Elements"]) == 1
    assert not xero.organisation.invoices
    assert not xero.organisation.contacts
    assert xero.create()["InvoiceNumber"] == "INV-0001"


def test_without_summary_each_element_stands_alone(xero: XeroCaller) -> None:
    batch = [invoice(), invoice(DueDate=None), invoice(CurrencyCode="EUR", CurrencyRate=99)]

    answered = xero.put("/Invoices?SummarizeErrors=False", {"Invoices": batch})
    elements = answered.json["Invoices"]

    assert answered.status == 200
    assert [each["StatusAttributeString"] for each in elements] == ["OK", "ERROR", "WARNING"]
    assert elements[1]["InvoiceID"] == ZERO_ID
    assert elements[1]["HasErrors"] is True
    assert elements[2]["Warnings"]
    assert len(xero.organisation.invoices) == 2


def test_without_the_parameter_elements_have_no_status_attribute(xero: XeroCaller) -> None:
    assert "StatusAttributeString" not in xero.create()


def test_two_elements_of_a_batch_can_not_share_a_number(xero: XeroCaller) -> None:
    batch = {"Invoices": [invoice(InvoiceNumber="X"), invoice(InvoiceNumber="X")]}

    answered = xero.put("/Invoices?summarizeErrors=false", batch)

    assert [each["StatusAttributeString"] for each in answered.json["Invoices"]] == ["OK", "ERROR"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Status": "PAID"}, "Invoice not of valid status for creation"),
        ({"Status": "VOIDED"}, "Invoice not of valid status for creation"),
        ({"Type": "SALE"}, "Invoice not of valid type for creation"),
        ({"LineItems": None}, "One or more line items must be specified"),
        ({"Contact": None}, "A Contact must be specified for this type of transaction"),
        ({"Contact": {"ContactID": "11111111-1111-4111-8111-111111111111"}}, "A Contact must be specified"),
        ({"Contact": {}}, "The Contact must contain at least 1 of the following elements"),
        ({"DueDate": None}, "The document DueDate field must be specified."),
        ({"DueDate": None, "Status": "SUBMITTED"}, "The document DueDate field must be specified."),
        ({"Date": ""}, "The Date field must be specified."),
        ({"CurrencyCode": "JPY"}, "Organisation is not subscribed to currency JPY"),
        ({"Url": "https://go.xero.com/1"}, "The Url field"),
        ({"Url": "https://crm.MyXero.example.com/1"}, "The Url field"),
        ({"Url": "ftp://crm.example.com/1"}, "The Url field"),
        ({"Url": "crm.example.com/1"}, "The Url field"),
        ({"Url": "https://crm.example.com/" + "x" * 2000}, "The field Url exceeds the maximum length of 2000."),
        ({"Reference": "x" * 256}, "The field Reference exceeds the maximum length of 255."),
        ({"LineItems": [line(Description="x" * 4001)]}, "The field Description exceeds the maximum length of 4000."),
        ({"LineItems": [line(Description="")]}, "The description field is mandatory for each line item."),
        ({"LineItems": [line(AccountCode=None)]}, "Account code must be specified"),
        ({"LineItems": [line(AccountCode="999")]}, "Account code '999' is not a valid code for this document."),
        ({"LineItems": [line(AccountCode="090")]}, "Account code '090' is not a valid code for this document."),
        ({"LineItems": [line(AccountCode="610")]}, "Account code '610' is not a valid code for this document."),
        ({"LineItems": [line(AccountCode="450")]}, "Account code '450' has been archived, or has been deleted."),
        (
            {"LineItems": [line(TaxType="INPUT2")]},
            "The TaxType code 'INPUT2' cannot be used with account code '200'.",
        ),
        ({"LineItems": [line(TaxType="20%")]}, "The TaxType code 20% does not exist or cannot be used"),
        ({"LineItems": [line(TaxType="TAX001")]}, "Tax rate must be Active"),
        ({"LineItems": [line(Quantity="1.000000000001")]}, "The field Quantity exceeds the maximum length of 13."),
        ({"LineItems": [line(ItemCode="none")]}, "Item code 'none' is not valid"),
    ],
)
def test_what_xero_refuses_the_simulator_refuses(xero: XeroCaller, fields: dict[str, Any], message: str) -> None:
    assert any(each.startswith(message) for each in xero.refused(**fields))
    assert not xero.organisation.invoices


def test_bills_take_no_discounts(xero: XeroCaller) -> None:
    lines = [line(AccountCode="429", DiscountRate=5)]

    assert xero.refused(Type="ACCPAY", LineItems=lines) == ["Discounts may not be applied to ACCPAY invoices."]


def test_a_draft_may_lack_due_date_lines_and_account(xero: XeroCaller) -> None:
    bare = xero.create(Status="DRAFT", DueDate=None, LineItems=None)
    loose = xero.create(Status="DRAFT", DueDate=None, LineItems=[line(AccountCode=None)])

    assert bare["Total"] == 0
    assert loose["Total"] == Decimal(100)


def test_approving_a_draft_checks_what_the_draft_could_lack(xero: XeroCaller) -> None:
    draft = xero.create(Status="DRAFT", LineItems=[line(AccountCode=None)])

    refused = xero.post("/Invoices", {"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"})

    assert refused.messages == ["Account code must be specified"]
    assert refused.json["Elements"][0]["InvoiceID"] == draft["InvoiceID"]


def test_approving_keeps_unit_prices_and_tax_as_they_were(xero: XeroCaller) -> None:
    draft = xero.create(Status="DRAFT", LineItems=[line(Quantity=3, UnitAmount=1.2345, TaxAmount="0.5")])

    approved = xero.post("/Invoices?unitdp=4", {"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"})

    assert approved.json["Invoices"][0]["LineItems"] == draft["LineItems"]
    assert approved.json["Invoices"][0]["Total"] == draft["Total"]


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        ("DRAFT", "SUBMITTED", True),
        ("DRAFT", "AUTHORISED", True),
        ("DRAFT", "DELETED", True),
        ("DRAFT", "VOIDED", False),
        ("SUBMITTED", "DRAFT", True),
        ("SUBMITTED", "AUTHORISED", True),
        ("SUBMITTED", "DELETED", True),
        ("AUTHORISED", "VOIDED", True),
        ("AUTHORISED", "DELETED", False),
        ("AUTHORISED", "DRAFT", False),
        ("AUTHORISED", "PAID", False),
        ("VOIDED", "AUTHORISED", False),
        ("DELETED", "DRAFT", False),
    ],
)
def test_the_status_machine(xero: XeroCaller, old: str, new: str, allowed: bool) -> None:
    before = {"VOIDED": "AUTHORISED", "DELETED": "DRAFT"}.get(old, old)
    created = xero.create(Status=before)
    path = f"/Invoices/{created['InvoiceNumber']}"
    if before != old:
        assert xero.post(path, {"Status": old}).status == 200

    answered = xero.post(path, {"Status": new})

    assert answered.status == (200 if allowed else 400)
    if not allowed:
        assert answered.messages == ["Invoice not of valid status for modification"]
    assert xero.organisation.invoices[created["InvoiceID"]]["Status"] == (new if allowed else old)


def test_the_answer_that_voids_still_shows_the_amount_due(xero: XeroCaller) -> None:
    created = xero.create()

    voided = xero.post(f"/Invoices/{created['InvoiceID']}", {"Status": "VOIDED"}).json["Invoices"][0]
    read = xero.get(f"/Invoices/{created['InvoiceID']}").json["Invoices"][0]

    assert (voided["AmountDue"], read["AmountDue"], read["Status"]) == (Decimal(120), Decimal(0), "VOIDED")


def test_a_voided_number_stays_taken(xero: XeroCaller) -> None:
    xero.create(InvoiceNumber="A-1")
    xero.post("/Invoices/A-1", {"Status": "VOIDED"})

    assert xero.refused(InvoiceNumber="A-1") == ["Invoice # must be unique."]


def test_an_authorised_invoice_of_nothing_is_paid_at_once(xero: XeroCaller) -> None:
    created = xero.create(LineItems=[line(UnitAmount=0)])

    assert (created["Status"], created["AmountPaid"]) == ("PAID", Decimal(0))


def test_sent_lines_replace_the_set(xero: XeroCaller) -> None:
    created = xero.create(LineItems=[line(Description="a"), line(Description="b"), line(Description="c")])
    first, second, _third = created["LineItems"]
    lines = [{"LineItemID": second["LineItemID"], "UnitAmount": 7}, line(Description="new")]

    changed = xero.post(f"/Invoices/{created['InvoiceID']}", {"LineItems": lines}).json["Invoices"][0]

    assert [each["Description"] for each in changed["LineItems"]] == ["b", "new"]
    assert changed["LineItems"][0]["LineItemID"] == second["LineItemID"]
    assert first["LineItemID"] not in {each["LineItemID"] for each in changed["LineItems"]}
    assert changed["SubTotal"] == Decimal(107)


def test_omitted_lines_stay(xero: XeroCaller) -> None:
    created = xero.create()

    changed = xero.post(f"/Invoices/{created['InvoiceID']}", {"Reference": "PO 7"}).json["Invoices"][0]

    assert changed["LineItems"] == created["LineItems"]
    assert changed["Reference"] == "PO 7"


def test_a_text_line_comes_back_as_text_only(xero: XeroCaller) -> None:
    created = xero.create(LineItems=[line(), {"Description": "Delivered on Monday"}])

    assert created["LineItems"][1].keys() == {"Description", "Tracking", "LineItemID", "ValidationErrors"}


def test_an_item_fills_in_what_the_line_leaves_out(xero: XeroCaller) -> None:
    sales = {"UnitPrice": "25.6125", "AccountCode": "260", "TaxType": "ZERORATEDOUTPUT"}
    xero.simulator.user(xero.organisation).create_item(Code="STR", Description="Strings", SalesDetails=sales)

    (filled,) = xero.create(LineItems=[{"ItemCode": "STR", "Quantity": 2}])["LineItems"]

    assert (filled["Description"], filled["AccountCode"]) == ("Strings", "260")
    assert (filled["UnitAmount"], filled["LineAmount"]) == (Decimal("25.6125"), Decimal("51.23"))
    assert (filled["TaxType"], filled["Item"]["Code"]) == ("ZERORATEDOUTPUT", "STR")


def test_a_line_takes_the_tax_of_its_account(xero: XeroCaller) -> None:
    assert xero.create(LineItems=[line(AccountCode="270")])["LineItems"][0]["TaxType"] == "NONE"


def test_dates_come_in_every_form_and_lose_their_zone_towards_utc(xero: XeroCaller) -> None:
    forms = ["2026-03-10", "2026-03-10T00:00:00", "/Date(1773100800000)/", "/Date(1773100800000+0000)/"]

    days = [xero.create(Date=form)["DateString"] for form in forms]
    auckland = xero.create(Date="2026-03-10T00:00:00+13:00")["DateString"]

    assert days == ["2026-03-10T00:00:00"] * 4
    assert auckland == "2026-03-09T00:00:00"


def test_lock_dates_refuse_creating_and_editing(xero: XeroCaller) -> None:
    created = xero.create(Date="2026-01-31")
    xero.simulator.user(xero.organisation).set_lock_dates(period=date(2026, 1, 31), year_end=date(2025, 12, 31))

    edit = xero.post(f"/Invoices/{created['InvoiceID']}", {"Reference": "x"})

    period = "The document date cannot be before the period lock date, currently set at 31 January 2026"
    assert edit.messages == [period]
    assert xero.refused(Date="2025-12-31") == [
        period,
        "The document date cannot be before the end of year lock date, currently set at 31 December 2025",
    ]
    assert xero.create(Date="2026-02-01")["Status"] == "AUTHORISED"


def test_a_foreign_invoice_gets_the_rate_of_the_day(xero: XeroCaller) -> None:
    created = xero.create(CurrencyCode="EUR")

    assert created["CurrencyRate"] == xero.organisation.day_rate("EUR")
    assert xero.create()["CurrencyRate"] == 1


def test_money_on_an_invoice_closes_most_of_it(xero: XeroCaller) -> None:
    created = xero.create()
    path = f"/Invoices/{created['InvoiceID']}"
    xero.simulator.user(xero.organisation).pay(created["InvoiceID"], "20")
    line_id = created["LineItems"][0]["LineItemID"]

    assert xero.post(path, {"Status": "VOIDED"}).messages == [
        "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
    ]
    assert xero.post(path, {"LineItems": [line(LineItemID=line_id, UnitAmount=1)]}).messages == [
        "This document cannot be edited as it has a payment or credit note allocated to it."
    ]
    assert xero.post(path, {"Date": "2026-03-11"}).status == 400
    assert (
        xero.post(path, {"Reference": "PO", "LineItems": [line(LineItemID=line_id, Description="x")]}).status == 200
    )


def test_an_invoice_over_nothing_is_paid_until_somebody_adds_something(xero: XeroCaller) -> None:
    created = xero.create(LineItems=[line(UnitAmount=0)])
    person = xero.simulator.user(xero.organisation)

    owed = person.edit_line(created["InvoiceID"], UnitAmount=Decimal(10))

    assert (created["Status"], created["AmountDue"]) == ("PAID", Decimal(0))
    assert (owed["Status"], owed["AmountDue"], owed["FullyPaidOnDate"]) == ("AUTHORISED", owed["Total"], None)


def test_payments_change_amounts_status_and_update_time(xero: XeroCaller) -> None:
    created = xero.create()
    person = xero.simulator.user(xero.organisation)
    xero.clock.advance(timedelta(hours=1))

    person.pay(created["InvoiceID"], "20", reference="BACS")
    part = xero.get(f"/Invoices/{created['InvoiceID']}").json["Invoices"][0]
    person.pay(created["InvoiceID"], 100, on="2026-03-12")
    whole = xero.get(f"/Invoices/{created['InvoiceID']}").json["Invoices"][0]
    reopened = person.remove_payment(part["Payments"][0]["PaymentID"])

    assert (part["Status"], part["AmountPaid"], part["AmountDue"]) == ("AUTHORISED", Decimal(20), Decimal(100))
    assert part["UpdatedDateUTCString"] == "2026-03-10T10:30:05Z"
    assert part["Payments"][0].keys().isdisjoint({"Account", "Status"})
    assert (whole["Status"], whole["AmountDue"]) == ("PAID", Decimal(0))
    assert whole["FullyPaidOnDate"] == "/Date(1773273600000+0000)/"
    assert (reopened["Status"], reopened["AmountDue"]) == ("AUTHORISED", Decimal(20))
    with pytest.raises(NotAllowed, match="exceeds the amount outstanding"):
        person.pay(created["InvoiceID"], 21)


def test_a_new_due_date_on_a_part_paid_invoice_is_silent(xero: XeroCaller) -> None:
    created = xero.create()
    xero.simulator.user(xero.organisation).pay(created["InvoiceID"], "20")
    xero.clock.advance(timedelta(hours=1))

    changed = xero.post(f"/Invoices/{created['InvoiceID']}", {"DueDate": "2026-05-01"}).json["Invoices"][0]

    assert changed["DueDateString"] == "2026-05-01T00:00:00"
    assert changed["UpdatedDateUTCString"] == "2026-03-10T09:30:05Z"


def test_the_plan_can_cap_approvals(xero: XeroCaller) -> None:
    xero.organisation.approvals_max = 1
    xero.create()

    assert xero.refused() == ["You have reached the limit of invoices you can approve"]
    assert xero.create(Status="DRAFT")["Status"] == "DRAFT"


def test_an_unknown_id_is_an_html_404_in_the_path_and_a_refusal_in_the_body(xero: XeroCaller) -> None:
    unknown = "11111111-1111-4111-8111-111111111111"

    read, update = xero.get(f"/Invoices/{unknown}"), xero.post(f"/Invoices/{unknown}", {})
    upsert = xero.post("/Invoices", invoice(InvoiceID=unknown))

    for answered in (read, update):
        assert (answered.status, answered.text) == (404, "")
        assert answered.headers["Content-Type"] == "text/html; charset=utf-8"
    assert upsert.messages == ["An existing Invoice with the specified InvoiceID could not be found"]


def test_a_body_that_is_no_json_is_refused(xero: XeroCaller) -> None:
    answered = xero.put("/Invoices", "{not json")

    assert (answered.status, answered.json["Type"]) == (400, "PostDataInvalidException")
