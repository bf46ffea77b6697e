"""What a customer owes in Xero is shown at its account or contact in Dynamics: whose, how much, by how many calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core import columns
from pipeline.balances import known_contacts
from pipeline.memory import FOREVER
from tests.simulation.owing import (
    FOURTH_COFFEE,
    approved,
    bookkeeper,
    contact_of,
    customers_as_they_are,
    due_again,
    figures,
    foreign,
    forget_calls,
    owes,
    refresh,
    shares,
)
from tests.world import START, World

CONTACTS = "GET /api.xro/2.0/Contacts"
STRANGER = "00000000-1111-4222-8333-444444444444"


def tools_of(world: World) -> Any:
    return world.app.connect(world.connection, world.app.lanes.now)


# -- how much ----------------------------------------------------------------------------------------------


def test_an_approved_invoice_is_owed(world: World) -> None:
    """Rule D8: a draft is not."""
    document = approved(world)
    draft = foreign(world, contact_of(document), "55.00", Status="DRAFT")

    refresh(world, contact_of(document))

    assert draft["Status"] == "DRAFT"
    assert owes(world) == figures("120.00")


def test_it_becomes_overdue_by_the_calendar_alone(world: World) -> None:
    """Rule D8: nothing has happened in Xero, and the next look says so."""
    document = approved(world, due="2026-11-25")
    refresh(world, contact_of(document))
    assert owes(world) == figures("120.00")

    world.pass_time(days=2)
    refresh(world, contact_of(document))

    assert owes(world) == figures("120.00", "120.00")


def test_what_is_paid_is_owed_no_more(world: World) -> None:
    """Rule D8: a part of it, then all of it; nothing owed is 0, not nothing."""
    document = approved(world)

    bookkeeper(world).pay(document["InvoiceID"], "20.01")
    refresh(world, contact_of(document))
    assert owes(world) == figures("99.99")

    bookkeeper(world).pay(document["InvoiceID"])
    refresh(world, contact_of(document))
    assert owes(world) == figures("0")


@pytest.mark.parametrize("kind", ["creditnote", "overpayment", "prepayment"])
def test_credit_that_is_not_applied_yet_lowers_what_is_owed(world: World, kind: str) -> None:
    """Rule D8: its event leads to the contact, by one list call; overdue may then be more than owed."""
    document = approved(world, due="2026-11-25")
    world.pass_time(days=2)
    contact_id, person = contact_of(document), bookkeeper(world)
    refresh(world, contact_id)  # the books of the organisation are read
    if kind == "creditnote":
        line = {"Description": "Back", "Quantity": 1, "UnitAmount": "30.00", "AccountCode": "200", "TaxType": "NONE"}
        note = person.create_credit_note(
            Contact={"ContactID": contact_id}, Date="2026-11-26", LineItems=[line], Status="AUTHORISED"
        )
        record_id = note["CreditNoteID"]
    elif kind == "overpayment":
        record_id = person.receive_overpayment(contact_id, "30.00")["OverpaymentID"]
    else:
        record_id = person.receive_prepayment(contact_id, "30.00")["PrepaymentID"]
    tools_of(world).memory.note_moved({record_id: world.clock.now()})
    forget_calls(world)

    refresh(world, record_id, kind=kind)

    plural = {"creditnote": "CreditNotes", "overpayment": "Overpayments", "prepayment": "Prepayments"}[kind]
    assert owes(world) == figures("90.00", "120.00")
    assert world.xero_calls() == [f"GET /api.xro/2.0/{plural}", CONTACTS]
    assert tools_of(world).memory.moved([record_id]) == {}


def test_credit_that_a_supplier_gives_is_not_asked_about(world: World) -> None:
    """Rule D8: the purchase side of a known contact never counts."""
    document = approved(world)
    refresh(world, contact_of(document))
    spent = bookkeeper(world).spend_prepayment(contact_of(document), "30.00")
    foreign(world, contact_of(document), "500.00", Type="ACCPAY")
    forget_calls(world)

    refresh(world, spent["PrepaymentID"], kind="prepayment")
    assert CONTACTS not in world.xero_calls()

    refresh(world, contact_of(document))
    assert owes(world) == figures("120.00")


@pytest.mark.parametrize("moved", [None, FOREVER, START - timedelta(days=400)])
def test_a_credit_whose_time_is_unknown_is_looked_for_and_need_not_be_there(
    world: World, moved: datetime | None
) -> None:
    """An id that Xero does not list is no error."""
    document = approved(world)
    paid = bookkeeper(world).receive_overpayment(contact_of(document), "20.00")["OverpaymentID"]
    if moved:
        tools_of(world).memory.note_moved({paid: moved})

    refresh(world, paid, STRANGER, kind="overpayment")

    assert owes(world) == figures("100.00")


def test_documents_that_we_did_not_create_count(world: World) -> None:
    """Rule D9: they are not followed, their effect on what is owed is."""
    document = approved(world)
    foreign(world, contact_of(document), "0.99", DueDate="2026-11-23")

    refresh(world, contact_of(document))

    assert owes(world) == figures("120.99", "0.99")


# -- whose -------------------------------------------------------------------------------------------------


def test_a_customer_that_is_a_person_has_them_on_the_contact(world: World) -> None:
    contact = world.sales.create("contact", {"firstname": "Ann", "lastname": "Gray"})
    world.customers["Ann"] = contact
    document = approved(
        world, **{"customerid_account@odata.bind": None, "customerid_contact@odata.bind": f"/contacts({contact})"}
    )

    refresh(world, contact_of(document))

    assert owes(world, "Ann", table="contact") == figures("120.00")
    assert owes(world) == (None, None, None)


def test_contacts_that_nobody_here_knows_cost_no_call_for_each(world: World) -> None:
    """The contacts that bear a number are listed once a day, and these have none; the poll need not ask again."""
    strangers = [bookkeeper(world).create_contact(Name=f"Stranger {n}")["ContactID"] for n in range(60)]
    forget_calls(world)

    for contact_id in strangers:
        refresh(world, contact_id)

    assert world.xero_calls() == [CONTACTS]
    assert len(world.dynamics_calls()) == 60 + 1  # one each, and the settings
    assert tools_of(world).memory.balances_read(strangers).keys() == set(strangers)


def test_a_contact_that_bears_the_customers_id_is_known_without_a_document(world: World) -> None:
    """Rule D8: however it came by it; a number that is no id, or nobody's, makes no contact known."""
    customer_id = world.customers[FOURTH_COFFEE]
    numbered = bookkeeper(world).create_contact(Name="Old system", ContactNumber=customer_id)["ContactID"]
    odd = bookkeeper(world).create_contact(Name="Another", ContactNumber="A-17")["ContactID"]
    nobody = bookkeeper(world).create_contact(Name="Third", ContactNumber=STRANGER)["ContactID"]
    for contact_id in (numbered, odd, nobody):
        foreign(world, contact_id, "10.00")
    forget_calls(world)

    refresh(world, numbered, odd, nobody)

    assert owes(world) == figures("10.00")
    assert world.xero_calls().count(CONTACTS) == 2  # the list of a day, and this one
    assert set(known_contacts(tools_of(world))) == {numbered, nobody}


