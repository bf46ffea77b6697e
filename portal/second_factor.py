"""The second factor: one-time passwords of an authenticator app; each counts once, and secrets are sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from flask_security import Totp
from passlib.totp import TOTP, TotpMatch

from core.vault import Vault
from portal.people import User

if TYPE_CHECKING:
    from flask_security import UserMixin

ISSUER = "Connector for Dynamics 365 and Xero"
_OWNER = "one-time passwords"


def second_factor(vault: Vault) -> type[Totp]:
    """Return the class that the library makes one of; it seals with `vault`."""
    return type("Sealed", (_Sealed,), {"vault": vault})


class _Sealed(Totp):
    """Secrets sealed by a vault, whose keys can be rotated.

    The library's own way binds each secret to the number of a key, and takes the highest for the newest.
    """

    vault: ClassVar[Vault]

    def __init__(self, secrets: dict[str, str] | dict[int, str], issuer: str) -> None:  # noqa: ARG002
        self._totp = TOTP.using(issuer=ISSUER)

    def generate_totp_secret(self) -> str:
        return self.vault.seal(self._totp.new().to_json(encrypt=False), owner=_OWNER)

    def generate_totp_password(self, totp_secret: str) -> str:
        return super().generate_totp_password(self._opened(totp_secret))

    def verify_totp(self, token: str, totp_secret: str, user: UserMixin, window: int = 0) -> bool:
        return super().verify_totp(token, self._opened(totp_secret), user, window)

    def get_totp_uri(self, username: str, totp_secret: str) -> str:
        return super().get_totp_uri(username, self._opened(totp_secret))

    def get_totp_pretty_key(self, totp_secret: str) -> str:
        return super().get_totp_pretty_key(self._opened(totp_secret))

    def get_totp_b32_key(self, totp_secret: str) -> str:
        return super().get_totp_b32_key(self._opened(totp_secret))

    def get_last_counter(self, user: UserMixin) -> int | None:
        return cast("User", user).tf_last_counter

    def set_last_counter(self, user: UserMixin, tmatch: TotpMatch) -> None:
        cast("User", user).tf_last_counter = tmatch.counter

    def _opened(self, sealed: str) -> str:
        return self.vault.open(sealed, owner=_OWNER)
