"""Every refusal is told with Xero's own words, their meaning and the remedy (rule C60)."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.catalogue import CATALOGUE, OUR_FAULT, UNKNOWN, Explanation
from mappers.explanations import OF_BILLS, OF_SALES, explain, explain_all, find_explanation
from tests import messages_table

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "xero.md"

# Xero's words as recorded or seen, the meaning and the remedy that a person gets for a sales invoice.
TOLD = {
    "Account code '299' is not a valid code for this document.": ("no account 299", "another Account code"),
    "Account code 'A & B' has been archived, or has been deleted. Each line item must reference a valid account.": (
        "Account A & B is archived",
        "Restore it",
    ),
    "Account code must be specified": ("has no account", "Default sales account code"),
    "Account must be valid.": ("the account of a line", "another Account code on the invoice line"),
    "Tax rate must be valid.": ("the tax type of a line", "another Tax type on the invoice line"),
    "The TaxType code 'INPUT2' cannot be used with account code '200'.": (
        "tax type INPUT2 on account 200",
        "another Tax type",
    ),
    "The TaxType code 20% (VAT on Income) does not exist or cannot be used for this type of transaction.": (
        "no tax type 20% (VAT on Income), or does not allow it on an invoice",
        "another Tax type",
    ),
    "The TaxType field is mandatory": ("has no tax type", "Choose a Tax type"),
    "Tax rate must be Active": ("no longer in use", "another Tax type"),
    "The document date cannot be before the period lock date, currently set at 31 January 2026": (
        "locked up to and including 31 January 2026 (period",
        "Set Date Delivered to a day after the lock date",
    ),
    "The document date cannot be before the end of year lock date, currently set at 31 Dec 2025.": (
        "up to 31 Dec 2025 are closed in Xero (end of year",
        "Set Date Delivered to a day after the lock date",
    ),
    "The date is before the lock date.": ("the date that Xero names", "move the lock date"),
    "The Date field must be specified.": ("has no date", "Fill in Date Delivered"),
    "The document DueDate field must be specified.": ("without a due date", "Fill in Due Date"),
    "Organisation is not subscribed to currency EUR": ("does not use EUR", "Add EUR"),
    "The current organisation is not subscribed to currency 'EUR'.": ("does not use EUR", "Add EUR"),
    "The description field is mandatory for each line item.": ("has no text", "write a description"),
    "One or more line items must be specified": ("has no lines", "Add a product"),
    "The line total 10.01 does not match the expected line total 10.02": ("arrives at 10.02", OUR_FAULT),
    "The invoice total does not equal the sum of the lines.": ("another total", OUR_FAULT),
    "Discounts may not be applied to ACCPAY invoices.": ("no discounts on bills", OUR_FAULT),
    "The discount rate '100.01' is invalid. Discount must not be greater than the line total.": (
        "larger than the line",
        "Manual Discount",
    ),
    "The document total cannot be negative when it is approved.": ("less than zero", "credit note"),
    "Invoice # must be unique.": ("has this number", "Use Xero invoice number"),
    "Invoice not of valid status for modification": ("no longer be changed", "Link to Xero"),
    "Invoice not of valid status for creation": ("with this status", OUR_FAULT),
    "Invoice not of valid type for creation": ("kind of document", OUR_FAULT),
    "This document cannot be edited as it has a payment or credit note allocated to it.": (
        "is allocated",
        "Remove it",
    ),
    "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it.": (
        "is allocated",
        "Remove it",
    ),
    "A Contact must be specified for this type of transaction": ("does not find the contact", "Look for the contact"),
    "The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID": (
        "named no contact",
        OUR_FAULT,
    ),
    "The contact name Fourth Coffee is already assigned to another contact. The contact name must be unique across "
    "all active contacts.": ("is called Fourth Coffee", "Account Number"),
    "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the "
    "API.": ("is archived", "Restore the contact"),
    "The contact status 'ARCHIVED' is not valid for contacts": ("is archived", "Restore the contact"),
    "Email address must be valid.": ("e-mail address", "Correct Email"),
    "Price List Item with Code 'abc' already exists": ("already has an item abc", "then the item is found"),
    "Item code 'abc' is not valid": ("no item abc", "say there that you sell it"),
    "Insufficient stock. Items are eligible for backorder.": ("too little", "lower the Quantity"),
    "You have reached the limit of invoices you can approve": ("plan", "Default invoice status to Draft"),
    "An existing Invoice with the specified InvoiceID could not be found": (
        "does not have the invoice",
        "Xero number",
    ),
    "The document with the supplied id was not found for this endpoint.": (
        "does not have the invoice",
        "Xero number",
    ),
    "Idempotency Key: 3f9a is used with a different request.": ("one key", OUR_FAULT),
    "The BrandingThemeID could not be found.": ("branding theme", "another Branding theme"),
    "The Url field must not contain a Xero host.": ("link", "connector doctor"),
}
# Messages about credit notes, payments and accounts, which no document that is sent today meets.
LATER = {27, 30, 31, 32, 33, 37}


@pytest.mark.parametrize("words", TOLD)
def test_a_known_refusal_is_told_with_its_meaning_and_remedy(words: str) -> None:
    """Rule C60: Xero's words stand first, unchanged."""
    meaning, remedy = TOLD[words]

    said, meant, advised = explain(words).splitlines()

    assert said == f"Xero says: {words}"
    assert meaning in meant
    assert remedy in advised


