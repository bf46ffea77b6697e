"""Credit applied to invoices: credit notes, overpayments and prepayments, and what both sides show of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from simulators.xero import NotAllowed
from tests.contract.xero_caller import XeroCaller, credit_note, line, start_xero

SCOPES = "accounting.invoices accounting.contacts accounting.settings accounting.payments"
UNKNOWN = "11111111-1111-4111-8111-111111111111"
KINDS = ("CreditNote", "Overpayment", "Prepayment")


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero(scopes=SCOPES)


def _credit(xero: XeroCaller, kind: str, amount: int = 120) -> str:
    """Give Ann this much credit; return its id."""
    contacts = xero.organisation.contacts
    ann = contacts.first_by("Name", "ann") or xero.person.create_contact(Name="Ann")
    if kind == "CreditNote":
        lines = [line(UnitAmount=amount)]
        note = credit_note(Contact={"ContactID": ann["ContactID"]}, LineAmountTypes="Inclusive", LineItems=lines)
        return str(xero.put("/CreditNotes", note).json["CreditNotes"][0]["CreditNoteID"])
    receive = xero.person.receive_overpayment if kind == "Overpayment" else xero.person.receive_prepayment
    return str(receive(ann["ContactID"], amount)[f"{kind}ID"])


def _allocation(invoice_id: str, amount: object) -> dict[str, Any]:
    return {"Invoice": {"InvoiceID": invoice_id}, "Amount": amount, "Date": "2026-03-10"}


@pytest.mark.parametrize("kind", KINDS)
def test_credit_is_applied_and_taken_back(xero: XeroCaller, kind: str) -> None:
    invoice_id, credit_id = xero.create()["InvoiceID"], _credit(xero, kind)
    path = f"/{kind}s/{credit_id}"
    xero.clock.advance(timedelta(hours=1))

    made = xero.put(f"{path}/Allocations", _allocation(invoice_id, 120)).json["Allocations"][0]
    paid, used = xero.one(f"/Invoices/{invoice_id}"), xero.one(path)
    xero.clock.advance(timedelta(hours=1))
    gone = xero.delete(f"{path}/Allocations/{made['AllocationID']}")
    opened, freed = xero.one(f"/Invoices/{invoice_id}"), xero.one(path)

    assert made[kind] == {f"{kind}ID": credit_id, "ID": credit_id, "LineItems": []}
    assert (paid["Status"], paid["AmountDue"]) == ("PAID", Decimal(0))
    assert (paid["AmountPaid"], paid["AmountCredited"]) == (Decimal(0), Decimal(120))
    assert paid["FullyPaidOnDate"] == "/Date(1773100800000+0000)/"
    (applied,) = paid[f"{kind}s"]
    assert (applied[f"{kind}ID"], applied["AppliedAmount"], applied["Total"]) == (
        credit_id,
        Decimal(120),
        Decimal(120),
    )
    assert (used["Status"], used["RemainingCredit"]) == ("PAID", Decimal(0))
    assert [each["Invoice"]["InvoiceNumber"] for each in used["Allocations"]] == ["INV-0001"]
    assert {paid["UpdatedDateUTCString"], used["UpdatedDateUTCString"]} == {"2026-03-10T10:30:05Z"}
    assert gone.json == {
        "AllocationId": made["AllocationID"],
        "Date": "/Date(1773100800000)/",
        "Invoice": [{"InvoiceID": invoice_id}],
        "IsDeleted": True,
    }
    assert (opened["Status"], opened["AmountDue"], opened[f"{kind}s"]) == ("AUTHORISED", Decimal(120), [])
    assert "FullyPaidOnDate" not in opened
    assert (freed["Status"], freed["RemainingCredit"], freed["Allocations"]) == ("AUTHORISED", Decimal(120), [])
    assert {opened["UpdatedDateUTCString"], freed["UpdatedDateUTCString"]} == {"2026-03-10T11:30:05Z"}
    assert xero.delete(f"{path}/Allocations/{made['AllocationID']}").status == 404


def test_several_allocations_at_once_draw_on_the_same_credit(xero: XeroCaller) -> None:
    first, second = xero.create()["InvoiceID"], xero.create()["InvoiceID"]
    path = f"/CreditNotes/{_credit(xero, 'CreditNote', 150)}"
    wanted = [_allocation(first, 100), _allocation(second, 40), _allocation(first, 20)]

    whole = xero.put(f"{path}/Allocations", {"Allocations": wanted})
    untouched = xero.one(path)["RemainingCredit"]
    parts = xero.put(f"{path}/Allocations?summarizeErrors=false", {"Allocations": wanted}).json["Allocations"]

    assert (whole.status, untouched) == (400, Decimal(150))
    assert [part["StatusAttributeString"] for part in parts] == ["OK", "OK", "ERROR"]
    assert xero.one(path)["RemainingCredit"] == Decimal(10)


def test_the_date_is_the_later_one_of_both_documents(xero: XeroCaller) -> None:
    contact = {"Name": "Ann"}
    late = xero.create(Contact=contact, Date="2026-03-20")["InvoiceID"]
    early = xero.create(Contact=contact, Date="2026-03-01")["InvoiceID"]
    path = f"/CreditNotes/{_credit(xero, 'CreditNote')}/Allocations"

    made = [xero.put(path, _allocation(each, 10)).json["Allocations"][0]["Date"] for each in (late, early)]

    assert made == ["/Date(1773964800000+0000)/", "/Date(1773100800000+0000)/"]


def test_a_mixture_settles_an_invoice(xero: XeroCaller) -> None:
    created = xero.create()
    invoice_id = created["InvoiceID"]
    over, pre = _credit(xero, "Overpayment", 30), _credit(xero, "Prepayment", 24)
    xero.person.allocate_overpayment(over, invoice_id, 10)
    xero.person.allocate_overpayment(over, invoice_id, 5)
    taken = xero.person.allocate_prepayment(pre, invoice_id)
    xero.person.credit(invoice_id, 21)
    xero.person.pay(invoice_id)

    single = xero.one(f"/Invoices/{invoice_id}")
    paged, unpaged, summary = (
        xero.one(f"/Invoices?{query}") for query in ("page=1", "order=Date", "summaryOnly=true")
    )
    opened = xero.person.remove_allocation(taken["AllocationID"])

    names = ("Status", "AmountDue", "AmountPaid", "AmountCredited", "FullyPaidOnDate", "UpdatedDateUTC")
    assert [single[name] for name in names[:4]] == ["PAID", Decimal(0), Decimal(60), Decimal(60)]
    assert [[each[name] for name in names] for each in (paged, unpaged, summary)] == [
        [single[name] for name in names]
    ] * 3
    for view in (single, paged, unpaged):
        applied = {plural: [each["AppliedAmount"] for each in view[plural]] for plural in (f"{k}s" for k in KINDS)}
        assert applied == {"CreditNotes": [21], "Overpayments": [15], "Prepayments": [24]}
    assert (summary["CreditNotes"], summary["Overpayments"], summary["Prepayments"]) == ([], [], [])
    assert (opened["Status"], opened["AmountDue"], opened["AmountCredited"]) == ("AUTHORISED", 24, 36)


def test_a_summary_still_says_what_a_follower_needs(xero: XeroCaller) -> None:
    created = xero.create(Url="https://crm.example.com/1")
    xero.person.credit(created["InvoiceID"], 20)
    xero.person.pay(created["InvoiceID"], 30)

    summary = xero.one("/Invoices?summaryOnly=true")

    assert (summary["AmountPaid"], summary["AmountCredited"], summary["AmountDue"]) == (30, 20, 70)
    assert (summary["Status"], summary["Url"], summary["Type"]) == (
        "AUTHORISED",
        "https://crm.example.com/1",
        "ACCREC",
    )
    assert summary["Contact"]["ContactID"] == created["Contact"]["ContactID"]
    assert summary["UpdatedDateUTCString"] == "2026-03-10T09:30:05Z"
    assert summary.keys().isdisjoint({"Payments", "LineItems", "HasAttachments", "CISDeduction"})


def test_bills_are_credited_on_their_own_side(xero: XeroCaller) -> None:
    bill = xero.create(Type="ACCPAY", LineItems=[line(AccountCode="429")])
    contact_id = bill["Contact"]["ContactID"]
    over, pre = xero.person.spend_overpayment(contact_id, 20), xero.person.spend_prepayment(contact_id, 30)

    note = xero.person.credit(bill["InvoiceID"], 10)
    xero.person.allocate_overpayment(over["OverpaymentID"], bill["InvoiceID"])
    xero.person.allocate_prepayment(pre["PrepaymentID"], bill["InvoiceID"])

    assert (note["Type"], note["Status"]) == ("ACCPAYCREDIT", "PAID")
    assert xero.one(f"/Invoices/{bill['InvoiceID']}")["AmountDue"] == 60


@pytest.mark.parametrize("mode", ["Exclusive", "Inclusive", "NoTax"])
def test_crediting_all_that_is_due_closes_the_invoice(xero: XeroCaller, mode: str) -> None:
    created = xero.create(LineAmountTypes=mode, CurrencyCode="EUR", LineItems=[line(UnitAmount="33.33")])
    xero.person.pay(created["InvoiceID"], "0.01")

    with pytest.raises(NotAllowed, match="that much outstanding"):
        xero.person.credit(created["InvoiceID"], created["Total"])
    note = xero.person.credit(created["InvoiceID"])

    assert note["Total"] == created["Total"] - Decimal("0.01")
    assert (note["CurrencyCode"], note["RemainingCredit"], note["Status"]) == ("EUR", 0, "PAID")
    assert xero.one(f"/Invoices/{created['InvoiceID']}")["Status"] == "PAID"


@pytest.mark.parametrize("kind", KINDS)
def test_what_xero_says_of_amounts_and_sides(xero: XeroCaller, kind: str) -> None:
    words = "Credit Note" if kind == "CreditNote" else kind
    open_, paid = xero.create()["InvoiceID"], xero.create()["InvoiceID"]
    bill = xero.create(Type="ACCPAY", LineItems=[line(AccountCode="429")])["InvoiceID"]
    xero.person.pay(paid)
    path = f"/{kind}s/{_credit(xero, kind, 500)}/Allocations"

    def refusal(invoice_id: str, amount: object = 1) -> list[str]:
        answered = xero.put(path, _allocation(invoice_id, amount))
        assert (answered.status, answered.json["Elements"][0]["Invoice"]["InvoiceID"]) == (400, invoice_id)
        return answered.messages

    assert refusal(paid) == ["The invoice you are trying to allocate to has already been paid off"]
    assert refusal(open_, "120.01") == [f"{words} cannot be allocated as amount is greater than amount outstanding"]
    assert refusal(bill) == [f"{words} cannot be allocated to an incorrect invoice type"]
    assert refusal(UNKNOWN) == ["An existing Invoice with the specified InvoiceID could not be found"]
    assert refusal(open_, 0) == ["The Amount of an allocation must be greater than zero"]
    assert refusal(open_, "much") == ["The Amount field must be a number."]
    assert xero.organisation.allocations == {}


def test_what_does_not_belong_together_is_not_applied(xero: XeroCaller) -> None:
    other = xero.create(Contact={"Name": "Bob"})["InvoiceID"]
    euros = xero.create(CurrencyCode="EUR")["InvoiceID"]
    draft = xero.create(Status="DRAFT")["InvoiceID"]
    invoice_id, note = xero.create()["InvoiceID"], _credit(xero, "CreditNote")
    unapproved = xero.put("/CreditNotes", credit_note(Status="DRAFT")).json["CreditNotes"][0]["CreditNoteID"]

    for target, words in ((other, "another contact"), (euros, "another currency"), (draft, "not approved")):
        (message,) = xero.put(f"/CreditNotes/{note}/Allocations", _allocation(target, 1)).messages
        assert words in message
    with pytest.raises(NotAllowed, match="before it is approved"):
        xero.person.allocate_credit_note(unapproved, invoice_id, 1)
    assert xero.put(f"/CreditNotes/{UNKNOWN}/Allocations", _allocation(invoice_id, 1)).status == 404


def test_an_allocation_is_found_only_below_its_own_credit(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    one, other = _credit(xero, "CreditNote"), _credit(xero, "CreditNote")
    made = xero.person.allocate_credit_note(one, invoice_id, 10)["AllocationID"]

    assert xero.delete(f"/CreditNotes/{other}/Allocations/{made}").status == 404
    assert xero.delete(f"/Overpayments/{one}/Allocations/{made}").status == 404
    assert xero.one(f"/Invoices/{invoice_id}")["AmountCredited"] == 10
    xero.person.remove_allocation(made)
    with pytest.raises(NotAllowed, match="removed already"):
        xero.person.remove_allocation(made)


def test_sending_an_allocation_again_applies_it_again(xero: XeroCaller) -> None:
    invoice_id, note = xero.create()["InvoiceID"], _credit(xero, "CreditNote")
    made = xero.put(f"/CreditNotes/{note}/Allocations", _allocation(invoice_id, 10)).json["Allocations"][0]

    xero.put(f"/CreditNotes/{note}/Allocations", made | {"Amount": "10.00"})

    assert xero.one(f"/Invoices/{invoice_id}")["CreditNotes"][0]["AppliedAmount"] == 20


def test_allocations_need_the_scope_of_what_they_draw_on() -> None:
    xero = start_xero(scopes="accounting.invoices accounting.contacts accounting.payments.read")
    invoice_id = xero.create()["InvoiceID"]
    note, over = _credit(xero, "CreditNote"), _credit(xero, "Overpayment")

    made = xero.put(f"/CreditNotes/{note}/Allocations", _allocation(invoice_id, 10))
    refused = xero.put(f"/Overpayments/{over}/Allocations", _allocation(invoice_id, 10))

    assert (made.status, refused.status) == (200, 401)
    assert xero.get(f"/Overpayments/{over}").status == 200
    deleted = xero.delete(f"/Overpayments/{over}/Allocations/{made.json['Allocations'][0]['AllocationID']}")
    assert deleted.status == 401


def test_money_without_an_invoice_is_listed_and_read(xero: XeroCaller) -> None:
    over, pre = _credit(xero, "Overpayment", 20), _credit(xero, "Prepayment", 24)

    listed, paged = xero.one("/Overpayments"), xero.get("/Prepayments?page=1&pageSize=5").json
    single, prepaid = xero.one(f"/Overpayments/{over}"), xero.one(f"/Prepayments/{pre}")

    assert (listed["Type"], listed["Status"], listed["LineAmountTypes"]) == (
        "RECEIVE-OVERPAYMENT",
        "AUTHORISED",
        "NoTax",
    )
    assert (listed["LineItems"], listed["TotalTax"]) == ([], 0)
    assert paged["pagination"] == {"page": 1, "pageSize": 5, "pageCount": 1, "itemCount": 1}
    assert paged["Prepayments"][0]["LineItems"] == []
    assert single["LineItems"][0]["AccountCode"] == "610"
    assert len(single["Contact"]["Phones"]) == 4
    assert (prepaid["SubTotal"], prepaid["TotalTax"], prepaid["RemainingCredit"]) == (20, 4, 24)
    assert xero.get('/Overpayments?where=Status=="PAID"').json["Overpayments"] == []
    assert xero.get(f"/Prepayments/{over}").status == 404


def test_overpayments_are_found_by_reference_and_since_a_time(xero: XeroCaller) -> None:
    contact_id = xero.person.create_contact(Name="Ann")["ContactID"]
    xero.person.receive_overpayment(contact_id, 20, reference="twice", on="2026-03-01", currency="EUR")
    xero.clock.advance(timedelta(hours=1))
    xero.person.receive_overpayment(contact_id, 5)

    named = xero.one("/Overpayments?References=twice")
    recent = xero.get("/Overpayments", If_Modified_Since="2026-03-10T10:00:00")

    assert (named["CurrencyCode"], named["DateString"]) == ("EUR", "2026-03-01T00:00:00")
    assert [each["Total"] for each in recent.json["Overpayments"]] == [5]


def test_only_untouched_money_is_voided(xero: XeroCaller) -> None:
    invoice_id, over, pre = xero.create()["InvoiceID"], _credit(xero, "Overpayment"), _credit(xero, "Prepayment")
    xero.person.allocate_overpayment(over, invoice_id, 1)

    voided = xero.person.void_prepayment(pre)

    assert (voided["Status"], voided["RemainingCredit"]) == ("VOIDED", 0)
    with pytest.raises(NotAllowed, match="applied or refunded"):
        xero.person.void_overpayment(over)
    with pytest.raises(NotAllowed, match="before it is approved"):
        xero.person.allocate_prepayment(pre, invoice_id)


def test_money_that_cannot_come_in(xero: XeroCaller) -> None:
    contact_id = xero.person.create_contact(Name="Ann")["ContactID"]
    xero.person.set_lock_dates(period="2026-01-31")

    for words, arguments in (
        ("not subscribed to currency USD", {"currency": "USD"}),
        ("period lock date", {"on": "2026-01-31"}),
        ("greater than zero", {"amount": 0}),
    ):
        with pytest.raises(NotAllowed, match=words):
            xero.person.receive_overpayment(contact_id, **({"amount": 10} | arguments))
    xero.person.archive_contact(contact_id)
    with pytest.raises(NotAllowed, match="ARCHIVED"):
        xero.person.receive_prepayment(contact_id, 10)
