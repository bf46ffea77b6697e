"""Changes documents in Xero that we made, as many as there are in one call (rule C61).

An update needs no journal of attempts: it is repeated after reading. Before it the fingerprint is cleared and the
mark of what is sent noted, so that after a crash or a lost answer the two systems are compared again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from clients.dataverse import Changes
from clients.http import Payload
from clients.xero import Element
from core.errors import Conflict, Rejected, Unknown
from mappers.agreements import Agreement, document_hash, mark_of, read_agreement
from mappers.comparing import as_update
from mappers.xero import XeroInvoice
from pipeline.details import change_details
from pipeline.documents import Member, forget_what_was_refused, refusal
from pipeline.outcomes import Outcome, Present, Report, Updated
from pipeline.tools import Tools

AGAIN_AFTER = timedelta(minutes=7)  # as long as for an attempt to create: outages are told from poison by count
MOVED_ON = ("not of valid status", "payment or credit note", "payments or credit notes")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pair:
    """An invoice, the document that it makes now, and the one that stands in Xero."""

    member: Member
    found: Payload

    @property
    def present(self) -> Present:
        return self.member.present

    @property
    def mapped(self) -> XeroInvoice:
        return self.member.document

    @property
    def agreement(self) -> Agreement:
        details = self.present.details
        return read_agreement(details.agreed_document) if details is not None else Agreement()

    @property
    def was_sent(self) -> bool:
        """Whether this very update has been sent before; what became of it was not heard."""
        return self.agreement.sent == mark_of(self.mapped, self.found)


def amend(tools: Tools, pairs: Sequence[Pair], report: Report) -> list[Outcome]:
    """Send these updates (at most 50) in one call and return what became of each.

    Raises Unknown if nobody knows what Xero did; the same again is noted in `report` instead, so that a document
    which Xero cannot digest does not hold up the others.
    """
    noted = _note(tools, pairs, report)
    if not noted:
        return []
    started = tools.hold()
    try:
        elements = tools.xero.update_invoices([as_update(pair.mapped, pair.found) for pair in noted])
    except Rejected as error:
        if len(noted) == 1:
            return [refusal(noted[0].present, error.messages or (str(error),), action="Update")]
        report.singly |= {pair.present.invoice_id for pair in noted}
        return []
    except Unknown:
        if not any(pair.was_sent for pair in pairs):
            raise
        _note_fruitless(noted, started, report)
        return []
    log.info("invoices.updated", connection=tools.connection.id, documents=len(noted))
    report.made |= any(element.ok for element in elements)
    answered = list(zip(noted, elements, strict=True))
    done: list[Outcome] = [
        Updated(pair.present, element.document, pair.mapped.line_ids) for pair, element in answered if element.ok
    ]
    return done + _after_refusal(tools, [(pair, element) for pair, element in answered if not element.ok], report)


def _note(tools: Tools, pairs: Sequence[Pair], report: Report) -> list[Pair]:
    """Clear the fingerprints and note what is sent; return the pairs whose rows had not moved, as they are now."""
    if not pairs:
        return []
    tools.hold()
    steps = [
        Changes((change_details(tools, pair.present, _intent(pair), returns=("stl3_xerodetailsid",)),))
        for pair in pairs
    ]
    noted: list[Pair] = []
    for pair, outcome in zip(pairs, tools.dataverse.batch(steps), strict=True):
        if isinstance(outcome.error, Conflict):
            report.later(pair.present.invoice_id, tools.hold())
            continue
        if outcome.error is not None:
            raise outcome.error
        row = outcome.representations[0]
        if row is None:
            raise Unknown("Dynamics did not show the row that it wrote")
        noted.append(replace(pair, member=replace(pair.member, present=_as_noted(pair, row["@odata.etag"]))))
    return noted


def _intent(pair: Pair) -> Payload:
    return {"stl3_fingerprint": None, "stl3_agreeddocument": _sent(pair).text}


def _sent(pair: Pair) -> Agreement:
    """Note what is sent, in place of what was sent before: if that has arrived, the document is as we left it."""
    known = pair.agreement
    left = document_hash(pair.found) if known.is_as_we_left_it(pair.found) else known.document
    return replace(known, document=left, sent=mark_of(pair.mapped, pair.found))


def _as_noted(pair: Pair, etag: str) -> Present:
    details = pair.present.details
    assert details is not None
    noted = replace(details, etag=etag, fingerprint="", agreed_document=_sent(pair).text)
    return replace(pair.present, details=noted)


def _note_fruitless(pairs: Sequence[Pair], started: datetime, report: Report) -> None:
    """Xero answers neither way again: each goes alone, and one that is alone waits, counted (`pipeline.tries`)."""
    if len(pairs) > 1:
        report.singly |= {pair.present.invoice_id for pair in pairs}
        return
    for pair in pairs:
        report.fruitless[pair.present.invoice_id] = started
        report.later(pair.present.invoice_id, started + AGAIN_AFTER)


def _after_refusal(tools: Tools, refused: Sequence[tuple[Pair, Element]], report: Report) -> list[Outcome]:
    """What was approved, paid or deleted since it was read is looked at again; the rest is Failed (rule C60)."""
    if not refused:
        return []
    forget_what_was_refused(tools, [pair.present for pair, _ in refused])
    moved = [pair for pair, element in refused if _has_moved_on(element)]
    now_in_xero = {
        row["InvoiceID"]: row for row in tools.xero.list_invoices(ids=[pair.found["InvoiceID"] for pair in moved])
    }
    outcomes: list[Outcome] = []
    for pair, element in refused:
        document = now_in_xero.get(pair.found["InvoiceID"], pair.found)
        if document["Status"] != pair.found["Status"] or pair.member.remembered:
            # Read and compared anew; what was remembered may be why, and has just been forgotten.
            report.later(pair.present.invoice_id, tools.hold())
        else:
            outcomes.append(refusal(pair.present, element.errors, action="Update"))
    return outcomes


def _has_moved_on(element: Element) -> bool:
    return any(words in error.lower() for error in element.errors for words in MOVED_ON)
