"""Turns invoices that may go into the Xero documents to send, with contacts and items resolved as a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core import gates
from core.invoice import Invoice
from mappers.basis import Basis, Unmappable
from mappers.custom_fields import due_on_of
from mappers.due_dates import is_due_in_dynamics
from mappers.explanations import explain_all
from mappers.links import origin_of, origin_url
from mappers.xero import XeroInvoice, check_choices, to_xero
from pipeline.books import read_books, read_contact_terms
from pipeline.contacts import Contacts, create_contacts, find_contacts
from pipeline.custom_fields import read_custom_fields
from pipeline.items import Items, as_if_created, create_items, find_items
from pipeline.outcomes import Failed, Present
from pipeline.reading import read_preferences
from pipeline.tools import Tools
from pipeline.tracking import read_tracking

UNREADABLE = (
    "The customer of the invoice cannot be read: it has been deleted, or the connector's user in Dynamics lacks the "
    "right to read it. Choose the customer again, or give that user the right."
)


@dataclass(frozen=True, slots=True)
class Member:
    """An invoice and the document that it becomes; members of a batch stand in the order of their invoice ids.

    `remembered`: something in it was read earlier and may have changed in Xero since.
    """

    present: Present
    document: XeroInvoice
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the documents of a batch are made of: contacts, items and the basis of their mapping."""

    contacts: Contacts
    items: Items
    basis: Basis


def prepare(tools: Tools, presents: Iterable[Present], *, creates: bool = True) -> tuple[list[Member], list[Failed]]:
    """Return the documents of these invoices, and those that cannot become one; creates contacts and items.

    Without `creates` the documents are to compare with only: a contact that Xero does not have yet has no id.
    The same invoices give the same documents, which is what lets an interrupted attempt be sent again.
    Raises Transient, Limited, Disconnected or Unknown.
    """
    ordered = sorted(presents, key=lambda present: present.invoice_id)
    if not ordered:
        return [], []
    invoices = [present.invoice for present in ordered if present.invoice is not None]
    found = find(tools, invoices)
    resolved = _created(tools, invoices, found) if creates else as_created(tools, invoices, found, contact_id="")
    members: list[Member] = []
    failed: list[Failed] = []
    for present in ordered:
        if present.invoice is None:
            continue
        made = document_of(tools, present.invoice, resolved, known_number=known_number(present))
        if isinstance(made, XeroInvoice):
            members.append(Member(present, made, remembered=_is_remembered(present.invoice, resolved)))
        else:
            failed.append(Failed(present, made))
    return members, failed


def _created(tools: Tools, invoices: Sequence[Invoice], found: Resolved) -> Resolved:
    contacts = create_contacts(tools, found.contacts, found.basis)
    items = create_items(tools, found.items, found.basis)
    return with_terms(tools, invoices, Resolved(contacts, items, replace(found.basis, items=items.found)))


def as_created(tools: Tools, invoices: Sequence[Invoice], found: Resolved, *, contact_id: str) -> Resolved:
    """Return it as if what is missing had been created; `contact_id` stands for the contacts, which have none yet."""
    items = as_if_created(found.items, found.basis)
    resolved = with_terms(tools, invoices, Resolved(found.contacts, items, replace(found.basis, items=items.found)))
    new = {customer.id: contact_id for customer in resolved.contacts.missing}
    return replace(resolved, contacts=replace(resolved.contacts, ids={**resolved.contacts.ids, **new}))


def find(tools: Tools, invoices: Sequence[Invoice]) -> Resolved:
    """Return what Xero has for these invoices and what is missing there; nothing is created.

    Raises Transient, Limited or Disconnected.
    """
    preferences = read_preferences(tools)
    custom = read_custom_fields(tools, preferences)
    tracking = read_tracking(tools, custom, invoices)
    basis = Basis(read_books(tools), preferences, tools.connection.zone, custom=custom, tracking=tracking)
    customers = [invoice.customer for invoice in invoices if invoice.customer is not None]
    contacts = find_contacts(tools, customers, preferences=basis.preferences)
    items = find_items(tools, invoices, basis)
    return Resolved(contacts, items, replace(basis, items=items.found))


def with_terms(tools: Tools, invoices: Sequence[Invoice], resolved: Resolved) -> Resolved:
    """Return it with the terms of the contacts whose invoices have no due date of their own (rule C11)."""
    basis = resolved.basis
    if basis.preferences.status == "DRAFT":
        return resolved
    terms = dict(basis.contact_terms)
    for sales in (True, False):
        asked = {
            resolved.contacts.ids[invoice.customer_id]
            for invoice in invoices
            if invoice.is_sales is sales
            and invoice.customer_id in resolved.contacts.ids
            and not is_due_in_dynamics(invoice)
            and due_on_of(basis.custom, invoice) is None
        }
        found = read_contact_terms(tools, asked, sales=sales) if asked else {}
        terms |= {(contact_id, sales): one for contact_id, one in found.items()}
    return replace(resolved, basis=replace(basis, contact_terms=terms))


def known_number(present: Present) -> str:
    """Return the number that the Xero details name: of the document, or of the one that is to be made."""
    return present.details.xero_number if present.details is not None else ""


def document_of(
    tools: Tools, invoice: Invoice, resolved: Resolved, *, known_number: str
) -> XeroInvoice | tuple[str, ...]:
    """Return the document of one invoice, or all reasons why it cannot have one."""
    problems = _problems(tools, invoice, resolved)
    if problems:
        return tuple(problems)
    origin = origin_of(tools.connection, invoice.id)
    try:
        return to_xero(
            invoice,
            contact_id=resolved.contacts.ids[invoice.customer_id],
            basis=resolved.basis,
            url=origin_url(tools.connection.id, tools.connection.dynamics_url, tools.public_url, origin),
            known_number=known_number,
        )
    except Unmappable as error:
        return (str(error),)


def forget_what_was_refused(tools: Tools, refused: Sequence[Present]) -> None:
    """A remembered contact, item or account may be why: it may have been archived, merged or renamed meanwhile."""
    customers = [present.invoice.customer for present in refused if present.invoice is not None]
    tools.memory.forget_contacts(customer.id for customer in customers if customer is not None)
    if refused:
        tools.memory.forget_items()
        tools.memory.forget_books()
        tools.memory.forget_tracking()


def refusal(present: Present, messages: Iterable[str], *, action: str = "Create") -> Failed:
    """Rule C60: each of Xero's reasons with its meaning and what to do."""
    is_sales = present.invoice is None or present.invoice.is_sales
    return Failed(present, explain_all(messages, sales=is_sales), action=action)


def payloads(members: Sequence[Member]) -> list[dict[str, object]]:
    """Return the body of the request that creates these documents."""
    return [member.document.as_payload() for member in members]


def _problems(tools: Tools, invoice: Invoice, resolved: Resolved) -> list[str]:
    contacts, items = resolved.contacts, resolved.items
    problems = [] if invoice.customer is not None else [UNREADABLE]
    if invoice.customer_id in contacts.problems:
        problems.append(contacts.problems[invoice.customer_id])
    numbers = dict.fromkeys(line.product.number for line in gates.billed_lines(invoice) if line.product is not None)
    problems += dict.fromkeys(items.problems[number] for number in numbers if number in items.problems)
    return problems + check_choices(invoice, tools.connection.id)


def _is_remembered(invoice: Invoice, resolved: Resolved) -> bool:
    uses_items = any(line.product for line in invoice.lines) and resolved.items.remembered
    return invoice.customer_id in resolved.contacts.remembered or uses_items
