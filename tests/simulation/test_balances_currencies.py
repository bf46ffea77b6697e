"""What customers owe in several currencies and Xero organisations, and what is said where a rate is lacking."""

from __future__ import annotations

from typing import Any

import pytest

from core import columns
from core.connections import Connection
from core.event import Event
from pipeline.attention import resume, stop
from simulators.xero.state import Organisation
from tests.simulation.owing import (
    FOURTH_COFFEE,
    add_currency,
    approved,
    bookkeeper,
    contact_of,
    customers_as_they_are,
    figures,
    foreign,
    forget_calls,
    in_currency,
    owes,
    refresh,
    shares,
    words,
)
from tests.world import World

EMPTY = (None, None, None)


def join_books(world: World, region: str) -> tuple[Connection, Organisation]:
    """Join another Xero organisation, with its own base currency, to the same Dynamics."""
    books = world.xero.add_organisation(name="Kiwi Books", region=region)
    app = {"client_id": "kiwi-app", "client_secret": "kiwi-secret"}
    tenants = [books.tenant_id]
    world.xero.add_app(**app, kind="custom", tenant_ids=tenants, minute_limit=100_000, daily_limit=1_000_000)
    entry = world.entry() | {"xero": {"tenant_id": books.tenant_id, **app}}
    return world.joiner.join(entry).connection, books


def customer_in(world: World, currency_id: str | None, name: str = "Abroad") -> str:
    world.customers[name] = world.add_customer(name, **in_currency(currency_id))
    return name


def add_owed(world: World, customer: str, amount: str, *, connection: Connection, books: Organisation) -> str:
    """A document in the books of another organisation, of a contact that bears the customer's id."""
    contact = bookkeeper(world, books).create_contact(Name=customer, ContactNumber=world.customers[customer])
    foreign(world, contact["ContactID"], amount, books=books)
    refresh(world, contact["ContactID"], connection=connection)
    return str(contact["ContactID"])


# -- conversion --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "rate", "precision", "owed"),
    [("EUR", "1.15", 2, "138.00"), ("JPY", "190.4567", 0, "22855"), ("KWD", "0.3901234", 3, "46.815")],
)
def test_amounts_are_in_the_currency_of_the_customer(
    world: World, code: str, rate: str, precision: int, owed: str
) -> None:
    """Rule D8: 120 pounds of Xero, by Dynamics' own rate, rounded as that currency is, and named."""
    customer = customer_in(world, add_currency(world, code, rate, precision=precision))
    document = approved(world, customer=customer)

    refresh(world, contact_of(document))

    assert owes(world, customer) == figures(owed, "0", code)
    assert shares(world, customer)[world.connection.id] == {"owed": 120, "overdue": 0, "currency": "GBP"}


def test_a_customer_who_gets_another_currency_has_the_amounts_in_it_within_minutes(world: World) -> None:
    """By the event of the change, gathered with others; the night would find it as well."""
    customer = customer_in(world, add_currency(world, "EUR", "1.15"))
    approved(world, customer=customer)
    world.run_for(minutes=6)
    assert owes(world, customer) == figures("138.00", "0", "EUR")
    yen = add_currency(world, "JPY", "190.4567", precision=0)
    world.sales.update("account", world.customers[customer], in_currency(yen))
    event = Event(
        "dynamics", world.connection.dynamics_organization_id, "account", world.customers[customer], "Update", "1"
    )

    world.dispatch(event)
    world.run_for(minutes=6)

    assert owes(world, customer) == figures("22855", "0", "JPY")
    world.assert_quiet()


def test_a_customer_whom_no_document_names_costs_no_call_to_xero(world: World) -> None:
    customer = customer_in(world, None)
    world.run_for(minutes=11)
    organisation = world.connection.dynamics_organization_id
    world.dispatch(Event("dynamics", organisation, "account", world.customers[customer], "Update", "1"))
    world.dispatch(Event("dynamics", organisation, "contact", "no id", "Update", "1"))
    world.pass_time(minutes=5)
    world.xero.wire.forget_calls()

    world.work()

    assert world.xero_calls() == []
    assert world.app.lanes.counts(world.connection.id) == {"due": 0, "working": 0}


