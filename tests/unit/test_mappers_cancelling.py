"""The table of rules E0 to E6: what a document is taken for, which row counts, what its columns say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest

from core.invoice import ACTIVE, CANCELLED, PAID, Details
from mappers.cancelling import (
    TABLE,
    Act,
    Begun,
    Cancelling,
    Case,
    Step,
    case_of,
    is_handled,
    is_over,
    is_replaced,
    own_note_id,
    read_cancelling,
    row_of,
    state_now,
)
from tests.unit.made import details, invoice

DOCUMENT_ID = "d0000000-0000-4000-8000-000000000001"
NOTE_ID = "c0000000-0000-4000-8000-000000000001"
STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED")  # all that Xero gives an invoice
SINCE = datetime(2026, 11, 26, 9, 30, 5, tzinfo=UTC)


def document(status: str = "AUTHORISED", *, paid: str = "0", credited: str = "0", **different: Any) -> dict[str, Any]:
    """A document of 12.00 as a list shows it; `credited` includes what came in advance."""
    made: dict[str, Any] = {
        "InvoiceID": DOCUMENT_ID,
        "InvoiceNumber": "INV-0007",
        "Type": "ACCREC",
        "Status": status,
        "CurrencyCode": "GBP",
        "Total": "12.00",
        "TotalTax": "2.00",
        "AmountDue": str(Decimal("12.00") - Decimal(paid) - Decimal(credited)),
        "AmountPaid": paid,
        "AmountCredited": credited,
    }
    return made | different


def note(applied: str, *, note_id: str = NOTE_ID, number: str = "CN-INV-0007") -> dict[str, Any]:
    return {"CreditNoteID": note_id, "CreditNoteNumber": number, "AppliedAmount": applied}


def by_others(applied: str) -> dict[str, Any]:
    return note(applied, note_id="c0000000-0000-4000-8000-00000000000f", number="CN-0001")


def steps(case: Case) -> tuple[str, Step, Step, Step]:
    """Return the row that counts and its three columns."""
    row = row_of(case)
    return (
        row.rule,
        row.step("Cancel", automatic=True),
        row.step("Cancel", automatic=False),
        row.step("Delete", automatic=False),
    )


LEFT = (Step.LEAVE, Step.LEAVE, Step.LEAVE)
REFUSED = (Step.REFUSE, Step.REFUSE, Step.REFUSE)
NOTHING = (Step.NOTHING, Step.NOTHING, Step.NOTHING)
DONE = (Step.DONE, Step.DONE, Step.DONE)
DRAFTS = (Step.DELETE, Step.LEAVE_DRAFT, Step.DELETE)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (document("DRAFT"), ("E1", *DRAFTS)),
        (document("SUBMITTED"), ("E1", *DRAFTS)),
        (document("DRAFT", Total="0.00"), ("E1", *DRAFTS)),
        (document(), ("E2", Step.APPLY, Step.LEAVE_OPEN, Step.APPLY)),
        (document(paid="0.01"), ("E3", Step.CREDIT, Step.LEAVE_OPEN, Step.CREDIT)),
        (document(credited="5", CreditNotes=[by_others("5")]), ("E3", Step.CREDIT, Step.LEAVE_OPEN, Step.CREDIT)),
        (document(credited="5"), ("E3", Step.CREDIT, Step.LEAVE_OPEN, Step.CREDIT)),  # in advance
        (document("PAID", paid="12.00"), ("E5", *REFUSED)),
        (document("PAID", credited="12.00"), ("E5", *REFUSED)),  # in advance
        (document("PAID", paid="0.01", credited="11.99", CreditNotes=[by_others("11.99")]), ("E5", *REFUSED)),
        (document("PAID", credited="12.00", CreditNotes=[by_others("12.00")]), ("E5", *LEFT)),
        (document("PAID", Total="0.00"), ("E5", *LEFT)),
        (document("VOIDED"), ("E6", *NOTHING)),
        (document("DELETED"), ("E6", *NOTHING)),
    ],
)
def test_each_document_has_its_row_and_columns(shown: dict[str, Any], expected: tuple[str, Step, Step, Step]) -> None:
    """Rule E1, rule E2, rule E3, rule E5, rule E6; B10 is Credit note, and no note is ours."""
    assert steps(case_of(shown)) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (document(), ("E4", Step.VOID, Step.LEAVE_OPEN, Step.VOID)),
        (document("DRAFT"), ("E1", *DRAFTS)),
        (document(paid="1"), ("E3", Step.CREDIT, Step.LEAVE_OPEN, Step.CREDIT)),
        (document(credited="1"), ("E3", Step.CREDIT, Step.LEAVE_OPEN, Step.CREDIT)),
        (document("PAID", paid="12.00"), ("E5", *REFUSED)),
        (document("VOIDED"), ("E6", *NOTHING)),
    ],
)
def test_void_is_only_for_what_nobody_has_paid_or_credited(
    shown: dict[str, Any], expected: tuple[str, Step, Step, Step]
) -> None:
    """Rule E4: setting B10 is Void."""
    assert steps(case_of(shown, by_void=True)) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (document("PAID", credited="12.00", CreditNotes=[note("12.00")]), ("E0", *DONE)),
        (document(credited="12.00", CreditNotes=[note("12.00")]), ("E0", *DONE)),  # whatever Xero calls it
        (document("VOIDED", CreditNotes=[note("12.00")]), ("E6", *NOTHING)),
        (document(credited="5", CreditNotes=[note("5")]), ("E2", Step.APPLY, Step.LEAVE_OPEN, Step.APPLY)),
        (
            document(paid="7", credited="5", CreditNotes=[note("5")]),
            ("E3", Step.CREDIT, Step.LEAVE_OPEN, Step.CREDIT),
        ),
        (document("PAID", paid="7", credited="5", CreditNotes=[note("5")]), ("E5", *REFUSED)),
        (document("PAID", credited="12", CreditNotes=[note("5"), by_others("7")]), ("E5", *LEFT)),
    ],
)
def test_what_our_note_has_settled_is_not_by_others(
    shown: dict[str, Any], expected: tuple[str, Step, Step, Step]
) -> None:
    """Rule E0: our own earlier effect counts as done, and is completed if half done."""
    assert steps(case_of(shown, note_id=NOTE_ID.upper())) == expected


def test_a_note_is_ours_only_by_its_id() -> None:
    """Rule E0: without an id none is, not even one without an id of its own."""
    shown = document("PAID", credited="12.00", CreditNotes=[{"AppliedAmount": "12.00"}])

    assert case_of(shown, note_id="").ours == 0
    assert case_of(shown, note_id=NOTE_ID).ours == 0


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("by_void", [False, True])
@pytest.mark.parametrize("total", ["0.00", "12.00"])
@pytest.mark.parametrize("paid", ["0", "1", "12.00"])
@pytest.mark.parametrize("credited", ["0", "1", "12.00"])
def test_every_status_that_xero_has_is_decided(
    status: str, total: str, paid: str, credited: str, *, by_void: bool
) -> None:
    """Rule E1 to rule E6: no document is left without an answer, in any column."""
    row = row_of(case_of(document(status, paid=paid, credited=credited, Total=total), by_void=by_void))

    answers = {row.step(act, automatic=automatic) for act in get_args(Act) for automatic in (False, True)}
    assert answers <= set(Step)
    if status in ("PAID", "VOIDED", "DELETED"):
        assert not any(step.changes_xero for step in answers)


def test_an_unknown_status_is_not_guessed_at() -> None:
    """Nothing is done to a document that nobody understands."""
    with pytest.raises(StopIteration):
        row_of(case_of(document("ARCHIVED")))


def test_the_first_row_that_holds_counts() -> None:
    """A voided document that was ours, credited and to be voided is voided; nothing below is asked."""
    case = Case("VOIDED", Decimal(12), paid=Decimal(12), ours=Decimal(12), others=Decimal(12), by_void=True)

    holding = [row.rule for row in TABLE if row.holds(case)]
    assert row_of(case) is TABLE[0]
    assert holding[0] == "E6"
    assert len(holding) > 1


def test_the_rows_stand_in_this_order() -> None:
    """What ends first comes first: the order decides, so it is said here once more."""
    assert [row.rule for row in TABLE] == ["E6", "E0", "E1", "E5", "E5", "E3", "E4", "E2"]


def test_by_hand_nothing_is_changed_in_xero() -> None:
    """Setting B8 = No: whatever the row, the column only leaves, tells or refuses."""
    assert [row.rule for row in TABLE if row.by_hand.changes_xero] == []


def test_a_deletion_is_as_automatic_as_can_be() -> None:
    """The column of deletions is that of B8 = Yes, whatever the setting says."""
    assert [row.rule for row in TABLE if row.deleted != row.cancelled] == []
    for row in TABLE:
        assert row.step("Delete", automatic=False) == row.step("Delete", automatic=True) == row.deleted


def test_a_float_is_refused() -> None:
    """Money never passes through one."""
    with pytest.raises(TypeError):
        case_of(document(Total=12.0))


def test_amounts_in_advance_are_money() -> None:
    """Xero counts over- and prepayments as credited (rule D7): what no credit note settles is paid."""
    case = case_of(document("PAID", paid="2", credited="10", CreditNotes=[by_others("4")]))

    assert (case.paid, case.ours, case.others) == (Decimal(8), Decimal(0), Decimal(12))


# -- what is over ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "over"),
    [
        (document("VOIDED"), True),
        (document("DELETED"), True),
        (document("PAID", credited="12.00", CreditNotes=[note("12.00")]), True),
        (document("PAID", credited="12.00", CreditNotes=[by_others("12.00")]), False),
        (document("PAID", credited="12.00", CreditNotes=[note("11.99"), by_others("0.01")]), False),
        (document("PAID", paid="12.00"), False),
        (document("PAID", Total="0.00"), False),
        (document("DRAFT"), False),
        (document(), False),
    ],
)
def test_another_document_may_take_the_place_of_what_is_over(shown: dict[str, Any], *, over: bool) -> None:
    """Rule E8: deleted, voided, or credited in full by our note."""
    assert is_over(shown, note_id=NOTE_ID) is over


def test_our_note_is_known_by_its_number_where_the_row_has_forgotten_it() -> None:
    """Rule E8: by the document's number or id, in any case; another's is not ours."""
    for number in ("CN-INV-0007", "cn-inv-0007", f"CN-{DOCUMENT_ID}"):
        assert own_note_id(document(CreditNotes=[by_others("1"), note("11", number=number)])) == NOTE_ID
    assert own_note_id(document(CreditNotes=[by_others("1")])) == ""
    assert own_note_id(document()) == ""


def test_what_was_replaced_is_nobodys() -> None:
    """Rule E8: dead and named before, or credited in full by our note."""
    by_note = document("PAID", credited="12.00", CreditNotes=[note("12.00")])

    assert is_replaced(document("VOIDED"), {DOCUMENT_ID})
    assert not is_replaced(document("VOIDED"), set())
    assert not is_replaced(document(), {DOCUMENT_ID})
    assert is_replaced(by_note, set())
    assert is_replaced(by_note, {DOCUMENT_ID})


# -- what has been dealt with ----------------------------------------------------------------------------------


def row(handled: str, **different: Any) -> Details:
    return replace(details(), handled_state=handled, **different)


@pytest.mark.parametrize(
    ("state", "known"),
    [(ACTIVE, "0"), (PAID, "0"), (CANCELLED, "3"), (None, "deleted")],
)
def test_each_state_is_dealt_with_under_its_name(state: int | None, known: str) -> None:
    """Rule E8: one that is paid counts as active; a row that names none is of an active one."""
    now = None if state is None else invoice(state=state)

    assert state_now(now) == known
    assert [name for name in ("", "0", "3", "deleted") if is_handled(now, row(name))] == [
        *([""] if known == "0" else []),
        known,
    ]


# -- what is under way -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("doing", get_args(Begun))
def test_what_is_under_way_is_written_and_read_alike(doing: Begun) -> None:
    """Rule E0: what stands on the row is all that is known after a crash."""
    begun = Cancelling(doing, SINCE)

    assert begun.text == f"{doing} 2026-11-26T09:30:05Z"
    assert read_cancelling(begun.text) == begun
    assert begun.is_credit is doing.startswith("credit")


def test_nothing_is_under_way_on_an_empty_row() -> None:
    """Neither is it an error."""
    assert read_cancelling("") is None


@pytest.mark.parametrize(
    "text",
    [
        "delete",
        "archive 2026-11-26T09:30:05Z",
        "delete yesterday",
        "2026-11-26T09:30:05Z",
        "DELETE 2026-11-26T09:30:05Z",
        "void 2026-11-26",
        "void 2026-11-26T09:30:05",
        "void 2026-11-26T09:30:05+00:00",
        "void 2026-13-41T09:30:05Z",
        "void 2026-11-26T09:30:05Z ",
    ],
)
def test_anything_else_is_not_guessed_at(text: str) -> None:
    """A person may have written it: nothing that we know of is under way, and no day is made up for it."""
    assert read_cancelling(text) is None
