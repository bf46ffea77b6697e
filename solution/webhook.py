"""The webhook endpoint and the steps by which Dynamics tells us what happened (rule A, DESIGN 2)."""

from __future__ import annotations

from core import columns
from solution.names import DISPLAY_NAME, part_id
from solution.vocabulary import Step

ENDPOINT_NAME = DISPLAY_NAME
ENDPOINT_ID = part_id("endpoint")
# A package is the same for everybody: the address and the secret of an organisation are set when it is installed.
PLACEHOLDER_URL = "https://not-installed.invalid/webhooks/dynamics"

# Columns of an invoice that decide whether it goes to Xero, or what goes.
_ON_INVOICE = (
    "statecode",
    "statuscode",
    "name",
    "invoicenumber",
    "customerid",
    "duedate",
    "datedelivered",
    "pricelevelid",
    "discountamount",
    "discountpercentage",
    "freightamount",
    "description",
    "paymenttermscode",
    "transactioncurrencyid",
    *(column.name for column in columns.ON_STANDARD_TABLES["invoice"] if column.name != "stl3_amountdue"),
)
STEPS: tuple[Step, ...] = (
    Step("invoice", "Create"),
    Step("invoice", "Update", filter=_ON_INVOICE),
    Step("invoice", "Delete", before=("invoicenumber", "name", "stl3_connector")),
    Step("invoicedetail", "Create"),
    Step("invoicedetail", "Update", before=("invoiceid",)),
    Step("invoicedetail", "Delete", before=("invoiceid",)),
    Step(columns.DETAILS.name, "Update", before=("stl3_dynamicsinvoiceid",), filter=("stl3_exportstatus",)),
    Step(columns.SETTINGS.name, "Update"),
    Step("account", "Update", filter=("transactioncurrencyid",)),
    Step("contact", "Update", filter=("transactioncurrencyid",)),
)
