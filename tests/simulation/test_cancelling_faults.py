"""A document is ended once and told once, whatever is lost, repeated or killed on the way (rule E0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from simulators.wire import Fault, FaultKind
from tests.simulation.cancelling import Act, Ended, Stand, approved, cancel, delete, draft, just_exported, owed
from tests.simulation.taps import FAULTS, Crash
from tests.world import World


@dataclass(frozen=True)
class Work:
    """What is done in Xero for a document that stands so, whose invoice is cancelled or deleted."""

    stand: Stand
    side: str
    act: Act
    ends_as: str
    by: str = "Credit note"

    def begin(self, fresh_world: Callable[[], World]) -> Ended:
        """Return an invoice that was cancelled or deleted a moment ago; its event is there."""
        world = fresh_world()
        ended = just_exported(world, self.stand, self.side)
        world.choose(cancel_by=self.by)
        world.pass_time(minutes=2)
        self.act(world, ended.invoice_id)
        ended.mark()
        return ended

    def assert_done_once(self, ended: Ended) -> None:
        kind = "Delete" if self.act is delete else "Cancel"
        if self.ends_as == "credited":
            ended.assert_credited_once(kind=kind)
        else:
            ended.assert_ended_once(self.ends_as, kind=kind)
        assert owed(ended.world, self.side) == 0
        ended.world.assert_quiet()


WORKS = {
    "credit sales": Work(approved, "sales", cancel, "credited"),
    "credit bill": Work(approved, "bill", cancel, "credited"),
    "credit of a deleted one": Work(approved, "sales", delete, "credited"),
    "void": Work(approved, "sales", cancel, "VOIDED", by="Void"),
    "delete": Work(draft, "bill", cancel, "DELETED"),
}
# Any fault where most calls are made; where fewer are, the worst: the call is carried out and its answer is lost.
OF_FAULTS = [
    *[("credit sales", *fault) for fault in FAULTS],
    *[(name, "drop-after", 0) for name in WORKS if name != "credit sales"],
]
# Each crashes around every call; those with Redis kept around every command of Redis as well.
OF_CRASHES = [(name, name not in ("credit bill", "void")) for name in WORKS]


@pytest.mark.parametrize(("name", "kind", "status"), OF_FAULTS)
@pytest.mark.parametrize("side", ["xero", "dynamics"])
def test_a_fault_at_any_call_leaves_it_done_and_told_once(
    fresh_world: Callable[[], World], name: str, kind: FaultKind, status: int, side: str
) -> None:
    """Rule E0: whatever call fails, before or after its effect."""
    work = WORKS[name]
    for number in count():
        ended = work.begin(fresh_world)
        world = ended.world
        wire = getattr(world, side).wire
        wire.inject(Fault(match=".", kind=kind, skip=number, status=status))

        world.work()
        if wire.faults:
            assert number >= 3
            break
        world.settle()

        work.assert_done_once(ended)


@pytest.mark.parametrize(("name", "wiped"), OF_CRASHES)
def test_a_crash_at_any_call_leaves_it_done_and_told_once(
    fresh_world: Callable[[], World], name: str, *, wiped: bool
) -> None:
    """Rule E0: around any call to Xero, Dynamics or Redis; `wiped`: Redis has lost everything as well."""
    work = WORKS[name]
    for number in count(1):
        ended = work.begin(fresh_world)
        world = ended.world
        world.tap.crash_after_effect(number, only="xero|contoso" if wiped else "")

        try:
            world.work()
        except Crash:
            world.die()
        else:
            assert number > (4 if wiped else 8)
            break
        if wiped:
            world.redis.flushall()
        world.settle()

        work.assert_done_once(ended)
