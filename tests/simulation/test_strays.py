"""Live documents with our origin that no details row names: adopted, deleted, or left to people and told once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from core import columns
from pipeline.work import work
from simulators.wire import Fault, FaultKind
from tests.simulation.taps import FAULTS, Crash
from tests.world import Line, World

PUT_INVOICES = "PUT api.xero.com/api.xro/2.0/Invoices"
CONTENT = ("Type", "Date", "DueDate", "LineAmountTypes", "CurrencyCode", "Url", "Reference")
LINE_CONTENT = ("Description", "Quantity", "UnitAmount", "AccountCode", "TaxType")


def export(world: World) -> tuple[str, dict[str, Any]]:
    """Return an invoice that has been exported long ago, and its document."""
    invoice_id = world.save_invoice(Line("Work", "120.00"))
    world.settle()
    world.pass_time(minutes=30)
    world.settle()
    (document,) = world.documents_of(invoice_id)
    return invoice_id, document


def appear(world: World, document: dict[str, Any], **different: Any) -> dict[str, Any]:
    """Let a second document like this one be there, as a call makes it that arrives late."""
    lines = [{name: line[name] for name in LINE_CONTENT if name in line} for line in document["LineItems"]]
    content = {name: document[name] for name in CONTENT if document.get(name) is not None}
    contact = {"ContactID": document["Contact"]["ContactID"]}
    return world.xero.user(world.org).create_invoice(**content | {"Contact": contact, "LineItems": lines} | different)


def status_of(world: World, document: dict[str, Any]) -> str:
    return str(world.org.invoices[document["InvoiceID"]]["Status"])


def told(world: World, invoice_id: str) -> list[str]:
    """What the history says beyond the creation."""
    return [row["stl3_details"] for row in world.history(invoice_id) if not is_creation(row)]


def is_creation(row: dict[str, Any]) -> bool:
    return bool(row["stl3_details"].startswith("Invoice has been created in Xero"))


def freeze(world: World, *, minutes: float) -> Callable[[], None]:
    """The worker freezes; meanwhile others look for what it did, find nothing, and do it."""

    def frozen() -> None:
        world.pass_time(minutes=minutes)
        other = world.new_process()
        work(other, world.connection.id)
        work(other, world.connection.id)

    return frozen


@pytest.mark.parametrize("minutes", [7.5, 25])
def test_what_a_frozen_worker_makes_at_last_is_deleted_as_a_second_document(world: World, minutes: float) -> None:
    """R2, R3, F23: Frozen at its PUT for longer than anybody waits for a late call: two documents, and one of them
    lives.
    """
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    world.tap.when(PUT_INVOICES, freeze(world, minutes=minutes))

    world.work()
    assert len(world.documents_of(invoice_id)) == 2
    world.settle()

    (document,) = world.documents_of(invoice_id)
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == document["InvoiceID"]
    assert len(world.all_documents()) == 2
    (text,) = told(world, invoice_id)
    (dead,) = [row for row in world.all_documents() if row["Status"] == "DELETED"]
    assert text.startswith(f"A second document of this invoice, {dead['InvoiceNumber']}, was found in Xero")
    assert "It is deleted there" in text
    world.assert_quiet()


def test_what_a_frozen_worker_makes_of_approved_invoices_is_told_once(world: World) -> None:
    """An approved document is not for us to take back: the row of history names it, its link and what to do."""
    world.choose(status="AUTHORISED")
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    world.tap.when(PUT_INVOICES, freeze(world, minutes=8))

    world.work()
    world.settle()

    ours = world.details(invoice_id)["stl3_xeroinvoiceid"]
    (other,) = [row for row in world.documents_of(invoice_id) if row["InvoiceID"] != ours]
    (text,) = told(world, invoice_id)
    assert text.startswith(f"A second document of this invoice, {other['InvoiceNumber']}, was found in Xero beside")
    assert "its status is Authorised" in text
    assert other["InvoiceID"] in text
    assert "Delete or void in Xero the one that is not wanted" in text
    world.assert_quiet()


def test_a_details_row_that_is_deleted_while_the_call_is_under_way_leaves_one_document(world: World) -> None:
    """The journal is gone and the document is made: the invoice gets another one, and one of the two is deleted."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    row_id = columns.DETAILS.id_column
    world.tap.when(
        PUT_INVOICES,
        lambda: world.sales.delete(columns.DETAILS.set_name, world.details(invoice_id)[row_id]),
    )

    world.work()
    world.settle()

    (document,) = world.documents_of(invoice_id)
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == document["InvoiceID"]
    assert {row["Status"] for row in world.all_documents()} <= {"DRAFT", "DELETED"}
    world.assert_quiet()


