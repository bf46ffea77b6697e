"""Credit notes: made, read, changed, voided and deleted by the rules of invoices."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.xero_caller import ZERO_ID, XeroCaller, credit_note, line, start_xero

UNKNOWN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


def _made(xero: XeroCaller, **fields: Any) -> Any:
    answered = xero.put("/CreditNotes?unitdp=4", credit_note(**fields))
    assert answered.status == 200, answered.text
    return answered.json["CreditNotes"][0]


def _refused(xero: XeroCaller, **fields: Any) -> list[str]:
    answered = xero.put("/CreditNotes", credit_note(**fields))
    assert answered.status == 400, answered.text
    assert answered.json["Elements"][0]["CreditNoteID"] == ZERO_ID
    return answered.messages


def test_a_sales_credit_note_gets_a_number_and_its_whole_total_as_credit(xero: XeroCaller) -> None:
    made = _made(xero, Reference="R-1", LineItems=[line(UnitAmount="33.1234"), {"Description": "a note"}])
    second = _made(xero)

    assert (made["CreditNoteNumber"], second["CreditNoteNumber"]) == ("CN-0001", "CN-0002")
    assert made["CreditNoteID"] == made["ID"]
    assert (made["Total"], made["RemainingCredit"]) == (Decimal("39.74"), Decimal("39.74"))
    assert made["LineItems"][0]["UnitAmount"] == Decimal("33.1234")
    assert (made["Allocations"], made["Payments"], made["SentToContact"]) == ([], [], False)
    assert made["Contact"]["Addresses"] == []  # only a summary of the contact
    assert (made["Reference"], made["BrandingThemeID"]) == ("R-1", xero.organisation.default_theme_id())


def test_a_credit_note_of_a_bill_has_no_number_of_its_own(xero: XeroCaller) -> None:
    lines = [line(AccountCode="429")]
    made = _made(xero, Type="ACCPAYCREDIT", LineItems=lines, Reference="x")
    for _ in range(2):
        _made(xero, Type="ACCPAYCREDIT", CreditNoteNumber="B-1", LineItems=lines)

    assert "CreditNoteNumber" not in made
    assert "Reference" not in made
    assert xero.organisation.contacts[made["Contact"]["ContactID"]]["IsSupplier"] is True
    assert len(xero.organisation.credit_notes) == 3


def test_a_single_one_is_found_by_id_and_by_number(xero: XeroCaller) -> None:
    made = _made(xero, CreditNoteNumber="CN-INV-7")

    by_id, by_number = xero.one(f"/CreditNotes/{made['CreditNoteID']}"), xero.one("/CreditNotes/cn-inv-7")

    assert by_id == by_number
    assert len(by_id["Contact"]["Phones"]) == 4
    assert len(by_id["LineItems"]) == 1
    assert xero.get(f"/CreditNotes/{UNKNOWN}").status == 404


def test_lists_are_filtered_ordered_and_paged(xero: XeroCaller) -> None:
    for number in range(3):
        _made(xero, CreditNoteNumber=f"N-{number}", Date=f"2026-03-0{number + 1}", Reference=f"R{number}")
        xero.clock.advance(timedelta(hours=1))
    _made(xero, Type="ACCPAYCREDIT", LineItems=[line(AccountCode="429")], Status="DRAFT")

    def numbers(query: str, **headers: str) -> list[Any]:
        return [
            each.get("CreditNoteNumber") for each in xero.get(f"/CreditNotes?{query}", **headers).json["CreditNotes"]
        ]

    contact_id = next(iter(xero.organisation.contacts))
    paged = xero.get("/CreditNotes?page=1&pageSize=2&unitdp=4").json

    assert numbers('where=Type=="ACCRECCREDIT"&order=Date DESC') == ["N-2", "N-1", "N-0"]
    assert numbers('where=CreditNoteNumber=="n-1"') == ["N-1"]
    assert numbers(f'where=Contact.ContactID==guid("{contact_id}") AND Status=="DRAFT"') == [None]
    assert numbers("", If_Modified_Since="2026-03-10T11:30:05") == ["N-2", None]
    assert paged["pagination"] == {"page": 1, "pageSize": 2, "pageCount": 2, "itemCount": 4}
    assert [len(each["LineItems"]) for each in paged["CreditNotes"]] == [1, 1]
    assert [each["LineItems"] for each in xero.get("/CreditNotes").json["CreditNotes"]] == [[]] * 4
    assert xero.get("/CreditNotes?where=Nope==1").json["Type"] == "QueryParseException"


def test_a_post_changes_the_note_that_its_number_or_its_path_names(xero: XeroCaller) -> None:
    made = _made(xero, CreditNoteNumber="N-1", Status="DRAFT")

    by_number = xero.post("/CreditNotes", credit_note(CreditNoteNumber="N-1", Reference="a", Status="DRAFT"))
    by_path = xero.post("/CreditNotes/N-1", {"LineItems": [line(UnitAmount=50)], "Status": "AUTHORISED"})

    assert by_number.json["CreditNotes"][0]["CreditNoteID"] == made["CreditNoteID"]
    assert by_path.json["CreditNotes"][0]["RemainingCredit"] == Decimal(60)
    assert by_path.json["CreditNotes"][0]["Reference"] == "a"
    assert xero.post(f"/CreditNotes/{UNKNOWN}", {}).status == 404


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_unknown_id_in_the_body_is_refused(xero: XeroCaller, method: str) -> None:
    answered = xero.call(method, "/CreditNotes", credit_note(CreditNoteID=UNKNOWN))

    assert answered.messages == ["An existing Credit Note with the specified CreditNoteID could not be found"]


def test_notes_that_are_refused(xero: XeroCaller) -> None:
    _made(xero, CreditNoteNumber="N-1")
    xero.person.set_lock_dates(period="2026-01-31")

    assert _refused(xero, CreditNoteNumber="n-1") == ["Credit Note # must be unique."]
    assert _refused(xero, Status="VOIDED") == ["Credit Note not of valid status for creation"]
    assert _refused(xero, Type="ACCREC") == ["Credit Note not of valid type for creation"]
    assert _refused(xero, LineItems=[]) == ["One or more line items must be specified"]
    assert _refused(xero, Contact=None) == ["A Contact must be specified for this type of transaction"]
    assert _refused(xero, LineItems=[line(DiscountRate=10)]) == ["Discounts may not be applied to credit notes."]
    assert _refused(xero, LineItems=[line(AccountCode="610")]) == [
        "Account code '610' is not a valid code for this document."
    ]
    assert _refused(xero, CurrencyCode="USD") == ["Organisation is not subscribed to currency USD"]
    assert _refused(xero, LineItems=[line(UnitAmount=-1)]) == [
        "The document total cannot be negative when it is approved."
    ]
    assert "period lock date" in _refused(xero, Date="2026-01-31")[0]


def test_a_draft_needs_no_lines_and_is_deleted_an_approved_one_voided(xero: XeroCaller) -> None:
    draft, approved = _made(xero, Status="DRAFT", LineItems=None), _made(xero)

    def set_status(note: Any, status: str) -> Any:
        return xero.post(f"/CreditNotes/{note['CreditNoteID']}", {"Status": status})

    assert set_status(draft, "VOIDED").messages == ["Credit Note not of valid status for modification"]
    assert set_status(approved, "DELETED").messages == ["Credit Note not of valid status for modification"]
    assert set_status(draft, "DELETED").json["CreditNotes"][0]["Status"] == "DELETED"
    voided = set_status(approved, "VOIDED").json["CreditNotes"][0]
    assert (voided["Status"], voided["RemainingCredit"]) == ("VOIDED", Decimal(0))
    assert set_status(approved, "AUTHORISED").messages == ["Credit Note not of valid status for modification"]
    assert xero.one(f"/CreditNotes/{approved['CreditNoteID']}")["Status"] == "VOIDED"


def test_people_write_them_by_the_same_rules(xero: XeroCaller) -> None:
    contact = {"ContactID": xero.person.create_contact(Name="Ann")["ContactID"]}
    note = xero.person.create_credit_note(Contact=contact, LineItems=[line()])
    edited = xero.person.edit_credit_note(note["CreditNoteID"], Reference="x")
    approved = xero.person.approve_credit_note(note["CreditNoteID"])
    voided = xero.person.void_credit_note(note["CreditNoteID"])
    other = xero.person.create_credit_note(Contact=contact)
    gone = xero.person.delete_credit_note(other["CreditNoteID"])

    statuses = [each["Status"] for each in (note, edited, approved, voided, gone)]
    assert statuses == ["DRAFT", "DRAFT", "AUTHORISED", "VOIDED", "DELETED"]
    assert edited["Reference"] == "x"


def test_an_applied_note_is_closed_to_most_changes(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    note = xero.person.credit(invoice_id, 20)
    part = _made(xero)
    xero.person.allocate_credit_note(part["CreditNoteID"], invoice_id, 10)

    def post(note: Any, **fields: Any) -> Any:
        return xero.post(f"/CreditNotes/{note['CreditNoteID']}", fields)

    words = "This document cannot be edited as it has a payment or credit note allocated to it."
    assert post(note, Status="VOIDED").messages == [words]
    assert post(part, Status="VOIDED").messages == [
        "The status VOIDED cannot be applied to the credit note because it has payments or credit notes "
        "allocated to it."
    ]
    assert post(part, Date="2026-03-11").messages == [words]
    assert post(part, LineItems=[line()]).messages == [words]
    assert post(part, Reference="x").json["CreditNotes"][0]["RemainingCredit"] == Decimal(110)


def test_credited_items_come_back_to_stock(xero: XeroCaller) -> None:
    xero.person.create_item(Code="BOX", InventoryAssetAccountCode="630", PurchaseDetails={"COGSAccountCode": "310"})
    item_id = xero.person.set_stock("BOX", 2)["ItemID"]

    returned = _made(xero, LineItems=[line(ItemCode="BOX", Quantity=3)])
    sold = xero.organisation.items[item_id]["QuantityOnHand"]
    xero.person.void_credit_note(returned["CreditNoteID"])
    lines = [{"ItemCode": "BOX", "Description": "Box", "Quantity": 3, "UnitAmount": 1}]

    assert (sold, xero.organisation.items[item_id]["QuantityOnHand"]) == (5, 2)
    assert _refused(xero, Type="ACCPAYCREDIT", LineItems=lines) == [
        "Insufficient stock. Items are eligible for backorder."
    ]


def test_a_refused_batch_takes_back_the_numbers(xero: XeroCaller) -> None:
    refused = xero.put("/CreditNotes", {"CreditNotes": [credit_note(), credit_note(Status="PAID")]})
    parts = xero.put(
        "/CreditNotes?summarizeErrors=false", {"CreditNotes": [credit_note(Status="PAID"), credit_note()]}
    ).json["CreditNotes"]

    assert refused.status == 400
    assert [part["StatusAttributeString"] for part in parts] == ["ERROR", "OK"]
    assert parts[1]["CreditNoteNumber"] == "CN-0001"
