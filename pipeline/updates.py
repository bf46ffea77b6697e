"""Carries what changed in Dynamics over to documents that stand in Xero, or says why not (rules C7, C61, E8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from clients.http import Payload
from clients.xero import parse_xero_time
from mappers.cancelling import is_over, own_note_id
from mappers.comparing import TYPES, Difference, differences, in_words
from mappers.links import find_origin, origin_of
from mappers.standing import DEAD_STATUSES, OPEN_STATUSES, SEND_IT_AGAIN, standing_of
from pipeline.amend import Pair, amend
from pipeline.changed import Exported
from pipeline.documents import prepare
from pipeline.lanes import Entity
from pipeline.outcomes import Agrees, Failed, NotCarried, Outcome, Present, Released, Report, Updated
from pipeline.tools import Tools

LOOK_AGAIN_AFTER = timedelta(minutes=1)  # by then Xero shows how the document stands


def carry_over(tools: Tools, exported: Sequence[Exported], report: Report) -> list[Outcome]:
    """Return what became of these changed invoices (at most 50): one call to read, one to write what may be written.

    Raises Unknown if nobody knows what Xero did; repeating is safe.
    """
    found = {row["InvoiceID"]: row for row in tools.xero.list_invoices(ids=[one.xero_id for one in exported])}
    outcomes: list[Outcome] = []
    alive: list[tuple[Exported, Payload]] = []
    for one in exported:
        document = found.get(one.xero_id)
        if document is None:
            outcomes.append(_missing(one))
        elif document["Status"] not in DEAD_STATUSES and not _is_linked(tools, one, document):
            outcomes.append(_foreign(one.present, document))
        elif not is_over(document, note_id=one.details.credit_note_id or own_note_id(document)):
            alive.append((one, document))
        elif not one.is_forced:
            outcomes.append(_over(one, document))
        elif one.details.xero_status == standing_of(document).status:
            outcomes.append(Released(one.present))
        else:
            _follow_first(one, document, report, tools.hold())
    to_send: list[Pair] = []
    for may_write in (True, False):
        chosen = {
            one.present.invoice_id: document for one, document in alive if _may_write(one, document) is may_write
        }
        members, failed = prepare(
            tools, [one.present for one, _ in alive if one.present.invoice_id in chosen], creates=may_write
        )
        outcomes += [replace(each, action="Update") for each in failed]
        for member in members:
            pair = Pair(member, chosen[member.present.invoice_id])
            outcome = _settled(pair, may_write=may_write)
            if outcome is None:
                to_send.append(pair)
            else:
                outcomes.append(outcome)
    return [*outcomes, *amend(tools, to_send, report)]


def _may_write(one: Exported, document: Payload) -> bool:
    """Rule C61: a draft that nobody but us has changed, or that a person wants to be replaced."""
    return document["Status"] in OPEN_STATUSES and (one.is_forced or one.agreement.is_as_we_left_it(document))


def _settled(pair: Pair, *, may_write: bool) -> Outcome | None:
    """Return what there is to say without writing to Xero; None if the document is to be changed."""
    invoice = pair.present.invoice
    customer = invoice.customer if invoice is not None else None
    differing = differences(pair.mapped, pair.found, customer=customer.name if customer else "")
    if not differing:
        # The answer to an earlier update was lost: what it did is written back now.
        has_arrived = pair.agreement.has_arrived(pair.found)
        return (Updated if has_arrived else Agrees)(pair.present, pair.found, pair.mapped.line_ids)
    if not may_write:
        return _not_carried(pair, differing)
    if pair.mapped.type != pair.found["Type"]:
        return _other_type(pair)
    return None


def _is_linked(tools: Tools, one: Exported, document: Payload) -> bool:
    return find_origin(document) == origin_of(tools.connection, one.present.invoice_id)


def _missing(one: Exported) -> Outcome:
    """Xero keeps voided and deleted documents: nobody knows whether this one is owed, so no other is made."""
    text = f"The document {one.xero_id} is not found in Xero"
    if not one.is_forced:
        return NotCarried(one.present, f"{text}, so the change of the invoice was not carried over.")
    why = (
        "Xero keeps voided and deleted documents too, so the organisation in Xero has been replaced, or the Xero "
        "details of this invoice were changed by hand. No other document is made while they name this one. If it is "
        "not wanted any more, delete the Xero details: the invoice is then sent as a new one. Otherwise connect the "
        "organisation that has the document, or correct the details."
    )
    return Failed(one.present, (f"{text}.\n{why}",), action="Update")


def _follow_first(one: Exported, document: Payload, report: Report, now: datetime) -> None:
    """How it ended is told before the row forgets it; an answer that is older than what the row says is not."""
    seen = one.details.xero_updated
    is_stale = seen is not None and parse_xero_time(document["UpdatedDateUTC"]) < seen
    report.later_in_xero(Entity("xero", "invoice", one.xero_id.lower()), now)
    report.later(one.present.invoice_id, now + LOOK_AGAIN_AFTER if is_stale else now)


def _over(one: Exported, document: Payload) -> NotCarried:
    """Rule E8: nothing is sent again by itself."""
    is_dead = document["Status"] in DEAD_STATUSES
    was = document["Status"].lower() if is_dead else "credited in full by the connector's credit note"
    text = f"The document {one.xero_id} has been {was} in Xero, so the change of the invoice was not carried over."
    return NotCarried(one.present, f"{text} {SEND_IT_AGAIN}")


def _foreign(present: Present, document: Payload) -> Failed:
    text = (
        f"The document {document['InvoiceID']} in Xero does not carry the link to this invoice, so the connector "
        "does not touch it. It may belong to a copy of this environment, or somebody has changed its link."
    )
    return Failed(present, (text,), action="Update")


def _other_type(pair: Pair) -> Failed:
    theirs, ours = TYPES[pair.found["Type"]], TYPES[pair.mapped.type]
    text = (
        f"The invoice is a {theirs} in Xero, and Xero cannot make a {ours} of it. Set Invoice type back, or make "
        "another invoice in Dynamics."
    )
    return Failed(pair.present, (text,), action="Update")


def _not_carried(pair: Pair, differing: Sequence[Difference]) -> NotCarried:
    """Rule C61: nothing is overwritten; say what differs and what to do."""
    status, number = pair.found["Status"], pair.found.get("InvoiceNumber") or pair.found["InvoiceID"]
    if status in OPEN_STATUSES:
        why = "somebody has changed it there" if pair.agreement.document else "somebody may have changed it there"
        remedy = "Set Export status to No to send the version of Dynamics; it replaces what was changed in Xero."
    else:
        why = "it has been paid" if status == "PAID" else "it has been approved"
        remedy = "Change the invoice in Xero, or cancel it in Dynamics and make a new one."
    text = f"The change of the invoice was not carried over to {number} in Xero: {why}. What differs:"
    return NotCarried(pair.present, f"{text}\n{in_words(differing)}\n{remedy}")
