"""Items: products by code, with what a line takes from them on each side, and the stock of tracked ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulators.xero.arithmetic import ZERO, rounded
from simulators.xero.codec import ZERO_ID, Record, parse_number, units
from simulators.xero.contacts import Draft
from simulators.xero.state import Organisation

_TEXTS = {"Code": 30, "Name": 50, "Description": 4000, "PurchaseDescription": 4000, "InventoryAssetAccountCode": 10}
_SIDES = ("PurchaseDetails", "SalesDetails")
_SWITCHES = {"IsSold": ("Description", "SalesDetails"), "IsPurchased": ("PurchaseDescription", "PurchaseDetails")}


def find_item(organisation: Organisation, key: str) -> Record | None:
    """Return the item by id or code; blanks around a code do not count, nor does case: the simulator's decision."""
    key = key.strip().lower()
    return organisation.items.get(key) or organisation.items.first_by("Code", key)


def draft_item(
    organisation: Organisation, raw: Record, now: datetime, *, unit_places: int, create_only: bool
) -> Draft:
    """Merge the request into the item it names, or into a new one, and check the outcome."""
    errors: list[str] = []
    item_id, code = str(raw.get("ItemID") or ZERO_ID).lower(), str(raw.get("Code") or "").strip()
    old = organisation.items.get(item_id) if item_id != ZERO_ID else find_item(organisation, code)
    if create_only and old is not None:
        errors.append(f"Price List Item with Code '{code}' already exists")
    elif item_id != ZERO_ID and old is None:
        errors.append("An existing Item with the specified ItemID could not be found")
    new: Record = {"ItemID": ZERO_ID, "PurchaseDetails": {}, "SalesDetails": {}, "IsTrackedAsInventory": False}
    record = dict(old or new | {"IsSold": True, "IsPurchased": True})
    _take_texts(record, raw, errors)
    other = organisation.items.first_by("Code", str(record.get("Code", "")).lower())
    if old is not None and other is not None and other["ItemID"] != old["ItemID"]:
        errors.append(f"Price List Item with Code '{record['Code']}' already exists")
    for side in _SIDES:
        record[side] = _details(organisation, record[side], raw.get(side), unit_places, errors)
    _take_switches(record, raw)
    _take_stock(organisation, record, errors)
    return Draft(record | {"UpdatedDateUTC": now}, list(dict.fromkeys(errors)), is_new=old is None)


def save_item(organisation: Organisation, draft: Draft) -> Record:
    """Save an accepted draft; items raise no events."""
    new_id = {"ItemID": organisation.new_id()} if draft.is_new else {}
    return organisation.items.save(draft.record | new_id)


def item_view(item: Record, unit_places: int) -> Record:
    view = dict(item)
    for side in _SIDES:
        details = dict(item[side])
        if "UnitPrice" in details:
            details["UnitPrice"] = rounded(details["UnitPrice"], unit_places)
        view[side] = details
    return view | {"ValidationErrors": []}


def _take_texts(record: Record, raw: Record, errors: list[str]) -> None:
    for name, limit in _TEXTS.items():
        value = raw.get(name)
        if isinstance(value, str):
            record[name] = value.strip() if name == "Code" else value
        if units(record.get(name, "")) > limit:
            errors.append(f"The field {name} exceeds the maximum length of {limit}.")
    if not record.get("Code"):
        errors.append("The item Code must be specified.")


def _take_switches(record: Record, raw: Record) -> None:
    """An item that is not sold (or not purchased) loses the text and the details of that side."""
    for switch, (text, details) in _SWITCHES.items():
        if isinstance(raw.get(switch), bool):
            record[switch] = raw[switch]
        if not record[switch]:
            record.pop(text, None)
            record[details] = {}


def _take_stock(organisation: Organisation, record: Record, errors: list[str]) -> None:
    """Both accounts together make an item tracked; the words of the refusals are the simulator's own."""
    asset, cost = record.get("InventoryAssetAccountCode"), record["PurchaseDetails"].get("COGSAccountCode")
    if bool(asset) != bool(cost):
        errors.append("A tracked item needs both an InventoryAssetAccountCode and a COGSAccountCode.")
    account = organisation.accounts.first_by("Code", asset)
    if asset and (account is None or account["Type"] != "INVENTORY"):
        errors.append(f"The InventoryAssetAccountCode '{asset}' is not an account of type INVENTORY.")
    record["IsTrackedAsInventory"] = bool(asset and cost)
    if record["IsTrackedAsInventory"]:
        record.setdefault("QuantityOnHand", ZERO)
        record.setdefault("TotalCostPool", ZERO)


def _details(organisation: Organisation, old: Record, raw: Any, unit_places: int, errors: list[str]) -> Record:
    if not isinstance(raw, dict):
        return old
    names = ("AccountCode", "COGSAccountCode", "TaxType")
    details = old | {name: raw[name] for name in names if raw.get(name)}
    if raw.get("UnitPrice") is not None:
        try:
            details["UnitPrice"] = rounded(parse_number(raw["UnitPrice"]), unit_places)
        except ValueError:
            errors.append("The UnitPrice must be a number.")
    for name in ("AccountCode", "COGSAccountCode"):
        account = organisation.accounts.first_by("Code", details.get(name))
        if details.get(name) and (account is None or account["Type"] == "BANK"):
            errors.append(f"Account code '{details[name]}' is not a valid code for this document.")
    if details.get("TaxType") and details["TaxType"] not in organisation.tax_rates:
        errors.append(
            f"The TaxType code {details['TaxType']} does not exist or cannot be used for this type of transaction."
        )
    return details
