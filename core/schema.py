"""The SQL tables: connections, consents, endpoints; teams, users, mails. No invoice data ever (rule H5)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.ext.mutable import MutableList


class Utc(TypeDecorator[datetime]):
    """Aware UTC in Python, whatever the database makes of zones (SQLite drops them)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC).replace(tzinfo=None if dialect.name == "sqlite" else UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

teams = Table(
    "teams",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_at", Utc, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("team_id", String(36), ForeignKey("teams.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("email", String(320), nullable=False, unique=True),
    Column("password", String(255)),
    Column("active", Boolean, nullable=False),
    Column("confirmed_at", Utc),
    Column("created_at", Utc, nullable=False),
    Column("fs_uniquifier", String(64), nullable=False, unique=True),
    Column("tf_primary_method", String(64)),
    Column("tf_totp_secret", Text),
    Column("tf_last_counter", Integer),
    Column("mf_recovery_codes", MutableList.as_mutable(JSON)),  # the library takes one out of the list
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("team_id", String(36), ForeignKey("teams.id"), nullable=False, index=True),
    Column("email", String(320), nullable=False),
    Column("role", String(16), nullable=False),
    Column("until", Utc, nullable=False),
    UniqueConstraint("team_id", "email"),
)

ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("until", Utc, nullable=False),
)

mails = Table(
    "mails",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("refresh_until", Utc),
    Column("refresh_since", Utc),
)

connections = Table(
    "connections",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_reason", Text, nullable=False, server_default=""),
    Column("xero_tenant_id", String(36), nullable=False, index=True),
    Column("xero_consent_id", String(64), ForeignKey("consents.id"), nullable=False),
    Column("dynamics_organization_id", String(36), nullable=False, index=True),
    Column("dynamics_url", String(2000), nullable=False),
    Column("dynamics_consent_id", String(64), ForeignKey("consents.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("team_id", String(36), ForeignKey("teams.id"), index=True),
    UniqueConstraint("xero_tenant_id", "dynamics_organization_id"),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("organization_id", String(36), nullable=False, unique=True),
    Column("sealed", Text, nullable=False),
)
