"""Lanes, on a fake Redis and on the embedded real one: what is due, what is in work, and how often it began."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.lanes import Entity
from tests.unit.lane_benches import LANE, START, Bench, claim, due_in, entity, held, index_of, mark

A, B, C = entity("a"), entity("b"), entity("c")
SOON, CLOSE = timedelta(seconds=10), 0.5


# -- marking -----------------------------------------------------------------------------------------------


def test_the_first_mark_wakes_and_the_next_ones_do_not(bench: Bench) -> None:
    assert [mark(bench, A), mark(bench, A), mark(bench, B)] == [True, False, False]
    assert bench.lanes.counts(LANE) == {"due": 2, "working": 0}


def test_marking_nothing_does_nothing(bench: Bench) -> None:
    assert not mark(bench)
    assert bench.client.keys("*") == []


@pytest.mark.parametrize(("first", "second", "kept"), [(0, 60, 0), (60, 0, 0), (-60, 0, -60), (120, 60, 60)])
def test_marking_keeps_the_earlier_time(bench: Bench, first: int, second: int, kept: int) -> None:
    mark(bench, A, seconds=first)
    mark(bench, A, seconds=second)

    assert due_in(bench, A) == pytest.approx(kept, abs=CLOSE)
    assert index_of(bench) == pytest.approx(kept, abs=CLOSE)
    assert bench.lanes.counts(LANE)["due"] == 1


def test_what_is_due_later_wakes_nobody_and_is_claimed_then(bench: Bench) -> None:
    assert not mark(bench, A, seconds=60)
    assert bench.lanes.count_ready(LANE) == 0
    assert claim(held(bench)) == []
    assert bench.lanes.sweep() == []

    bench.pass_time(61)
    assert bench.lanes.count_ready(LANE) == 1
    assert bench.lanes.sweep() == [LANE]
    assert claim(held(bench, "t-2")) == [A]


def test_an_entity_marked_during_work_stays_due(bench: Bench) -> None:
    """What moved while it was read may not have been seen."""
    mark(bench, A)
    lease = held(bench)
    assert claim(lease) == [A]

    mark(bench, A)
    lease.finish([A], again={})

    assert bench.lanes.counts(LANE) == {"due": 1, "working": 0}
    assert claim(lease) == [A]


def test_both_sides_of_one_invoice_are_two_entities(bench: Bench) -> None:
    mark(bench, entity(1, "dynamics"), entity(1, "xero"))

    assert set(claim(held(bench))) == {entity(1, "dynamics"), entity(1, "xero")}


def test_an_id_with_colons_comes_back() -> None:
    odd = Entity("xero", "invoice", "a:b:c")

    assert Entity.parse(str(odd)) == odd


# -- working -----------------------------------------------------------------------------------------------


def test_claims_take_what_is_due_longest_first_up_to_the_limit(bench: Bench) -> None:
    mark(bench, A, seconds=-1)
    mark(bench, B, seconds=-3)
    mark(bench, C, seconds=-2)
    lease = held(bench)

    assert claim(lease, limit=2) == [B, C]
    assert claim(lease, limit=2) == [A]
    assert bench.lanes.counts(LANE) == {"due": 0, "working": 3}
    assert bench.lanes.count_ready(LANE) == 3


def test_finished_work_is_gone_and_what_is_wanted_again_is_due_then(bench: Bench) -> None:
    mark(bench, A, B)
    lease = held(bench)
    claim(lease)

    lease.finish([A, B], again={B: bench.lanes.now() + SOON})

    assert bench.lanes.counts(LANE) == {"due": 1, "working": 0}
    assert due_in(bench, B) == pytest.approx(10, abs=CLOSE)


def test_again_does_not_put_off_what_was_marked_meanwhile(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    claim(lease)
    mark(bench, A)

    lease.finish([A], again={A: bench.lanes.now() + SOON})

    assert due_in(bench, A) == pytest.approx(0, abs=CLOSE)


def test_settling_nothing_needs_no_lease(bench: Bench) -> None:
    lease = held(bench)
    bench.client.delete(f"lane:{LANE}:lease")

    lease.finish([], again={})
    lease.give_back([], due_at=START)

    assert bench.lanes.counts(LANE) == {"due": 0, "working": 0}


def test_what_is_given_back_is_due_and_remembers_its_starts(bench: Bench) -> None:
    mark(bench, A)
    lease = held(bench)
    for expected in (1, 2, 3):
        (claimed,) = lease.claim(50, singly_after=9)
        assert claimed.starts == expected
        lease.give_back([A], due_at=bench.lanes.now())

    lease.give_back([A], due_at=bench.lanes.now(), starts=0)
    assert lease.claim(50, singly_after=9)[0].starts == 1
    lease.give_back([A], due_at=bench.lanes.now(), starts=7)
    assert lease.claim(50, singly_after=9)[0].starts == 8
    lease.finish([A], again={})
    mark(bench, A)
    assert lease.claim(50, singly_after=9)[0].starts == 1


def test_what_began_three_times_without_an_end_comes_alone(bench: Bench) -> None:
    mark(bench, A, seconds=-3)
    mark(bench, B, seconds=-2)
    mark(bench, C, seconds=-1)
    lease = held(bench)
    claim(lease)
    lease.give_back([A, C], due_at=bench.lanes.now() - timedelta(seconds=5), starts=0)
    lease.give_back([B], due_at=bench.lanes.now() - timedelta(seconds=4), starts=3)

    assert [claim(lease), claim(lease), claim(lease)] == [[A, C], [B], []]


def test_one_that_comes_alone_does_not_keep_the_others_waiting(bench: Bench) -> None:
    mark(bench, A, B, C)
    lease = held(bench)
    claim(lease)
    lease.give_back([A], due_at=bench.lanes.now() - timedelta(seconds=9), starts=3)
    lease.give_back([B, C], due_at=bench.lanes.now() - timedelta(seconds=8), starts=0)

    assert claim(lease) == [A]
    lease.give_back([A], due_at=bench.lanes.now())
    assert claim(lease) == [B, C]
    assert claim(lease) == [A]
