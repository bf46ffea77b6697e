"""What a cancellation needs of Xero: documents ended, notes like their invoice, locked days, refusals on demand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from simulators.xero import NotAllowed, Refusal
from tests.contract.xero_caller import XeroCaller, credit_note, line, start_xero

PERIOD = "The document date cannot be before the period lock date, currently set at 31 March 2026"


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


def note(xero: XeroCaller, **fields: Any) -> Any:
    answered = xero.put("/CreditNotes?unitdp=4", credit_note(**fields))
    assert answered.status == 200, answered.text
    return answered.json["CreditNotes"][0]


def set_status(xero: XeroCaller, path: str, status: str) -> list[str]:
    """Ask for a status; return why not."""
    return xero.post(path, {"Status": status}).messages


def apply(xero: XeroCaller, note_id: str, invoice_id: str, amount: object) -> Any:
    body = {"Allocations": [{"Invoice": {"InvoiceID": invoice_id}, "Amount": amount, "Date": "2026-03-10"}]}
    return xero.put(f"/CreditNotes/{note_id}/Allocations?summarizeErrors=false", body).json["Allocations"][0]


# -- notes -----------------------------------------------------------------------------------------------


def test_a_dead_sales_note_keeps_its_number_and_dead_bill_notes_share_theirs(xero: XeroCaller) -> None:
    deleted, voided = note(xero, CreditNoteNumber="CN-A", Status="DRAFT"), note(xero, CreditNoteNumber="CN-B")
    xero.person.delete_credit_note(deleted["CreditNoteID"])
    xero.person.void_credit_note(voided["CreditNoteID"])
    bill = {"Type": "ACCPAYCREDIT", "LineItems": [line(AccountCode="429")]}
    xero.person.void_credit_note(note(xero, CreditNoteNumber="CN-A", **bill)["CreditNoteID"])

    for number in ("CN-A", "cn-b"):
        assert xero.put("/CreditNotes", credit_note(CreditNoteNumber=number)).messages == [
            "Credit Note # must be unique."
        ]
    assert note(xero, CreditNoteNumber="CN-A", **bill)["CreditNoteNumber"] == "CN-A"


@pytest.mark.parametrize(
    ("kind", "credit", "account"), [("ACCREC", "ACCRECCREDIT", "200"), ("ACCPAY", "ACCPAYCREDIT", "429")]
)
def test_a_note_made_like_its_invoice_takes_it_back_to_the_penny(
    xero: XeroCaller, kind: str, credit: str, account: str
) -> None:
    """Own rate, own tax amounts, texts, tracking; approved later, and applied whatever the rates of both."""
    xero.person.add_tracking_category("Region", ["North"])
    lines = [
        line(AccountCode=account, Quantity=3, UnitAmount="33.3333", TaxAmount="20.01"),
        line(AccountCode=account, UnitAmount=-10, Tracking=[{"Name": "Region", "Option": "North"}]),
        {"Description": "A text"},
    ]
    common = {"CurrencyCode": "EUR", "LineItems": lines}
    invoice = xero.create(Type=kind, CurrencyRate="1.25", **common)

    draft = note(xero, Type=credit, CurrencyRate="1.35", Status="DRAFT", CreditNoteNumber="CN-1", **common)
    path = f"/CreditNotes/{draft['CreditNoteID']}"
    approved = xero.post(f"{path}?unitdp=4", {"Status": "AUTHORISED"}).json["CreditNotes"][0]
    applied = apply(xero, draft["CreditNoteID"], invoice["InvoiceID"], str(invoice["Total"]))

    after = xero.one(f"/Invoices/{invoice['InvoiceID']}")
    assert (draft["Status"], approved["Status"], applied["StatusAttributeString"]) == ("DRAFT", "AUTHORISED", "OK")
    assert (approved["Total"], approved["TotalTax"]) == (invoice["Total"], invoice["TotalTax"])
    assert (invoice["CurrencyRate"], approved["CurrencyRate"]) == (Decimal("1.25"), Decimal("1.35"))
    assert approved["LineItems"][0]["TaxAmount"] == Decimal("20.01")
    assert approved["LineItems"][1]["Tracking"][0]["Option"] == "North"
    assert approved["LineItems"][2]["Description"] == "A text"
    assert (after["Status"], after["AmountDue"], after["AmountCredited"]) == ("PAID", 0, invoice["Total"])
    assert xero.one(path)["Status"] == "PAID"


def test_a_line_may_name_its_account_by_id(xero: XeroCaller) -> None:
    account_id = xero.create()["LineItems"][0]["AccountID"]
    named = line(AccountID=account_id) | {"TaxType": "OUTPUT2"}
    named.pop("AccountCode")

    assert note(xero, LineItems=[named])["LineItems"][0]["AccountCode"] == "200"


def test_approving_looks_at_accounts_and_tax_rates_again_and_not_at_the_contact(xero: XeroCaller) -> None:
    draft = note(xero, Status="DRAFT")
    path, contact = f"/CreditNotes/{draft['CreditNoteID']}", draft["Contact"]["ContactID"]
    xero.person.archive_contact(contact)
    refused_new = xero.put("/CreditNotes", credit_note(Contact={"ContactID": contact})).messages
    xero.person.archive_account("200")
    refused = set_status(xero, path, "AUTHORISED")
    xero.person.restore_account("200")

    assert refused_new == ["The contact status 'ARCHIVED' is not valid for contacts"]
    assert "has been archived" in refused[0]
    assert xero.post(path, {"Status": "AUTHORISED"}).json["CreditNotes"][0]["Status"] == "AUTHORISED"


def test_notes_are_found_by_number_or_id_in_one_condition(xero: XeroCaller) -> None:
    first, second = note(xero, CreditNoteNumber="CN-A"), note(xero, CreditNoteNumber="CN-B")
    note(xero, CreditNoteNumber="CN-C")
    where = f'where=CreditNoteNumber=="cn-a" OR CreditNoteID==Guid("{second["CreditNoteID"]}")'

    found = xero.get(f"/CreditNotes?page=1&order=CreditNoteID ASC&{where}").json["CreditNotes"]

    assert {each["CreditNoteID"] for each in found} == {first["CreditNoteID"], second["CreditNoteID"]}
    assert all(each["LineItems"] for each in found)


# -- locked days -----------------------------------------------------------------------------------------


def test_a_locked_day_closes_documents_to_every_change_of_status(xero: XeroCaller) -> None:
    approved, draft = xero.create()["InvoiceID"], xero.create(Status="DRAFT")["InvoiceID"]
    sales, open_draft = note(xero)["CreditNoteID"], note(xero, Status="DRAFT")["CreditNoteID"]
    xero.person.set_lock_dates(period="2026-03-31")

    assert set_status(xero, f"/Invoices/{approved}", "VOIDED") == [PERIOD]
    assert set_status(xero, f"/Invoices/{draft}", "DELETED") == [PERIOD]
    assert set_status(xero, f"/CreditNotes/{sales}", "VOIDED") == [PERIOD]
    assert set_status(xero, f"/CreditNotes/{open_draft}", "AUTHORISED") == [PERIOD]
    assert set_status(xero, f"/CreditNotes/{open_draft}", "DELETED") == [PERIOD]
    assert xero.put("/CreditNotes", credit_note(Status="DRAFT", Date="2026-03-31")).messages == [PERIOD]
    assert note(xero, Date="2026-04-01")["Status"] == "AUTHORISED"
    xero.person.set_lock_dates()
    assert set_status(xero, f"/Invoices/{approved}", "VOIDED") == []


def test_a_later_note_is_applied_to_an_invoice_of_a_locked_day_and_an_earlier_one_is_not(xero: XeroCaller) -> None:
    """The day of an allocation is the later one of both documents'; what is applied stays then, too."""
    invoice_id = xero.create()["InvoiceID"]
    later, earlier = (note(xero, Date=day)["CreditNoteID"] for day in ("2026-04-01", "2026-03-31"))
    xero.person.set_lock_dates(period="2026-03-31")

    refused, applied = apply(xero, earlier, invoice_id, 10), apply(xero, later, invoice_id, 10)
    xero.person.set_lock_dates(period="2026-04-01")
    path = f"/CreditNotes/{later}/Allocations/{applied['AllocationID']}"

    assert [error["Message"] for error in refused["ValidationErrors"]] == [PERIOD]
    assert applied["StatusAttributeString"] == "OK"
    assert xero.delete(path).messages == [PERIOD.replace("31 March", "1 April")]
    with pytest.raises(NotAllowed, match="period lock date"):
        xero.person.remove_allocation(applied["AllocationID"])
    assert xero.one(f"/Invoices/{invoice_id}")["AmountCredited"] == 10


