"""Makes credit notes in Xero: as drafts, compared, approved and applied; each step only if it is missing (rule E9).

The number of a note is its origin. A draft is not in the books, so whatever arrives late or twice up to there moves
no money; approving twice changes nothing, and a note cannot be applied beyond what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import structlog

from clients.http import Payload
from clients.xero import Element
from core import ids
from core.errors import Rejected
from mappers.agreements import day_of
from mappers.cancelled_texts import money_of
from mappers.cancelling import Step
from mappers.credit_notes import agrees, correction_of, credit_note_of, dated_on, free_number
from mappers.refused_cancelling import Doing
from mappers.standing import APPROVED
from mappers.totals import amount
from pipeline.attempts import CLOSE_AFTER, NOT_UNIQUE
from pipeline.ending import Ending
from pipeline.outcomes import Report
from pipeline.own_notes import look_again
from pipeline.tools import Tools

log = structlog.get_logger()


@dataclass(slots=True)
class Refused:
    """Why Xero refuses what was to be done for an invoice, in its own words or ours, by invoice."""

    reasons: dict[str, tuple[Doing, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, ending: Ending, doing: Doing, messages: Sequence[str]) -> None:
        self.reasons[ending.invoice_id] = (doing, tuple(messages))

    def forget(self, ending: Ending) -> None:
        self.reasons.pop(ending.invoice_id, None)

    def is_not_unique(self, ending: Ending) -> bool:
        """Whether Xero says that another document has its number."""
        _, messages = self.reasons.get(ending.invoice_id, ("", ()))
        return any(NOT_UNIQUE in words.lower() for words in messages)

    def __contains__(self, ending: object) -> bool:
        return isinstance(ending, Ending) and ending.invoice_id in self.reasons


def waits_until(ending: Ending, now: datetime) -> datetime | None:
    """Return until when nothing may be decided, as what was begun may still be on its way to Xero.

    A note of a bill is not begun again before: Xero takes their numbers twice, those of sales notes only once. And
    nobody is told what stands of an invoice that is active again while its document may yet be ended.
    """
    begun = ending.begun
    if begun is None or ending.is_half_done:
        return None
    may_double = begun.is_credit and not ending.is_sales
    until = begun.since + CLOSE_AFTER
    return until if (may_double or ending.is_active_again) and until > now else None


def credit(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    """Bring the notes of these documents (at most 50) as far as they can go; return the endings with their notes.

    Their intents are written. What Xero refuses is added to `refused`. Raises Unknown if nobody knows what Xero did:
    the next look shows it.
    """
    have = [ending for ending in endings if ending.note is not None]
    have += _create(tools, [ending for ending in endings if ending.note is None], refused, report)
    have = _correct(tools, have, refused, report)
    have = _approve(tools, have, refused, report)
    for ending in have:
        if ending.step is Step.APPLY and ending not in refused and ending.note is not None:
            _apply(tools, ending, ending.note, refused)
    return have


def _create(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    if not endings:
        return []
    drafts = [_draft(tools, ending) for ending in endings]
    key = ids.idempotency_key(tools.connection.id, ids.content_hash(drafts), _since(endings))
    made = _written(
        endings, lambda: tools.xero.create_credit_notes(drafts, key=key), refused, report, tools, what="created"
    )
    return _found_instead(tools, made, refused, report)


def _found_instead(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    """Return the endings with the notes of an earlier try of ours that have arrived since it was looked for.

    Xero takes the number of a sales note once. What has it and is not ours leaves the other number: in another round.
    """
    doubtful = {one.invoice_id for one in endings if one.note is None and refused.is_not_unique(one)}
    found = {one.invoice_id: one for one in look_again(tools, [one for one in endings if one.invoice_id in doubtful])}
    after: list[Ending] = []
    for one in endings:
        now = found.get(one.invoice_id, one)
        if one.invoice_id in doubtful and now.note is not None:
            refused.forget(one)
        elif one.invoice_id in doubtful and free_number(now.notes, now.document) != now.details.credit_note_number:
            refused.forget(one)
            report.later(one.invoice_id, tools.hold())
            continue
        after.append(now)
    return after


def _since(endings: Sequence[Ending]) -> datetime:
    """Return when the intents were written, which are all of one round."""
    return max(ending.begun.since for ending in endings if ending.begun is not None)


def _draft(tools: Tools, ending: Ending) -> Payload:
    begun, invoice = ending.begun, ending.present.invoice
    assert begun is not None, "the intent comes first"
    # A cancelled invoice is read-only: it was changed last when it was cancelled.
    closed_at = invoice.modified_at if invoice is not None and not ending.is_active_again else None
    dated = dated_on(ending.document, cancelled_at=closed_at or begun.since, zone=tools.connection.zone)
    return credit_note_of(ending.document, number=ending.details.credit_note_number, dated=dated)


def _correct(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    """Let each draft add up to its document (rule E9); whose totals differ all the same stays a draft."""
    wrong = [one for one in endings if one.note is not None and not agrees(one.note, one.document)]
    drafts = [one for one in wrong if _is_draft(one)]
    if drafts:
        corrections = [correction_of(one.note, one.document) for one in drafts if one.note is not None]
        mended = _written(
            drafts, lambda: tools.xero.update_credit_notes(corrections), refused, report, tools, what="corrected"
        )
    else:
        mended = []
    for one in (*[one for one in wrong if not _is_draft(one)], *mended):
        if one not in refused and one.note is not None and not agrees(one.note, one.document):
            refused.add(one, "credit", (_differs(one),))
    asked = {one.invoice_id for one in drafts}
    return [*(one for one in endings if one.invoice_id not in asked), *mended]


def _differs(ending: Ending) -> str:
    note, document = ending.note or {}, ending.document
    sums = [f"{money_of(each)} (tax {money_of(each, 'TotalTax')})" for each in (note, document)]
    approved = "" if _is_draft(ending) else "is approved and "
    return f"Credit note {ending.note_number} {approved}adds up to {sums[0]}, the document to {sums[1]}"


def _approve(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    drafts = [one for one in endings if _is_draft(one) and one not in refused]
    if not drafts:
        return list(endings)
    approvals = [{"CreditNoteID": one.note_id, "Status": APPROVED} for one in drafts]
    done = _written(
        drafts, lambda: tools.xero.update_credit_notes(approvals), refused, report, tools, what="approved"
    )
    asked = {one.invoice_id for one in drafts}
    return [*(one for one in endings if one.invoice_id not in asked), *done]


def _apply(tools: Tools, ending: Ending, note: Payload, refused: Refused) -> None:
    tools.hold()
    try:
        element = tools.xero.allocate_credit_note(
            ending.note_id,
            invoice_id=ending.document["InvoiceID"],
            amount=amount(ending.document, "AmountDue"),  # all of it, unless a person has applied a part
            dated=date.fromisoformat(day_of(note, "Date")),
        )
        errors = element.errors
    except Rejected as error:
        errors = error.messages or (str(error),)
    if errors:
        refused.add(ending, "apply", errors)
    log.info("credit_note.applied", connection=tools.connection.id, invoice=ending.invoice_id, refused=bool(errors))


def _written(
    endings: Sequence[Ending],
    write: Callable[[], list[Element]],
    refused: Refused,
    report: Report,
    tools: Tools,
    *,
    what: str,
) -> list[Ending]:
    """Write notes in one call; return the endings with their notes as they are now, without those not looked at.

    A call that is refused as a whole changed nothing: its members go singly then, so that the culprit stands alone.
    """
    tools.hold()
    try:
        elements = write()
    except Rejected as error:
        if len(endings) > 1:
            report.singly |= {ending.invoice_id for ending in endings}
            return []
        refused.add(endings[0], "credit", error.messages or (str(error),))
        return list(endings)
    log.info("credit_notes.written", connection=tools.connection.id, what=what, notes=len(elements))
    report.made |= any(element.ok for element in elements)
    after: list[Ending] = []
    for ending, element in zip(endings, elements, strict=True):
        if element.ok:
            after.append(replace(ending, note=element.document))
        else:
            refused.add(ending, "credit", element.errors)
            after.append(ending)
    return after


def _is_draft(ending: Ending) -> bool:
    return ending.note is not None and ending.note["Status"] in ("DRAFT", "SUBMITTED")
