"""Since when nobody knows what became of a refresh."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("consents", sa.Column("refresh_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("consents") as batch:
        batch.drop_column("refresh_since")
