"""Contacts and items: identity, uniqueness, merging of fields, the archive, balances."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.xero_caller import ZERO_ID, XeroCaller, line, start_xero

ARCHIVED = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


@pytest.fixture
def ann(xero: XeroCaller) -> dict[str, Any]:
    raw = {"Name": "Ann Smith", "ContactNumber": "C-1", "AccountNumber": "A-1", "EmailAddress": "ann@example.com"}
    return dict(xero.put("/Contacts", {"Contacts": [raw]}).json["Contacts"][0])


def test_put_refuses_a_name_or_number_that_is_taken(xero: XeroCaller, ann: dict[str, Any]) -> None:
    by_name = xero.put("/Contacts", {"Name": "ann smith"})
    by_number = xero.put("/Contacts", {"Name": "Other", "ContactNumber": "C-1"})

    assert by_name.messages == [
        "The contact name ann smith is already assigned to another contact. "
        "The contact name must be unique across all active contacts."
    ]
    assert by_name.json["Elements"][0]["ContactID"] == ZERO_ID
    assert by_number.status == 400
    assert list(xero.organisation.contacts) == [ann["ContactID"]]


def test_post_finds_the_contact_and_keeps_what_it_does_not_name(xero: XeroCaller, ann: dict[str, Any]) -> None:
    for named in ({"ContactID": ann["ContactID"]}, {"ContactNumber": "C-1"}, {"Name": "ANN SMITH"}):
        answered = xero.post("/Contacts", named | {"FirstName": "Ann"})

        (contact,) = answered.json["Contacts"]
        assert (contact["ContactID"], contact["EmailAddress"]) == (ann["ContactID"], "ann@example.com")


def test_a_rename_may_not_take_another_active_name(xero: XeroCaller, ann: dict[str, Any]) -> None:
    xero.put("/Contacts", {"Name": "Bob"})

    assert "already assigned" in xero.post(f"/Contacts/{ann['ContactID']}", {"Name": "bob"}).messages[0]
    assert xero.post("/Contacts/C-1", {"Name": "Ann S"}).json["Contacts"][0]["Name"] == "Ann S"


def test_an_archived_name_is_free_and_the_archived_contact_is_closed(xero: XeroCaller, ann: dict[str, Any]) -> None:
    xero.post("/Contacts", {"ContactID": ann["ContactID"], "ContactStatus": "ARCHIVED"})

    assert xero.post("/Contacts", {"ContactID": ann["ContactID"], "FirstName": "x"}).messages == [ARCHIVED]
    assert xero.post("/Contacts", {"ContactNumber": "C-1", "Name": "x"}).messages == [ARCHIVED]
    assert xero.put("/Contacts", {"Name": "Ann Smith"}).status == 200
    assert "'ARCHIVED' is not valid for contacts" in xero.refused(Contact={"ContactID": ann["ContactID"]})[0]


def test_archived_contacts_hide_from_lists_but_not_from_their_id(xero: XeroCaller, ann: dict[str, Any]) -> None:
    person = xero.simulator.user(xero.organisation)
    person.archive_contact(ann["ContactID"])

    assert xero.get("/Contacts").json["Contacts"] == []
    assert len(xero.get("/Contacts?includeArchived=true").json["Contacts"]) == 1
    assert xero.get(f"/Contacts/{ann['ContactID']}").json["Contacts"][0]["ContactStatus"] == "ARCHIVED"
    person.restore_contact(ann["ContactID"])
    assert len(xero.get("/Contacts").json["Contacts"]) == 1


def test_phones_and_addresses_are_slots_merged_by_type(xero: XeroCaller, ann: dict[str, Any]) -> None:
    phones = [{"PhoneType": "MOBILE", "PhoneNumber": "07700"}]
    addresses = [{"AddressType": "POBOX", "AddressLine1": "1 High Street"}]

    path = f"/Contacts/{ann['ContactID']}"
    changed = xero.post(path, {"Phones": phones, "Addresses": addresses}).json["Contacts"][0]

    assert {each["PhoneType"]: each["PhoneNumber"] for each in changed["Phones"]} == {
        "DEFAULT": "",
        "DDI": "",
        "FAX": "",
        "MOBILE": "07700",
    }
    assert [each.get("AddressLine1") for each in changed["Addresses"]] == [None, "1 High Street"]


def test_an_invoice_creates_or_finds_its_contact_by_name(xero: XeroCaller, ann: dict[str, Any]) -> None:
    found = xero.create(Contact={"Name": "Ann Smith"})
    made = xero.create(Contact={"Name": "Carl"})

    assert found["Contact"]["ContactID"] == ann["ContactID"]
    assert made["Contact"]["ContactID"] not in {ann["ContactID"], ZERO_ID}
    assert xero.refused(Contact={"ContactNumber": "none"}) == [
        "A Contact must be specified for this type of transaction"
    ]


def test_extra_fields_in_an_invoice_change_the_contact_and_lose_its_persons(
    xero: XeroCaller, ann: dict[str, Any]
) -> None:
    persons = [{"FirstName": "Pat", "EmailAddress": "pat@example.com"}]
    xero.post("/Contacts/C-1", {"ContactPersons": persons})
    xero.create(Contact={"ContactID": ann["ContactID"]})
    kept = xero.organisation.contacts[ann["ContactID"]]

    xero.create(Contact={"ContactID": ann["ContactID"], "EmailAddress": "new@example.com"})
    changed = xero.organisation.contacts[ann["ContactID"]]

    assert len(kept["ContactPersons"]) == 1
    assert (changed["EmailAddress"], changed["ContactPersons"]) == ("new@example.com", [])


def test_balances_show_what_is_due_in_base_currency_without_touching_the_contact(
    xero: XeroCaller, ann: dict[str, Any]
) -> None:
    xero.clock.advance(timedelta(minutes=1))
    contact = {"ContactID": ann["ContactID"]}
    xero.create(Contact=contact, DueDate="2026-03-01", CurrencyCode="EUR", CurrencyRate="1.25")
    xero.create(Contact=contact)
    xero.create(Contact=contact, Type="ACCPAY", LineItems=[line(AccountCode="429")])
    xero.create(Contact=contact, Status="DRAFT")

    single = xero.get("/Contacts/C-1").json["Contacts"][0]
    paged = xero.get("/Contacts?page=1").json["Contacts"][0]

    assert single["Balances"]["AccountsReceivable"] == {"Outstanding": Decimal(216), "Overdue": Decimal(96)}
    assert single["Balances"]["AccountsPayable"] == {"Outstanding": Decimal(120), "Overdue": Decimal(0)}
    assert paged["Balances"] == single["Balances"]
    assert (single["IsCustomer"], single["IsSupplier"]) == (True, True)
    assert single["UpdatedDateUTC"] == ann["UpdatedDateUTC"]
    assert "Balances" not in xero.get("/Contacts").json["Contacts"][0]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "The Contact must contain at least 1 of the following elements"),
        ({"Name": "a" * 256}, "The field Name exceeds the maximum length of 255."),
        ({"Name": "Two  blanks"}, "The contact name must not contain"),
        ({"Name": "<b>"}, "The contact name must not contain"),
        ({"Name": " Dan"}, "The contact name must not contain"),
        ({"Name": "Dan "}, "The contact name must not contain"),
        ({"Name": "Dan", "ContactNumber": "1" * 51}, "The field ContactNumber exceeds the maximum length of 50."),
        ({"Name": "Dan", "AccountNumber": "1" * 51}, "The field AccountNumber exceeds the maximum length of 50."),
        ({"Name": "Dan", "EmailAddress": "dan"}, "Email address must be valid."),
        ({"Name": "Dan", "EmailAddress": "dän@example.com"}, "Email address must be valid."),
        (
            {"Name": "Dan", "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "1" * 51}]},
            "The field PhoneNumber exceeds the maximum length of 50.",
        ),
        (
            {"Name": "Dan", "Addresses": [{"AddressType": "STREET", "Country": "x" * 51}]},
            "The field Country exceeds the maximum length of 50.",
        ),
        ({"Name": "Dan", "ContactPersons": [{}] * 6}, "A contact can have no more than 5 contact persons."),
    ],
)
def test_contacts_are_checked(xero: XeroCaller, raw: dict[str, Any], message: str) -> None:
    assert xero.put("/Contacts", raw).messages[0].startswith(message)


@pytest.mark.parametrize("query", ["where=" + quote('Name=="ANN SMITH"'), "searchTerm=ann%40", "page=1"])
def test_contacts_are_found(xero: XeroCaller, ann: dict[str, Any], query: str) -> None:
    assert [each["ContactID"] for each in xero.get(f"/Contacts?{query}").json["Contacts"]] == [ann["ContactID"]]


def test_summaries_of_contacts_drop_the_slots(xero: XeroCaller, ann: dict[str, Any]) -> None:
    (shown,) = xero.get("/Contacts?summaryOnly=true").json["Contacts"]

    assert shown["Name"] == ann["Name"]
    assert {"Addresses", "ContactPersons", "IsCustomer", "Balances"}.isdisjoint(shown)


def test_a_merged_contact_names_its_heir(xero: XeroCaller, ann: dict[str, Any]) -> None:
    created = xero.create(Contact={"Name": "Twin"})
    twin = created["Contact"]["ContactID"]

    xero.simulator.user(xero.organisation).merge_contact(twin, into=ann["ContactID"])

    shown = xero.get(f"/Contacts/{twin}").json["Contacts"][0]
    assert (shown["ContactStatus"], shown["MergedToContactID"]) == ("ARCHIVED", ann["ContactID"])
    assert xero.organisation.invoices[created["InvoiceID"]]["Contact"]["ContactID"] == ann["ContactID"]


def test_item_codes_know_neither_case_nor_blanks_around_them(xero: XeroCaller) -> None:
    made = xero.put("/Items", {"Code": " Str 1 ", "Name": "Strings"}).json["Items"][0]
    same = xero.post("/Items", {"Code": "STR 1", "Name": "Other"}).json["Items"][0]

    assert (made["Code"], same["ItemID"]) == ("Str 1", made["ItemID"])
    assert xero.put("/Items", {"Code": "str 1 "}).messages == ["Price List Item with Code 'str 1' already exists"]
    assert xero.put("/Items", {"Code": "  "}).messages == ["The item Code must be specified."]
    assert xero.create(LineItems=[line(ItemCode=" str 1 ")])["LineItems"][0]["ItemCode"] == "STR 1"


def test_items_are_unique_by_code_and_upserted_by_post(xero: XeroCaller) -> None:
    first = xero.put("/Items?unitdp=4", {"Code": "123", "SalesDetails": {"UnitPrice": 1.2345}}).json["Items"][0]
    second = xero.post("/Items", {"Items": [{"Code": "123", "Name": "Strings"}]}).json["Items"][0]

    assert xero.put("/Items", {"Code": "123"}).messages == ["Price List Item with Code '123' already exists"]
    assert second["ItemID"] == first["ItemID"]
    assert second["SalesDetails"]["UnitPrice"] == Decimal("1.23")
    assert xero.get("/Items/123?unitdp=4").json["Items"][0]["SalesDetails"]["UnitPrice"] == Decimal("1.2345")
    assert "pagination" not in xero.get("/Items?page=1").json
    assert xero.put("/Items", {"Code": "x" * 31}).messages == ["The field Code exceeds the maximum length of 30."]
