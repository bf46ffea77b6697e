"""Payment terms of contacts and the organisation: stored and shown, never applied."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.xero import NotAllowed, Person
from tests.contract.xero_caller import XeroCaller, start_xero

SALES, BILLS = {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, {"Day": 20, "Type": "OFFOLLOWINGMONTH"}


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


@pytest.fixture
def person(xero: XeroCaller) -> Person:
    return xero.simulator.user(xero.organisation)


def _shown(xero: XeroCaller, query: str = "") -> dict[str, Any]:
    (contact,) = xero.get(f"/Contacts{query}").json["Contacts"]
    return dict(contact)


def test_terms_of_a_contact_are_stored_by_side(xero: XeroCaller) -> None:
    made = xero.put("/Contacts", {"Name": "Ann", "ContactNumber": "C-1", "PaymentTerms": {"Sales": SALES}})
    xero.post("/Contacts/C-1", {"PaymentTerms": {"Bills": BILLS}})
    xero.post("/Contacts/C-1", {"FirstName": "Ann"})

    assert made.json["Contacts"][0]["PaymentTerms"] == {"Sales": SALES}
    assert _shown(xero, "/C-1")["PaymentTerms"] == {"Sales": SALES, "Bills": BILLS}
    assert _shown(xero, "?page=1")["PaymentTerms"] == {"Sales": SALES, "Bills": BILLS}
    assert "PaymentTerms" not in _shown(xero, "?summaryOnly=true")


@pytest.mark.parametrize("kind", ["DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH"])
def test_every_kind_of_term(xero: XeroCaller, kind: str) -> None:
    xero.put("/Contacts", {"Name": "Ann", "PaymentTerms": {"Sales": {"Day": "31", "Type": kind}}})

    assert _shown(xero)["PaymentTerms"]["Sales"] == {"Day": 31, "Type": kind}


@pytest.mark.parametrize(
    "terms",
    [
        "soon",
        {"Sales": {"Day": 32, "Type": "OFCURRENTMONTH"}},
        {"Sales": {"Day": 1.5, "Type": "OFCURRENTMONTH"}},
        {"Sales": {"Type": "OFCURRENTMONTH"}},
        {"Bills": {"Day": 5, "Type": "SOMETIMES"}},
    ],
)
def test_terms_that_make_no_sense_are_refused(xero: XeroCaller, terms: Any) -> None:
    assert "payment" in xero.put("/Contacts", {"Name": "Ann", "PaymentTerms": terms}).messages[0].lower()


def test_terms_put_no_due_date(xero: XeroCaller, person: Person) -> None:
    contact = {"ContactID": person.create_contact(Name="Ann", PaymentTerms={"Sales": SALES})["ContactID"]}
    person.set_payment_terms(sales=SALES)

    assert "DueDate" not in xero.create(Contact=contact, Status="DRAFT", DueDate=None)
    assert xero.refused(Contact=contact, DueDate=None) == ["The document DueDate field must be specified."]
    assert "PaymentTerms" not in xero.create(Contact=contact)["Contact"]


def test_people_change_terms_of_contacts_and_organisation(xero: XeroCaller, person: Person) -> None:
    contact_id = person.create_contact(Name="Ann", PaymentTerms={"Sales": SALES})["ContactID"]

    person.set_contact_terms(contact_id, bills=BILLS)
    changed = _shown(xero)["PaymentTerms"]
    person.set_contact_terms(contact_id)
    person.set_payment_terms(sales=SALES, bills=BILLS)

    assert changed == {"Bills": BILLS}
    assert "PaymentTerms" not in _shown(xero)
    assert xero.post("/Contacts", {"Name": "Ann", "PaymentTerms": {"Sales": SALES}}).status == 200
    assert _shown(xero)["PaymentTerms"] == {"Sales": SALES}
    assert xero.get("/Organisation").json["Organisations"][0]["PaymentTerms"] == {"Bills": BILLS, "Sales": SALES}
    with pytest.raises(NotAllowed):
        person.set_contact_terms(contact_id, sales={"Day": 40, "Type": "OFCURRENTMONTH"})


def test_an_organisation_begins_with_terms() -> None:
    xero = start_xero(payment_terms={"Sales": SALES})

    assert xero.get("/Organisation").json["Organisations"][0]["PaymentTerms"] == {"Sales": SALES}
    with pytest.raises(ValueError, match="Day"):
        start_xero(payment_terms={"Sales": {"Day": -1, "Type": "OFCURRENTMONTH"}})
