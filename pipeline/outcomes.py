"""What reconciling found out about an invoice, before it is written back to Dynamics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from clients.http import Payload
from core.invoice import Details, Invoice
from mappers.cancelling import Act
from mappers.standing import Standing
from pipeline.lanes import Entity


@dataclass(frozen=True, slots=True)
class Present:
    """An invoice as it stands now, and its Xero details row; None where there is none."""

    invoice_id: str
    invoice: Invoice | None
    details: Details | None

    def is_of(self, connection_id: str) -> bool:
        """Whether it is this connection's to bring on.

        A document stays with the connection of its details row (rule C63), and so does what may have made one.
        Until then the invoice says whose it is; the row of one without connector stays where it was.
        """
        details, invoice = self.details, self.invoice
        if details is not None and details.is_bound:
            return details.connection_id == connection_id
        if invoice is not None and invoice.connector_id:
            return invoice.connector_id == connection_id
        return details is not None and details.connection_id == connection_id


@dataclass(frozen=True, slots=True)
class Created:
    """The document stands in Xero; made now, or by an earlier attempt and found.

    `line_ids` names the Dynamics line behind each of its lines, as far as known. `agrees`: it says what the invoice
    says now; `is_ours`: it is as we sent it. Of a document that was found (`was_found`) neither need be so.
    """

    present: Present
    document: Payload
    line_ids: tuple[str, ...]
    agrees: bool = True
    is_ours: bool = True
    was_found: bool = False


@dataclass(frozen=True, slots=True)
class Updated:
    """We changed the document in Xero, and it says now what the invoice says (rule C61); fields as of `Created`."""

    present: Present
    document: Payload
    line_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agrees:
    """The document in Xero says what the invoice says, so nothing was written there; fields as of `Created`."""

    present: Present
    document: Payload
    line_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotCarried:
    """The invoice has changed and its document in Xero is left as it is; `text` says why and what to do (C61)."""

    present: Present
    text: str


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A person chose another connector, or none, for an exported invoice; `text` tells it (rule C63).

    `is_all`: nothing else has changed.
    """

    present: Present
    text: str
    is_all: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """Xero or a rule refused the invoice, or it was put aside; `messages` say why and what to do.

    `keeps_attempt`: nobody knows what became of an attempt, so it stays open. `action`: what was tried, "Create" or
    "Update".
    """

    present: Present
    messages: tuple[str, ...]
    keeps_attempt: bool = False
    action: str = "Create"


@dataclass(frozen=True, slots=True)
class Waits:
    """Gates are closed; `text` says which (rule C9). Empty: nothing waits any more."""

    present: Present
    text: str


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An open attempt is known to have made nothing; a new one may begin."""

    present: Present


@dataclass(frozen=True, slots=True)
class Followed:
    """What has become of the document in Xero (rules D1 to D7, D9), and what follows in Dynamics.

    `texts` is what the history tells, empty if nothing that people want to know has changed. `closes`: the invoice
    becomes Paid; `reopens`: it is active again; `is_refused`: Dynamics did not let us do so. `contact_id`: the one
    that the row's contact has been merged into. `line_ids` as of `Created`.
    """

    present: Present
    document: Payload
    standing: Standing
    line_ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    closes: bool = False
    reopens: bool = False
    is_refused: bool = False
    contact_id: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """A row of history and nothing else; `once` names what can be told only once. `status` is of the operation.

    `is_renewed`: the row says what was true last, else what was told first stays. `gives_up`: the document can't be
    followed, and is not looked for at every poll any more, only when it moves and at night.
    """

    present: Present
    text: str
    once: str
    action: str = "Update"
    status: str = "Failed"
    is_renewed: bool = False
    gives_up: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a document whose invoice was cancelled, deleted, or made active again (rules E0 to E12).

    `text` is what the history tells, empty if it was told before; `once` names what can be told only once.
    `is_failed`: a person has to do something before it is tried again (rule C60). `note_id` and `note_number` are
    those of our credit note, empty where there is none. `is_followed`: the row can say where the document stands now.
    """

    present: Present
    act: Act
    text: str
    document: Payload | None = None
    once: str = ""
    is_failed: bool = False
    note_id: str = ""
    note_number: str = ""
    is_followed: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """A person wants the invoice sent again whose document is over (rule E8): the row no longer names it."""

    present: Present


@dataclass(frozen=True, slots=True)
class Renumbered:
    """The number is used in Xero by the invoice's own earlier document: the next attempt sends this one (rule E8)."""

    present: Present
    number: str


OfExport = Created | Updated | Agrees | NotCarried | Rejoined | Failed | Waits | AttemptEnded | Released | Renumbered
Outcome = OfExport | Cancelled | Followed | Noted


@dataclass(slots=True)
class Report:
    """What a reconciliation leaves to do: invoices that are to be looked at again, when, and which of them alone.

    `fruitless`: when the attempts on these invoices began that made nothing though nobody refused them.
    `made`: something was created in Xero. `again_in_xero`: the same as `again` for records of Xero. `elsewhere`: the
    connection that an invoice belongs to now of which this one has let go.
    """

    again: dict[str, datetime] = field(default_factory=dict)
    again_in_xero: dict[Entity, datetime] = field(default_factory=dict)
    singly: set[str] = field(default_factory=set)
    fruitless: dict[str, datetime] = field(default_factory=dict)
    made: bool = False
    elsewhere: dict[str, str] = field(default_factory=dict)

    def later(self, invoice_id: str, at: datetime) -> None:
        """Note the earlier of several times."""
        self.again[invoice_id] = min(at, self.again.get(invoice_id, at))

    def later_in_xero(self, entity: Entity, at: datetime) -> None:
        """Note the earlier of several times."""
        self.again_in_xero[entity] = min(at, self.again_in_xero.get(entity, at))
