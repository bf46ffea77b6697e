"""Resolves the Xero contacts of customers, and creates unknown ones once (rules C20 to C22), a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from clients.http import Payload
from core.invoice import Customer
from core.preferences import Preferences
from mappers.basis import Basis
from mappers.contacts import tidy, to_xero_contact
from mappers.explanations import explain_all
from pipeline.contact_lookup import Found, look_up, look_up_by_marks
from pipeline.creating import create_all
from pipeline.tools import Tools

TAKEN = ("already assigned to another contact", "matched an archived contact")


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts of a batch, all by customer id: ids that are known, who has none yet, why one cannot be used.

    `remembered`: the customers whose contact was read earlier. `steps`: by which step of rule C20 others were found.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[Customer] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    remembered: frozenset[str] = frozenset()
    steps: Mapping[str, str] = field(default_factory=dict)


def find_contacts(tools: Tools, customers: Iterable[Customer], *, preferences: Preferences) -> Contacts:
    """Return the contacts of these customers; nothing is created. Raises Transient, Limited or Disconnected."""
    wanted = {customer.id: customer for customer in customers}
    known = tools.memory.contact_ids(wanted)
    unknown = [customer for customer in wanted.values() if customer.id not in known]
    if not unknown:
        return Contacts(known, remembered=frozenset(known))
    found = look_up(tools, unknown)
    missing = found.without(unknown)
    if missing and not preferences.create_contacts:
        refused = _refuse(tools, missing)
        found, missing = found.beside(refused), []
    tools.memory.remember_contacts(found.ids)
    return Contacts(known | found.ids, missing, found.problems, frozenset(known), found.steps)


def create_contacts(tools: Tools, contacts: Contacts, basis: Basis) -> Contacts:
    """Create the missing contacts and return all; one that cannot be created is a problem.

    Raises Transient, Limited, Disconnected or Unknown (a contact may exist now; the next look finds it).
    """
    if not contacts.missing:
        return contacts
    made, problems = _create(tools, contacts, basis)
    tools.memory.remember_contacts(made)
    return replace(contacts, ids={**contacts.ids, **made}, missing=(), problems={**contacts.problems, **problems})


def new_contact(customer: Customer, name: str, basis: Basis) -> Payload:
    """Return the document of PUT /Contacts (rule C21), custom fields over the standard ones."""
    return to_xero_contact(customer, name=name, custom=basis.custom)


def numbered_name(customer: Customer) -> str:
    """Return the name that tells a customer from another one of the same name (rule C20)."""
    return f"{tidy(customer.name)} ({customer.account_number})"


def nameless(customer: Customer) -> str:
    """Return what to do where only an account number could tell two customers apart, and there is none."""
    return (
        f"Another customer is called “{customer.name}” in Xero, and this one has no account number to tell them "
        "apart. Give it an account number, or another name."
    )


def _refuse(tools: Tools, customers: Sequence[Customer]) -> Found:
    """Say of each customer why it cannot be used: unknown, or known but archived."""
    found = look_up_by_marks(tools, customers, include_archived=True)
    unknown = {
        customer.id: f"Xero does not know the customer “{customer.name}”. Create the contact in Xero, or let the "
        "connector do it (setting: Create new contacts in Xero)."
        for customer in found.without(customers)
    }
    return Found(found.ids, found.problems | unknown, found.steps)


def _create(tools: Tools, contacts: Contacts, basis: Basis) -> tuple[dict[str, str], dict[str, str]]:
    """Create contacts; return the ids, and by customer id why there is none."""
    customers = contacts.missing
    made, refused = _put(tools, {customer.id: tidy(customer.name) for customer in customers}, customers, basis)
    taken = [customer for customer in customers if _is_taken(refused.get(customer.id, ()))]
    for customer in taken:
        del refused[customer.id]
    told_apart, problems = _tell_apart(tools, taken, {**contacts.ids, **made}, basis)
    return made | told_apart, _told(customers, refused) | problems


def _tell_apart(
    tools: Tools, taken: Sequence[Customer], beside: Mapping[str, str], basis: Basis
) -> tuple[dict[str, str], dict[str, str]]:
    """Where Xero has the name or number: look again, archived ones included, then add the account number."""
    if not taken:
        return {}, {}
    found = look_up_by_marks(tools, taken, include_archived=True, beside=beside)
    again = found.without(taken)
    numbered = [customer for customer in again if customer.account_number]
    made, refused = _put(tools, {customer.id: numbered_name(customer) for customer in numbered}, numbered, basis)
    alike = {customer.id: nameless(customer) for customer in again if not customer.account_number}
    return found.ids | made, found.problems | alike | _told(numbered, refused)


def _put(
    tools: Tools, names: Mapping[str, str], customers: Sequence[Customer], basis: Basis
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the ids of the contacts that were created, and Xero's words on those that were not."""
    ordered = sorted(customers, key=lambda customer: customer.id)
    documents = [new_contact(customer, names[customer.id], basis) for customer in ordered]
    elements = create_all(tools, tools.xero.create_contacts, documents)
    made: dict[str, str] = {}
    refused: dict[str, tuple[str, ...]] = {}
    for customer, element in zip(ordered, elements, strict=True):
        if element.ok:
            made[customer.id] = element.document["ContactID"]
        else:
            refused[customer.id] = element.errors
    return made, refused


def _is_taken(errors: Iterable[str]) -> bool:
    """Whether Xero has a contact of that name or number."""
    return any(words in error.lower() for error in errors for words in TAKEN)


def _told(customers: Iterable[Customer], refused: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {
        customer.id: "\n".join((f"Xero refuses the contact “{customer.name}”.", *explain_all(refused[customer.id])))
        for customer in customers
        if customer.id in refused
    }
