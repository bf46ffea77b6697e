"""Balances of contacts: what is open, what is overdue, what unapplied credit takes off, in base currency."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.xero_caller import XeroCaller, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


@pytest.fixture
def ann(xero: XeroCaller) -> str:
    return str(xero.person.create_contact(Name="Ann")["ContactID"])


def _invoice(xero: XeroCaller, contact_id: str, **fields: Any) -> str:
    return str(xero.create(Contact={"ContactID": contact_id}, **fields)["InvoiceID"])


def _receivable(xero: XeroCaller, contact_id: str) -> tuple[Decimal, Decimal]:
    shown = xero.one(f"/Contacts/{contact_id}")["Balances"]["AccountsReceivable"]
    return shown["Outstanding"], shown["Overdue"]


def test_every_settlement_lowers_what_is_owed(xero: XeroCaller, ann: str) -> None:
    invoice_id = _invoice(xero, ann, DueDate="2026-03-01")
    seen = [_receivable(xero, ann)]

    xero.person.pay(invoice_id, 20)
    seen.append(_receivable(xero, ann))
    xero.person.credit(invoice_id, 30)
    seen.append(_receivable(xero, ann))

    assert seen == [(120, 120), (100, 100), (70, 70)]


def test_unapplied_credit_lowers_what_is_outstanding_and_not_what_is_overdue(xero: XeroCaller, ann: str) -> None:
    invoice_id = _invoice(xero, ann, DueDate="2026-03-01")
    over = xero.person.receive_overpayment(ann, 30)["OverpaymentID"]
    xero.person.receive_prepayment(ann, 12)
    note = xero.person.create_credit_note(Contact={"ContactID": ann}, LineItems=[line(UnitAmount=10)])
    before = _receivable(xero, ann)

    xero.person.approve_credit_note(note["CreditNoteID"])
    unapplied = _receivable(xero, ann)
    xero.person.allocate_overpayment(over, invoice_id)
    applied = _receivable(xero, ann)
    xero.person.void_credit_note(note["CreditNoteID"])
    voided = _receivable(xero, ann)

    assert before == (78, 120)  # the draft does not count
    assert unapplied == (66, 120)
    assert applied == (66, 90)
    assert voided == (78, 90)


def test_credit_alone_is_a_negative_balance(xero: XeroCaller, ann: str) -> None:
    xero.person.receive_overpayment(ann, 30)

    assert _receivable(xero, ann) == (-30, 0)


def test_the_other_side_is_apart(xero: XeroCaller, ann: str) -> None:
    _invoice(xero, ann, Type="ACCPAY", DueDate="2026-03-01", LineItems=[line(AccountCode="429")])
    xero.person.spend_prepayment(ann, 12)

    shown = xero.one(f"/Contacts/{ann}")["Balances"]

    assert shown["AccountsPayable"] == {"Outstanding": 108, "Overdue": 120}
    assert shown["AccountsReceivable"] == {"Outstanding": 0, "Overdue": 0}


def test_foreign_documents_count_in_base_currency(xero: XeroCaller, ann: str) -> None:
    _invoice(xero, ann, CurrencyCode="EUR", CurrencyRate="1.25")
    xero.person.create_credit_note(
        Contact={"ContactID": ann},
        CurrencyCode="EUR",
        CurrencyRate="1.5",
        LineItems=[line(UnitAmount=25)],
        Status="AUTHORISED",
    )

    assert _receivable(xero, ann) == (76, 0)  # 120 / 1.25 - 30 / 1.5


def test_the_calendar_alone_makes_overdue(xero: XeroCaller, ann: str) -> None:
    _invoice(xero, ann, DueDate="2026-03-10")
    today = _receivable(xero, ann)
    xero.clock.advance(timedelta(days=1))

    assert (today, _receivable(xero, ann)) == ((120, 0), (120, 120))


def test_a_balance_does_not_touch_the_contact(xero: XeroCaller, ann: str) -> None:
    invoice_id = _invoice(xero, ann)
    stamp = xero.one(f"/Contacts/{ann}")["UpdatedDateUTC"]
    xero.clock.advance(timedelta(hours=1))

    xero.person.credit(invoice_id, 20)
    xero.person.pay(invoice_id, 20)
    xero.person.receive_overpayment(ann, 5)

    assert xero.one(f"/Contacts/{ann}")["UpdatedDateUTC"] == stamp
    assert xero.get("/Contacts", If_Modified_Since="2026-03-10T09:31:00").json["Contacts"] == []


def test_balances_are_shown_on_pages_and_alone_but_in_no_summary(xero: XeroCaller, ann: str) -> None:
    _invoice(xero, ann)
    xero.person.create_contact(Name="Bob")

    paged = xero.get(f"/Contacts?page=1&IDs={ann}").json["Contacts"]
    nobody = xero.one('/Contacts?page=1&where=Name=="Bob"')

    assert paged[0]["Balances"]["AccountsReceivable"]["Outstanding"] == 120
    assert "Balances" not in nobody  # nothing to show
    for query in ("", "?summaryOnly=true"):
        assert all("Balances" not in contact for contact in xero.get(f"/Contacts{query}").json["Contacts"])


def test_all_that_is_settled_leaves_nothing_to_show(xero: XeroCaller, ann: str) -> None:
    xero.person.pay(_invoice(xero, ann))

    assert "Balances" not in xero.one(f"/Contacts/{ann}")


def test_merged_contacts_owe_together(xero: XeroCaller, ann: str) -> None:
    bob = str(xero.person.create_contact(Name="Bob")["ContactID"])
    invoice_id = _invoice(xero, bob)
    over = xero.person.receive_overpayment(bob, 30)["OverpaymentID"]
    xero.person.receive_prepayment(bob, 12)
    xero.person.create_credit_note(Contact={"ContactID": bob}, LineItems=[line(UnitAmount=10)], Status="AUTHORISED")
    xero.person.allocate_overpayment(over, invoice_id, 10)

    xero.person.merge_contact(bob, into=ann)

    assert _receivable(xero, ann) == (66, 0)
    assert "Balances" not in xero.one(f"/Contacts/{bob}")
    assert xero.person.allocate_overpayment(over, invoice_id)["Amount"] == 20
