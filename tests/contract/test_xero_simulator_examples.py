"""Answers about settled documents, held against published examples of the same answers."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.contract.xero_caller import XeroCaller, line, start_xero

EXAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "xero-examples"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.exists(), reason=f"the published examples are not here ({EXAMPLES.name})"
)


@pytest.fixture
def xero() -> XeroCaller:
    caller = start_xero(scopes="accounting.invoices accounting.contacts accounting.settings accounting.payments")
    caller.person.create_item(Code="123", Name="Strings")
    return caller


@pytest.fixture
def invoice_id(xero: XeroCaller) -> str:
    contact = xero.person.create_contact(Name="Ann", EmailAddress="ann@example.com", ContactNumber="C-1")
    lines = [line(), line(ItemCode="123"), {"Description": "a note"}]
    url = "https://crm.example.com/1"
    created = xero.create(
        Contact={"ContactID": contact["ContactID"]}, LineItems=lines, Url=url, Reference="R", InvoiceNumber="S-1"
    )
    return str(created["InvoiceID"])


def _example(name: str) -> Any:
    (path,) = EXAMPLES.glob(f"{name}_*.json")
    return json.loads(path.read_text(encoding="utf-8"))


def _element(example: Any, plural: str) -> Any:
    return example["response"]["body"][plural][0]


def _differences(shown: Any, expected: Any, place: str = "") -> list[str]:
    """Say which keys one of both has alone, and where the kinds of values differ.

    Addresses vary by contact; an empty list of attachments is in the description and not in the examples.
    """
    if isinstance(shown, dict) and isinstance(expected, dict):
        alone = [f"{place}/{key}" for key in sorted((shown.keys() ^ expected.keys()) - {"Attachments"})]
        both = sorted(shown.keys() & expected.keys() - {"Addresses", "StatusAttributeString"})
        return alone + [each for key in both for each in _differences(shown[key], expected[key], f"{place}/{key}")]
    if isinstance(shown, list) and isinstance(expected, list):
        if bool(shown) != bool(expected):
            return [f"{place} is empty in one of both"]
        pairs = enumerate(zip(shown, expected, strict=False))
        return [each for index, pair in pairs for each in _differences(*pair, f"{place}/{index}")]
    same = isinstance(shown, str) == isinstance(expected, str) and isinstance(shown, bool) == isinstance(
        expected, bool
    )
    return [] if same else [f"{place} is {shown!r}"]


def test_a_part_paid_invoice(xero: XeroCaller, invoice_id: str) -> None:
    xero.person.pay(invoice_id, 100, reference="BACS")

    assert _differences(xero.one(f"/Invoices/{invoice_id}"), _element(_example("17"), "Invoices")) == []


def test_a_paid_invoice(xero: XeroCaller, invoice_id: str) -> None:
    xero.person.pay(invoice_id, 100, reference="BACS")
    xero.person.pay(invoice_id)

    assert _differences(xero.one(f"/Invoices/{invoice_id}"), _element(_example("18"), "Invoices")) == []


def test_an_invoice_paid_by_money_and_credit(xero: XeroCaller, invoice_id: str) -> None:
    xero.person.pay(invoice_id, 100, reference="BACS")
    xero.person.credit(invoice_id)

    assert _differences(xero.one(f"/Invoices/{invoice_id}"), _element(_example("19"), "Invoices")) == []


def test_a_list_of_what_changed(xero: XeroCaller, invoice_id: str) -> None:
    xero.person.pay(invoice_id, 100, reference="BACS")
    shown = xero.one(f"/Invoices?page=1&where=InvoiceID==guid(%22{invoice_id}%22)")

    assert _differences(shown, _element(_example("20"), "Invoices")) == []


def test_a_credit_note_and_its_allocation(xero: XeroCaller, invoice_id: str) -> None:
    contact = {"ContactID": xero.one(f"/Invoices/{invoice_id}")["Contact"]["ContactID"]}
    example, note = _example("22"), _example("23")
    body = example["request"]["body"]
    body["CreditNotes"][0] |= {"Contact": contact}

    made = xero.put("/CreditNotes?unitdp=4", body).json["CreditNotes"][0]
    wanted = note["request"]["body"]["Allocations"][0] | {"Invoice": {"InvoiceID": invoice_id}}
    path = f"/CreditNotes/{made['CreditNoteID']}"
    allocated = xero.put(f"{path}/Allocations", {"Allocations": [wanted]}).json["Allocations"][0]
    afterwards = xero.one("/CreditNotes?page=1")
    gone = xero.delete(f"{path}/Allocations/{allocated['AllocationID']}").json

    assert made["Total"] == Decimal("40.2")
    assert _differences(made, _element(example, "CreditNotes")) == []
    assert _differences(allocated, _element(note, "Allocations")) == []
    assert _differences(afterwards, note["credit_note_afterwards"]) == []
    assert _differences(gone, note["delete_allocation"]["response"]["body"]) == []


def test_a_refused_allocation(xero: XeroCaller, invoice_id: str) -> None:
    xero.person.credit(invoice_id, 1)
    (note_id,) = xero.organisation.credit_notes
    example = _example("24")
    expected = example["response"]["body"]["Elements"][0]

    wanted = {"Invoice": {"InvoiceID": invoice_id}, "Amount": 500, "Date": "2026-03-25"}
    answered = xero.put(f"/CreditNotes/{note_id}/Allocations", {"Allocations": [wanted]})

    assert _differences(answered.json["Elements"][0], expected) == []
    assert answered.messages == [message["Message"] for message in expected["ValidationErrors"]]


def test_a_payment_made_refused_and_deleted(xero: XeroCaller, invoice_id: str) -> None:
    example = _example("25")
    wanted = example["request"]["body"]["Payments"][0] | {"Invoice": {"InvoiceID": invoice_id}}

    made = xero.put("/Payments?summarizeErrors=false", {"Payments": [wanted]}).json["Payments"][0]
    refused = xero.put("/Payments", {"Payments": [wanted | {"Amount": 999}]})
    gone = xero.post(f"/Payments/{made['PaymentID']}", example["delete"]["request"]["body"]).json["Payments"][0]
    shortened = example["delete"]["response_element"]

    assert _differences(made, _element(example, "Payments")) == []
    assert _differences(refused.json["Elements"][0], example["error_overpay"]["body"]["Elements"][0]) == []
    assert shortened.keys() <= gone.keys()
    assert shortened["Invoice"].keys() <= gone["Invoice"].keys()


def test_an_overpayment(xero: XeroCaller, invoice_id: str) -> None:
    contact_id = xero.one(f"/Invoices/{invoice_id}")["Contact"]["ContactID"]
    xero.person.receive_overpayment(contact_id, 20, reference="Paid twice")

    assert _differences(xero.one("/Overpayments?page=1"), _element(_example("32"), "Overpayments")) == []


def test_balances_of_a_contact(xero: XeroCaller, invoice_id: str) -> None:
    contact_id = xero.one(f"/Invoices/{invoice_id}")["Contact"]["ContactID"]
    xero.person.edit_contact(contact_id, AccountNumber="C-123")
    xero.person.set_contact_terms(contact_id, sales={"Day": 30, "Type": "DAYSAFTERBILLDATE"})

    assert _differences(xero.one("/Contacts?page=1"), _element(_example("11"), "Contacts")) == []
