"""What an organisation is set up with: its profile, accounts, tax rates, and what its plan allows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulators.xero.arithmetic import ZERO
from simulators.xero.codec import Record, parse_number, zoneless
from simulators.xero.contacts import Draft
from simulators.xero.seeds import tax_rate_record
from simulators.xero.state import Organisation

TIMEZONES = {
    "Europe/London": "GMTSTANDARDTIME",
    "Pacific/Auckland": "NEWZEALANDSTANDARDTIME",
    "Australia/Sydney": "AUSEASTERNSTANDARDTIME",
    "America/New_York": "EASTERNSTANDARDTIME",
    "America/Chicago": "CENTRALSTANDARDTIME",
    "America/Los_Angeles": "PACIFICSTANDARDTIME",
    "Europe/Berlin": "WEUROPESTANDARDTIME",
    "UTC": "UTC",
}
ACCOUNT_CLASSES = {
    "BANK": "ASSET",
    "CURRENT": "ASSET",
    "CURRLIAB": "LIABILITY",
    "DEPRECIATN": "EXPENSE",
    "DIRECTCOSTS": "EXPENSE",
    "EQUITY": "EQUITY",
    "EXPENSE": "EXPENSE",
    "FIXED": "ASSET",
    "INVENTORY": "ASSET",
    "LIABILITY": "LIABILITY",
    "NONCURRENT": "ASSET",
    "OTHERINCOME": "REVENUE",
    "OVERHEADS": "EXPENSE",
    "PREPAYMENT": "ASSET",
    "REVENUE": "REVENUE",
    "SALES": "REVENUE",
    "TERMLIAB": "LIABILITY",
}
_ACTIONS = (
    "AddAttachment",
    "ApproveTransactionsBeforePeriodLockDate",
    "CreateApprovedBill",
    "CreateApprovedInvoice",
    "CreateDraftBill",
    "CreateDraftInvoice",
    "UseMulticurrency",
)


def organisation_view(organisation: Organisation) -> Record:
    """Return the organisation as GET /Organisation shows it; lock dates only when set."""
    short = organisation.tenant_id.replace("-", "")[:5]
    return {
        "Name": organisation.name,
        "LegalName": organisation.name,
        "PaysTax": True,
        "Version": organisation.region_name,
        "OrganisationType": "COMPANY",
        "BaseCurrency": organisation.base_currency,
        "CountryCode": organisation.region.country,
        "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": 31,
        "FinancialYearEndMonth": 3,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "QUARTERLY1",
        "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Exclusive",
        "PeriodLockDate": organisation.period_lock_on,
        "EndOfYearLockDate": organisation.year_end_lock_on,
        "CreatedDateUTC": zoneless(organisation.created_at),
        "OrganisationEntityType": "COMPANY",
        "Timezone": TIMEZONES.get(organisation.timezone, "UTC"),
        "ShortCode": f"!{short}",
        "OrganisationID": organisation.tenant_id,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": organisation.payment_terms,
    }


def actions(organisation: Organisation) -> list[Record]:
    """Return what the connected user may do."""
    refused = {"ApproveTransactionsBeforePeriodLockDate"}
    if organisation.approvals_left() == 0:
        refused |= {"CreateApprovedBill", "CreateApprovedInvoice"}
    if len(organisation.currencies) == 1:
        refused.add("UseMulticurrency")
    return [{"Name": name, "Status": "NOT-ALLOWED" if name in refused else "ALLOWED"} for name in _ACTIONS]


def draft_account(organisation: Organisation, raw: Record, now: datetime) -> Draft:
    """Check a new account and complete it."""
    errors = []
    kind, name = str(raw.get("Type") or ""), str(raw.get("Name") or "")
    if kind not in ACCOUNT_CLASSES:
        errors.append("Account type must be valid.")
    if not name or any(account["Name"].lower() == name.lower() for account in organisation.accounts.values()):
        errors.append("Please enter a unique Name.")
    if raw.get("Code") and organisation.accounts.first_by("Code", raw["Code"]) is not None:
        errors.append("Please enter a unique Code.")
    for field, limit in (("Code", 10), ("Name", 150)):
        if len(str(raw.get(field) or "")) > limit:
            errors.append(f"The field {field} exceeds the maximum length of {limit}.")
    currency = raw.get("CurrencyCode")
    if currency and currency not in organisation.currencies:
        errors.append(f"The current organisation is not subscribed to currency '{currency}'.")
    record = {
        "Code": raw.get("Code"),
        "Name": name,
        "Status": "ACTIVE",
        "Type": kind,
        "TaxType": raw.get("TaxType") or organisation.region.no_tax,
        "Description": raw.get("Description"),
        "Class": ACCOUNT_CLASSES.get(kind, "EXPENSE"),
        "EnablePaymentsToAccount": raw.get("EnablePaymentsToAccount") is True,
        "ShowInExpenseClaims": False,
        "HasAttachments": False,
        "UpdatedDateUTC": now,
        "AddToWatchlist": False,
        "CurrencyCode": currency if kind == "BANK" else None,
    }
    return Draft({"AccountID": organisation.new_id(), **record}, errors, is_new=True)


def draft_tax_rate(organisation: Organisation, raw: Record, now: datetime) -> Draft:
    """Check a new tax rate and give it the next TAXnnn."""
    errors, rate = [], ZERO
    name = str(raw.get("Name") or "")
    if not name or any(other["Name"].lower() == name.lower() for other in organisation.tax_rates.values()):
        errors.append("Please enter a unique Name.")
    try:
        rate = sum((parse_number(part.get("Rate")) for part in raw.get("TaxComponents") or []), Decimal(0))
    except ValueError:
        errors.append("The Rate of a tax component must be a number.")
    if not raw.get("TaxComponents"):
        errors.append("At least one tax component must be specified.")
    numbers = (f"TAX{number:03d}" for number in range(1, 1000))
    tax_type = next(code for code in numbers if code not in organisation.tax_rates)
    report = str(raw.get("ReportTaxType") or "OUTPUT")
    side = "sales" if "OUTPUT" in report else "purchases"
    record = tax_rate_record(tax_type, name, rate, side=side, report=report, status="ACTIVE", now=now)
    return Draft(record, errors, is_new=True)