# -- refusals on demand ----------------------------------------------------------------------------------


def test_xero_refuses_what_a_test_wants_refused(xero: XeroCaller) -> None:
    invoice_id, note_id = xero.create()["InvoiceID"], note(xero, Status="DRAFT")["CreditNoteID"]
    words = "Not on Tuesdays."
    xero.organisation.refusals += [
        Refusal("Invoice", words, status="VOIDED"),
        Refusal("CreditNote", words, times=2),
        Refusal("Allocation", words),
    ]

    edited = xero.post(f"/Invoices/{invoice_id}", {"Reference": "x"})
    refused = [
        *set_status(xero, f"/Invoices/{invoice_id}", "VOIDED"),
        *set_status(xero, f"/CreditNotes/{note_id}", "AUTHORISED"),
        *set_status(xero, f"/CreditNotes/{note_id}", "AUTHORISED"),
    ]
    xero.person.approve_credit_note(note_id)
    applied = [apply(xero, note_id, invoice_id, 10)["StatusAttributeString"] for _ in range(2)]

    assert edited.status == 200
    assert refused == [words] * 3
    assert applied == ["ERROR", "OK"]
    assert xero.organisation.refusals == []
    assert set_status(xero, f"/Invoices/{xero.create()['InvoiceID']}", "VOIDED") == []