def test_several_contacts_of_a_customer_are_one_sum_whichever_has_changed(world: World) -> None:
    """Rule D8: a customer whose contact was archived has earlier documents there and new ones elsewhere."""
    bookkeeper(world).create_contact(Name=FOURTH_COFFEE)
    first = approved(world)
    bookkeeper(world).rename_contact(contact_of(first), "Closed")
    bookkeeper(world).archive_contact(contact_of(first))
    bookkeeper(world).create_contact(Name=FOURTH_COFFEE)
    tools_of(world).memory.forget_contacts([world.customers[FOURTH_COFFEE]])
    second = approved(world, "10.00")
    assert contact_of(first) != contact_of(second)

    for document in (first, second):
        refresh(world, contact_of(document))

        assert owes(world) == figures("132.00")


def test_the_heir_of_a_merged_contact_counts(world: World) -> None:
    """Rule D8: the documents are the heir's now, and it is read once though both are named."""
    document = approved(world)
    heir = bookkeeper(world).create_contact(Name="Group")["ContactID"]
    bookkeeper(world).merge_contact(contact_of(document), into=heir)
    foreign(world, heir, "1.00")

    refresh(world, contact_of(document))

    assert owes(world) == figures("121.00")


def test_a_customer_who_was_deleted_is_no_error(world: World) -> None:
    document = approved(world)
    world.dynamics.lose_row("accounts", world.customers[FOURTH_COFFEE])

    refresh(world, contact_of(document))

    assert tools_of(world).memory.balances_read([contact_of(document)])
    assert world.interrupted == []


