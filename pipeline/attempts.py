"""Creates documents in Xero exactly once: the intent stands in Dynamics first, an unknown outcome is resolved first.

The Xero details row is the journal. An attempt is open from its intent until a known outcome is written back; the
rows that share its key, in the order of their invoice ids, are the request. See docs/architecture.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from clients.dataverse import Change, Changes
from clients.http import Payload
from clients.xero import Element
from core import columns, gates, ids
from core.errors import LeaseLost, Rejected, Unknown
from core.invoice import Details
from mappers.agreements import Agreement, is_as_sent, mark_of, read_agreement
from mappers.cancelling import is_over, is_replaced, own_note_id
from mappers.comparing import differences
from mappers.links import Origin, find_origin, invoice_link, origin_of
from mappers.standing import DEAD_STATUSES
from mappers.totals import line_ids_of
from mappers.xero import XeroInvoice, is_numbered_again, next_number
from pipeline.books import read_books
from pipeline.details import change_details
from pipeline.documents import Member, forget_what_was_refused, payloads, prepare, refusal
from pipeline.lanes import Entity
from pipeline.outcomes import AttemptEnded, Created, Failed, Outcome, Present, Renumbered, Report
from pipeline.reading import in_chunks, list_attempt_members, read_invoices
from pipeline.tools import Tools

SEND_WITHIN = timedelta(minutes=5)  # Xero remembers an Idempotency-Key for 6 minutes from the first call
CLOSE_AFTER = timedelta(minutes=7)  # by then a late request has arrived or never will
LOOK_BACK = timedelta(minutes=10)
NOT_UNIQUE = "must be unique"

log = structlog.get_logger()


def create(tools: Tools, members: Sequence[Member], report: Report) -> list[Outcome]:
    """Create the documents of these invoices (at most 50) in one call and return what became of each.

    Raises Conflict if a row moved since it was read and Rejected if Dynamics refuses the intents (nothing was
    sent), Unknown if nobody knows what Xero did. A call that Xero refuses whole made nothing: its members are noted
    in `report` to go singly, so that the culprit stands alone.
    """
    attempt_key = _hash_of(members)
    started = tools.hold().replace(microsecond=0)
    journalled = _write_intents(tools, members, attempt_key, started)
    try:
        return _send(tools, journalled, attempt_key, started, report)
    except Rejected as error:
        # The first send of this attempt was refused whole, so nothing was made.
        if len(journalled) > 1:
            report.singly |= {member.present.invoice_id for member in journalled}
            return [AttemptEnded(member.present) for member in journalled]
        return [refusal(journalled[0].present, error.messages or (str(error),))]


def resolve(tools: Tools, rows: Sequence[Details], report: Report) -> list[Outcome]:
    """Return the outcomes of the open attempts on these rows, whatever has become of their invoices since.

    An attempt whose outcome stays unknown for now is noted in `report` with the time of the next look.
    """
    members = list_attempt_members(tools, [row.attempt_key for row in rows])
    grouped: dict[tuple[str, datetime], list[Present]] = defaultdict(list)
    for chunk in in_chunks(sorted(set(members))):
        for present in read_invoices(tools, chunk).values():
            details = present.details
            if details is not None and details.attempt_started is not None:
                grouped[details.attempt_key, details.attempt_started].append(present)
    outcomes: list[Outcome] = []
    for (attempt_key, started), presents in sorted(grouped.items(), key=lambda entry: entry[0][1]):
        outcomes += _resolve_one(tools, presents, attempt_key, started, report)
    return outcomes


def _resolve_one(
    tools: Tools, presents: Sequence[Present], attempt_key: str, started: datetime, report: Report
) -> list[Outcome]:
    now = tools.hold()
    if now - started < SEND_WITHIN and all(_still_goes(tools, present, now) for present in presents):
        members, failed = prepare(tools, presents)
        if not failed and len(members) == len(presents) and _hash_of(members) == attempt_key:
            try:
                return _send(tools, members, attempt_key, started, report)
            except (Unknown, Rejected) as error:
                # A refusal of this call, by a gateway say, is no word about the one before it: look.
                log.info(
                    "attempt.unanswered",
                    connection=tools.connection.id,
                    attempt=attempt_key[:12],
                    error=type(error).__name__,
                )
    return _look(tools, presents, started, report)


def _still_goes(tools: Tools, present: Present, now: datetime) -> bool:
    """Whether it may still be made: sending again may be what makes it, and by now it may have been cancelled."""
    if present.invoice is None:
        return False
    return all(gate.is_open for gate in gates.gates_of(present.invoice, present.details, tools.connection, now))


def _look(tools: Tools, presents: Sequence[Present], started: datetime, report: Report) -> list[Outcome]:
    """Look for the documents in Xero by their origin."""
    found: dict[str, Payload] = {}
    for present, documents in _candidates(tools, presents, started - LOOK_BACK):
        if documents:
            found[present.invoice_id], *others = documents
            _note_strays(others, report, tools.hold())
    members, _ = prepare(tools, [present for present in presents if present.invoice_id in found], creates=False)
    mapped = {member.present.invoice_id: member.document for member in members}
    now = tools.hold()
    outcomes: list[Outcome] = []
    for present in presents:
        if present.invoice_id in found:
            outcomes.append(adopted(present, found[present.invoice_id], mapped.get(present.invoice_id)))
        elif now - started > CLOSE_AFTER:
            outcomes.append(AttemptEnded(present))
            report.fruitless[present.invoice_id] = started
        else:
            report.later(present.invoice_id, started + CLOSE_AFTER + timedelta(seconds=1))
    return outcomes


def _candidates(
    tools: Tools, presents: Sequence[Present], since: datetime
) -> Iterator[tuple[Present, list[Payload]]]:
    """Yield the documents that each may have become, in full.

    A living one comes before a dead one; among equals the one that was there first. Whose place was to be taken by
    what this attempt makes is none of them (rule E8).
    """
    origins = _ids_by_origin(tools, since)
    asked = {
        present.invoice_id: origins.get(origin_of(tools.connection, present.invoice_id), []) for present in presents
    }
    whole = {
        row["InvoiceID"]: row
        for row in tools.xero.list_invoices(ids=[each for ids in asked.values() for each in ids])
    }
    for present in presents:
        earlier = present.details.earlier_ids if present.details is not None else ()
        documents = [whole[xero_id] for xero_id in asked[present.invoice_id]]
        yield present, sorted((one for one in documents if not is_replaced(one, earlier)), key=_is_dead)


def _ids_by_origin(tools: Tools, since: datetime) -> Mapping[Origin, list[str]]:
    """A summary is enough to know the origin; who settled a document it does not tell."""
    found: dict[Origin, dict[str, None]] = defaultdict(dict)  # one that changes meanwhile comes twice
    for document in tools.xero.list_invoices_changed(since, summary=True):
        origin = find_origin(document)
        if origin is not None:
            found[origin][document["InvoiceID"]] = None
    return {origin: list(xero_ids) for origin, xero_ids in found.items()}


def _is_dead(document: Payload) -> bool:
    return document["Status"] in DEAD_STATUSES


def _note_strays(documents: Sequence[Payload], report: Report, now: datetime) -> None:
    """A second document of the same origin: one came later than anybody waited for. It is settled next."""
    for document in documents:
        if not _is_dead(document):
            report.later_in_xero(Entity("xero", "stray", document["InvoiceID"].lower()), now)


def adopted(present: Present, document: Payload, mapped: XeroInvoice | None) -> Created:
    """Return what a document that was found, as a list of full ones shows it, means for its invoice.

    `mapped` is what the invoice makes now; the attempt may have sent what it was before somebody changed it.
    """
    invoice, details = present.invoice, present.details
    agrees = mapped is not None and not differences(mapped, document)
    sent = read_agreement(details.agreed_document).sent if details is not None else ""
    is_ours = agrees or is_as_sent(document, sent)
    line_ids = line_ids_of(invoice, document) if invoice else ()
    return Created(present, document, line_ids, agrees=agrees, is_ours=is_ours, was_found=True)


def _hash_of(members: Sequence[Member]) -> str:
    """Return the hash of a request: of its documents, and of those whose place they take (rule E8).

    What is sent again in the very second of its first document is then another request.
    """
    details = [member.present.details for member in members]
    earlier = [xero_id for each in details if each is not None for xero_id in each.earlier_ids]
    return ids.content_hash([payloads(members), *earlier])


def _write_intents(tools: Tools, members: Sequence[Member], attempt_key: str, started: datetime) -> list[Member]:
    """Write the intents, all or none, and return the members with their rows as they are now."""
    changes = tuple(_intent(tools, member, attempt_key, started) for member in members)
    (outcome,) = tools.dataverse.batch([Changes(changes)])
    if outcome.error is not None:
        raise outcome.error
    journalled = []
    for member, row in zip(members, outcome.representations, strict=True):
        if row is None:
            raise Unknown("Dynamics did not show the rows that it wrote")
        details = Details(
            id=row["stl3_xerodetailsid"],
            etag=row["@odata.etag"],
            invoice_id=member.present.invoice_id,
            connection_id=tools.connection.id,
            export_status="No",
            attempt_started=started,
            attempt_key=attempt_key,
            agreed_document=_agreement(tools, member),
        )
        journalled.append(
            replace(member, present=Present(member.present.invoice_id, member.present.invoice, details))
        )
    return journalled


def _intent(tools: Tools, member: Member, attempt_key: str, started: datetime) -> Change:
    invoice = member.present.invoice
    row: Payload = {
        columns.NAME: invoice.name if invoice else "",  # it may have been renamed while it waited
        "stl3_dynamicsnumber": invoice.number if invoice else "",
        "stl3_exportstatus": columns.EXPORT_STATUS["No"],
        "stl3_attemptstarted": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_attemptkey": attempt_key,
        "stl3_fingerprint": None,
        "stl3_agreeddocument": _agreement(tools, member),
    }
    return change_details(tools, member.present, row, returns=("stl3_xerodetailsid",))


def _agreement(tools: Tools, member: Member) -> str:
    """By this a document that is found later shows whether somebody has changed it since."""
    return Agreement(sent=mark_of(member.document), connector_id=tools.connection.id).text


def _send(
    tools: Tools, members: Sequence[Member], attempt_key: str, started: datetime, report: Report
) -> list[Outcome]:
    """Send the request of an attempt; called only while its key is remembered by Xero.

    Raises Rejected if the call was refused whole: this call made nothing, which says nothing of an earlier one.
    """
    now = tools.hold()
    if now - started >= SEND_WITHIN:
        raise LeaseLost("the attempt grew too old before it could be sent")
    key = ids.idempotency_key(tools.connection.id, attempt_key, started)
    elements = tools.xero.create_invoices(payloads(members), key=key)
    refused = [member.present for member, element in zip(members, elements, strict=True) if not element.ok]
    log.info("invoices.sent", connection=tools.connection.id, documents=len(members), refused=len(refused))
    report.made |= len(refused) < len(members)
    forget_what_was_refused(tools, refused)
    return [_outcome(tools, member, element) for member, element in zip(members, elements, strict=True)]


def _outcome(tools: Tools, member: Member, element: Element) -> Outcome:
    if element.ok:
        return Created(member.present, element.document, member.document.line_ids)
    if member.document.number and any(NOT_UNIQUE in words.lower() for words in element.errors):
        return _of_that_number(tools, member, element.errors)
    if member.remembered:
        # What was remembered may be why, and has just been forgotten: once more, read from Xero.
        return AttemptEnded(member.present)
    return refusal(member.present, element.errors)


def _of_that_number(tools: Tools, member: Member, errors: Sequence[str]) -> Outcome:
    """The number is taken: by this invoice's own document, which is adopted unless it is over, or by another one.

    A number with a suffix is our choice, which nobody asked for: if another document has it, the next one will do.
    """
    number = member.document.number or ""
    document = tools.xero.find_invoice_by_number(number)
    if document is None:
        return refusal(member.present, errors)
    is_own = find_origin(document) == origin_of(tools.connection, member.present.invoice_id)
    if is_own and not is_over(document, note_id=own_note_id(document)):
        return adopted(member.present, document, member.document)
    base = member.present.invoice.number if member.present.invoice is not None else ""
    if is_own or is_numbered_again(number, base):
        return Renumbered(member.present, next_number(number, base))
    link = invoice_link(read_books(tools).short_code, document["InvoiceID"], kind="sales")
    words = f"Xero says: {' '.join(errors)}\nThe number {number} is already used in Xero by another document: {link}"
    remedy = "Renumber that one in Xero, or let Xero number invoices (setting: Use Xero invoice number)."
    return Failed(member.present, (f"{words}\n{remedy}",))
