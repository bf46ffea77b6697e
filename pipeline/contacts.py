"""Resolves the Xero contacts of customers, and creates unknown ones once (rules C20 to C22), a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core import ids
from core.invoice import Customer
from core.preferences import Preferences
from mappers.contacts import tidy, to_xero_contact
from pipeline.contact_lookup import look_up, look_up_by_marks
from pipeline.tools import Tools

TAKEN = ("already assigned to another contact", "matched an archived contact")
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
    found = look_up(tools, unknown)
    missing = found.without(unknown)
    if missing and preferences.create_contacts:
        made, problems = _create(tools, missing)
    elif missing:
        made, problems = _refuse(tools, missing)
    else:
        made, problems = {}, {}
    tools.memory.remember_contacts(found.ids | made)
    return known | found.ids | made, found.problems | problems


def _refuse(tools: Tools, customers: Sequence[Customer]) -> tuple[dict[str, str], dict[str, str]]:
    """Say of each customer why it cannot be used: unknown, or known but archived."""
    found = look_up_by_marks(tools, customers, include_archived=True)
    unknown = {
        customer.id: f"Xero does not know the customer “{customer.name}”. Create the contact in Xero, or let the "
        "connector do it (setting: Create new contacts in Xero)."
        for customer in found.without(customers)
    }
    return found.ids, found.problems | unknown


def _create(tools: Tools, customers: Sequence[Customer]) -> tuple[dict[str, str], dict[str, str]]:
    """Create contacts; where a name or number is taken look again, archived ones included, then tell them apart."""
    made, refused = _put(tools, {customer.id: tidy(customer.name) for customer in customers}, customers)
    taken = [customer for customer in customers if any(words in refused.get(customer.id, "") for words in TAKEN)]
    if not taken:
        return made, refused
    found = look_up_by_marks(tools, taken, include_archived=True)
    again = found.without(taken)
    numbered = [customer for customer in again if customer.account_number]
    names = {customer.id: f"{tidy(customer.name)} ({customer.account_number})" for customer in numbered}
    told_apart, refused_again = _put(tools, names, numbered)
    alike = {
        customer.id: f"Another customer is called “{customer.name}” in Xero, and this one has no account number to "
        "tell them apart. Give it an account number, or another name."
        for customer in again
        if not customer.account_number
    }
    settled = {customer.id for customer in taken}
    kept = {customer: message for customer, message in refused.items() if customer not in settled}
    return made | found.ids | told_apart, kept | found.problems | alike | refused_again


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
