"""What becomes of a document in Xero when its invoice is cancelled or deleted in Dynamics (rules E0 to E6): pure.

`TABLE` is the decision, row by row; docs/cancelling.md shows the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, cast

from core.invoice import ACTIVE, CANCELLED, Details, Invoice
from mappers.credit_notes import numbers_of
from mappers.standing import APPROVED, CREDITED, DEAD_STATUSES, OPEN_STATUSES, SETTLED, standing_of
from mappers.totals import amount

Act = Literal["Cancel", "Delete", "Update"]  # of the person in Dynamics; the history's action
GONE = "deleted"  # of an invoice that is deleted, where others have the number of their state

ZERO = Decimal(0)


class Step(Enum):
    """What is done in Xero; the value is how the table says it."""

    DELETE = "deleted in Xero"
    VOID = "voided in Xero"
    APPLY = "credit note for the full amount, approved and applied"
    CREDIT = "credit note for the full amount, approved, not applied; the history says to apply it by hand"
    LEAVE_DRAFT = "left; the history says to delete it by hand"
    LEAVE_OPEN = "left; the history says to make the credit note by hand"
    LEAVE = "left; the history says so"
    REFUSE = "left; Failed: the invoice is fully paid in Xero"
    NOTHING = "nothing to do; the history says so"
    DONE = "done already: completed if half done, told once"

    @property
    def changes_xero(self) -> bool:
        return self in {Step.DELETE, Step.VOID, Step.APPLY, Step.CREDIT}


@dataclass(frozen=True, slots=True)
class Case:
    """A document as it stands in Xero. `ours` is what our own credit note settles of it, `paid` is money.

    `others`: what is paid or credited by others. `by_void`: the settings say so (rule B10), and nothing speaks
    against it.
    """

    status: str
    total: Decimal
    paid: Decimal
    ours: Decimal
    others: Decimal
    by_void: bool = False

    @property
    def is_dead(self) -> bool:
        return self.status in DEAD_STATUSES

    @property
    def is_credited_by_us(self) -> bool:
        """In full, and by nobody else: nothing of it is left (rules E0, E8)."""
        return not self.is_dead and bool(self.ours) and self.ours >= self.total


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: what is done where its document `holds`, by what the person did and setting B8."""

    rule: str
    document: str
    holds: Callable[[Case], bool]
    cancelled: Step
    by_hand: Step
    deleted: Step

    def step(self, act: Act, *, automatic: bool) -> Step:
        """Return what is done; `automatic`: setting B8 is Yes."""
        if act == "Delete":
            return self.deleted
        return self.cancelled if automatic else self.by_hand


# The first row that holds counts.
TABLE = (
    Row("E6", "Voided or Deleted", lambda case: case.is_dead, Step.NOTHING, Step.NOTHING, Step.NOTHING),
    Row(
        "E0",
        "Credited in full by our credit note",
        lambda case: case.is_credited_by_us,
        Step.DONE,
        Step.DONE,
        Step.DONE,
    ),
    Row(
        "E1",
        "Draft or Submitted",
        lambda case: case.status in OPEN_STATUSES,
        Step.DELETE,
        Step.LEAVE_DRAFT,
        Step.DELETE,
    ),
    Row(
        "E5",
        "Paid without any money: its total is 0, or credit notes of others settle it",
        lambda case: case.status == SETTLED and not case.paid,
        Step.LEAVE,
        Step.LEAVE,
        Step.LEAVE,
    ),
    Row("E5", "Paid", lambda case: case.status == SETTLED, Step.REFUSE, Step.REFUSE, Step.REFUSE),
    Row(
        "E3",
        "Authorised, something paid or credited by others",
        lambda case: bool(case.others),
        Step.CREDIT,
        Step.LEAVE_OPEN,
        Step.CREDIT,
    ),
    Row(
        "E4",
        "Authorised, nothing paid or credited; setting B10 is Void",
        lambda case: case.by_void,
        Step.VOID,
        Step.LEAVE_OPEN,
        Step.VOID,
    ),
    Row(
        "E2",
        "Authorised, nothing paid or credited; setting B10 is Credit note",
        lambda case: case.status == APPROVED,
        Step.APPLY,
        Step.LEAVE_OPEN,
        Step.APPLY,
    ),
)


