"""What the tests of balances do and see: invoices approved in Xero, refreshes, what customers owe in Dynamics."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core import columns
from core.connections import Connection
from core.money import loads
from pipeline.lanes import Entity
from simulators.xero.people import Person
from simulators.xero.state import Organisation
from tests.world import Line, World

FOURTH_COFFEE = "Fourth Coffee"
DUE = "2026-12-24"


def bookkeeper(world: World, books: Organisation | None = None) -> Person:
    return world.xero.user(books or world.org)


def approved(
    world: World,
    amount: str = "100.00",
    *,
    due: str = DUE,
    connection: Connection | None = None,
    books: Organisation | None = None,
    **invoice: Any,
) -> dict[str, Any]:
    """An invoice of ours (tax of 20 % comes on top) that stands approved in Xero; return its document."""
    invoice_id = world.save_invoice(Line("Work", amount), connection=connection, **invoice)
    entity = Entity("dynamics", "invoice", invoice_id)
    lane = (connection or world.connection).id
    world.app.lanes.mark(lane, [entity], due_at=world.app.lanes.now())
    world.work(connection)
    (document,) = (each for each in world.documents(books) if invoice_id in each["Url"])
    bookkeeper(world, books).edit_invoice(document["InvoiceID"], DueDate=due)
    bookkeeper(world, books).approve_invoice(document["InvoiceID"])
    return document


def contact_of(document: dict[str, Any]) -> str:
    return str(document["Contact"]["ContactID"])


def foreign(
    world: World, contact_id: str, amount: str, *, books: Organisation | None = None, **fields: Any
) -> dict[str, Any]:
    """A document that people made in Xero, without tax; return it."""
    line = {"Description": "Theirs", "Quantity": 1, "UnitAmount": amount, "AccountCode": "200", "TaxType": "NONE"}
    made = {"Type": "ACCREC", "Contact": {"ContactID": contact_id}, "Date": "2026-11-24", "DueDate": DUE}
    return bookkeeper(world, books).create_invoice(**{**made, "LineItems": [line], "Status": "AUTHORISED", **fields})


def due_again(world: World, *ids: str, kind: str = "contact", connection: Connection | None = None) -> None:
    """Mark records of Xero due."""
    entities = [Entity("xero", kind, record_id) for record_id in ids]
    world.app.lanes.mark((connection or world.connection).id, entities, due_at=world.app.lanes.now())


def refresh(world: World, *ids: str, kind: str = "contact", connection: Connection | None = None) -> None:
    """Mark records of Xero due, and let a worker go through them."""
    due_again(world, *ids, kind=kind, connection=connection)
    world.work(connection)
    lane = (connection or world.connection).id
    assert world.app.lanes.count_ready(lane) == 0, world.interrupted


def owes(world: World, customer: str = FOURTH_COFFEE, *, table: str = "account") -> tuple[Any, ...]:
    """What the customer's columns say: owed, overdue, currency; empty is None."""
    row = world.sales.get(table, world.customers[customer])
    return tuple(row[f"stl3_{name}"] for name in ("amountowed", "amountoverdue", "balancecurrency"))


def figures(owed: str, overdue: str = "0", currency: str = "GBP") -> tuple[Any, ...]:
    return Decimal(owed), Decimal(overdue), currency


def shares(world: World, customer: str = FOURTH_COFFEE) -> dict[str, Any]:
    text = world.sales.get("account", world.customers[customer])["stl3_balances"]
    found: dict[str, Any] = loads(text or "{}")
    return found


def words(world: World, connection: Connection | None = None) -> str | None:
    """What the connector record says of amounts that are empty."""
    lane = (connection or world.connection).id
    found = {row[columns.CONNECTOR.id_column]: row for row in world.dynamics.rows(columns.CONNECTOR.set_name)}
    return found[lane].get("stl3_balancesinwords")


def customers_as_they_are(world: World) -> list[dict[str, Any]]:
    names = ("accounts", "contacts", columns.CONNECTOR.set_name, columns.HISTORY.set_name)
    return [row for name in names for row in world.dynamics.rows(name)]


def forget_calls(world: World) -> None:
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()


def add_currency(world: World, code: str, rate: str, *, precision: int = 2) -> str:
    return world.dynamics.add_currency(code, rate=Decimal(rate), precision=precision)


def in_currency(currency_id: str | None) -> dict[str, Any]:
    bound = f"/transactioncurrencies({currency_id})" if currency_id else None
    return {"transactioncurrencyid@odata.bind": bound}
