"""Secrets at rest: AES-256-GCM, bound to the row that they belong to, with keys that can be rotated."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import Misconfigured

KEY_BYTES = 32
NONCE_BYTES = 12


class Vault:
    """Seals with the first key, opens with any of them.

    `owner` (consent id, endpoint key…) goes in as associated data: a secret pasted into another row does not
    open. `entropy` gives random bytes.
    """

    def __init__(self, keys: Sequence[str], *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        if not keys:
            raise Misconfigured("TOKEN_KEYS is empty. Make a key with `connector keys new` and keep it safe.")
        self._keys = {_key_id(raw): AESGCM(raw) for raw in (_decode(key) for key in keys)}
        self._newest = next(iter(self._keys))
        self._entropy = entropy

    @property
    def count(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    def seal(self, secret: str, *, owner: str) -> str:
        nonce = self._entropy(NONCE_BYTES)
        sealed = self._keys[self._newest].encrypt(nonce, secret.encode(), owner.encode())
        return f"{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, owner: str) -> str:
        """Raises Misconfigured when no key opens it: a wrong TOKEN_KEYS, or a row that was tampered with."""
        key_id, _, body = sealed.partition(".")
        cipher = self._keys.get(key_id)
        if cipher is None:
            raise Misconfigured(f"a stored secret was sealed with key {key_id}, which is not in TOKEN_KEYS")
        try:
            raw = base64.urlsafe_b64decode(body)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: cut short, or no base64 any more
            raise Misconfigured("a stored secret does not belong to its row, or was changed") from error


def new_key(entropy: Callable[[int], bytes] = os.urandom) -> str:
    """Return a fresh key for TOKEN_KEYS."""
    return base64.urlsafe_b64encode(entropy(KEY_BYTES)).decode()


def _decode(key: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(key.encode("ascii"))
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise Misconfigured("TOKEN_KEYS: each key is 32 bytes in URL-safe base64; make one with `connector keys new`")
    return raw


def _key_id(raw: bytes) -> str:
    return hashlib.sha256(b"key id:" + raw).hexdigest()[:8]
