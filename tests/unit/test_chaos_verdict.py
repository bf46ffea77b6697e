"""The verdict of the chaos itself: what is lost, doubled or wrong does not pass it; what it is fed is made by hand.

F20, F26, F40 and F41 lead to such things if they are not dealt with: a judge that does not see them proves nothing.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core import columns
from tests.chaos.aof import boundary
from tests.chaos.lives import APPROVE, CANCEL, DELETE, DELETIONS_MAX, EDIT, PAY, UNPAY, plan
from tests.chaos.verdict import DOUBLED, GONE, LOST, WRONG, Books, Wanted, judge

ID, XERO_ID, ROW_ID = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002", "row-1"
OPEN = Wanted(ID, "INV-1", status="AUTHORISED")
CREDITED = Wanted(ID, "INV-1", state="cancelled", status="Credited")
SUCCESSFUL = columns.SYNC_STATUS["Successful"]


def document(**different: Any) -> dict[str, Any]:
    return {
        "InvoiceID": XERO_ID,
        "InvoiceNumber": "INV-0001",
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": "contact-1"},
        "CurrencyCode": "GBP",
        "Total": Decimal("120.00"),
        "TotalTax": Decimal("20.00"),
        "AmountDue": Decimal("120.00"),
        "AmountPaid": Decimal(0),
        "DueDateString": "2026-12-14T00:00:00",
    } | different


def row(**different: Any) -> dict[str, Any]:
    return {
        columns.DETAILS.id_column: ROW_ID,
        "stl3_xeroinvoiceid": XERO_ID,
        "stl3_xerostatus": "AUTHORISED",
        "stl3_exportstatus": columns.EXPORT_STATUS["Yes"],
        "stl3_amountdue": Decimal("120.00"),
        "stl3_amountpaid": Decimal(0),
        "stl3_taxinxero": Decimal("20.00"),
        "stl3_fingerprint": "2:abc",
        "stl3_attemptstarted": None,
        "stl3_attemptkey": None,
        "stl3_cancelling": None,
    } | different


def invoice(**different: Any) -> dict[str, Any]:
    return {
        "statecode": 0,
        "totalamount": Decimal("120.00"),
        "stl3_amountdue": Decimal("120.00"),
        "duedate": "2026-12-14",
    } | different


def told(action: str) -> dict[str, Any]:
    return {"stl3_action": columns.ACTION[action], "stl3_syncstatus": SUCCESSFUL}


SOUND = Books(
    invoices={ID: invoice()},
    details={ID: [row()]},
    history={ROW_ID: [told("Create")]},
    documents={ID: [document()]},
    contacts=[{"Name": "Fourth Coffee", "ContactNumber": "1"}, {"Name": "Litware", "ContactNumber": "2"}],
)
NOTE = {"CreditNoteID": "note-1", "CreditNoteNumber": "CN-INV-0001", "Type": "ACCRECCREDIT", "Status": "PAID"}
SETTLED = document(Status="PAID", AmountDue=Decimal(0))
ENDED = replace(
    SOUND,
    invoices={ID: invoice(statecode=3)},
    details={ID: [row(stl3_xerostatus="Credited", stl3_amountdue=Decimal(0))]},
    history={ROW_ID: [told("Create"), told("Cancel")]},
    documents={ID: [SETTLED]},
    notes={"CN-INV-0001": [NOTE]},
)


def test_what_is_sound_passes() -> None:
    assert judge([OPEN], SOUND) == []
    assert judge([CREDITED], ENDED) == []


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ({"documents": {ID: [document(), document(InvoiceID="another")]}}, DOUBLED),
        ({"details": {ID: [row(), row()]}}, DOUBLED),
        ({"history": {ROW_ID: [told("Create"), told("Create")]}}, DOUBLED),
        ({"contacts": [{"Name": "Fourth Coffee"}, {"Name": "fourth coffee"}]}, DOUBLED),
        ({"documents": {}}, LOST),
        ({"documents": {ID: [document(Status="DELETED")]}}, LOST),
        ({"details": {}}, LOST),
        ({"documents": {ID: [document(Total=Decimal("120.01"))]}}, WRONG),
        ({"documents": {ID: [document(TotalTax=Decimal("20.01"))]}}, WRONG),
        ({"documents": {ID: [document(Status="DRAFT")]}}, WRONG),
        ({"documents": {ID: [document(AmountDue=Decimal("119.99"))]}}, WRONG),
        ({"documents": {ID: [document(AmountPaid=Decimal("0.01"))]}}, WRONG),
        ({"documents": {ID: [document()], "foreign": [document()]}}, WRONG),
        ({"details": {ID: [row(stl3_xerostatus="DRAFT")]}}, WRONG),
        ({"details": {ID: [row(stl3_exportstatus=columns.EXPORT_STATUS["Failed"])]}}, WRONG),
        ({"details": {ID: [row(stl3_attemptkey="abc")]}}, WRONG),
        ({"details": {ID: [row(stl3_cancelling="delete")]}}, WRONG),
        ({"details": {ID: [row(stl3_xeroinvoiceid="another")]}}, WRONG),
        ({"invoices": {ID: invoice(statecode=2)}}, WRONG),
        ({"invoices": {ID: invoice(stl3_amountdue=Decimal("0.01"))}}, WRONG),
        ({"invoices": {ID: invoice(duedate="2026-12-15")}}, WRONG),
        ({"invoices": {}}, WRONG),
    ],
)
def test_what_is_broken_is_found(broken: dict[str, Any], kind: str) -> None:
    """F40, F41, F26: one document too many, one too few, a wrong cent, a wrong status."""
    found = judge([OPEN], replace(SOUND, **broken))

    assert kind in {finding.kind for finding in found}
    assert all(finding.id for finding in found)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ({"notes": {}}, LOST),
        ({"notes": {"CN-INV-0001": [NOTE, NOTE | {"CreditNoteID": "note-2"}]}}, DOUBLED),
        ({"history": {ROW_ID: [told("Cancel"), told("Cancel")]}}, DOUBLED),
        ({"documents": {ID: [document()]}}, WRONG),
        ({"documents": {ID: [SETTLED, document(InvoiceID="another")]}}, WRONG),
    ],
)
def test_what_is_broken_about_a_cancellation_is_found(broken: dict[str, Any], kind: str) -> None:
    """A second note, none, or a document that lives although its invoice is cancelled."""
    wanted = CREDITED if kind != WRONG else replace(CREDITED, status=GONE)
    found = judge([wanted], replace(ENDED, **broken))

    assert kind in {finding.kind for finding in found}


def test_what_is_put_aside_is_found() -> None:
    """F30: a dead letter is no success."""
    assert {finding.kind for finding in judge([OPEN], SOUND, dead_letters=1)} == {WRONG}


def test_one_that_was_cancelled_before_it_went_needs_no_document() -> None:
    never = Wanted(ID, "INV-1", state="cancelled", status=GONE)

    assert judge([never], Books(invoices={ID: invoice(statecode=3)})) == []


def test_the_plan_is_drawn_from_the_seed_alone() -> None:
    names = ["Fourth Coffee", "Litware"]
    plans = [plan(400, names, random.Random(seed), save_s=60, hurry=True) for seed in (1, 1, 2)]

    assert plans[0] == plans[1] != plans[2]
    assert sum(any(act.kind == DELETE for act in life.planned) for life in plans[0]) == DELETIONS_MAX
    hurried = [life.number for life in plans[0] if any(act.hurried for act in life.planned)]
    assert hurried
    assert max(hurried) < 400 / 3


def test_what_is_wanted_follows_from_what_people_have_done() -> None:
    (life,) = plan(1, ["Fourth Coffee"], random.Random(1), save_s=1, hurry=False)
    life.planned = ()
    wanted = []
    for done in ([], [EDIT], [APPROVE], [APPROVE, PAY], [APPROVE, PAY, UNPAY], [CANCEL], [APPROVE, DELETE]):
        life.done = done
        wanted.append((life.wanted.state, life.wanted.status))

    assert wanted == [
        ("active", "DRAFT"),
        ("active", "DRAFT"),
        ("active", "AUTHORISED"),
        ("paid", "PAID"),
        ("active", "AUTHORISED"),
        ("cancelled", "DELETED"),
        ("deleted", "Credited"),
    ]


def test_f26_redis_loses_whole_commands() -> None:
    """The tail is cut where a command begins, whatever the mark says."""
    first, second = b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"

    assert boundary(first + second, 3) == len(first)
    assert boundary(first + second, len(first)) == len(first)
    assert boundary(first + second, len(first) + 1) == len(first + second)
