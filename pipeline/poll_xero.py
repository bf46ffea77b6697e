"""What has moved in Xero since the last poll: one list call, and one to Dynamics if it names anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice

from clients.http import Payload
from clients.odata import odata_in, rows_path
from clients.xero import PAGE_SIZE, parse_xero_time
from core import columns
from core.errors import Transient
from mappers.agreements import contact_id_of
from mappers.links import find_origin, is_from
from mappers.standing import CREDITED, DEAD_STATUSES, SETTLED, may_owe, standing_of
from pipeline.app import App
from pipeline.lanes import Entity
from pipeline.marking import mark
from pipeline.memory import FOREVER
from pipeline.reading import in_chunks, read_batch
from pipeline.tools import Tools
from pipeline.watermarks import OVERLAP, Watermark

_SELECT = (
    "stl3_dynamicsinvoiceid,stl3_connectionid,stl3_xeroinvoiceid,stl3_xerocontactid,stl3_xeroupdated,"
    "stl3_attemptstarted,stl3_xerostatus,stl3_amountdue"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a Xero details row says of the document of an invoice; `seen`: its update time when last followed.

    `status` and `due` are where it stood then.
    """

    invoice_id: str
    connection_id: str
    xero_id: str
    contact_id: str
    seen: datetime | None
    is_attempted: bool
    status: str
    due: Decimal | None


@dataclass(slots=True)
class Moved:
    """What a list of changed documents leads to, by id, with the times of the changes.

    `documents` are ours, to be followed; `strays` are as if ours; `contacts` are those that may owe more or less now.
    """

    documents: dict[str, datetime] = field(default_factory=dict)
    strays: dict[str, datetime] = field(default_factory=dict)
    contacts: dict[str, datetime] = field(default_factory=dict)

    def add_contact(self, contact_id: str, at: datetime) -> None:
        if contact_id:
            self.contacts[contact_id] = max(at, self.contacts.get(contact_id, at))


def poll_xero(app: App, tools: Tools) -> int:
    """Mark due what has moved in Xero since the watermark; return how many records that were.

    A thousand documents at a time: the watermark follows behind the marks, so that whatever interrupts a long list
    leaves the rest for the next poll. It stays ten minutes behind Xero's own clock at the first answer.
    Raises Transient, Limited or Disconnected.
    """
    watermark = Watermark(app.redis, tools.connection.id, "xero")
    since = watermark.load() or _beginning(tools) - OVERLAP
    up_to, marked = None, 0
    for documents in _portions(tools.xero.list_invoices_changed(since, summary=True)):
        up_to = up_to or _clock(tools) - OVERLAP
        marked += _mark(app, tools, documents)
        watermark.save(min(_changed_at(documents[-1]), up_to))
    watermark.save(up_to or _clock(tools) - OVERLAP)
    return marked


def sort_out(tools: Tools, documents: Iterable[Payload], rows: Collection[Row]) -> Moved:
    """Return what these documents lead to, beside the details rows that name them or their invoices."""
    mine = tools.connection.id
    of_document = {row.xero_id: row for row in rows if row.xero_id and row.connection_id == mine}
    of_invoice = {row.invoice_id: row for row in rows}
    moved = Moved()
    for document in documents:
        xero_id, changed_at = document["InvoiceID"].lower(), _changed_at(document)
        row = of_document.get(xero_id)
        if row is not None and (row.seen is None or changed_at > row.seen):
            moved.documents[xero_id] = changed_at
        elif row is not None and _stands_elsewhere(row, document):
            # In the same moment as what was seen: by its time alone it would pass for our own write.
            moved.documents[xero_id] = FOREVER
        if row is None and _is_stray(tools, document, of_invoice):
            moved.strays[xero_id] = changed_at
        if may_owe(document):
            moved.add_contact(contact_id_of(document), changed_at)
            # Somebody may have moved the document to another contact: the one before owes less now.
            moved.add_contact(row.contact_id if row is not None else "", changed_at)
    return moved


def _stands_elsewhere(row: Row, document: Payload) -> bool:
    """Whether the row says something else than this summary, which need not tell who settled the document."""
    standing = standing_of(document)
    was, now = (SETTLED if status == CREDITED else status for status in (row.status, standing.status))
    return (was, row.due) != (now, standing.due)


