"""Each way to end an invoice, from the act in Dynamics to the books in Xero and back, through real processes.

At first Dynamics and Xero post what happens, and there are no polls; then nobody posts anything, and polls find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from core import columns
from core.invoice import PAID
from demo import acts
from demo.sale import Sale
from tests.processes.cancel_stories import BILL, SALES, Cancellations, assert_ended_once, delete_draft, void
from tests.processes.city import Cities, open_city, open_deaf_city, shared_cities

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
YES, FAILED = columns.EXPORT_STATUS["Yes"], columns.EXPORT_STATUS["Failed"]
both_kinds = pytest.mark.parametrize("kind", [SALES, BILL], ids=["sales", "bill"])


@pytest.fixture(scope="module", params=["webhook", "polls"])
def cities(request: pytest.FixtureRequest) -> Iterator[Cities]:
    open_ = {"webhook": open_city, "polls": open_deaf_city}[request.param]
    yield from shared_cities(request.session, lambda: open_(workers=1))


@pytest.fixture
def stories(cities: Cities) -> Cancellations:
    return Cancellations(cities.sound_city())


@both_kinds
def test_an_approved_invoice_is_cancelled(stories: Cancellations, kind: int) -> None:
    """Rule E2: a credit note for the full amount, approved and applied."""
    sale = stories.sell(kind)

    stories.act_on(sale, acts.cancel())

    stories.comes_to(sale)


@both_kinds
def test_an_approved_invoice_is_deleted(stories: Cancellations, kind: int) -> None:
    """Rule E2: the same, and the history is found by the Xero details."""
    sale = stories.sell(kind)

    stories.act_on(sale, acts.delete())

    stories.comes_to(sale)


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_the_invoice_of_a_draft_is_cancelled_or_deleted(stories: Cancellations, act: str) -> None:
    """Rule E1: nobody has booked it, so it is deleted in Xero."""
    stories.choose(defaultstatus="Draft")
    draft = stories.sell()

    stories.act_on(draft, acts.cancel_draft() if act == "cancel" else delete_draft())

    stories.comes_to(draft)
    stories.choose(defaultstatus="Authorised")


def test_an_approved_invoice_is_cancelled_by_void(stories: Cancellations) -> None:
    """Rule E4: as setting B10 says."""
    sale = stories.sell()
    stories.choose(cancelby="Void")

    stories.act_on(sale, void())

    stories.comes_to(sale)
    stories.choose(cancelby="Credit note")


def test_a_paid_invoice_is_cancelled_and_its_payment_removed_then(stories: Cancellations) -> None:
    """Rule E5: it fails and says why; rule C60: with the payment gone, No does what the cancellation asks for."""
    sale = stories.sell()
    stories.act("pay", invoice_id=stories.document_id(sale))
    stories.follows(sale, "Invoice has been paid in Xero", status="PAID", state=PAID)

    stories.city.company.cancel_invoice(sale.invoice_id)
    refused = stories.tells(sale, "The Invoice is fully paid in Xero", "set Export status to No")
    assert (refused["stl3_exportstatus"], sale.facts["notes"]) == (FAILED, [])
    assert refused["stl3_handledstate"] == "3"
    stories.act("remove_payment", payment_id=sale.facts["payments"][-1]["PaymentID"])
    stories.city.company.set_to_no(sale.invoice_id)

    done = stories.tells(sale, "Invoice has been credited in Xero", "was made and applied")
    assert (done["stl3_exportstatus"], done["stl3_xerostatus"], done["stl3_amountdue"]) == (YES, "Credited", 0)
    (note,) = sale.facts["notes"]
    assert Decimal(note["Total"]) == stories.total(sale)


def test_an_invoice_that_is_paid_in_part_is_cancelled(stories: Cancellations) -> None:
    """Rule E3: the note is approved, and somebody has to apply it by hand."""
    sale = stories.sell()
    stories.act("pay", invoice_id=stories.document_id(sale), amount="10.00")
    stories.follows(sale, "paid in part in Xero", paid=10)

    stories.city.company.cancel_invoice(sale.invoice_id)

    stories.tells(sale, "was made but not applied", "Apply it by hand in Xero")
    (note,) = sale.facts["notes"]
    assert (note["Status"], Decimal(note["Total"])) == ("AUTHORISED", stories.total(sale))
    assert sale.facts["document"]["CreditNotes"] == []


def test_the_setting_says_no_and_then_yes(stories: Cancellations) -> None:
    """Rule B8: it is left, and the history says what to do by hand; after a change No does it."""
    stories.choose(createcreditnotes="No")
    sale = stories.sell()

    stories.city.company.cancel_invoice(sale.invoice_id)
    left = stories.tells(sale, "Make the credit note", "by hand in Xero")
    assert (left["stl3_xerostatus"], left["stl3_handledstate"], sale.facts["notes"]) == ("AUTHORISED", "3", [])
    stories.choose(createcreditnotes="Yes")
    stories.city.company.set_to_no(sale.invoice_id)

    stories.tells(sale, "was made and applied to")
    assert len(sale.facts["notes"]) == 1


def test_a_cancelled_invoice_is_made_active_again_and_sent_again(stories: Cancellations) -> None:
    """Rule E8: first the history says how, and with the word of a person there is one new document."""
    sale = cancelled(stories)
    first = stories.document_id(sale)

    stories.city.company.activate_invoice(sale.invoice_id)
    opened = stories.tells(sale, "The invoice is active again", "Set Export status to No")
    assert (opened["stl3_xeroinvoiceid"], opened["stl3_exportstatus"], sale.facts["documents"]) == (first, YES, 1)
    stories.city.company.set_to_no(sale.invoice_id)
    stories.city.until(lambda: len(made(stories, sale)) == 2, "another document")
    stories.city.until(lambda: stories.details(sale)["stl3_xerostatus"] == "AUTHORISED", "it to be recorded")
    again = stories.tells(sale, "Invoice has been created in Xero")

    earlier, later = sorted(made(stories, sale), key=lambda each: each["InvoiceID"] != first)
    assert (earlier["InvoiceID"], earlier["Status"]) == (first, "PAID")
    assert (again["stl3_xeroinvoiceid"], later["Status"]) == (later["InvoiceID"], "AUTHORISED")
    assert (again["stl3_xerostatus"], again["stl3_handledstate"]) == ("AUTHORISED", "0")
    assert Decimal(later["AmountDue"]) == Decimal(earlier["Total"]) == Decimal(str(again["stl3_amountdue"]))
    assert again["stl3_creditnoteid"] is None


def test_what_was_cancelled_is_deleted_then(stories: Cancellations) -> None:
    """Rule E0: it is credited already, and told once."""
    sale = cancelled(stories)

    stories.city.company.delete_invoice(sale.invoice_id)

    stories.city.until(lambda: stories.details(sale)["stl3_handledstate"] == "deleted", "the deletion to be noted")
    stories.city.until(lambda: stories.is_idle(sale), "nothing to be due")
    number = stories.details(sale)["stl3_creditnotenumber"]
    assert (len(sale.facts["notes"]), len(sale.facts["history"])) == (1, 2)
    said = stories.city.stack.run("explain", sale.invoice_id)
    assert "It was deleted in Dynamics. That has been dealt with" in said
    assert f"Credited by {number}" in " ".join(said.split())


def test_nothing_else_has_helped(stories: Cancellations) -> None:
    """No poll where events came; no event where polls went round."""
    polls, heard = stories.logged("work-1", "connection.polled"), stories.logged("web", "webhook.answered")

    assert (polls == []) is stories.city.hears
    assert {line["source"] for line in heard} == ({"dynamics", "xero"} if stories.city.hears else set())


def cancelled(stories: Cancellations) -> Sale:
    """A sale that is cancelled, and credited in Xero."""
    sale = stories.sell()
    stories.act_on(sale, acts.cancel())
    stories.comes_to(sale)
    assert_ended_once(sale)
    return sale


def made(stories: Cancellations, sale: Sale) -> list[dict[str, str]]:
    """Every document in Xero that names this invoice."""
    return [document for document in stories.city.invoices_in_xero() if sale.invoice_id in document["Url"]]
