"""The tables and columns of Dynamics 365 Sales on which the solution builds; only what it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.tables import Kind

ColumnKind = Kind | Literal["state", "status"]


@dataclass(frozen=True, slots=True)
class StandardTable:
    """A table of Dynamics' own; `columns` are those that our forms and views show, with their kinds and labels.

    `schema_name` is how its name is spelt in files and privileges.
    """

    name: str
    schema_name: str
    set_name: str
    label: str
    plural: str
    primary_name: str
    columns: Mapping[str, tuple[ColumnKind, str]]

    @property
    def id_column(self) -> str:
        return f"{self.name}id"


INVOICE = StandardTable(
    "invoice",
    "Invoice",
    "invoices",
    "Invoice",
    "Invoices",
    "name",
    {
        "name": ("string", "Name"),
        "invoicenumber": ("string", "Invoice ID"),
        "customerid": ("lookup", "Customer"),
        "transactioncurrencyid": ("lookup", "Currency"),
        "pricelevelid": ("lookup", "Price List"),
        "datedelivered": ("datetime", "Date Delivered"),
        "duedate": ("datetime", "Due Date"),
        "paymenttermscode": ("choice", "Payment Terms"),
        "description": ("memo", "Description"),
        "totallineitemamount": ("money", "Detail Amount"),
        "discountpercentage": ("decimal", "Invoice Discount (%)"),
        "discountamount": ("money", "Invoice Discount Amount"),
        "freightamount": ("money", "Freight Amount"),
        "totaltax": ("money", "Total Tax"),
        "totalamount": ("money", "Total Amount"),
        "statecode": ("state", "Status"),
        "statuscode": ("status", "Status Reason"),
        "createdon": ("datetime", "Created On"),
    },
)
INVOICE_DETAIL = StandardTable(
    "invoicedetail",
    "InvoiceDetail",
    "invoicedetails",
    "Invoice Product",
    "Invoice Products",
    "invoicedetailname",
    {
        "isproductoverridden": ("boolean", "Select Product"),
        "productid": ("lookup", "Existing Product"),
        "productdescription": ("string", "Write-In Product"),
        "description": ("memo", "Description"),
        "uomid": ("lookup", "Unit"),
        "quantity": ("decimal", "Quantity"),
        "priceperunit": ("money", "Price Per Unit"),
        "volumediscountamount": ("money", "Volume Discount"),
        "manualdiscountamount": ("money", "Manual Discount"),
        "tax": ("money", "Tax"),
        "extendedamount": ("money", "Extended Amount"),
        "invoiceid": ("lookup", "Invoice ID"),
        "invoicedetailname": ("string", "Name"),
        "lineitemnumber": ("integer", "Line Item Number"),
    },
)
_CUSTOMER: Mapping[str, tuple[ColumnKind, str]] = {
    "accountnumber": ("string", "Account Number"),
    "emailaddress1": ("string", "Email"),
    "telephone1": ("string", "Main Phone"),
    "transactioncurrencyid": ("lookup", "Currency"),
    "address1_line1": ("string", "Street 1"),
    "address1_line2": ("string", "Street 2"),
    "address1_city": ("string", "City"),
    "address1_stateorprovince": ("string", "State/Province"),
    "address1_postalcode": ("string", "ZIP/Postal Code"),
    "address1_country": ("string", "Country/Region"),
    "statecode": ("state", "Status"),
}
ACCOUNT = StandardTable(
    "account",
    "Account",
    "accounts",
    "Account",
    "Accounts",
    "name",
    {"name": ("string", "Account Name"), "primarycontactid": ("lookup", "Primary Contact"), **_CUSTOMER},
)
CONTACT = StandardTable(
    "contact",
    "Contact",
    "contacts",
    "Contact",
    "Contacts",
    "fullname",
    {
        "firstname": ("string", "First Name"),
        "lastname": ("string", "Last Name"),
        "fullname": ("string", "Full Name"),
        "parentcustomerid": ("lookup", "Company Name"),
        "mobilephone": ("string", "Mobile Phone"),
        **{name: known for name, known in _CUSTOMER.items() if name != "accountnumber"},
    },
)
STANDARD: Mapping[str, StandardTable] = {one.name: one for one in (INVOICE, INVOICE_DETAIL, ACCOUNT, CONTACT)}
# Relationships of Dynamics' own that our sub-grids follow.
INVOICE_LINES = "invoice_details"
# Columns that Dynamics keeps on every table of ours.
SYSTEM: Mapping[str, tuple[ColumnKind, str]] = {
    "createdon": ("datetime", "Created On"),
    "modifiedon": ("datetime", "Modified On"),
    "createdby": ("lookup", "Created By"),
    "modifiedby": ("lookup", "Modified By"),
    "statecode": ("state", "Status"),
    "statuscode": ("status", "Status Reason"),
}
