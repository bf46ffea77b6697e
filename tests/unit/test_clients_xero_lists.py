"""The lists of the Xero client against a script of answers, and Xero's notations."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from clients.xero import Xero, parse_xero_date, parse_xero_time
from tests.unit.xero_script import API, World, invoice


@pytest.fixture
def world() -> World:
    return World()


# -- lists -----------------------------------------------------------------------------------------------


def page_of(found: list[dict[str, Any]], page: int, count: int) -> dict[str, Any]:
    block = {"page": page, "pageSize": 1000, "pageCount": count, "itemCount": len(found)}
    return {"pagination": block, "Invoices": found}


def stamped(number: int, second: int) -> dict[str, Any]:
    return invoice(f"INV-{number}", UpdatedDateUTC=f"/Date({1773135000000 + second * 1000 + 500}+0000)/")


def test_changes_are_read_on_by_time_so_that_none_slips_through(world: World) -> None:
    world.say(page_of([stamped(1, 0), stamped(2, 1)], 1, 2))
    world.say(page_of([stamped(2, 1), stamped(3, 2)], 1, 1))

    found = list(world.xero.list_invoices_changed(datetime(2026, 3, 10, 9, 0, 0, 999_999, tzinfo=UTC)))

    assert [each["InvoiceNumber"] for each in found] == ["INV-1", "INV-2", "INV-3"]
    assert [sent.headers["If-Modified-Since"] for sent in world.script.sent] == [
        "2026-03-10T09:00:00",
        "2026-03-10T09:30:01",
    ]
    assert [world.query(n)["page"] for n in (0, 1)] == ["1", "1"]
    assert world.query() == {
        "order": "UpdatedDateUTC ASC,InvoiceID ASC",
        "pageSize": "1000",
        "summaryOnly": "true",
        "page": "1",
    }


def test_a_page_within_one_second_is_followed_by_the_next_page(world: World) -> None:
    since = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
    world.say(page_of([stamped(1, 0), stamped(2, 0)], 1, 3))
    world.say(page_of([stamped(3, 0), stamped(4, 5)], 2, 3))
    world.say(page_of([stamped(4, 5)], 1, 1))

    found = list(world.xero.list_invoices_changed(since, summary=False))

    assert [each["InvoiceNumber"] for each in found] == ["INV-1", "INV-2", "INV-3", "INV-4"]
    assert [world.query(n)["page"] for n in (0, 1, 2)] == ["1", "2", "1"]
    assert world.query()["unitdp"] == "4"
    assert "summaryOnly" not in world.query()


def test_one_that_changes_while_we_read_comes_again(world: World) -> None:
    world.say(page_of([stamped(1, 0), stamped(2, 1)], 1, 2))
    world.say(page_of([stamped(2, 1), stamped(1, 9)], 1, 1))

    found = list(world.xero.list_invoices_changed(datetime(2026, 3, 10, tzinfo=UTC)))

    assert [each["InvoiceNumber"] for each in found] == ["INV-1", "INV-2", "INV-1"]


@pytest.mark.parametrize(
    ("plural", "id_field", "lister"),
    [
        ("CreditNotes", "CreditNoteID", Xero.list_credit_notes_changed),
        ("Overpayments", "OverpaymentID", Xero.list_overpayments_changed),
        ("Prepayments", "PrepaymentID", Xero.list_prepayments_changed),
    ],
)
def test_credits_that_changed_are_read_on_by_time_as_invoices_are(
    world: World, plural: str, id_field: str, lister: Any
) -> None:
    one, two, three = ({id_field: f"c-{n}", "UpdatedDateUTC": stamped(n, n)["UpdatedDateUTC"]} for n in (1, 2, 3))
    block = {"page": 1, "pageSize": 1000, "pageCount": 2, "itemCount": 3}
    world.say({"pagination": block, plural: [one, two]})
    world.say({"pagination": block | {"pageCount": 1}, plural: [two, three]})

    found = list(lister(world.xero, datetime(2026, 3, 10, 9, tzinfo=UTC)))

    assert [each[id_field] for each in found] == ["c-1", "c-2", "c-3"]
    assert world.script.sent[-1].headers["If-Modified-Since"] == "2026-03-10T09:30:02"
    assert world.script.sent[-1].url.startswith(f"{API}/api.xro/2.0/{plural}?")
    assert world.query() == {"order": f"UpdatedDateUTC ASC,{id_field} ASC", "pageSize": "1000", "page": "1"}


def test_contacts_with_a_number_are_listed_a_thousand_a_call(world: World) -> None:
    world.say({"pagination": {"page": 1, "pageSize": 1000, "pageCount": 2, "itemCount": 2}, "Contacts": [{"n": 1}]})
    world.say({"pagination": {"page": 2, "pageSize": 1000, "pageCount": 2, "itemCount": 2}, "Contacts": [{"n": 2}]})

    assert list(world.xero.list_contacts_numbered()) == [{"n": 1}, {"n": 2}]
    assert world.query() == {
        "where": "ContactNumber!=null",
        "summaryOnly": "true",
        "includeArchived": "true",
        "pageSize": "1000",
        "page": "2",
    }


def test_a_local_time_is_asked_for_in_utc(world: World) -> None:
    world.say({"Invoices": []})

    list(world.xero.list_invoices_changed(datetime.fromisoformat("2026-07-01T09:00:00+12:00")))

    assert world.script.sent[0].headers["If-Modified-Since"] == "2026-06-30T21:00:00"


def test_a_number_is_found_exactly_and_only_on_sales_invoices(world: World) -> None:
    world.say(
        {
            "Invoices": [
                invoice("INV-1", Type="ACCPAY"),
                invoice("INV-1", Status="VOIDED", InvoiceID="dead"),
                invoice("inv-1", Status="DRAFT", InvoiceID="live"),
                invoice("INV-10"),
            ]
        }
    )

    found = world.xero.find_invoice_by_number("INV-1")

    assert found is not None
    assert found["InvoiceID"] == "live"
    assert world.query()["InvoiceNumbers"] == "INV-1"


def test_a_number_that_nobody_has_is_none(world: World) -> None:
    world.say({"Invoices": []})

    assert world.xero.find_invoice_by_number("INV-1") is None


def test_a_number_with_a_comma_is_not_two_numbers(world: World) -> None:
    world.say({"Invoices": []})

    world.xero.find_invoice_by_number('A,"B"')

    assert world.query()["where"] == (
        '(InvoiceNumber!=null AND InvoiceNumber.Contains("A,") AND InvoiceNumber.Contains("B"))'
    )
    assert "InvoiceNumbers" not in world.query()


def test_contacts_are_asked_for_by_number_account_and_name(world: World) -> None:
    world.say({"Contacts": [{"ContactID": "c-1"}, {"ContactID": "c-1"}]})

    found = world.xero.list_contacts_matching(
        contact_numbers=["n-1"], account_numbers=["A&1"], names=["O'Neil + Söhne"]
    )

    assert list(found) == [{"ContactID": "c-1"}]
    assert world.query()["where"] == 'ContactNumber=="n-1" OR AccountNumber=="A&1" OR Name=="O\'Neil + Söhne"'
    assert world.query()["summaryOnly"] == "true"
    assert "includeArchived" not in world.query()


def test_names_with_quotes_or_backslashes_are_asked_for_by_their_parts(world: World) -> None:
    world.say({"Contacts": []})

    list(world.xero.list_contacts_matching(names=['The "Red" Lion', "a\\b", '"'], include_archived=True))

    assert world.query()["where"] == (
        '(Name!=null AND Name.Contains("The ") AND Name.Contains("Red") AND Name.Contains(" Lion"))'
        ' OR (Name!=null AND Name.Contains("a") AND Name.Contains("b"))'
        ' OR Name==""'
    )
    assert world.query()["includeArchived"] == "true"


def test_many_names_are_asked_for_in_calls_that_fit_a_url(world: World) -> None:
    names = [f"Käufer & Söhne Nummer {n}" for n in range(100)]
    for _ in range(10):
        world.say({"Contacts": []})

    list(world.xero.list_contacts_matching(names=names))

    asked = " OR ".join(world.query(n)["where"] for n in range(len(world.script.sent)))
    assert asked == " OR ".join(f'Name=="{name}"' for name in names)
    assert max(len(sent.url) for sent in world.script.sent) < 2300


def test_all_pages_of_contacts_are_read(world: World) -> None:
    block = {"page": 1, "pageSize": 1000, "pageCount": 2, "itemCount": 2}
    world.say({"pagination": block, "Contacts": [{"ContactID": "c-1"}]})
    world.say({"pagination": block | {"page": 2}, "Contacts": [{"ContactID": "c-2"}]})

    found = list(world.xero.list_contacts_matching(names=["A"]))

    assert [each["ContactID"] for each in found] == ["c-1", "c-2"]
    assert [world.query(n)["page"] for n in (0, 1)] == ["1", "2"]


def test_tracking_categories_come_with_their_options(world: World) -> None:
    category = {"Name": "Region", "Status": "ACTIVE", "Options": [{"Name": "North", "Status": "ARCHIVED"}]}
    world.say({"TrackingCategories": [category]})

    assert list(world.xero.list_tracking_categories()) == [category]
    assert world.script.sent[0].url == f"{API}/api.xro/2.0/TrackingCategories?includeArchived=true"


def test_the_organisation_is_one(world: World) -> None:
    world.say({"Organisations": [{"Name": "Demo", "ShortCode": "!x"}]})

    assert world.xero.get_organisation()["ShortCode"] == "!x"


def test_connections_are_asked_for_without_an_organisation() -> None:
    world = World()
    world.say([{"id": "1", "tenantId": "t-1"}])

    found = Xero(world.session, world.tokens, api_url=API, tenant_id="").list_connections()

    assert found == [{"id": "1", "tenantId": "t-1"}]
    assert world.script.sent[0].url == f"{API}/connections"
    assert "xero-tenant-id" not in world.script.sent[0].headers


# -- notations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("/Date(1789378199100+0000)/", datetime(2026, 9, 14, 9, 29, 59, 100000, tzinfo=UTC)),
        ("/Date(1789378199100)/", datetime(2026, 9, 14, 9, 29, 59, 100000, tzinfo=UTC)),
        ("/Date(1789378199100+1300)/", datetime(2026, 9, 14, 9, 29, 59, 100000, tzinfo=UTC)),
        ("/Date(0+0000)/", datetime(1970, 1, 1, tzinfo=UTC)),
        ("/Date(-86400000+0000)/", datetime(1969, 12, 31, tzinfo=UTC)),
        ("2026-09-14T09:29:59Z", datetime(2026, 9, 14, 9, 29, 59, tzinfo=UTC)),
        ("2026-09-14T09:29:59.1234567", datetime(2026, 9, 14, 9, 29, 59, 123456, tzinfo=UTC)),
        ("2026-09-14T21:29:59+12:00", datetime(2026, 9, 14, 9, 29, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_form_that_xero_writes(text: str, moment: datetime) -> None:
    assert parse_xero_time(text) == moment


def test_a_date_is_the_utc_day() -> None:
    assert parse_xero_date("/Date(1518652800000+0000)/") == date(2018, 2, 15)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        parse_xero_time("yesterday")
