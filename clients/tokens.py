"""Token sources: small objects that give a bearer token and forget it when it was refused."""

from __future__ import annotations

from typing import Protocol

from clients.microsoft_tokens import DynamicsTokens
from clients.xero_tokens import XeroTokens

__all__ = ["DynamicsTokens", "Tokens", "XeroTokens"]


class Tokens(Protocol):
    """What a client needs of a token source."""

    def get(self) -> str:
        """Return a token that should work now. Raises Transient, Limited or Disconnected."""

    def forget(self) -> None:
        """Do not give the token given last again: the vendor refused it."""
