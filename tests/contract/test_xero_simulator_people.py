"""What people do in Xero's pages: the API sees it, and their events go out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from simulators.xero import NotAllowed, Person
from tests.contract.xero_caller import XeroCaller, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


@pytest.fixture
def person(xero: XeroCaller) -> Person:
    return xero.simulator.user(xero.organisation)


@pytest.fixture
def draft(xero: XeroCaller) -> str:
    lines = [line(Description="a"), line(Description="b", UnitAmount=50)]
    return str(xero.create(Status="DRAFT", DueDate=None, LineItems=lines)["InvoiceID"])


def _read(xero: XeroCaller, invoice_id: str) -> Any:
    return xero.get(f"/Invoices/{invoice_id}?unitdp=4").json["Invoices"][0]


def test_a_draft_is_edited_line_by_line(xero: XeroCaller, person: Person, draft: str) -> None:
    before = _read(xero, draft)

    person.edit_line(draft, 1, Description="better", UnitAmount="7.5")
    person.edit_invoice(draft, Date=date(2026, 3, 12), DueDate=date(2026, 4, 1))
    edited = _read(xero, draft)
    person.add_line(draft, **line(Description="c"))
    person.remove_line(draft)
    after = _read(xero, draft)

    assert edited["LineItems"][0] == before["LineItems"][0]
    assert edited["LineItems"][1]["LineItemID"] == before["LineItems"][1]["LineItemID"]
    assert (edited["LineItems"][1]["Description"], edited["SubTotal"]) == ("better", 107.5)
    assert edited["DateString"] == "2026-03-12T00:00:00"
    assert [each["Description"] for each in after["LineItems"]] == ["better", "c"]


def test_a_draft_is_submitted_approved_and_voided(xero: XeroCaller, person: Person, draft: str) -> None:
    with pytest.raises(NotAllowed, match="DueDate"):
        person.approve_invoice(draft)
    person.edit_invoice(draft, DueDate="2026-04-01")

    statuses = [act(draft)["Status"] for act in (person.submit_invoice, person.approve_invoice, person.void_invoice)]

    assert statuses == ["SUBMITTED", "AUTHORISED", "VOIDED"]
    assert _read(xero, draft)["Status"] == "VOIDED"


def test_a_draft_is_deleted(xero: XeroCaller, person: Person, draft: str) -> None:
    person.delete_invoice(draft)

    assert _read(xero, draft)["Status"] == "DELETED"
    with pytest.raises(NotAllowed, match="status for modification"):
        person.edit_invoice(draft, Reference="late")


def test_an_account_is_archived_and_restored(xero: XeroCaller, person: Person) -> None:
    person.archive_account("260")
    refused = xero.refused(LineItems=[line(AccountCode="260")])
    person.restore_account("260")

    assert refused[0].startswith("Account code '260' has been archived")
    assert xero.create(LineItems=[line(AccountCode="260")])["Total"] == 120
    with pytest.raises(NotAllowed):
        person.archive_account("nope")


def test_a_contact_is_renamed_archived_restored_and_merged(xero: XeroCaller, person: Person) -> None:
    ann, bob = (person.create_contact(Name=name)["ContactID"] for name in ("Ann", "Bob"))
    created = xero.create(Contact={"ContactID": bob})

    renamed = person.rename_contact(ann, "Ann Smith")
    archived = person.archive_contact(ann)
    restored = person.restore_contact(ann)
    merged = person.merge_contact(bob, into=ann)

    assert renamed["Name"] == "Ann Smith"
    assert [archived["ContactStatus"], restored["ContactStatus"]] == ["ARCHIVED", "ACTIVE"]
    assert merged["MergedToContactID"] == ann
    assert _read(xero, created["InvoiceID"])["Contact"]["ContactID"] == ann
    with pytest.raises(NotAllowed, match="already assigned"):
        person.create_contact(Name="ann smith")


def test_lock_dates_are_set_and_lifted(xero: XeroCaller, person: Person) -> None:
    person.set_lock_dates(period=date(2026, 3, 31))
    (locked,) = xero.refused()
    shown = xero.get("/Organisation").json["Organisations"][0]["PeriodLockDate"]
    person.set_lock_dates()

    assert locked.endswith("31 March 2026")
    assert shown == "/Date(1774915200000+0000)/"
    assert xero.create()["Status"] == "AUTHORISED"


def test_only_tracked_items_have_stock(person: Person) -> None:
    person.create_item(Code="plain")

    with pytest.raises(NotAllowed):
        person.set_stock("plain", 3)
    with pytest.raises(NotAllowed, match="both"):
        person.create_item(Code="half", InventoryAssetAccountCode="630")
    with pytest.raises(NotAllowed, match="type INVENTORY"):
        person.create_item(Code="odd", InventoryAssetAccountCode="200", PurchaseDetails={"COGSAccountCode": "310"})