def test_the_organisations_currency_is_meant_where_a_customer_has_none(world: World) -> None:
    """Rule D8: by the other way round: Xero keeps its books in another currency than Dynamics."""
    add_currency(world, "NZD", "2.25")
    connection, books = join_books(world, "NZ")

    add_owed(world, FOURTH_COFFEE, "100.00", connection=connection, books=books)

    assert owes(world) == figures("44.44")
    assert shares(world)[connection.id]["currency"] == "NZD"


@pytest.mark.parametrize("does", ["filled", "refused"])
def test_a_customer_without_currency_gets_the_organisations_with_the_first_amount(world: World, does: Any) -> None:
    """Also where Dynamics demands one, and where our user in Dynamics has another one of its own."""
    euro = add_currency(world, "EUR", "1.25")
    world.dynamics.set_missing_currency(does)
    world.sales.update("usersettingscollection", world.app_user, in_currency(euro))
    document = approved(world)
    assert world.sales.get("account", world.customers[FOURTH_COFFEE])["_transactioncurrencyid_value"] is None

    refresh(world, contact_of(document))

    assert owes(world) == figures("120.00")
    assert world.sales.get("account", world.customers[FOURTH_COFFEE])["_transactioncurrencyid_value"] == (
        world.dynamics.base_currency_id
    )


def test_another_currency_of_the_customer_is_followed(world: World) -> None:
    """Dynamics keeps the number when a person changes the currency: it is wrong until the next look."""
    document = approved(world)
    refresh(world, contact_of(document))
    world.sales.update("account", world.customers[FOURTH_COFFEE], in_currency(add_currency(world, "EUR", "1.25")))

    refresh(world, contact_of(document))

    assert owes(world) == figures("150.00", "0", "EUR")


# -- several organisations ---------------------------------------------------------------------------------


def test_what_is_owed_in_several_organisations_is_added(world: World) -> None:
    """Rule D8: whichever of them looks, and each keeps its own share."""
    add_currency(world, "NZD", "2")
    connection, books = join_books(world, "NZ")
    document = approved(world)

    refresh(world, contact_of(document))
    theirs = add_owed(world, FOURTH_COFFEE, "100.00", connection=connection, books=books)
    assert owes(world) == figures("170.00")

    bookkeeper(world).pay(document["InvoiceID"])
    refresh(world, contact_of(document))
    assert owes(world) == figures("50.00")

    foreign(world, theirs, "2.00", books=books)
    refresh(world, theirs, connection=connection)
    assert owes(world) == figures("51.00")


def test_a_connection_whose_record_is_gone_counts_no_more(world: World) -> None:
    """Nobody would ever read its share anew."""
    other, books = world.join_second()
    add_owed(world, FOURTH_COFFEE, "7.00", connection=other, books=books)
    document = approved(world)
    refresh(world, contact_of(document))
    assert owes(world) == figures("127.00")

    world.dynamics.lose_row(columns.CONNECTOR.set_name, other.id)
    refresh(world, contact_of(document))

    assert owes(world) == figures("120.00")
    assert shares(world).keys() == {world.connection.id}


# -- no rate -----------------------------------------------------------------------------------------------


def test_without_a_rate_the_amounts_are_empty_and_the_connector_says_so_until_there_is_one(world: World) -> None:
    """Rule D8: the currency of Xero's books is not in Dynamics; once it is, any refresh fills the amounts."""
    connection, books = join_books(world, "NZ")
    customer = customer_in(world, None)
    other = customer_in(world, None, "Another")
    theirs = add_owed(world, other, "9.00", connection=connection, books=books)
    world.pass_time(hours=25)  # until contacts with numbers are listed again
    add_owed(world, customer, "100.00", connection=connection, books=books)

    assert owes(world, customer) == owes(world, other) == EMPTY
    assert shares(world, customer)[connection.id]["owed"] == 100
    assert "no exchange rate for NZD" in str(words(world, connection))
    assert words(world) is None
    before = customers_as_they_are(world)

    refresh(world, theirs, connection=connection)
    assert customers_as_they_are(world) == before  # said once

    add_currency(world, "NZD", "2")
    refresh(world, theirs, connection=connection)
    assert owes(world, customer) == figures("50.00")
    assert owes(world, other) == figures("4.50")
    assert words(world, connection) is None


