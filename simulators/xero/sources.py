"""What each list may be filtered and ordered by."""

from __future__ import annotations

from functools import cache
from typing import Any

from simulators.xero.codec import Record
from simulators.xero.lists import Source
from simulators.xero.state import Organisation
from simulators.xero.tables import Table
from simulators.xero.where import Fields, Getter

_INVOICE_FIELDS = (
    *("Type", "Status", "InvoiceID", "InvoiceNumber", "Reference", "Date", "DueDate", "LineAmountTypes", "Url"),
    *("SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid", "AmountCredited", "CurrencyCode", "CurrencyRate"),
    *("SentToContact", "BrandingThemeID", "UpdatedDateUTC", "FullyPaidOnDate", "ExpectedPaymentDate"),
    *("PlannedPaymentDate", "IsDiscounted"),
)
_CONTACT_FIELDS = (
    *("ContactID", "ContactNumber", "AccountNumber", "ContactStatus", "Name", "FirstName", "LastName"),
    *("EmailAddress", "CompanyNumber", "TaxNumber", "DefaultCurrency", "IsCustomer", "IsSupplier", "UpdatedDateUTC"),
)
_PLAIN_FIELDS = (
    *(
        "ItemID",
        "AccountID",
        "BrandingThemeID",
        "TrackingCategoryID",
        "Code",
        "Name",
        "Description",
        "Status",
        "Type",
        "Class",
    ),
    *("SystemAccount", "TaxType", "ReportTaxType", "EffectiveRate", "DisplayTaxRate", "CurrencyCode", "SortOrder"),
    *("EnablePaymentsToAccount", "IsSold", "IsPurchased", "IsTrackedAsInventory", "UpdatedDateUTC"),
    *("CanApplyToAssets", "CanApplyToEquity", "CanApplyToExpenses", "CanApplyToLiabilities", "CanApplyToRevenue"),
)


def invoice_source(organisation: Organisation) -> Source:
    contacts = organisation.contacts

    def contact_field(name: str) -> Getter:
        return lambda invoice: contacts[invoice["Contact"]["ContactID"]].get(name)

    fields: Fields = {
        **_fields(_INVOICE_FIELDS),
        "Contact.ContactID": lambda invoice: invoice["Contact"]["ContactID"],
        "Contact.Name": contact_field("Name"),
        "Contact.ContactNumber": contact_field("ContactNumber"),
    }
    return Source(
        organisation.invoices,
        fields,
        {"IDs": "", "InvoiceNumbers": "InvoiceNumber", "ContactIDs": "Contact.ContactID"},
        paged_by=("page", "statuses", "summaryonly", "ids", "invoicenumbers", "contactids"),
    )


def contact_source(organisation: Organisation) -> Source:
    return Source(organisation.contacts, _fields(_CONTACT_FIELDS), {"IDs": ""}, paged_by=("page", "summaryonly"))


def plain_source(table: Table) -> Source:
    """Items and settings have no pages."""
    return Source(table, _fields(_PLAIN_FIELDS), {}, paged_by=())


@cache
def _fields(names: tuple[str, ...]) -> dict[str, Getter]:
    return {name: _reader(name) for name in names}


def _reader(name: str) -> Getter:
    def read(record: Record) -> Any:
        return record.get(name)

    return read
