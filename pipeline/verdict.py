"""The one place that decides whether and when work is tried again; a pure function."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from core.errors import Conflict, Disconnected, LeaseLost, Limited, Transient, Unknown
from pipeline.tries import Count

SINGLY_AFTER = 3  # starts without an end after which an entity is worked on alone
PARK_AFTER = 6  # starts after which one that stands alone is put aside
OPEN_AFTER = 3  # batches of a lane that fail in a row after which one record goes ahead of the others, as a probe
BATCH_MAX = 50
FRUITLESS_TOGETHER = 2  # attempts that made nothing after which their members go one by one
TELLING_MAX = 2  # ... while Xero took others after which one that stands alone is put aside; an outage's end gives 1
FRUITLESS_MAX = 40  # ... or if there were no others: some five hours, longer than Xero is ever away
BACKOFF_MAX_S = 900
STOPPED_S = 900
LIMITED_MIN_S = 1.0  # a vendor that says "0 seconds" has just refused a call all the same

Kind = Literal["transient", "limited", "stopped", "defect"]  # why a lane rests, as people are told


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows a failure of a batch.

    `drop`: the lane is somebody else's now, do nothing. `rest_s`: how long the lane rests. `stop`: the
    connection needs an administrator. `singly`: its members go one by one. `later_s`: how long the one member waits,
    while the others go on. `park`: the one member is put aside.
    """

    drop: bool = False
    rest_s: float = 0.0
    stop: bool = False
    singly: bool = False
    later_s: float = 0.0
    park: bool = False


def decide(error: BaseException, *, size: int, starts: int, failures: int, jitter: random.Random) -> Verdict:
    """Return what follows `error`.

    `size` is the number of members of the batch, `starts` the largest number of starts among them, `failures` how
    many batches of this lane have failed in a row, this one included.
    """
    if isinstance(error, LeaseLost):
        return Verdict(drop=True)
    if isinstance(error, Limited):
        return Verdict(rest_s=max(error.retry_after_s, LIMITED_MIN_S))
    if isinstance(error, Disconnected):
        return Verdict(rest_s=STOPPED_S, stop=True)
    if isinstance(error, Conflict) and failures == 1:
        return Verdict()
    if isinstance(error, Transient | Unknown | Conflict):
        return Verdict(rest_s=backoff_s(failures, jitter))
    if size > 1:
        return Verdict(singly=True)
    if starts >= PARK_AFTER:
        return Verdict(park=True)
    # The one that may be at fault waits. If nothing else went through either, it may be all of them: the lane rests.
    rest_s = backoff_s(failures, jitter) if failures >= OPEN_AFTER else 0.0
    return Verdict(later_s=backoff_s(starts, jitter), rest_s=rest_s)


def keeps_count(error: BaseException) -> bool:
    """Whether the start that ended like this counts against its members: the world's troubles do not."""
    return not isinstance(error, Transient | Unknown | Conflict | Disconnected | LeaseLost)


def kind_of(error: BaseException) -> Kind:
    """Return what people are told of a failure: who has to wait, or to act."""
    if isinstance(error, Limited):
        return "limited"
    if isinstance(error, Disconnected):
        return "stopped"
    return "transient" if isinstance(error, Transient | Unknown | Conflict | LeaseLost) else "defect"


def is_open(kind: Kind, failures: int) -> bool:
    """Whether the circuit of a lane is open: what failed will most likely fail again.

    The next try is then a probe of one record. If that works the circuit is closed, and the others follow.
    """
    return kind == "stopped" or failures >= OPEN_AFTER


def claim_max(kind: Kind, failures: int) -> int:
    """Return how many records are worked on at once after so many failures in a row, the last of that kind."""
    return 1 if is_open(kind, failures) else BATCH_MAX


def is_hopeless(count: Count) -> bool:
    """Whether a document is put aside after so many attempts that Xero neither refused nor carried out."""
    return count.telling >= TELLING_MAX or count.attempts >= FRUITLESS_MAX


def backoff_s(failures: int, jitter: random.Random) -> float:
    """Return the wait in seconds after so many failures in a row; connections that fail together part ways."""
    ceiling = min(2.0 ** min(failures, 20), BACKOFF_MAX_S)
    return ceiling * jitter.uniform(0.5, 1.0)
