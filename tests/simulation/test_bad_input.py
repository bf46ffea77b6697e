"""Bad input: each a clear Failed row or a clean document, none a crash, and none keeps another invoice from going."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from core import columns
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.test_refusals import account_row, on_line
from tests.world import Line, World

FAILED = columns.SYNC_STATUS["Failed"]
Spoil = Callable[[World], str]


def product_number_too_long(world: World) -> str:
    number = "P" * 31
    world.products[number] = world.add_product(number, "Long numbered")
    return world.save_invoice(Line("", "5.00", product=number))


def product_without_number(world: World) -> str:
    world.products["gone"] = world.add_product("GONE-1", "Numberless")
    invoice_id = world.save_invoice(Line("", "5.00", product="gone"))
    world.dynamics.overwrite("product", world.products["gone"], {"productnumber": None})
    return invoice_id


def products_that_collide(world: World) -> str:
    """Xero takes codes that differ in outer blanks for one."""
    for key, name in ((" CHAIR-99", "Red chair"), ("CHAIR-99", "Blue chair")):
        world.products[key] = world.add_product(key, name)
    return world.save_invoice(Line("", "5.00", product=" CHAIR-99"), Line("", "6.00", product="CHAIR-99"))


def two_contacts_of_the_account_number(world: World) -> str:
    for name in ("Wide World", "Wide World Importers"):
        world.xero.user(world.org).create_contact(Name=name, AccountNumber="AC-777")
    world.customers["Wide"] = world.add_customer("Wide World Ltd", accountnumber="AC-777")
    return world.save_invoice(Line("Work", "5.00"), customer="Wide")


def archived_contact(world: World) -> str:
    world.customers["Sleepy"] = world.add_customer("Sleepy")
    earlier = world.save_invoice(Line("Work", "5.00"), customer="Sleepy")
    world.settle()
    (document,) = world.documents_of(earlier)
    world.xero.user(world.org).archive_contact(document["Contact"]["ContactID"])
    return world.save_invoice(Line("Work", "6.00"), customer="Sleepy")


def line_without_product(world: World) -> str:
    invoice_id = world.save_invoice(Line("", "5.00", product="DESK-02"))
    (line,) = world.lines(invoice_id)
    world.dynamics.overwrite("invoicedetail", line["invoicedetailid"], {"productid": None})
    return invoice_id


def customer_deleted(world: World) -> str:
    world.customers["Gone"] = world.add_customer("Gone Ltd")
    invoice_id = world.save_invoice(Line("Work", "5.00"), customer="Gone")
    world.dynamics.lose_row("account", world.customers["Gone"])
    return invoice_id


def currency_without_code(world: World) -> str:
    currency = world.dynamics.add_currency("NOK", rate=Decimal("13.5"))
    bound = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"}
    price_list = world.sales.create("pricelevel", {"name": "Norway", **bound})
    invoice_id = world.save_invoice(
        Line("Work", "5.00"), **bound, **{"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    )
    world.dynamics.overwrite("transactioncurrency", currency, {"isocurrencycode": None})
    return invoice_id


def currency_not_in_xero(world: World) -> str:
    currency = world.dynamics.add_currency("NOK", rate=Decimal("13.5"))
    bound = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"}
    price_list = world.sales.create("pricelevel", {"name": "Norway", **bound})
    return world.save_invoice(
        Line("Work", "5.00"), **bound, **{"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    )


def account_of_another_connection(world: World) -> str:
    other, _ = world.join_second()
    invoice_id = world.save_invoice(Line("Work", "5.00"))
    row = {
        "stl3_name": "200 - Their sales",
        "stl3_code": "200",
        "stl3_key": "theirs|200",
        "stl3_Connector@odata.bind": world.binding(other),
    }
    row_id = world.sales.create(columns.ACCOUNT_CODE.set_name, row)
    on_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({row_id})"})
    return invoice_id


def inactive_account_row(world: World) -> str:
    invoice_id = world.save_invoice(Line("Work", "5.00"))
    row_id = account_row(world, "200")
    on_line(world, invoice_id, **{"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({row_id})"})
    world.dynamics.overwrite(columns.ACCOUNT_CODE.set_name, row_id, {"statecode": 1})
    return invoice_id


def locked_date(world: World) -> str:
    invoice_id = world.save_invoice(Line("Work", "5.00"), datedelivered="2025-01-31T00:00:00Z")
    world.xero.user(world.org).set_lock_dates(period="2025-06-30")
    return invoice_id


def amount_that_no_line_takes(world: World) -> str:
    return world.save_invoice(Line("Work", "99999999.99", quantity="1000"))


FAILING: list[tuple[Spoil, tuple[str, ...]]] = [
    (product_number_too_long, ("P" * 31, "30 characters")),
    (product_without_number, ("Numberless", "no product number")),
    (products_that_collide, ("Red chair", "Blue chair", "same item")),
    (two_contacts_of_the_account_number, ("Wide World Importers", "account number")),
    (archived_contact, ("archived", "Restore")),
    (line_without_product, ("no product",)),
    (customer_deleted, ("customer", "deleted")),
    (currency_without_code, ("ISO code",)),
    (currency_not_in_xero, ("NOK", "subscribed")),
    (account_of_another_connection, ("200 - Their sales", "another connection", "Work")),
    (inactive_account_row, ("no longer in use", "Work")),
    (locked_date, ("30 June 2025", "lock date")),
    (amount_that_no_line_takes, ("LineAmount",)),
]


@pytest.mark.parametrize(("spoil", "words"), FAILING, ids=lambda value: getattr(value, "__name__", ""))
def test_bad_input_is_a_failed_row_that_says_why_and_what_to_do(
    world: World, spoil: Spoil, words: tuple[str, ...]
) -> None:
    """Rules C20, C22, C30, C41, C60 and F4: the others of the batch go; a person's No tries it again."""
    good = world.save_invoices(5)
    bad = spoil(world)
    world.mark(bad, *good)

    world.settle()

    world.assert_exported_once(*good)
    assert world.status(bad) == "Failed"
    (row,) = world.history(bad)
    assert row["stl3_syncstatus"] == FAILED
    assert [word for word in words if word not in row["stl3_details"]] == []
    assert row["stl3_details"].count("set Export status to No") == 1
    assert list(world.app.dead.list_all()) == []
    assert world.documents_of(bad) == []
    world.assert_quiet()


