"""Ids and keys, all derived: a retry gets the one that the first try had."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from core import money

NAMESPACE = UUID("6d1f0f9c-2b52-5d0e-9c1a-0c3f5e7a9b11")


def is_guid(text: str) -> bool:
    """Whether it is a GUID as both systems write one; they refuse to look for anything else."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def connection_id(xero_tenant_id: str, dynamics_organization_id: str) -> str:
    """Return the id of the connection between these two organisations, for ever the same (rule G8)."""
    return str(uuid5(NAMESPACE, f"connection:{xero_tenant_id.lower()}:{dynamics_organization_id.lower()}"))


def derived_id(*parts: str) -> str:
    """Return a GUID for `parts`; no two different lists of parts share it."""
    return str(uuid5(NAMESPACE, digest(*parts)))


def digest(*parts: str) -> str:
    """Return 64 hex digits for `parts`; no two different lists of parts share them."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        hashed.update(f"{len(encoded)}:".encode())
        hashed.update(encoded)
    return hashed.hexdigest()


def content_hash(document: Any) -> str:
    """Return the hash of a JSON document: equal documents, equal hash."""
    return hashlib.sha256(money.dumps(document)).hexdigest()


def idempotency_key(connection: str, request_hash: str, attempt_started: datetime) -> str:
    """Return the `Idempotency-Key` of one attempt (at most 128 characters).

    The start of the attempt is part of it: a new attempt must never be answered with the stored refusal of an
    earlier one. Source: Xero's idempotency guide (kept 6 minutes, errors replayed).
    """
    return digest(connection, request_hash, attempt_started.astimezone(UTC).isoformat())
