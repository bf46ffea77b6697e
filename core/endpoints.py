"""Webhook endpoints: one address a Dynamics organisation, with up to two valid secrets while one is replaced."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from core import money
from core.schema import endpoints
from core.vault import Vault

SECRETS_KEPT = 2
SECRET_HEADER = "x-connector-secret"  # noqa: S105 - the name of the header, not the secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`key` is the last part of the address; `secrets` are the valid ones, newest first."""

    key: str
    organization_id: str
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Endpoint({self.key!r}, {self.organization_id!r})"

    def accepts(self, offered: str | None) -> bool:
        """Whether the offered secret is a valid one; takes as long for a wrong one as for a right one."""
        given = (offered or "").encode("utf-8", "surrogatepass")
        matches = [hmac.compare_digest(given, secret.encode()) for secret in self.secrets]
        return bool(given) and any(matches)


class Endpoints:
    """The endpoints of this installation, in SQL."""

    def __init__(
        self, engine: Engine, vault: Vault, *, new_secret: Callable[[], str] = secrets.token_urlsafe
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._new_secret = new_secret

    def find(self, key: str) -> Endpoint | None:
        with self._engine.connect() as database:
            row = database.execute(select(endpoints).where(endpoints.c.key == key)).mappings().one_or_none()
        if row is None:
            return None
        opened = tuple(money.loads(self._vault.open(row["sealed"], owner=key)))
        return Endpoint(row["key"], row["organization_id"], opened)

    def find_of(self, organization_id: str) -> Endpoint | None:
        statement = select(endpoints.c.key).where(endpoints.c.organization_id == organization_id)
        with self._engine.connect() as database:
            key = database.execute(statement).scalar()
        return self.find(key) if key else None

    def ensure(self, organization_id: str) -> Endpoint:
        """Return the organisation's endpoint, made with a fresh key and secret if there was none."""
        known = self.find_of(organization_id)
        if known:
            return known
        made = Endpoint(self._new_secret(), organization_id, (self._new_secret(),))
        row = {"key": made.key, "organization_id": organization_id, "sealed": self._seal(made)}
        try:
            with self._engine.begin() as database:
                database.execute(endpoints.insert().values(row))
        except IntegrityError:
            # Another process made it since we looked.
            known = self.find_of(organization_id)
            if known is None:
                raise
            return known
        return made

    def rotate(self, organization_id: str) -> Endpoint:
        """Put a fresh secret in front; the one before stays valid. Raises KeyError without an endpoint."""
        known = self.find_of(organization_id)
        if known is None:
            raise KeyError(organization_id)
        rotated = Endpoint(known.key, organization_id, (self._new_secret(), *known.secrets)[:SECRETS_KEPT])
        with self._engine.begin() as database:
            statement = update(endpoints).where(endpoints.c.key == known.key)
            database.execute(statement.values(sealed=self._seal(rotated)))
        return rotated

    def _seal(self, endpoint: Endpoint) -> str:
        return self._vault.seal(money.dumps(list(endpoint.secrets)).decode(), owner=endpoint.key)
