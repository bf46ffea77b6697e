"""Connections, consents, endpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(16), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("refresh_until", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("xero_tenant_id", sa.String(36), nullable=False, index=True),
        sa.Column("xero_consent_id", sa.String(64), sa.ForeignKey("consents.id"), nullable=False),
        sa.Column("dynamics_organization_id", sa.String(36), nullable=False, index=True),
        sa.Column("dynamics_url", sa.String(2000), nullable=False),
        sa.Column("dynamics_consent_id", sa.String(64), sa.ForeignKey("consents.id"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("xero_tenant_id", "dynamics_organization_id"),
    )
    op.create_table(
        "endpoints",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("organization_id", sa.String(36), nullable=False, unique=True),
        sa.Column("sealed", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("endpoints")
    op.drop_table("connections")
    op.drop_table("consents")
