"""One app's webhook: its signing key, where it goes, how it fares, and what waits for it."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from simulators.outbox import Delivery
from simulators.xero.state import Event

SubscriptionStatus = Literal["OK", "RETRY", "DISABLED"]
_PATHS = {
    "INVOICE": "Invoices",
    "CONTACT": "Contacts",
    "CREDITNOTE": "CreditNotes",
    "PREPAYMENT": "Prepayments",
    "OVERPAYMENT": "Overpayments",
}


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event of one tenant with its place in the subscription's sequence."""

    number: int
    tenant_id: str
    event: Event


@dataclass
class Subscription:
    """Deliveries stop being made while one is retried; `backlog` keeps what comes in the meantime."""

    key: str
    url: str | None
    status: SubscriptionStatus = "OK"
    next_number: int = 1
    failing: Delivery | None = None
    backlog: list[Numbered] = field(default_factory=list)
    duplicate: bool = False
    """Send every delivery twice."""
    drop: int = 0
    """Lose this many of the next events for good."""
    reorder: bool = False
    """Let deliveries overtake each other by up to three seconds."""


def signature(key: str, body: bytes) -> str:
    """Return what x-xero-signature must hold; the key is used as text, though it looks like base64."""
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()


def payload(events: list[Numbered], entropy: str) -> bytes:
    """Return the body with the vendor's uneven blanks; no events make an intent to receive."""
    first, last = (events[0].number, events[-1].number) if events else (0, 0)
    listed = json.dumps([_event(event) for event in events], separators=(",", ":"), ensure_ascii=False)
    text = f'{{"events":{listed},"firstEventSequence": {first},"lastEventSequence": {last}, "entropy": "{entropy}"}}'
    return text.encode()


def headers(key: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "*/*",
        "Accept-Encoding": "gzip,deflate",
        "User-Agent": "Xero/1.0",
        "x-xero-signature": signature(key, body),
    }


def _event(numbered: Numbered) -> dict[str, object]:
    event = numbered.event
    shown: dict[str, object] = {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/{_PATHS[event.category]}/{event.resource_id}",
        "resourceId": event.resource_id,
        "eventDateUtc": _stamp(event.at),
        "eventType": event.kind,
        "eventCategory": event.category,
        "tenantId": numbered.tenant_id,
        "tenantType": "ORGANISATION",
    }
    return shown if event.extra is None else shown | {"data": event.extra}


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}"
