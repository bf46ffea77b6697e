"""What settling a document tells the world: its update time, and the events that go out; who stays silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from simulators.outbox import Delivery, deliver_due
from tests.contract.xero_caller import XeroCaller, credit_note, line, start_xero

Told = tuple[str, str, str]
"""Category, type and id of an event."""


@pytest.fixture
def xero() -> XeroCaller:
    caller = start_xero(scopes="accounting.invoices accounting.contacts accounting.settings accounting.payments")
    caller.simulator.set_webhook("app", "https://connector.example.com/webhooks/xero")
    return caller


def _events(xero: XeroCaller) -> list[dict[str, Any]]:
    """Send what is due; return the events in it."""
    sent: list[Delivery] = []

    def send(delivery: Delivery) -> int:
        sent.append(delivery)
        return 200

    deliver_due(xero.simulator.outbox, send, xero.simulator.settle)
    return [event for delivery in sent for event in json.loads(delivery.body)["events"]]


def _told(xero: XeroCaller, act: Callable[[], Any]) -> list[Told]:
    """Act an hour later; return what is told of it."""
    _events(xero)
    xero.clock.advance(timedelta(hours=1))
    act()
    events = _events(xero)
    assert all(event["eventDateUtc"] == f"{xero.clock.now():%Y-%m-%dT%H:%M:%S}.120" for event in events)
    return [(event["eventCategory"], event["eventType"], event["resourceId"]) for event in events]


def _stamp(xero: XeroCaller, invoice_id: str) -> str:
    return str(xero.one(f"/Invoices/{invoice_id}")["UpdatedDateUTCString"])


def _now(xero: XeroCaller) -> str:
    return f"{xero.clock.now():%Y-%m-%dT%H:%M:%SZ}"


def test_a_payment_and_its_removal_update_the_invoice(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    update = [("INVOICE", "UPDATE", invoice_id)]

    paid = _told(xero, lambda: xero.person.pay(invoice_id, 20))
    paid_at = (_stamp(xero, invoice_id), _now(xero))
    (payment_id,) = xero.organisation.payments
    removed = _told(xero, lambda: xero.person.remove_payment(payment_id))

    assert (paid, removed) == (update, update)
    assert paid_at[0] == paid_at[1]
    assert _stamp(xero, invoice_id) == _now(xero)


def test_applying_and_taking_back_a_credit_note_updates_both_documents(xero: XeroCaller) -> None:
    created = xero.create()
    invoice_id, contact = created["InvoiceID"], {"ContactID": created["Contact"]["ContactID"]}
    note_id = xero.put("/CreditNotes", credit_note(Contact=contact)).json["CreditNotes"][0]["CreditNoteID"]
    both = [("INVOICE", "UPDATE", invoice_id), ("CREDITNOTE", "UPDATE", note_id)]

    applied = _told(xero, lambda: xero.person.allocate_credit_note(note_id, invoice_id))
    applied_at = (_stamp(xero, invoice_id), _now(xero))
    (allocation_id,) = xero.organisation.allocations
    taken = _told(xero, lambda: xero.person.remove_allocation(allocation_id))

    assert (applied, taken) == (both, both)
    assert applied_at[0] == applied_at[1]
    assert _stamp(xero, invoice_id) == _now(xero)
    assert xero.one(f"/CreditNotes/{note_id}")["UpdatedDateUTCString"] == _now(xero)


@pytest.mark.parametrize(("kind", "category"), [("Overpayment", "OVERPAYMENT"), ("Prepayment", "PREPAYMENT")])
def test_prepaid_money_tells_its_type_status_and_time(xero: XeroCaller, kind: str, category: str) -> None:
    created = xero.create()
    _events(xero)
    person, contact_id = xero.person, created["Contact"]["ContactID"]
    receive = person.receive_overpayment if kind == "Overpayment" else person.receive_prepayment
    allocate = person.allocate_overpayment if kind == "Overpayment" else person.allocate_prepayment

    credit_id = receive(contact_id, 30)[f"{kind}ID"]
    (made,) = _events(xero)
    xero.clock.advance(timedelta(hours=1))
    allocate(credit_id, created["InvoiceID"])
    invoice, used = _events(xero)

    assert made["resourceUrl"] == f"https://api.xero.com/api.xro/2.0/{kind}s/{credit_id}"
    assert (made["eventCategory"], made["eventType"]) == (category, "CREATE")
    assert made["data"] == {
        "Type": f"RECEIVE-{category}",
        "Status": "AUTHORISED",
        "UpdatedDateUTCString": "2026-03-10T09:30:05Z",
    }
    assert (invoice["eventCategory"], invoice["resourceId"]) == ("INVOICE", created["InvoiceID"])
    assert "data" not in invoice
    assert used["data"] == {
        "Type": f"RECEIVE-{category}",
        "Status": "PAID",
        "UpdatedDateUTCString": "2026-03-10T10:30:05Z",
    }


def test_credit_notes_tell_their_type_and_status(xero: XeroCaller) -> None:
    contact_id = xero.person.create_contact(Name="Ann")["ContactID"]
    _events(xero)

    note = xero.person.create_credit_note(Contact={"ContactID": contact_id}, LineItems=[line()])
    xero.person.approve_credit_note(note["CreditNoteID"])
    xero.person.void_credit_note(note["CreditNoteID"])

    events = _events(xero)
    assert {event["resourceUrl"] for event in events} == {
        f"https://api.xero.com/api.xro/2.0/CreditNotes/{note['CreditNoteID']}"
    }
    assert [(event["eventType"], event["data"]) for event in events] == [
        ("CREATE", {"Type": "ACCRECCREDIT", "Status": "DRAFT"}),
        ("UPDATE", {"Type": "ACCRECCREDIT", "Status": "AUTHORISED"}),
        ("UPDATE", {"Type": "ACCRECCREDIT", "Status": "VOIDED"}),
    ]


def test_voiding_and_deleting_are_updates(xero: XeroCaller) -> None:
    approved, draft = xero.create()["InvoiceID"], xero.create(Status="DRAFT")["InvoiceID"]

    assert _told(xero, lambda: xero.person.void_invoice(approved)) == [("INVOICE", "UPDATE", approved)]
    assert _told(xero, lambda: xero.person.delete_invoice(draft)) == [("INVOICE", "UPDATE", draft)]
    assert {_stamp(xero, draft)} == {_now(xero)}


def test_contacts_tell_of_edits_and_archiving_and_not_of_balances(xero: XeroCaller) -> None:
    created = xero.create()
    contact_id = created["Contact"]["ContactID"]
    update = [("CONTACT", "UPDATE", contact_id)]

    assert _told(xero, lambda: xero.person.edit_contact(contact_id, FirstName="A")) == update
    assert [told[0] for told in _told(xero, lambda: xero.person.pay(created["InvoiceID"], 20))] == ["INVOICE"]
    assert _told(xero, lambda: xero.person.archive_contact(contact_id)) == update


def test_a_merge_tells_of_all_that_moved(xero: XeroCaller) -> None:
    ann, bob = (xero.person.create_contact(Name=name)["ContactID"] for name in ("Ann", "Bob"))
    invoice_id = xero.create(Contact={"ContactID": bob})["InvoiceID"]
    xero.put("/CreditNotes", credit_note(Contact={"ContactID": bob}))
    xero.person.receive_overpayment(bob, 10)
    xero.person.receive_prepayment(bob, 10)

    told = _told(xero, lambda: xero.person.merge_contact(bob, into=ann))

    assert [category for category, _kind, _id in told] == [
        "INVOICE",
        "CREDITNOTE",
        "OVERPAYMENT",
        "PREPAYMENT",
        "CONTACT",
    ]
    assert told[-1][2] == bob
    assert xero.one(f"/Invoices/{invoice_id}")["Contact"]["ContactID"] == ann
    for plural in ("CreditNotes", "Overpayments", "Prepayments"):
        assert xero.one(f"/{plural}")["Contact"]["ContactID"] == ann


@pytest.mark.parametrize("fields", [{"DueDate": "2026-05-01"}, {"SentToContact": True}])
def test_a_due_date_or_sent_flag_on_a_part_paid_invoice_is_silent(xero: XeroCaller, fields: dict[str, Any]) -> None:
    unpaid, paid = xero.create()["InvoiceID"], xero.create()["InvoiceID"]
    xero.person.pay(paid, 20)
    before = _stamp(xero, paid)

    loud = _told(xero, lambda: xero.person.edit_invoice(unpaid, **fields))
    silent = _told(xero, lambda: xero.person.edit_invoice(paid, **fields))
    read = xero.one(f"/Invoices/{paid}")

    assert (loud, silent) == ([("INVOICE", "UPDATE", unpaid)], [])
    assert read["UpdatedDateUTCString"] == before
    assert (read.get("DueDateString") == "2026-05-01T00:00:00") is ("DueDate" in fields)
    assert read["SentToContact"] is ("SentToContact" in fields)


def test_what_stays_open_on_a_part_paid_invoice_is_told(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    xero.person.pay(invoice_id, 20)

    told = _told(xero, lambda: xero.person.edit_invoice(invoice_id, Reference="PO", DueDate="2026-05-01"))

    assert told == [("INVOICE", "UPDATE", invoice_id)]


@pytest.mark.parametrize("settle", ["credit", "overpayment", "prepayment"])
def test_credit_closes_an_invoice_as_money_does(xero: XeroCaller, settle: str) -> None:
    created = xero.create()
    invoice_id, contact_id = created["InvoiceID"], created["Contact"]["ContactID"]
    if settle == "credit":
        xero.person.credit(invoice_id, 20)
    elif settle == "overpayment":
        over = xero.person.receive_overpayment(contact_id, 20)
        xero.person.allocate_overpayment(over["OverpaymentID"], invoice_id)
    else:
        pre = xero.person.receive_prepayment(contact_id, 20)
        xero.person.allocate_prepayment(pre["PrepaymentID"], invoice_id)
    path = f"/Invoices/{invoice_id}"

    closed = "This document cannot be edited as it has a payment or credit note allocated to it."
    for status in ("VOIDED", "DELETED", "DRAFT"):
        assert xero.post(path, {"Status": status}).messages == [
            f"The status {status} cannot be applied to the invoice because it has payments or credit notes "
            "allocated to it."
        ]
    assert xero.post(path, {"Date": "2026-03-11"}).messages == [closed]
    assert xero.post(path, {"LineItems": [line(UnitAmount=1)]}).messages == [closed]
    assert xero.post(path, {"Contact": {"Name": "Bob"}}).messages == [closed]
    assert xero.post(path, {"Reference": "PO", "InvoiceNumber": "S-9", "Url": "https://example.com/"}).status == 200


def test_a_part_paid_invoice_may_move_to_another_contact(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    xero.person.pay(invoice_id, 20)

    assert xero.post(f"/Invoices/{invoice_id}", {"Contact": {"Name": "Bob"}}).status == 200


def test_a_paid_invoice_leaves_that_state_only_when_the_money_goes(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    xero.person.pay(invoice_id)
    (payment_id,) = xero.organisation.payments

    refused = xero.post(f"/Invoices/{invoice_id}", {"Status": "VOIDED"})
    xero.person.remove_payment(payment_id)
    voided = xero.post(f"/Invoices/{invoice_id}", {"Status": "VOIDED"})

    assert refused.messages == ["This document cannot be edited as it has a payment or credit note allocated to it."]
    assert voided.json["Invoices"][0]["Status"] == "VOIDED"


def test_the_apps_own_writes_come_back_to_it(xero: XeroCaller) -> None:
    created = xero.create()
    invoice_id, contact = created["InvoiceID"], {"ContactID": created["Contact"]["ContactID"]}
    note_id = xero.put("/CreditNotes", credit_note(Contact=contact)).json["CreditNotes"][0]["CreditNoteID"]
    target = {"InvoiceID": invoice_id}
    _events(xero)

    paid = xero.put("/Payments", {"Invoice": target, "Account": {"Code": "090"}, "Amount": 20}).json["Payments"][0]
    allocated = xero.put(f"/CreditNotes/{note_id}/Allocations", {"Invoice": target, "Amount": 10})
    allocation_id = allocated.json["Allocations"][0]["AllocationID"]
    xero.delete(f"/CreditNotes/{note_id}/Allocations/{allocation_id}")
    xero.post(f"/Payments/{paid['PaymentID']}", {"Status": "DELETED"})

    assert [event["eventCategory"] for event in _events(xero)] == [
        "INVOICE",
        *("INVOICE", "CREDITNOTE"),
        *("INVOICE", "CREDITNOTE"),
        "INVOICE",
    ]


def test_refused_settling_tells_nothing(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    _events(xero)
    payment = {"Invoice": {"InvoiceID": invoice_id}, "Account": {"Code": "090"}, "Amount": 100}

    xero.put("/Payments", {"Payments": [payment, payment]})

    assert _events(xero) == []
