"""What would be sent to Xero for an invoice as it stands now, and what would be created there; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from clients.http import Payload
from core import gates
from core.books import Books
from core.connections import Connection
from core.gates import Gate
from core.invoice import Customer, Invoice
from mappers import totals
from mappers.adjustments import adjustments, discount_of
from mappers.arithmetic import Reckoned, reckon
from mappers.basis import Basis, Unmappable
from mappers.cancelling import is_over, own_note_id
from mappers.comparing import Difference, as_update, differences
from mappers.contacts import tidy
from mappers.custom_fields import (
    contact_fields_of,
    due_on_of,
    item_fields_of,
    line_text_of,
    number_of,
    reference_of,
    tracking_of,
)
from mappers.items import to_xero_item
from mappers.lines import label, to_line
from mappers.xero import XeroInvoice, obstacles
from pipeline.contact_lookup import look_up_by_marks
from pipeline.contacts import Contacts, nameless, new_contact, numbered_name
from pipeline.documents import UNREADABLE, Resolved, as_created, document_of, find, known_number
from pipeline.memory import Forgetful
from pipeline.outcomes import Present
from pipeline.reading import read_invoices, read_preferences
from pipeline.tools import Tools
from pipeline.zone import in_zone

NEW_CONTACT = "(new contact)"  # stands where an id would: a contact that is to be created has none yet


@dataclass(frozen=True, slots=True)
class Addressee:
    """The contact that the document goes to. `step` of rule C20 found it; `document` creates it where none did."""

    id: str
    name: str
    step: str = ""
    document: Payload | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """A custom field that has an effect: its place in the setting, what it is the value for, and the value."""

    place: str
    of: str
    value: str


@dataclass(frozen=True, slots=True)
class InXero:
    """The document that stands in Xero, and what it says otherwise than the invoice does now (rule C61).

    `update` is the body that would change it.
    """

    number: str
    status: str
    update: Payload
    differs: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """`document` is None where there are problems; `reckoned` and `difference` are Xero's arithmetic on it.

    `closed`: the gates that hold the invoice back all the same.
    """

    connection: Connection
    present: Present
    closed: tuple[Gate, ...] = ()
    document: XeroInvoice | None = None
    problems: tuple[str, ...] = ()
    addressee: Addressee | None = None
    new_items: tuple[Payload, ...] = ()
    mapped: tuple[Mapped, ...] = ()
    reckoned: Reckoned | None = None
    difference: str = ""
    in_xero: InXero | None = None
    unknown_accounts: tuple[str, ...] = ()

    @property
    def body(self) -> Payload | None:
        """What would be sent: a new document, or the change of the one that stands in Xero."""
        if self.document is None:
            return None
        return self.in_xero.update if self.in_xero else self.document.as_payload()


def preview(tools: Tools, invoice_id: str) -> Preview:
    """Return what would happen to this invoice if it went now. Raises Transient, Limited or Disconnected."""
    tools = replace(tools, memory=Forgetful())
    tools = in_zone(tools, read_preferences(tools))
    present = read_invoices(tools, [invoice_id])[invoice_id]
    invoice = present.invoice
    if invoice is None:
        return Preview(tools.connection, present)
    found = find(tools, [invoice])
    addressee, contacts = _addressee(tools, invoice, found)
    resolved = as_created(tools, [invoice], replace(found, contacts=contacts), contact_id=NEW_CONTACT)
    document, problems = _document(tools, present, invoice, resolved)
    shown = Preview(
        tools.connection,
        present,
        closed=_closed(tools, present, invoice),
        document=document,
        problems=problems,
        addressee=addressee,
        new_items=tuple(to_xero_item(use, found.basis).as_payload() for use in found.items.missing.values()),
        mapped=tuple(_mapped(invoice, found, addressee)),
    )
    if document is None:
        return shown
    reckoned = reckon(document, resolved.basis, read_tax_rates(tools))
    difference = totals.difference(invoice, reckoned.as_answer(), document.line_ids)
    in_xero = _in_xero(tools, present, document, addressee)
    unknown = tuple(_unknown_accounts(reckoned, resolved.basis.books))
    return replace(shown, reckoned=reckoned, difference=difference, in_xero=in_xero, unknown_accounts=unknown)


def _unknown_accounts(reckoned: Reckoned, books: Books) -> Iterator[str]:
    """Yield the accounts that Xero would refuse; the books have all that can stand on lines."""
    for code in sorted({line.account for line in reckoned.lines if line is not None and line.account}):
        account = books.accounts.get(code)
        if account is None or not account.is_active:
            yield code


def _in_xero(tools: Tools, present: Present, document: XeroInvoice, addressee: Addressee | None) -> InXero | None:
    """Return the exported document; None if there is none, or another one is made in its place (rule E8)."""
    details = present.details
    xero_id = details.xero_invoice_id if details else ""
    found = next(iter(tools.xero.list_invoices(ids=[xero_id])), None) if xero_id else None
    if found is None or details is None:
        return None
    if details.export_status == "No" and is_over(found, note_id=details.credit_note_id or own_note_id(found)):
        return None
    differing = differences(document, found, customer=addressee.name if addressee else "")
    number = found.get("InvoiceNumber") or found["InvoiceID"]
    return InXero(number, found["Status"], as_update(document, found), tuple(differing))


def _closed(tools: Tools, present: Present, invoice: Invoice) -> tuple[Gate, ...]:
    """Return the gates that hold it back; that it has been exported holds nothing back."""
    found = gates.gates_of(invoice, present.details, tools.connection, tools.hold())
    exported = present.details is not None and present.details.export_status == "Yes"
    return tuple(gate for gate in found if not gate.is_open and not (exported and gate.rule == "C7"))


def read_tax_rates(tools: Tools) -> dict[str, Decimal]:
    """Return the effective rate, in per cent, of each tax type in use. Raises Transient, Limited or Disconnected."""
    return {
        row["TaxType"]: Decimal(row["EffectiveRate"])
        for row in tools.xero.list_tax_rates()
        if row.get("Status") == "ACTIVE" and row.get("EffectiveRate") is not None
    }


def _addressee(tools: Tools, invoice: Invoice, found: Resolved) -> tuple[Addressee | None, Contacts]:
    """Return the contact, and the contacts with what a second look brought to light about one that is missing."""
    customer, contacts = invoice.customer, found.contacts
    if customer is None or customer.id in contacts.problems:
        return None, contacts
    if customer.id in contacts.ids:
        return _existing(tools, contacts.ids[customer.id], contacts.steps[customer.id]), contacts
    name = tidy(customer.name)
    if _is_taken(tools, customer):
        again = look_up_by_marks(tools, [customer], include_archived=True)
        if again.ids:
            known = replace(contacts, ids=again.ids, missing=())
            return _existing(tools, again.ids[customer.id], again.steps[customer.id]), known
        if again.problems or not customer.account_number:
            problems = again.problems or {customer.id: nameless(customer)}
            return None, replace(contacts, problems=problems, missing=())
        name = numbered_name(customer)
    document = new_contact(customer, name, found.basis)
    return Addressee("", document["Name"], document=document), contacts


def _existing(tools: Tools, contact_id: str, step: str) -> Addressee:
    names = [contact.get("Name") or "" for contact in tools.xero.list_contacts(ids=[contact_id])]
    return Addressee(contact_id, next(iter(names), ""), step)


def _is_taken(tools: Tools, customer: Customer) -> bool:
    """Whether Xero would refuse the contact: it wants one number of all contacts, and one name of the active ones."""
    alike = tools.xero.list_contacts_matching(
        contact_numbers=[customer.id], names=[tidy(customer.name)], include_archived=True
    )
    name, number = tidy(customer.name).casefold(), customer.id.casefold()
    return any(
        (contact.get("ContactNumber") or "").casefold() == number
        or (contact.get("ContactStatus") != "ARCHIVED" and tidy(contact["Name"]).casefold() == name)
        for contact in alike
    )


def _document(
    tools: Tools, present: Present, invoice: Invoice, resolved: Resolved
) -> tuple[XeroInvoice | None, tuple[str, ...]]:
    """Return the document, or everything that stands in its way: the mapper stops at the first, people need all."""
    made = document_of(tools, invoice, resolved, known_number=known_number(present))
    if isinstance(made, XeroInvoice):
        return made, ()
    no_customer = not invoice.customer_id  # its gate says so
    problems = [problem for problem in made if not (no_customer and problem == UNREADABLE)]
    return None, tuple(dict.fromkeys([*problems, *_unmappable(invoice, resolved.basis)]))


def _unmappable(invoice: Invoice, basis: Basis) -> Iterator[str]:
    """Yield why the header, each line, and what follows them cannot be mapped."""
    yield from obstacles(invoice, basis)
    parts: list[Callable[[], object]] = [
        *(partial(to_line, line, invoice, basis) for line in gates.billed_lines(invoice)),
        partial(adjustments, invoice, (), basis),
    ]
    for part in parts:
        try:
            part()
        except Unmappable as error:
            yield str(error)


def _mapped(invoice: Invoice, found: Resolved, addressee: Addressee | None) -> Iterator[Mapped]:
    """Yield what the customer's own columns give this document, its new contact and its new items."""
    custom = found.basis.custom
    due_on = due_on_of(custom, invoice)
    yield from _filled("due_date", "invoice", due_on.isoformat() if due_on else "")
    if invoice.is_sales:
        yield from _filled("reference", "invoice", reference_of(custom, invoice))
    else:
        with suppress(Unmappable):  # it stands among the problems
            yield from _filled("number", "invoice", number_of(custom, invoice))
    for category, option in tracking_of(custom, invoice, None) if (discount_of(invoice) or invoice.freight) else ():
        yield Mapped(f"tracking.{category}", "discount and freight", option)
    for line in gates.billed_lines(invoice):
        of = f"line “{label(line)}”"
        yield from _filled("line_description", of, line_text_of(custom, invoice, line))
        for category, option in tracking_of(custom, invoice, line):
            yield Mapped(f"tracking.{category}", of, option)
    if addressee is not None and addressee.document is not None and invoice.customer is not None:
        for name, value in contact_fields_of(custom, invoice.customer).items():
            yield Mapped(f"contact.{name}", "new contact", value)
    for number, use in found.items.missing.items():
        for name, value in item_fields_of(custom, use.product).items():
            yield Mapped(f"item.{name}", f"new item {number}", value)


def _filled(place: str, of: str, value: str) -> Iterator[Mapped]:
    if value:
        yield Mapped(place, of, value)