# -- by how many calls, and quiet afterwards ---------------------------------------------------------------


def test_many_contacts_are_refreshed_by_one_call_to_xero(world: World) -> None:
    """Rule D8: changed contacts are refreshed together."""
    documents = []
    for number in range(20):
        world.customers[f"C{number}"] = world.add_customer(f"Customer {number}")
        documents.append(approved(world, f"{number + 1}.00", customer=f"C{number}"))
    forget_calls(world)

    refresh(world, *map(contact_of, documents))

    assert world.xero_calls() == [CONTACTS]
    assert world.dynamics_calls() == ["POST /api/data/v9.2/$batch"] * 3
    assert [owes(world, f"C{n}") for n in range(20)] == [figures(f"{(n + 1) * 120}e-2") for n in range(20)]


def test_nothing_is_written_when_nothing_has_changed(world: World) -> None:
    """Rule D8: and the poll sees by Xero's clock that the contact was read since."""
    document = approved(world)
    refresh(world, contact_of(document))
    before = customers_as_they_are(world)
    world.pass_time(minutes=5)
    forget_calls(world)

    refresh(world, contact_of(document))

    assert customers_as_they_are(world) == before
    assert len(world.dynamics_calls()) == 3  # the settings, and two reads
    read = tools_of(world).memory.balances_read([contact_of(document)])[contact_of(document)]
    assert timedelta(0) < world.clock.now() - read < timedelta(minutes=1)


def test_what_a_person_writes_there_is_put_right(world: World) -> None:
    document = approved(world)
    refresh(world, contact_of(document))
    changed = {"stl3_amountowed": 1, "stl3_balances": "mine"}
    world.sales.update("account", world.customers[FOURTH_COFFEE], changed)

    refresh(world, contact_of(document))

    assert owes(world) == figures("120.00")
    assert shares(world).keys() == {world.connection.id}


def test_the_known_contacts_are_those_that_documents_name_for_a_customer(world: World) -> None:
    """Other connections' apart: what the nightly round marks."""
    other, books = world.join_second()
    mine = approved(world)
    theirs = approved(world, connection=other, books=books)
    bookkeeper(world).create_contact(Name="Stranger")

    assert known_contacts(tools_of(world)) == [contact_of(mine)]
    assert known_contacts(world.app.connect(other, world.app.lanes.now)) == [contact_of(theirs)]


def test_a_stopped_connection_is_not_what_a_customer_owes(world: World) -> None:
    """Words about why the connection stopped stand in a column of their own, and stay."""
    document = approved(world)
    set_name, lane = columns.CONNECTOR.set_name, world.connection.id
    world.sales.update(set_name, lane, {"stl3_stateinwords": "The consent has expired."})

    refresh(world, contact_of(document))

    assert world.sales.get(set_name, lane)["stl3_stateinwords"] == "The consent has expired."


def test_an_id_that_is_none_holds_up_nothing(world: World) -> None:
    document = approved(world)
    due_again(world, "not-an-id")

    refresh(world, contact_of(document))

    assert owes(world) == figures("120.00")
