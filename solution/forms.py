"""Our forms: our own new ones only, so that nothing of the customer's forms is changed (rule A)."""

from __future__ import annotations

from core import columns
from core.tables import NAME, Table
from solution import views
from solution.names import DISPLAY_NAME, relationship_name
from solution.standard import INVOICE_LINES
from solution.vocabulary import Field, Form, Section, SubGrid, Tab

_DETAILS, _HISTORY = columns.DETAILS.name, columns.HISTORY.name


def _fields(*names: str, locked: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, locked) for name in names)


def _one_tab(*parts: tuple[int, tuple[Section, ...]]) -> tuple[Tab, ...]:
    return (Tab("general", "General", parts),)


def _wide(label: str, grid: SubGrid) -> tuple[int, tuple[Section, ...]]:
    return 100, (Section(grid.name, label, (grid,)),)


_DETAILS_OF_INVOICE = SubGrid(
    "xerodetails",
    "Xero details",
    _DETAILS,
    relationship_name(_DETAILS, "stl3_invoice"),
    views.DETAILS_OF_INVOICE,
    rows=2,
)
_HISTORY_OF_INVOICE = SubGrid(
    "synchistory",
    "Sync history",
    _HISTORY,
    relationship_name(_HISTORY, "stl3_invoice"),
    views.HISTORY_OF_INVOICE,
    rows=10,
)
_LINES = SubGrid(
    "invoiceproducts", "Invoice products", "invoicedetail", INVOICE_LINES, views.LINES_OF_INVOICE, rows=10
)

INVOICE = Form(
    "invoice",
    DISPLAY_NAME,
    "The invoice with its connection to Xero, what became of it there and what happened.",
    (
        Tab(
            "general",
            "General",
            (
                (
                    50,
                    (
                        Section("invoice", "Invoice", _fields("name", "invoicenumber", "customerid", "description")),
                        Section(
                            "terms",
                            "Terms",
                            _fields(
                                "transactioncurrencyid",
                                "pricelevelid",
                                "datedelivered",
                                "duedate",
                                "paymenttermscode",
                            ),
                        ),
                    ),
                ),
                (
                    50,
                    (
                        Section(
                            "connector",
                            DISPLAY_NAME,
                            (
                                *_fields(
                                    "stl3_connector", "stl3_invoicetype", "stl3_lineamounttypes", "stl3_brandingtheme"
                                ),
                                *_fields("stl3_amountdue", locked=True),
                            ),
                        ),
                        Section(
                            "totals",
                            "Totals",
                            (
                                *_fields("totallineitemamount", locked=True),
                                *_fields("discountpercentage", "discountamount", "freightamount"),
                                *_fields("totaltax", "totalamount", locked=True),
                            ),
                        ),
                    ),
                ),
            ),
        ),
        Tab("lines", "Invoice products", (_wide("Invoice products", _LINES),)),
        Tab(
            "xero",
            "Xero",
            (
                (
                    100,
                    (
                        Section("xerodetails", "Xero details", (_DETAILS_OF_INVOICE,)),
                        Section("synchistory", "Sync history", (_HISTORY_OF_INVOICE,)),
                    ),
                ),
            ),
        ),
    ),
)
INVOICE_PRODUCT = Form(
    "invoicedetail",
    "Invoice Product",
    "The line with its account and tax in Xero.",
    _one_tab(
        (
            50,
            (
                Section(
                    "product",
                    "Product",
                    _fields("isproductoverridden", "productid", "productdescription", "description", "uomid"),
                ),
                Section("xero", DISPLAY_NAME, _fields("stl3_accountcode", "stl3_taxtype")),
            ),
        ),
        (
            50,
            (
                Section(
                    "price",
                    "Price",
                    (
                        *_fields("quantity", "priceperunit"),
                        *_fields("volumediscountamount", locked=True),
                        *_fields("manualdiscountamount", "tax"),
                        *_fields("extendedamount", locked=True),
                    ),
                ),
            ),
        ),
    ),
)
_BALANCES = Section(
    "balances",
    "Owed, as Xero says",
    _fields("stl3_amountowed", "stl3_amountoverdue", "stl3_balancecurrency", "stl3_balances", locked=True),
)
_ADDRESS = Section(
    "address",
    "Address",
    _fields(
        "address1_line1",
        "address1_line2",
        "address1_city",
        "address1_stateorprovince",
        "address1_postalcode",
        "address1_country",
    ),
)
ACCOUNT = Form(
    "account",
    DISPLAY_NAME,
    "The account with what it owes and what of that is overdue.",
    _one_tab(
        (
            50,
            (
                Section(
                    "account",
                    "Account",
                    _fields(
                        "name",
                        "accountnumber",
                        "primarycontactid",
                        "emailaddress1",
                        "telephone1",
                        "transactioncurrencyid",
                    ),
                ),
                _ADDRESS,
            ),
        ),
        (50, (_BALANCES,)),
    ),
)
CONTACT = Form(
    "contact",
    DISPLAY_NAME,
    "The contact with what they owe and what of that is overdue.",
    _one_tab(
        (
            50,
            (
                Section(
                    "contact",
                    "Contact",
                    _fields(
                        "firstname",
                        "lastname",
                        "parentcustomerid",
                        "emailaddress1",
                        "telephone1",
                        "mobilephone",
                        "transactioncurrencyid",
                    ),
                ),
                _ADDRESS,
            ),
        ),
        (50, (_BALANCES,)),
    ),
)
# What people may write on a form of a table of ours; everything else is the connector's.
_EDITABLE = {
    columns.SETTINGS.name: {
        column.name
        for column in columns.SETTINGS.columns
        if column.name not in ("stl3_connector", "stl3_connectionid")
    },
    columns.DETAILS.name: {"stl3_exportstatus"},
}


def _own(table: Table) -> Form:
    """The form of a table of ours: all that it holds, in two columns."""
    editable = _EDITABLE.get(table.name, set())
    cells = tuple(Field(name, name not in editable) for name in (NAME, *(column.name for column in table.columns)))
    half = (len(cells) + 1) // 2
    first, second = cells[:half], cells[half:]
    sides = [(50, (Section("first", table.label, first),)), (50, (Section("second", "More", second),))]
    return Form(table.name, table.label, table.description, _one_tab(*sides))


FORMS: tuple[Form, ...] = (INVOICE, INVOICE_PRODUCT, ACCOUNT, CONTACT, *map(_own, columns.TABLES))
