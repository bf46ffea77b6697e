"""Turns invoices that may go into the Xero documents to send, with contacts and items resolved as a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.invoice import Invoice
from mappers.xero import Origin, Unmappable, XeroInvoice, origin_url, to_xero
from pipeline.books import read_books
from pipeline.contacts import resolve_contacts
from pipeline.items import resolve_items
from pipeline.outcomes import Failed, Present
from pipeline.reading import read_preferences
from pipeline.tools import Tools


@dataclass(frozen=True, slots=True)
class Member:
    """An invoice and the document that it becomes; members of a batch stand in the order of their invoice ids."""

    present: Present
    document: XeroInvoice


def prepare(tools: Tools, presents: Iterable[Present]) -> tuple[list[Member], list[Failed]]:
    """Return the documents of these invoices, and those that cannot become one.

    The same invoices give the same documents, which is what lets an interrupted attempt be sent again.
    Raises Transient, Limited, Disconnected or Unknown.
    """
    ordered = sorted(presents, key=lambda present: present.invoice_id)
    invoices = [present.invoice for present in ordered if present.invoice is not None]
    preferences = read_preferences(tools)
    books = read_books(tools)
    customers = [invoice.customer for invoice in invoices if invoice.customer is not None]
    contact_ids, contact_problems = resolve_contacts(tools, customers, preferences=preferences)
    products = [line.product for invoice in invoices for line in invoice.lines if line.product is not None]
    items, item_problems = resolve_items(tools, products, books=books, preferences=preferences)

    members: list[Member] = []
    failed: list[Failed] = []
    for present in ordered:
        invoice = present.invoice
        if invoice is None or invoice.customer is None:
            continue
        problems = _problems(invoice, contact_problems, item_problems)
        if problems:
            failed.append(Failed(present, tuple(problems)))
            continue
        origin = Origin(tools.connection.dynamics_organization_id, present.invoice_id)
        try:
            document = to_xero(
                invoice,
                contact_id=contact_ids[invoice.customer.id],
                books=books,
                items=items,
                preferences=preferences,
                zone=tools.connection.zone,
                url=origin_url(tools.connection.dynamics_url, origin),
            )
        except Unmappable as error:
            failed.append(Failed(present, (str(error),)))
        else:
            members.append(Member(present, document))
    return members, failed


def payloads(members: Sequence[Member]) -> list[dict[str, object]]:
    """Return the body of the request that creates these documents."""
    return [member.document.as_payload() for member in members]


def _problems(invoice: Invoice, contact_problems: dict[str, str], item_problems: dict[str, str]) -> list[str]:
    found = (
        [contact_problems[invoice.customer.id]]
        if invoice.customer and invoice.customer.id in contact_problems
        else []
    )
    codes = dict.fromkeys(line.product.number for line in invoice.lines if line.product is not None)
    return found + [item_problems[code] for code in codes if code in item_problems]
