"""Records by id, with indexes and in the order of their last change; several saves can be undone together."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from simulators.xero.codec import Record

KeysOf = Callable[[Record], Iterable[Any]]
Undo = Callable[[], None]


class Table(dict[str, Record]):
    """Records of one kind by id, each replaced and never changed in place.

    `indexes` names for each index the keys under which a record is found.
    """

    def __init__(self, id_field: str, indexes: dict[str, KeysOf] | None = None) -> None:
        super().__init__()
        self.id_field = id_field
        self.journal: list[Undo] | None = None
        self._keys_of = indexes or {}
        self._indexes: dict[str, dict[Any, dict[str, None]]] = {name: {} for name in self._keys_of}
        self._by_change: list[tuple[datetime, str]] = []

    def save(self, record: Record) -> Record:
        """Insert or replace the record; return it."""
        record_id: str = record[self.id_field]
        previous = self.get(record_id)
        if self.journal is not None:
            self.journal.append(lambda: self._put(record_id, previous))
        self._put(record_id, record)
        return record

    def remove(self, record_id: str) -> None:
        previous = self[record_id]
        if self.journal is not None:
            self.journal.append(lambda: self._put(record_id, previous))
        self._put(record_id, None)

    def found_by(self, index: str, key: Any) -> list[Record]:
        """Return the records under `key`, oldest first."""
        return [self[record_id] for record_id in self._indexes[index].get(key, ())]

    def first_by(self, index: str, key: Any) -> Record | None:
        return next(iter(self.found_by(index, key)), None)

    def has_index(self, name: str) -> bool:
        return name in self._indexes

    def changed_since(self, moment: datetime | None) -> Iterator[Record]:
        """Yield records in the order of UpdatedDateUTC, then id, from `moment` on."""
        start = 0 if moment is None else bisect_left(self._by_change, (moment, ""))
        for _changed, record_id in self._by_change[start:]:
            yield self[record_id]

    def _put(self, record_id: str, record: Record | None) -> None:
        previous = self.get(record_id)
        for name, keys_of in self._keys_of.items():
            old, new = set(keys_of(previous) if previous else ()), set(keys_of(record) if record else ())
            self._reindex(self._indexes[name], record_id, gone=old - new, come=new - old)
        if previous is not None:
            del self._by_change[bisect_left(self._by_change, (previous["UpdatedDateUTC"], record_id))]
        if record is None:
            self.pop(record_id, None)
            return
        insort(self._by_change, (record["UpdatedDateUTC"], record_id))
        self[record_id] = record

    @staticmethod
    def _reindex(index: dict[Any, dict[str, None]], record_id: str, *, gone: set[Any], come: set[Any]) -> None:
        for key in gone:
            del index[key][record_id]
            if not index[key]:
                del index[key]
        for key in come:
            index.setdefault(key, {})[record_id] = None
