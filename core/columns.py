"""Our tables and columns in Dynamics, declared once (rule A): code, simulators' seeds and the solution read this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

PREFIX = "stl3_"
OPTION_BASE = 367_800_000  # the publisher's option value prefix 36780

Kind = Literal[
    "string", "memo", "integer", "decimal", "money", "boolean", "datetime", "date", "choice", "lookup", "guid"
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `description` is what a person in Dynamics reads about it.

    `name` is the logical name. A lookup has `targets` and a `schema_name`, which is also its case-sensitive
    navigation property. `options` map values to labels; `default` is one of them.
    """

    name: str
    kind: Kind
    label: str
    description: str
    max_length: int = 0
    targets: tuple[str, ...] = ()
    schema_name: str = ""
    options: tuple[tuple[int, str], ...] = ()
    default: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the plain form in which a definition travels (to the simulator, to the solution builder)."""
        plain: dict[str, Any] = {"name": self.name, "type": self.kind, "description": self.description}
        if self.max_length:
            plain["max_length"] = self.max_length
        if self.kind in ("decimal", "money"):
            plain["precision"] = 4
        if self.kind == "lookup":
            plain |= {"targets": list(self.targets), "schema_name": self.schema_name, "on_delete": "remove_link"}
        if self.options:
            plain["options"] = {str(value): text for value, text in self.options}
        if self.default is not None:
            plain["default"] = self.default
        return plain


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours: `set_name` in URLs, `id_column` its primary key, `keys` its alternate keys."""

    name: str
    set_name: str
    label: str
    description: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name_label: str = "Name"
    name_length: int = 300

    @property
    def id_column(self) -> str:
        return f"{self.name}id"

    def as_json(self) -> dict[str, Any]:
        return {
            "logical_name": self.name,
            "set_name": self.set_name,
            "primary_id": self.id_column,
            "primary_name": NAME,
            "display_name": self.label,
            "ownership": "organization",
            "columns": [column.as_json() for column in self.columns],
            "keys": [{"name": name, "columns": list(columns)} for name, columns in self.keys],
        }


def _text(name: str, label: str, description: str, length: int = 100) -> Column:
    return Column(PREFIX + name, "string", label, description, max_length=length)


def _of(name: str, kind: Kind, label: str, description: str) -> Column:
    return Column(PREFIX + name, kind, label, description)


def _lookup(schema: str, target: str, label: str, description: str) -> Column:
    name = PREFIX + schema.lower()
    return Column(name, "lookup", label, description, targets=(target,), schema_name=f"stl3_{schema}")


def _choice(name: str, label: str, description: str, *options: str, default: int | None = None) -> Column:
    numbered = tuple((OPTION_BASE + index, text) for index, text in enumerate(options))
    chosen = None if default is None else OPTION_BASE + default
    return Column(PREFIX + name, "choice", label, description, options=numbered, default=chosen)


NAME = "stl3_name"

