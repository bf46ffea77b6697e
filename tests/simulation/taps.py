"""Taps on everything that leaves the process: where a test lets it die, or lets something happen meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fakeredis

from simulators.wire import FaultKind

# How a call may fail: kind and status of a `Fault`.
FAULTS: tuple[tuple[FaultKind, int], ...] = (
    ("drop-before", 0),
    ("drop-after", 0),
    ("status-before", 503),
    ("status-after", 500),
)
# Commands of Redis that change nothing.
READING_COMMANDS = frozenset({"TIME", "GET", "TTL", "HGETALL", "HMGET", "ZSCORE", "ZCARD", "ZCOUNT", "EXISTS"})
_READS = rf"(GET |redis ({'|'.join(sorted(READING_COMMANDS))})$)"


class Crash(BaseException):
    """The process dies here: nothing of its memory survives."""


@dataclass
class Tap:
    """Every call that leaves the process passes here, named "METHOD host/path" or "redis COMMAND".

    `before` and `after` may do what happens meanwhile elsewhere, or raise Crash.
    """

    before: Callable[[str], None] = lambda _name: None
    after: Callable[[str], None] = lambda _name: None

    def passes(self, name: str, call: Callable[[], Any]) -> Any:
        self.before(name)
        answer = call()
        self.after(name)
        return answer

    def close(self) -> None:
        self.before = self.after = lambda _name: None

    def crash_at(self, number: int, *, after: bool, only: str = "") -> None:
        """Let the process die at the so-manieth outside call from now, before or after it is carried out."""
        left = number

        def count(name: str) -> None:
            nonlocal left
            if re.search(only, name):
                left -= 1
                if left == 0:
                    raise Crash(f"{'after' if after else 'before'} {name}")

        self.before, self.after = (lambda _name: None, count) if after else (count, lambda _name: None)

    def crash_after_effect(self, number: int, *, only: str = "") -> None:
        """Let the process die right after the so-manieth outside call from now that may have changed something.

        To die before such a call, or after one that only reads, is to die after the one before it: the world outside
        is the same, and whatever the process knew is lost.
        """
        self.crash_at(number, after=True, only=f"^(?!{_READS})(?=.*({only}))" if only else f"^(?!{_READS})")

    def when(self, match: str, happens: Callable[[], None], *, after: bool = False) -> None:
        """Let something happen once, at the next outside call whose name matches."""

        def once(name: str) -> None:
            if re.search(match, name):
                self.close()
                happens()

        self.before, self.after = (lambda _name: None, once) if after else (once, lambda _name: None)

    def over(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """Return the WSGI app with the tap before it."""

        def tapped(environ: dict[str, Any], start_response: Any) -> Any:
            name = f"{environ['REQUEST_METHOD']} {environ['SERVER_NAME']}{environ['PATH_INFO']}"
            return self.passes(name, lambda: app(environ, start_response))

        return tapped


class TappedRedis(fakeredis.FakeRedis):
    """Redis with a tap before it, for one thread: a connection of its own saves a fourth of the time of a command."""

    tap: Tap | None = None
    _own: Any = None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.tap is None:
            return self._execute(*args, **options)
        return self.tap.passes(f"redis {args[0]}", lambda: self._execute(*args, **options))

    def _execute(self, *args: Any, **options: Any) -> Any:
        if self._own is None:
            self._own = self.connection_pool.get_connection()
        self._own.send_command(*args)
        return self.parse_response(self._own, args[0], **options)
