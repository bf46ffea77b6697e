"""What has become of a document in Xero, and how the history tells it (rules D1 to D7, D9): pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.invoice import ACTIVE, CANCELLED, PAID, Details, Invoice
from core.money import places_of, round_to
from mappers.totals import amount, difference

ZERO = Decimal(0)
XERO_PLACES = 2  # Xero keeps cents of any currency
APPROVED = "AUTHORISED"
SETTLED = "PAID"
CREDITED = "Credited"  # our word: Xero shows such a document as PAID (rule D2)
OPEN_STATUSES = frozenset({"DRAFT", "SUBMITTED"})
DEAD_STATUSES = frozenset({"VOIDED", "DELETED"})
ACTIVE_AGAIN = "The invoice is active again."
SEND_IT_AGAIN = "Set Export status to No to send it again."  # rule E8
OWING = frozenset({APPROVED, SETTLED, "VOIDED"})  # with these what a customer owes may have changed (rule D8)
FINAL_STATUSES = frozenset({SETTLED, CREDITED, *DEAD_STATUSES})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a document stands: its status, what is due, what has been paid (in advance or not), credited, its tax.

    Amounts are in the document's currency.
    """

    status: str
    due: Decimal
    paid: Decimal
    credited: Decimal
    tax: Decimal

    @property
    def is_dead(self) -> bool:
        return self.status in DEAD_STATUSES

    @property
    def is_untouched(self) -> bool:
        """Nothing has happened to it since it was written: what was written is all there is to know."""
        return self.status in {*OPEN_STATUSES, APPROVED} and not self.paid and not self.credited


def standing_of(document: Mapping[str, Any]) -> Standing:
    """Return where a document stands, as a list of full documents or the answer to a write shows it.

    Raises TypeError for a float.
    """
    status, total = str(document["Status"]), amount(document, "Total")
    tax = amount(document, "TotalTax")
    if status in DEAD_STATUSES:
        return Standing(status, ZERO, ZERO, ZERO, tax)  # Xero's amount due of a voided one says now this, now that
    notes = sum((amount(note, "AppliedAmount") for note in document.get("CreditNotes") or ()), ZERO)
    # Overpayments and prepayments are paid money, which Xero counts among the credits (rule D7).
    paid = amount(document, "AmountPaid") + max(amount(document, "AmountCredited") - notes, ZERO)
    if status == SETTLED and notes and not paid and notes >= total:
        status = CREDITED
    return Standing(status, amount(document, "AmountDue"), paid, notes, tax)


def may_owe(document: Mapping[str, Any]) -> bool:
    """Whether what its customer owes may have changed with the document (rule D8)."""
    return document["Type"] == "ACCREC" and document["Status"] in OWING


def closes(standing: Standing, invoice: Invoice | None, details: Details) -> bool:
    """Whether the invoice becomes Paid (rule D2); once: who opens it again by hand keeps it so."""
    if invoice is None or standing.status != SETTLED:
        return False
    return invoice.state == ACTIVE and not details.closed_by_connector


def reopens(standing: Standing, invoice: Invoice | None, details: Details) -> bool:
    """Whether the invoice that we closed is to be active again (rule D4)."""
    if invoice is None or standing.status == SETTLED:
        return False
    return invoice.state == PAID and details.closed_by_connector


def story_of(
    standing: Standing,
    document: Mapping[str, Any],
    invoice: Invoice | None,
    details: Details,
    line_ids: Sequence[str],
) -> tuple[str, ...]:
    """Return what the history tells of this change, line by line; empty if people need not know of it."""
    told = [_of_money(standing, document, details), _of_edit(standing, document, details)]
    if not any(told) and closes(standing, invoice, details):
        told = [f"Invoice has been paid in Xero: {_name(document)}."]
    if not any(told) and reopens(standing, invoice, details):
        told = [f"Invoice is no longer paid in Xero: {_name(document)}, {_money(standing.due, document)} due."]
    if not any(told):
        return ()
    if invoice is not None and _is_edited(standing, details):
        told.append(difference(invoice, document, line_ids))
    told.append(_of_invoice(standing, invoice, details))
    if standing.is_dead and invoice is not None and (invoice.state == ACTIVE or reopens(standing, invoice, details)):
        told[-1] = f"{told[-1]} {SEND_IT_AGAIN}"
    return tuple(text for text in told if text)


