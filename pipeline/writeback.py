"""Writes outcomes back to Dynamics, as many as fit into a call.

Each invoice's changes are one transaction, conditional on its details row being the one that was read, and keyed so
that a repetition writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from clients.batch import OPERATIONS_MAX
from clients.dataverse import Changes
from clients.dataverse import Outcome as Written
from clients.xero import parse_xero_time
from core.errors import Conflict, ConnectorError, Rejected
from core.invoice import CANCELLED
from mappers.agreements import contact_id_of
from mappers.standing import ACTIVE_AGAIN, may_owe
from pipeline.invoice_rows import BESIDES_LINES
from pipeline.lanes import Entity
from pipeline.outcomes import (
    Agrees,
    AttemptEnded,
    Cancelled,
    Created,
    Failed,
    Followed,
    NotCarried,
    Noted,
    Outcome,
    Present,
    Rejoined,
    Released,
    Renumbered,
    Report,
    Updated,
    Waits,
)
from pipeline.rows import changes_of, is_followed
from pipeline.tools import Tools

log = structlog.get_logger()


def write_back(tools: Tools, outcomes: Sequence[Outcome], report: Report) -> None:
    """Write the outcomes; rows that moved since they were read are noted in `report` to be looked at again.

    Raises Transient, Limited, Disconnected or Unknown (repeating is safe).
    """
    if not outcomes:
        return
    refused = _write(tools, outcomes, report, whole=True)
    if refused:
        told = [_with_refusal(outcome, error) for outcome, error in refused]
        # An invoice that may not be closed says all the same that nothing is due on it.
        unclosed = [outcome for outcome in told if _stays_active(outcome)]
        rest = [outcome for outcome in told if not _stays_active(outcome)]
        rest += [outcome for outcome, _ in _write(tools, unclosed, report, whole=True)]
        # The invoice or a line of it was closed or deleted meanwhile: what became of it is recorded all the same.
        for _, error in _write(tools, rest, report, whole=False):
            raise error


def _with_refusal(outcome: Outcome, error: ConnectorError) -> Outcome:
    """Say why an invoice is not Paid, or not active again (rules D2, D4)."""
    if not isinstance(outcome, Followed) or not (outcome.closes or outcome.reopens):
        return outcome
    wanted = "set the invoice to Paid" if outcome.closes else "make the invoice active again"
    texts = tuple(text for text in outcome.texts if text != ACTIVE_AGAIN)
    told = (*texts, f"Dynamics did not let the connector {wanted}: {error}. Do it by hand.")
    return replace(outcome, texts=told, closes=False, is_refused=True)


def _stays_active(outcome: Outcome) -> bool:
    return isinstance(outcome, Followed) and outcome.is_refused and not outcome.reopens


def _write(
    tools: Tools, outcomes: Sequence[Outcome], report: Report, *, whole: bool
) -> list[tuple[Outcome, ConnectorError]]:
    """Write as many outcomes a call as it takes; return those that Dynamics refuses as they are."""
    refused: list[tuple[Outcome, ConnectorError]] = []
    for group in _groups(outcomes):
        now = tools.hold()
        steps = [Changes(changes_of(tools, outcome, now, whole=whole)) for outcome in group]
        for outcome, answer in zip(group, tools.dataverse.batch(steps), strict=True):
            if not _settled(tools, outcome, answer, now, report) and answer.error is not None:
                refused.append((outcome, answer.error))
    return refused


def _groups(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """A call takes 1,000 changes; an invoice has at most one for each line and BESIDES_LINES more."""
    groups: list[list[Outcome]] = []
    room = 0
    for outcome in outcomes:
        lines = len(outcome.present.invoice.lines) if outcome.present.invoice else 0
        if lines + BESIDES_LINES > room:
            groups.append([])
            room = OPERATIONS_MAX
        groups[-1].append(outcome)
        room -= lines + BESIDES_LINES
    return groups


def _settled(tools: Tools, outcome: Outcome, answer: Written, now: datetime, report: Report) -> bool:
    """Return False if Dynamics refuses the changes as they are."""
    error = answer.error
    if error is None:
        log.info(_NAMES[type(outcome)], connection=tools.connection.id, invoice=outcome.present.invoice_id)
        if isinstance(outcome, AttemptEnded | Released | Renumbered):
            report.later(outcome.present.invoice_id, now)
            _let_go(tools, outcome.present, report)
        if isinstance(outcome, Created) and outcome.was_found and may_owe(outcome.document):
            # The poll may have listed it before anybody knew whose it was (rule D8).
            report.later_in_xero(Entity("xero", "contact", contact_id_of(outcome.document)), now)
        if isinstance(outcome, Cancelled):
            _after_cancelling(outcome, now, report)
        if isinstance(outcome, Created | Updated) and not is_followed(outcome):
            report.later_in_xero(_document(outcome), now)
        return True
    if isinstance(error, Conflict):
        if isinstance(outcome, Followed):
            report.later_in_xero(_document(outcome), now)
        elif not isinstance(outcome, Noted):  # it was told before, or will be when it is marked again
            report.later(outcome.present.invoice_id, now)
        return True
    if isinstance(error, Rejected):
        return False
    raise error


def _let_go(tools: Tools, present: Present, report: Report) -> None:
    """Nothing binds it to this connection any more; whose it became meanwhile has looked, and could do nothing."""
    owner = present.invoice.connector_id if present.invoice is not None else ""
    if owner and owner != tools.connection.id:
        report.elsewhere[present.invoice_id] = owner


def _after_cancelling(outcome: Cancelled, now: datetime, report: Report) -> None:
    """What else has happened to the document is followed; an active invoice says what is due, or is sent again."""
    document, details, invoice = outcome.document, outcome.present.details, outcome.present.invoice
    if invoice is not None and invoice.state != CANCELLED:
        report.later(outcome.present.invoice_id, now)
    if document is None or details is None or outcome.is_followed:
        return
    if details.xero_updated is None or parse_xero_time(document["UpdatedDateUTC"]) > details.xero_updated:
        report.later_in_xero(Entity("xero", "invoice", document["InvoiceID"].lower()), now)


def _document(outcome: Created | Updated | Followed) -> Entity:
    return Entity("xero", "invoice", outcome.document["InvoiceID"].lower())


_NAMES = {
    Created: "invoice.exported",
    Updated: "invoice.updated",
    Agrees: "invoice.agrees",
    NotCarried: "invoice.not_carried",
    Rejoined: "invoice.rejoined",
    Failed: "invoice.failed",
    Waits: "invoice.waits",
    AttemptEnded: "attempt.ended",
    Released: "invoice.released",
    Renumbered: "invoice.renumbered",
    Cancelled: "invoice.cancelled",
    Followed: "invoice.followed",
    Noted: "invoice.noted",
}
