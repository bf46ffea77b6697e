"""Finds which Xero contact a customer is (rules C20, C22), a batch at a time, without changing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from clients.http import Payload
from core.invoice import Customer
from mappers.contacts import match_contact, tidy
from pipeline.contact_owners import list_contacts_of, list_owners
from pipeline.tools import Tools

NAME = "name"  # the last step of rule C20
MERGES_MAX = 5  # contacts that were merged, into one that was merged, …


@dataclass(slots=True)
class Found:
    """The Xero contact id of each customer that was found, by which step, and why one cannot be used.

    All by customer id.
    """

    ids: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)

    def beside(self, other: Found) -> Found:
        """Return what the two found together."""
        return Found(self.ids | other.ids, self.problems | other.problems, self.steps | other.steps)

    def without(self, customers: Sequence[Customer]) -> list[Customer]:
        """Return those of the customers that Xero does not know."""
        return [
            customer for customer in customers if customer.id not in self.ids and customer.id not in self.problems
        ]


def look_up(tools: Tools, customers: Sequence[Customer]) -> Found:
    """Return the contacts of these customers: as their earlier documents name them, else by numbers and name."""
    found, archived = _of_earlier_documents(tools, customers)
    rest = found.without(customers)
    later = look_up_by_marks(tools, rest) if rest else Found()
    # A second contact of their name is not what restores them.
    left = {customer.id: archived[customer.id] for customer in later.without(rest) if customer.id in archived}
    return found.beside(later).beside(Found(problems=left))


def look_up_by_marks(
    tools: Tools,
    customers: Sequence[Customer],
    *,
    include_archived: bool = False,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> Found:
    """Return the contacts that bear a customer's number or name.

    An archived one is a problem; one that was merged is followed. `beside` are the contacts that other customers of
    the same batch have, by customer id.
    """
    contacts = list(
        tools.xero.list_contacts_matching(
            contact_numbers=[customer.id for customer in customers],
            account_numbers=[customer.account_number for customer in customers if customer.account_number],
            names=[tidy(customer.name) for customer in customers if tidy(customer.name)],
            include_archived=include_archived,
        )
    )
    heirs = find_heirs(tools, contacts)
    matched = {customer.id: match_contact(customer, contacts) for customer in customers}
    named = {contact["ContactID"] for matches, step in matched.values() if step == NAME for contact in matches}
    owners = list_owners(tools, sorted(named)) if named else {}
    for customer_id, contact_id in beside.items():
        owners.setdefault(contact_id, set()).add(customer_id)
    found = Found()
    for customer in customers:
        matches, step = matched[customer.id]
        if step == NAME:
            # Two customers of one name are two contacts: one that another customer's documents name is taken.
            matches = [contact for contact in matches if owners[contact["ContactID"]] <= {customer.id}]
            for contact in matches:
                owners[contact["ContactID"]].add(customer.id)
        _take(customer, [heirs.get(contact["ContactID"], contact) for contact in matches], step, found)
    return found


def _of_earlier_documents(tools: Tools, customers: Sequence[Customer]) -> tuple[Found, dict[str, str]]:
    """Return the contacts that Xero details of these customers' invoices name, as far as they are still active.

    And, by customer id, what to say where they are archived and no other step finds an active one.
    """
    named = list_contacts_of(tools, [customer.id for customer in customers])
    ids = sorted(set().union(*named.values()))
    contacts = list(tools.xero.list_contacts(ids=ids))
    heirs = find_heirs(tools, contacts)
    living = {contact["ContactID"]: heirs.get(contact["ContactID"], contact) for contact in contacts}
    found, archived = Found(), dict[str, str]()
    for customer in customers:
        known = [living[contact_id] for contact_id in sorted(named.get(customer.id, ())) if contact_id in living]
        usable = [contact for contact in known if not _is_archived(contact)]
        _take(customer, usable, "Xero details", found)
        if known and not usable:
            archived[customer.id] = _restore(known[0])
    return found, archived


def find_heirs(tools: Tools, contacts: Sequence[Payload]) -> dict[str, Payload]:
    """Return, by the id of each contact that was merged into another one, the contact that it is now."""
    now = {contact["ContactID"]: contact for contact in contacts if _merged_into(contact)}
    for _ in range(MERGES_MAX):
        wanted = sorted({_merged_into(contact) for contact in now.values()} - {""})
        if not wanted:
            break
        heirs = {contact["ContactID"]: contact for contact in tools.xero.list_contacts(ids=wanted)}
        now = {contact_id: heirs.get(_merged_into(contact), contact) for contact_id, contact in now.items()}
    return now


def _merged_into(contact: Payload) -> str:
    return str(contact.get("MergedToContactID") or "") if contact.get("ContactStatus") == "ARCHIVED" else ""


def _take(customer: Customer, matches: Sequence[Payload], step: str, found: Found) -> None:
    """Note the one contact that is active; an archived one only where none is."""
    different = {contact["ContactID"]: contact for contact in matches}
    active = {contact_id: contact for contact_id, contact in different.items() if not _is_archived(contact)}
    if len(active) > 1:
        names = ", ".join(sorted(f"“{contact['Name']}” ({key})" for key, contact in active.items()))
        found.problems[customer.id] = (
            f"Several contacts in Xero have the {step} of this customer: {names}. Merge them."
        )
        return
    for contact_id in active:
        found.ids[customer.id] = contact_id
        found.steps[customer.id] = step
    if different and not active:
        found.problems[customer.id] = _restore(next(iter(different.values())))


def _is_archived(contact: Payload) -> bool:
    return contact.get("ContactStatus") == "ARCHIVED"


def _restore(contact: Payload) -> str:
    return f"The contact “{contact['Name']}” is archived in Xero. Restore it there."
