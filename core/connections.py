"""Connections: one Xero organisation joined to one Dynamics organisation, and what is needed to speak to both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from core.schema import connections, consents

IN_SERVICE = "in service"
PAUSED = "paused"
NEEDS_ATTENTION = "needs attention"


@dataclass(frozen=True, slots=True)
class Connection:
    """A row of the connections table. `timezone` is an IANA name; `dynamics_url` has no slash at the end.

    `team_id` is the team whose portal shows it; None where only the operator knows it.
    """

    id: str
    name: str
    timezone: str
    state: str
    state_reason: str
    xero_tenant_id: str
    xero_consent_id: str
    dynamics_organization_id: str
    dynamics_url: str
    dynamics_consent_id: str
    created_at: datetime
    team_id: str | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Connections:
    """The connections of this installation, in SQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, connection: Connection) -> None:
        """Create or update. Raises IntegrityError if other connection joins the same two organisations (rule G8)."""
        row = {name: getattr(connection, name) for name in Connection.__slots__}
        with self._engine.begin() as database:
            known = database.execute(select(connections.c.id).where(connections.c.id == connection.id)).first()
            if known:
                database.execute(update(connections).where(connections.c.id == connection.id).values(row))
            else:
                database.execute(connections.insert().values(row))

    def find(self, connection_id: str) -> Connection | None:
        return next(self._where(connections.c.id == connection_id), None)

    def list_all(self) -> Iterator[Connection]:
        return self._where(None)

    def list_of_dynamics(self, organization_id: str) -> Iterator[Connection]:
        return self._where(connections.c.dynamics_organization_id == organization_id)

    def list_of_xero(self, tenant_id: str) -> Iterator[Connection]:
        return self._where(connections.c.xero_tenant_id == tenant_id)

    def list_of_team(self, team_id: str) -> Iterator[Connection]:
        return self._where(connections.c.team_id == team_id)

    def save_team(self, connection_id: str, team_id: str | None) -> None:
        with self._engine.begin() as database:
            statement = update(connections).where(connections.c.id == connection_id)
            database.execute(statement.values(team_id=team_id))

    def save_state(self, connection_id: str, state: str, reason: str = "") -> None:
        with self._engine.begin() as database:
            statement = update(connections).where(connections.c.id == connection_id)
            database.execute(statement.values(state=state, state_reason=reason))

    def remove(self, connection_id: str) -> None:
        """Forget the connection, and its consents where no other connection uses them."""
        found = self.find(connection_id)
        if found is None:
            return
        with self._engine.begin() as database:
            database.execute(delete(connections).where(connections.c.id == connection_id))
        for consent_id in (found.xero_consent_id, found.dynamics_consent_id):
            try:
                with self._engine.begin() as database:
                    database.execute(delete(consents).where(consents.c.id == consent_id))
            except IntegrityError:
                continue  # another connection still lives on this consent

    def _where(self, condition: Any) -> Iterator[Connection]:
        statement = select(connections).order_by(connections.c.created_at, connections.c.id)
        if condition is not None:
            statement = statement.where(condition)
        with self._engine.connect() as database:
            rows = database.execute(statement).mappings().all()
        return (Connection(**row) for row in rows)
