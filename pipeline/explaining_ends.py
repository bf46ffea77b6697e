"""Explains where an exported invoice stands that was cancelled, deleted or made active again (rules E), in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.connections import IN_SERVICE
from core.invoice import CANCELLED, Details
from mappers.cancelling import GONE, Act, Cancelling, Case, Step, is_handled, read_cancelling, step_of
from mappers.standing import CREDITED, SEND_IT_AGAIN, SETTLED
from pipeline.cancelling import is_ending
from pipeline.explaining_words import document_of, going, told
from pipeline.facts import Facts
from pipeline.outcomes import Present

ZERO = Decimal(0)
DOING = {
    "delete": "is being deleted in Xero",
    "void": "is being voided in Xero",
    "credit": "is being credited in Xero",
    "credit after void": "is being credited in Xero, which refused to void it",
}
STATES = {"0": "active", str(CANCELLED): "cancelled", GONE: "deleted"}
NOT_PROVEN = (
    "Nothing is done in Xero before two things say so: its Xero details name no invoice any more, and Dynamics "
    "answers that there is none of its id. It is looked at again."
)

Said = tuple[str, tuple[str, ...]]  # the verdict, and what to do about it


def explain_end(facts: Facts) -> Said | None:
    """Return what is to be said of the end of an exported invoice, or of its document; None: nothing."""
    details = facts.details
    if details is None or not details.xero_invoice_id:
        return None
    document = document_of(facts, details)
    if facts.invoice is None and (doubt := _doubt(facts, document)):
        return doubt
    begun = read_cancelling(details.cancelling)
    if details.is_cancelling and begun is not None:
        return _under_way(facts, begun, document)
    details = replace(details, cancelling="")  # what a person has written there says nothing
    if is_ending(Present(facts.invoice_id, facts.invoice, details)):
        return _next(facts, details, document)
    if facts.invoice is None or facts.invoice.state == CANCELLED:
        return f"{_was(facts)} That has been dealt with: {document}{_note(details)}.", ()
    if details.export_status == "Yes" and _is_over(facts, details):
        return f"It is in Xero: {document}{_note(details)}. It is not sent again by itself.", (SEND_IT_AGAIN,)
    return None


def is_failure(facts: Facts, details: Details) -> bool:
    """Whether its failure is the last word on it: nobody has cancelled, deleted or activated it since."""
    return details.export_status == "Failed" and not is_ending(Present(facts.invoice_id, facts.invoice, details))


def handled_words(details: Details) -> str:
    """Return which state of the invoice the connector has dealt with, in words; empty: none yet."""
    return STATES.get(details.handled_state, details.handled_state)


def under_way_words(facts: Facts, details: Details) -> str:
    """Return what is being done to the document in Xero, and since when; empty: nothing."""
    begun = read_cancelling(details.cancelling)
    return f"{begun.doing}, since {told(begun.since, facts)}" if begun is not None else ""


def note_words(details: Details) -> str:
    """Return the number of the credit note; one that has no id yet may not have been made."""
    if details.credit_note_number and not details.credit_note_id:
        return f"{details.credit_note_number} (not known yet to have been made)"
    return details.credit_note_number


def _doubt(facts: Facts, document: str) -> Said | None:
    """What keeps an invoice that Dynamics does not show from being dealt with as deleted."""
    gone, connection_id = facts.gone, facts.connection.id
    if gone.not_shown:
        return f"It is in Xero: {document}. {gone.not_shown}", ()
    if gone.is_held:
        return f"It was deleted in Dynamics, and {document} in Xero waits for the word of the connection's owner.", (
            f"`connector deletions show {connection_id}` lists what was deleted.",
            f"`connector deletions confirm {connection_id}` lets it be carried out in Xero.",
            "If it was a mistake, restore the invoices in Dynamics.",
        )
    if not gone.is_proven:
        return f"It is in Xero: {document}. Dynamics does not show it, and that it was deleted is not proven.", (
            NOT_PROVEN,
        )
    return None


def _under_way(facts: Facts, begun: Cancelling, document: str) -> Said:
    since = told(begun.since, facts)
    text = f"{_was(facts)} {document} {DOING[begun.doing]} since {since}: what came of it is looked at first."
    return text, (going(facts),)


def _next(facts: Facts, details: Details, document: str) -> Said:
    invoice = facts.invoice
    if invoice is not None and invoice.state != CANCELLED:
        was = handled_words(details)
        return f"It was {was} and is active again. {document} in Xero stays as it is; the history says so next.", ()
    if facts.connection.state != IN_SERVICE:
        return f"{_was(facts)} {document} in Xero waits for: the connection to be in service.", (
            facts.connection.state_reason or "Ask the administrator to put the connection back in service.",
        )
    step = _step(facts, details)
    what = step.value if step is not None else "what the settings say"
    when = "Once more" if is_handled(invoice, details) else "Next"
    return f"{_was(facts)} {when} for {document}, by what is known of it here: {what}.", (going(facts),)


def _step(facts: Facts, details: Details) -> Step | None:
    """Return what the table says of the document as the Xero details know it; None where they know too little."""
    preferences, act = facts.preferences, _act(facts)
    case = _case(facts, details, by_void=preferences.cancel_by == "Void")
    try:
        automatic, credited = preferences.create_credit_notes, bool(details.credit_note_id)
        return step_of(case, act, automatic=automatic, credited_before=credited)
    except StopIteration:
        return None


def _case(facts: Facts, details: Details, *, by_void: bool = False) -> Case:
    status = facts.in_xero.status
    paid, credited = details.amount_paid or ZERO, details.amount_credited or ZERO
    ours = credited if details.credit_note_id else ZERO
    return Case(
        status=SETTLED if status == CREDITED else status,
        total=(details.amount_due or ZERO) + paid + credited,
        paid=paid,
        ours=ours,
        others=paid + credited - ours,
        by_void=by_void,
    )


def _is_over(facts: Facts, details: Details) -> bool:
    case = _case(facts, details)
    return case.is_dead or case.is_credited_by_us


def _act(facts: Facts) -> Act:
    return "Delete" if facts.invoice is None else "Cancel"


def _was(facts: Facts) -> str:
    return f"It was {'deleted' if facts.invoice is None else 'cancelled'} in Dynamics."


def _note(details: Details) -> str:
    return f" by {details.credit_note_number}" if details.credit_note_id and details.credit_note_number else ""