@pytest.mark.parametrize("loses", [{"statecode": 1, "statuscode": 2}, {"exchangerate": None}])
def test_a_rate_that_cannot_be_used_is_none(world: World, loses: dict[str, Any]) -> None:
    """Rule D8: amounts that were there are emptied: they would be those of some earlier day."""
    euro = add_currency(world, "EUR", "1.25")
    customer = customer_in(world, euro)
    document = approved(world, customer=customer)
    refresh(world, contact_of(document))
    assert owes(world, customer) == figures("150.00", "0", "EUR")

    world.dynamics.overwrite("transactioncurrencies", euro, loses)
    refresh(world, contact_of(document))

    assert owes(world, customer) == EMPTY
    assert "EUR" in str(words(world))


def test_one_customer_without_a_rate_is_not_forgotten_over_the_others(world: World) -> None:
    """The word stays while others are refreshed, names what is lacking now, and goes when its cause does."""
    euro, dinar = add_currency(world, "EUR", "1.25"), add_currency(world, "KWD", "0.39")
    documents = [approved(world, customer=customer_in(world, each, each)) for each in (euro, dinar)]
    plain = approved(world)
    for currency in (euro, dinar):
        world.dynamics.overwrite("transactioncurrencies", currency, {"statecode": 1})
    refresh(world, *map(contact_of, documents))
    assert "EUR, KWD" in str(words(world))

    refresh(world, contact_of(plain))
    assert owes(world) == figures("120.00")
    assert "EUR, KWD" in str(words(world))

    world.sales.update("account", world.customers[euro], in_currency(world.currency("GBP")))
    refresh(world, contact_of(plain))
    assert owes(world, euro) == figures("120.00")
    assert "for KWD." in str(words(world))

    bookkeeper(world).pay(documents[1]["InvoiceID"])
    refresh(world, contact_of(documents[1]))
    assert owes(world, dinar)[:2] == (0, 0)
    assert words(world) is None


def test_more_empty_rows_than_are_read_at_once_are_filled_before_the_word_goes(world: World) -> None:
    """Fifty at a time with each refresh, of whatever contact; those of Xero are not asked about again."""
    euro = add_currency(world, "EUR", "1.25")
    customers = [customer_in(world, euro, f"C{number}") for number in range(60)]
    documents = [approved(world, customer=customer) for customer in customers]
    plain = approved(world)
    world.dynamics.overwrite("transactioncurrencies", euro, {"statecode": 1})
    refresh(world, *map(contact_of, documents[:50]))
    refresh(world, *map(contact_of, documents[50:]))
    world.dynamics.overwrite("transactioncurrencies", euro, {"statecode": 0})
    forget_calls(world)

    refresh(world, contact_of(plain))
    assert words(world)
    refresh(world, contact_of(plain))

    assert words(world) is None
    assert {owes(world, customer) for customer in customers} == {figures("150.00", "0", "EUR")}
    assert [call for call in world.xero_calls() if "Contacts" in call] == ["GET /api.xro/2.0/Contacts"] * 2


def test_words_about_rates_and_about_a_stop_do_not_overwrite_each_other(world: World) -> None:
    """Rules D8 and C62: each has its own column."""
    euro = add_currency(world, "EUR", "1.25")
    customer = customer_in(world, euro)
    document = approved(world, customer=customer)
    world.dynamics.overwrite("transactioncurrencies", euro, {"statecode": 1})
    tools = world.app.connect(world.connection, world.app.lanes.now)
    refresh(world, contact_of(document))
    stop(world.app.connections, tools, "The consent has expired.")
    row = world.sales.get(columns.CONNECTOR.set_name, world.connection.id)
    assert row["stl3_stateinwords"] == "The consent has expired."
    assert "EUR" in row["stl3_balancesinwords"]

    resume(world.app.connections, tools, proved=True)

    row = world.sales.get(columns.CONNECTOR.set_name, world.connection.id)
    assert "EUR" in row["stl3_balancesinwords"]
    assert row["stl3_stateinwords"] is None
