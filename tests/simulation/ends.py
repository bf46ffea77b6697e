"""What must have become of documents whose invoices were cancelled, deleted or opened again, by the rules E anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import columns
from tests.simulation.chronicle import DEAD, Act, Choice, Chronicle, Stand
from tests.world import World

ENDED = ("cancel", "delete", "No")
STATES = {0: "0", 2: "0", 3: "3"}
NOT_OURS = "does not carry the link"
OPENED = "The invoice is active again."
# How the history says what came of it, and the word for it here. The first that fits counts.
KINDS = (
    ("Invoice has been deleted in Xero - ", "delete"),
    ("Invoice has been voided in Xero - ", "void"),
    ("was made and applied to", "apply"),
    ("was made but not applied", "credit"),
    ("The Invoice is fully paid in Xero", "refuse"),
    ("is left as it is, as the settings say", "left"),
    ("is left as it is: ", "leave"),
    ("in Xero before: there is nothing to do", "nothing"),
    ("The books in Xero are locked", "locked"),
    ("Xero says: ", "refused"),
    ("is approved and adds up to", "refused"),
    ("does not carry the link to this invoice", "foreign"),
)
FAILING = ("refuse", "locked", "refused", "foreign")
EFFECTS = ("delete", "void", "apply", "credit")


def kind_of(text: str) -> str:
    return next((kind for words, kind in KINDS if words in text), "")


def demanded(stand: Stand, choice: Choice, what: str) -> str:
    """Return what the table of the rules demands of a document that stands so (E0 to E6)."""
    if stand.is_dead:
        return "nothing"
    if stand.is_over:
        return "apply"  # done already
    if stand.status == "PAID":
        return "refuse" if stand.money else "leave"
    if what == "cancel" and not choice.automatic:
        return "left"
    if stand.status != "AUTHORISED":
        return "delete"
    if stand.money or stand.others:
        return "credit"
    return "void" if choice.by_void else "apply"


@dataclass(frozen=True, slots=True)
class Rest:
    """How an invoice was when everything last rested: its state, its rows of history."""

    at: datetime
    state: str = "0"
    rows: frozenset[str] = frozenset()


@dataclass
class Ends:
    """One invoice at rest, its documents and our credit notes for them; `since`: how it was at the last rest.

    `open_of` tells what the books have open of a document. `seconds` are documents that a worker made who woke up too
    late. `is_orderly`: only locks make Xero refuse anything. `passes`: every gate lets it go to Xero.
    """

    world: World
    open_of: Callable[[str], Decimal]
    chronicle: Chronicle
    invoice_id: str
    since: Rest
    seconds: frozenset[str] = frozenset()
    is_orderly: bool = True
    passes: bool = True

    def __post_init__(self) -> None:
        world = self.world
        self.details = world.details(self.invoice_id)
        self.acts = [act for act in self.chronicle.acts[self.invoice_id] if act.at >= self.since.at]
        details_id = self.details[columns.DETAILS.id_column]
        found = world.dynamics.rows(columns.HISTORY.set_name)
        self.history = [row for row in found if row["_stl3_xerodetails_value"] == details_id]
        self.new = [row for row in self.history if row[columns.HISTORY.id_column] not in self.since.rows]
        named, known = self.details["stl3_xeroinvoiceid"], self.chronicle.invoices()
        self.documents = [
            row for key, row in known.items() if key == named or (self.is_from_here(row) and key not in self.seconds)
        ]

    @property
    def state(self) -> str:
        """The state of the invoice now, as the handled state has it."""
        rows = [row for row in self.world.dynamics.rows("invoices") if row["invoiceid"] == self.invoice_id]
        return STATES[rows[0]["statecode"]] if rows else "deleted"

    def rest(self) -> Rest:
        ids = frozenset(row[columns.HISTORY.id_column] for row in self.history)
        return Rest(self.world.clock.now(), self.state, ids)

    # -- documents and notes -----------------------------------------------------------------------------------

    @property
    def document(self) -> dict[str, Any]:
        return self.chronicle.invoices()[self.details["stl3_xeroinvoiceid"]]

    def notes_of(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the notes that we made for a document and that live."""
        return [
            note
            for key, note in self.chronicle.credit_notes().items()
            if note["Status"] not in DEAD and self.chronicle.is_ours(key) and self._is_for(note, document)
        ]

    def _is_for(self, note: dict[str, Any], document: dict[str, Any]) -> bool:
        """By what it is applied to, else by its number; of bills with one number the one that was there first."""
        if applied := self.chronicle.allocations_of(note["CreditNoteID"]):
            return any(each["Invoice"]["InvoiceID"] == document["InvoiceID"] for each in applied)
        beside = self.chronicle.invoices_beside(note["CreditNoteID"])  # each organisation has its own numbers
        of_type = [row for row in beside if f"{row['Type']}CREDIT" == note["Type"]]
        number = note["CreditNoteNumber"]
        by_id = [row for row in of_type if number == f"CN-{row['InvoiceID']}"]
        by_number = [row for row in of_type if number == f"CN-{row.get('InvoiceNumber')}"]
        return (by_id or by_number)[:1] == [document]

    def is_from_here(self, document: dict[str, Any]) -> bool:
        return self.invoice_id in (document["Url"] or "")

    # -- what is wrong -----------------------------------------------------------------------------------------

    def complaints(self) -> list[str]:
        if not self.details["stl3_xeroinvoiceid"]:
            return ["cancelling, and there is no document"] if self.details["stl3_cancelling"] else []
        wrong = [*self.of_row(), *self.of_notes(), *self.of_documents(), *self.of_history(), *self.of_opening()]
        return wrong + (self.of_end() if self.state != "0" else self.of_asking())

    def of_row(self) -> list[str]:
        wrong = [f"left: {self.details['stl3_cancelling']}"] if self.details["stl3_cancelling"] else []
        handled = self.details["stl3_handledstate"] or "0"
        if self.state == "0" and not self.passes and self.details["stl3_waitingfor"]:
            return wrong  # active again and asked for, it waits for its gates with the state of before
        return wrong + ([f"handled {handled} of {self.state}"] if handled != self.state else [])

    def of_notes(self) -> list[str]:
        """One note a document, applied to it once; none for an invoice that never ended."""
        wrong = []
        never_ended = not any(act.what in ("cancel", "delete") for act in self.chronicle.acts[self.invoice_id])
        for document in self.documents:
            notes = self.notes_of(document)
            if len(notes) > 1:
                wrong.append(f"{len(notes)} notes for {document['InvoiceID']}")
            for note in notes:
                applied = self.chronicle.allocations_of(note["CreditNoteID"])
                if len(applied) > 1:
                    wrong.append(f"note {note['CreditNoteNumber']} applied {len(applied)} times")
            ended_by_us = any(
                one.is_over and not one.by_person for one in self.chronicle.stands[document["InvoiceID"]]
            )
            if never_ended and (notes or ended_by_us):
                wrong.append(f"{document['InvoiceID']} ended by us, and nobody has cancelled the invoice")
        return wrong

    def of_documents(self) -> list[str]:
        """One document a time: the others are over, or people have brought them back to life (rule E8)."""
        named = self.details["stl3_xeroinvoiceid"]
        wrong = [] if named in {row["InvoiceID"] for row in self.documents} else ["its document is not on the row"]
        for document in self.documents:
            stands = self.chronicle.stands[document["InvoiceID"]]
            if document["InvoiceID"] != named and not any(one.is_over for one in stands):
                wrong.append(f"a second document, {document['InvoiceID']} {document['Status']}")
            elif document["InvoiceID"] != named and not stands[-1].is_over and not stands[-1].by_person:
                wrong.append(f"an earlier document, {document['InvoiceID']}, is {document['Status']} again")
        return wrong

    def of_history(self) -> list[str]:
        """Each effect is told once; a note that people had removed, and that is applied again, is another one."""
        told = ["\n".join(row["stl3_details"].split("\n")[:2]) for row in self.history]
        effects = Counter(text for text in told if kind_of(text) in EFFECTS)
        return [f"told {count} times: {text}" for text, count in effects.items() if count > self.times_ended(text)]

    def times_ended(self, text: str) -> int:
        """Return how often we ended the document that this text names."""
        (stands,) = [stands for key, stands in self.chronicle.stands.items() if key in text]
        return max(1, sum(one.is_over and not one.by_person for one in stands))

    # -- what the last acts demand -------------------------------------------------------------------------------

    def of_end(self) -> list[str]:
        """The invoice is cancelled or deleted: what came of it is what the rules demand, and was told."""
        ending = [act for act in self.acts if act.what in ENDED]
        told = [row for row in self.new if row["stl3_action"] in _ACTIONS and kind_of(row["stl3_details"])]
        unknown = [row["stl3_details"] for row in self.new if row["stl3_action"] in _ACTIONS and row not in told]
        wrong = [f"not understood: {text}" for text in unknown if OPENED not in text and not is_of_second(text)]
        if not told:
            return wrong + ([] if self.may_be_silent() else [f"nothing is told after {ending}"])
        until = datetime.fromisoformat(told[-1]["stl3_eventtime"])
        allowed = self.allowed(ending, self.world.clock.now())
        texts = [row["stl3_details"] for row in told if kind_of(row["stl3_details"]) not in allowed]
        wrong += [f"not one of {sorted(allowed)}, which are right after {ending}: {text}" for text in texts]
        last = kind_of(told[-1]["stl3_details"])
        if self.chronicle.is_touched(self.document, self.note_ids(), until):
            return wrong
        return wrong + self.of_effect(last) + self.of_status(last)

    def may_be_silent(self) -> bool:
        """Nothing new is told where the state is the old one, or the document is over and that was told (E0)."""
        asked = any(act.what == "No" for act in self.acts)
        if self.since.state == self.state and not asked:
            return True
        told = {kind_of(row["stl3_details"]) for row in self.history}
        is_over = self.chronicle.stands[self.document["InvoiceID"]][-1].is_over
        has_note = bool(self.notes_of(self.document)) and bool(told & {"credit", "apply"})
        return has_note or (is_over and bool(told - {""}))

    def allowed(self, acts: Collection[Act], until: datetime) -> set[str]:
        """Return everything that is right for some moment since the last rest."""
        since = self.since.at
        chronicle, found = self.chronicle, set[str]()
        whats = {"delete"} if any(act.what == "delete" for act in acts) else set[str]()
        if self.since.state == "3" or any(act.what == "cancel" for act in acts):
            whats.add("cancel")
        if self.since.state == "deleted":
            whats = {"delete"}
        for document in self.documents:
            for stand in chronicle.stands_in(document["InvoiceID"], since, until):
                for choice in chronicle.choices_in(since, until):
                    found |= {demanded(stand, choice, what) for what in whats}
        has_note = any(
            chronicle.is_ours(key) and self._is_for(note, document)
            for document in self.documents
            for key, note in chronicle.credit_notes().items()
        )
        if "void" in found and (has_note or chronicle.is_locked_in(since, until)):
            found.add("apply")  # what a note was begun for is not voided, nor what Xero locks (rule E12)
        if not self.is_from_here(self.document):
            found.add("foreign")
        if not self.is_orderly:
            found.add("refused")
        return found | ({"locked"} if chronicle.is_locked_in(since, until) else set())

    def note_ids(self) -> list[str]:
        return [key for key in self.chronicle.credit_notes() if self.chronicle.is_ours(key)]

    def of_effect(self, kind: str) -> list[str]:
        """What was told last is so, in the document and in the books."""
        document, notes = self.document, self.notes_of(self.document)
        stand = self.chronicle.stands[document["InvoiceID"]][-1]
        owed = self.open_of(document["InvoiceID"])
        owed += sum((self.open_of(note["CreditNoteID"]) for note in notes), Decimal(0))
        match kind:
            case "delete" | "void" | "nothing":
                is_so = document["Status"] in DEAD and not owed
            case "apply":
                is_so = len(notes) == 1 and stand.is_over and not stand.is_dead and not owed
            case "credit":
                is_so = len(notes) == 1 and notes[0]["Status"] == "AUTHORISED" and owed == -stand.money - stand.others
            case "refuse" | "leave":
                is_so = document["Status"] == "PAID" and not stand.ours
            case "left":
                is_so = document["Status"] in ("DRAFT", "SUBMITTED", "AUTHORISED") and not stand.ours
            case _:
                is_so = True
        return [] if is_so else [f"told is {kind}, and {document['Status']} is owed {owed} of {stand}"]

    def of_status(self, kind: str) -> list[str]:
        """A person is asked for where it failed, and nowhere else (rule C60)."""
        status = self.world.status(self.invoice_id)
        wanted = "Failed" if kind in FAILING else "Yes"
        return [] if status == wanted else [f"export status {status} after {kind}"]

    # -- active again ------------------------------------------------------------------------------------------

    def of_opening(self) -> list[str]:
        """That it is active again is told, unless somebody has asked for it to be sent again already (rule E8)."""
        ended = self.since.state == "3" or any(row["stl3_action"] == _ACTIONS[0] for row in self.new)
        asked = any(act.what == "No" for act in self.acts)
        if self.state != "0" or not ended or asked or self.since.state == "deleted":
            return []
        texts = [row["stl3_details"] for row in self.new]
        # Of a document that lost its link nothing else is told, whatever becomes of the invoice.
        is_told = any(OPENED in text or NOT_OURS in text for text in texts)
        return [] if is_told else ["that it is active again is not told"]

    def of_asking(self) -> list[str]:
        """Asked for again, it has a new document if the old one was over; otherwise nothing is made (rule E8)."""
        stand = self.chronicle.stands[self.document["InvoiceID"]][-1]
        row = self.world.invoice(self.invoice_id)
        last = self.acts[-1] if self.acts else None
        if last is None or last.what != "No" or not last.is_new:
            return []
        if row["statecode"] != 0 or not stand.is_over or stand.at > last.at:
            return []
        if not self.passes and self.details["stl3_waitingfor"]:
            return []
        return [] if self.world.status(self.invoice_id) == "Failed" else ["asked for again, and not sent again"]


_ACTIONS = (columns.ACTION["Cancel"], columns.ACTION["Delete"])


def is_of_second(text: str) -> bool:
    """Whether this text of the history tells of a second document (I1)."""
    return text.startswith("A second document of this invoice, ")
