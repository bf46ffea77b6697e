"""Why a lane rests and how often in a row its work has failed: for the next try, and for people who wait.

In Redis. What holds workers back is `rests` of the lane; losing this costs the reason, and a back-off begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import redis

from core.errors import ConnectorError, Limited, Rejected
from pipeline.app import App
from pipeline.lane_scripts import ask, keys_of
from pipeline.verdict import Kind, claim_max, is_open, kind_of


@dataclass(frozen=True, slots=True)
class Trouble:
    """What stands in the way of a lane; nothing does while `failures` is 0 and `words` are empty.

    `failures`: batches that failed in a row, the first of them at `since`. `side`: whose limit it is, if it is one.
    `words` name no customer and quote no refusal.
    """

    failures: int = 0
    kind: Kind = "transient"
    side: str = ""
    words: str = ""
    since: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether one record goes ahead, as a probe, when the lane's rest ends."""
        return is_open(self.kind, self.failures)

    @property
    def claim_max(self) -> int:
        return claim_max(self.kind, self.failures)


class Troubles:
    """The trouble of one connection's lane. Methods raise Transient when Redis does not answer."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        (self._key,) = keys_of(connection_id, "trouble")

    def load(self) -> Trouble:
        stored = cast("dict[str, str]", ask(lambda: self._redis.hgetall(self._key)))
        since = stored.get("since")
        return Trouble(
            failures=int(stored.get("failures", 0)),
            kind=cast("Kind", stored.get("kind", "transient")),
            side=stored.get("side", ""),
            words=stored.get("words", ""),
            since=datetime.fromisoformat(since) if since else None,
        )

    def count(self) -> int:
        """Count one more failure; return how many there were in a row."""
        return int(ask(lambda: self._redis.hincrby(self._key, "failures", 1)))

    def note(self, error: BaseException, *, now: datetime) -> None:
        """Note what failed last; when it began stays as it is."""
        side = error.side if isinstance(error, Limited) else ""
        pairs = ["kind", kind_of(error), "side", side, "words", words_of(error)]
        ask(lambda: self._redis.hset(self._key, items=pairs))
        ask(lambda: self._redis.hsetnx(self._key, "since", now.isoformat()))

    def forget(self) -> None:
        """Something went through: the circuit is closed."""
        ask(lambda: self._redis.delete(self._key))


def let_rest(app: App, connection_id: str, error: BaseException, *, rest_s: float, now: datetime) -> None:
    """Let the lane rest and note why; a longer rest is not cut short by another reason."""
    until, known = now + timedelta(seconds=rest_s), app.lanes.rests_until(connection_id)
    if known is not None and known > until:
        return
    # The reason first: a crash in between leaves a lane that goes on, not one that rests without a reason.
    Troubles(app.redis, connection_id).note(error, now=now)
    app.lanes.rest(connection_id, until=until)


def words_of(error: BaseException) -> str:
    """Return what may be told of a failure: a vendor's refusal may quote a customer, and so may our own defect."""
    if isinstance(error, Rejected):
        return "a whole call was refused"
    if isinstance(error, ConnectorError):
        return str(error)
    return f"a fault of ours ({type(error).__name__})"
