"""Our views: those that every table of ours needs, and those that answer what people ask."""

from __future__ import annotations

from collections.abc import Iterator

from core import columns
from core.tables import NAME, Table
from solution.vocabulary import View, ViewKind

DETAILS_OF_INVOICE = "Xero Details of an Invoice"
HISTORY_OF_INVOICE = "Sync History of an Invoice"
LINES_OF_INVOICE = "Invoice Products with Account and Tax"
_ACTIVE = (("statecode", "eq", "0"),)

# What lists of a table show beside the name.
_SHOWN: dict[str, tuple[tuple[str, int], ...]] = {
    columns.CONNECTOR.name: (
        ("stl3_xeroorganisation", 200),
        ("stl3_state", 120),
        ("stl3_stateinwords", 300),
        ("stl3_lastsynced", 130),
    ),
    columns.SETTINGS.name: (("stl3_connector", 250), ("stl3_defaultstatus", 150), ("stl3_usexeronumber", 150)),
    columns.DETAILS.name: (
        ("stl3_dynamicsnumber", 150),
        ("stl3_xeronumber", 120),
        ("stl3_xerostatus", 100),
        ("stl3_exportstatus", 100),
        ("stl3_waitingfor", 250),
        ("stl3_amountdue", 100),
        ("stl3_currency", 75),
        ("stl3_exportdate", 130),
        ("stl3_xerourl", 200),
    ),
    columns.HISTORY.name: (
        ("stl3_eventtime", 130),
        ("stl3_action", 90),
        ("stl3_syncstatus", 100),
        ("stl3_details", 500),
    ),
    columns.TAX_TYPE.name: (
        ("stl3_code", 120),
        ("stl3_rate", 80),
        ("stl3_forrevenue", 100),
        ("stl3_forexpenses", 100),
        ("stl3_connector", 250),
    ),
    columns.ACCOUNT_CODE.name: (
        ("stl3_code", 80),
        ("stl3_type", 120),
        ("stl3_class", 120),
        ("stl3_defaulttaxtype", 120),
        ("stl3_connector", 250),
    ),
    columns.BRANDING_THEME.name: (("stl3_sortorder", 100), ("stl3_connector", 250)),
}
_PLURAL = {
    columns.CONNECTOR.name: "Dynamics Xero Connectors",
    columns.SETTINGS.name: "Stellarise Connector Settings",
    columns.DETAILS.name: "Xero Details",
    columns.HISTORY.name: "Sync History",
    columns.TAX_TYPE.name: "Tax Types",
    columns.ACCOUNT_CODE.name: "Chart of Accounts",
    columns.BRANDING_THEME.name: "Branding Themes",
}
_NEWEST_FIRST = {columns.HISTORY.name: ("stl3_eventtime", True), columns.DETAILS.name: ("stl3_exportdate", True)}


def plural_of(table: Table) -> str:
    """Return what several rows of a table of ours are called."""
    return _PLURAL[table.name]


def _standing(table: Table) -> Iterator[View]:
    """The views that the platform expects of every table."""
    plural, shown = plural_of(table), ((NAME, 250), *_SHOWN[table.name])
    order = _NEWEST_FIRST.get(table.name, (NAME, False))
    found_by = tuple(name for name, _ in shown if _is_text(table, name))

    def of(kind: ViewKind, name: str, **more: object) -> View:
        return View(table.name, name, kind, shown, order=order, **more)  # type: ignore[arg-type]

    yield of("public", f"Active {plural}", conditions=_ACTIVE, is_default=True)
    yield of("public", f"Inactive {plural}", conditions=(("statecode", "eq", "1"),))
    yield of("advanced find", f"{table.label} Advanced Find View", is_default=True)
    yield of("associated", f"{table.label} Associated View", conditions=_ACTIVE, is_default=True)
    yield of("quick find", f"Quick Find Active {plural}", conditions=_ACTIVE, is_default=True, found_by=found_by)
    yield of("lookup", f"{table.label} Lookup View", conditions=_ACTIVE, is_default=True)


def _is_text(table: Table, name: str) -> bool:
    return name == NAME or any(column.name == name and column.kind == "string" for column in table.columns)


def _status(label: str) -> tuple[tuple[str, str, str], ...]:
    return (*_ACTIVE, ("stl3_exportstatus", "eq", str(columns.EXPORT_STATUS[label])))


_DETAILS_SHOWN = ((NAME, 200), *_SHOWN[columns.DETAILS.name])
_HISTORY_SHOWN = _SHOWN[columns.HISTORY.name]
_ASKED = (
    View(
        columns.DETAILS.name,
        "Failed: Not in Xero",
        "public",
        _DETAILS_SHOWN,
        _status("Failed"),
        ("stl3_exportdate", True),
        description="Invoices that could not be sent or followed. Their sync history says why and what to do.",
    ),
    View(
        columns.DETAILS.name,
        "Waiting: Not Yet in Xero",
        "public",
        _DETAILS_SHOWN,
        _status("No"),
        description="Invoices that wait for something; the column Waiting for says what.",
    ),
    View(
        columns.DETAILS.name,
        DETAILS_OF_INVOICE,
        "public",
        tuple(cell for cell in _DETAILS_SHOWN if cell[0] not in (NAME, "stl3_dynamicsnumber")),
        order=("stl3_exportdate", True),
        description="Shown on the invoice form.",
    ),
    View(
        columns.HISTORY.name,
        "Failed Operations",
        "public",
        ((NAME, 200), ("stl3_invoice", 200), *_HISTORY_SHOWN),
        (*_ACTIVE, ("stl3_syncstatus", "eq", str(columns.SYNC_STATUS["Failed"]))),
        ("stl3_eventtime", True),
        description="What did not work, newest first.",
    ),
    View(
        columns.HISTORY.name,
        HISTORY_OF_INVOICE,
        "public",
        _HISTORY_SHOWN,
        order=("stl3_eventtime", True),
        description="Shown on the invoice form.",
    ),
    View(
        "invoicedetail",
        LINES_OF_INVOICE,
        "public",
        (
            ("invoicedetailname", 200),
            ("quantity", 80),
            ("priceperunit", 100),
            ("manualdiscountamount", 100),
            ("stl3_accountcode", 150),
            ("stl3_taxtype", 150),
            ("tax", 80),
            ("extendedamount", 100),
        ),
        order=("lineitemnumber", False),
        description="Shown on the invoice form.",
    ),
)

VIEWS: tuple[View, ...] = (*(view for table in columns.TABLES for view in _standing(table)), *_ASKED)
