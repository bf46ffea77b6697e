"""Ends documents in Xero whose invoices were cancelled or deleted in Dynamics (rules E0 to E12).

Each round reads how both sides stand, lets the table of `mappers.cancelling` decide, does what is missing, looks
again and records it. What is about to be done stands on the details row first, so that after a crash or a lost answer
the next round knows what it finds for our own work, and completes it. See docs/cancelling.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from clients.http import Payload
from core.connections import IN_SERVICE
from core.errors import Unknown
from core.invoice import CANCELLED, Details
from mappers.cancelling import Cancelling, Step, is_handled
from mappers.credit_notes import free_number
from mappers.links import find_origin, origin_of
from mappers.refused_cancelling import is_locked
from pipeline.amend import AGAIN_AFTER
from pipeline.cancelled import active_again, cancelled, failed, untouchable
from pipeline.crediting import Refused, credit, waits_until
from pipeline.deletions import prove_deleted
from pipeline.ending import Ending, write_intents
from pipeline.ending_documents import delete_or_void, take_back
from pipeline.outcomes import Outcome, Present, Report, Waits
from pipeline.own_notes import look_again, with_notes
from pipeline.reading import read_preferences
from pipeline.tools import Tools

LOOK_AGAIN_AFTER = timedelta(minutes=1)  # Xero has done it, and does not show it yet
OUT_OF_SERVICE = "its cancellation waits for: the connection to be in service"
NO_NUMBER = "All numbers that its credit note might have are used by other credit notes in Xero"


def is_ending(present: Present) -> bool:
    """Whether an exported invoice was cancelled, deleted or made active again, and that is not dealt with.

    What failed waits for its person (rule C60), whose No asks for the step once more.
    """
    invoice, details = present.invoice, present.details
    if details is None or not details.xero_invoice_id:
        return False
    if details.is_cancelling:
        return True
    is_asked = details.export_status == "No"
    if invoice is None or invoice.state == CANCELLED:
        return is_asked or not is_handled(invoice, details)
    return not is_asked and not is_handled(invoice, details)  # who sends it again need not be told how


def end(tools: Tools, presents: Sequence[Present], report: Report) -> list[Outcome]:
    """Return what became of the documents of these invoices (at most 50).

    Raises Unknown if nobody knows what Xero did, and Disconnected if invoices are missing that nobody deleted;
    repeating is safe.
    """
    gone = prove_deleted(tools, [present for present in presents if present.invoice is None], report)
    proven = [present for present in presents if present.invoice is not None or present.invoice_id in gone]
    if tools.connection.state != IN_SERVICE:
        return [Waits(one, OUT_OF_SERVICE) for one in proven if _details(one).waiting_for != OUT_OF_SERVICE]
    endings, outcomes = _read(tools, proven)
    backing: list[Ending] = []
    doing: list[Ending] = []
    for ending in endings:
        until = waits_until(ending, tools.hold())
        if until is not None:
            report.later(ending.invoice_id, until + timedelta(seconds=1))
        elif ending.is_active_again and not ending.is_half_done:
            outcomes.append(active_again(ending))
        elif ending.has_needless_note:
            backing.append(ending)
        elif ending.is_done:
            outcomes.append(cancelled(ending))
        else:
            doing.append(ending)
    outcomes += _take_back(tools, backing, report)
    return outcomes + _do(tools, doing, report)


# -- how both sides stand --------------------------------------------------------------------------------------


def _read(tools: Tools, presents: Sequence[Present]) -> tuple[list[Ending], list[Outcome]]:
    """Return the documents with what matters beside them; those that may not be touched are outcomes already."""
    documents = _documents(tools, presents)
    preferences = read_preferences(tools)
    endings: list[Ending] = []
    outcomes: list[Outcome] = []
    for present in presents:
        document = documents.get(_details(present).xero_invoice_id.lower())
        if document is None or find_origin(document) != origin_of(tools.connection, present.invoice_id):
            outcomes.append(untouchable(present, document))
        else:
            endings.append(
                Ending(
                    present,
                    document,
                    by_void=preferences.cancel_by == "Void",
                    automatic=preferences.create_credit_notes,
                )
            )
    return with_notes(tools, endings), outcomes


def _documents(tools: Tools, presents: Sequence[Present]) -> Mapping[str, Payload]:
    xero_ids = [_details(present).xero_invoice_id for present in presents]
    return {row["InvoiceID"].lower(): row for row in tools.xero.list_invoices(ids=xero_ids)}


# -- what is done ----------------------------------------------------------------------------------------------


def _take_back(tools: Tools, endings: Sequence[Ending], report: Report) -> list[Outcome]:
    """A note was begun, and then somebody paid the document or ended it: the note is not wanted any more."""
    refused = Refused()
    now = tools.hold().replace(microsecond=0)
    rows = {one.invoice_id: _intent_to_credit(one, one.note_number, now) for one in endings}
    noted = write_intents(tools, rows, endings, report)
    after = _asking(tools, noted, endings, report, lambda: take_back(tools, noted, refused, report))
    numbers = {one.invoice_id: one.note_number for one in endings}
    outcomes: list[Outcome] = [
        cancelled(one, taken_back=numbers[one.invoice_id]) for one in after if one not in refused
    ]
    for one in look_again(tools, [one for one in after if one in refused]):
        was = next(each.note for each in endings if each.invoice_id == one.invoice_id)
        if one.note is None or was is None or one.note["Status"] != was["Status"]:
            report.later(one.invoice_id, now)  # what we had sent before has arrived meanwhile
        else:
            outcomes.append(failed(one, *refused.reasons[one.invoice_id]))
    return outcomes


def _do(tools: Tools, endings: Sequence[Ending], report: Report) -> list[Outcome]:
    """Do what the table says: the intents first, then Xero, then a look at what came of it."""
    refused = Refused()
    now = tools.hold().replace(microsecond=0)
    rows = _intents(endings, now, refused)
    outcomes: list[Outcome] = [failed(one, *refused.reasons[one.invoice_id]) for one in endings if one in refused]
    noted = write_intents(tools, rows, [one for one in endings if one not in refused], report)
    after = _asking(tools, noted, endings, report, lambda: _in_xero(tools, noted, refused, report))
    documents = _documents(tools, [one.present for one in after]) if after else {}
    locked: list[Ending] = []
    for one in after:
        fresh = replace(one, document=documents.get(one.document["InvoiceID"].lower(), one.document))
        reason = refused.reasons.get(one.invoice_id)
        if fresh.is_done and reason is None:
            outcomes.append(cancelled(fresh))
        elif fresh.case != one.case:
            report.later(one.invoice_id, now)  # somebody was at it meanwhile: looked at, and decided, anew
        elif reason is None:
            report.later(one.invoice_id, now + LOOK_AGAIN_AFTER)
        elif reason[0] == "void" and is_locked(reason[1]):
            locked.append(fresh)
        else:
            outcomes.append(failed(fresh, *reason))
    _credit_instead(tools, locked, now, report)
    return outcomes


def _in_xero(tools: Tools, endings: Sequence[Ending], refused: Refused, report: Report) -> list[Ending]:
    """Return the endings that were worked on, with their notes."""
    crediting = [one for one in endings if one.step in (Step.APPLY, Step.CREDIT)]
    ending = [one for one in endings if one not in crediting]
    delete_or_void(tools, ending, refused, report)
    ended = [one for one in ending if one.invoice_id not in report.singly]
    return [*ended, *credit(tools, crediting, refused, report)]


def _asking(
    tools: Tools,
    noted: Sequence[Ending],
    endings: Sequence[Ending],
    report: Report,
    ask: Callable[[], list[Ending]],
) -> list[Ending]:
    """Return what `ask` does; what it does not answer is raised, once.

    Where the same had been begun before, each goes alone, and one that is alone waits, counted (`pipeline.tries`):
    a document that Xero cannot digest must not hold up the others.
    """
    if not noted:
        return []
    try:
        return ask()
    except Unknown:
        ids = {one.invoice_id for one in noted}
        begun = {
            one.invoice_id: one.begun.since for one in endings if one.begun is not None and one.invoice_id in ids
        }
        if not begun:
            raise
        if len(noted) > 1:
            report.singly |= ids
            return []
        for invoice_id, since in begun.items():
            report.fruitless[invoice_id] = since
            report.later(invoice_id, tools.hold() + AGAIN_AFTER)
        return []


def _intents(endings: Sequence[Ending], now: datetime, refused: Refused) -> dict[str, Payload]:
    """Return what is written before Xero is asked, by invoice; whose note finds no number is added to `refused`.

    An intent tells when Xero was asked last, so it is written before each try.
    """
    rows: dict[str, Payload] = {}
    taken: set[str] = set()  # two bills may have one number
    for one in endings:
        if one.step in (Step.DELETE, Step.VOID):
            doing: Literal["delete", "void"] = "delete" if one.step is Step.DELETE else "void"
            rows[one.invoice_id] = {"stl3_cancelling": Cancelling(doing, now).text}
            continue
        number = one.note_number or free_number(one.notes, one.document, taken={*one.taken, *taken})
        if number:
            taken.add(number)
            rows[one.invoice_id] = _intent_to_credit(one, number, now)
        else:
            refused.add(one, "credit", (NO_NUMBER,))
    return rows


def _intent_to_credit(ending: Ending, number: str, now: datetime) -> Payload:
    after_void = ending.begun is not None and ending.begun.doing == "credit after void"
    return {
        "stl3_cancelling": Cancelling("credit after void" if after_void else "credit", now).text,
        "stl3_creditnotenumber": number,
        "stl3_creditnoteid": ending.note_id or None,
    }


def _credit_instead(tools: Tools, endings: Sequence[Ending], now: datetime, report: Report) -> None:
    """Rule E12: what Xero does not void because of a lock is credited, in the next round."""
    rows: dict[str, Payload] = {
        one.invoice_id: {"stl3_cancelling": Cancelling("credit after void", now).text} for one in endings
    }
    for one in write_intents(tools, rows, endings, report):
        report.later(one.invoice_id, now)


def _details(present: Present) -> Details:
    assert present.details is not None
    return present.details
