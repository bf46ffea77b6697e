"""A customer ↔ a Xero contact: which existing one it is, and the document of a new one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.invoice import Address
from mappers.contacts import match_contact, tidy, to_xero_contact
from tests.unit.made import CUSTOMER_ID, customer

COFFEE = customer(account_number="AC-100")


def contact(contact_id: str = "x-1", **different: Any) -> dict[str, Any]:
    return {"ContactID": contact_id, "Name": "Somebody", "ContactStatus": "ACTIVE"} | different


def matched(*contacts: dict[str, Any], who: Any = COFFEE) -> tuple[list[str], str]:
    found, step = match_contact(who, contacts)
    return [each["ContactID"] for each in found], step


# -- matching (rule C20) -----------------------------------------------------------------------------------


def test_the_number_comes_before_the_account_number_before_the_name() -> None:
    by_number = contact("x-1", ContactNumber=CUSTOMER_ID, Name="Renamed in Xero")
    by_account = contact("x-2", AccountNumber="AC-100")
    by_name = contact("x-3", Name="Fourth Coffee")

    assert matched(by_name, by_account, by_number) == (["x-1"], "contact number")
    assert matched(by_name, by_account) == (["x-2"], "account number")
    assert matched(by_name) == (["x-3"], "name")
    assert matched() == ([], "")


@pytest.mark.parametrize(
    "name", ["fourth coffee", " Fourth  Coffee ", "FOURTH\tCOFFEE", "Fourth\u00a0Coffee", "Fourth Coffee"]
)
def test_names_are_compared_without_case_and_extra_spaces(name: str) -> None:
    assert matched(contact(Name=name)) == (["x-1"], "name")


def test_case_is_folded_beyond_ascii() -> None:
    assert matched(contact(Name="STRASSE GmbH"), who=customer(name="Straße GmbH")) == (["x-1"], "name")


def test_ids_are_compared_without_case() -> None:
    assert matched(contact(ContactNumber=CUSTOMER_ID.upper())) == (["x-1"], "contact number")


def test_a_contact_that_bears_another_customers_number_is_another_customer() -> None:
    """Two customers of one name are two contacts."""
    another = contact(
        ContactNumber="99999999-9999-4999-8999-999999999999", Name="Fourth Coffee", AccountNumber="AC-100"
    )

    assert matched(another) == ([], "")
    assert matched(another, contact("x-2", Name="Fourth Coffee")) == (["x-2"], "name")


def test_several_are_all_returned_and_never_the_first() -> None:
    one, other = contact("x-1", Name="Fourth Coffee"), contact("x-2", Name="fourth coffee")

    assert matched(one, other) == (["x-1", "x-2"], "name")
    assert matched(contact("x-1", AccountNumber="AC-100"), contact("x-2", AccountNumber="ac-100"), one) == (
        ["x-1", "x-2"],
        "account number",
    )


def test_a_customer_without_account_number_or_name_matches_nothing_by_it() -> None:
    blank = customer(name=" ")

    assert matched(contact(Name=""), contact("x-2", AccountNumber=""), contact("x-3", Name=None), who=blank) == (
        [],
        "",
    )


def test_a_name_that_only_contains_the_other_is_another() -> None:
    assert matched(contact(Name="Fourth Coffee Ltd"), contact("x-2", Name="Fourth")) == ([], "")


@given(order=st.permutations(range(4)))
def test_the_order_in_which_xero_lists_does_not_decide(order: list[int]) -> None:
    contacts = [
        contact("x-0", Name="Fourth Coffee"),
        contact("x-1", ContactNumber="another", Name="Fourth Coffee"),
        contact("x-2", AccountNumber="AC-100"),
        contact("x-3", Name="Unrelated"),
    ]

    assert matched(*(contacts[n] for n in order)) == (["x-2"], "account number")


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tidied"),
    [
        ("Fourth  Coffee", "Fourth Coffee"),
        (" \tFourth\nCoffee ", "Fourth Coffee"),
        ("A <b> & Co", "A (b) & Co"),
        ("☕ Café 😀", "☕ Café 😀"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_names_as_xero_takes_them(name: str, tidied: str) -> None:
    assert tidy(name) == tidied


@given(name=st.text())
def test_a_tidy_name_is_tidy(name: str) -> None:
    once = tidy(name)

    assert tidy(once) == once
    assert "  " not in once
    assert not set("<>") & set(once)


# -- the document of a new contact (rule C21) --------------------------------------------------------------


def test_a_customer_with_everything() -> None:
    address = Address(
        ("1 High Street", "Floor 2", "Back door"), "London", "Greater London", "N1 1AA", "United Kingdom"
    )
    full = customer(
        account_number="AC-100",
        first_name="Ann",
        last_name="Lee",
        email="books@fourth.example",
        phone="1",
        mobile="2",
        fax="3",
        address=address,
    )
    place = {
        "AddressLine1": "1 High Street",
        "AddressLine2": "Floor 2",
        "AddressLine3": "Back door",
        "City": "London",
        "Region": "Greater London",
        "PostalCode": "N1 1AA",
        "Country": "United Kingdom",
    }

    assert to_xero_contact(full, name="Fourth Coffee (AC-100)") == {
        "Name": "Fourth Coffee (AC-100)",
        "ContactNumber": CUSTOMER_ID,
        "AccountNumber": "AC-100",
        "FirstName": "Ann",
        "LastName": "Lee",
        "EmailAddress": "books@fourth.example",
        "Phones": [
            {"PhoneType": "DEFAULT", "PhoneNumber": "1"},
            {"PhoneType": "MOBILE", "PhoneNumber": "2"},
            {"PhoneType": "FAX", "PhoneNumber": "3"},
        ],
        "Addresses": [{"AddressType": "POBOX", **place}, {"AddressType": "STREET", **place}],
    }


def test_what_is_empty_is_not_sent() -> None:
    assert to_xero_contact(customer(), name="Fourth Coffee") == {
        "Name": "Fourth Coffee",
        "ContactNumber": CUSTOMER_ID,
    }


def test_texts_are_cut_to_what_xero_takes() -> None:
    """Where Dynamics has room for more (its country has 80 characters): a customer must not fail for it."""
    long = customer(account_number="9" * 60, phone="1" * 60, address=Address(country="U" * 80))

    made = to_xero_contact(long, name="n" * 300)

    assert {name: len(made[name]) for name in ("Name", "AccountNumber")} == {"Name": 255, "AccountNumber": 50}
    assert len(made["Phones"][0]["PhoneNumber"]) == 50
    assert len(made["Addresses"][0]["Country"]) == 50
