"""Why a document could not be ended in Xero is told with the reason, its meaning and the remedy (rule C60)."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.cancelled_texts import TRY_AGAIN
from mappers.cancelling_catalogue import CATALOGUE, OWN, UNKNOWN
from mappers.catalogue import OUR_FAULT, Explanation
from mappers.explanations import OF_SALES, find_explanation
from mappers.refused_cancelling import DATED, WHAT, Doing, explain_refused, is_locked

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "xero.md"
ALSO = {"what", "dated", "new_day"}
DOINGS = get_args(Doing)

PERIOD = "The document date cannot be before the period lock date, currently set at 31 January 2026"
YEAR_END = "The document date cannot be before the end of year lock date, currently set at 31 Dec 2025."
# Xero's words as recorded or seen, what was to be done, the meaning and the remedy that a person gets.
TOLD: dict[str, tuple[Doing, str, str]] = {
    PERIOD: ("credit", "locked up to and including 31 January 2026", "or make the credit note there by hand"),
    YEAR_END: ("delete", "up to 31 Dec 2025 are closed", "or delete the invoice there by hand"),
    "The date is before the lock date.": ("void", "the date that Xero names", "or void the invoice there by hand"),
    "This document cannot be edited as it has a payment or credit note allocated to it.": (
        "void",
        "is allocated to the invoice",
        "Remove it there first",
    ),
    "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it.": (
        "void",
        "is allocated to the invoice",
        "Remove it there first",
    ),
    "Invoice not of valid status for modification": ("delete", "status was changed", "Look at it in Xero"),
    "Credit Note not of valid status for creation": ("credit", "with this status", OUR_FAULT),
    "Credit Note not of valid type for creation": ("credit", "kind of document", OUR_FAULT),
    "An existing Invoice with the specified InvoiceID could not be found": (
        "void",
        "does not have the invoice",
        "Xero number",
    ),
    "An existing Credit Note with the specified CreditNoteID could not be found": (
        "apply",
        "does not have the credit note",
        "makes another one",
    ),
    "The document with the supplied id was not found for this endpoint.": ("void", "does not have", "by its number"),
    "You have reached the limit of invoices you can approve": ("credit", "The plan", "wait for the next month"),
    "Idempotency Key: 3f9a is used with a different request.": ("credit", "one key", OUR_FAULT),
    "Credit Note # must be unique.": ("credit", "has the number", "another number"),
    "The invoice you are trying to allocate to has already been paid off": ("apply", "Nothing is due", "refund it"),
    "Credit Note cannot be allocated as amount is greater than amount outstanding": (
        "apply",
        "Less is due",
        "what is due, and refund the rest",
    ),
    "Credit Note cannot be allocated to an incorrect invoice type": ("apply", "of this kind", OUR_FAULT),
    "Credit Note cannot be allocated to an invoice of another contact": (
        "apply",
        "does not apply the credit note",
        "apply the credit note there by hand",
    ),
    "Account code '299' has been archived, or has been deleted. Each line item must reference a valid account.": (
        "credit",
        "Account 299, on which a line of the invoice is booked, is archived",
        "Restore it",
    ),
    "Account code '299' is not a valid code for this document.": ("credit", "no account 299", "chart of accounts"),
    "Account must be valid.": ("credit", "account of a line", "Look at the lines"),
    "Account code must be specified": ("credit", "has no account", "Give it one"),
    "The TaxType code 'INPUT2' cannot be used with account code '200'.": (
        "credit",
        "tax type INPUT2 on account 200",
        "Allow it",
    ),
    "The TaxType code INPUT2 does not exist or cannot be used for this type of transaction.": (
        "credit",
        "no longer has tax type INPUT2",
        "active again",
    ),
    "Tax rate must be Active": ("credit", "no longer in use", "Make the tax rate active again"),
    "Tax rate must be valid.": ("credit", "the tax type of a line", "active again"),
    "The TaxType field is mandatory": ("credit", "has no tax type", "with another one"),
    "There is no ACTIVE tracking category with the name 'Region'": ("credit", "is archived", "Restore it in Xero"),
    "Organisation is not subscribed to currency EUR": ("credit", "no longer uses EUR", "Add EUR"),
    "Insufficient stock. Items are eligible for backorder.": ("credit", "too little", "Enter the stock"),
    "Item code 'abc' is not valid": ("credit", "no item abc", "Make an item"),
    "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the "
    "API.": ("credit", "is archived", "Restore the contact"),
    "The contact status 'ARCHIVED' is not valid for contacts": ("credit", "is archived", "Restore the contact"),
    "A Contact must be specified for this type of transaction": ("credit", "does not find", "Look for the contact"),
    "The line total 10.01 does not match the expected line total 10.02": ("credit", "arrives at 10.02", OUR_FAULT),
    "Discounts may not be applied to credit notes.": ("credit", "no discounts", OUR_FAULT),
    "The description field is mandatory for each line item.": ("credit", "has no text", OUR_FAULT),
}
# Messages that nothing meets that is done here, by their number in the list of messages: about invoices that are
# new, payments, items and accounts.
ELSEWHERE = {1, 7, 8, 5, 18, 19, 25, 27, 35, 36, 37}


@pytest.mark.parametrize("words", TOLD)
def test_a_known_refusal_is_told_with_its_meaning_and_remedy(words: str) -> None:
    """Rule C60: Xero's words stand first, unchanged; how it is tried again, last."""
    doing, meaning, remedy = TOLD[words]

    said, meant, advised, again = explain_refused([words], doing=doing, sales=True).splitlines()

    assert said == f"Xero says: {words}"
    assert meaning in meant
    assert remedy in advised
    assert again == TRY_AGAIN


