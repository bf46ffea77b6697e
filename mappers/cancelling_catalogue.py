"""What Xero's refusals mean when an invoice was cancelled or deleted, and what a person does about them (rule C60).

The invoice cannot be changed any more, so what helps is done in Xero. `catalogue.py` says how an entry is written;
here {what} is what was to be done, such as "void the invoice", {dated} the date that a lock date forbids, {new_day}
how a credit note gets another one.
"""

from __future__ import annotations

from mappers.catalogue import OUR_FAULT, Explanation

UNLOCK = "Have the lock date moved in Xero, or {what} there by hand.{new_day}"
ALLOCATED = "In Xero a payment or credit note is allocated to the {document}, which therefore cannot go."
UNALLOCATE = "Remove it there first; otherwise the next try makes a credit note, which has to be applied by hand."
ARCHIVED = "The contact of the {document} is archived in Xero."
RESTORE_CONTACT = "Restore the contact in Xero; it can be archived again afterwards."
RATE = "Make the tax rate active again in Xero, or {what} there by hand with another one."
BY_HAND = "Or {what} there by hand."

LOCKS = (
    Explanation(
        "period lock date, currently set at {date}",
        "The books in Xero are locked up to and including {date} (period lock date); {dated} is not after it.",
        UNLOCK,
    ),
    Explanation(
        "end of year lock date, currently set at {date}",
        "The years up to {date} are closed in Xero (end of year lock date); {dated} is not after it.",
        UNLOCK,
    ),
    Explanation(
        "lock date",
        "The books in Xero are locked up to the date that Xero names; {dated} is not after it.",
        UNLOCK,
    ),
)
DOCUMENTS = (
    Explanation("cannot be edited as it has a payment or credit note allocated", ALLOCATED, UNALLOCATE),
    Explanation("because it has payments or credit notes allocated", ALLOCATED, UNALLOCATE),
    Explanation(
        "not of valid status for modification",
        "Its status was changed in Xero meanwhile: it is approved, paid, voided or deleted there.",
        "Look at it in Xero (Link to Xero in the Xero details opens the {document}); the next try goes by the status "
        "that it has then.",
    ),
    Explanation("not of valid status for creation", "Xero makes no credit note with this status.", OUR_FAULT),
    Explanation("not of valid type for creation", "Xero does not know this kind of document.", OUR_FAULT),
    Explanation(
        "existing Invoice with the specified InvoiceID could not be found",
        "Xero does not have the {document} that the Xero details name.",
        "Look for it in Xero by its Xero number; the connection may have been joined to another organisation.",
    ),
    Explanation(
        "existing Credit Note with the specified CreditNoteID could not be found",
        "Xero does not have the credit note that the Xero details name.",
        "Look for it in Xero by its number; if it is not there, the next try makes another one.",
    ),
    Explanation(
        "document with the supplied id was not found",
        "Xero does not have the document that the Xero details name.",
        "Look for it in Xero by its number; the connection may have been joined to another organisation.",
    ),
    Explanation(
        "limit of invoices you can approve",
        "The plan of the Xero organisation allows no more approved documents this month.",
        "Change the plan in Xero, or wait for the next month. " + BY_HAND,
    ),
    Explanation("is used with a different request", "Two requests of the connector had one key.", OUR_FAULT),
)
NOTES = (
    Explanation(
        "Credit Note # must be unique",
        "Another credit note in Xero has the number that this one was to get.",
        "Look there whether it was made for this {document}: then apply it by hand. Otherwise the next try takes "
        "another number.",
    ),
    Explanation(
        "has already been paid off",
        "Nothing is due on the {document} in Xero any more.",
        "Void the credit note in Xero, refund it, or apply it to another {document}.",
    ),
    Explanation(
        "amount is greater than amount outstanding",
        "Less is due on the {document}, or left of the credit note, than was to be applied.",
        "Apply by hand in Xero what is due, and refund the rest.",
    ),
    Explanation("to an incorrect invoice type", "Xero applies a credit note of this kind to others only.", OUR_FAULT),
    Explanation(
        "cannot be allocated",
        "Xero does not apply the credit note to the {document}, as its words say.",
        "Correct what they name in Xero, on the {document} or on the credit note. " + BY_HAND,
    ),
)
BOOKINGS = (
    Explanation(
        "Account code '{account}' has been archived, or has been deleted",
        "Account {account}, on which a line of the {document} is booked, is archived or deleted in Xero.",
        "Restore it in Xero's chart of accounts; it can be archived again afterwards.",
    ),
    Explanation(
        "Account code '{account}' is not a valid code for this document",
        "Xero has no account {account} any more, or does not allow it on a credit note.",
        "Look for the account in Xero's chart of accounts. " + BY_HAND,
    ),
    Explanation(
        "Account must be valid",
        "Xero cannot use the account of a line.",
        "Look at the lines of the {document} in Xero. " + BY_HAND,
    ),
    Explanation(
        "Account code must be specified",
        "A line of the {document} has no account.",
        "Give it one in Xero. " + BY_HAND,
    ),
    Explanation(
        "TaxType code '{tax_type}' cannot be used with account code '{account}'",
        "Xero no longer allows tax type {tax_type} on account {account}.",
        "Allow it on accounts of this class in Xero, or {what} there by hand with another tax rate.",
    ),
    Explanation(
        "TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction",
        "Xero no longer has tax type {tax_type}, or does not allow it on a credit note.",
        RATE,
    ),
    Explanation("Tax rate must be active", "The tax rate of a line is no longer in use in Xero.", RATE),
    Explanation("Tax rate must be valid", "Xero cannot use the tax type of a line.", RATE),
    Explanation("TaxType field is mandatory", "A line of the {document} has no tax type.", RATE),
    Explanation(
        "no ACTIVE tracking",
        "A tracking category or option on a line of the {document} is archived or deleted in Xero.",
        "Restore it in Xero; it can be archived again afterwards. " + BY_HAND,
    ),
    Explanation(
        "is not subscribed to currency '{currency}'",
        "The Xero organisation no longer uses {currency}.",
        "Add {currency} in Xero's settings. " + BY_HAND,
    ),
)
ITEMS = (
    Explanation(
        "Insufficient stock",
        "Xero tracks the stock of an item on the {document} and has too little of it.",
        "Enter the stock in Xero. " + BY_HAND,
    ),
    Explanation(
        "Item code '{code}' is not valid",
        "Xero has no item {code} any more, or does not allow it on a credit note.",
        "Make an item with this code in Xero. " + BY_HAND,
    ),
)
CONTACTS = (
    Explanation("matched an archived contact", ARCHIVED, RESTORE_CONTACT),
    Explanation("'archived' is not valid for contacts", ARCHIVED, RESTORE_CONTACT),
    Explanation(
        "Contact must be specified for this type of transaction",
        "Xero does not find the contact of the {document}; it may have been removed.",
        "Look for the contact in Xero, and restore it if it is archived.",
    ),
)
LINES = (
    Explanation(
        "line total {sent} does not match the expected line total {expected}",
        "Xero arrives at {expected} for a line that the connector sent with {sent}.",
        OUR_FAULT,
    ),
    Explanation("Discounts may not be applied", "Xero takes no discounts on credit notes.", OUR_FAULT),
    Explanation("description field is mandatory", "A line has no text.", OUR_FAULT),
)
# Found by us, not said by Xero.
OWN = (
    Explanation(
        "is approved and adds up to {of_note}, the document to",
        "One of them was changed in Xero after the credit note had been made.",
        "Void the credit note in Xero, and the next try makes another one; or apply it there by hand, as far as it "
        "is right.",
    ),
    Explanation(
        "adds up to {of_note}, the document to",
        "Xero makes another sum of the same lines, so the credit note was left a draft.",
        "Correct it in Xero, approve it there and apply it to the {document}; or delete it, and the next try makes "
        "another one.",
    ),
    Explanation(
        "numbers that its credit note might have are used",
        "Voided and deleted credit notes keep their numbers in Xero.",
        "Make the credit note there by hand.",
    ),
)
UNKNOWN = Explanation(
    "",
    "Xero does not {what}, for the reason that it gives above in its own words.",
    "Correct what they name in Xero, or {what} there by hand.",
)
CATALOGUE = (*LOCKS, *DOCUMENTS, *NOTES, *BOOKINGS, *ITEMS, *CONTACTS, *LINES)
