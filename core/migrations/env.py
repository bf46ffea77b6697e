"""How alembic reaches the database: `core.database` hands it an open connection."""

from __future__ import annotations

from alembic import context

from core.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
