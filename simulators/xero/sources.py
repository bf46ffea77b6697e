"""What each list may be filtered and ordered by."""

from __future__ import annotations

from functools import cache
from typing import Any

from simulators.xero.codec import Record
from simulators.xero.lists import Source
from simulators.xero.settling import OVERPAYMENT, CreditKind
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
_CREDIT_FIELDS = (
    *("Type", "Status", "Reference", "Date", "LineAmountTypes", "SubTotal", "TotalTax", "Total", "RemainingCredit"),
    *("CurrencyCode", "CurrencyRate", "UpdatedDateUTC"),
)
_PAYMENT_FIELDS = (
    *("PaymentID", "PaymentType", "Status", "Date", "Amount", "BankAmount", "Reference", "CurrencyRate"),
    *("IsReconciled", "UpdatedDateUTC"),
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
    return Source(
        organisation.invoices,
        _document_fields(organisation, _INVOICE_FIELDS),
        {"IDs": "", "InvoiceNumbers": "InvoiceNumber", "ContactIDs": "Contact.ContactID"},
        paged_by=("page", "statuses", "summaryonly", "ids", "invoicenumbers", "contactids"),
    )


def credit_note_source(organisation: Organisation) -> Source:
    fields = _document_fields(organisation, (*_CREDIT_FIELDS, "CreditNoteID", "CreditNoteNumber", "FullyPaidOnDate"))
    return Source(organisation.credit_notes, fields, {})


def prepaid_source(organisation: Organisation, kind: CreditKind) -> Source:
    fields = _document_fields(organisation, (*_CREDIT_FIELDS, kind.id_field, "InvoiceNumber"))
    lists = {"References": "Reference"} if kind is OVERPAYMENT else {"InvoiceNumbers": "InvoiceNumber"}
    return Source(kind.table(organisation), fields, lists)


def payment_source(organisation: Organisation) -> Source:
    fields: Fields = {
        **_fields(_PAYMENT_FIELDS),
        "Invoice.InvoiceID": lambda payment: payment["Invoice"]["InvoiceID"],
        "Account.AccountID": lambda payment: payment["Account"]["AccountID"],
    }
    return Source(organisation.payments, fields, {})


def contact_source(organisation: Organisation) -> Source:
    return Source(organisation.contacts, _fields(_CONTACT_FIELDS), {"IDs": ""}, paged_by=("page", "summaryonly"))


def plain_source(table: Table) -> Source:
    """Items and settings have no pages."""
    return Source(table, _fields(_PLAIN_FIELDS), {}, paged_by=())


def _document_fields(organisation: Organisation, names: tuple[str, ...]) -> Fields:
    """Return the document's own fields and those of its contact that may be asked for."""
    contacts = organisation.contacts

    def contact_field(name: str) -> Getter:
        return lambda document: contacts[document["Contact"]["ContactID"]].get(name)

    return _fields(names) | {
        "Contact.ContactID": lambda document: document["Contact"]["ContactID"],
        "Contact.Name": contact_field("Name"),
        "Contact.ContactNumber": contact_field("ContactNumber"),
    }


@cache
def _fields(names: tuple[str, ...]) -> dict[str, Getter]:
    return {name: _reader(name) for name in names}


def _reader(name: str) -> Getter:
    def read(record: Record) -> Any:
        return record.get(name)

    return read
