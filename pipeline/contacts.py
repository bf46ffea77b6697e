"""Finds the Xero contacts of customers, and creates unknown ones once (rules C20 to C22), a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from clients.dataverse import Payload
from core import ids
from core.invoice import Customer
from core.preferences import Preferences
from mappers.contacts import match_contact, tidy, to_xero_contact
from pipeline.tools import Tools

NAME_TAKEN = "already assigned to another contact"
CHUNK = 50


def resolve_contacts(
    tools: Tools, customers: Iterable[Customer], *, preferences: Preferences
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the Xero contact id of each customer, and by customer id why there is none.

    Raises Transient, Limited, Disconnected or Unknown (a contact may exist now; the next look finds it).
    """
    wanted = {customer.id: customer for customer in customers}
    known = tools.memory.contact_ids(wanted)
    unknown = [customer for customer in wanted.values() if customer.id not in known]
    if not unknown:
        return known, {}
    found, problems = _look_up(tools, unknown)
    missing = [customer for customer in unknown if customer.id not in found and customer.id not in problems]
    if missing and preferences.create_contacts:
        made, refused = _create(tools, missing)
        found |= made
        problems |= refused
    elif missing:
        problems |= {
            customer.id: f"Xero does not know the customer “{customer.name}”. Create the contact in Xero, or let the "
            "connector do it (setting: Create new contacts in Xero)."
            for customer in missing
        }
    tools.memory.remember_contacts(found)
    return known | found, problems


def _look_up(
    tools: Tools, customers: Sequence[Customer], *, include_archived: bool = False
) -> tuple[dict[str, str], dict[str, str]]:
    contacts = list(
        tools.xero.list_contacts_matching(
            contact_numbers=[customer.id for customer in customers],
            account_numbers=[customer.account_number for customer in customers if customer.account_number],
            names=[tidy(customer.name) for customer in customers if tidy(customer.name)],
            include_archived=include_archived,
        )
    )
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    for customer in customers:
        matches, step = match_contact(customer, contacts)
        if len(matches) == 1:
            _accept(customer, matches[0], found, problems)
        elif matches:
            names = ", ".join(sorted(f"“{contact['Name']}” ({contact['ContactID']})" for contact in matches))
            problems[customer.id] = f"Several contacts in Xero have the {step} of this customer: {names}. Merge them."
    return found, problems


def _accept(customer: Customer, contact: Payload, found: dict[str, str], problems: dict[str, str]) -> None:
    if contact.get("ContactStatus") == "ARCHIVED":
        problems[customer.id] = f"The contact “{contact['Name']}” is archived in Xero. Restore it there."
    else:
        found[customer.id] = contact["ContactID"]


def _create(tools: Tools, customers: Sequence[Customer]) -> tuple[dict[str, str], dict[str, str]]:
    """Create contacts; a name that is taken is looked at again, archived ones included, then told apart."""
    made, refused = _put(tools, {customer.id: tidy(customer.name) for customer in customers}, customers)
    taken = [customer for customer in customers if NAME_TAKEN in refused.get(customer.id, "")]
    if not taken:
        return made, refused
    found, problems = _look_up(tools, taken, include_archived=True)
    again = [customer for customer in taken if customer.id not in found and customer.id not in problems]
    numbered = [customer for customer in again if customer.account_number]
    names = {customer.id: f"{tidy(customer.name)} ({customer.account_number})" for customer in numbered}
    told_apart, refused_again = _put(tools, names, numbered)
    for customer in again:
        if not customer.account_number:
            problems[customer.id] = (
                f"Another customer is called “{customer.name}” in Xero, and this one has no account number to tell "
                "them apart. Give it an account number, or another name."
            )
    settled = {customer.id for customer in taken}
    kept = {customer: message for customer, message in refused.items() if customer not in settled}
    return made | found | told_apart, kept | problems | refused_again


def _put(
    tools: Tools, names: Mapping[str, str], customers: Sequence[Customer]
) -> tuple[dict[str, str], dict[str, str]]:
    made: dict[str, str] = {}
    refused: dict[str, str] = {}
    ordered = sorted(customers, key=lambda customer: customer.id)
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        documents = [to_xero_contact(customer, name=names[customer.id]) for customer in chunk]
        started = tools.hold()
        key = ids.idempotency_key(tools.connection.id, ids.content_hash(documents), started)
        elements = tools.xero.create_contacts(documents, key=key)
        for customer, element in zip(chunk, elements, strict=True):
            if element.ok:
                made[customer.id] = element.document["ContactID"]
            else:
                refused[customer.id] = f"Xero refuses the contact “{customer.name}”: {' '.join(element.errors)}"
    return made, refused
