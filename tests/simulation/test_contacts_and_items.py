"""Customers become contacts and products items once; what exists is found, what is unclear fails in words."""

from __future__ import annotations

from typing import Any

import pytest

from core import columns
from simulators.wire import Fault
from tests.world import Line, World


def export(world: World, *, customer: str = "Fourth Coffee", product: str | None = None) -> str:
    world.pass_time(minutes=1)
    invoice_id = world.save_invoice(Line("Work", "10.00", product=product), customer=customer)
    world.mark(invoice_id)
    world.settle()
    return invoice_id


def contact_of(world: World, invoice_id: str) -> str:
    (document,) = world.documents_of(invoice_id)
    return document["Contact"]["ContactID"]


def reason(world: World, invoice_id: str) -> str:
    assert world.status(invoice_id) == "Failed"
    assert world.documents_of(invoice_id) == []
    return world.history(invoice_id)[-1]["stl3_details"]


def number_of(contact: dict[str, Any]) -> str:
    return str(contact.get("ContactNumber") or "")


def test_a_customer_and_a_product_are_created_once_even_when_redis_forgets_them(world: World) -> None:
    """Across batches, and found again by their numbers."""
    invoice_ids = [export(world, product="CHAIR-01"), export(world, product="CHAIR-01")]
    world.redis.flushall()
    invoice_ids.append(export(world, product="CHAIR-01"))

    world.assert_exported_once(*invoice_ids)
    (contact,) = world.org.contacts.values()
    assert number_of(contact) == world.customers["Fourth Coffee"]
    assert len({contact_of(world, invoice_id) for invoice_id in invoice_ids}) == 1
    assert [item["Code"] for item in world.org.items.values()] == ["CHAIR-01"]


@pytest.mark.parametrize("match", ["PUT /api.xro/2.0/Contacts", "PUT /api.xro/2.0/Items"])
@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "status-after"])
def test_a_lost_answer_to_their_creation_creates_nothing_twice(world: World, match: str, kind: Any) -> None:
    """The next look finds them."""
    world.xero.wire.inject(Fault(match=match, kind=kind, status=500))

    invoice_id = export(world, product="CHAIR-01")

    world.assert_exported_once(invoice_id)
    assert len(world.org.contacts) == 1
    assert len(world.org.items) == 1


@pytest.mark.parametrize("together", [True, False])
def test_two_customers_of_one_name_are_two_contacts(world: World, *, together: bool) -> None:
    """F50: C20: the second one bears its account number; a third without account number fails and says so."""
    world.customers["first"] = world.add_customer("Adatum", accountnumber="A-1")
    world.customers["second"] = world.add_customer("Adatum", accountnumber="A-2")
    world.customers["third"] = world.add_customer("adatum ")
    ids = []
    for customer in ("first", "second"):
        ids.append(world.save_invoice(Line("Work", "10.00"), customer=customer))
        if not together:
            world.settle()
    world.settle()
    failing = export(world, customer="third")

    world.assert_exported_once(*ids)
    contacts = {number_of(contact): contact["Name"] for contact in world.org.contacts.values()}
    assert contacts.keys() == {world.customers["first"], world.customers["second"]}
    assert sorted(contacts.values()) in (["Adatum", "Adatum (A-1)"], ["Adatum", "Adatum (A-2)"])
    assert len({contact_of(world, invoice_id) for invoice_id in ids}) == 2
    assert "no account number" in reason(world, failing)