@pytest.mark.parametrize("doing", DOINGS)
def test_a_locked_day_names_the_lock_date_and_what_helps(doing: Doing) -> None:
    """Rule E11: the credit note of another day can be had; rule E12 for drafts, which stay."""
    _, meant, advised, _ = explain_refused([PERIOD], doing=doing, sales=True).splitlines()

    assert "31 January 2026" in meant
    assert "Have the lock date moved in Xero" in advised
    assert ("activated and cancelled again" in advised) == (doing == "credit")
    assert WHAT[doing].format(document="invoice") in advised


def test_it_is_known_whether_a_lock_is_the_reason() -> None:
    """Rule E12: only then is a document credited instead of voided."""
    assert is_locked([PERIOD])
    assert is_locked(["Something new.", YEAR_END.upper()])
    assert not is_locked(["Something new.", "This document is locked."])
    assert not is_locked([])


def test_each_reason_is_told_once_and_the_remedy_last() -> None:
    """Rule C60."""
    archived, rate = "The contact status 'ARCHIVED' is not valid for contacts", "Tax rate must be Active"

    told = explain_refused([archived, rate, archived], doing="credit", sales=True)

    assert re.findall("Xero says: (.*)", told) == [archived, rate]
    assert told.count(TRY_AGAIN) == 1
    assert told.endswith(TRY_AGAIN)


def test_a_bill_is_spoken_of_as_a_bill() -> None:
    """Rule C60."""
    told = explain_refused([PERIOD, "Insufficient stock."], doing="void", sales=False)

    assert "void the bill there by hand" in told
    assert "on the bill and has" in told
    assert "invoice" not in told


def test_what_we_found_ourselves_is_not_said_by_xero() -> None:
    """Rule E9: totals that differ leave the note a draft, and the person is told both sums."""
    differs = "Credit note CN-INV-0042 adds up to 48.01 (tax 8.01), the document to 48.00 (tax 8.00)"

    said, meant, advised, _ = explain_refused([differs], doing="credit", sales=True).splitlines()

    assert said == f"{differs}."
    assert "left a draft" in meant
    assert "approve it there and apply it to the invoice" in advised


def test_without_a_free_number_the_note_is_made_by_hand() -> None:
    """Rule E9."""
    words = "All numbers that its credit note might have are used by other credit notes in Xero"

    told = explain_refused([words], doing="credit", sales=True)

    assert told.startswith(f"{words}.\n")
    assert "Make the credit note there by hand." in told


@pytest.mark.parametrize("doing", DOINGS)
@pytest.mark.parametrize("words", ["Something new.", "", "{document} {0} %s {", "Zeile 1\nZeile 2"])
def test_an_unknown_refusal_is_shown_and_says_what_to_do(words: str, doing: Doing) -> None:
    """Rule C60: nobody is left with a bare message."""
    told = explain_refused([words], doing=doing, sales=True)

    assert told.startswith(f"Xero says: {words}\nXero does not {WHAT[doing].format(document='invoice')}, for")
    assert told.endswith(f" there by hand.\n{TRY_AGAIN}")


def test_a_refusal_without_a_reason_says_what_to_do() -> None:
    told = explain_refused([], doing="void", sales=True)

    assert "void the invoice there by hand" in told
    assert told.endswith(TRY_AGAIN)


@given(words=st.text(max_size=200), doing=st.sampled_from(DOINGS), sales=st.booleans())
def test_no_words_of_xero_break_the_explanation(words: str, doing: Doing, sales: bool) -> None:
    told = explain_refused([words], doing=doing, sales=sales)

    assert words in told
    assert told.endswith(TRY_AGAIN)


# -- the catalogue -----------------------------------------------------------------------------------------


def test_every_entry_is_reached_by_some_words_of_xero() -> None:
    """None is hidden by one before it."""
    reached = {found.words for words in TOLD if (found := find_explanation(words, CATALOGUE))}

    assert reached == {entry.words for entry in CATALOGUE}
    assert len(reached) == len(CATALOGUE)


@pytest.mark.parametrize("entry", [*CATALOGUE, *OWN, UNKNOWN], ids=lambda entry: entry.words)
def test_an_entry_uses_what_it_can_know_and_is_short(entry: Explanation) -> None:
    """A value that is not in the words would stop the write-back."""
    known = _fields(entry.words) | OF_SALES.keys() | ALSO

    assert _fields(entry.meaning) | _fields(entry.remedy) <= known
    assert not _fields(entry.words) & (OF_SALES.keys() | ALSO)
    assert WHAT.keys() == DATED.keys() == set(DOINGS)
    assert entry.meaning.endswith(".")
    assert entry.remedy.endswith((".", "{new_day}"))
    for text in (entry.meaning, entry.remedy):
        assert text[0].isupper() or text.startswith("{")
        assert len(text) <= 250


def test_every_message_that_a_cancellation_can_meet_has_its_entry() -> None:
    """Against the list of messages that are known of Xero."""
    if not REFERENCE.is_file():
        pytest.skip(f"the list of Xero's messages is not at hand ({REFERENCE})")
    section = REFERENCE.read_text("utf-8").split("### 8.2 ", 1)[1].split("\n### ", 1)[0]
    rows = [(int(number), words) for number, words in re.findall(r"^\| (\d+) \| (.+?) \|", section, re.MULTILINE)]

    missing = [
        words
        for number, listed in rows
        if number not in ELSEWHERE
        for words in listed.split(" / ")
        if find_explanation(words, CATALOGUE) is None
    ]

    assert len(rows) > 40
    assert missing == []


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