def test_a_document_whose_details_row_is_gone_is_adopted_before_another_is_made(world: World) -> None:
    """The poll sees both the invoice without a row and the document without one, and begins with the document."""
    invoice_id, document = export(world)
    world.sales.delete(columns.DETAILS.set_name, world.details(invoice_id)[columns.DETAILS.id_column])
    world.xero.user(world.org).edit_invoice(document["InvoiceID"], Reference="theirs")

    world.settle()

    assert len(world.all_documents()) == 1
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == document["InvoiceID"]
    assert world.status(invoice_id) == "Yes"
    world.assert_quiet()


def test_of_two_documents_without_a_row_the_one_that_people_took_furthest_is_adopted(world: World) -> None:
    """The approved one is the invoice's; the draft is deleted."""
    invoice_id, document = export(world)
    second = appear(world, document)
    world.sales.delete(columns.DETAILS.set_name, world.details(invoice_id)[columns.DETAILS.id_column])
    person = world.xero.user(world.org)
    person.edit_invoice(second["InvoiceID"], DueDate="2026-12-24")
    person.approve_invoice(second["InvoiceID"])
    person.edit_invoice(document["InvoiceID"], DueDate="2026-12-24")

    world.settle()

    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == second["InvoiceID"]
    assert status_of(world, second) == "AUTHORISED"
    assert status_of(world, document) == "DELETED"
    world.assert_quiet()


def test_a_second_draft_is_deleted_and_the_one_on_the_row_stays(world: World) -> None:
    """Whichever of them is older."""
    invoice_id, document = export(world)
    second = appear(world, document)

    world.settle()

    assert (status_of(world, document), status_of(world, second)) == ("DRAFT", "DELETED")
    world.assert_exported_once(invoice_id)
    (text,) = told(world, invoice_id)
    assert f"{second['InvoiceNumber']}, was found in Xero beside {document['InvoiceNumber']}" in text
    world.assert_quiet()


OTHER = {
    "another text": {"Reference": "by hand"},
    "submitted": {"Status": "SUBMITTED", "DueDate": "2026-12-24"},
    "approved": {"Status": "AUTHORISED", "DueDate": "2026-12-24"},
    "another line": {"LineItems": [{"Description": "Work", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}]},
}


@pytest.mark.parametrize("different", OTHER.values(), ids=OTHER)
def test_a_second_document_that_is_not_exactly_ours_is_left_and_told_once(
    world: World, different: dict[str, Any]
) -> None:
    """Somebody may need it: one Failed row of history, however often it is polled and whatever Redis forgets."""
    invoice_id, document = export(world)
    second = appear(world, document, **different)
    before = status_of(world, second)

    world.settle()
    world.redis.flushall()
    world.settle()

    assert (status_of(world, document), status_of(world, second)) == ("DRAFT", before)
    (row,) = [row for row in world.history(invoice_id) if not is_creation(row)]
    assert row["stl3_syncstatus"] == columns.SYNC_STATUS["Failed"]
    assert second["InvoiceID"] in row["stl3_details"]
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == document["InvoiceID"]
    world.assert_quiet()


def test_what_is_told_costs_no_call_at_the_next_poll(world: World) -> None:
    """It is listed again for ten minutes, and passed over."""
    _, document = export(world)
    appear(world, document, Reference="by hand")
    world.settle()
    world.pass_time(minutes=5)
    world.xero.wire.forget_calls()

    world.poll()
    world.work()

    assert world.xero_calls() == ["GET /api.xro/2.0/Invoices"]


@pytest.mark.parametrize("end", ["void", "delete"])
def test_a_second_document_is_no_second_one_when_the_first_is_dead(world: World, end: str) -> None:
    """The only one that lives is never deleted."""
    invoice_id, document = export(world)
    person = world.xero.user(world.org)
    if end == "void":
        person.edit_invoice(document["InvoiceID"], DueDate="2026-12-24")
        person.approve_invoice(document["InvoiceID"])
        person.void_invoice(document["InvoiceID"])
    else:
        person.delete_invoice(document["InvoiceID"])
    second = appear(world, document)

    world.settle()

    assert status_of(world, second) == "DRAFT"
    assert any("the document that Xero details name has been" in text for text in told(world, invoice_id))


def test_a_second_document_that_somebody_approves_meanwhile_stays(world: World) -> None:
    """Xero refuses to delete it, and the history says so."""
    invoice_id, document = export(world)
    second = appear(world, document, DueDate="2026-12-24")
    person = world.xero.user(world.org)
    person.edit_invoice(document["InvoiceID"], DueDate="2026-12-24")
    world.tap.when("POST api.xero.com/api.xro/2.0/Invoices", lambda: person.approve_invoice(second["InvoiceID"]))

    world.settle()

    assert status_of(world, second) == "AUTHORISED"
    assert any("Xero refuses to delete it" in text for text in told(world, invoice_id))
    world.assert_quiet()


def test_a_document_of_a_copied_environment_is_left_alone(world: World) -> None:
    """Copies share the ids of their invoices; the organisation in the link tells them apart."""
    invoice_id, document = export(world)
    theirs = document["Url"].split("#")[0] + "#00000000-0000-4000-8000-000000000001"
    second = appear(world, document, Url=theirs)

    world.settle()

    assert status_of(world, second) == "DRAFT"
    assert told(world, invoice_id) == []
    world.assert_quiet()


