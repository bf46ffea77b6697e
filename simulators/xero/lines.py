"""Document lines: defaults from item and account, checks in Xero's words, amounts and tax."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulators.xero.arithmetic import ZERO, line_amount, line_tax, rounded
from simulators.xero.codec import Record, number_text, parse_number, units
from simulators.xero.items import find_item
from simulators.xero.seeds import CLASS_FLAGS
from simulators.xero.state import Organisation
from simulators.xero.tracking import read_tracking

UNPOSTABLE_SYSTEM_ACCOUNTS = frozenset(
    {"DEBTORS", "CREDITORS", "GST", "GSTONIMPORTS", "UNPAIDEXPCLM", "TRACKINGTRANSFERS", "RETAINEDEARNINGS"}
    | {"BANKCURRENCYGAIN", "REALISEDCURRENCYGAIN", "UNREALISEDCURRENCYGAIN"}
)
_PRICED = ("Quantity", "UnitAmount", "LineAmount", "ItemCode", "AccountCode", "AccountID", "TaxType")
_NUMBERS = ("Quantity", "UnitAmount", "LineAmount", "TaxAmount", "DiscountRate", "DiscountAmount")
_DISCOUNTS = ("DiscountRate", "DiscountAmount")
_UNTAXED = frozenset({"LineItemID", "Description", "Tracking"})
_QUANTITY_MAX = 13
"""Characters, as sent."""
_LINE_MAX = Decimal("9999999999.99")


@dataclass(frozen=True, slots=True)
class LineRules:
    """What the document means for its lines."""

    organisation: Organisation
    sales: bool
    line_amount_types: str
    approved: bool
    unit_places: int
    undiscounted: str | None = None
    """What Xero's messages call a document that takes no discounts; None: this one does."""
    retaxed: bool = False
    """Whether the tax mode changed, so that the tax of untouched lines must be computed anew."""


class _Line:
    """One line being built: the request over what it changes, and what is wrong with it."""

    def __init__(self, rules: LineRules, raw: Record, old: Record) -> None:
        self.rules = rules
        self.errors: list[str] = []
        self.raw = {name: value for name, value in raw.items() if value is not None}
        self.numbers: dict[str, Decimal] = {}
        self.old = old

    def text(self, name: str) -> str:
        value = self.raw.get(name, self.old.get(name))
        return value if isinstance(value, str) else "" if value is None else str(value)

    def number(self, name: str) -> Decimal | None:
        return self.numbers.get(name)


def build_lines(rules: LineRules, raws: list[Record], old_lines: list[Record]) -> tuple[list[Record], list[str]]:
    """Return the new set of lines and every error; lines that name no known LineItemID are new ones.

    A line that names one keeps the id and every field that the request leaves out. A second line with the same
    id is a new one: the simulator's decision.
    """
    known = {line["LineItemID"]: line for line in old_lines}
    lines, errors = [], []
    for raw in raws:
        line_id = str(raw.get("LineItemID") or "").lower()
        built = _Line(rules, raw, known.pop(line_id, {}))
        lines.append(_build(built) | {"LineItemID": line_id if built.old else rules.organisation.new_id()})
        errors += built.errors
    return lines, list(dict.fromkeys(errors))


def _build(line: _Line) -> Record:
    _read_numbers(line)
    tracking = _tracking(line)
    is_text = not any(name in line.raw or name in line.old for name in _PRICED)
    if is_text:
        _require_description(line, line.text("Description"))
        return {"Description": line.text("Description"), "Tracking": tracking}
    item = _item(line)
    record: Record = {"ItemCode": item["Code"]} if item else {}
    record["Description"] = line.text("Description") or _from_item(line, item, "Description")
    _require_description(line, record["Description"])
    record["Tracking"] = tracking
    _add_amounts(line, record, item)
    _add_account_and_tax(line, record, item)
    if item:
        record["Item"] = {name: item.get(name) for name in ("ItemID", "Name", "Code")}
    return record


def _tracking(line: _Line) -> list[Record]:
    if "Tracking" not in line.raw:
        return list(line.old.get("Tracking", []))
    tracking, errors = read_tracking(line.rules.organisation, line.raw["Tracking"])
    line.errors += errors
    return tracking