@pytest.mark.parametrize("words", TOLD)
def test_the_case_blanks_and_quotation_marks_of_xeros_words_do_not_count(words: str) -> None:
    """Nor does what stands around them."""
    found = find_explanation(words)

    assert found is not None
    assert find_explanation(words.upper()) is found
    assert find_explanation(f"A validation error: {words.replace(' ', '  ')}") is found
    assert find_explanation(words.replace("'", "").replace("ARCHIVED is", "'ARCHIVED' is")) is found


def test_a_locked_date_names_the_lock_date_and_the_remedy() -> None:
    """Rule C41: the connector does not move the date by itself, and says so."""
    words = "The document date cannot be before the period lock date, currently set at 31 January 2026"

    _, meant, advised = explain(words).splitlines()

    assert "31 January 2026" in meant
    assert "never moves a date" in advised


def test_each_reason_is_told_and_what_sends_it_again_once() -> None:
    """Rule C60: two messages on one invoice, and one that comes for two lines."""
    account = "Account code '299' is not a valid code for this document."
    rate = "Tax rate must be Active"

    told = explain_all([account, rate, account])

    assert told == (explain(account), explain(rate))


def test_two_values_of_one_kind_are_two_reasons() -> None:
    first, second = (f"Account code '{code}' is not a valid code for this document." for code in ("298", "299"))

    told = explain_all([first, second])

    assert "no account 298" in told[0]
    assert "no account 299" in told[1]


def test_a_bill_is_spoken_of_as_a_bill() -> None:
    """Rule C60: and its settings are those of the purchase side."""
    words = "Account code must be specified"
    type_words = "The TaxType code 'OUTPUT2' does not exist or cannot be used for this type of transaction."

    assert "Default purchase account code" in explain_all([words], sales=False)[0]
    assert "Default sales account code" in explain_all([words])[0]
    assert "on a bill." in explain_all([type_words], sales=False)[0]


@pytest.mark.parametrize("words", ["Something new.", "", "{document} {0} %s {", "Zeile 1\nZeile 2"])
def test_an_unknown_refusal_is_shown_and_says_what_to_do(words: str) -> None:
    """Rule C60: nobody is left with a bare message."""
    told = explain(words)

    assert told.startswith(f"Xero says: {words}\n")
    assert told.endswith(UNKNOWN.remedy)


@given(words=st.text(max_size=200))
def test_no_words_of_xero_break_the_explanation(words: str) -> None:
    assert explain(words).startswith(f"Xero says: {words}\n")


@given(value=st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30))
def test_a_value_is_shown_as_it_is(value: str) -> None:
    """Braces and signs in a name are no placeholders."""
    words = f"The contact name x{value}x is already assigned to another contact. It must be unique."

    assert f"is called x{value}x, and" in explain(words).splitlines()[1]


def test_a_long_value_does_not_swell_the_history() -> None:
    words = f"Account code '{'9' * 5000}' is not a valid code for this document."

    assert len(explain(words).splitlines()[1]) < 400


# -- the catalogue -----------------------------------------------------------------------------------------


def test_every_entry_is_reached_by_some_words_of_xero() -> None:
    """None is hidden by one before it."""
    reached = {found.words for words in TOLD if (found := find_explanation(words))}

    assert reached == {entry.words for entry in CATALOGUE}
    assert len(reached) == len(CATALOGUE)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.words)
def test_an_entry_uses_what_it_can_know_and_is_short(entry: Explanation) -> None:
    """A value that is not in the words would stop the write-back."""
    known = _fields(entry.words) | OF_SALES.keys()

    assert _fields(entry.meaning) | _fields(entry.remedy) <= known
    assert OF_SALES.keys() == OF_BILLS.keys()
    assert not _fields(entry.words) & OF_SALES.keys()
    for text in (entry.meaning, entry.remedy):
        assert text.endswith(".")
        assert text[0].isupper() or text.startswith("{")
        assert len(text) <= 250


def test_every_message_that_a_document_can_meet_has_its_entry() -> None:
    """Against the list of messages that are known of Xero."""
    if not REFERENCE.is_file():
        pytest.skip(f"the list of Xero's messages is not at hand ({REFERENCE})")
    section = REFERENCE.read_text("utf-8").split("### 8.2 ", 1)[1].split("\n### ", 1)[0]
    rows = [(int(number), words) for number, words in re.findall(r"^\| (\d+) \| (.+?) \|", section, re.MULTILINE)]

    missing = [
        words
        for number, listed in rows
        if number not in LATER
        for words in listed.split(" / ")
        if find_explanation(words) is None
    ]

    assert len(rows) > 40
    assert missing == []


def test_the_table_for_finance_users_is_the_catalogue() -> None:
    """Rule C60: `python -m tests.messages_table` renews it."""
    assert tuple(entry for entries in messages_table.GROUPS.values() for entry in entries) == CATALOGUE
    assert messages_table.written() == messages_table.tables()


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
