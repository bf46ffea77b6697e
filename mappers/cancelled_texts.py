"""How the history tells what became of a document whose invoice was cancelled or deleted (rules E0 to E12): pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.money import places_of, round_to
from mappers.cancelling import Act, Step
from mappers.standing import ACTIVE_AGAIN, DEAD_STATUSES, SEND_IT_AGAIN, XERO_PLACES
from mappers.totals import amount

TRY_AGAIN = "Then set Export status to No, and it is tried again."
AFTER_VOID = "Xero refuses to void it, because its period is locked; so it was credited."
ACTS = {"Cancel": "cancelled", "Delete": "deleted", "Update": "cancelled"}

Document = Mapping[str, Any]


def told(step: Step, document: Document, *, act: Act, note_number: str = "") -> str:
    """Return what was done, or why nothing was and what to do by hand."""
    name, total = name_of(document), money_of(document)
    match step:
        case Step.DELETE:
            return f"Invoice has been deleted in Xero - {document['InvoiceID']}"
        case Step.VOID:
            return f"Invoice has been voided in Xero - {document['InvoiceID']}"
        case Step.APPLY | Step.DONE:
            text = f"Credit note {note_number} over {total} was made and applied to {name}."
            return f"Invoice has been credited in Xero - {document['InvoiceID']}\n{text}"
        case Step.CREDIT:
            return (
                f"Invoice has been credited in Xero - {document['InvoiceID']}\n"
                f"Credit note {note_number} over {total} was made but not applied, as {name} is paid or credited in "
                "part already. Apply it by hand in Xero to what is due, and refund the rest."
            )
        case Step.LEAVE_DRAFT:
            return _left(document, act, f"Delete {name} by hand in Xero, if it is not wanted.")
        case Step.LEAVE_OPEN:
            return _left(document, act, f"Make the credit note for {name} by hand in Xero, if it is not wanted.")
        case Step.LEAVE:
            return f"{_was(act)} {name} in Xero is left as it is: {_why_nothing_is_owed(document)}."
        case Step.REFUSE:
            return (
                f"The Invoice is fully paid in Xero: {name}, {total}. {_was(act)} The document is left as it is.\n"
                f"Remove the payment in Xero, or make a credit note there by hand and refund it.\n{TRY_AGAIN}"
            )
        case Step.NOTHING:
            return f"{_was(act)} {name} has been {document['Status'].lower()} in Xero before: there is nothing to do."


def told_active_again(document: Document, *, is_over: bool, note_number: str = "") -> str:
    """Return what the history says when a cancelled invoice is made active again (rule E8)."""
    name, again = name_of(document), ACTIVE_AGAIN
    if is_over:
        dead = document["Status"] in DEAD_STATUSES
        was = document["Status"].lower() if dead else "credited in full"
        return f"{again} {name} has been {was} in Xero, and no other is made by itself.\n{SEND_IT_AGAIN}"
    note = f" Void credit note {note_number} in Xero, if it is not wanted any more." if note_number else ""
    return f"{again} {name} in Xero stays its document: {document['Status'].capitalize()}.{note}"


def told_withdrawn(note_number: str) -> str:
    """Return what is said of a credit note that was begun and is taken back, as it is not wanted any more."""
    return f"Credit note {note_number}, which had been begun, was taken back."


def name_of(document: Document) -> str:
    return str(document.get("InvoiceNumber") or document["InvoiceID"])


def money_of(document: Document, name: str = "Total") -> str:
    """Return an amount of the document as people read it."""
    exact = amount(document, name)
    number = round_to(exact, max(XERO_PLACES, places_of(exact)))
    return f"{number} {document.get('CurrencyCode') or ''}".rstrip()


def _was(act: Act) -> str:
    return f"The invoice was {ACTS[act]} in Dynamics."


def _left(document: Document, act: Act, remedy: str) -> str:
    return (
        f"{_was(act)} {name_of(document)} in Xero is left as it is, as the settings say (Create credit note "
        f"automatically: No).\n{remedy} Or change the setting, and set Export status to No."
    )


def _why_nothing_is_owed(document: Document) -> str:
    return "credit notes settle all of it already" if amount(document, "Total") else "its total is 0"