def _read_numbers(line: _Line) -> None:
    rediscounted = any(name in line.raw for name in _DISCOUNTS)
    for name in _NUMBERS:
        if name in line.raw:
            try:
                line.numbers[name] = parse_number(line.raw[name])
            except ValueError:
                line.errors.append(f"The {name} of a line item must be a number.")
        elif name in line.old and (name in {"Quantity", "UnitAmount"} or (name in _DISCOUNTS and not rediscounted)):
            line.numbers[name] = line.old[name]
    if "Quantity" in line.raw and len(format(line.number("Quantity") or ZERO, "f")) > _QUANTITY_MAX:
        line.errors.append(f"The field Quantity exceeds the maximum length of {_QUANTITY_MAX}.")  # our words
    if line.old.get("TaxAmount") is not None and line.raw.keys() <= _UNTAXED and not line.rules.retaxed:
        line.numbers.setdefault("TaxAmount", line.old["TaxAmount"])
    if line.rules.undiscounted and any(line.numbers.get(name) for name in _DISCOUNTS):
        line.errors.append(f"Discounts may not be applied to {line.rules.undiscounted}.")


def _require_description(line: _Line, description: str) -> None:
    if not description and line.rules.approved:
        line.errors.append("The description field is mandatory for each line item.")
    if units(description) > 4000:
        line.errors.append("The field Description exceeds the maximum length of 4000.")


def _item(line: _Line) -> Record | None:
    """Return the line's item, sold or purchased or not.

    The API's description ties IsSold and IsPurchased to the choice in Xero's pages and says of no refusal: the
    simulator takes such an item on either side, where it then gives the line no price, account or tax.
    """
    code = line.text("ItemCode").strip()
    if not code:
        return None
    item = find_item(line.rules.organisation, code)
    if item is None:
        line.errors.append(f"Item code '{code}' is not valid")
    return item


def _from_item(line: _Line, item: Record | None, name: str) -> Any:
    """Return what the item says for this side: description, UnitPrice, AccountCode, TaxType."""
    if item is None:
        return ""
    if name == "Description":
        return item.get("Description" if line.rules.sales else "PurchaseDescription") or item.get("Name") or ""
    if name == "AccountCode" and item["IsTrackedAsInventory"] and not line.rules.sales:
        return item["InventoryAssetAccountCode"]  # what is bought for stock is an asset until it is sold
    details: Record = item.get("SalesDetails" if line.rules.sales else "PurchaseDetails") or {}
    return details.get(name, "")


def _add_amounts(line: _Line, record: Record, item: Record | None) -> None:
    quantity, unit, amount = line.number("Quantity"), line.number("UnitAmount"), line.number("LineAmount")
    if unit is None and amount is None and item is not None:
        unit = _from_item(line, item, "UnitPrice") or None
    quantity = rounded(quantity, 4) if quantity is not None else Decimal(1)
    if unit is not None:
        stored = "UnitAmount" in line.old and "UnitAmount" not in line.raw
        unit = unit if stored else rounded(unit, line.rules.unit_places)
    elif amount is not None and quantity:
        unit = rounded(amount / quantity, line.rules.unit_places)
        expected = rounded(amount)
    else:
        unit = ZERO
    rate, discount = line.number("DiscountRate"), line.number("DiscountAmount")
    if line.number("UnitAmount") is not None or amount is None:
        expected = line_amount(quantity, unit, discount_rate=rate, discount_amount=discount)
    if discount is not None and rate is None and not line.rules.undiscounted:
        _check_discount(line, rounded(discount), quantity * unit)
    if amount is not None and rounded(amount) != expected:
        _refuse_amount(line, amount, expected, quantity)
    if abs(expected) > _LINE_MAX:
        line.errors.append("The field LineAmount is out of range.")
    record |= {"UnitAmount": unit, "LineAmount": expected, "Quantity": quantity}
    if rate:
        record["DiscountRate"] = rate
    elif discount:
        record["DiscountAmount"] = rounded(discount)


def _check_discount(line: _Line, discount: Decimal, gross: Decimal) -> None:
    """Refuse a discount above the line, also one that only its own rounding puts above it.

    Seen with 27.8260 taken off 27.8260 (XeroAPI/xero-php-oauth2 issue 288) and with 0 off a negative price
    (XeroAPI/Xero-OpenAPI issue 429). Xero calls the amount a rate.
    """
    if discount > gross:
        line.errors.append(
            f"The discount rate '{discount:.2f}' is invalid. Discount must not be greater than the line total."
        )


