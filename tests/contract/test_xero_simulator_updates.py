"""Changing an invoice: lines by LineItemID, statuses that stay open, batches, update time and events."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.xero_caller import XeroCaller, invoice, line, start_xero


@pytest.fixture
def xero() -> XeroCaller:
    return start_xero()


def _change(xero: XeroCaller, created: Any, **fields: Any) -> Any:
    answered = xero.post("/Invoices?unitdp=4", {"InvoiceID": created["InvoiceID"], **fields})
    assert answered.status == 200, answered.text
    return answered.json["Invoices"][0]


def test_a_kept_line_keeps_what_the_request_leaves_out(xero: XeroCaller) -> None:
    whole = line(Quantity=3, UnitAmount="1.2345", AccountCode="260", TaxType="ZERORATEDOUTPUT", DiscountRate=10)
    created = xero.create(Status="DRAFT", LineItems=[whole])
    (before,) = created["LineItems"]

    changed = _change(xero, created, LineItems=[{"LineItemID": before["LineItemID"], "Description": "Other"}])

    assert changed["LineItems"] == [before | {"Description": "Other"}]


def test_a_kept_line_stays_with_its_account_when_that_gets_another_code(xero: XeroCaller) -> None:
    created = xero.create(Status="DRAFT", LineItems=[line(AccountCode="260")])
    person = xero.simulator.user(xero.organisation)
    person.alter_account("260", Code="261")

    changed = person.edit_line(created["InvoiceID"], UnitAmount=7)
    person.alter_account("261", Code=None)
    bare = person.edit_line(created["InvoiceID"], UnitAmount=8)

    assert changed["LineItems"][0]["AccountCode"] == "261"
    assert bare["LineItems"][0]["AccountID"] == changed["LineItems"][0]["AccountID"]
    assert bare["SubTotal"] == 8


def test_lines_come_back_in_the_order_sent_and_unnamed_ones_are_new(xero: XeroCaller) -> None:
    created = xero.create(Status="DRAFT", LineItems=[line(Description="a"), line(Description="b")])
    first, second = (each["LineItemID"] for each in created["LineItems"])

    swapped = _change(xero, created, LineItems=[{"LineItemID": second.upper()}, {"LineItemID": first}])
    renewed = _change(xero, created, LineItems=[line(Description="a"), line(Description="b")])
    doubled = _change(xero, created, LineItems=[{"LineItemID": renewed["LineItems"][0]["LineItemID"]}] * 2)

    assert [each["LineItemID"] for each in swapped["LineItems"]] == [second, first]
    assert {first, second}.isdisjoint(each["LineItemID"] for each in renewed["LineItems"])
    assert len({each["LineItemID"] for each in doubled["LineItems"]}) == 2


def test_no_lines_left_is_fine_for_a_draft_only(xero: XeroCaller) -> None:
    draft, approved = xero.create(Status="DRAFT"), xero.create()

    refused = xero.post("/Invoices", {"InvoiceID": approved["InvoiceID"], "LineItems": []})

    assert _change(xero, draft, LineItems=[])["Total"] == 0
    assert refused.messages == ["One or more line items must be specified"]


def test_a_discount_of_one_kind_replaces_the_other(xero: XeroCaller) -> None:
    created = xero.create(Status="DRAFT", LineItems=[line(DiscountRate=10)])
    kept = {"LineItemID": created["LineItems"][0]["LineItemID"]}

    by_amount = _change(xero, created, LineItems=[kept | {"DiscountAmount": 30}])
    by_rate = _change(xero, created, LineItems=[kept | {"DiscountRate": 5}])
    without = _change(xero, created, LineItems=[kept | {"DiscountRate": 0}])

    assert [each["SubTotal"] for each in (by_amount, by_rate, without)] == [70, 95, 100]
    assert without["IsDiscounted"] is False


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "AUTHORISED"])
def test_what_no_money_hangs_on_can_be_edited(xero: XeroCaller, status: str) -> None:
    created = xero.create(Status=status)
    xero.clock.advance(timedelta(minutes=1))

    changed = _change(
        xero,
        created,
        Date="2026-03-11",
        DueDate="2026-05-01",
        Reference="PO 7",
        LineAmountTypes="Inclusive",
        CurrencyCode="EUR",
        Contact={"Name": "Bob"},
        LineItems=[line(UnitAmount=60)],
    )

    assert (changed["Status"], changed["Total"], changed["TotalTax"]) == (status, 60, 10)
    assert (changed["DateString"], changed["DueDateString"]) == ("2026-03-11T00:00:00", "2026-05-01T00:00:00")
    assert (changed["CurrencyCode"], changed["Contact"]["Name"]) == ("EUR", "Bob")
    assert changed["InvoiceNumber"] == created["InvoiceNumber"]
    assert changed["UpdatedDateUTCString"] == "2026-03-10T09:31:05Z"


def test_an_edit_raises_one_update_event_and_a_refused_one_none(xero: XeroCaller) -> None:
    created = xero.create(Status="DRAFT")
    xero.simulator.set_webhook("app", "https://connector.example.com/xero")

    _change(xero, created, Reference="x")
    refused = xero.post("/Invoices", {"InvoiceID": created["InvoiceID"], "Status": "VOIDED"})

    assert refused.status == 400
    events = [each for sent in xero.simulator.outbox.pending() for each in json.loads(sent.body)["events"]]
    assert [(each["eventCategory"], each["eventType"], each["resourceId"]) for each in events] == [
        ("INVOICE", "UPDATE", created["InvoiceID"])
    ]


def test_one_bad_update_of_a_batch_stands_alone_without_summary(xero: XeroCaller) -> None:
    first, second = xero.create(Status="DRAFT"), xero.create()
    batch = [
        {"InvoiceID": first["InvoiceID"], "Reference": "good"},
        {"InvoiceID": second["InvoiceID"], "Status": "DRAFT", "Reference": "bad"},
        invoice(InvoiceNumber="NEW"),
    ]

    summed = xero.post("/Invoices", {"Invoices": batch})
    apart = xero.post("/Invoices?summarizeErrors=false", {"Invoices": batch})
    elements = apart.json["Invoices"]

    assert (summed.status, apart.status) == (400, 200)
    assert [each["StatusAttributeString"] for each in elements] == ["OK", "ERROR", "OK"]
    assert (elements[1]["InvoiceID"], elements[1]["HasErrors"]) == (second["InvoiceID"], True)
    assert elements[1]["ValidationErrors"] == [{"Message": "Invoice not of valid status for modification"}]
    assert [each.get("Reference") for each in xero.organisation.invoices.values()] == ["good", None, None]


def test_discounts_show_as_rate_and_amount_and_in_lists_as_rate_only(xero: XeroCaller) -> None:
    created = xero.create(LineItems=[line(Quantity=3, UnitAmount=10, DiscountAmount=10)])
    path = f"/Invoices/{created['InvoiceID']}"

    read = xero.get(path).json["Invoices"][0]["LineItems"][0]
    listed = xero.get("/Invoices?page=1").json["Invoices"][0]["LineItems"][0]

    assert (read["DiscountRate"], read["DiscountAmount"], read["LineAmount"]) == (Decimal("33.33"), 10, 20)
    assert (listed["DiscountRate"], listed.get("DiscountAmount")) == (Decimal("33.33"), None)
    assert created["LineItems"][0] == read


def test_a_line_sent_back_as_it_was_read_may_not_fit_its_own_rate(xero: XeroCaller) -> None:
    created = xero.create(Status="DRAFT", LineItems=[line(Quantity=1, UnitAmount=1500, DiscountAmount=1)])

    body = {"InvoiceID": created["InvoiceID"], "LineItems": created["LineItems"]}
    refused = xero.post("/Invoices", json.dumps(body, default=str))

    assert refused.messages == ["The line total 1499.0 does not match the expected line total 1498.95"]


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"UnitAmount": "27.826", "DiscountAmount": "27.826"}, "27.83"),
        ({"UnitAmount": -5, "DiscountAmount": 0}, "0.00"),
        ({"UnitAmount": "27.83", "DiscountAmount": "27.83"}, None),
        ({"UnitAmount": -5, "DiscountRate": 0}, None),
    ],
)
def test_a_discount_may_not_be_above_its_line(xero: XeroCaller, fields: dict[str, Any], refused: str | None) -> None:
    lines = [line(UnitAmount=50), line(**fields)]

    if refused is None:
        assert xero.create(LineItems=lines)["Status"] == "AUTHORISED"
    else:
        assert xero.refused(LineItems=lines) == [
            f"The discount rate '{refused}' is invalid. Discount must not be greater than the line total."
        ]