# What a person sees of a connection, its state included.
CONNECTOR = Table(
    "stl3_dynamicsxeroconnector",
    "stl3_dynamicsxeroconnectors",
    "Dynamics Xero Connector",
    "A Xero organisation joined to this Dynamics organisation. Choose it on an invoice to send that invoice to Xero.",
    (
        _text("xeroorganisation", "Xero organisation", "The name of the organisation in Xero.", 300),
        _text("dynamicsurl", "Dynamics address", "The address of this Dynamics organisation.", 500),
        _text("plan", "Plan", "The plan of this connection."),
        _text("connectionid", "Connection id", "The connector's own id of this connection.", 36),
        _of("lastsynced", "datetime", "Last synced", "When the connector last changed something in Xero or here."),
        _choice("state", "State", "Whether invoices flow.", "In service", "Paused", "Needs attention", default=0),
        _of("stateinwords", "memo", "State in words", "What is wrong, if anything, and what to do about it."),
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
        _lookup("Connector", CONNECTOR.name, "Connector", "The connection that these settings belong to."),
        _text("connectionid", "Connection id", "The connector's own id of this connection.", 36),
        _choice(
            "usexeronumber",
            "Use Xero invoice number",
            "Yes: Xero numbers the invoice. No: the Dynamics invoice ID becomes the number in Xero.",
            *YES_NO,
            default=1,
        ),
        _choice(
            "createcontacts",
            "Create new contacts in Xero",
            "Yes: a customer that Xero does not know becomes a contact the first time it is seen.",
            *YES_NO,
            default=1,
        ),
        _choice(
            "createproducts",
            "Create new products in Xero",
            "Yes: a product that Xero does not know becomes an item the first time it is seen.",
            *YES_NO,
            default=1,
        ),
        _choice(
            "requireproducts",
            "Require products to exist in Xero",
            "Yes: an invoice with a product that Xero does not know fails instead of going without an item code.",
            *YES_NO,
            default=0,
        ),
        _choice(
            "defaultstatus",
            "Default invoice status",
            "The status that an invoice gets in Xero.",
            "Draft",
            "Submitted",
            "Authorised",
            default=0,
        ),
        _text("salesaccount", "Default sales account code", "Used where a line of a sales invoice names none.", 10),
        _text("purchaseaccount", "Default purchase account code", "Used where a line of a bill names none.", 10),
        _choice(
            "createcreditnotes",
            "Create credit note automatically",
            "Yes: cancelling an approved invoice makes a credit note in Xero.",
            *YES_NO,
            default=0,
        ),
        _text(
            "timezone",
            "Time zone",
            "The zone in which days begin, as an IANA name such as Europe/London. Empty: the Xero organisation's.",
            64,
        ),
        _choice(
            "cancelby",
            "Cancel approved invoices by",
            "What cancelling an approved, unpaid invoice does in Xero.",
            "Credit note",
            "Void",
            default=0,
        ),
        _text("freightaccount", "Freight account code", "The account for freight; empty: the default account.", 10),
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
        _lookup("Connector", CONNECTOR.name, "Connector", "The connection that the invoice went through."),
        _text("connectionid", "Connection id", "The connector's own id of this connection.", 36),
        _lookup("Invoice", "invoice", "Invoice", "The invoice in Dynamics."),
        _text(
            "dynamicsinvoiceid",
            "Dynamics invoice GUID",
            "The invoice's id; it stays when the invoice is deleted.",
            36,
        ),
        _text("dynamicsnumber", "Dynamics number", "The invoice ID in Dynamics."),
        _choice("documentkind", "Document kind", "What the invoice is in Xero.", "Sales invoice", "Bill"),
        _text("xeroinvoiceid", "Xero invoice id", "The id of the invoice in Xero.", 36),
        _text("xeronumber", "Xero number", "The number of the invoice in Xero.", 255),
        _text("xerostatus", "Xero status", "The status of the invoice in Xero.", 50),
        _text("xerourl", "Link to Xero", "Opens the invoice in Xero.", 1000),
        _choice(
            "exportstatus",
            "Export status",
            "Yes: the invoice is in Xero. Failed: it is not, see the history; set to No to try again.",
            "No",
            "Yes",
            "Failed",
            default=0,
        ),
        _of("exportdate", "datetime", "Export date", "When the connector last changed this invoice in Xero."),
        _of("waitingfor", "memo", "Waiting for", "What has to be filled in before the invoice can go to Xero."),
        _text("currency", "Currency", "The currency of the amounts.", 5),
        _of("amountdue", "decimal", "Amount due", "What is still to be paid, as Xero says."),
        _of("amountpaid", "decimal", "Amount paid", "What has been paid, as Xero says."),
        _of("taxinxero", "decimal", "Tax in Xero", "The tax that Xero calculated."),
        _text("xerocontactid", "Xero contact id", "The id of the customer in Xero.", 36),
        _text("contactof", "Customer of the contact", "The customer in Dynamics whose contact in Xero that is.", 36),
        _text("creditnoteid", "Xero credit note id", "The credit note that the connector made in Xero.", 36),
        _text("creditnotenumber", "Xero credit note number", "The number of that credit note.", 255),
        _of("closedbyconnector", "boolean", "Closed by the connector", "The connector closed the Dynamics invoice."),
        _of(
            "statusbeforeclose",
            "integer",
            "Status reason before",
            "The invoice's status reason before it was closed.",
        ),
        _of("attemptstarted", "datetime", "Attempt started", "An attempt to create the document is under way since."),
        _text("attemptkey", "Attempt key", "Which documents were sent together in that attempt.", 64),
        _text("handledstate", "Handled state", "The state of the invoice that the connector has dealt with.", 100),
        _text("fingerprint", "Fingerprint", "What of the invoice was last agreed with Xero.", 100),
        _text(
            "agreeddocument",
            "Agreed document",
            "What the document in Xero was when the connector last wrote it, as a hash.",
            200,
        ),
        _text("xeroupdated", "Xero update seen", "The update time in Xero that was last seen.", 40),
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
        _lookup("Connector", CONNECTOR.name, "Connector", "The connection concerned."),
        _lookup("Invoice", "invoice", "Invoice", "The invoice concerned."),
        _lookup("XeroDetails", DETAILS.name, "Xero details", "The Xero details of the invoice."),
        _of("eventtime", "datetime", "Event date and time", "When it happened."),
        _choice("action", "Action", "What was done.", "Create", "Update", "Cancel", "Delete"),
        _of("details", "memo", "Details", "What happened, in words; after a failure also what to do."),
        _choice("syncstatus", "Sync status", "Whether it worked.", "Successful", "Failed"),
        _text("operationkey", "Operation key", "The same operation is written once only.", 100),
    ),
    keys=(("stl3_operationkey", ("stl3_operationkey",)),),
)

