"""Settles live documents in Xero that came from our invoices and that no Xero details row names.

A worker that was frozen at its PUT, or a details row that was deleted meanwhile, may leave one behind: the look-first
of an attempt cannot see what arrives later. See docs/architecture.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from clients.http import Payload
from clients.xero import parse_xero_time
from core.errors import Conflict, Rejected
from mappers.cancelling import is_replaced
from mappers.comparing import differences
from mappers.links import find_origin, invoice_link, is_from
from mappers.standing import DEAD_STATUSES
from mappers.xero import XeroInvoice
from pipeline.attempts import CLOSE_AFTER, adopted
from pipeline.books import read_books
from pipeline.documents import prepare
from pipeline.lanes import Entity
from pipeline.outcomes import Noted, Outcome, Present, Report
from pipeline.reading import read_invoices
from pipeline.tools import Tools
from pipeline.writeback import write_back

HANGING_ON_IT = (
    "HasAttachments",
    "AmountPaid",
    "AmountCredited",
    "Payments",
    "CreditNotes",
    "Prepayments",
    "Overpayments",
)
ADVANCE = ("PAID", "AUTHORISED", "SUBMITTED", "DRAFT")
REMEDY = "Delete or void in Xero the one that is not wanted; the connector follows the one that Xero details name."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stray:
    """A live document with the origin of an invoice, and what Dynamics has of that invoice."""

    document: Payload
    present: Present

    @property
    def id(self) -> str:
        return str(self.document["InvoiceID"]).lower()

    @property
    def name(self) -> str:
        return str(self.document.get("InvoiceNumber") or self.document["InvoiceID"])

    @property
    def named(self) -> str:
        """The document that the details row names; empty: none."""
        return self.present.details.xero_invoice_id.lower() if self.present.details is not None else ""

    @property
    def is_replaced(self) -> bool:
        return is_replaced(
            self.document, self.present.details.earlier_ids if self.present.details is not None else ()
        )


def settle_strays(tools: Tools, xero_ids: Iterable[str], report: Report) -> None:
    """Let each of these documents (at most 50) be the one of its invoice, be deleted as a second one, or be told of.

    It is adopted where the invoice has none. A second one is deleted only if it is a draft that says what the invoice
    says, nothing hangs on it, and the one that the row names lives; anything else is left to people and told once.
    Repeating is safe. Raises Transient, Limited, Disconnected or Unknown.
    """
    strays = _read(tools, sorted(set(xero_ids)))
    named = {stray.named for stray in strays if stray.named}
    in_xero = {row["InvoiceID"].lower(): row for row in tools.xero.list_invoices(ids=sorted(named))} if named else {}
    alone, seconds = _sort_out(tools, strays, report)
    mapped = _map(tools, [*alone, *seconds])
    _adopt(tools, alone, mapped, report)
    reasons = {one.id: _why_not_deleted(tools, one, in_xero, mapped.get(one.present.invoice_id)) for one in seconds}
    _flag(tools, [one for one in seconds if reasons[one.id]], reasons, report)
    _delete(tools, [one for one in seconds if not reasons[one.id]], report)


def _read(tools: Tools, xero_ids: Sequence[str]) -> list[Stray]:
    """Return those that still live and are from here; the rows after the documents, for they decide.

    In whose place another document is made, or will be, is no second one (rule E8): there is nothing to tell of it.
    """
    of_invoice: dict[str, list[Payload]] = defaultdict(list)
    for document in tools.xero.list_invoices(ids=xero_ids):
        origin = find_origin(document)
        if origin is not None and is_from(tools.connection, origin) and document["Status"] not in DEAD_STATUSES:
            of_invoice[origin.invoice_id].append(document)
    presents = read_invoices(tools, of_invoice)
    strays = [Stray(document, presents[key]) for key, documents in of_invoice.items() for document in documents]
    unnamed = [stray for stray in strays if stray.id != stray.named]
    _remember(tools, [stray for stray in unnamed if stray.is_replaced])
    return [stray for stray in unnamed if not stray.is_replaced]


def _sort_out(tools: Tools, strays: Sequence[Stray], report: Report) -> tuple[list[Stray], list[Stray]]:
    """Return the ones that become their invoice's document, and the second ones."""
    alone: dict[str, Stray] = {}
    seconds: list[Stray] = []
    for stray in sorted(strays, key=_rank):
        details, now = stray.present.details, tools.hold()
        if details is None and stray.present.invoice is None:
            # Nothing in Dynamics is left on which it could be said.
            log.warning("stray.forsaken", connection=tools.connection.id, document=stray.id)
            _remember(tools, [stray])
        elif details is not None and details.attempt_started is not None and _is_mine(tools, stray):
            # Nobody knows yet which document is the invoice's. One that was put aside waits for its person.
            if details.export_status == "No":
                report.later_in_xero(_entity(stray), now + CLOSE_AFTER)
        elif (details is not None and details.is_bound) or not _is_mine(tools, stray):
            seconds.append(stray)
        elif stray.present.invoice_id in alone:
            report.later_in_xero(_entity(stray), now + timedelta(seconds=1))
        else:
            alone[stray.present.invoice_id] = stray
    return list(alone.values()), seconds


