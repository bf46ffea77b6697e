"""Lanes against a naive model in plain Python: whatever order things happen in, both say the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import LeaseLost
from pipeline.lanes import Lease
from tests.unit.lane_benches import LANE, START, FakeBench, due_in, entity, index_of

NAMES = st.sampled_from("abcd")
SOME = st.sets(NAMES, max_size=3)
AHEAD = st.sampled_from([-20, -5, 0, 3, 5, 20])
SINGLY_AFTER = 2


class LaneModel(RuleBasedStateMachine):
    """Times are seconds from the start; `leases` are those of every worker that ever held the lane."""

    def __init__(self) -> None:
        super().__init__()
        self.travelling = time_machine.travel(START, tick=False)
        self.bench = FakeBench(self.travelling.start())
        self.now = 0
        self.due: dict[str, int] = {}
        self.working: set[str] = set()
        self.starts: dict[str, int] = {}
        self.holder: str | None = None
        self.lease_ends = self.rest_ends = self.rung_ends = -1
        self.leases: list[tuple[str, Lease]] = []
        self.tokens = 0

    def teardown(self) -> None:
        self.travelling.stop()

    def at(self, second: int) -> datetime:
        return START + timedelta(seconds=second)

    def is_held(self) -> bool:
        return self.holder is not None and self.lease_ends >= self.now

    def rests(self) -> bool:
        return self.rest_ends > self.now

    def is_ready(self) -> bool:
        return bool(self.working) or any(at <= self.now for at in self.due.values())

    def put(self, name: str, at: int) -> None:
        self.due[name] = min(at, self.due.get(name, at))

    def ring(self) -> bool:
        if self.is_held() or self.rests() or self.rung_ends >= self.now:
            return False
        self.rung_ends = self.now + 5
        return True

    @rule(names=SOME, ahead=AHEAD)
    def mark(self, names: set[str], ahead: int) -> None:
        woken = self.bench.lanes.mark(LANE, [entity(name) for name in names], due_at=self.at(self.now + ahead))

        for name in names:
            self.put(name, self.now + ahead)
        assert woken == (bool(names) and ahead <= 0 and self.ring())

    @rule(seconds=st.sampled_from([1, 4, 6, 14, 16, 30]))
    def pass_time(self, seconds: int) -> None:
        self.bench.pass_time(seconds)
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        assert self.bench.lanes.sweep() == ([LANE] if self.is_ready() and self.ring() else [])

    @rule()
    def acquire(self) -> None:
        self.tokens += 1
        token = f"t-{self.tokens}"
        lease = self.bench.lanes.acquire(LANE, token)

        self.rung_ends = -1
        assert (lease is None) == (self.is_held() or self.rests())
        if lease is not None:
            self.leases.append((token, lease))
            self.holder, self.lease_ends = token, self.now + 15
            for name in self.working:
                self.put(name, self.now)
            self.working = set()

    def mine(self, token: str) -> bool:
        return self.is_held() and self.holder == token

    @precondition(lambda self: self.leases)
    @rule(source=st.data())
    def hold(self, source: st.DataObject) -> None:
        token, lease = source.draw(st.sampled_from(self.leases))
        if not self.mine(token):
            self.told_lost(lease.hold)
            return
        assert lease.hold() == self.at(self.now)
        self.lease_ends = self.now + 15

    @precondition(lambda self: self.leases)
    @rule(source=st.data(), limit=st.integers(1, 4))
    def claim(self, source: st.DataObject, limit: int) -> None:
        token, lease = source.draw(st.sampled_from(self.leases))
        if not self.mine(token):
            self.told_lost(lambda: lease.claim(limit, singly_after=SINGLY_AFTER))
            return
        ready = sorted((at, name) for name, at in self.due.items() if at <= self.now)[:limit]
        expected = []
        for _, name in ready:
            singly = self.starts.get(name, 0) >= SINGLY_AFTER
            if singly and expected:
                break
            expected.append(name)
            if singly:
                break

        claimed = lease.claim(limit, singly_after=SINGLY_AFTER)

        for name in expected:
            del self.due[name]
            self.working.add(name)
            self.starts[name] = self.starts.get(name, 0) + 1
        assert [(each.entity, each.starts) for each in claimed] == [
            (entity(name), self.starts[name]) for name in expected
        ]

    @precondition(lambda self: self.leases and self.working)
    @rule(source=st.data(), ahead=st.sampled_from([0, 5, 20]))
    def finish(self, source: st.DataObject, ahead: int) -> None:
        token, lease = source.draw(st.sampled_from(self.leases))
        names = source.draw(st.sets(st.sampled_from(sorted(self.working))))
        again = source.draw(st.sets(st.sampled_from(sorted(names)))) if names else set()
        due = {entity(name): self.at(self.now + ahead) for name in again}
        if names and not self.mine(token):
            self.told_lost(lambda: lease.finish(map(entity, names), again=due))
            return

        lease.finish(map(entity, names), again=due)

        for name in names:
            self.working.discard(name)
            self.starts.pop(name, None)
        for name in again:
            self.put(name, self.now + ahead)

    @precondition(lambda self: self.leases and self.working)
    @rule(source=st.data(), ahead=st.sampled_from([0, 5]), starts=st.sampled_from([None, 0, SINGLY_AFTER]))
    def give_back(self, source: st.DataObject, ahead: int, starts: int | None) -> None:
        token, lease = source.draw(st.sampled_from(self.leases))
        names = source.draw(st.sets(st.sampled_from(sorted(self.working)), min_size=1))
        due_at = self.at(self.now + ahead)
        if not self.mine(token):
            self.told_lost(lambda: lease.give_back(map(entity, names), due_at=due_at, starts=starts))
            return

        lease.give_back(map(entity, names), due_at=due_at, starts=starts)

        for name in names:
            self.working.discard(name)
            self.put(name, self.now + ahead)
            if starts is not None:
                self.starts[name] = starts

    @precondition(lambda self: self.leases)
    @rule(source=st.data(), with_work_left=st.booleans())
    def release(self, source: st.DataObject, with_work_left: bool) -> None:
        token, lease = source.draw(st.sampled_from(self.leases))
        if not self.mine(token):
            self.told_lost(lambda: lease.release(with_work_left=with_work_left))
            return
        waits = any(at <= self.now for at in self.due.values()) and not self.rests()

        released = lease.release(with_work_left=with_work_left)

        assert released == (with_work_left or not waits)
        if released:
            self.holder = None

    @rule(ahead=st.sampled_from([-5, 1, 10, 40]))
    def rest(self, ahead: int) -> None:
        self.bench.lanes.rest(LANE, until=self.at(self.now + ahead))
        self.rest_ends = self.now + ahead

    @rule()
    def end_rest(self) -> None:
        self.bench.lanes.end_rest(LANE)
        self.rest_ends = -1

    @rule()
    def forget(self) -> None:
        self.bench.lanes.forget(LANE)
        self.due, self.working, self.starts = {}, set(), {}
        self.holder, self.rest_ends, self.rung_ends = None, -1, -1

    def told_lost(self, call: object) -> None:
        with pytest.raises(LeaseLost):
            call()  # type: ignore[operator]

    @invariant()
    def the_same_is_due_and_in_work(self) -> None:
        assert self.bench.lanes.counts(LANE) == {"due": len(self.due), "working": len(self.working)}
        for name, at in self.due.items():
            assert due_in(self.bench, entity(name)) == at - self.now

    @invariant()
    def the_same_rests(self) -> None:
        until = self.bench.lanes.rests_until(LANE)
        if until is not None and until <= self.at(self.now):
            until = None  # it is over, and Redis forgets it within the millisecond
        assert until == (self.at(self.rest_ends) if self.rests() else None)

    @invariant()
    def no_work_is_out_of_sight(self) -> None:
        """The index names the lane no later than it needs somebody, or the sweep would miss it."""
        if not self.due and not self.working:
            return
        first = min([*self.due.values(), *([self.now] if self.working else [])])
        needed = max(first, self.rest_ends if self.rests() else first)
        seen = index_of(self.bench)
        assert seen is not None
        assert seen <= max(needed - self.now, 0)

    @invariant()
    def whoever_asks_next_gets_to_all_work_in_time(self) -> None:
        ready = sum(at <= self.now for at in self.due.values()) + len(self.working)
        assert self.bench.lanes.count_ready(LANE) == ready


TestLaneModel = pytest.mark.timeout(300)(LaneModel.TestCase)
TestLaneModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
