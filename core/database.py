"""The SQL database: opened with safe defaults and brought to the newest schema."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
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
            return _open_sqlite(parsed.database, url)
        engine = create_engine(url, pool_pre_ping=True)
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            _migrate(connection)
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise Misconfigured(f"DATABASE_URL: the database cannot be used: {error}") from error
    return engine


def _open_sqlite(path: str | None, url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    with _alone(path), engine.begin() as connection:
        connection.execute(text("BEGIN IMMEDIATE"))  # the driver begins none for DDL: all of it, or nothing
        _migrate(connection)
    return engine


@contextmanager
def _alone(path: str | None) -> Iterator[None]:
    """Let processes that start together wait for one another; the later ones find nothing left to do.

    A lock beside the file: SQLite itself waits for nobody while a fresh file gets its write-ahead log.
    """
    if not path or path == ":memory:":
        yield
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{path}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(connection: Connection) -> None:
    if _is_newest(connection):
        return
    from alembic import command  # noqa: PLC0415 - every process and command opens the database, few change it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_newest(connection: Connection) -> bool:
    """Whether the database has had the last migration; their files begin with their numbers."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    versions = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    newest = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    return list(versions) == [newest.partition("_")[0]]