@pytest.mark.parametrize("together", [True, False])
def test_a_contact_without_number_belongs_to_one_customer_of_its_name(world: World, *, together: bool) -> None:
    """Rule C20: whoever is first gets it, as its documents show; the other one is another contact."""
    contact = world.xero.user(world.org).create_contact(Name="Adatum")
    world.customers["first"] = world.add_customer("Adatum", accountnumber="A-1")
    world.customers["second"] = world.add_customer("ADATUM", accountnumber="A-2")
    ids = []
    for customer in ("first", "second"):
        ids.append(world.save_invoice(Line("Work", "10.00"), customer=customer))
        if not together:
            world.settle()
    world.settle()
    world.redis.flushall()  # what was remembered is not what tells them apart
    ids.append(export(world, customer="second"))

    world.assert_exported_once(*ids)
    used = [contact_of(world, invoice_id) for invoice_id in ids]
    assert contact["ContactID"] in used
    assert used[0] != used[1] == used[2]
    assert len(world.org.contacts.values()) == 2


def test_a_contact_without_number_is_matched_by_its_name_and_not_changed(world: World) -> None:
    """C20: spaces and case do not count; a matched contact is never written to."""
    person = world.xero.user(world.org)
    contact = person.create_contact(Name="WIDE world")
    before = dict(world.org.contacts[contact["ContactID"]]) | {"IsCustomer": True}  # Xero's own doing
    world.customers["Wide"] = world.add_customer("Wide  World ")

    invoice_id = export(world, customer="Wide")

    assert contact_of(world, invoice_id) == contact["ContactID"]
    assert world.org.contacts[contact["ContactID"]] == before


def test_a_contact_known_from_an_earlier_invoice_is_used_though_it_was_renamed(world: World) -> None:
    """C20, first step: Xero details name the contact, when neither number nor name leads to it any more."""
    person = world.xero.user(world.org)
    contact_id = person.create_contact(Name="Fourth Coffee")["ContactID"]
    export(world)
    person.edit_contact(contact_id, Name="4th Coffee Holding")
    world.redis.flushall()

    invoice_id = export(world)

    assert contact_of(world, invoice_id) == contact_id
    assert len(world.org.contacts) == 1


def test_an_account_number_of_several_contacts_fails_naming_them(world: World) -> None:
    """C20: never the first of them."""
    person = world.xero.user(world.org)
    for name in ("Coffee North", "Coffee South"):
        person.create_contact(Name=name, AccountNumber="AC-100")

    text = reason(world, export(world))

    assert "Coffee North" in text
    assert "Coffee South" in text
    assert len(world.org.contacts) == 2


def test_an_archived_contact_fails_until_it_is_restored(world: World) -> None:
    """F50: C22, whether it was remembered or not; after the repair Failed → No makes it go."""
    person = world.xero.user(world.org)
    contact_id = contact_of(world, export(world))
    person.archive_contact(contact_id)

    invoice_id = export(world)
    assert "is archived in Xero" in reason(world, invoice_id)
    world.redis.flushall()
    other_id = export(world)
    assert "Restore it" in reason(world, other_id)
    person.restore_contact(contact_id)
    for failed in (invoice_id, other_id):
        world.try_again(failed)
    world.settle()

    world.assert_exported_once(invoice_id, other_id)
    assert len(world.org.contacts) == 1


@pytest.mark.parametrize("create", [True, False])
def test_an_archived_contact_that_only_its_documents_name_fails_as_well(world: World, *, create: bool) -> None:
    """Rule C22: found by its name at first, it bears no number; a second contact of that name is not the remedy."""
    person = world.xero.user(world.org)
    contact_id = person.create_contact(Name="Fourth Coffee")["ContactID"]
    assert contact_of(world, export(world)) == contact_id
    person.archive_contact(contact_id)
    world.choose(create_contacts=create)
    world.pass_time(minutes=2)

    invoice_id = export(world)

    assert "“Fourth Coffee” is archived in Xero. Restore it there." in reason(world, invoice_id)
    assert len(world.org.contacts) == 1


def test_an_active_contact_of_its_name_takes_the_place_of_an_archived_one(world: World) -> None:
    """Rule C22: somebody has made another one on purpose."""
    person = world.xero.user(world.org)
    old = person.create_contact(Name="Fourth Coffee")["ContactID"]
    export(world)
    person.archive_contact(old)
    new = person.create_contact(Name="Fourth Coffee")["ContactID"]

    assert contact_of(world, export(world)) == new


