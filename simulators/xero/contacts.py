"""Contacts: who may be created, changed or archived, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulators.xero.balances import balances
from simulators.xero.codec import ZERO_ID, Record, units
from simulators.xero.state import Organisation
from simulators.xero.terms import merge_terms

UNIDENTIFIED = (
    "The Contact must contain at least 1 of the following elements to identify the contact: "
    "Name, ContactID, ContactNumber"
)
ARCHIVED = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)
_TEXTS = {
    "Name": 255,
    "ContactNumber": 50,
    "AccountNumber": 50,
    "FirstName": 255,
    "LastName": 255,
    "CompanyNumber": 50,
    "EmailAddress": 255,
    "BankAccountDetails": 255,
    "TaxNumber": 50,
    "AccountsReceivableTaxType": 50,
    "AccountsPayableTaxType": 50,
    "DefaultCurrency": 3,
    "SalesDefaultAccountCode": 10,
    "PurchasesDefaultAccountCode": 10,
    "SkypeUserName": 50,
    "Website": 255,
}
_PLAIN = frozenset({*_TEXTS, "ContactPersons", "SalesDefaultLineAmountType", "PurchasesDefaultLineAmountType"})
_SLOT_TEXTS = {
    "PhoneNumber": 50,
    "PhoneAreaCode": 10,
    "PhoneCountryCode": 20,
    **{f"AddressLine{number}": 500 for number in range(1, 5)},
    "City": 255,
    "Region": 255,
    "PostalCode": 50,
    "Country": 50,
    "AttentionTo": 255,
}
_PHONES = ("DEFAULT", "DDI", "FAX", "MOBILE")
_ADDRESSES = ("STREET", "POBOX")
IDENTIFYING = frozenset({"ContactID", "ContactNumber", "Name"})
_NOISE = frozenset({"HasValidationErrors", "HasAttachments", "ValidationErrors", "IsCustomer", "IsSupplier"})
_EMAIL = re.compile(r"^[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$")


@dataclass(frozen=True, slots=True)
class Draft:
    """A contact as it would be saved; it may be only if `errors` is empty."""

    record: Record
    errors: list[str] = field(default_factory=list)
    is_new: bool = False


def find_contact(organisation: Organisation, raw: Record) -> Record | None:
    """Return the contact that the identifying fields name: the id, else the number, else an active name."""
    contact_id = _text(raw, "ContactID").lower()
    if contact_id and contact_id != ZERO_ID:
        return organisation.contacts.get(contact_id)
    if number := _text(raw, "ContactNumber"):
        found = organisation.contacts.first_by("ContactNumber", number.lower())
        if found is not None:
            return found
    return find_active_by_name(organisation, _text(raw, "Name"))


def find_active_by_name(organisation: Organisation, name: str) -> Record | None:
    found = organisation.contacts.found_by("Name", name.lower())
    return next((contact for contact in found if contact["ContactStatus"] == "ACTIVE"), None)


def draft_contact(organisation: Organisation, raw: Record, now: datetime, *, create_only: bool) -> Draft:
    """Merge the request into the contact it names, or into a new one, and check the outcome."""
    if not any(_text(raw, name) for name in IDENTIFYING):
        return Draft({"ContactID": ZERO_ID} | raw, [UNIDENTIFIED], is_new=True)
    old = find_contact(organisation, raw)
    contact_id = _text(raw, "ContactID").lower()
    if contact_id and contact_id != ZERO_ID and old is None:
        return Draft(dict(raw), ["An existing Contact with the specified ContactID could not be found"])
    if old is not None and old["ContactStatus"] != "ACTIVE":
        return Draft({**old, **raw, "ContactID": old["ContactID"]}, [ARCHIVED])
    if create_only and old is not None:
        taken = _taken(organisation, raw, None) or _taken(organisation, old, None)
        return Draft({**raw, "ContactID": ZERO_ID}, taken, is_new=True)
    record = merge_contact(old or new_contact(now), raw, now)
    terms, errors = merge_terms(record.get("PaymentTerms") or {}, raw.get("PaymentTerms"))
    record |= {"PaymentTerms": terms} if terms else {}
    errors += _field_errors(raw, record) + _taken(organisation, record, old)
    return Draft(record, errors, is_new=old is None)


def save_contact(organisation: Organisation, draft: Draft, now: datetime) -> Record:
    """Save an accepted draft and raise its event."""
    record = draft.record
    if draft.is_new:
        record = {**record, "ContactID": organisation.new_id()}
    organisation.contacts.save(record)
    organisation.raise_event("CONTACT", record["ContactID"], "CREATE" if draft.is_new else "UPDATE", now)
    return record


def new_contact(now: datetime) -> Record:
    return {
        "ContactID": ZERO_ID,
        "ContactStatus": "ACTIVE",
        "Name": "",
        "BankAccountDetails": "",
        "Addresses": [_empty_address(kind) for kind in _ADDRESSES],
        "Phones": [_empty_phone(kind) for kind in _PHONES],
        "UpdatedDateUTC": now,
        "ContactGroups": [],
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactPersons": [],
        "HasValidationErrors": False,
    }


def merge_contact(old: Record, raw: Record, now: datetime) -> Record:
    """Return the contact with what the request names; what it omits stays, lists of persons are replaced."""
    record = {**old, **{name: raw[name] for name in raw if name in _PLAIN and raw[name] is not None}}
    record["Phones"] = _merged(old["Phones"], raw.get("Phones"), "PhoneType")
    record["Addresses"] = _merged(old["Addresses"], raw.get("Addresses"), "AddressType")
    if raw.get("ContactStatus") == "ARCHIVED":
        record["ContactStatus"] = "ARCHIVED"
    record["UpdatedDateUTC"] = now
    return record


def changes_contact(raw: Record) -> bool:
    """Say whether a contact inside a document carries more than what identifies it."""
    return any(name not in IDENTIFYING | _NOISE and value not in (None, "", []) for name, value in raw.items())


def _field_errors(raw: Record, record: Record) -> list[str]:
    errors = [
        f"The field {name} exceeds the maximum length of {limit}."
        for name, limit in _TEXTS.items()
        if units(_text(raw, name)) > limit
    ]
    errors += [
        f"The field {name} exceeds the maximum length of {limit}."
        for slot in [*record["Phones"], *record["Addresses"]]
        for name, limit in _SLOT_TEXTS.items()
        if units(_text(slot, name)) > limit
    ]
    name = record["Name"]
    if not name:
        errors.append(UNIDENTIFIED)
    if re.search(r"[<>]|^\s|\s$|\s\s", name):
        errors.append("The contact name must not contain angle brackets, or leading, trailing or double spaces.")
    email = record.get("EmailAddress") or ""
    if email and not (email.isascii() and _EMAIL.match(email)):  # umlauts are not supported
        errors.append("Email address must be valid.")
    if len(record["ContactPersons"]) > 5:
        errors.append("A contact can have no more than 5 contact persons.")
    if raw.get("ContactStatus") not in (None, "", "ACTIVE", "ARCHIVED"):
        errors.append(f"'{raw['ContactStatus']}' is not valid for contacts")
    return errors


def _taken(organisation: Organisation, record: Record, old: Record | None) -> list[str]:
    errors, own_id = [], old["ContactID"] if old else None
    name, number = _text(record, "Name"), _text(record, "ContactNumber")
    other = find_active_by_name(organisation, name)
    if other is not None and other["ContactID"] != own_id:
        errors.append(
            f"The contact name {name} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
    holders = organisation.contacts.found_by("ContactNumber", number.lower()) if number else []
    if any(holder["ContactID"] != own_id for holder in holders):
        errors.append(
            f"The contact number {number} is already assigned to another contact. The contact number must be unique."
        )
    return errors


_SUMMARY_DROPS = frozenset(
    {
        "Addresses",
        "Balances",
        "ContactGroups",
        "ContactPersons",
        "IsCustomer",
        "IsSupplier",
        "SalesDefaultAccountCode",
        "PurchasesDefaultAccountCode",
        "PaymentTerms",
    }
)


def summary_view(contact: Record) -> Record:
    return {name: value for name, value in contact.items() if name not in _SUMMARY_DROPS}


def mark_contact(organisation: Organisation, contact_id: str, *, sales: bool) -> None:
    """The first document of a side makes the contact a customer or a supplier; its update time stays."""
    flag = "IsCustomer" if sales else "IsSupplier"
    contact = organisation.contacts[contact_id]
    if not contact[flag]:
        organisation.contacts.save({**contact, flag: True})


def detailed_view(organisation: Organisation, contact: Record, now: datetime) -> Record:
    return contact | {
        "Balances": balances(organisation, contact["ContactID"], now),
        "HasAttachments": False,
    }


def embedded_view(contact: Record) -> Record:
    """How a single document shows its contact."""
    return contact | {"SalesTrackingCategories": [], "PurchasesTrackingCategories": []}


def reference_view(contact_id: str | None, name: str | None) -> Record:
    """How a list of documents, or a refused document, shows its contact."""
    return {
        "ContactID": contact_id,
        "Name": name,
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
    }


def error_view(draft: Draft) -> Record:
    lists: Record = {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": []}
    return {**lists, **draft.record, "HasValidationErrors": True}


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _merged(old: list[Record], new: Any, key: str) -> list[Record]:
    """Merge slots by type: the request's slots replace the fields they name."""
    if not isinstance(new, list):
        return old
    given = {slot.get(key): slot for slot in new if isinstance(slot, dict)}
    return [
        slot | {name: value for name, value in given.get(slot[key], {}).items() if value is not None} for slot in old
    ]


def _empty_phone(kind: str) -> Record:
    return {"PhoneType": kind, "PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}


def _empty_address(kind: str) -> Record:
    return {"AddressType": kind, "City": "", "Region": "", "PostalCode": "", "Country": ""}
