"""Payments over HTTP: made, read, deleted and refused; what the invoice and the credits show of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from simulators.xero import NotAllowed
from tests.contract.xero_caller import ZERO_ID, XeroCaller, line, start_xero

SCOPES = "accounting.invoices accounting.contacts accounting.settings accounting.payments"
TENTH = "/Date(1773100800000+0000)/"


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero(scopes=SCOPES)


def _payment(invoice_id: str, amount: object = 20, **fields: Any) -> dict[str, Any]:
    return {"Invoice": {"InvoiceID": invoice_id}, "Account": {"Code": "090"}, "Amount": amount} | fields


def test_a_payment_is_made_and_touches_its_invoice(xero: XeroCaller) -> None:
    created = xero.create()
    xero.clock.advance(timedelta(hours=1))

    made = xero.put("/Payments", {"Payments": [_payment(created["InvoiceID"], Reference="BACS")]}).json["Payments"][0]
    read = xero.one(f"/Invoices/{created['InvoiceID']}")

    assert (made["PaymentType"], made["Status"], made["HasAccount"]) == ("ACCRECPAYMENT", "AUTHORISED", True)
    assert (made["Amount"], made["BankAmount"], made["Date"]) == (Decimal(20), Decimal(20), TENTH)
    assert made["Account"].keys() == {"AccountID", "Code", "Name"}
    assert (made["Invoice"]["AmountDue"], made["Invoice"]["AmountPaid"]) == (Decimal(100), Decimal(20))
    assert made["Invoice"]["UpdatedDateUTC"] == made["UpdatedDateUTC"] == read["UpdatedDateUTC"]
    assert read["Payments"] == [
        {name: made[name] for name in ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate")}
        | {"HasAccount": False, "HasValidationErrors": False}
    ]


def test_one_bare_payment_settles_an_invoice_that_its_number_names(xero: XeroCaller) -> None:
    xero.create(InvoiceNumber="S-1")
    account = next(each for each in xero.organisation.accounts.values() if each["Code"] == "090")

    made = xero.post(
        "/Payments",
        {
            "InvoiceNumber": "S-1",
            "Account": {"AccountID": account["AccountID"]},
            "Amount": "120.00",
            "Date": "2026-03-12",
        },
    ).json["Payments"][0]

    assert (made["Invoice"]["Status"], made["Invoice"]["AmountDue"]) == ("PAID", Decimal(0))
    assert made["Invoice"]["FullyPaidOnDate"] == "/Date(1773273600000+0000)/"


def test_the_day_of_full_payment_is_that_of_the_latest_one(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    xero.person.pay(invoice_id, 20, on="2026-03-14")

    paid = xero.person.pay(invoice_id, on="2026-03-11")

    assert f"{paid['FullyPaidOnDate']}" == "2026-03-14"


def test_deleting_a_payment_opens_the_invoice_again(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    made = xero.put("/Payments", _payment(invoice_id, 120)).json["Payments"][0]
    xero.clock.advance(timedelta(hours=1))

    gone = xero.post(f"/Payments/{made['PaymentID']}", {"Status": "DELETED"}).json["Payments"][0]
    read = xero.one(f"/Invoices/{invoice_id}")

    assert (gone["Status"], gone["Invoice"]["Status"], gone["Invoice"]["AmountDue"]) == (
        "DELETED",
        "AUTHORISED",
        Decimal(120),
    )
    assert (read["Status"], read["AmountPaid"], read["UpdatedDateUTC"]) == (
        "AUTHORISED",
        Decimal(0),
        gone["UpdatedDateUTC"],
    )
    assert "Payments" not in read
    assert "FullyPaidOnDate" not in read
    assert xero.one(f"/Payments/{made['PaymentID']}")["Status"] == "DELETED"
    assert xero.post(f"/Payments/{made['PaymentID']}", {"Status": "DELETED"}).status == 400


def test_a_post_that_names_the_payment_deletes_it_too(xero: XeroCaller) -> None:
    made = xero.put("/Payments", _payment(xero.create()["InvoiceID"])).json["Payments"][0]

    gone = xero.post("/Payments", {"Payments": [{"PaymentID": made["PaymentID"], "Status": "DELETED"}]})

    assert gone.json["Payments"][0]["Status"] == "DELETED"


def test_payments_are_listed_filtered_and_paged(xero: XeroCaller) -> None:
    first, second = xero.create()["InvoiceID"], xero.create(Contact={"Name": "Bob"})["InvoiceID"]
    for number in range(3):
        xero.person.pay(first, 10, on=f"2026-03-1{number}", reference=f"R{number}")
        xero.clock.advance(timedelta(hours=1))
    xero.person.pay(second, 5)

    def ids(query: str, **headers: str) -> list[Any]:
        answered = xero.get(f"/Payments?{query}", **headers).json["Payments"]
        return [(each.get("Reference"), each["Amount"]) for each in answered]

    paged = xero.get("/Payments?page=2&pageSize=3").json

    assert ids(f'where=Invoice.InvoiceID==guid("{first}")&order=Date DESC') == [("R2", 10), ("R1", 10), ("R0", 10)]
    assert ids('where=Reference=="R1" AND Status=="AUTHORISED"') == [("R1", 10)]
    assert ids('where=PaymentType=="ACCPAYPAYMENT"') == []
    assert ids("where=Date>=DateTime(2026,03,12)") == [("R2", 10)]
    assert ids("", If_Modified_Since="2026-03-10T11:30:05") == [("R2", 10), (None, 5)]
    assert paged["pagination"] == {"page": 2, "pageSize": 3, "pageCount": 2, "itemCount": 4}
    assert paged["Payments"][0]["Invoice"]["Contact"]["Name"] == "Bob"
    assert "pagination" not in xero.get("/Payments").json


def test_a_bill_is_paid_too(xero: XeroCaller) -> None:
    bill = xero.create(Type="ACCPAY", LineItems=[line(AccountCode="429")])

    made = xero.put("/Payments", _payment(bill["InvoiceID"], 120)).json["Payments"][0]

    assert (made["PaymentType"], made["Invoice"]["Status"]) == ("ACCPAYPAYMENT", "PAID")


def test_a_foreign_invoice_is_paid_in_its_own_currency(xero: XeroCaller) -> None:
    created = xero.create(CurrencyCode="EUR", CurrencyRate="1.25")

    made = xero.put("/Payments", _payment(created["InvoiceID"], 120)).json["Payments"][0]

    assert (made["Amount"], made["CurrencyRate"]) == (Decimal(120), Decimal("1.25"))
    assert made["BankAmount"] == Decimal(96)
    assert made["Invoice"]["Status"] == "PAID"


def test_what_is_left_of_a_credit_is_paid_out(xero: XeroCaller) -> None:
    contact_id = xero.create()["Contact"]["ContactID"]
    note = xero.person.create_credit_note(Contact={"ContactID": contact_id}, LineItems=[line()], Status="AUTHORISED")
    over, pre = xero.person.receive_overpayment(contact_id, 30), xero.person.receive_prepayment(contact_id, 12)

    refund = xero.put(
        "/Payments",
        {"CreditNote": {"CreditNoteID": note["CreditNoteID"]}, "Account": {"Code": "970"}, "Amount": 120},
    ).json["Payments"][0]
    xero.person.refund(over["OverpaymentID"], 10)
    refunded = xero.person.refund(pre["PrepaymentID"])
    shown = xero.one(f"/CreditNotes/{note['CreditNoteID']}")
    types = [payment["PaymentType"] for payment in xero.get("/Payments").json["Payments"]]
    xero.post(f"/Payments/{refund['PaymentID']}", {"Status": "DELETED"})

    assert sorted(types) == ["ARCREDITPAYMENT", "AROVERPAYMENTPAYMENT", "ARPREPAYMENTPAYMENT"]
    assert (refund["Invoice"]["Type"], refund["Invoice"]["InvoiceNumber"]) == ("ACCRECCREDIT", "CN-0001")
    assert (shown["Status"], shown["RemainingCredit"]) == ("PAID", Decimal(0))
    assert [payment["Amount"] for payment in shown["Payments"]] == [Decimal(120)]
    assert xero.one(f"/Overpayments/{over['OverpaymentID']}")["RemainingCredit"] == Decimal(20)
    assert refunded["Status"] == "PAID"
    assert xero.one(f"/CreditNotes/{note['CreditNoteID']}")["RemainingCredit"] == Decimal(120)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Amount": 121}, "Payment amount exceeds the amount outstanding on this document"),
        ({"Amount": 0}, "must be greater than zero"),
        ({"Amount": None}, "must be a number"),
        ({"Account": {"Code": "200"}}, "neither a bank account nor enabled"),
        ({"Account": {"Code": "nope"}}, "account of the payment could not be found"),
        ({"Account": None}, "account of the payment could not be found"),
        ({"Invoice": {"InvoiceID": ZERO_ID}}, "An existing Invoice with the specified InvoiceID could not be found"),
        ({"Invoice": None}, "must name one"),
        ({"CreditNote": {"CreditNoteNumber": "CN-1"}}, "must name one"),
        ({"Date": "2026-01-31"}, "period lock date, currently set at 31 January 2026"),
        ({"Date": "soon"}, "not a valid date"),
    ],
)
def test_payments_that_are_refused(xero: XeroCaller, fields: dict[str, Any], words: str) -> None:
    xero.person.set_lock_dates(period="2026-01-31")
    payment = _payment(xero.create()["InvoiceID"]) | fields

    answered = xero.put("/Payments", payment)

    assert (answered.status, answered.json["Type"]) == (400, "ValidationException")
    assert any(words in message for message in answered.messages), answered.messages
    assert answered.json["Elements"][0]["HasValidationErrors"] is True
    assert xero.organisation.payments == {}


def test_only_approved_documents_are_paid(xero: XeroCaller) -> None:
    draft, paid = xero.create(Status="DRAFT")["InvoiceID"], xero.create()["InvoiceID"]
    xero.person.pay(paid)

    assert xero.put("/Payments", _payment(draft)).messages == ["Invoice not of valid status for modification"]
    assert xero.put("/Payments", _payment(paid)).messages == [
        "Payment amount exceeds the amount outstanding on this document"
    ]


def test_each_payment_stands_alone_if_asked_so(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]
    payments = {"Payments": [_payment(invoice_id, 100), _payment(invoice_id, 100), _payment(invoice_id, 20)]}

    whole = xero.put("/Payments", payments)
    unpaid = xero.one(f"/Invoices/{invoice_id}")["AmountPaid"]
    parts = xero.put("/Payments?summarizeErrors=false", payments).json["Payments"]

    assert (whole.status, unpaid) == (400, Decimal(0))
    assert [part["StatusAttributeString"] for part in parts] == ["OK", "ERROR", "OK"]
    assert parts[1]["PaymentID"] == ZERO_ID
    assert xero.one(f"/Invoices/{invoice_id}")["Status"] == "PAID"


def test_a_payment_is_never_changed_nor_deleted_in_a_locked_period(xero: XeroCaller) -> None:
    made = xero.put("/Payments", _payment(xero.create()["InvoiceID"])).json["Payments"][0]
    path = f"/Payments/{made['PaymentID']}"
    xero.person.set_lock_dates(period="2026-03-10")

    assert xero.post(path, {"Reference": "x"}).messages == ["A payment cannot be changed, only deleted"]
    assert "period lock date" in xero.post(path, {"Status": "DELETED"}).messages[0]
    with pytest.raises(NotAllowed, match="period lock date"):
        xero.person.remove_payment(made["PaymentID"])
    assert xero.post(f"/Payments/{ZERO_ID}", {"Status": "DELETED"}).status == 404
    assert xero.get(f"/Payments/{ZERO_ID}").status == 404
    assert xero.post("/Payments", {"PaymentID": made["PaymentID"].replace("-", "0")}).messages == [
        "An existing Payment with the specified PaymentID could not be found"
    ]


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ("accounting.payments", 200, 200),
        ("accounting.payments.read", 200, 401),
        ("accounting.transactions", 200, 200),
        ("accounting.invoices", 401, 401),
    ],
)
def test_payments_have_their_own_scopes(scopes: str, reads: int, writes: int) -> None:
    xero = start_xero(scopes=scopes)
    contact_id = xero.person.create_contact(Name="Ann")["ContactID"]
    invoice_id = xero.person.create_invoice(
        Type="ACCREC",
        Contact={"ContactID": contact_id},
        Status="AUTHORISED",
        DueDate="2026-04-01",
        LineItems=[line()],
    )["InvoiceID"]

    assert {xero.get(path).status for path in ("/Payments", "/Overpayments", "/Prepayments")} == {reads}
    assert xero.put("/Payments", _payment(invoice_id)).status == writes


def test_a_repeat_with_the_same_key_pays_once(xero: XeroCaller) -> None:
    invoice_id = xero.create()["InvoiceID"]

    first, again = (xero.put("/Payments", _payment(invoice_id), Idempotency_Key="k") for _ in range(2))

    assert first.text == again.text
    assert xero.one(f"/Invoices/{invoice_id}")["AmountPaid"] == Decimal(20)