def test_all_bad_input_in_one_batch_of_fifty(world: World) -> None:
    """Each of the fifty has its own row of history; what can go has gone."""
    spoilers = [spoil for spoil, _ in FAILING if spoil not in (account_of_another_connection, currency_not_in_xero)]
    bad = [spoil(world) for spoil in spoilers]
    good = world.save_invoices(50 - len(bad))
    world.mark(*bad, *good)

    world.settle()

    world.assert_exported_once(*good)
    assert {world.status(invoice_id) for invoice_id in bad} == {"Failed"}
    rows = {invoice_id: world.history(invoice_id) for invoice_id in (*bad, *good)}
    assert {len(found) for found in rows.values()} == {1}
    assert sum(found[0]["stl3_syncstatus"] == SUCCESSFUL for found in rows.values()) == len(good)
    world.assert_quiet()


@pytest.mark.parametrize("together", [True, False])
def test_a_product_never_takes_the_item_of_another_one(world: World, *, together: bool) -> None:
    """Rule C30: whichever comes first, the number with blanks before it fails, and the other product has its item."""
    for key, name in ((" CHAIR-99", "Red chair"), ("CHAIR-99", "Blue chair")):
        world.products[key] = world.add_product(key, name)
    ids = []
    for key in ("CHAIR-99", " CHAIR-99"):
        ids.append(world.save_invoice(Line("", "5.00", product=key)))
        if not together:
            world.settle()
    world.settle()

    world.assert_exported_once(ids[0])
    assert world.status(ids[1]) == "Failed"
    assert "“Blue chair” (CHAIR-99) and “Red chair” ( CHAIR-99) would be the same item" in _reason(world, ids[1])


def test_blanks_behind_a_product_number_do_not_count(world: World) -> None:
    """Rule C30: for the database they are none; the item has the code without them."""
    world.products["blank"] = world.add_product("LAMP-99 ", "Lamp")
    invoice_id = world.save_invoice(Line("", "5.00", product="blank"))

    world.settle()

    world.assert_exported_once(invoice_id)
    assert world.documents_of(invoice_id)[0]["LineItems"][0]["ItemCode"] == "LAMP-99"


NAMES = [
    "Two  spaces  Ltd",
    "Angle <brackets> & Co",
    "Émile 🎉 Café",
    "\u202eright to left\u202c Ltd",
    "tab\tand\nline",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_travel(world: World, name: str) -> None:
    """Rule C21: what Xero would refuse is tidied; the customer becomes one contact however often it comes."""
    world.customers["odd"] = world.add_customer(name)
    world.products["odd"] = world.add_product("ODD-1", name[:100])
    invoice_ids = [world.save_invoice(Line(name, "5.00", product="odd"), customer="odd")]
    world.settle()
    world.redis.flushall()
    invoice_ids.append(world.save_invoice(Line(name, "6.00"), customer="odd"))
    world.settle()

    world.assert_exported_once(*invoice_ids)
    assert len(world.org.contacts.values()) == 1


@pytest.mark.parametrize("text", ["word " * 801, "x" * 4001, "🎉" * 4001])
def test_long_descriptions_are_cut_and_go(world: World, text: str) -> None:
    """Rule C33; Dynamics' own column takes 2,000 characters, a customer's may take more than Xero's 4,000."""
    memo = {"name": "new_long", "type": "memo", "max_length": 10_000}
    world.dynamics.customise({"columns": {"invoicedetail": [memo]}})
    world.choose(custom_fields='{"line_description": "{productdescription} {new_long}"}')
    invoice_id = world.save_invoice(Line("Work", "5.00"))
    on_line(world, invoice_id, new_long=text)
    world.mark(invoice_id)

    world.settle()

    world.assert_exported_once(invoice_id)
    (document,) = world.documents_of(invoice_id)
    assert len(document["LineItems"][0]["Description"]) <= 4000
    assert document["LineItems"][0]["Description"].startswith("Work ")


def test_a_number_that_xero_cannot_take_fails_in_its_words(world: World) -> None:
    """Rule B1: with No the invoice ID of Dynamics is the number, whatever somebody wrote there."""
    world.choose(use_xero_number=False)
    bad = world.save_invoice(Line("Work", "5.00"), invoicenumber="RÉ-1")
    good = world.save_invoice(Line("Work", "5.00"))

    world.settle()

    world.assert_exported_once(good)
    assert "InvoiceNumber" in _reason(world, bad)


def _reason(world: World, invoice_id: str) -> Any:
    (row,) = world.history(invoice_id)
    assert row["stl3_syncstatus"] == FAILED
    return row["stl3_details"]
