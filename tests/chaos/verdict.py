"""Compares both systems document by document, and says what is lost, doubled or wrong; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core import columns
from demo.sale import ACTIVE, CANCELLED, CREDITED, DELETED, PAID
from demo.watch import due_in_xero, is_ours

Row = dict[str, Any]
LOST, DOUBLED, WRONG = "lost", "doubled", "wrong"
KINDS = (LOST, DOUBLED, WRONG)
STATES = {0: ACTIVE, 2: PAID, 3: CANCELLED}
DEAD = ("DELETED", "VOIDED")
GONE = "gone"  # as a wanted status: whatever was made of it lives no more
ENDED = (CREDITED, GONE, *DEAD)
TOLD_ONCE = ("Create", "Cancel", "Delete")


@dataclass(frozen=True)
class Wanted:
    """What people have made of an invoice: its state in Dynamics and the status that its document has to have."""

    invoice_id: str
    name: str
    state: str = ACTIVE
    status: str = "DRAFT"


@dataclass(frozen=True)
class Books:
    """What stood in both systems at one look, which began at `began_at` (monotonic, seconds).

    Details rows and documents are found by the invoice that they name, history by its details row, payments by their
    document, credit notes by their number.
    """

    began_at: float = 0.0
    invoices: Mapping[str, Row] = field(default_factory=dict)
    details: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    history: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    documents: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    payments: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    notes: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    contacts: Sequence[Row] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it has to be; `id` is that of the invoice, or of what it is about."""

    kind: str
    id: str
    text: str


def judge(wanted: Sequence[Wanted], books: Books, *, dead_letters: int = 0) -> list[Finding]:
    """Return all that is not as it has to be; `dead_letters` is how much was put aside."""
    found = [finding for each in wanted for finding in judge_one(each, books)]
    found += _of_contacts(books.contacts)
    known = {each.invoice_id for each in wanted}
    found += [
        Finding(WRONG, invoice_id, "a document names an invoice that nobody has saved")
        for invoice_id in books.documents.keys() - known
    ]
    if dead_letters:
        found.append(Finding(WRONG, "dead letters", f"{dead_letters} were put aside"))
    return found


def judge_one(wanted: Wanted, books: Books) -> list[Finding]:
    """Return what is not as it has to be about one invoice."""
    rows, documents = books.details.get(wanted.invoice_id, ()), books.documents.get(wanted.invoice_id, ())
    return [
        Finding(kind, wanted.invoice_id, f"{wanted.name}: {text}")
        for kind, text in _complaints(wanted, rows, documents, books)
    ]


def _complaints(
    wanted: Wanted,
    rows: Sequence[Row],
    documents: Sequence[Row],
    books: Books,
) -> Iterator[tuple[str, str]]:
    alive = [each for each in documents if not is_over(each)]
    if len(alive) > 1:
        yield DOUBLED, "live documents " + ", ".join(each["InvoiceID"] for each in alive)
    if len(rows) > 1:
        yield DOUBLED, f"{len(rows)} rows of Xero details"
    state = _state_of(books.invoices.get(wanted.invoice_id), has_rows=bool(rows))
    if state != wanted.state:
        yield WRONG, f"the invoice is {state}, not {wanted.state}"
    if wanted.status == GONE:
        if alive:
            yield WRONG, f"document {alive[0]['InvoiceID']} lives, {alive[0]['Status']}"
    elif not documents or (not alive and wanted.status not in ENDED):
        yield LOST, "there is no document in Xero"
    if not rows:
        if wanted.status != GONE:
            yield LOST, "there is no row of Xero details"
        return
    yield from _of_row(wanted, rows[0], documents, books)
    yield from _of_history(books.history.get(rows[0][columns.DETAILS.id_column], ()))
    ours = _own_notes(documents, books.notes)
    if len(ours) > 1 or (len(ours) != 1 and wanted.status == CREDITED):
        yield (DOUBLED if ours else LOST), f"{len(ours)} credit notes of the connector"


