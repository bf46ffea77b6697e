"""Tracking: categories and options, and what lines may say of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from simulators.xero import NotAllowed, Person
from tests.contract.xero_caller import XeroCaller, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


@pytest.fixture
def person(xero: XeroCaller) -> Person:
    person = xero.simulator.user(xero.organisation)
    person.add_tracking_category("Region", ["North", "South"])
    person.add_tracking_category("Team", ["Red"])
    person.add_tracking_category("Old", ["x"])
    return person


def _categories(xero: XeroCaller, query: str = "") -> dict[str, Any]:
    found = xero.get(f"/TrackingCategories{query}").json["TrackingCategories"]
    return {each["Name"]: each for each in found}


def _refused(xero: XeroCaller, *tracking: Any) -> list[str]:
    return xero.refused(LineItems=[line(Tracking=list(tracking))])


def test_categories_are_listed_with_their_options(xero: XeroCaller, person: Person) -> None:
    person.add_tracking_option("region", "East")
    region = _categories(xero)["Region"]

    assert region.keys() == {"Name", "Status", "TrackingCategoryID", "Options"}
    assert [option["Name"] for option in region["Options"]] == ["North", "South", "East"]
    assert region["Options"][0].keys() == {"TrackingOptionID", "Name", "Status"}
    assert xero.get(f"/TrackingCategories/{region['TrackingCategoryID']}").json["TrackingCategories"] == [region]
    assert list(_categories(xero, "?where=" + quote('Name=="team"'))) == ["Team"]
    assert xero.get("/TrackingCategories/none").status == 404


def test_what_is_archived_shows_on_demand(xero: XeroCaller, person: Person) -> None:
    person.archive_tracking_category("Old")
    person.archive_tracking_option("Region", "South")

    shown, everything = _categories(xero), _categories(xero, "?includeArchived=true")

    assert set(shown) == {"Region", "Team"}
    assert [each["Name"] for each in shown["Region"]["Options"]] == ["North"]
    assert everything["Old"]["Status"] == "ARCHIVED"
    assert [each["Status"] for each in everything["Region"]["Options"]] == ["ACTIVE", "ARCHIVED"]


@pytest.mark.usefixtures("person")
def test_a_line_names_category_and_option_by_name_or_id_and_gets_both(xero: XeroCaller) -> None:
    region, team = _categories(xero)["Region"], _categories(xero)["Team"]
    ids = {
        "TrackingCategoryID": team["TrackingCategoryID"].upper(),
        "TrackingOptionID": team["Options"][0]["TrackingOptionID"],
    }

    created = xero.create(LineItems=[line(Tracking=[{"Name": "REGION", "Option": "north"}, ids])])

    whole = [
        {
            "Name": category["Name"],
            "Option": category["Options"][0]["Name"],
            "TrackingCategoryID": category["TrackingCategoryID"],
            "TrackingOptionID": category["Options"][0]["TrackingOptionID"],
        }
        for category in (region, team)
    ]
    assert created["LineItems"][0]["Tracking"] == whole
    assert xero.get(f"/Invoices/{created['InvoiceID']}").json["Invoices"][0]["LineItems"][0]["Tracking"] == whole


@pytest.mark.usefixtures("person")
def test_at_most_two_categories_and_each_once(xero: XeroCaller) -> None:
    north, red = {"Name": "Region", "Option": "North"}, {"Name": "Team", "Option": "Red"}
    message = ["A line item can have a maximum of 2 tracking categories, each of them once."]

    assert _refused(xero, north, red, {"Name": "Old", "Option": "x"}) == message
    assert _refused(xero, north, {"Name": "Region", "Option": "South"}) == message


def test_unknown_and_archived_names_are_refused_on_the_element(xero: XeroCaller, person: Person) -> None:
    person.archive_tracking_category("Old")
    person.archive_tracking_option("Region", "South")
    no_category, no_option = (
        "There is no ACTIVE tracking category with the",
        "There is no ACTIVE tracking option with",
    )

    assert _refused(xero, {"Name": "Planet", "Option": "x"}) == [f"{no_category} name 'Planet'"]
    assert _refused(xero, {"Name": "Old", "Option": "x"}) == [f"{no_category} name 'Old'"]
    assert _refused(xero, {"TrackingCategoryID": "1"}) == [f"{no_category} id '1'"]
    for option in ("West", "South"):
        expected = f"{no_option} the name '{option}' in the tracking category 'Region'"
        assert _refused(xero, {"Name": "Region", "Option": option}) == [expected]
    assert xero.refused(LineItems=[line(Tracking={"Name": "Region"})]) == [
        "The Tracking of a line item is not valid."
    ]


def test_a_kept_line_keeps_its_tracking_even_when_the_option_is_archived(xero: XeroCaller, person: Person) -> None:
    created = xero.create(Status="DRAFT", LineItems=[line(Tracking=[{"Name": "Region", "Option": "South"}])])
    person.archive_tracking_option("Region", "South")

    kept = person.edit_line(created["InvoiceID"], UnitAmount=7)
    emptied = person.edit_line(created["InvoiceID"], Tracking=[])

    assert kept["LineItems"][0]["Tracking"][0]["Option"] == "South"
    assert emptied["LineItems"][0]["Tracking"] == []


def test_people_can_not_name_two_categories_alike_or_change_unknown_ones(person: Person) -> None:
    with pytest.raises(NotAllowed):
        person.add_tracking_category("REGION")
    with pytest.raises(NotAllowed):
        person.add_tracking_option("Planet", "Mars")
    with pytest.raises(NotAllowed):
        person.archive_tracking_option("Region", "West")
