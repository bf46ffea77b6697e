"""A Redis that dies at a chosen command."""

from __future__ import annotations

from typing import Any

import fakeredis
import redis


class FailingRedis(fakeredis.FakeRedis):
    """Counts commands; from the `fail_at`-th on (1 is the first) none is answered until `fail_at` is 0."""

    def __init__(self, **options: Any) -> None:
        self.fail_at = 0
        self.sent: list[str] = []
        super().__init__(decode_responses=True, **options)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self._count(str(args[0]))
        return super().execute_command(*args, **options)

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        made = super().pipeline(*args, **kwargs)
        execute = made.execute

        def counted(*a: Any, **k: Any) -> Any:
            self._count("PIPELINE")
            return execute(*a, **k)

        made.execute = counted
        return made

    def _count(self, command: str) -> None:
        self.sent.append(command)
        if self.fail_at and len(self.sent) >= self.fail_at:
            raise redis.ConnectionError("it is gone")
