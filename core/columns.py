"""Our tables and columns in Dynamics, declared once (rule A): code, simulators' seeds and the solution read this."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.tables import NAME, OPTION_BASE, PREFIX, Column, Table, choice, link, lookup, of_kind, text

__all__ = ["NAME", "OPTION_BASE", "PREFIX", "Column", "Table"]

# What a person sees of a connection, its state included.
CONNECTOR = Table(
    "stl3_dynamicsxeroconnector",
    "stl3_dynamicsxeroconnectors",
    "Dynamics Xero Connector",
    "A Xero organisation joined to this Dynamics organisation. Choose it on an invoice to send that invoice to Xero.",
    (
        text("xeroorganisation", "Xero organisation", "The name of the organisation in Xero.", 300),
        link("dynamicsurl", "Dynamics address", "The address of this Dynamics organisation.", 500),
        text("plan", "Plan", "The plan of this connection."),
        text("connectionid", "Connection id", "The connector's own id of this connection.", 36),
        of_kind(
            "lastsynced", "datetime", "Last synced", "When the connector last changed something in Xero or here."
        ),
        choice("state", "State", "Whether invoices flow.", "In service", "Paused", "Needs attention", default=0),
        of_kind("stateinwords", "memo", "State in words", "What is wrong, if anything, and what to do about it."),
        of_kind(
            "balancesinwords",
            "memo",
            "Amounts owed in words",
            "Why amounts that customers owe are empty, if they are, and what to do about it.",
        ),
    ),
    keys=(("stl3_connectionkey", ("stl3_connectionid",)),),
)

YES_NO = ("No", "Yes")

# Rule B: a row a connection.
SETTINGS = Table(
    "stl3_stellariseconnectorsettings",
    "stl3_stellariseconnectorsettingses",
    "Stellarise Connector Settings",
    "How invoices of one connection are sent to Xero.",
    (
        lookup("Connector", CONNECTOR.name, "Connector", "The connection that these settings belong to."),
        text("connectionid", "Connection id", "The connector's own id of this connection.", 36),
        choice(
            "usexeronumber",
            "Use Xero invoice number",
            "Yes: Xero numbers the invoice. No: the Dynamics invoice ID becomes the number in Xero.",
            *YES_NO,
            default=1,
        ),
        choice(
            "createcontacts",
            "Create new contacts in Xero",
            "Yes: a customer that Xero does not know becomes a contact the first time it is seen.",
            *YES_NO,
            default=1,
        ),
        choice(
            "createproducts",
            "Create new products in Xero",
            "Yes: a product that Xero does not know becomes an item the first time it is seen.",
            *YES_NO,
            default=1,
        ),
        choice(
            "requireproducts",
            "Require products to exist in Xero",
            "Yes: an invoice with a product that Xero does not know fails instead of going without an item code.",
            *YES_NO,
            default=0,
        ),
        choice(
            "defaultstatus",
            "Default invoice status",
            "The status that an invoice gets in Xero.",
            "Draft",
            "Submitted",
            "Authorised",
            default=0,
        ),
        text("salesaccount", "Default sales account code", "Used where a line of a sales invoice names none.", 10),
        text("purchaseaccount", "Default purchase account code", "Used where a line of a bill names none.", 10),
        choice(
            "createcreditnotes",
            "Create credit note automatically",
            "Yes: cancelling an approved invoice makes a credit note in Xero.",
            *YES_NO,
            default=0,
        ),
        text(
            "timezone",
            "Time zone",
            "The zone in which days begin, as an IANA name such as Europe/London. Empty: the Xero organisation's.",
            64,
        ),
        choice(
            "cancelby",
            "Cancel approved invoices by",
            "What cancelling an approved, unpaid invoice does in Xero.",
            "Credit note",
            "Void",
            default=0,
        ),
        text("freightaccount", "Freight account code", "The account for freight; empty: the default account.", 10),
        Column(
            PREFIX + "customfields",
            "memo",
            "Custom fields",
            "Which columns of your own fill which fields in Xero, as JSON; the documentation has examples.",
            max_length=4000,
        ),
    ),
    keys=(("stl3_settingskey", ("stl3_connectionid",)),),
)

# Rule A: a row an invoice; also the connector's journal (an open attempt stands here before a document is created).
DETAILS = Table(
    "stl3_xerodetails",
    "stl3_xerodetailses",
    "Xero Details",
    "What became of an invoice in Xero.",
    (
        lookup("Connector", CONNECTOR.name, "Connector", "The connection that the invoice went through."),
        text("connectionid", "Connection id", "The connector's own id of this connection.", 36),
        lookup("Invoice", "invoice", "Invoice", "The invoice in Dynamics."),
        text(
            "dynamicsinvoiceid",
            "Dynamics invoice GUID",
            "The invoice's id; it stays when the invoice is deleted.",
            36,
        ),
        text("dynamicsnumber", "Dynamics number", "The invoice ID in Dynamics."),
        choice("documentkind", "Document kind", "What the invoice is in Xero.", "Sales invoice", "Bill"),
        text("xeroinvoiceid", "Xero invoice id", "The id of the invoice in Xero.", 36),
        text("xeronumber", "Xero number", "The number of the invoice in Xero.", 255),
        text("xerostatus", "Xero status", "The status of the invoice in Xero.", 50),
        link("xerourl", "Link to Xero", "Opens the invoice in Xero.", 1000),
        choice(
            "exportstatus",
            "Export status",
            "Yes: the invoice is in Xero. Failed: it is not, see the history; set to No to try again.",
            "No",
            "Yes",
            "Failed",
            default=0,
        ),
        of_kind("exportdate", "datetime", "Export date", "When something last went to Xero or came back."),
        of_kind("waitingfor", "memo", "Waiting for", "What has to be filled in before the invoice can go to Xero."),
        text("currency", "Currency", "The currency of the amounts.", 5),
        of_kind("amountdue", "decimal", "Amount due", "What is still to be paid, as Xero says."),
        of_kind("amountpaid", "decimal", "Amount paid", "What has been paid, in advance or not, as Xero says."),
        of_kind("amountcredited", "decimal", "Amount credited", "What credit notes have settled, as Xero says."),
        of_kind("taxinxero", "decimal", "Tax in Xero", "The tax that Xero calculated."),
        text("xerocontactid", "Xero contact id", "The id of the customer in Xero.", 36),
        text("contactof", "Customer of the contact", "The customer in Dynamics whose contact in Xero that is.", 36),
        text("creditnoteid", "Xero credit note id", "The credit note that the connector made in Xero.", 36),
        text("creditnotenumber", "Xero credit note number", "The number of that credit note.", 255),
        of_kind(
            "closedbyconnector", "boolean", "Closed by the connector", "The connector closed the Dynamics invoice."
        ),
        of_kind(
            "statusbeforeclose",
            "integer",
            "Status reason before",
            "The invoice's status reason before it was closed.",
        ),
        of_kind(
            "attemptstarted",
            "datetime",
            "Attempt started",
            "An attempt to create the document is under way since then.",
        ),
        text("attemptkey", "Attempt key", "Which documents were sent together in that attempt.", 64),
        text("handledstate", "Handled state", "The state of the invoice that the connector has dealt with.", 100),
        text(
            "cancelling",
            "Cancelling",
            "What is being done to the document in Xero as the invoice was cancelled or deleted; empty: nothing.",
            100,
        ),
        text(
            "earlierdocuments",
            "Earlier documents",
            "Ids in Xero of documents of this invoice that are over, and in whose place another one was made.",
            400,
        ),
        text("fingerprint", "Fingerprint", "What of the invoice was last agreed with Xero.", 100),
        text(
            "agreeddocument",
            "Agreed document",
            "What the document in Xero was when the connector last wrote it, as a hash.",
            200,
        ),
        text(
            "xeroupdated",
            "Xero update seen",
            "The update time in Xero of what was last followed; in 1970: it could not be.",
            40,
        ),
    ),
    keys=(("stl3_invoicekey", ("stl3_dynamicsinvoiceid",)),),
    name_label="Invoice ID",
)

# Rule A: a row an operation, never changed afterwards.
HISTORY = Table(
    "stl3_synchistory",
    "stl3_synchistories",
    "Sync History",
    "What the connector did, a row an operation.",
    (
        lookup("Connector", CONNECTOR.name, "Connector", "The connection concerned."),
        lookup("Invoice", "invoice", "Invoice", "The invoice concerned."),
        lookup("XeroDetails", DETAILS.name, "Xero details", "The Xero details of the invoice."),
        of_kind("eventtime", "datetime", "Event date and time", "When it happened."),
        choice("action", "Action", "What was done.", "Create", "Update", "Cancel", "Delete"),
        of_kind("details", "memo", "Details", "What happened, in words; after a failure also what to do."),
        choice("syncstatus", "Sync status", "Whether it worked.", "Successful", "Failed"),
        text("operationkey", "Operation key", "The same operation is written once only.", 100),
    ),
    keys=(("stl3_operationkey", ("stl3_operationkey",)),),
)

TAX_TYPE = Table(
    "stl3_taxtype",
    "stl3_taxtypes",
    "Tax Type",
    "A tax rate of the Xero organisation.",
    (
        text("code", "Tax type code", "Xero's code of the tax rate.", 50),
        of_kind("rate", "decimal", "Rate", "The rate in per cent."),
        text("status", "Status", "The status in Xero.", 20),
        of_kind("forrevenue", "boolean", "For revenue?", "Whether it can stand on a sales line."),
        of_kind("forexpenses", "boolean", "For expenses?", "Whether it can stand on a purchase line."),
        lookup("Connector", CONNECTOR.name, "Connector", "The connection whose Xero organisation has it."),
        text("key", "Key", "Connection and code.", 100),
    ),
    keys=(("stl3_taxtypekey", ("stl3_key",)),),
)

ACCOUNT_CODE = Table(
    "stl3_chartofaccounts",
    "stl3_chartofaccountses",
    "Chart of Accounts",
    "An account of the Xero organisation that can be used on a line.",
    (
        text("code", "Code", "Xero's code of the account.", 10),
        text("type", "Type", "The type in Xero.", 20),
        text("class", "Class", "The class in Xero.", 20),
        text("defaulttaxtype", "Default tax type", "The tax type code that the account gives a line.", 50),
        text("status", "Status", "The status in Xero.", 20),
        lookup("Connector", CONNECTOR.name, "Connector", "The connection whose Xero organisation has it."),
        text("key", "Key", "Connection and code.", 100),
    ),
    keys=(("stl3_accountkey", ("stl3_key",)),),
)

BRANDING_THEME = Table(
    "stl3_brandingtheme",
    "stl3_brandingthemes",
    "Branding Theme",
    "A branding theme of the Xero organisation.",
    (
        text("themeid", "Theme id", "Xero's id of the theme.", 36),
        of_kind("sortorder", "integer", "Sort order", "The order in Xero."),
        lookup("Connector", CONNECTOR.name, "Connector", "The connection whose Xero organisation has it."),
        text("key", "Key", "Connection and theme id.", 100),
    ),
    keys=(("stl3_themekey", ("stl3_key",)),),
)

TABLES = (CONNECTOR, SETTINGS, DETAILS, HISTORY, TAX_TYPE, ACCOUNT_CODE, BRANDING_THEME)

_BALANCES = (
    of_kind("amountowed", "money", "Amount owed", "What the customer owes according to Xero."),
    of_kind("amountoverdue", "money", "Amount overdue", "What of it is overdue."),
    text("balancecurrency", "Currency of amounts", "The currency of the amounts owed and overdue.", 5),
    Column(
        PREFIX + "balances",
        "memo",
        "Amounts by connection",
        "What the customer owes in each Xero organisation, in its currency; amount owed and overdue are the sum.",
        max_length=4000,
    ),
)

ON_STANDARD_TABLES: dict[str, tuple[Column, ...]] = {
    "invoice": (
        lookup("Connector", CONNECTOR.name, "Connector", "Choose the connector when the invoice is ready for Xero."),
        choice("invoicetype", "Invoice type", "Empty: sales invoice.", "Sales Invoice", "Purchase Invoice"),
        choice(
            "lineamounttypes",
            "Line amount types",
            "Whether prices contain tax; empty: exclusive.",
            "Exclusive",
            "Inclusive",
            "No Tax",
        ),
        lookup("BrandingTheme", BRANDING_THEME.name, "Branding theme", "How the invoice looks when Xero prints it."),
        of_kind("amountdue", "money", "Amount due", "What is still to be paid, as Xero says."),
    ),
    "invoicedetail": (
        lookup("TaxType", TAX_TYPE.name, "Tax type", "The tax of this line; empty: the item's or account's."),
        lookup("AccountCode", ACCOUNT_CODE.name, "Account code", "The account of this line; empty: the default."),
    ),
    "account": _BALANCES,
    "contact": _BALANCES,
}


@dataclass(frozen=True, slots=True)
class Options:
    """The values of our choices, by label."""

    values: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, label: str) -> int:
        return self.values[label]

    def label(self, value: int | None) -> str | None:
        return next((label for label, number in self.values.items() if number == value), None)


def options_of(table: str, column: str) -> Options:
    """Return the choices of `column` (without prefix) of one of our tables or a standard one. Raises KeyError."""
    own = {declared.name: declared.columns for declared in TABLES}
    for declared in (own | ON_STANDARD_TABLES)[table]:
        if declared.name == PREFIX + column:
            return Options({text: value for value, text in declared.options})
    raise KeyError(f"{table}.{column}")


EXPORT_STATUS = options_of(DETAILS.name, "exportstatus")
DOCUMENT_KIND = options_of(DETAILS.name, "documentkind")
ACTION = options_of(HISTORY.name, "action")
SYNC_STATUS = options_of(HISTORY.name, "syncstatus")
INVOICE_TYPE = options_of("invoice", "invoicetype")
LINE_AMOUNT_TYPES = options_of("invoice", "lineamounttypes")
CONNECTOR_STATE = options_of(CONNECTOR.name, "state")
