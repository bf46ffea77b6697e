"""Consents: credentials and tokens, sealed, with one refresh at a time and no older token over a newer one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, or_, select, update

from core import money
from core.schema import consents
from core.vault import Vault

REFRESH_LOCK = timedelta(seconds=30)  # longer than the time-out of one token call


@dataclass(frozen=True, slots=True)
class Consent:
    """What we hold to speak for somebody.

    With `refresh_token`: a person's consent, whose token rotates; `previous_refresh_token` still works for a
    grace after the rotation; `given` is the hash of the token that a person brought. Without: client credentials
    of one customer. `directory` is Microsoft's tenant id.
    Expiry times are aware UTC.
    """

    id: str
    provider: str
    client_id: str
    client_secret: str
    directory: str = ""
    scope: str = ""
    refresh_token: str = ""
    previous_refresh_token: str = ""
    rotated_at: datetime | None = None
    access_token: str = ""
    expires_at: datetime | None = None
    given: str = ""
    version: int = 0

    def __repr__(self) -> str:
        return f"Consent({self.id!r}, {self.provider!r}, version={self.version})"


class Consents:
    """The consents of this installation, in SQL."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def get(self, consent_id: str) -> Consent:
        """Raises KeyError if there is none; Misconfigured if no key opens it."""
        with self._engine.connect() as database:
            row = database.execute(select(consents).where(consents.c.id == consent_id)).mappings().one_or_none()
        if row is None:
            raise KeyError(consent_id)
        stored = money.loads(self._vault.open(row["sealed"], owner=consent_id))
        for name in ("rotated_at", "expires_at"):
            stored[name] = _time(stored[name])
        return Consent(**stored, id=consent_id, provider=row["provider"], version=row["version"])

    def save(self, consent: Consent) -> Consent:
        """Write a consent given or typed anew, whatever was there; return it with its new version."""
        values = {"provider": consent.provider, "sealed": self._seal(consent)}
        # The database counts: two who save at once never share a version.
        renewed = update(consents).where(consents.c.id == consent.id).returning(consents.c.version)
        renewed = renewed.values(**values, version=consents.c.version + 1, refresh_until=None, refresh_since=None)
        with self._engine.begin() as database:
            version = database.execute(renewed).scalar()
            if version is None:
                version = 1
                database.execute(consents.insert().values(id=consent.id, version=version, **values))
        return replace(consent, version=version)

    def begin_refresh(self, consent_id: str, *, now: datetime) -> bool:
        """Return True for the one caller that may refresh now; the right lapses after 30 s.

        Until what it gave is stored, it counts as one of which nobody knows what became of it (`list_unheard`).
        """
        free = or_(consents.c.refresh_until.is_(None), consents.c.refresh_until < now)
        statement = update(consents).where(consents.c.id == consent_id, free)
        since = func.coalesce(consents.c.refresh_since, now)
        with self._engine.begin() as database:
            values = {"refresh_until": now + REFRESH_LOCK, "refresh_since": since}
            return database.execute(statement.values(values)).rowcount == 1

    def end_refresh(self, consent: Consent) -> bool:
        """Store what a refresh gave, unless the row moved meanwhile; free the right. Return whether it was stored."""
        statement = update(consents).where(consents.c.id == consent.id, consents.c.version == consent.version)
        newer = replace(consent, version=consent.version + 1)
        with self._engine.begin() as database:
            values = {"sealed": self._seal(newer), "version": newer.version}
            values |= {"refresh_until": None, "refresh_since": None}
            return database.execute(statement.values(values)).rowcount == 1

    def give_up_refresh(self, consent_id: str) -> None:
        with self._engine.begin() as database:
            database.execute(update(consents).where(consents.c.id == consent_id).values(refresh_until=None))

    def list_unheard(self, *, began_after: datetime, began_before: datetime) -> list[str]:
        """Return the consents of which a refresh began then and no later one has been stored."""
        since = consents.c.refresh_since
        statement = select(consents.c.id).where(since > began_after, since <= began_before).order_by(since)
        with self._engine.connect() as database:
            return list(database.execute(statement).scalars())

    def _seal(self, consent: Consent) -> str:
        fields = asdict(consent)
        for column in ("id", "provider", "version"):
            del fields[column]
        for name in ("rotated_at", "expires_at"):
            fields[name] = fields[name].isoformat() if fields[name] else None
        return self._vault.seal(money.dumps(fields).decode(), owner=consent.id)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
