"""What invoices and credit notes have in common: fields to read, a contact, dates, currency, lock dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from simulators.xero.codec import Record, parse_date, parse_number, units
from simulators.xero.contacts import (
    UNIDENTIFIED,
    Draft,
    changes_contact,
    draft_contact,
    find_contact,
    new_contact,
)
from simulators.xero.lines import LineRules, build_lines
from simulators.xero.state import Organisation
from simulators.xero.statuses import APPROVED, creation_error, transition_error

NO_CONTACT = "A Contact must be specified for this type of transaction"
_LINE_EDITABLE_WHEN_SETTLED = frozenset({"Description", "AccountCode", "AccountID", "Tracking"})
LINE_AMOUNT_TYPES = frozenset({"Exclusive", "Inclusive", "NoTax"})
# Users of the API report that a document below zero is taken as a draft and cannot be approved
# (support.kindo.co.nz, negative invoices). Nothing gives Xero's words: these are the simulator's own. Nothing says
# either what becomes of one that is SUBMITTED: it is taken.
BELOW_ZERO = "The document total cannot be negative when it is approved."
ODD_RATE_FACTOR = Decimal(2)


@dataclass
class Editing:
    """A document between request and save: the record grows, errors and warnings gather."""

    organisation: Organisation
    raw: Record
    old: Record
    now: datetime
    unit_places: int
    record: Record = field(default_factory=dict)
    contact: Draft | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return not self.old

    @property
    def approved(self) -> bool:
        return self.record["Status"] in APPROVED

    def sent(self, name: str) -> Any:
        """Return what the request says of a field; None when it says nothing."""
        value = self.raw.get(name)
        return None if value == "" else value


def take_status(editing: Editing, *, settled: bool, noun: str = "Invoice") -> None:
    """Let the document go to the status that is asked for, DRAFT at first; `settled`: something hangs on it."""
    status = editing.sent("Status") or editing.old.get("Status") or "DRAFT"
    if editing.is_new:
        error = creation_error(status, noun=noun)
    else:
        error = transition_error(editing.old["Status"], status, settled=settled, noun=noun)
    if error:
        editing.errors.append(error)
    editing.record["Status"] = status


def take_type(editing: Editing, sales: str, purchase: str, *, noun: str = "Invoice") -> None:
    """A document is of either side from its beginning."""
    kind = editing.sent("Type") or editing.old.get("Type")
    if editing.is_new and kind not in {sales, purchase}:
        editing.errors.append(f"{noun} not of valid type for creation")
        kind = sales
    elif editing.old and kind != editing.old["Type"]:
        editing.errors.append(f"{noun} not of valid type for modification")
        kind = editing.old["Type"]
    editing.record["Type"] = kind


def take_texts(editing: Editing, limits: dict[str, int]) -> None:
    for name, limit in limits.items():
        value = editing.raw.get(name)
        if not isinstance(value, str):
            continue
        if units(value) > limit:
            editing.errors.append(f"The field {name} exceeds the maximum length of {limit}.")
        editing.record[name] = value


def take_number(editing: Editing, name: str) -> None:
    take_texts(editing, {name: 255})
    number = editing.record.get(name) or ""
    if not number.isascii() or (number and not number.isprintable()):
        editing.errors.append(f"The {name} field may only contain printable ASCII characters.")


def take_line_amount_types(editing: Editing) -> None:
    mode = editing.sent("LineAmountTypes") or editing.record.get("LineAmountTypes") or "Exclusive"
    if mode not in LINE_AMOUNT_TYPES:
        editing.errors.append("The LineAmountTypes field is not valid.")
        mode = "Exclusive"
    editing.record["LineAmountTypes"] = mode


def take_theme(editing: Editing) -> None:
    """Take the branding theme of a sales document, or the default one."""
    organisation, record = editing.organisation, editing.record
    theme = str(editing.sent("BrandingThemeID") or record.get("BrandingThemeID") or organisation.default_theme_id())
    if theme.lower() not in organisation.branding_themes:
        editing.errors.append("The BrandingThemeID could not be found.")
    record["BrandingThemeID"] = theme.lower()


def take_date(editing: Editing, name: str, default: date | None) -> None:
    value = editing.sent(name)
    if value is None:
        if default is not None:
            editing.record.setdefault(name, default)
        return
    try:
        editing.record[name] = parse_date(value)
    except ValueError:
        editing.errors.append(f"The {name} field is not a valid date.")


def take_document_date(editing: Editing) -> None:
    """Take the Date, today by default; neither the old nor the new day may be locked."""
    record = editing.record
    if "Date" in editing.raw and editing.sent("Date") is None and editing.approved:
        editing.errors.append("The Date field must be specified.")
    take_date(editing, "Date", editing.organisation.today(editing.now))
    days = {record["Date"], editing.old.get("Date", record["Date"])} if "Date" in record else set()
    editing.errors += lock_errors(editing.organisation, sorted(days))


def take_contact(editing: Editing) -> None:
    """Resolve the contact: an id or number must exist, an unknown name becomes a new contact."""
    raw = editing.raw.get("Contact")
    if not isinstance(raw, dict) or not raw:
        if editing.is_new:
            editing.errors.append(UNIDENTIFIED if raw == {} else NO_CONTACT)
        return
    if not changes_contact(raw) and not raw.get("Name") and not raw.get("ContactID") and not raw.get("ContactNumber"):
        editing.errors.append(UNIDENTIFIED)
        return
    found = find_contact(editing.organisation, raw)
    if found is None and not raw.get("Name"):
        editing.errors.append(NO_CONTACT)
        return
    if found is not None and found["ContactStatus"] != "ACTIVE":
        if editing.is_new or found["ContactID"] != editing.record["Contact"]["ContactID"]:
            editing.errors.append("The contact status 'ARCHIVED' is not valid for contacts")
        return
    if found is None or changes_contact(raw):
        # The persons that the request does not list are lost: that is what Xero does.
        lists = {"ContactPersons": raw.get("ContactPersons", [])}
        draft = draft_contact(editing.organisation, raw | lists, editing.now, create_only=False)
        editing.errors += draft.errors
        editing.contact = draft
        found = draft.record if not draft.errors else new_contact(editing.now)
    editing.record["Contact"] = {"ContactID": found["ContactID"]}


def take_currency(editing: Editing) -> None:
    organisation, record = editing.organisation, editing.record
    code = editing.sent("CurrencyCode")
    if code is not None and code not in organisation.currencies:
        editing.errors.append(f"Organisation is not subscribed to currency {code}")
        return
    changed = code is not None and code != record.get("CurrencyCode")
    record["CurrencyCode"] = code or record.get("CurrencyCode") or organisation.base_currency
    market = organisation.day_rate(record["CurrencyCode"])
    if changed or "CurrencyRate" not in record:
        record["CurrencyRate"] = market
    if editing.sent("CurrencyRate") is None or record["CurrencyCode"] == organisation.base_currency:
        return
    try:
        rate = parse_number(editing.sent("CurrencyRate"))
    except ValueError:
        editing.errors.append("The CurrencyRate field must be a number.")
        return
    if rate <= 0:
        editing.errors.append("The CurrencyRate field must be greater than zero.")
        return
    record["CurrencyRate"] = rate
    if rate > market * ODD_RATE_FACTOR or rate * ODD_RATE_FACTOR < market:
        editing.warnings.append("The currency rate differs widely from the market rate.")


def take_lines(editing: Editing, *, sales: bool, undiscounted: str | None) -> None:
    """Replace the set of lines by the request's; recompute the lines that stay when their tax mode changed.

    `undiscounted` names the documents that take no discounts, if this is one.
    """
    record = editing.record
    old_lines: list[Record] = editing.old.get("LineItems", [])
    raws = editing.raw.get("LineItems")
    mode_changed = record["LineAmountTypes"] != editing.old.get("LineAmountTypes", record["LineAmountTypes"])
    approving = editing.approved and editing.old.get("Status") not in APPROVED
    if raws is None and not editing.is_new and (mode_changed or approving):
        raws = [{"LineItemID": line["LineItemID"]} for line in old_lines]
    if raws is None:
        record.setdefault("LineItems", [])
    elif not isinstance(raws, list) or not all(isinstance(raw, dict) for raw in raws):
        editing.errors.append("The LineItems field is not valid.")
        record.setdefault("LineItems", [])
    else:
        rules = LineRules(
            organisation=editing.organisation,
            sales=sales,
            line_amount_types=record["LineAmountTypes"],
            approved=editing.approved,
            unit_places=editing.unit_places,
            undiscounted=undiscounted,
            retaxed=mode_changed,
        )
        record["LineItems"], errors = build_lines(rules, raws, old_lines)
        editing.errors += errors
    if editing.approved and not record["LineItems"]:
        editing.errors.append("One or more line items must be specified")


def lock_errors(organisation: Organisation, days: list[date]) -> list[str]:
    """Say which lock dates the document runs into; a lock date itself is locked."""
    errors = []
    if (lock := organisation.period_lock_on) and any(day <= lock for day in days):
        errors.append(f"The document date cannot be before the period lock date, currently set at {_words(lock)}")
    if (lock := organisation.year_end_lock_on) and any(day <= lock for day in days):
        errors.append(
            f"The document date cannot be before the end of year lock date, currently set at {_words(lock)}"
        )
    return errors


def changed(editing: Editing) -> set[str]:
    """Return the names of the fields that differ from before."""
    names = editing.record.keys() | editing.old.keys()
    return {name for name in names if editing.record.get(name) != editing.old.get(name) and name != "UpdatedDateUTC"}


def touches_settlement(editing: Editing, editable: frozenset[str]) -> bool:
    """Say whether the edit reaches beyond the fields, and the parts of lines, that stay open once it is settled."""
    return bool(changed(editing) - editable) or _line_cores(editing.old) != _line_cores(editing.record)


def _line_cores(document: Record) -> list[Record]:
    return [
        {name: value for name, value in line.items() if name not in _LINE_EDITABLE_WHEN_SETTLED}
        for line in document["LineItems"]
    ]


def url_error(url: str) -> str | None:
    """Refuse what is no absolute http(s) address, and hosts that carry Xero's name."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "The Url field must be a valid http or https URL."
    if "xero" in parts.hostname.lower():
        return "The Url field must not contain a Xero host."
    return None


def _words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
