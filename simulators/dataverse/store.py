"""Rows of one environment: indexed by id, alternate key and lookup; every change can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulators.dataverse.schema import Key, Ref, Schema, Table

Row = dict[str, Any]
"""Column name to value; absent means null. A stored row is never changed, only replaced."""


class DuplicateKey(Exception):
    """A row with these key values exists already."""

    def __init__(self, key: Key) -> None:
        super().__init__(key.name)
        self.key = key


class _Rows:
    """One table's rows and its indexes."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.by_id: dict[str, Row] = {}
        self.by_key: dict[str, dict[tuple[Any, ...], str]] = {}
        self.by_lookup: dict[str, dict[str, dict[str, None]]] = {}
        self.lookups = [column.name for column in table.columns_of("lookup")]

    def find_duplicate(self, row_id: str, row: Row) -> Key | None:
        for key in self.table.keys.values():
            value = key_value(key, row)
            if value is not None and self.by_key.setdefault(key.name, {}).get(value, row_id) != row_id:
                return key
        return None

    def place(self, row_id: str, row: Row) -> None:
        self.by_id[row_id] = row
        for key in self.table.keys.values():
            value = key_value(key, row)
            if value is not None:
                self.by_key.setdefault(key.name, {})[value] = row_id
        for name in self.lookups:
            ref = row.get(name)
            if ref is not None:
                self.by_lookup.setdefault(name, {}).setdefault(ref.id, {})[row_id] = None

    def take(self, row_id: str) -> None:
        row = self.by_id.pop(row_id)
        for key in self.table.keys.values():
            value = key_value(key, row)
            if value is not None:
                self.by_key.get(key.name, {}).pop(value, None)
        for name in self.lookups:
            ref = row.get(name)
            if ref is not None:
                self.by_lookup[name][ref.id].pop(row_id, None)


class Store:
    """All rows, with transactions that nest."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._tables: dict[str, _Rows] = {}
        self._undo: list[tuple[str, str, Row | None] | Callable[[], None]] = []
        self._depth = 0
        self._version = 1_000_000

    def next_version(self) -> int:
        """The organisation-wide row version; never given twice, not even after a rollback."""
        self._version += 1
        return self._version

    def find(self, table: str, row_id: str) -> Row | None:
        return self._of(table).by_id.get(row_id)

    def all(self, table: str) -> dict[str, Row]:
        return self._of(table).by_id

    def find_by_key(self, table: str, key: Key, values: Row) -> str | None:
        value = key_value(key, values)
        return None if value is None else self._of(table).by_key.get(key.name, {}).get(value)

    def children(self, table: str, column: str, parent_id: str) -> list[str]:
        """Ids of the rows of `table` whose lookup `column` names `parent_id`, oldest reference first."""
        return list(self._of(table).by_lookup.get(column, {}).get(parent_id, ()))

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Insert or replace; raises DuplicateKey."""
        rows = self._of(table)
        duplicate = rows.find_duplicate(row_id, row)
        if duplicate is not None:
            raise DuplicateKey(duplicate)
        self._undo.append((table, row_id, rows.by_id.get(row_id)))
        self._replace(rows, row_id, row)

    def remove(self, table: str, row_id: str) -> None:
        rows = self._of(table)
        self._undo.append((table, row_id, rows.by_id[row_id]))
        rows.take(row_id)

    def reindex(self, table: str) -> None:
        """After columns or keys were added."""
        old = self._tables.pop(table, None)
        fresh = self._of(table)
        for row_id, row in (old.by_id if old else {}).items():
            fresh.place(row_id, row)

    def forget(self, table: str) -> None:
        """The table is no more, nor are its rows."""
        self._tables.pop(table, None)

    def rebuild(self) -> None:
        """After tables and columns were put back as they were: forget what is gone, index anew what is there."""
        for table in list(self._tables):
            if table in self._schema.by_name:
                self.reindex(table)
            else:
                self.forget(table)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside, or none."""
        mark = len(self._undo)
        self._depth += 1
        try:
            yield
        except BaseException:
            self._roll_back(mark)
            raise
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._undo.clear()

    def on_rollback(self, undo: Callable[[], None]) -> None:
        """Inside a transaction: call this, in its turn, if what was done so far is undone."""
        self._undo.append(undo)

    def _roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            entry = self._undo.pop()
            if callable(entry):
                entry()
                continue
            table, row_id, before = entry
            rows = self._of(table)
            if before is not None:
                self._replace(rows, row_id, before)
            elif row_id in rows.by_id:
                rows.take(row_id)

    @staticmethod
    def _replace(rows: _Rows, row_id: str, row: Row) -> None:
        if row_id in rows.by_id:
            rows.take(row_id)
        rows.place(row_id, row)

    def _of(self, table: str) -> _Rows:
        rows = self._tables.get(table)
        if rows is None:
            rows = self._tables[table] = _Rows(self._schema.by_name[table])
        return rows


def key_value(key: Key, row: Row) -> tuple[Any, ...] | None:
    """Return what the key's index holds for a row; None when a part is null, for nulls are never unique-checked."""
    parts = tuple(comparable(row.get(column)) for column in key.columns)
    return None if any(part is None for part in parts) else parts


def comparable(value: Any) -> Any:
    """Return a value in the form in which the database compares it: leading blanks count, trailing ones do not."""
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, str):
        return value.rstrip(" ").lower()  # the database's collation ignores case and trailing blanks
    return value