def _refuse_amount(line: _Line, amount: Decimal, expected: Decimal, quantity: Decimal) -> None:
    """Refuse a LineAmount that Xero computes differently.

    One report (XeroAPI/Xero-Java issue 353) shows other words for a price of more than 4 decimals: its amounts
    fitted the price as it was sent, and not the one that can be stored. So that is when the simulator uses them.
    """
    sent = line.number("UnitAmount")
    if sent is not None and sent != rounded(sent, 4):
        rate, discount = line.number("DiscountRate"), line.number("DiscountAmount")
        if rounded(amount) == line_amount(quantity, sent, discount_rate=rate, discount_amount=discount):
            line.errors += ["Account must be valid.", "Tax rate must be valid."]
            return
    line.errors.append(
        f"The line total {number_text(amount)} does not match the expected line total {number_text(expected)}"
    )


def _add_account_and_tax(line: _Line, record: Record, item: Record | None) -> None:
    account = _account(line, item)
    if account is not None:
        record |= {"AccountCode": account.get("Code"), "AccountID": account["AccountID"]}
    elif code := line.text("AccountCode"):
        record["AccountCode"] = code
    tax_type = _tax_type(line, item, account)
    if tax_type:
        record["TaxType"] = tax_type
    record["TaxAmount"] = _tax_amount(line, record, tax_type)


def _account(line: _Line, item: Record | None) -> Record | None:
    accounts = line.rules.organisation.accounts
    kept_id = "" if "AccountCode" in line.raw else line.old.get("AccountID")  # its code may be another one by now
    account_id, code = str(line.raw.get("AccountID") or kept_id or ""), line.text("AccountCode")
    code = code or _from_item(line, item, "AccountCode")
    account = accounts.get(account_id.lower()) if account_id else accounts.first_by("Code", code)
    if account is None and not code and not account_id:
        if line.rules.approved:
            line.errors.append("Account code must be specified")
        return None
    shown = code or account_id
    if account is None or account["Type"] == "BANK" or account.get("SystemAccount") in UNPOSTABLE_SYSTEM_ACCOUNTS:
        line.errors.append(f"Account code '{shown}' is not a valid code for this document.")
        return None
    if account["Status"] != "ACTIVE":
        line.errors.append(
            f"Account code '{shown}' has been archived, or has been deleted. "
            "Each line item must reference a valid account."
        )
        return None
    return account


def _tax_type(line: _Line, item: Record | None, account: Record | None) -> str | None:
    rules = line.rules
    if rules.line_amount_types == "NoTax":
        return rules.organisation.region.no_tax
    # A line that moves to another account without naming a tax type takes that account's.
    kept = "" if "AccountCode" in line.raw and line.raw["AccountCode"] != line.old.get("AccountCode") else "TaxType"
    tax_type = str(line.raw.get("TaxType") or line.old.get(kept) or _from_item(line, item, "TaxType") or "")
    tax_type = tax_type or (account or {}).get("TaxType", "")
    if not tax_type:
        if rules.approved and account is not None:
            line.errors.append("The TaxType field is mandatory")
        return None
    rate = rules.organisation.tax_rates.get(tax_type)
    if rate is None:
        line.errors.append(
            f"The TaxType code {tax_type} does not exist or cannot be used for this type of transaction."
        )
    elif rate["Status"] != "ACTIVE":
        line.errors.append("Tax rate must be Active")
    elif account is not None and not rate[CLASS_FLAGS[account["Class"]]]:
        line.errors.append(
            f"The TaxType code '{tax_type}' cannot be used with account code '{account.get('Code', '')}'."
        )
    return tax_type


def _tax_amount(line: _Line, record: Record, tax_type: str | None) -> Decimal:
    if line.rules.line_amount_types == "NoTax":
        return ZERO
    override = line.number("TaxAmount")
    if override is not None:
        return rounded(override)
    rate = line.rules.organisation.tax_rates.get(tax_type or "")
    percentage = rate["EffectiveRate"] if rate else ZERO
    return line_tax(record["LineAmount"], percentage, line.rules.line_amount_types)
