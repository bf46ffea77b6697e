"""What Xero's refusals mean and what to do about them (rule C60), as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`fragment` is the part of Xero's message that does not change, in lower case."""

    fragment: str
    meaning: str
    remedy: str


CATALOGUE = (
    Explanation(
        "is not a valid code for this document",
        "The account of a line does not exist in Xero, or cannot be used on an invoice.",
        "Choose another account code on the line, or another default account in the settings.",
    ),
    Explanation(
        "has been archived, or has been deleted",
        "The account of a line is no longer in use in Xero.",
        "Restore it in Xero, or choose another account code on the line.",
    ),
    Explanation(
        "cannot be used with account code",
        "The tax type of a line does not fit its account.",
        "Choose another tax type or another account code on the line.",
    ),
    Explanation(
        "does not exist or cannot be used for this type of transaction",
        "Xero does not know the tax type of a line for sales.",
        "Choose another tax type on the line.",
    ),
    Explanation(
        "tax rate must be active",
        "The tax type of a line is no longer in use in Xero.",
        "Choose another tax type on the line.",
    ),
    Explanation(
        "lock date",
        "The books are locked up to that date, and the invoice's Date Delivered lies in the locked time.",
        "Choose a later Date Delivered, or ask your accountant to move the lock date.",
    ),
    Explanation(
        "is not subscribed to currency",
        "The currency of the invoice is not switched on in Xero.",
        "Add the currency in Xero (Settings, Currencies), if your plan has it, or use another currency.",
    ),
    Explanation(
        "invoice # must be unique",
        "Another document in Xero has this invoice's number.",
        "Let Xero number invoices (setting: Use Xero invoice number), or renumber one of them.",
    ),
    Explanation(
        "'archived' is not valid for contacts",
        "The customer's contact is archived in Xero.",
        "Restore the contact in Xero.",
    ),
    Explanation(
        "limit of invoices you can approve",
        "The plan of the Xero organisation allows no more approved invoices this month.",
        "Choose Draft as the default invoice status, or change the plan.",
    ),
    Explanation(
        "description field is mandatory",
        "A line has no text.",
        "Write a description on the line.",
    ),
    Explanation(
        "account code must be specified",
        "A line has no account.",
        "Choose an account code on the line, or a default account in the settings.",
    ),
)
UNKNOWN = Explanation("", "Xero refuses the invoice as it is.", "Correct what Xero names.")
AGAIN = "Then set Export status to No, and the invoice is sent again."


def explain(words: str) -> str:
    """Return Xero's own words, what they mean and what to do."""
    found = next((one for one in CATALOGUE if one.fragment in words.lower()), UNKNOWN)
    return f"Xero says: {words}\n{found.meaning}\n{found.remedy} {AGAIN}"