def _rank(stray: Stray) -> tuple[int, str, str]:
    """What people have taken furthest comes first, then what was there first."""
    document = stray.document
    return ADVANCE.index(document["Status"]), parse_xero_time(document["UpdatedDateUTC"]).isoformat(), stray.id


def _is_mine(tools: Tools, stray: Stray) -> bool:
    """Whether the details row of the invoice is this connection's, or for this one to make or take."""
    details, invoice = stray.present.details, stray.present.invoice
    if details is None or details.connection_id == tools.connection.id:
        return True
    return not details.is_bound and invoice is not None and invoice.connector_id == tools.connection.id


def _map(tools: Tools, strays: Sequence[Stray]) -> Mapping[str, XeroInvoice]:
    """Return what their invoices would send now, by invoice, as far as they can become a document."""
    presents = {stray.present.invoice_id: stray.present for stray in strays}
    members, _ = prepare(tools, presents.values(), creates=False)
    return {member.present.invoice_id: member.document for member in members}


def _adopt(tools: Tools, strays: Sequence[Stray], mapped: Mapping[str, XeroInvoice], report: Report) -> None:
    """Record them as what was created. Raises Conflict if a row moved: without it the invoice might get another."""
    own = Report()
    write_back(tools, [adopted(one.present, one.document, mapped.get(one.present.invoice_id)) for one in strays], own)
    if own.again:
        raise Conflict("a details row moved while a document was being recorded on it")
    for entity, at in own.again_in_xero.items():
        report.later_in_xero(entity, at)


def _why_not_deleted(tools: Tools, stray: Stray, in_xero: Mapping[str, Payload], mapped: XeroInvoice | None) -> str:
    """Return why this second document is left to people; empty if it is deleted."""
    document, own = stray.document, in_xero.get(stray.named)
    if not _is_mine(tools, stray):
        return "the invoice belongs to another connection"
    if own is None or own["Status"] in DEAD_STATUSES:
        was = "is not found" if own is None else f"has been {own['Status'].lower()}"
        return f"the document that Xero details name {was} in Xero"
    if document["Status"] != "DRAFT":
        return f"its status is {document['Status'].capitalize()}"
    if any(document.get(name) for name in HANGING_ON_IT):
        return "something is attached to it, paid on it or credited"
    if mapped is None or differences(mapped, document):
        return "it does not say what the invoice says now"
    return ""


def _flag(tools: Tools, strays: Sequence[Stray], reasons: Mapping[str, str], report: Report) -> None:
    """Tell people of each, once: only then it is remembered as told."""
    outcomes: list[Outcome] = []
    for stray in strays:
        text = f"{_second(stray)} It is left as it is: {reasons[stray.id]}.\n{_link(tools, stray)}\n{REMEDY}"
        outcomes.append(Noted(stray.present, text, once=f"{stray.id}: {reasons[stray.id]}"))
        log.warning("stray.flagged", connection=tools.connection.id, document=stray.id)
    write_back(tools, outcomes, report)
    _remember(tools, strays)


def _remember(tools: Tools, strays: Sequence[Stray]) -> None:
    """Until they change nothing more is to be said of them."""
    told = {stray.id: parse_xero_time(stray.document["UpdatedDateUTC"]) for stray in strays}
    tools.memory.remember_told_strays(told)


def _delete(tools: Tools, strays: Sequence[Stray], report: Report) -> None:
    """Delete second documents: the history first, so that none ever vanishes without a word.

    Xero refuses it for one that somebody has approved meanwhile.
    """
    if not strays:
        return
    words = "it is a draft that says what the invoice says, and nothing hangs on it."
    noted = [
        Noted(stray.present, f"{_second(stray)} It is deleted there: {words}", stray.id, "Delete", "Successful")
        for stray in strays
    ]
    write_back(tools, noted, report)
    tools.hold()
    try:
        elements = tools.xero.update_invoices(
            [{"InvoiceID": stray.document["InvoiceID"], "Status": "DELETED"} for stray in strays]
        )
        refused = [(stray, element.errors) for stray, element in zip(strays, elements, strict=True) if not element.ok]
    except Rejected as error:
        refused = [(stray, error.messages or (str(error),)) for stray in strays]
    log.info(
        "strays.deleted", connection=tools.connection.id, deleted=len(strays) - len(refused), refused=len(refused)
    )
    reasons = {stray.id: f"Xero refuses to delete it, “{' '.join(errors).rstrip('.')}”" for stray, errors in refused}
    _flag(tools, [stray for stray, _ in refused], reasons, report)


def _second(stray: Stray) -> str:
    details = stray.present.details
    own = (details.xero_number or stray.named) if details is not None else ""
    return f"A second document of this invoice, {stray.name}, was found in Xero beside {own or 'its own'}."


def _link(tools: Tools, stray: Stray) -> str:
    is_sales, short_code = stray.document["Type"] == "ACCREC", read_books(tools).short_code
    return invoice_link(short_code, stray.document["InvoiceID"], kind="sales" if is_sales else "bill")


def _entity(stray: Stray) -> Entity:
    return Entity("xero", "stray", stray.id)