def _is_stray(tools: Tools, document: Payload, of_invoice: Mapping[str, Row]) -> bool:
    """Whether a live document came from an invoice of ours whose details row does not name it.

    While an attempt is open nobody knows yet which document is the invoice's: who resolves it looks for all of them.
    """
    origin = find_origin(document)
    if document["Status"] in DEAD_STATUSES or origin is None or not is_from(tools.connection, origin):
        return False
    row = of_invoice.get(origin.invoice_id)
    return row is None or not row.is_attempted


def _mark(app: App, tools: Tools, documents: Sequence[Payload]) -> int:
    moved = sort_out(tools, documents, _read_rows(tools, documents))
    told, known = tools.memory.told_strays(moved.strays), tools.memory.balances_read(moved.contacts)
    strays = [xero_id for xero_id, at in moved.strays.items() if xero_id not in told or at > told[xero_id]]
    # A change in the very moment of the reading may not be in it.
    contacts = [key for key, at in moved.contacts.items() if key not in known or at >= known[key]]
    entities = [Entity("xero", "invoice", xero_id) for xero_id in moved.documents]
    entities += [Entity("xero", "stray", xero_id) for xero_id in strays]
    entities += [Entity("xero", "contact", contact_id) for contact_id in contacts]
    # Its time first: with an older one, or that of our own write, a document would be passed over.
    tools.memory.note_moved(moved.documents)
    mark(app, tools.connection.id, entities)
    return len(entities)


def _read_rows(tools: Tools, documents: Sequence[Payload]) -> list[Row]:
    """Return the details rows that name these documents or the invoices that they came from; one `$batch`."""
    by_document = [document["InvoiceID"].lower() for document in documents]
    origins = {origin for document in documents if (origin := find_origin(document)) is not None}
    by_invoice = sorted(origin.invoice_id for origin in origins if is_from(tools.connection, origin))
    mine = f"stl3_connectionid eq '{tools.connection.id}'"
    filters = [f"{mine} and {odata_in('stl3_xeroinvoiceid', chunk)}" for chunk in in_chunks(by_document)]
    # Of any connection: an invoice that went through another one is not to be taken for one without a document.
    filters += [odata_in("stl3_dynamicsinvoiceid", chunk) for chunk in in_chunks(by_invoice)]
    reads = [rows_path(columns.DETAILS.set_name, {"$select": _SELECT, "$filter": each}) for each in filters]
    found = {row["stl3_dynamicsinvoiceid"]: _to_row(row) for rows in read_batch(tools, *reads) for row in rows}
    return list(found.values())


def _to_row(row: Payload) -> Row:
    seen = row.get("stl3_xeroupdated")
    return Row(
        invoice_id=row["stl3_dynamicsinvoiceid"],
        connection_id=str(row.get("stl3_connectionid") or ""),
        xero_id=str(row.get("stl3_xeroinvoiceid") or "").lower(),
        contact_id=str(row.get("stl3_xerocontactid") or "").lower(),
        seen=parse_xero_time(seen) if seen else None,
        is_attempted=bool(row.get("stl3_attemptstarted")),
        status=str(row.get("stl3_xerostatus") or ""),
        due=row.get("stl3_amountdue"),
    )


def _beginning(tools: Tools) -> datetime:
    """Return when the first document of this connection can have been written, without a watermark.

    The details rows outlive our own record of the connection: whoever removes it and joins the same two
    organisations again, or has lost the database, would else not hear of what moved before.
    """
    mine = f"stl3_connectionid eq '{tools.connection.id}'"
    query = {"$select": "createdon", "$filter": mine, "$orderby": "createdon asc", "$top": "1"}
    (rows,) = read_batch(tools, rows_path(columns.DETAILS.set_name, query))
    return min([tools.connection.created_at, *(datetime.fromisoformat(row["createdon"]) for row in rows)])


def _clock(tools: Tools) -> datetime:
    """Return Xero's own time: ours may be wrong by minutes."""
    if tools.xero.server_time is None:
        raise Transient("Xero answers without its time")
    return tools.xero.server_time


def _changed_at(document: Payload) -> datetime:
    return parse_xero_time(document["UpdatedDateUTC"])


def _portions(documents: Iterator[Payload]) -> Iterator[list[Payload]]:
    """Yield as many as come in a page, before the next one is asked for."""
    while portion := list(islice(documents, PAGE_SIZE)):
        yield portion
