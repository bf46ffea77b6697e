"""How the history tells of cancelled and deleted invoices: every step in its words."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from mappers.cancelled_texts import money_of, name_of, told, told_active_again, told_withdrawn
from mappers.cancelling import Act, Step

DOCUMENT_ID = "d0000000-0000-4000-8000-000000000001"
NOTE = "CN-INV-0007"


def document(**different: Any) -> dict[str, Any]:
    made = {
        "InvoiceID": DOCUMENT_ID,
        "InvoiceNumber": "INV-0007",
        "Status": "AUTHORISED",
        "Total": "1200.00",
        "CurrencyCode": "GBP",
    }
    return made | different


@pytest.mark.parametrize(
    ("step", "act", "shown", "words"),
    [
        (Step.DELETE, "Cancel", document(), f"Invoice has been deleted in Xero - {DOCUMENT_ID}"),
        (Step.VOID, "Delete", document(), f"Invoice has been voided in Xero - {DOCUMENT_ID}"),
        (
            Step.APPLY,
            "Cancel",
            document(),
            f"Invoice has been credited in Xero - {DOCUMENT_ID}\n"
            "Credit note CN-INV-0007 over 1200.00 GBP was made and applied to INV-0007.",
        ),
        (
            Step.CREDIT,
            "Delete",
            document(),
            f"Invoice has been credited in Xero - {DOCUMENT_ID}\n"
            "Credit note CN-INV-0007 over 1200.00 GBP was made but not applied, as INV-0007 is paid or credited in "
            "part already. Apply it by hand in Xero to what is due, and refund the rest.",
        ),
        (
            Step.LEAVE_DRAFT,
            "Cancel",
            document(Status="DRAFT"),
            "The invoice was cancelled in Dynamics. INV-0007 in Xero is left as it is, as the settings say (Create "
            "credit note automatically: No).\nDelete INV-0007 by hand in Xero, if it is not wanted. Or change the "
            "setting, and set Export status to No.",
        ),
        (
            Step.LEAVE_OPEN,
            "Cancel",
            document(),
            "The invoice was cancelled in Dynamics. INV-0007 in Xero is left as it is, as the settings say (Create "
            "credit note automatically: No).\nMake the credit note for INV-0007 by hand in Xero, if it is not "
            "wanted. Or change the setting, and set Export status to No.",
        ),
        (
            Step.LEAVE,
            "Delete",
            document(Status="PAID"),
            "The invoice was deleted in Dynamics. INV-0007 in Xero is left as it is: credit notes settle all of it "
            "already.",
        ),
        (
            Step.LEAVE,
            "Cancel",
            document(Status="PAID", Total="0.00"),
            "The invoice was cancelled in Dynamics. INV-0007 in Xero is left as it is: its total is 0.",
        ),
        (
            Step.REFUSE,
            "Delete",
            document(Status="PAID"),
            "The Invoice is fully paid in Xero: INV-0007, 1200.00 GBP. The invoice was deleted in Dynamics. The "
            "document is left as it is.\nRemove the payment in Xero, or make a credit note there by hand and refund "
            "it.\nThen set Export status to No, and it is tried again.",
        ),
        (
            Step.NOTHING,
            "Cancel",
            document(Status="VOIDED"),
            "The invoice was cancelled in Dynamics. INV-0007 has been voided in Xero before: there is nothing to do.",
        ),
    ],
)
def test_each_step_has_its_words(step: Step, act: Act, shown: dict[str, Any], words: str) -> None:
    """What was done comes first, as it does of what was created; what a person has to do comes last."""
    assert told(step, shown, act=act, note_number=NOTE) == words


def test_what_was_done_before_is_told_as_if_it_had_just_been_done() -> None:
    """Rule E0: whoever reads it need not know about the crash between."""
    assert told(Step.DONE, document(), act="Cancel", note_number=NOTE) == told(
        Step.APPLY, document(), act="Cancel", note_number=NOTE
    )


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("act", get_args(Act))
def test_no_step_is_without_words(step: Step, act: Act) -> None:
    """Nothing fails, or is left, silently (promise H4)."""
    words = told(step, document(), act=act, note_number=NOTE)

    assert words.strip() == words != ""
    assert "None" not in words


@pytest.mark.parametrize(
    ("shown", "over", "note", "words"),
    [
        (
            document(Status="DRAFT"),
            False,
            "",
            "The invoice is active again. INV-0007 in Xero stays its document: Draft.",
        ),
        (
            document(),
            False,
            NOTE,
            "The invoice is active again. INV-0007 in Xero stays its document: Authorised. Void credit note "
            "CN-INV-0007 in Xero, if it is not wanted any more.",
        ),
        (
            document(Status="DELETED"),
            True,
            "",
            "The invoice is active again. INV-0007 has been deleted in Xero, and no other is made by itself.\n"
            "Set Export status to No to send it again.",
        ),
        (
            document(Status="VOIDED"),
            True,
            "",
            "The invoice is active again. INV-0007 has been voided in Xero, and no other is made by itself.\n"
            "Set Export status to No to send it again.",
        ),
        (
            document(Status="PAID"),
            True,
            NOTE,
            "The invoice is active again. INV-0007 has been credited in full in Xero, and no other is made by "
            "itself.\nSet Export status to No to send it again.",
        ),
    ],
)
def test_active_again_says_what_became_of_the_document(
    shown: dict[str, Any], note: str, words: str, *, over: bool
) -> None:
    """Rule E8."""
    assert told_active_again(shown, is_over=over, note_number=note) == words


def test_a_note_that_was_taken_back_is_named() -> None:
    """Its number is used up in Xero, so people may ask."""
    assert told_withdrawn(NOTE) == "Credit note CN-INV-0007, which had been begun, was taken back."


def test_a_document_without_number_is_named_by_its_id() -> None:
    """Xero gives bills none."""
    assert name_of(document(InvoiceNumber="")) == name_of(document(InvoiceNumber=None)) == DOCUMENT_ID


@pytest.mark.parametrize(
    ("total", "currency", "words"),
    [
        ("1200", "GBP", "1200.00 GBP"),
        ("0.00", "GBP", "0.00 GBP"),
        ("12.5", None, "12.50"),
        ("-12.5", "EUR", "-12.50 EUR"),
    ],
)
def test_money_is_written_with_its_cents_and_currency(total: str, currency: str | None, words: str) -> None:
    """As everywhere in the history."""
    assert money_of(document(Total=total, CurrencyCode=currency)) == words


def test_a_float_is_refused() -> None:
    """Money never passes through one."""
    with pytest.raises(TypeError):
        money_of(document(Total=12.0))
