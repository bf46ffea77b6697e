"""Mails on their way: written in SQL first, sealed, and sent from there until the mail server has taken them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, select, update

from core import money
from core.schema import mails
from core.vault import Vault

TRIED_FOR = timedelta(days=2)  # the links that people wait for have ended by then
FIRST_WAIT = timedelta(minutes=1)  # longer than one try may take: nobody else takes a mail meanwhile
LONGEST_WAIT = timedelta(hours=1)
DOUBLED_MAX = 10


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail for one person, as text and as HTML."""

    recipient: str
    subject: str
    text: str
    html: str

    def __repr__(self) -> str:
        return f"Mail({self.subject!r})"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that its sender has taken to send it; `tries` counts this one, `is_last` that no other follows."""

    id: str
    mail: Mail
    tries: int
    is_last: bool


class Mails:
    """The mails of this installation that have not been sent yet. A mail may come twice, but never gets lost."""

    def __init__(
        self, engine: Engine, vault: Vault, *, new_id: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._new_id = new_id

    def put(self, mail: Mail, *, now: datetime, database: Connection) -> str:
        """Keep a mail until it has been sent; return its id.

        Written by way of `database`: it goes if what else is written there is committed, and else nobody hears of it.
        """
        mail_id = self._new_id()
        sealed = self._vault.seal(money.dumps(asdict(mail)).decode(), owner=mail_id)
        row = {"id": mail_id, "sealed": sealed, "created_at": now, "due_at": now, "tries": 0}
        database.execute(mails.insert().values(row))
        return mail_id

    def count_older(self, moment: datetime) -> int:
        """Return how many were put before this moment and have not been sent."""
        with self._engine.connect() as database:
            found = database.execute(select(func.count()).select_from(mails).where(mails.c.created_at < moment))
            return found.scalar_one()

    def take(self, *, now: datetime) -> Waiting | None:
        """Return the mail that has been due the longest, and leave it to this caller for a minute or longer.

        Its next time is written first: if the caller dies, the mail is sent by somebody else, perhaps again. Raises
        Misconfigured when no key opens it.
        """
        oldest = select(mails).where(mails.c.due_at <= now).order_by(mails.c.due_at, mails.c.id).limit(1)
        while True:
            with self._engine.begin() as database:
                row = database.execute(oldest).mappings().first()
                if row is None:
                    return None
                mine = update(mails).where(mails.c.id == row["id"], mails.c.due_at == row["due_at"])
                next_at = now + min(FIRST_WAIT * 2 ** min(row["tries"], DOUBLED_MAX), LONGEST_WAIT)
                if database.execute(mine.values(due_at=next_at, tries=row["tries"] + 1)).rowcount == 1:
                    break
        opened = money.loads(self._vault.open(row["sealed"], owner=row["id"]))
        is_last = next_at > row["created_at"] + TRIED_FOR
        return Waiting(row["id"], Mail(**opened), row["tries"] + 1, is_last)

    def remove(self, mail_id: str) -> None:
        """It was sent, or never will be."""
        with self._engine.begin() as database:
            database.execute(delete(mails).where(mails.c.id == mail_id))
