"""Tracking: an organisation's categories with their options, and what a line says of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulators.xero.codec import Record
from simulators.xero.seeds import NewId
from simulators.xero.state import Organisation

LINE_MAX = 2


def category_record(name: str, options: Iterable[str], new_id: NewId, now: datetime) -> Record:
    """Return a new active category."""
    return {
        "Name": name,
        "Status": "ACTIVE",
        "TrackingCategoryID": new_id(),
        "Options": [option_record(option, new_id) for option in options],
        "UpdatedDateUTC": now,
    }


def option_record(name: str, new_id: NewId) -> Record:
    return {"TrackingOptionID": new_id(), "Name": name, "Status": "ACTIVE"}


def category_view(category: Record, *, archived: bool) -> Record:
    """Return the category as GET /TrackingCategories shows it; `archived` options only on demand."""
    options = [option for option in category["Options"] if archived or option["Status"] == "ACTIVE"]
    return category | {"Options": options, "UpdatedDateUTC": None}


def read_tracking(organisation: Organisation, raw: Any) -> tuple[list[Record], list[str]]:
    """Return what a line's Tracking says with all its ids and names, and what is wrong with it."""
    if not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
        return [], ["The Tracking of a line item is not valid."]
    tracking, errors = [], []
    for each in raw:
        category = _named(organisation.tracking_categories.values(), each, "TrackingCategoryID", "Name")
        if category is None:
            errors.append(_no_category(each))
            continue
        option = _named(category["Options"], each, "TrackingOptionID", "Option")
        if option is None:
            errors.append(_no_option(each, category["Name"]))
            continue
        names = {"Name": category["Name"], "Option": option["Name"]}
        ids = {
            name: record[name] for name, record in (("TrackingCategoryID", category), ("TrackingOptionID", option))
        }
        tracking.append(names | ids)
    if len(raw) > LINE_MAX or len({each["TrackingCategoryID"] for each in tracking}) < len(tracking):
        errors.append(f"A line item can have a maximum of {LINE_MAX} tracking categories, each of them once.")
    return tracking, errors


def _named(records: Iterable[Record], raw: Record, id_field: str, name_field: str) -> Record | None:
    """Return the active record that the id names, else the name, without regard to case."""
    wanted_id, name = (str(raw.get(field) or "").lower() for field in (id_field, name_field))
    active = [record for record in records if record["Status"] == "ACTIVE"]
    if wanted_id:
        return next((record for record in active if record[id_field] == wanted_id), None)
    return next((record for record in active if record["Name"].lower() == name), None)


# No source gives Xero's words for the Tracking of a document's line. The sentence on categories is what it says of a
# contact's default category (calcinai/xero-php pull 386); the others are the simulator's own, and so is refusing at
# all: users report that tracking which is not known was sometimes left out in silence (calcinai/xero-php issue 84).
def _no_category(raw: Record) -> str:
    if wanted := raw.get("TrackingCategoryID"):
        return f"There is no ACTIVE tracking category with the id '{wanted}'"
    return f"There is no ACTIVE tracking category with the name '{raw.get('Name') or ''}'"


def _no_option(raw: Record, category: str) -> str:
    named = f"id '{raw['TrackingOptionID']}'" if raw.get("TrackingOptionID") else f"name '{raw.get('Option') or ''}'"
    return f"There is no ACTIVE tracking option with the {named} in the tracking category '{category}'"
