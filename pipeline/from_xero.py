"""Follows documents of ours that may have moved in Xero: status, payments, amounts (rules D1 to D7, D9).

A plain function, as the rest of reconciling: read both sides now, decide, write what is missing to Dynamics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from clients.http import Payload
from clients.odata import odata_in, rows_path
from clients.xero import parse_xero_time
from core import columns
from core.invoice import Details
from mappers.agreements import contact_id_of
from mappers.standing import closes, reopens, standing_of, story_of
from mappers.totals import line_ids_of
from pipeline.contact_lookup import find_heirs
from pipeline.outcomes import Followed, Noted, Present, Report
from pipeline.reading import read_batch, read_invoices
from pipeline.rows_from_xero import is_known
from pipeline.tools import Tools
from pipeline.writeback import write_back

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    """A details row that names a document; `seen` is the document's update time when we last followed it."""

    invoice_id: str
    seen: datetime | None


def follow(tools: Tools, xero_ids: Iterable[str], report: Report) -> None:
    """Bring Dynamics up to date with these documents (at most 50) as they stand in Xero now.

    What no details row of this connection names is not ours. What we have seen already, the echo of our own write
    above all, costs no call to Xero. Repeating is safe. Raises Transient, Limited, Disconnected or Unknown.
    """
    wanted = sorted({xero_id.lower() for xero_id in xero_ids})
    known = _known(tools, wanted)
    moved = tools.memory.moved(known)
    due = [xero_id for xero_id, row in known.items() if _is_news(moved.get(xero_id), row.seen)]
    # The rows first, then the documents: what is written later rests on a row that is no newer than its document.
    presents = read_invoices(tools, [known[xero_id].invoice_id for xero_id in due])
    of_document = {
        present.details.xero_invoice_id.lower(): present
        for present in presents.values()
        if present.details is not None and present.details.connection_id == tools.connection.id
    }
    for xero_id in [xero_id for xero_id, present in of_document.items() if _row(present).is_cancelling]:
        # What we have begun to do to the document is recorded first: else it would be told as somebody else's.
        report.later(of_document.pop(xero_id).invoice_id, tools.hold())
    asked = [xero_id for xero_id in due if xero_id in of_document]
    documents = list(tools.xero.list_invoices(ids=asked))
    missing = set(asked) - {document["InvoiceID"].lower() for document in documents}
    heirs = _heirs(tools, documents, of_document)
    followed = (_followed(of_document[document["InvoiceID"].lower()], document, heirs) for document in documents)
    outcomes = [outcome for outcome in followed if outcome is not None and not is_known(outcome)]
    write_back(tools, [*outcomes, *(_missing(of_document[xero_id], xero_id) for xero_id in sorted(missing))], report)
    tools.memory.forget_moved(wanted)
    log.info(
        "documents.followed",
        connection=tools.connection.id,
        asked=len(wanted),
        ours=len(known),
        read=len(documents),
        written=len(outcomes),
    )


def _missing(present: Present, xero_id: str) -> Noted:
    """Xero keeps voided and deleted documents, so this one stands in another organisation, or its id is wrong."""
    text = (
        f"The document {xero_id} that the Xero details of this invoice name is not found in Xero, so nothing of it "
        "is followed. Has the organisation in Xero been replaced, or the row been changed by hand?"
    )
    return Noted(present, text, once=f"missing {xero_id}", gives_up=True)


def list_invoices_of(tools: Tools, xero_ids: Sequence[str]) -> list[str]:
    """Return the ids of the invoices whose details rows name these documents."""
    return [row.invoice_id for row in _known(tools, xero_ids).values()]


def _known(tools: Tools, xero_ids: Sequence[str]) -> dict[str, _Known]:
    """Return the details rows of this connection that name these documents, by document."""
    query = {
        "$select": "stl3_dynamicsinvoiceid,stl3_xeroinvoiceid,stl3_xeroupdated",
        "$filter": f"stl3_connectionid eq '{tools.connection.id}' and {odata_in('stl3_xeroinvoiceid', xero_ids)}",
    }
    (rows,) = read_batch(tools, rows_path(columns.DETAILS.set_name, query))
    return {row["stl3_xeroinvoiceid"].lower(): _Known(row["stl3_dynamicsinvoiceid"], _seen(row)) for row in rows}


def _seen(row: Payload) -> datetime | None:
    return parse_xero_time(row["stl3_xeroupdated"]) if row.get("stl3_xeroupdated") else None


def _is_news(moved_at: datetime | None, seen: datetime | None) -> bool:
    """Whether the document has to be read: nobody knows when it moved, or it moved after it was last followed."""
    return moved_at is None or seen is None or moved_at > seen


def _followed(present: Present, document: Payload, heirs: Mapping[str, Payload]) -> Followed | None:
    details, invoice = present.details, present.invoice
    assert details is not None
    updated = parse_xero_time(document["UpdatedDateUTC"])
    if details.xero_updated is not None and updated < details.xero_updated:
        return None  # Xero has shown a newer one before: this answer is stale
    standing = standing_of(document)
    line_ids = line_ids_of(invoice, document) if invoice is not None else ()
    heir = heirs.get(details.xero_contact_id)
    is_heir = heir is not None and heir["ContactID"].lower() == contact_id_of(document)
    return Followed(
        present,
        document,
        standing,
        line_ids,
        texts=story_of(standing, document, invoice, details, line_ids),
        closes=closes(standing, invoice, details),
        reopens=reopens(standing, invoice, details),
        contact_id=contact_id_of(document) if is_heir else "",
    )


def _heirs(tools: Tools, documents: Sequence[Payload], of_document: Mapping[str, Present]) -> Mapping[str, Payload]:
    """Return what the contacts have been merged into whose documents stand with another contact now (rule C22)."""
    left = {
        row.xero_contact_id
        for document in documents
        if (row := _row(of_document[document["InvoiceID"].lower()])).xero_contact_id
        and row.xero_contact_id.lower() != contact_id_of(document)
    }
    return find_heirs(tools, list(tools.xero.list_contacts(ids=sorted(left)))) if left else {}


def _row(present: Present) -> Details:
    assert present.details is not None
    return present.details
