"""Documents that Xero refuses for a reason of its own, so that every refusal can be met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulators.xero.codec import Record

Refusable = Literal["Invoice", "CreditNote", "Allocation"]


@dataclass
class Refusal:
    """The next `times` documents of this kind that an app writes are refused in these words; people's are not.

    `status`: only those that ask for it (DELETED, VOIDED, AUTHORISED ...).
    """

    kind: Refusable
    words: str
    status: str | None = None
    times: int = 1


def refused(refusals: list[Refusal], kind: Refusable, raw: Record) -> list[str]:
    """Return why this document is refused, if it is, and count that."""
    for refusal in refusals:
        if refusal.kind == kind and refusal.status in (None, raw.get("Status")):
            refusal.times -= 1
            if refusal.times <= 0:
                refusals.remove(refusal)
            return [refusal.words]
    return []
