"""What a new organisation begins with: a believable chart of accounts, tax rates, themes and currencies by region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from simulators.xero.codec import Record

NewId = Callable[[], str]

SIDES = {"sales": "AELR", "purchases": "AELX", "any": "AELXR"}
_FLAGS = {
    "A": "CanApplyToAssets",
    "E": "CanApplyToEquity",
    "X": "CanApplyToExpenses",
    "L": "CanApplyToLiabilities",
    "R": "CanApplyToRevenue",
}
CLASS_FLAGS = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


@dataclass(frozen=True, slots=True)
class Region:
    """How organisations of one country differ."""

    country: str
    currency: str
    timezone: str
    tax_name: str
    sales_tax: str
    purchase_tax: str
    no_tax: str
    rates: tuple[tuple[str, str, str, str, str, str], ...]
    """TaxType, name, percentage, side (see SIDES), ReportTaxType, status."""


REGIONS = {
    "UK": Region(
        country="GB",
        currency="GBP",
        timezone="Europe/London",
        tax_name="VAT",
        sales_tax="OUTPUT2",
        purchase_tax="INPUT2",
        no_tax="NONE",
        rates=(
            ("OUTPUT2", "20% (VAT on Income)", "20", "sales", "OUTPUT", "ACTIVE"),
            ("INPUT2", "20% (VAT on Expenses)", "20", "purchases", "INPUT", "ACTIVE"),
            ("RROUTPUT", "5% (VAT on Income)", "5", "sales", "OUTPUT", "ACTIVE"),
            ("RRINPUT", "5% (VAT on Expenses)", "5", "purchases", "INPUT", "ACTIVE"),
            ("ZERORATEDOUTPUT", "Zero Rated Income", "0", "sales", "ZERORATEDOUTPUT", "ACTIVE"),
            ("ZERORATEDINPUT", "Zero Rated Expenses", "0", "purchases", "ZERORATEDINPUT", "ACTIVE"),
            ("EXEMPTOUTPUT", "Exempt Income", "0", "sales", "EXEMPTOUTPUT", "ACTIVE"),
            ("EXEMPTINPUT", "Exempt Expenses", "0", "purchases", "EXEMPTINPUT", "ACTIVE"),
            ("DRCHARGE20", "Domestic Reverse Charge @ 20% (VAT on Income)", "0", "sales", "DRCHARGE", "ACTIVE"),
            ("NONE", "No VAT", "0", "any", "NONE", "ACTIVE"),
            ("TAX001", "17.5% (VAT on Income until 2010)", "17.5", "sales", "OUTPUT", "DELETED"),
        ),
    ),
    "AU": Region(
        country="AU",
        currency="AUD",
        timezone="Australia/Sydney",
        tax_name="GST",
        sales_tax="OUTPUT",
        purchase_tax="INPUT",
        no_tax="BASEXCLUDED",
        rates=(
            ("OUTPUT", "GST on Income", "10", "sales", "OUTPUT", "ACTIVE"),
            ("INPUT", "GST on Expenses", "10", "purchases", "INPUT", "ACTIVE"),
            ("EXEMPTOUTPUT", "GST Free Income", "0", "sales", "EXEMPTOUTPUT", "ACTIVE"),
            ("EXEMPTEXPENSES", "GST Free Expenses", "0", "purchases", "EXEMPTEXPENSES", "ACTIVE"),
            ("EXEMPTEXPORT", "GST Free Exports", "0", "sales", "EXEMPTEXPORT", "ACTIVE"),
            ("CAPEXINPUT", "GST on Capital", "10", "purchases", "CAPITALEXINPUT", "ACTIVE"),
            ("INPUTTAXED", "Input Taxed", "0", "any", "INPUTTAXED", "ACTIVE"),
            ("BASEXCLUDED", "BAS Excluded", "0", "any", "BASEXCLUDED", "ACTIVE"),
        ),
    ),
    "NZ": Region(
        country="NZ",
        currency="NZD",
        timezone="Pacific/Auckland",
        tax_name="GST",
        sales_tax="OUTPUT2",
        purchase_tax="INPUT2",
        no_tax="NONE",
        rates=(
            ("OUTPUT2", "15% GST on Income", "15", "sales", "OUTPUT", "ACTIVE"),
            ("INPUT2", "15% GST on Expenses", "15", "purchases", "INPUT", "ACTIVE"),
            ("ZERORATED", "Zero Rated", "0", "any", "ZERORATEDOUTPUT", "ACTIVE"),
            ("NONE", "No GST", "0", "any", "NONE", "ACTIVE"),
            ("OUTPUT", "12.5% GST on Income (until 2010)", "12.5", "sales", "OUTPUT", "DELETED"),
        ),
    ),
    "US": Region(
        country="US",
        currency="USD",
        timezone="America/New_York",
        tax_name="Tax",
        sales_tax="OUTPUT",
        purchase_tax="INPUT",
        no_tax="NONE",
        rates=(
            ("OUTPUT", "Tax on Sales", "0", "sales", "OUTPUT", "ACTIVE"),
            ("INPUT", "Tax on Purchases", "0", "purchases", "INPUT", "ACTIVE"),
            ("NONE", "Tax Exempt", "0", "any", "NONE", "ACTIVE"),
            ("TAX001", "State sales tax 8.25%", "8.25", "sales", "OUTPUT", "ACTIVE"),
        ),
    ),
}


class _Account(NamedTuple):
    code: str
    name: str
    type: str
    class_: str
    side: str = "none"
    system: str | None = None
    status: str = "ACTIVE"


_CHART = (
    _Account("090", "Business Bank Account", "BANK", "ASSET"),
    _Account("200", "Sales", "REVENUE", "REVENUE", "sales"),
    _Account("260", "Other Revenue", "REVENUE", "REVENUE", "sales"),
    _Account("270", "Interest Income", "REVENUE", "REVENUE"),
    _Account("310", "Cost of Goods Sold", "DIRECTCOSTS", "EXPENSE", "purchases"),
    _Account("400", "Advertising", "EXPENSE", "EXPENSE", "purchases"),
    _Account("425", "Freight & Courier", "EXPENSE", "EXPENSE", "purchases"),
    _Account("429", "General Expenses", "EXPENSE", "EXPENSE", "purchases"),
    _Account("450", "Legal Expenses (old)", "EXPENSE", "EXPENSE", "purchases", status="ARCHIVED"),
    _Account("469", "Rent", "EXPENSE", "EXPENSE"),
    _Account("477", "Wages and Salaries", "EXPENSE", "EXPENSE"),
    _Account("493", "Travel", "EXPENSE", "EXPENSE", "purchases"),
    _Account("610", "Accounts Receivable", "CURRENT", "ASSET", system="DEBTORS"),
    _Account("620", "Prepayments", "CURRENT", "ASSET"),
    _Account("630", "Inventory", "INVENTORY", "ASSET"),
    _Account("710", "Office Equipment", "FIXED", "ASSET", "purchases"),
    _Account("800", "Accounts Payable", "CURRLIAB", "LIABILITY", system="CREDITORS"),
    _Account("801", "Unpaid Expense Claims", "CURRLIAB", "LIABILITY", system="UNPAIDEXPCLM"),
    _Account("820", "", "CURRLIAB", "LIABILITY", system="GST"),
    _Account("840", "Historical Adjustment", "CURRLIAB", "LIABILITY", system="HISTORICAL"),
    _Account("860", "Rounding", "EXPENSE", "EXPENSE", system="ROUNDING"),
    _Account("877", "Tracking Transfers", "CURRLIAB", "LIABILITY", system="TRACKINGTRANSFERS"),
    _Account("960", "Retained Earnings", "EQUITY", "EQUITY", system="RETAINEDEARNINGS"),
    _Account("970", "Owner A Funds Introduced", "EQUITY", "EQUITY"),
)

_DESCRIPTIONS = {
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "EUR": "Euro",
    "GBP": "British Pound",
    "NZD": "New Zealand Dollar",
    "USD": "United States Dollar",
}


def seed_accounts(region: Region, currency: str, new_id: NewId, now: datetime) -> Iterator[Record]:
    taxes = {"sales": region.sales_tax, "purchases": region.purchase_tax, "none": region.no_tax}
    for account in _CHART:
        record: Record = {
            "AccountID": new_id(),
            "Code": account.code,
            "Name": account.name or region.tax_name,
            "Status": account.status,
            "Type": account.type,
            "TaxType": taxes[account.side],
            "Class": account.class_,
            "EnablePaymentsToAccount": account.code == "970",
            "ShowInExpenseClaims": False,
            "HasAttachments": False,
            "UpdatedDateUTC": now,
            "AddToWatchlist": False,
        }
        if account.type == "BANK":
            record |= {"BankAccountNumber": "20202000000001", "BankAccountType": "BANK", "CurrencyCode": currency}
        if account.system:
            record["SystemAccount"] = account.system
        yield record


def tax_rate_record(
    tax_type: str, name: str, rate: Decimal, *, side: str, report: str, status: str, now: datetime
) -> Record:
    """Return one tax rate with a single component."""
    record: Record = {"Name": name, "TaxType": tax_type, "ReportTaxType": report}
    record |= {flag: letter in SIDES[side] for letter, flag in _FLAGS.items()}
    component = {"Name": "Tax", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}
    record |= {"DisplayTaxRate": rate, "EffectiveRate": rate, "Status": status, "TaxComponents": [component]}
    return record | {"UpdatedDateUTC": now}


def seed_tax_rates(region: Region, now: datetime) -> Iterator[Record]:
    for tax_type, name, rate, side, report, status in region.rates:
        yield tax_rate_record(tax_type, name, Decimal(rate), side=side, report=report, status=status, now=now)


def seed_branding_themes(new_id: NewId, now: datetime) -> Iterator[Record]:
    """Yield two themes; the default has the lowest SortOrder, which is 1 and not 0."""
    for name, order in (("Standard", 1), ("Special Projects", 3)):
        yield {
            "BrandingThemeID": new_id(),
            "Name": name,
            "LogoUrl": "",
            "Type": "INVOICE",
            "SortOrder": order,
            "CreatedDateUTC": now,
            "UpdatedDateUTC": now,
        }


def currency_record(code: str, now: datetime) -> Record:
    return {"Code": code, "Description": _DESCRIPTIONS.get(code, code), "UpdatedDateUTC": now}