def _of_money(now: Standing, document: Mapping[str, Any], before: Details) -> str:
    """Return the sentence about status, payments and credits."""
    name, due = _name(document), _money(now.due, document)
    removed = _removed(now, before)
    if now.status != before.xero_status:
        return _of_status(now, document, before)
    if now.paid > _or_zero(before.amount_paid):
        return f"Invoice has been paid in part in Xero: {name}, {_money(now.paid, document)} paid, {due} due."
    if removed:
        return f"{removed} has been removed in Xero: {name}, {due} due."
    if now.credited > _or_zero(before.amount_credited):
        return f"Invoice has been credited in part in Xero: {name}, {due} due."
    return ""


def _of_status(now: Standing, document: Mapping[str, Any], before: Details) -> str:
    name, due = _name(document), _money(now.due, document)
    if now.status == SETTLED:
        return f"Invoice has been paid in Xero: {name}."
    if now.status == CREDITED:
        return f"Invoice has been credited in full in Xero: {name}. Nothing is due any more."
    if now.is_dead:
        return f"Invoice status updated: {_word(now.status)} ({name}). Nothing is due any more."
    if removed := _removed(now, before):
        return f"{removed} has been removed in Xero: {name}, {due} due. Invoice status updated: {_word(now.status)}."
    text = f"Invoice status updated: {_word(now.status)} ({name})."
    return f"{text} {_money(now.paid, document)} paid, {due} due." if now.paid or now.credited else text


def _removed(now: Standing, before: Details) -> str:
    """Return what was taken off the document, if anything was; of both the payment."""
    if now.paid < _or_zero(before.amount_paid):
        return "A payment"
    return "A credit" if now.credited < _or_zero(before.amount_credited) else ""


def _of_edit(standing: Standing, document: Mapping[str, Any], details: Details) -> str:
    """Return the sentence about lines or totals that somebody changed in Xero (rule D5)."""
    if not _is_edited(standing, details):
        return ""
    tax = f"tax {_money(standing.tax, document)}"
    if details.tax_in_xero is not None and details.tax_in_xero != standing.tax:
        tax += f" (was {_money(details.tax_in_xero, document)})"
    return f"Invoice has been changed in Xero: {tax}, amount due {_money(standing.due, document)}."


def _is_edited(standing: Standing, details: Details) -> bool:
    """Whether somebody has changed what the document amounts to: its tax, or its total."""
    if standing.is_dead or details.amount_due is None or details.xero_status in DEAD_STATUSES:
        return False
    if details.tax_in_xero is not None and standing.tax != details.tax_in_xero:
        return True
    before = details.amount_due + _or_zero(details.amount_paid) + _or_zero(details.amount_credited)
    return standing.due + standing.paid + standing.credited != before


def _or_zero(number: Decimal | None) -> Decimal:
    return ZERO if number is None else number


def _of_invoice(standing: Standing, invoice: Invoice | None, details: Details) -> str:
    """Return what the history adds where the invoice in Dynamics does not follow, or does (rules D2, D4, D6)."""
    if invoice is None:
        return "The invoice is gone from Dynamics, or the connector may not read it any more."
    if reopens(standing, invoice, details):
        return ACTIVE_AGAIN
    if invoice.state == CANCELLED:
        return "The invoice is cancelled in Dynamics and stays so."
    if standing.status == SETTLED and invoice.state == PAID and not details.closed_by_connector:
        return "The invoice had been closed in Dynamics before."
    if standing.is_dead:
        return "The invoice in Dynamics stays as it is."
    return ""


def _name(document: Mapping[str, Any]) -> str:
    return str(document.get("InvoiceNumber") or document["InvoiceID"])


def _word(status: str) -> str:
    return status.capitalize()


def _money(number: Decimal, document: Mapping[str, Any]) -> str:
    return f"{round_to(number, max(XERO_PLACES, places_of(number)))} {document.get('CurrencyCode') or ''}".rstrip()
