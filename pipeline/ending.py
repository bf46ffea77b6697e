"""An exported invoice that was cancelled or deleted, with its document and our credit note as they stand in Xero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clients.dataverse import Changes
from clients.http import Payload
from core.errors import Conflict, Unknown
from core.invoice import ACTIVE, PAID, Details
from mappers.cancelling import Act, Cancelling, Case, Step, case_of, read_cancelling, step_of
from mappers.credit_notes import agrees
from pipeline.details import change_details
from pipeline.outcomes import Present, Report
from pipeline.tools import Tools


@dataclass(frozen=True, slots=True)
class Ending:
    """`notes` are the credit notes in Xero that have a number which ours might have; `note` is ours.

    `taken` are numbers that notes of other documents have, or are about to get.
    """

    present: Present
    document: Payload
    notes: tuple[Payload, ...] = ()
    note: Payload | None = None
    by_void: bool = False
    automatic: bool = False
    taken: frozenset[str] = frozenset()

    @property
    def invoice_id(self) -> str:
        return self.present.invoice_id

    @property
    def details(self) -> Details:
        assert self.present.details is not None
        return self.present.details

    @property
    def act(self) -> Act:
        """What the person did; who has made it active again since had cancelled it before."""
        return "Delete" if self.present.invoice is None else "Cancel"

    @property
    def is_active_again(self) -> bool:
        invoice = self.present.invoice
        return invoice is not None and invoice.state in (ACTIVE, PAID)

    @property
    def begun(self) -> Cancelling | None:
        """What was begun in Xero, and nobody has recorded as done."""
        return read_cancelling(self.details.cancelling)

    @property
    def note_id(self) -> str:
        return str(self.note["CreditNoteID"]).lower() if self.note is not None else ""

    @property
    def note_number(self) -> str:
        return str(self.note.get("CreditNoteNumber") or self.note_id) if self.note is not None else ""

    @property
    def is_sales(self) -> bool:
        return bool(self.document["Type"] == "ACCREC")

    @property
    def case(self) -> Case:
        return case_of(self.document, note_id=self.note_id, by_void=self.by_void)

    @property
    def step(self) -> Step:
        """Return what the table says (rules E0 to E6); what was begun is completed, whatever the settings say now."""
        automatic = self.automatic or self.begun is not None
        return step_of(self.case, self.act, automatic=automatic, credited_before=self.was_credited)

    @property
    def is_half_done(self) -> bool:
        """Whether what was begun has reached Xero: it is completed, whatever has become of the invoice since (E0)."""
        begun = self.begun
        if begun is None:
            return False
        return self.note is not None if begun.is_credit else self.case.is_dead

    @property
    def is_done(self) -> bool:
        """Whether what the table says has been done in Xero."""
        if self.step is Step.CREDIT:
            return self.has_approved_note and agrees(self.note or {}, self.document)
        return not self.step.changes_xero

    @property
    def has_approved_note(self) -> bool:
        return self.note is not None and self.note["Status"] not in ("DRAFT", "SUBMITTED")

    @property
    def was_credited(self) -> bool:
        """Whether a note for the full amount was made, approved and recorded before."""
        if self.begun is not None or not self.note_id or self.note_id != self.details.credit_note_id.lower():
            return False
        return self.has_approved_note and agrees(self.note or {}, self.document)

    @property
    def has_needless_note(self) -> bool:
        """Whether a note was begun that nothing has come of, and that is not wanted any more."""
        if self.note is None or self.begun is None or not self.begun.is_credit:
            return False
        is_applied = bool(self.note.get("Allocations")) or bool(self.note.get("Payments"))
        return not is_applied and self.step not in (Step.APPLY, Step.CREDIT, Step.DONE)


def write_intents(
    tools: Tools, rows: Mapping[str, Payload], endings: Sequence[Ending], report: Report
) -> list[Ending]:
    """Write to their details rows what is about to be done in Xero; return those whose rows had not moved, as noted.

    `rows` by invoice; what has none is noted already. Raises Unknown and whatever Dynamics refuses.
    """
    asked = [ending for ending in endings if ending.invoice_id in rows]
    if not asked:
        return list(endings)
    now = tools.hold()
    steps = [
        Changes((change_details(tools, one.present, rows[one.invoice_id], returns=("stl3_xerodetailsid",)),))
        for one in asked
    ]
    noted: dict[str, Ending | None] = {}
    for one, answer in zip(asked, tools.dataverse.batch(steps), strict=True):
        if isinstance(answer.error, Conflict):
            report.later(one.invoice_id, now)
            noted[one.invoice_id] = None
            continue
        if answer.error is not None:
            raise answer.error
        written = answer.representations[0]
        if written is None:
            raise Unknown("Dynamics did not show the row that it wrote")
        noted[one.invoice_id] = _as_noted(one, rows[one.invoice_id], written["@odata.etag"])
    found = (noted.get(ending.invoice_id, ending) for ending in endings)
    return [ending for ending in found if ending is not None]


def _as_noted(ending: Ending, row: Payload, etag: str) -> Ending:
    number = row.get("stl3_creditnotenumber", ending.details.credit_note_number)
    details = replace(ending.details, etag=etag, cancelling=row["stl3_cancelling"], credit_note_number=number or "")
    return replace(ending, present=replace(ending.present, details=details))
