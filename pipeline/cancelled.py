"""What is said and recorded of a document whose invoice was cancelled, deleted, or made active again (rules E)."""

from __future__ import annotations

from collections.abc import Sequence

from clients.http import Payload
from core.invoice import CANCELLED, Details
from mappers.cancelled_texts import (
    AFTER_VOID,
    TRY_AGAIN,
    name_of,
    told,
    told_active_again,
    told_withdrawn,
)
from mappers.cancelling import Act, Step, is_handled, is_over
from mappers.refused_cancelling import Doing, explain_refused
from mappers.standing import standing_of
from mappers.totals import amount
from pipeline.ending import Ending
from pipeline.outcomes import Cancelled, Present


def cancelled(ending: Ending, *, taken_back: str = "") -> Cancelled:
    """Return the outcome of an ending that is done, or of which nothing is to be done.

    `taken_back` is the number of a note that had been begun for it.
    """
    step, document = _step_done(ending), ending.document
    parts = [] if _was_told(ending, step) else [told(step, document, act=ending.act, note_number=ending.note_number)]
    if ending.begun is not None and ending.begun.doing == "credit after void":
        parts.append(AFTER_VOID)
    if taken_back:
        parts.append(told_withdrawn(taken_back))
    if ending.is_active_again:
        parts.append(_active_again(ending))
    return Cancelled(
        ending.present,
        ending.act,
        "\n".join(parts),
        document,
        once=_once(ending, step),
        is_failed=step is Step.REFUSE,
        note_id=ending.note_id,
        note_number=ending.note_number,
        is_followed=_says_all(ending),
    )


def active_again(ending: Ending) -> Cancelled:
    """Return the outcome for an invoice that was cancelled and is active again, nothing being under way (rule E8).

    It says nothing where nobody had cancelled it: a person has written something where it says what is under way.
    """
    was_active = ending.begun is None and is_handled(ending.present.invoice, ending.details)
    return Cancelled(
        ending.present,
        "Update",
        "" if was_active else _active_again(ending),
        ending.document,
        note_id=ending.note_id,
        note_number=ending.note_number,
    )


def failed(ending: Ending, doing: Doing, messages: Sequence[str]) -> Cancelled:
    """Return the outcome of what Xero refuses (rule C60).

    A note that was begun stays for the next try, known by its number: it counts as ours, and told, once it is done.
    """
    return Cancelled(
        ending.present,
        ending.act,
        explain_refused(messages, doing=doing, sales=ending.is_sales),
        ending.document,
        is_failed=True,
        note_number=ending.note_number,
    )


def untouchable(present: Present, document: Payload | None) -> Cancelled:
    """Return the outcome where the document is not found, or does not carry the link to its invoice."""
    details = present.details
    xero_id = details.xero_invoice_id if details is not None else ""
    if document is None:
        text = f"The document {xero_id} is not found in Xero. Has the organisation in Xero been replaced?"
    else:
        text = (
            f"{name_of(document)} in Xero ({xero_id}) does not carry the link to this invoice, so the connector does "
            "not touch it. It may belong to a copy of this environment, or somebody has changed its link. Do by hand "
            "what has to be done there."
        )
    return Cancelled(present, _act_of(present), f"{text}\n{TRY_AGAIN}", document, is_failed=True)


def _act_of(present: Present) -> Act:
    invoice = present.invoice
    if invoice is None:
        return "Delete"
    return "Cancel" if invoice.state == CANCELLED else "Update"


def _step_done(ending: Ending) -> Step:
    """Return what was done; what is dead now, and we had begun to end, was ended by us (rule E0)."""
    begun = ending.begun
    if ending.case.is_dead and begun is not None and not begun.is_credit:
        return Step.DELETE if begun.doing == "delete" else Step.VOID
    return ending.step


def _was_told(ending: Ending, step: Step) -> bool:
    """Whether the history tells already how the document ended (rule E0); who asks for it again is answered."""
    if ending.begun is not None:
        return False
    if step in (Step.DONE, Step.CREDIT):
        return bool(ending.details.credit_note_id)
    is_asked = ending.details.export_status == "No"
    return step is Step.NOTHING and ending.details.handled_state == str(CANCELLED) and not is_asked


def _once(ending: Ending, step: Step) -> str:
    """Return what names an effect that happens once, so that telling it again changes nothing.

    A note that somebody has removed from the document is applied again, if the invoice is cancelled again: by its
    intent that is another effect.
    """
    if step in (Step.APPLY, Step.CREDIT, Step.DONE):
        return f"{step.name} {ending.note_id} {ending.begun.text if ending.begun is not None else ''}".rstrip()
    return f"{step.name} {ending.document['InvoiceID']}" if step in (Step.DELETE, Step.VOID) else ""


def _active_again(ending: Ending) -> str:
    gone = is_over(ending.document, note_id=ending.note_id)
    return told_active_again(ending.document, is_over=gone, note_number=ending.note_number)


def _says_all(ending: Ending) -> bool:
    """Whether the row, as it was and with what we did, says how the document stands: else it is followed next."""
    details, standing = ending.details, standing_of(ending.document)
    if not (ending.case.is_dead or ending.case.is_credited_by_us):
        return False
    return not standing.paid and standing.credited == ending.case.ours and _is_as_known(details, ending.document)


def _is_as_known(details: Details, document: Payload) -> bool:
    """Whether nobody has paid, credited or edited the document since it was followed."""
    known = (details.amount_due, details.amount_paid or 0, details.amount_credited or 0, details.tax_in_xero)
    return known == (amount(document, "Total"), 0, 0, amount(document, "TotalTax"))