def test_several_archived_contacts_are_not_told_to_be_merged(world: World) -> None:
    """Rule C20: only active ones are several; Xero merges no archived ones."""
    person = world.xero.user(world.org)
    for _ in range(2):
        person.archive_contact(person.create_contact(Name="Fourth Coffee")["ContactID"])
    world.choose(create_contacts=False)

    assert "is archived in Xero. Restore it there." in reason(world, export(world))


@pytest.mark.parametrize("create", [True, False])
def test_a_merged_contact_is_followed(world: World, *, create: bool) -> None:
    """F50: C22: the heir gets the invoice; nothing is created."""
    person = world.xero.user(world.org)
    contact_id = contact_of(world, export(world))
    heir_id = person.create_contact(Name="Coffee Group")["ContactID"]
    person.merge_contact(contact_id, into=heir_id)
    world.choose(create_contacts=create)
    world.redis.flushall()

    invoice_id = export(world)

    assert contact_of(world, invoice_id) == heir_id
    assert len(world.org.contacts) == 2


def test_a_merged_contact_is_followed_where_no_earlier_document_names_it(world: World) -> None:
    """By its number, which Xero keeps for the merged contact and refuses to a new one."""
    person = world.xero.user(world.org)
    old = person.create_contact(Name="Coffee", ContactNumber=world.customers["Fourth Coffee"])
    heir_id = person.create_contact(Name="Coffee Group")["ContactID"]
    person.merge_contact(old["ContactID"], into=heir_id)

    assert contact_of(world, export(world)) == heir_id


def test_a_remembered_contact_that_was_merged_is_forgotten_once_xero_refuses_it(world: World) -> None:
    """Failed → No then finds the heir, instead of failing for ever."""
    person = world.xero.user(world.org)
    contact_id = contact_of(world, export(world))
    heir_id = person.create_contact(Name="Coffee Group")["ContactID"]
    person.merge_contact(contact_id, into=heir_id)
    invoice_id = export(world)

    if world.status(invoice_id) == "Failed":
        world.try_again(invoice_id)
        world.settle()

    assert contact_of(world, invoice_id) == heir_id


def test_without_b2_an_unknown_customer_fails_and_is_found_once_it_exists(world: World) -> None:
    """B2 = No: the history names the customer; a person makes the contact; Failed → No."""
    world.choose(create_contacts=False)
    invoice_id = export(world)
    assert "Xero does not know the customer “Fourth Coffee”" in reason(world, invoice_id)
    world.xero.user(world.org).create_contact(Name="Fourth Coffee")
    world.try_again(invoice_id)

    world.settle()

    world.assert_exported_once(invoice_id)
    assert len(world.org.contacts) == 1


def test_a_product_that_xero_has_already_is_used(world: World) -> None:
    """Made by a person, before or after the connector last listed the items."""
    person = world.xero.user(world.org)
    export(world, product="CHAIR-01")
    person.create_item(Code="DESK-02", Name="Desk", SalesDetails={"AccountCode": "260"})

    invoice_id = export(world, product="DESK-02")

    world.assert_exported_once(invoice_id)
    assert sorted(item["Code"] for item in world.org.items.values()) == ["CHAIR-01", "DESK-02"]
    (line,) = world.documents_of(invoice_id)[0]["LineItems"]
    assert (line["ItemCode"], line["AccountCode"]) == ("DESK-02", "260")