TAX_TYPE = Table(
    "stl3_taxtype",
    "stl3_taxtypes",
    "Tax Type",
    "A tax rate of the Xero organisation.",
    (
        _text("code", "Tax type code", "Xero's code of the tax rate.", 50),
        _of("rate", "decimal", "Rate", "The rate in per cent."),
        _text("status", "Status", "The status in Xero.", 20),
        _of("forrevenue", "boolean", "For revenue?", "Whether it can stand on a sales line."),
        _of("forexpenses", "boolean", "For expenses?", "Whether it can stand on a purchase line."),
        _lookup("Connector", CONNECTOR.name, "Connector", "The connection whose Xero organisation has it."),
        _text("key", "Key", "Connection and code.", 100),
    ),
    keys=(("stl3_taxtypekey", ("stl3_key",)),),
)

ACCOUNT_CODE = Table(
    "stl3_chartofaccounts",
    "stl3_chartofaccountses",
    "Chart of Accounts",
    "An account of the Xero organisation that can be used on a line.",
    (
        _text("code", "Code", "Xero's code of the account.", 10),
        _text("type", "Type", "The type in Xero.", 20),
        _text("class", "Class", "The class in Xero.", 20),
        _text("defaulttaxtype", "Default tax type", "The tax type code that the account gives a line.", 50),
        _text("status", "Status", "The status in Xero.", 20),
        _lookup("Connector", CONNECTOR.name, "Connector", "The connection whose Xero organisation has it."),
        _text("key", "Key", "Connection and code.", 100),
    ),
    keys=(("stl3_accountkey", ("stl3_key",)),),
)

BRANDING_THEME = Table(
    "stl3_brandingtheme",
    "stl3_brandingthemes",
    "Branding Theme",
    "A branding theme of the Xero organisation.",
    (
        _text("themeid", "Theme id", "Xero's id of the theme.", 36),
        _of("sortorder", "integer", "Sort order", "The order in Xero."),
        _lookup("Connector", CONNECTOR.name, "Connector", "The connection whose Xero organisation has it."),
        _text("key", "Key", "Connection and theme id.", 100),
    ),
    keys=(("stl3_themekey", ("stl3_key",)),),
)

TABLES = (CONNECTOR, SETTINGS, DETAILS, HISTORY, TAX_TYPE, ACCOUNT_CODE, BRANDING_THEME)

_BALANCES = (
    _of("amountowed", "money", "Amount owed", "What the customer owes according to Xero."),
    _of("amountoverdue", "money", "Amount overdue", "What of it is overdue."),
    _text("balancecurrency", "Currency of amounts", "The currency of the amounts owed and overdue.", 5),
)

ON_STANDARD_TABLES: dict[str, tuple[Column, ...]] = {
    "invoice": (
        _lookup("Connector", CONNECTOR.name, "Connector", "Choose the connector when the invoice is ready for Xero."),
        _choice("invoicetype", "Invoice type", "Empty: sales invoice.", "Sales Invoice", "Purchase Invoice"),
        _choice(
            "lineamounttypes",
            "Line amount types",
            "Whether prices contain tax; empty: exclusive.",
            "Exclusive",
            "Inclusive",
            "No Tax",
        ),
        _lookup("BrandingTheme", BRANDING_THEME.name, "Branding theme", "How the invoice looks when Xero prints it."),
        _of("amountdue", "money", "Amount due", "What is still to be paid, as Xero says."),
    ),
    "invoicedetail": (
        _lookup("TaxType", TAX_TYPE.name, "Tax type", "The tax of this line; empty: the item's or account's."),
        _lookup("AccountCode", ACCOUNT_CODE.name, "Account code", "The account of this line; empty: the default."),
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


def definition() -> dict[str, Any]:
    """Return all of it as plain data."""
    return {
        "tables": [table.as_json() for table in TABLES],
        "columns": {name: [column.as_json() for column in columns] for name, columns in ON_STANDARD_TABLES.items()},
    }
