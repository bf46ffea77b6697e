"""What `connector explain` says of exported invoices that were cancelled, deleted or made active again (rules E)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.connections import PAUSED
from core.invoice import CANCELLED, Details
from core.preferences import Preferences
from mappers.standing import SEND_IT_AGAIN
from pipeline.explaining import NOTHING_TO_DO, explain
from pipeline.explaining_ends import NOT_PROVEN
from pipeline.facts import Entry, Facts, Gone, InXero, Work
from tests.unit.made import CONNECTION_ID, INVOICE_ID, NOON, connection, details, invoice

BY_CREDIT = Preferences(create_credit_notes=True)
BY_VOID = Preferences(create_credit_notes=True, cancel_by="Void")
BY_HAND = Preferences()
D = Decimal


def exported(**different: object) -> Details:
    there = {"export_status": "Yes", "xero_invoice_id": "x-1", "xero_number": "INV-0042", "amount_due": D("12.00")}
    return details(**there | different)


def facts(row: Details, status: str = "AUTHORISED", **different: object) -> Facts:
    """A cancelled invoice, if nothing else is said."""
    cancelled = invoice(state=CANCELLED)
    made = Facts(connection(), NOON, INVOICE_ID, cancelled, row, InXero(status), preferences=BY_CREDIT)
    return replace(made, **different)  # type: ignore[arg-type]


# -- what comes next -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "amounts", "preferences", "words"),
    [
        ("DRAFT", {}, BY_CREDIT, "deleted in Xero"),
        ("DRAFT", {}, BY_HAND, "left; the history says to delete it by hand"),
        ("AUTHORISED", {}, BY_CREDIT, "credit note for the full amount, approved and applied"),
        ("AUTHORISED", {}, BY_VOID, "voided in Xero"),
        ("AUTHORISED", {}, BY_HAND, "left; the history says to make the credit note by hand"),
        ("AUTHORISED", {"amount_paid": D("2.00")}, BY_CREDIT, "approved, not applied; the history says to apply it"),
        ("PAID", {"amount_due": D(0), "amount_paid": D("12.00")}, BY_CREDIT, "Failed: the invoice is fully paid"),
        ("Credited", {"amount_due": D(0), "amount_credited": D("12.00")}, BY_CREDIT, "left; the history says so"),
        ("VOIDED", {"amount_due": D(0)}, BY_CREDIT, "nothing to do; the history says so"),
        ("", {}, BY_CREDIT, "what the settings say"),
    ],
)
def test_a_cancelled_invoice_says_what_comes_of_its_document(
    status: str, amounts: dict[str, Decimal], preferences: Preferences, words: str
) -> None:
    """Rules E1 to E6: by the table, as far as the Xero details know the document."""
    found = explain(facts(exported(**amounts), status, preferences=preferences))

    assert found.verdict.startswith("It was cancelled in Dynamics. Next for INV-0042")
    assert words in found.verdict
    assert "the next poll will" in found.advice[0]


def test_a_deleted_invoice_does_not_ask_whether_a_note_is_wanted() -> None:
    """Rule E2: deleting does what cancelling does with B8 = Yes."""
    found = explain(facts(exported(), invoice=None, preferences=BY_HAND))

    assert found.verdict.startswith("It was deleted in Dynamics. Next for INV-0042, Authorised")
    assert found.verdict.endswith("credit note for the full amount, approved and applied.")


def test_who_asks_for_it_once_more_is_told_so() -> None:
    """Rule C60: an end that was dealt with, and is set to No."""
    asked = explain(facts(exported(export_status="No", handled_state="3"), work=Work(due_at=NOON)))

    assert asked.verdict.startswith("It was cancelled in Dynamics. Once more for INV-0042, Authorised")
    assert asked.advice == ("It is due and goes within seconds, if a worker is running.",)


def test_a_connection_out_of_service_does_nothing_to_documents() -> None:
    """Rule C8."""
    found = explain(facts(exported(), connection=connection(state=PAUSED, state_reason="")))

    assert found.verdict == (
        "It was cancelled in Dynamics. INV-0042, Authorised in Xero waits for: the connection to be in service."
    )
    assert found.advice == ("Ask the administrator to put the connection back in service.",)


@pytest.mark.parametrize(
    ("begun", "words"),
    [
        ("delete", "is being deleted in Xero"),
        ("void", "is being voided in Xero"),
        ("credit", "is being credited in Xero"),
        ("credit after void", "is being credited in Xero, which refused to void it"),
    ],
)
def test_what_is_under_way_is_told_with_its_time(begun: str, words: str) -> None:
    """Rule E0."""
    row = exported(cancelling=f"{begun} 2026-11-24T11:58:00Z", credit_note_number="CN-INV-0042")

    found = explain(facts(row, work=Work(due_at=NOON + timedelta(minutes=1))))

    assert f"INV-0042, Authorised {words} since 24 Nov 2026 11:58:00 (GMT): what came of it" in found.verdict
    assert found.advice == ("It may go, and is looked at again at 24 Nov 2026 12:01:00 (GMT).",)
    assert dict(found.xero)["Under way"] == f"{begun}, since 24 Nov 2026 11:58:00 (GMT)"
    assert dict(found.xero)["Credit note"] == "CN-INV-0042 (not known yet to have been made)"


# -- what came of it -------------------------------------------------------------------------------------------


def test_what_has_been_dealt_with_names_the_credit_note() -> None:
    """Rule E9; nobody is told to activate an invoice that was cancelled."""
    row = exported(handled_state="3", credit_note_id="n-1", credit_note_number="CN-INV-0042", amount_due=D(0))

    found = explain(facts(row, "Credited"))

    assert found.verdict == (
        "It was cancelled in Dynamics. That has been dealt with: INV-0042, Credited by CN-INV-0042."
    )
    assert found.advice == ()
    assert dict(found.xero)["Dealt with as"] == "cancelled"
    assert {gate.remedy for gate in found.gates if gate.rule == "C2"} == {NOTHING_TO_DO}


def test_a_deletion_that_has_been_dealt_with_says_so() -> None:
    found = explain(facts(exported(handled_state="deleted"), "DELETED", invoice=None))

    assert found.verdict == "It was deleted in Dynamics. That has been dealt with: INV-0042, Deleted."
    assert dict(found.xero)["Dealt with as"] == "deleted"


def test_a_failure_is_the_last_word_until_somebody_cancels_again() -> None:
    """Rule C60: what Xero refused, and what to do; an older failure of something else is not why it is not done."""
    history = (
        Entry(NOON, "Cancel", "The Invoice is fully paid in Xero: INV-0042.\nRemove the payment.", worked=False),
    )
    failed = exported(export_status="Failed", handled_state="3")
    earlier = exported(export_status="Failed", handled_state="0")

    refused = explain(facts(failed, "PAID", history=history))
    fresh = explain(facts(earlier, history=history))

    assert (refused.verdict, refused.advice) == (
        "It failed: The Invoice is fully paid in Xero: INV-0042.",
        ("Remove the payment.",),
    )
    assert [gate.remedy for gate in refused.gates if gate.rule == "C7"] == ["Set export status to No."]
    assert fresh.verdict.startswith("It was cancelled in Dynamics. Next for INV-0042")


# -- active again ----------------------------------------------------------------------------------------------


def test_an_invoice_that_is_active_again_says_that_its_document_stays() -> None:
    """Rule E8: until the history says so."""
    found = explain(facts(exported(handled_state="3"), invoice=invoice()))

    assert found.verdict == (
        "It was cancelled and is active again. INV-0042, Authorised in Xero stays as it is; the history says so next."
    )


@pytest.mark.parametrize(
    ("status", "note", "words"),
    [
        ("VOIDED", {"amount_due": D(0)}, "INV-0042, Voided"),
        ("DELETED", {"amount_due": D(0)}, "INV-0042, Deleted"),
        (
            "Credited",
            {
                "amount_due": D(0),
                "amount_credited": D("12.00"),
                "credit_note_id": "n-1",
                "credit_note_number": "CN-1",
            },
            "INV-0042, Credited by CN-1",
        ),
    ],
)
def test_an_active_invoice_whose_document_is_over_says_how_to_send_it_again(
    status: str, note: dict[str, object], words: str
) -> None:
    """Rule E8: it is not sent again by itself; one that others have credited is not sent again at all."""
    over = explain(facts(exported(handled_state="0", **note), status, invoice=invoice()))
    by_others = exported(amount_due=D(0), amount_credited=D("12.00"))

    assert over.verdict == f"It is in Xero: {words}. It is not sent again by itself."
    assert over.advice == (SEND_IT_AGAIN,)
    assert explain(facts(by_others, "Credited", invoice=invoice())).advice == ()


# -- what Dynamics does not show ---------------------------------------------------------------------------------


def test_a_deletion_that_is_not_proven_is_not_called_one() -> None:
    """Two things have to say so; else nothing is done in Xero."""
    unproven = explain(facts(exported(), invoice=None, gone=Gone(is_proven=False)))
    unseen = explain(facts(exported(), invoice=None, gone=Gone(is_proven=False, not_shown="A right is missing.")))

    assert unproven.verdict.endswith("Dynamics does not show it, and that it was deleted is not proven.")
    assert unproven.advice == (NOT_PROVEN,)
    assert unseen.verdict == "It is in Xero: INV-0042, Authorised. A right is missing."


def test_deletions_that_wait_for_their_owner_say_how_to_go_on() -> None:
    found = explain(facts(exported(), invoice=None, gone=Gone(is_held=True)))

    assert found.verdict == (
        "It was deleted in Dynamics, and INV-0042, Authorised in Xero waits for the word of the connection's owner."
    )
    assert f"`connector deletions confirm {CONNECTION_ID}` lets it be carried out in Xero." in found.advice


def test_an_invoice_that_was_never_exported_has_no_end_in_xero() -> None:
    """Rule E7: cancelling it only closes its gates."""
    cancelled = explain(facts(details()))

    assert cancelled.verdict == "It waits: an active invoice."
    assert explain(facts(details(), invoice=None)).verdict.endswith("it was not in Xero.")
