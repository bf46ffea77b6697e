"""One invoice of the story: what people do about it, and what has to become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.company import Company

Row = dict[str, Any]
EXPORTED, WAITS, FAILED = "exported", "waits", "failed"
ACTIVE, PAID, CANCELLED, DELETED = "active", "paid", "cancelled", "deleted"
CREDITED = "Credited"  # what the details row says where Xero says PAID


@dataclass(frozen=True)
class Then:
    """What a person does once everything before it has come true; the invoice then is in Xero.

    `words` is what its newest row of history has to say, `rows` how many rows there are. `status` is that of the
    document, `state` that of the invoice. `in_xero`: the person acts there, and Dynamics has to follow.
    `is_credited`: the connector makes a credit note.
    """

    told: str
    act: Callable[[Company, Sale], None]
    words: str
    rows: int
    status: str = ""
    state: str = ACTIVE
    in_xero: bool = False
    is_credited: bool = False


@dataclass(frozen=True)
class Step:
    """What has come true of a sale already, for the timeline; `ms` from the act to where its effect shows."""

    at: float
    told: str
    ms: float | None
    in_xero: bool = False


@dataclass
class Sale:
    """One invoice of the story.

    `expected` is what has to become of it, `words` what its row has to say then, `status` that of the document if it
    matters, `rows` how many rows of history an exported one has. `acted_at` is when a person last did something.
    `is_early`: it is saved while the company still sends drafts. `is_credited`: the connector has made a credit note.
    """

    title: str
    customer: str
    row: Row
    expected: str = EXPORTED
    words: str = ""
    invoice_id: str = ""
    acted_at: float = 0.0
    facts: Row = field(default_factory=dict)
    status: str = ""
    state: str = ACTIVE
    rows: int = 1
    in_xero: bool = False
    is_early: bool = False
    is_credited: bool = False
    then: tuple[Then, ...] = ()
    past: list[Step] = field(default_factory=list)
