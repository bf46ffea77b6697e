"""Xero's webhook: the signature over the raw bytes, and the events in a body.

Source: Xero developer guide "Webhooks" and the webhooks OpenAPI.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from core.event import Event
from webhooks.reading import NotJson, Read, find_guid, find_text, parsed, without_repeats

SIGNATURE_HEADER = "x-xero-signature"

# INVOICE stands for sales invoices and bills alike. SUBSCRIPTION, and whatever comes later, is not ours.
FOLLOWED = frozenset({"invoice", "contact", "creditnote", "prepayment", "overpayment"})


def is_signed(body: bytes, signature: str | None, keys: Sequence[str]) -> bool:
    """Whether `signature` is the one of `body` by any of the keys (several while one is replaced).

    A key looks like base64 but is used as the text that it is.
    """
    # WSGI hands headers over as Latin-1, so this encoding can't fail; comparing str would, outside of ASCII.
    given = (signature or "").encode("latin-1", "replace")
    matches = [hmac.compare_digest(given, _signature_of(body, key)) for key in keys]
    return any(matches)


def read_delivery(body: bytes, knows_tenant: Callable[[str], bool]) -> Read:
    """Return the events of a body whose signature is right. An empty list is Xero's intent to receive.

    Nothing here refuses a body: to Xero a refusal is a failure of ours, and enough of them switch the webhook off
    for every organisation. `knows_tenant` is asked once a tenant, however many of its events there are.
    """
    knows = cache(knows_tenant)
    try:
        document = parsed(body)
        listed = document["events"]
    except (NotJson, TypeError, KeyError):
        return Read(counts=Counter(unusable=1))
    if not isinstance(listed, list):
        return Read(counts=Counter(unusable=1))
    counts: Counter[str] = Counter()
    events = []
    for entry in listed:
        event = _find_event(entry)
        if event is None:
            counts["unusable"] += 1
        elif event.entity not in FOLLOWED:
            counts["not_followed"] += 1
        elif not knows(event.organisation):
            counts["unknown_tenant"] += 1
        else:
            events.append(event)
    return Read(without_repeats(events), counts)


def _find_event(entry: Any) -> Event | None:
    if not isinstance(entry, dict):
        return None
    tenant, resource = find_guid(entry.get("tenantId")), find_guid(entry.get("resourceId"))
    category, kind = find_text(entry.get("eventCategory")), find_text(entry.get("eventType"))
    happened = find_text(entry.get("eventDateUtc"))
    if tenant is None or resource is None or category is None or kind is None or happened is None:
        return None
    return Event("xero", tenant, category.lower(), resource, kind.upper(), happened)


def _signature_of(body: bytes, key: str) -> bytes:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest())
