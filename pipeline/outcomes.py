"""What reconciling found out about an invoice, before it is written back to Dynamics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from clients.http import Payload
from core.invoice import Details, Invoice


@dataclass(frozen=True, slots=True)
class Present:
    """An invoice as it stands now, and its Xero details row; None where there is none."""

    invoice_id: str
    invoice: Invoice | None
    details: Details | None


@dataclass(frozen=True, slots=True)
class Created:
    """The document stands in Xero; `adopted`: an earlier attempt had made it, and it was found.

    `line_ids` names the Dynamics line behind each of its lines, as far as known.
    """

    present: Present
    document: Payload
    line_ids: tuple[str, ...]
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Xero or a rule refused the invoice, or it was put aside; `messages` say why and what to do.

    `keeps_attempt`: nobody knows what became of an attempt, so it stays open.
    """

    present: Present
    messages: tuple[str, ...]
    keeps_attempt: bool = False


@dataclass(frozen=True, slots=True)
class Waits:
    """Gates are closed; `text` says which (rule C9)."""

    present: Present
    text: str


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An open attempt is known to have made nothing; a new one may begin."""

    present: Present


Outcome = Created | Failed | Waits | AttemptEnded


@dataclass(slots=True)
class Report:
    """What a reconciliation leaves to do: invoices that are to be looked at again, when, and which of them alone.

    `fruitless`: when the attempts on these invoices began that made nothing though nobody refused them.
    `made`: something was created in Xero.
    """

    again: dict[str, datetime] = field(default_factory=dict)
    singly: set[str] = field(default_factory=set)
    fruitless: dict[str, datetime] = field(default_factory=dict)
    made: bool = False

    def later(self, invoice_id: str, at: datetime) -> None:
        """Note the earlier of several times."""
        self.again[invoice_id] = min(at, self.again.get(invoice_id, at))
