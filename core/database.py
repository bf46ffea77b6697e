"""The SQL database: opened with safe defaults and brought to the newest schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from core.errors import Misconfigured

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 7_203_114  # any number, the same in every process of this product


def open_database(url: str) -> Engine:
    """Return an engine whose schema is the newest. SQLite waits for its lock up to 10 s and keeps a write-ahead log.

    Raises Misconfigured when the database cannot be reached or migrated.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            engine = _open_sqlite(parsed.database, url)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        with engine.begin() as connection:
            _migrate(connection, sqlite=parsed.get_backend_name() == "sqlite")
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise Misconfigured(f"DATABASE_URL: the database cannot be used: {error}") from error
    return engine


def _open_sqlite(path: str | None, url: str) -> Engine:
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def _migrate(connection: Any, *, sqlite: bool) -> None:
    """Processes that start together wait for one another here; the later ones find nothing left to do."""
    if sqlite:
        connection.execute(text("CREATE TABLE IF NOT EXISTS migration_lock (held INTEGER)"))
        connection.execute(text("DELETE FROM migration_lock"))
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
