"""Items: products by code, with what a line takes from them on each side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulators.xero.arithmetic import rounded
from simulators.xero.codec import ZERO_ID, Record, parse_number
from simulators.xero.contacts import Draft
from simulators.xero.state import Organisation

_TEXTS = {"Code": 30, "Name": 50, "Description": 4000, "PurchaseDescription": 4000}
_SIDES = ("PurchaseDetails", "SalesDetails")


def find_item(organisation: Organisation, key: str) -> Record | None:
    """Return the item by id or code."""
    return organisation.items.get(key.lower()) or organisation.items.first_by("Code", key.lower())


def draft_item(
    organisation: Organisation, raw: Record, now: datetime, *, unit_places: int, create_only: bool
) -> Draft:
    """Merge the request into the item it names, or into a new one, and check the outcome."""
    errors: list[str] = []
    item_id, code = str(raw.get("ItemID") or ZERO_ID).lower(), str(raw.get("Code") or "")
    old = organisation.items.get(item_id) if item_id != ZERO_ID else find_item(organisation, code)
    if create_only and old is not None:
        errors.append(f"Price List Item with Code '{code}' already exists")
    elif item_id != ZERO_ID and old is None:
        errors.append("An existing Item with the specified ItemID could not be found")
    new: Record = {"ItemID": ZERO_ID, "PurchaseDetails": {}, "SalesDetails": {}, "IsTrackedAsInventory": False}
    record = dict(old or new | {"IsSold": True, "IsPurchased": True})
    for name, limit in _TEXTS.items():
        value = raw.get(name)
        if isinstance(value, str):
            record[name] = value
        if len(record.get(name, "")) > limit:
            errors.append(f"The field {name} exceeds the maximum length of {limit}.")
    record |= {name: raw[name] for name in ("IsSold", "IsPurchased") if isinstance(raw.get(name), bool)}
    if not record.get("Code"):
        errors.append("The item Code must be specified.")
    other = organisation.items.first_by("Code", str(record.get("Code", "")).lower())
    if old is not None and other is not None and other["ItemID"] != old["ItemID"]:
        errors.append(f"Price List Item with Code '{record['Code']}' already exists")
    for side in _SIDES:
        record[side] = _details(organisation, record[side], raw.get(side), unit_places, errors)
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


def _details(organisation: Organisation, old: Record, raw: Any, unit_places: int, errors: list[str]) -> Record:
    if not isinstance(raw, dict):
        return old
    details = old | {name: raw[name] for name in ("AccountCode", "TaxType") if raw.get(name)}
    if raw.get("UnitPrice") is not None:
        try:
            details["UnitPrice"] = rounded(parse_number(raw["UnitPrice"]), unit_places)
        except ValueError:
            errors.append("The UnitPrice must be a number.")
    account = organisation.accounts.first_by("Code", details.get("AccountCode"))
    if details.get("AccountCode") and (account is None or account["Type"] == "BANK"):
        errors.append(f"Account code '{details['AccountCode']}' is not a valid code for this document.")
    if details.get("TaxType") and details["TaxType"] not in organisation.tax_rates:
        errors.append(
            f"The TaxType code {details['TaxType']} does not exist or cannot be used for this type of transaction."
        )
    return details
