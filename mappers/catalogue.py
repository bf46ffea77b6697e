"""What Xero's refusals mean and what a person does about them (rule C60): the catalogue, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`words` is the part of Xero's message that does not change, whatever its case; `{name}` stands for a value.

    Meaning and remedy may use these values, and {document}, {a_document}, {side} and {trade}, which differ for sales
    and bills. The first that fits a message counts, so the more particular stands before the more general.
    """

    words: str
    meaning: str
    remedy: str


OUR_FAULT = "This is the connector's fault, not yours. Tell its support, with the words above."
LATER_DAY = (
    "Set Date Delivered to a day after the lock date, or ask whoever keeps the books to move the lock date in Xero. "
    "The connector never moves a date by itself."
)
UNLOCKED = "Remove it in Xero, if the {document} has to change; otherwise leave both as they are."
AS_IT_IS = "In Xero a payment or credit note is allocated to the {document}, which therefore cannot be changed."

ACCOUNTS = (
    Explanation(
        "Account code '{account}' has been archived, or has been deleted",
        "Account {account} is archived or deleted in Xero.",
        "Restore it in Xero's chart of accounts, or choose another Account code on the invoice line.",
    ),
    Explanation(
        "Account code '{account}' is not a valid code for this document",
        "Xero has no account {account}, or does not allow it on {a_document}, as with bank accounts and Xero's own.",
        "Choose another Account code on the invoice line. If the line names none, correct the item's account in "
        "Xero, or the Default {side} account code in the connector's settings.",
    ),
    Explanation(
        "Account code must be specified",
        "A line has no account.",
        "Choose an Account code on the invoice line, or fill in the Default {side} account code in the connector's "
        "settings.",
    ),
    Explanation(
        "Account must be valid",
        "Xero cannot use the account of a line.",
        "Choose another Account code on the invoice line.",
    ),
)
TAXES = (
    Explanation(
        "TaxType code '{tax_type}' cannot be used with account code '{account}'",
        "Xero does not allow tax type {tax_type} on account {account}.",
        "Choose another Tax type or another Account code on the invoice line.",
    ),
    Explanation(
        "TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction",
        "Xero has no tax type {tax_type}, or does not allow it on {a_document}.",
        "Choose another Tax type on the invoice line. If the line names none, change the tax rate of its item or "
        "account in Xero.",
    ),
    Explanation(
        "TaxType field is mandatory",
        "A line has no tax type, and neither its item nor its account gives it one.",
        "Choose a Tax type on the invoice line, or give the account a tax rate in Xero's chart of accounts.",
    ),
    Explanation(
        "Tax rate must be active",
        "The tax rate of a line is no longer in use in Xero.",
        "Choose another Tax type on the invoice line. If the line names none, change the tax rate of its item or "
        "account in Xero.",
    ),
    Explanation(
        "Tax rate must be valid",
        "Xero cannot use the tax type of a line.",
        "Choose another Tax type on the invoice line.",
    ),
)
DATES = (
    Explanation(
        "period lock date, currently set at {date}",
        "The books in Xero are locked up to and including {date} (period lock date); Date Delivered is not after it.",
        LATER_DAY,
    ),
    Explanation(
        "end of year lock date, currently set at {date}",
        "The years up to {date} are closed in Xero (end of year lock date); Date Delivered is not after it.",
        LATER_DAY,
    ),
    Explanation(
        "lock date",
        "The books in Xero are locked up to the date that Xero names, and Date Delivered is not after it.",
        LATER_DAY,
    ),
    Explanation(
        "DueDate field must be specified",
        "Xero approves no {document} without a due date.",
        "Fill in Due Date or Payment Terms on the invoice.",
    ),
    Explanation(
        "Date field must be specified",
        "The {document} has no date.",
        "Fill in Date Delivered on the invoice.",
    ),
)
CURRENCIES = (
    Explanation(
        "is not subscribed to currency '{currency}'",
        "The Xero organisation does not use {currency}.",
        "Add {currency} in Xero's settings (not every Xero plan allows several currencies), or make the invoice anew "
        "in a currency that Xero has.",
    ),
)
CONTACTS = (
    Explanation(
        "contact name {name} is already assigned to another contact",
        "Another contact in Xero is called {name}, and Xero wants each name once.",
        "Fill in the Account Number of the customer in Dynamics, which then stands behind the name in Xero, or "
        "rename one of the two.",
    ),
    Explanation(
        "matched an archived contact",
        "The contact of this customer is archived in Xero.",
        "Restore the contact in Xero.",
    ),
    Explanation(
        "'archived' is not valid for contacts",
        "The contact of this customer is archived in Xero.",
        "Restore the contact in Xero.",
    ),
    Explanation(
        "Contact must be specified for this type of transaction",
        "Xero does not find the contact of this customer; it may have been removed.",
        "Look for the contact in Xero, and restore it if it is archived.",
    ),
    Explanation(
        "Contact must contain at least 1 of the following elements",
        "The connector named no contact.",
        OUR_FAULT,
    ),
    Explanation(
        "Email address must be valid",
        "Xero does not accept the e-mail address of this customer.",
        "Correct Email on the customer in Dynamics.",
    ),
)
ITEMS = (
    Explanation(
        "Insufficient stock",
        "Xero tracks the stock of an item on this {document} and has too little of it.",
        "Enter the purchase of the stock in Xero, or lower the Quantity on the invoice line.",
    ),
    Explanation(
        "Price List Item with Code '{code}' already exists",
        "Xero already has an item {code}, which the connector did not find.",
        "Send the invoice again: then the item is found. If the product is not that item, change its Product ID in "
        "Dynamics first.",
    ),
    Explanation(
        "Item code '{code}' is not valid",
        "Xero has no item {code}, or does not allow it on {a_document}.",
        "Open item {code} in Xero and say there that you {trade} it, or use another product on the invoice line.",
    ),
)
LINES = (
    Explanation(
        "One or more line items must be specified",
        "The {document} has no lines.",
        "Add a product to the invoice.",
    ),
    Explanation(
        "description field is mandatory",
        "A line has no text.",
        "Choose a product on the invoice line, or write a description.",
    ),
    Explanation(
        "line total {sent} does not match the expected line total {expected}",
        "Xero arrives at {expected} for a line that the connector sent with {sent}.",
        OUR_FAULT,
    ),
    Explanation(
        "total does not equal the sum of the lines",
        "Xero arrives at another total than the connector sent.",
        OUR_FAULT,
    ),
    Explanation(
        "Discounts may not be applied to ACCPAY",
        "Xero takes no discounts on bills.",
        OUR_FAULT,
    ),
    Explanation(
        "Discount must not be greater than the line total",
        "The discount of a line is larger than the line itself.",
        "Correct Manual Discount, Quantity or Price Per Unit on the invoice line.",
    ),
    Explanation(
        "total cannot be negative",
        "The {document} comes to less than zero, and Xero does not approve that.",
        "Correct the amounts on the invoice. To give money back, make a credit note in Xero.",
    ),
)
DOCUMENTS = (
    Explanation(
        "Invoice # must be unique",
        "Another invoice in Xero has this number.",
        "Let Xero number the invoices (Use Xero invoice number: Yes, in the connector's settings), or give one of "
        "the two another number.",
    ),
    Explanation("cannot be edited as it has a payment or credit note allocated", AS_IT_IS, UNLOCKED),
    Explanation("because it has payments or credit notes allocated", AS_IT_IS, UNLOCKED),
    Explanation(
        "not of valid status for modification",
        "The {document} can no longer be changed in Xero: it is approved, paid, voided or deleted there.",
        "Change it in Xero (Link to Xero in the Xero details opens it there), or leave it as it is.",
    ),
    Explanation("not of valid status for creation", "Xero makes no {document} with this status.", OUR_FAULT),
    Explanation("not of valid type for creation", "Xero does not know this kind of document.", OUR_FAULT),
    Explanation(
        "limit of invoices you can approve",
        "The plan of the Xero organisation allows no more approved invoices and bills this month.",
        "Change the plan in Xero, wait for the next month, or set Default invoice status to Draft in the connector's "
        "settings.",
    ),
    Explanation(
        "existing Invoice with the specified InvoiceID could not be found",
        "Xero does not have the {document} that the Xero details name.",
        "Look for it in Xero by its Xero number; the connection may have been joined to another organisation.",
    ),
    Explanation(
        "document with the supplied id was not found",
        "Xero does not have the {document} that the Xero details name.",
        "Look for it in Xero by its Xero number; the connection may have been joined to another organisation.",
    ),
    Explanation(
        "BrandingTheme",
        "The branding theme of the invoice is not one of this Xero organisation.",
        "Choose another Branding theme on the invoice, or none.",
    ),
    Explanation(
        "Url field",
        "Xero does not accept the link that leads from it to the invoice in Dynamics.",
        "Ask the administrator to run “connector doctor”, which says what is wrong with the addresses.",
    ),
    Explanation("is used with a different request", "Two requests of the connector had one key.", OUR_FAULT),
)
CATALOGUE = (*ACCOUNTS, *TAXES, *DATES, *CURRENCIES, *CONTACTS, *ITEMS, *LINES, *DOCUMENTS)
UNKNOWN = Explanation(
    "",
    "Xero does not take the {document}, for the reason that it gives above in its own words.",
    "Correct what they name, on the invoice in Dynamics or in Xero.",
)