def row_of(case: Case) -> Row:
    """Return the row of the table that counts for this document. Raises StopIteration for an unknown status."""
    return next(row for row in TABLE if row.holds(case))


def step_of(case: Case, act: Act, *, automatic: bool, credited_before: bool) -> Step:
    """Return what the table says. `credited_before`: our note for all of it was made and recorded before.

    What that note left open, people have settled by it or by money: the document is credited all the same (rule E0).
    """
    step = row_of(case).step(act, automatic=automatic)
    return Step.CREDIT if credited_before and step in (Step.REFUSE, Step.LEAVE) else step


def case_of(document: Mapping[str, Any], *, note_id: str = "", by_void: bool = False) -> Case:
    """Return how a document stands, as a list of full documents shows it; `note_id` is our credit note, if any.

    Raises TypeError for a float.
    """
    notes = document.get("CreditNotes") or ()
    ours = sum((amount(note, "AppliedAmount") for note in notes if _id(note) == note_id.lower() != ""), ZERO)
    credited = sum((amount(note, "AppliedAmount") for note in notes), ZERO)
    settled = amount(document, "AmountPaid") + amount(document, "AmountCredited")
    return Case(
        status=str(document["Status"]),
        total=amount(document, "Total"),
        paid=settled - min(credited, settled),  # over- and prepayments are money, which Xero counts as credited
        ours=ours,
        others=settled - ours,
        by_void=by_void,
    )


def is_over(document: Mapping[str, Any], *, note_id: str) -> bool:
    """Whether another document may take its place (rule E8): it is dead, or credited in full by our note."""
    case = case_of(document, note_id=note_id)
    return case.is_dead or case.is_credited_by_us


def own_note_id(document: Mapping[str, Any]) -> str:
    """Return the id of our credit note among those that are applied to the document, known by its number.

    So the document tells for itself, where no Xero details row names its note any more; empty: there is none. On a
    bill the supplier's own note may have such a number, unless it holds the bill's id.
    """
    numbers = numbers_of(document) if document["Type"] == "ACCREC" else numbers_of(document)[-1:]
    ours = {number.casefold() for number in numbers}
    notes = document.get("CreditNotes") or ()
    return next((_id(note) for note in notes if str(note.get("CreditNoteNumber") or "").casefold() in ours), "")


def is_replaced(document: Mapping[str, Any], earlier_ids: Collection[str]) -> bool:
    """Whether another document has taken its place, or is to (rule E8), so that it is nobody's any more.

    `earlier_ids`: the documents that the row of its invoice named before. Of dead ones only those are known to be so;
    what our credit note settles in full had been on a row before.
    """
    if document["InvoiceID"].lower() in earlier_ids:
        return standing_of(document).status in {*DEAD_STATUSES, CREDITED}
    return case_of(document, note_id=own_note_id(document)).is_credited_by_us


def state_now(invoice: Invoice | None) -> str:
    """Return what the handled state says once the present state of the invoice has been dealt with."""
    if invoice is None:
        return GONE
    return str(CANCELLED) if invoice.state == CANCELLED else str(ACTIVE)


def is_handled(invoice: Invoice | None, details: Details) -> bool:
    """Whether the connector has dealt with the state that the invoice is in; one that is paid counts as active."""
    return (details.handled_state or str(ACTIVE)) == state_now(invoice)


Begun = Literal["delete", "void", "credit", "credit after void"]
_UNDER_WAY = re.compile(r"(delete|void|credit|credit after void) ([-0-9]+T[:0-9]+Z)")


@dataclass(frozen=True, slots=True)
class Cancelling:
    """What was begun in Xero and is not recorded as done yet: it stands on the details row before Xero is asked.

    "credit after void": Xero had refused to void the document (rule E12).
    """

    doing: Begun
    since: datetime

    @property
    def text(self) -> str:
        return f"{self.doing} {self.since:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def is_credit(self) -> bool:
        return self.doing in ("credit", "credit after void")


def read_cancelling(text: str) -> Cancelling | None:
    """Return what the details row says is under way; None for nothing, and for what we have not written."""
    found = _UNDER_WAY.fullmatch(text)
    if found is None:
        return None
    try:
        return Cancelling(cast("Begun", found[1]), datetime.fromisoformat(found[2]))
    except ValueError:
        return None


def _id(note: Mapping[str, Any]) -> str:
    return str(note.get("CreditNoteID") or "").lower()
