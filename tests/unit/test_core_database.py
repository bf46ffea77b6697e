"""The database: a fresh file opened by many at once, and a schema that is what the migrations make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from core.database import MIGRATIONS, open_database
from core.errors import Misconfigured
from core.schema import metadata

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    yield engine
    engine.dispose()


def test_the_migrations_make_the_schema_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_columns_are_made_as_the_code_would_make_them(tmp_path: Path, engine: Engine) -> None:
    """Types, defaults and nulls, as SQLite itself tells them."""
    by_code = create_engine(f"sqlite:///{tmp_path / 'code.db'}")
    metadata.create_all(by_code)

    for table in metadata.tables:
        with engine.connect() as migrated, by_code.connect() as declared:
            pragma = text(f"PRAGMA table_info({table})")
            assert migrated.execute(pragma).all() == declared.execute(pragma).all()
    by_code.dispose()


def test_names_of_keys_and_constraints_are_those_of_the_code(engine: Engine) -> None:
    """A later migration drops them by these names."""
    made = inspect(engine)
    for table in metadata.sorted_tables:
        assert {key["name"] for key in made.get_unique_constraints(table.name)} == {
            str(constraint.name)
            for constraint in table.constraints
            if type(constraint).__name__ == "UniqueConstraint"
        }
        assert {index["name"] for index in made.get_indexes(table.name)} == {
            str(index.name) for index in table.indexes
        }


def test_a_start_that_was_interrupted_left_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies after some of the tables were made: the next start makes all of them."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    made = Operations.create_table

    def dying(operations: Operations, name: str, *columns: Any, **options: Any) -> Any:
        if name == "endpoints":
            raise KeyboardInterrupt
        return made(operations, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", dying)
    with pytest.raises(KeyboardInterrupt):
        open_database(url)
    monkeypatch.undo()

    engine = open_database(url)
    assert set(inspect(engine).get_table_names()) >= {"connections", "consents", "endpoints"}
    engine.dispose()


def test_opening_again_changes_nothing(tmp_path: Path, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO endpoints VALUES ('k', 'o', 's')"))

    again = open_database(f"sqlite:///{tmp_path / 'a.db'}")

    with again.connect() as connection:
        assert connection.execute(text("SELECT key FROM endpoints")).scalars().all() == ["k"]
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0003"]
    again.dispose()


def test_what_has_not_had_the_last_migration_gets_it(tmp_path: Path, engine: Engine) -> None:
    """Known by the number in the last file's name; where it is there, nothing is looked for."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    last = max(path.name for path in (MIGRATIONS / "versions").glob("*.py"))
    assert ScriptDirectory.from_config(config).get_current_head() == last.partition("_")[0]
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DELETE FROM alembic_version"))

    again = open_database(f"sqlite:///{tmp_path / 'a.db'}")

    assert set(inspect(again).get_table_names()) >= set(metadata.tables)
    again.dispose()


def test_sqlite_is_opened_safely(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'a.db'}")

    with engine.connect() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    assert pragmas == ["wal", 2, 1, 10_000]


def test_threads_that_open_a_fresh_file_at_once_all_get_the_schema(tmp_path: Path) -> None:
    for number in range(5):
        barrier, url = Barrier(4), f"sqlite:///{tmp_path / f'{number}.db'}"

        def tables(barrier: Barrier = barrier, url: str = url) -> set[str]:
            barrier.wait()
            engine = open_database(url)
            found = set(inspect(engine).get_table_names())
            engine.dispose()
            return found

        with ThreadPoolExecutor(4) as pool:
            found = [future.result() for future in [pool.submit(tables) for _ in range(4)]]

        assert all(names >= {"connections", "consents", "endpoints"} for names in found)


@pytest.mark.processes
def test_processes_that_open_a_fresh_file_at_once_all_get_the_schema(tmp_path: Path) -> None:
    script = "import sys; from core.database import open_database; open_database(sys.argv[1]).dispose()"
    for number in range(3):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        command = [sys.executable, "-c", script, url]
        started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]

        ended = [(process.communicate()[1], process.returncode) for process in started]

        assert [code for _, code in ended] == [0, 0, 0, 0], ended


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite:////proc/nowhere/a.db", "invented://user:s3cret@host/x", "oracle://user:s3cret@host/x"],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match="DATABASE_URL") as refused:
        open_database(url)

    assert "s3cret" not in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database at all" * 100)

    with pytest.raises(Misconfigured, match="cannot be used"):
        open_database(f"sqlite:///{tmp_path / 'a.db'}")