def test_an_item_made_since_they_were_listed_is_used_where_none_are_created(world: World) -> None:
    """Rules B3 and C34, with B3 = No: what Xero knows has its item's account, not the default one."""
    world.choose(create_products=False)
    assert not world.documents_of(export(world, product="CHAIR-01"))[0]["LineItems"][0].get("ItemCode")
    details = {"AccountCode": "260", "TaxType": "ZERORATEDOUTPUT"}
    world.xero.user(world.org).create_item(Code="CHAIR-01", Name="Chair", SalesDetails=details)

    (line,) = world.documents_of(export(world, product="CHAIR-01"))[0]["LineItems"]

    assert (line["ItemCode"], line["AccountCode"], line["TaxType"]) == ("CHAIR-01", "260", "ZERORATEDOUTPUT")


def test_a_bill_books_stock_where_its_tracked_item_says(world: World) -> None:
    """Rules C34 and C35: what is bought for stock is an asset, and no expense."""
    person = world.xero.user(world.org)
    person.create_item(
        Code="CHAIR-01", Name="Chair", InventoryAssetAccountCode="630", PurchaseDetails={"COGSAccountCode": "310"}
    )
    invoice_id = world.save_invoice(
        Line("Chairs", "10.00", quantity="3", product="CHAIR-01"),
        stl3_invoicetype=columns.INVOICE_TYPE["Purchase Invoice"],
    )
    world.mark(invoice_id)

    world.settle()

    (chairs,) = world.documents_of(invoice_id)[0]["LineItems"]
    assert (chairs["ItemCode"], chairs["AccountCode"]) == ("CHAIR-01", "630")


def test_a_product_number_that_is_too_long_fails_or_goes_without_item(world: World) -> None:
    """C30: over 30 characters; with B3 = No the line goes without an item code."""
    world.products["LONG"] = world.add_product("L" * 31, "Long")
    failed = export(world, product="LONG")
    assert "30 characters" in reason(world, failed)
    world.choose(create_products=False)
    world.pass_time(minutes=2)

    invoice_id = export(world, product="LONG")

    (line,) = world.documents_of(invoice_id)[0]["LineItems"]
    assert not line.get("ItemCode")


def test_b3_no_sends_the_line_without_item_and_b4_fails_it(world: World) -> None:
    """B4 names the products; once a person has made the item, Failed → No makes the invoice go."""
    world.choose(create_products=False)
    invoice_id = export(world, product="CHAIR-01")
    assert not world.documents_of(invoice_id)[0]["LineItems"][0].get("ItemCode")
    world.choose(require_products=True)
    world.pass_time(minutes=2)

    failing = export(world, product="CHAIR-01")
    assert "CHAIR-01" in reason(world, failing)
    world.xero.user(world.org).create_item(Code="CHAIR-01", Name="Chair")
    world.try_again(failing)
    world.settle()

    assert world.documents_of(failing)[0]["LineItems"][0]["ItemCode"] == "CHAIR-01"


def test_settings_are_a_minute_old_at_most_and_an_event_drops_them_at_once(world: World) -> None:
    """B: cached for 60 s; the settings event makes the change count for the next invoice."""
    export_status = [world.documents_of(export_now(world))[0]["Status"]]
    world.choose(status="Authorised")
    export_status.append(world.documents_of(export_now(world))[0]["Status"])
    world.dispatch(world.settings_event())
    export_status.append(world.documents_of(export_now(world))[0]["Status"])
    world.choose(status="Submitted")
    world.pass_time(seconds=61)
    export_status.append(world.documents_of(export_now(world))[0]["Status"])

    assert export_status == ["DRAFT", "DRAFT", "AUTHORISED", "SUBMITTED"]


def export_now(world: World) -> str:
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    world.work()
    return invoice_id


def test_b1_no_sends_the_number_of_dynamics(world: World) -> None:
    """The Dynamics invoice id is the number in Xero; one that Xero has already fails in words."""
    world.choose(use_xero_number=False)
    first = export(world)
    number = world.invoice(first)["invoicenumber"]
    assert world.documents_of(first)[0]["InvoiceNumber"] == number

    second = world.save_invoice(Line("Work", "10.00"), invoicenumber=number)
    world.settle()

    assert "unique" in reason(world, second)
