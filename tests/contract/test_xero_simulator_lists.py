"""Lists: the where grammar, list parameters, paging, what each shape leaves out, and changes since a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.xero_caller import Answered, XeroCaller, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    """Three invoices, one second apart: A-1 of Ann, A-2 draft of Bob, and the bill B-1 of Bob."""
    caller = start_xero()
    caller.create(InvoiceNumber="A-1", Reference="Red car", LineItems=[line(UnitAmount=50)])
    caller.clock.advance(timedelta(seconds=1))
    caller.create(InvoiceNumber="A-2", Contact={"Name": "Bob"}, Status="DRAFT", Date="2026-02-01", Reference="blue")
    caller.clock.advance(timedelta(seconds=1))
    bill = {"Type": "ACCPAY", "LineItems": [line(AccountCode="429")]}
    caller.create(InvoiceNumber="B-1", Contact={"Name": "Bob"}, **bill)
    return caller


def _numbers(answered: Answered) -> list[str]:
    assert answered.status == 200, answered.text
    return [each["InvoiceNumber"] for each in answered.json["Invoices"]]


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ('Type=="ACCREC"', ["A-1", "A-2"]),
        ('Type = "accrec" AND Status != "DRAFT"', ["A-1"]),
        ('InvoiceNumber=="a-2"', ["A-2"]),
        ('InvoiceNumber=="A-1" OR InvoiceNumber=="B-1"', ["A-1", "B-1"]),
        ('(Status=="DRAFT" || Type=="ACCPAY") && Contact.Name=="bob"', ["A-2", "B-1"]),
        ("Date>=DateTime(2026,03,01)", ["A-1", "B-1"]),
        ("Date<DateTime(2026, 3, 1) AND DueDate!=null", ["A-2"]),
        ('Date==DateTime.Parse("2026-02-01")', ["A-2"]),
        ("AmountDue>60.00", ["A-2", "B-1"]),
        ("AmountDue>=60 and AmountDue<=60", ["A-1"]),
        ('Reference.Contains("CAR")', ["A-1"]),
        ('Reference != null AND Reference.StartsWith("b")', ["A-2"]),
        ('Reference.ToLower()=="red car"', ["A-1"]),
        ("Reference==null", ["B-1"]),
        ("SentToContact==false", ["A-1", "A-2", "B-1"]),
    ],
)
def test_where(xero: XeroCaller, where: str, numbers: list[str]) -> None:
    assert _numbers(xero.get(f"/Invoices?where={quote(where)}")) == numbers


def test_where_compares_guids(xero: XeroCaller) -> None:
    contact_id = xero.organisation.contacts.first_by("Name", "bob")["ContactID"]  # type: ignore[index]

    found = xero.get(f"/Invoices?where={quote(f'Contact.ContactID==guid({chr(34)}{contact_id.upper()}{chr(34)})')}")

    assert _numbers(found) == ["A-2", "B-1"]


@pytest.mark.parametrize("where", ["Nonsense==1", 'Type=="ACCREC', "Type==", 'Type=="A" AND', "Total > AND", "#"])
def test_a_where_that_makes_no_sense_is_refused(xero: XeroCaller, where: str) -> None:
    answered = xero.get(f"/Invoices?where={quote(where)}")

    assert (answered.status, answered.json["Type"]) == (400, "QueryParseException")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("Statuses=DRAFT,AUTHORISED", ["A-1", "A-2", "B-1"]),
        ("statuses=DRAFT", ["A-2"]),
        ("InvoiceNumbers=A-1,b-1,none", ["A-1", "B-1"]),
        ("searchTerm=BLUE", ["A-2"]),
        ("createdByMyApp=True", ["A-1", "A-2", "B-1"]),
        ("order=InvoiceNumber+DESC", ["B-1", "A-2", "A-1"]),
        ("order=Type,Date+ASC", ["B-1", "A-2", "A-1"]),
        ("page=2&pageSize=2", ["B-1"]),
        ("page=9", []),
    ],
)
def test_list_parameters(xero: XeroCaller, query: str, numbers: list[str]) -> None:
    assert _numbers(xero.get(f"/Invoices?{query}")) == numbers


def test_ids_and_contacts_narrow_the_list_and_force_paging(xero: XeroCaller) -> None:
    ids = [each["InvoiceID"] for each in xero.organisation.invoices.values()]
    bob = xero.organisation.invoices[ids[1]]["Contact"]["ContactID"]

    by_id = xero.get(f"/Invoices?IDs={ids[2]},{ids[0].upper()}")
    by_both = xero.get(f"/Invoices?IDs={ids[0]},{ids[1]}&ContactIDs={bob}")

    assert _numbers(by_id) == ["A-1", "B-1"]
    assert _numbers(by_both) == ["A-2"]
    assert "pagination" in by_id.json


def test_created_by_my_app_leaves_out_what_people_made(xero: XeroCaller) -> None:
    person = xero.simulator.user(xero.organisation)
    person.create_invoice(Type="ACCREC", Contact={"Name": "Ann"}, InvoiceNumber="BY-HAND")

    assert "BY-HAND" not in _numbers(xero.get("/Invoices?createdByMyApp=true"))
    assert "BY-HAND" in _numbers(xero.get("/Invoices"))


def test_unpaged_lists_have_neither_lines_nor_pagination(xero: XeroCaller) -> None:
    unpaged, paged = xero.get("/Invoices").json, xero.get("/Invoices?page=1").json

    assert "pagination" not in unpaged
    assert all(each["LineItems"] == [] for each in unpaged["Invoices"])
    assert all(each["LineItems"] for each in paged["Invoices"])
    assert paged["pagination"] == {"page": 1, "pageSize": 100, "pageCount": 1, "itemCount": 3}
    assert list(paged).index("pagination") < list(paged).index("Invoices")
    assert paged["Invoices"][0]["Contact"]["Addresses"] == []


@pytest.mark.parametrize(("asked", "given"), [("0", 1), ("5000", 1000), ("2", 2)])
def test_page_sizes_out_of_range_are_clamped(xero: XeroCaller, asked: str, given: int) -> None:
    assert xero.get(f"/Invoices?page=1&pageSize={asked}").json["pagination"]["pageSize"] == given


@pytest.mark.parametrize("query", ["Statuses=AUTHORISED", "summaryOnly=true"])
def test_some_parameters_force_pages_of_a_hundred(query: str) -> None:
    caller = start_xero()
    element = {"Type": "ACCREC", "Contact": {"Name": "Ann"}, "DueDate": "2026-04-01", "Status": "AUTHORISED"}
    caller.put("/Invoices", {"Invoices": [element | {"LineItems": [line()]} for _ in range(101)]})

    answered = caller.get(f"/Invoices?{query}").json

    assert (len(answered["Invoices"]), answered["pagination"]["itemCount"]) == (100, 101)


def test_summaries_drop_lines_and_payments(xero: XeroCaller) -> None:
    shown = xero.get("/Invoices?summaryOnly=true").json["Invoices"][0]

    assert {"LineItems", "Payments", "HasAttachments"}.isdisjoint(shown)
    assert shown["AmountDue"] == 60


@pytest.mark.parametrize("form", ["2026-03-10T09:30:06", "2026-03-10T09:30:06+00:00", "2026-03-10T22:30:06+13:00"])
def test_changes_since_a_second_include_that_second(xero: XeroCaller, form: str) -> None:
    assert _numbers(xero.get("/Invoices", If_Modified_Since=form)) == ["A-2", "B-1"]


def test_an_unreadable_since_is_a_failed_precondition(xero: XeroCaller) -> None:
    assert xero.get("/Invoices", If_Modified_Since="yesterday").status == 412


def test_a_change_moves_a_record_to_the_end(xero: XeroCaller) -> None:
    xero.clock.advance(timedelta(seconds=1))
    xero.post("/Invoices/A-1", {"Reference": "green"})

    assert _numbers(xero.get("/Invoices?page=1")) == ["A-2", "B-1", "A-1"]


def test_deleted_and_voided_invoices_stay_in_lists(xero: XeroCaller) -> None:
    xero.post("/Invoices/A-2", {"Status": "DELETED"})
    xero.post("/Invoices/A-1", {"Status": "VOIDED"})

    assert {"A-1", "A-2"} <= set(_numbers(xero.get("/Invoices")))


def test_accounts_and_tax_rates_are_filtered_too(xero: XeroCaller) -> None:
    def codes(path: str, plural: str, field: str) -> list[Any]:
        return [each[field] for each in xero.get(path).json[plural]]

    accounts = codes(f"/Accounts?where={quote('Status==' + chr(34) + 'ARCHIVED' + chr(34))}", "Accounts", "Code")
    rates = codes("/TaxRates", "TaxRates", "Status")

    assert accounts == ["450"]
    assert "DELETED" in rates
