"""Deletes and voids documents in Xero, and takes back credit notes that are not wanted any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from core.errors import Rejected
from mappers.cancelling import Step
from mappers.refused_cancelling import Doing
from mappers.standing import APPROVED
from pipeline.crediting import Refused
from pipeline.ending import Ending
from pipeline.outcomes import Report
from pipeline.tools import Tools

STATUS = {Step.DELETE: "DELETED", Step.VOID: "VOIDED"}
DOING: dict[Step, Doing] = {Step.DELETE: "delete", Step.VOID: "void"}

log = structlog.get_logger()


def delete_or_void(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> None:
    """Delete or void these documents in one call (at most 50); what Xero refuses is added to `refused`.

    Xero itself refuses it for one that was approved or paid since it was read. Raises Unknown if nobody knows what
    Xero did: the next look shows it.
    """
    if not endings:
        return
    tools.hold()
    bodies = [{"InvoiceID": one.document["InvoiceID"], "Status": STATUS[one.step]} for one in endings]
    try:
        elements = tools.xero.update_invoices(bodies)
    except Rejected as error:
        if len(endings) > 1:
            # Refused as a whole, it changed nothing: its members go singly, so that the culprit stands alone.
            report.singly |= {one.invoice_id for one in endings}
            return
        refused.add(endings[0], DOING[endings[0].step], error.messages or (str(error),))
        return
    for one, element in zip(endings, elements, strict=True):
        if not element.ok:
            refused.add(one, DOING[one.step], element.errors)
    report.made |= any(element.ok for element in elements)
    log.info("invoices.ended", connection=tools.connection.id, documents=len(endings), refused=len(refused.reasons))


def take_back(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    """Delete the drafts among these notes, and void the approved ones; return the endings without them.

    Those that Xero refuses keep theirs and are added to `refused`. Raises as `delete_or_void`.
    """
    if not endings:
        return []
    tools.hold()
    bodies = [{"CreditNoteID": one.note_id, "Status": _end_of_note(one)} for one in endings]
    try:
        elements = tools.xero.update_credit_notes(bodies)
    except Rejected as error:
        if len(endings) > 1:
            report.singly |= {one.invoice_id for one in endings}
            return []
        refused.add(endings[0], "credit", error.messages or (str(error),))
        return list(endings)
    after: list[Ending] = []
    for one, element in zip(endings, elements, strict=True):
        if not element.ok:
            refused.add(one, "credit", element.errors)
        after.append(replace(one, note=None) if element.ok else one)
    log.info("credit_notes.taken_back", connection=tools.connection.id, notes=len(endings))
    return after


def _end_of_note(ending: Ending) -> str:
    return "VOIDED" if ending.note is not None and ending.note["Status"] == APPROVED else "DELETED"