def test_a_document_of_an_invoice_that_went_through_another_connection_is_told_only(world: World) -> None:
    """I4: what another connection wrote is not for this one to judge by."""
    invoice_id, document = export(world)
    second, organisation = world.join_second()
    stranger = world.xero.user(organisation)
    contact = stranger.create_contact(Name="Fourth Coffee")
    line = {"Description": "Work", "Quantity": 1, "UnitAmount": "120.00", "AccountCode": "200"}
    made = stranger.create_invoice(
        Type="ACCREC", Contact={"ContactID": contact["ContactID"]}, LineItems=[line], Url=document["Url"]
    )

    world.settle(connection=second)
    world.settle()

    assert organisation.invoices[made["InvoiceID"]]["Status"] == "DRAFT"
    (text,) = told(world, invoice_id)
    assert "belongs to another connection" in text
    assert world.details(invoice_id)["stl3_xeroinvoiceid"] == document["InvoiceID"]
    world.assert_quiet(second)


def test_a_second_document_of_a_deleted_invoice_is_told_on_its_details(world: World) -> None:
    """What the invoice said can't be read any more, so nothing is deleted."""
    invoice_id, document = export(world)
    world.sales.delete("invoice", invoice_id)
    second = appear(world, document)

    world.settle()

    assert status_of(world, second) == "DRAFT"
    rows = [row["stl3_details"] for row in world.dynamics.rows(columns.HISTORY.set_name)]
    assert any(second["InvoiceNumber"] in text for text in rows)


def test_a_document_of_which_nothing_is_left_in_dynamics_costs_one_look(world: World) -> None:
    """Neither the invoice nor its details row: there is nowhere to say it."""
    invoice_id, document = export(world)
    row_id = world.details(invoice_id)[columns.DETAILS.id_column]
    world.sales.delete("invoice", invoice_id)
    world.sales.delete(columns.DETAILS.set_name, row_id)
    world.xero.user(world.org).edit_invoice(document["InvoiceID"], Reference="theirs")

    world.settle()

    assert status_of(world, document) == "DRAFT"
    assert world.all_details(invoice_id) == []
    world.assert_quiet()


def test_many_second_documents_are_settled_together(world: World) -> None:
    """A batch that a frozen worker sent: one call to read, one for the documents of the rows, one to delete."""
    invoice_ids = world.save_invoices(20)
    world.mark(*invoice_ids)
    world.tap.when(PUT_INVOICES, freeze(world, minutes=8))
    world.work()
    assert len(world.documents()) == 40
    world.xero.wire.forget_calls()

    world.poll()
    world.work()

    world.assert_exported_once(*invoice_ids)
    assert len(world.xero_calls()) <= 5
    world.settle()
    world.assert_quiet()


def test_a_look_up_that_finds_two_documents_settles_the_second_one(world: World) -> None:
    """The one attempt's call arrived late, the other's answer was lost."""
    (invoice_id,) = world.save_invoices(1)
    world.mark(invoice_id)
    world.lose_reply("PUT /api.xro/2.0/Invoices")
    world.work()
    (document,) = world.documents_of(invoice_id)
    appear(world, document)
    world.pass_time(minutes=30)

    world.work()

    world.assert_exported_once(invoice_id)


@pytest.mark.parametrize(("kind", "status"), FAULTS)
def test_a_fault_at_any_call_of_settling_leaves_one_document(
    fresh_world: Callable[[], World], kind: FaultKind, status: int
) -> None:
    """Whatever call of poll and worker fails, before or after its effect."""
    for side in ("xero", "dynamics"):
        for number in count():
            world = fresh_world()
            invoice_id, document = export(world)
            second = appear(world, document)
            wire = getattr(world, side).wire
            wire.inject(Fault(match=".", kind=kind, skip=number, status=status))

            world.poll()
            world.work()
            if wire.faults:
                assert number >= 2
                break
            world.settle()

            assert (status_of(world, document), status_of(world, second)) == ("DRAFT", "DELETED")
            assert len(told(world, invoice_id)) == 1
            world.assert_quiet()


def test_a_crash_at_any_call_of_settling_leaves_one_document(fresh_world: Callable[[], World]) -> None:
    """The process dies at any call of poll and worker to Xero, Dynamics or Redis; none vanishes without a word."""
    for number in count(1):
        world = fresh_world()
        invoice_id, document = export(world)
        second = appear(world, document)
        world.tap.crash_after_effect(number)

        try:
            world.poll()
            world.work()
        except Crash:
            world.die()
        else:
            assert number > 20
            break
        world.settle()

        assert (status_of(world, document), status_of(world, second)) == ("DRAFT", "DELETED")
        assert len(told(world, invoice_id)) == 1
