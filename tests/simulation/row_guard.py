"""Stands before Dynamics and sees whether our writes undo what a person has set on a row of Xero details."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from core import columns
from tests.world import World

STATUS = "stl3_exportstatus"  # the one thing there that people edit (rule A5)


@dataclass
class RowGuard:
    """`unread`: the rows whose Export status a person has set since anybody of ours read them."""

    world: World
    unread: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._app: Callable[..., Iterable[bytes]] = self.world.dynamics.wire._app
        self.world.dynamics.wire._app = self._watch
        self._known = self._statuses()

    def _watch(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        before = self._statuses()
        self.unread |= {key for key, status in before.items() if self._known.get(key, status) != status}
        answer = b"".join(self._app(environ, start_response))
        after = self._known = self._statuses()
        for key in sorted(self.unread):
            if key in after and after[key] != before.get(key):
                label = columns.EXPORT_STATUS.label
                self.wrong.append(
                    f"{key}: a person's Export status {label(before[key])} became {label(after[key])} unread"
                )
                self.unread.discard(key)
        self.unread -= {key for key in self.unread if key not in after or self._is_in(answer, key)}
        return [answer]

    def _statuses(self) -> dict[str, int | None]:
        return {key: row.get(STATUS) for key, row in self._rows().items()}

    def _rows(self) -> dict[str, dict[str, Any]]:
        return self.world.dynamics._env.store.all(columns.DETAILS.name)

    def _is_in(self, answer: bytes, row_id: str) -> bool:
        """Whether the row, as it stands, was read with this answer."""
        return f'W/\\"{self._rows()[row_id]["versionnumber"]}\\"'.encode() in answer
