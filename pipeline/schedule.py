"""When which connection is polled: spread over the interval, claimed once however many pollers run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import cast

import redis
import structlog

from core import ids
from core.connections import Connections
from core.errors import Transient
from pipeline.lane_scripts import ask
from pipeline.lanes import Lanes

POLLS = "polls"
SWEEP_S = 2.0
REFRESH = timedelta(seconds=30)
POLL_GAP_MS = 10_000  # less than the 15 s after which the wake-up of a killed worker comes again
_CLAIM = """
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or tonumber(at) > tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""

log = structlog.get_logger()


def begin_poll(client: redis.Redis, connection_id: str, *, interval_s: int) -> bool:
    """Return whether a poll that somebody was woken for shall be made: not if another one has begun just now.

    While workers are away wake-ups pile up, one an interval and connection, and each poll costs calls to both sides.
    Raises Transient when Redis does not answer.
    """
    gap_ms = min(POLL_GAP_MS, interval_s * 500)
    return bool(ask(lambda: client.set(f"polled:{connection_id}", "1", nx=True, px=gap_ms)))


class Schedule:
    """The next poll of each connection, in Redis; times in ms."""

    def __init__(self, client: redis.Redis, *, interval_s: int) -> None:
        self._redis = client
        self._interval_ms = interval_s * 1000
        self._claim = client.register_script(_CLAIM)

    def refresh(self, connection_ids: Iterable[str], *, now_ms: int) -> None:
        """Take in new connections, each at its own moment of the interval, and drop those that are gone."""
        wanted = {connection_id: self._next(connection_id, now_ms) for connection_id in connection_ids}
        known = cast("list[str]", ask(lambda: self._redis.zrange(POLLS, 0, -1)))
        gone = sorted(set(known) - wanted.keys())
        if wanted:
            ask(lambda: self._redis.zadd(POLLS, wanted, nx=True))
        if gone:
            ask(lambda: self._redis.zrem(POLLS, *gone))

    def take_due(self, *, now_ms: int) -> list[str]:
        """Return the connections whose poll is due and that no other poller has taken."""
        due = cast("list[str]", ask(lambda: self._redis.zrange(POLLS, "-inf", now_ms, byscore=True)))
        taken = []
        for connection_id in due:
            arguments = (connection_id, now_ms, self._next(connection_id, now_ms))
            if ask(lambda: self._claim(keys=[POLLS], args=arguments)) == 1:  # noqa: B023 - called at once
                taken.append(connection_id)
        return taken

    def knows_any(self) -> bool:
        """Whether a poller has ever taken in a connection here (or since Redis lost everything)."""
        return ask(lambda: self._redis.zcard(POLLS)) > 0

    def find_late(self, *, now_ms: int) -> list[tuple[str, int]]:
        """Return the connections whose poll nobody has begun although it is due, with how many seconds ago it was."""
        asked = ask(lambda: self._redis.zrange(POLLS, "-inf", now_ms, byscore=True, withscores=True))
        late = cast("list[tuple[str, float]]", asked)
        return [(connection_id, int(now_ms - due_ms) // 1000) for connection_id, due_ms in late]

    def _next(self, connection_id: str, now_ms: int) -> int:
        phase = int(ids.digest(connection_id)[:12], 16) % self._interval_ms
        return now_ms + self._interval_ms - (now_ms - phase) % self._interval_ms


def run_poller(
    lanes: Lanes,
    schedule: Schedule,
    connections: Connections,
    *,
    wake_lane: Callable[[str], None],
    wake_poll: Callable[[str], None],
    stopping: threading.Event,
) -> None:
    """Sweep lanes and start polls until `stopping`; when Redis is away, go on as soon as it is back."""
    refreshed_at = None
    while not stopping.wait(SWEEP_S):
        try:
            now = lanes.now()
            if refreshed_at is None or now - refreshed_at >= REFRESH:
                schedule.refresh((row.id for row in connections.list_all()), now_ms=int(now.timestamp() * 1000))
                refreshed_at = now
            for connection_id in lanes.sweep():
                log.info("lane.swept", connection=connection_id)
                wake_lane(connection_id)
            for connection_id in schedule.take_due(now_ms=int(now.timestamp() * 1000)):
                wake_poll(connection_id)
        except Transient as error:
            log.warning("poller.waits", reason=str(error))
            refreshed_at = None
