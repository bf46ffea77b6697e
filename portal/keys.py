"""Keys of the portal: for sessions, for links in mails, for recovery codes; each purpose has its own."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def derive(keys: Sequence[str], purpose: str) -> list[str]:
    """Return a key for this purpose from each of `keys`, in URL-safe base64; from none, the others are found."""
    return [base64.urlsafe_b64encode(_derived(key, purpose)).decode() for key in keys]


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(key.encode())