def _of_row(wanted: Wanted, details: Row, documents: Sequence[Row], books: Books) -> Iterator[tuple[str, str]]:
    if details.get("stl3_attemptstarted") or details.get("stl3_attemptkey"):
        yield WRONG, "an attempt is open"
    if details.get("stl3_cancelling"):
        yield WRONG, "a cancellation is under way"
    named = [each for each in documents if each["InvoiceID"] == details.get("stl3_xeroinvoiceid")]
    if not named:
        if documents:
            yield WRONG, "its Xero details name none of its documents"
        return
    checks = _checks(wanted, named[0], details, books.invoices.get(wanted.invoice_id, {}))
    for what, (now, should) in checks.items():
        if now != should:
            yield WRONG, f"{what}: {now}, not {should}"


def _checks(wanted: Wanted, document: Row, details: Row, invoice: Row) -> dict[str, tuple[Any, Any]]:
    due = due_in_xero(document)
    shown = _shown(document)
    status = shown if wanted.status == GONE else wanted.status
    checks = {
        "document": (shown, status),
        "status in Xero details": (details.get("stl3_xerostatus"), status),
        "export status": (columns.EXPORT_STATUS.label(details.get("stl3_exportstatus")), "Yes"),
        "amount due in Xero details": (details.get("stl3_amountdue"), due),
    }
    if document["Status"] not in DEAD:
        checks["amount paid in Xero details"] = (details.get("stl3_amountpaid"), Decimal(document["AmountPaid"]))
    if wanted.state in (ACTIVE, PAID):  # one that is cancelled is read-only
        checks["amount due on the invoice"] = (invoice.get("stl3_amountdue"), due)
        checks["fingerprint"] = (bool(details.get("stl3_fingerprint")), True)
    if wanted.state != DELETED and document["Status"] not in DEAD:
        checks["total"] = (Decimal(document["Total"]), invoice.get("totalamount"))
        checks["tax"] = (Decimal(document["TotalTax"]), details.get("stl3_taxinxero"))
        checks["due date"] = (document["DueDateString"][:10], invoice.get("duedate"))
    return checks


def _of_history(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    worked = columns.SYNC_STATUS["Successful"]
    for action in TOLD_ONCE:
        told = sum((row["stl3_action"], row["stl3_syncstatus"]) == (columns.ACTION[action], worked) for row in rows)
        if told > 1:
            yield DOUBLED, f"{action} is told {told} times"


def _of_contacts(contacts: Sequence[Row]) -> list[Finding]:
    active = [each for each in contacts if each.get("ContactStatus", "ACTIVE") == "ACTIVE"]
    found = []
    for what in ("Name", "ContactNumber", "AccountNumber"):
        counts = Counter(str(each[what]).lower() for each in active if each.get(what))
        found += [Finding(DOUBLED, f"contact {what}", f"{value}: {n} times") for value, n in counts.items() if n > 1]
    return found


def is_over(document: Row) -> bool:
    """Whether nobody owes anything for it that has not been paid: voided, deleted, or credited in full."""
    return document["Status"] in DEAD or _shown(document) == CREDITED


def _shown(document: Row) -> str:
    """Return the status as the details row says it: what credit alone settles is not paid."""
    is_credited = document["Status"] == "PAID" and not Decimal(document["AmountPaid"])
    return CREDITED if is_credited else str(document["Status"])


def _state_of(invoice: Row | None, *, has_rows: bool) -> str:
    if invoice is None:
        return DELETED if has_rows else "missing"
    return STATES.get(invoice.get("statecode", -1), "")


def _own_notes(documents: Sequence[Row], notes: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Return the connector's living notes to these documents; bills share numbers, so what one settles counts."""
    ours = []
    for document in documents:
        numbers = {f"CN-{document[name]}" for name in ("InvoiceNumber", "InvoiceID") if document.get(name)}
        for note in (note for number in numbers for note in notes.get(number, ())):
            settles = {each["Invoice"]["InvoiceID"] for each in note.get("Allocations", ())}
            elsewhere = settles and document["InvoiceID"] not in settles
            if is_ours(note, document) and note["Status"] not in DEAD and not elsewhere:
                ours.append(note)
    return ours
