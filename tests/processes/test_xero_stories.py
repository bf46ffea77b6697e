"""Each rule of the way back, from the act in Xero to the row in Dynamics, through real processes.

At first Xero's webhook tells it and there are no polls; then it was never subscribed to, and the next poll finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from core import columns
from core.invoice import ACTIVE, PAID
from demo.sale import Sale
from pipeline.lanes import Entity
from tests.processes.city import Cities, open_city, open_deaf_city, shared_cities
from tests.processes.xero_stories import Stories

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
BILL, OTHER_CUSTOMER = 12, 3


@pytest.fixture(scope="module", params=["webhook", "polls"])
def cities(request: pytest.FixtureRequest) -> Iterator[Cities]:
    open_ = {"webhook": open_city, "polls": open_deaf_city}[request.param]
    yield from shared_cities(request.session, lambda: open_(workers=1))


@pytest.fixture
def stories(cities: Cities) -> Stories:
    return Stories(cities.sound_city())


@pytest.fixture
def draft(stories: Stories) -> Iterator[Sale]:
    """A sale whose document is a draft."""
    stories.city.company.choose(defaultstatus="Draft")
    yield stories.sell()
    stories.city.company.choose(defaultstatus="Authorised")


def test_an_approval(stories: Stories, draft: Sale) -> None:
    """Rule D1: the details row says it, and the history."""
    with stories.in_time(xero_id := stories.document_id(draft)):
        stories.act("approve_invoice", invoice_id=xero_id)
        stories.follows(draft, "Invoice status updated: Authorised", status="AUTHORISED", state=ACTIVE)


def test_a_payment(stories: Stories) -> None:
    """Rule D2: the invoice is Paid and Complete, nothing is due."""
    sale = stories.sell()

    with stories.in_time(xero_id := stories.document_id(sale)):
        stories.act("pay", invoice_id=xero_id)
        stories.follows(sale, "Invoice has been paid in Xero", status="PAID", state=PAID, due=0)

    assert sale.facts["invoice"]["statuscode"] == 100001
    assert sale.facts["invoice"]["stl3_amountdue"] == 0


def test_a_part_payment(stories: Stories) -> None:
    """Rule D3: the invoice stays active."""
    sale = stories.sell()
    rest = stories.total(sale) - 10

    with stories.in_time(xero_id := stories.document_id(sale)):
        stories.act("pay", invoice_id=xero_id, amount="10.00")
        wanted = {"paid": 10, "due": rest, "due on the invoice": rest, "state": ACTIVE}
        stories.follows(sale, "paid in part in Xero", status="AUTHORISED", **wanted)


def test_a_payment_that_is_removed(stories: Stories) -> None:
    """Rule D4: what we closed is open again, with all that is due."""
    sale = stories.sell()
    xero_id, total = stories.document_id(sale), stories.total(sale)
    stories.act("pay", invoice_id=xero_id)
    stories.follows(sale, "Invoice has been paid in Xero", state=PAID)

    with stories.in_time(xero_id):
        stories.act("remove_payment", payment_id=sale.facts["payments"][-1]["PaymentID"])
        wanted = {"status": "AUTHORISED", "state": ACTIVE, "due": total, "due on the invoice": total}
        stories.follows(sale, "A payment has been removed in Xero", 2, **wanted)


def test_an_edit(stories: Stories, draft: Sale) -> None:
    """Rule D5: tax and amount due follow, and the history says by how much the nets differ."""
    xero_id, lines = stories.document_id(draft), draft.facts["document"]["LineItems"]
    dearer = Decimal(lines[0]["UnitAmount"]) + 1
    net = 1 * Decimal(lines[0]["Quantity"])

    with stories.in_time(xero_id):
        stories.act("edit_line", invoice_id=xero_id, line=0, UnitAmount=str(dearer))
        due = stories.total(draft) + net * Decimal("1.2")
        seen = stories.follows(draft, "Invoice has been changed in Xero", status="DRAFT", due=due)

    assert f"difference {net:.2f}" in seen["told"][0]
    assert draft.facts["invoice"]["totaltax"] == Decimal(draft.facts["document"]["TotalTax"])


@pytest.mark.parametrize("act", ["void", "delete"])
def test_the_end_of_a_document(stories: Stories, act: str, request: pytest.FixtureRequest) -> None:
    """Rule D6: nothing is due any more, and the invoice stays as it is."""
    sale = stories.sell() if act == "void" else request.getfixturevalue("draft")
    word = {"void": "Voided", "delete": "Deleted"}[act]

    with stories.in_time(xero_id := stories.document_id(sale)):
        stories.act(f"{act}_invoice", invoice_id=xero_id)
        wanted = {"status": word.upper(), "due": 0, "due on the invoice": 0, "state": ACTIVE}
        stories.follows(sale, f"Invoice status updated: {word}", **wanted)


@pytest.mark.parametrize("kind", ["overpayment", "prepayment"])
def test_money_paid_in_advance(stories: Stories, kind: str) -> None:
    """Rule D7: applied, it counts as a payment."""
    sale = stories.sell()
    contact_id = sale.facts["document"]["Contact"]["ContactID"]
    advance = stories.act(f"receive_{kind}", contact_id=contact_id, amount="500.00")

    with stories.in_time(xero_id := stories.document_id(sale)):
        applying = {f"{kind}_id": advance[f"{kind.capitalize()}ID"], "invoice_id": xero_id}
        stories.act(f"allocate_{kind}", **applying)
        wanted = {"paid": stories.total(sale), "due": 0, "state": PAID}
        stories.follows(sale, "Invoice has been paid in Xero", status="PAID", **wanted)


@pytest.mark.parametrize("cities", ["webhook"], indirect=True)
def test_what_a_customer_owes_by_the_event_of_a_credit_note(stories: Stories) -> None:
    """Rule D8: no invoice moves. What changed gathers for five minutes, which are not waited for here."""
    sale = stories.sell(OTHER_CUSTOMER)
    contact = {"ContactID": sale.facts["document"]["Contact"]["ContactID"]}
    line = {"Description": "Back", "Quantity": 1, "UnitAmount": "100.00", "AccountCode": "200", "TaxType": "NONE"}
    assert stories.owes(sale.customer) is None

    note = stories.act("create_credit_note", Contact=contact, LineItems=[line], Status="AUTHORISED")
    stories.gather_now(Entity("xero", "creditnote", note["CreditNoteID"]))

    owed = stories.total(sale) - 100
    stories.city.until(lambda: stories.owes(sale.customer) == owed, f"{owed} to be owed")


@pytest.mark.parametrize("cities", ["polls"], indirect=True)
def test_what_a_customer_owes_by_the_list_of_a_poll(stories: Stories) -> None:
    """Rule D8: the poll lists the invoice, and its contact is read."""
    sale = stories.sell(OTHER_CUSTOMER)
    total = stories.total(sale)
    stories.city.until(lambda: stories.owes(sale.customer) == total, f"{total} to be owed")

    stories.act("pay", invoice_id=stories.document_id(sale), amount="100.00")

    stories.city.until(lambda: stories.owes(sale.customer) == total - 100, f"{total - 100} to be owed")


def test_a_bill_and_a_document_of_others(stories: Stories) -> None:
    """Rule D9: our bill is followed; what somebody else has made in Xero is in no row, though it is told of first."""
    bill = stories.sell(BILL)
    assert bill.facts["document"]["Type"] == "ACCPAY"
    contact = {"ContactID": bill.facts["document"]["Contact"]["ContactID"]}
    line = {"Description": "Theirs", "Quantity": 1, "UnitAmount": "5.00", "AccountCode": "400"}
    others = stories.act("create_invoice", Type="ACCPAY", Contact=contact, LineItems=[line], DueDate="2030-01-01")
    before = len(stories.city.rows(columns.DETAILS.set_name))

    with stories.in_time(xero_id := stories.document_id(bill)):
        stories.act("pay", invoice_id=xero_id)
        stories.follows(bill, "Invoice has been paid in Xero", status="PAID", state=PAID, due=0)

    rows = stories.city.rows(columns.DETAILS.set_name)
    assert len(rows) == before
    assert others["InvoiceID"] not in {row["stl3_xeroinvoiceid"] for row in rows}
    asked = "".join(call["query"] for call in stories.city.calls("xero"))
    assert others["InvoiceID"] not in asked


def test_nothing_else_has_helped(stories: Stories) -> None:
    """No poll where events came; no event where polls went round."""
    polls, heard = stories.logged("work-1", "connection.polled"), stories.logged("web", "webhook.answered")
    sources = {line["source"] for line in heard}

    assert (polls == []) is stories.city.hears
    assert sources == ({"dynamics", "xero"} if stories.city.hears else set())
