"""What people see of a synchronisation: how far it is while it runs, what came of it afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import fakeredis
import pytest

from core import money
from core.errors import Transient
from pipeline.memory import Memory
from pipeline.progress import REFUSALS_SHOWN, Counts, Ongoing, Progress, as_plain, begin, find_progress, from_plain
from tests.unit.failing_redis import FailingRedis
from tests.unit.made import NOON

LATER = NOON + timedelta(seconds=3)
NAMES = ("Tax rates", "Account codes", "Branding themes")


@pytest.fixture
def memory() -> Memory:
    return Memory(fakeredis.FakeRedis(decode_responses=True), "c-1")


def seen(memory: Memory) -> Progress:
    found = find_progress(memory)
    assert found is not None
    return found


def begun(memory: Memory) -> Ongoing:
    ongoing = begin(memory, NAMES, NOON)
    ongoing.begin_step(NOON)
    return ongoing


def test_nothing_is_known_of_a_connection_that_was_never_synchronised(memory: Memory) -> None:
    assert find_progress(memory) is None


def test_a_run_that_begins_shows_its_steps(memory: Memory) -> None:
    """Rule F1: in their order, none of them begun."""
    begin(memory, NAMES, NOON)

    found = seen(memory)
    assert [(step.name, step.state, step.total) for step in found.steps] == [
        (name, "waiting", None) for name in NAMES
    ]
    assert (found.state, found.started_at, found.has_ended) == ("running", NOON, False)


def test_whoever_looks_sees_how_many_of_how_many(memory: Memory) -> None:
    ongoing = begun(memory)
    assert [step.state for step in seen(memory).steps] == ["running", "waiting", "waiting"]

    ongoing.expect(150, 30, NOON)
    ongoing.add(Counter(created=98, refused=2), ["X - Odd: too odd"], LATER)

    step = seen(memory).steps[0]
    assert (step.total, step.counts.total, step.counts.unchanged) == (150, 130, 30)
    assert (step.counts.created, step.refusals) == (98, ("X - Odd: too odd",))
    assert seen(memory).updated_at == LATER


def test_what_is_seen_is_what_the_run_knows(memory: Memory) -> None:
    ongoing = begun(memory)
    ongoing.expect(3, 1, NOON)
    ongoing.add(Counter(updated=1), [], NOON)
    ongoing.add(Counter(deactivated=1), [], LATER)
    ongoing.end_step(LATER)

    assert seen(memory) == ongoing.progress
    assert seen(memory).steps[0].counts == Counts(updated=1, deactivated=1, unchanged=1)


def test_a_run_that_ends_says_when(memory: Memory) -> None:
    ongoing = begin(memory, NAMES, NOON)
    for _ in NAMES:
        ongoing.begin_step(NOON)
        ongoing.end_step(NOON)
    ongoing.end(LATER)

    assert (seen(memory).state, seen(memory).ended_at) == ("done", LATER)
    assert {step.state for step in seen(memory).steps} == {"done"}


def test_a_refused_row_and_a_failed_step_are_not_done(memory: Memory) -> None:
    """Nothing fails silently: a person has to look."""
    refused = begun(memory)
    refused.add(Counter(refused=1), ["X"], NOON)
    refused.end_step(NOON)
    refused.end(LATER)
    assert seen(memory).state == "failed"

    failed = begun(memory)
    failed.end_step(NOON, failed="Xero lists none")
    failed.end(LATER)
    assert (seen(memory).state, seen(memory).steps[0].reason) == ("failed", "Xero lists none")


def test_an_interrupted_run_says_why_and_has_not_ended(memory: Memory) -> None:
    ongoing = begun(memory)
    ongoing.interrupt("Xero's daily limit", LATER)

    found = seen(memory)
    assert (found.state, found.reason, found.has_ended) == ("waiting", "Xero's daily limit", False)
    assert found.steps[0].state == "running"


def test_the_first_refusals_are_named(memory: Memory) -> None:
    """A thousand of them would say no more."""
    ongoing = begun(memory)
    for number in range(REFUSALS_SHOWN + 5):
        ongoing.add(Counter(refused=1), [f"row {number}"], NOON)

    step = seen(memory).steps[0]
    assert step.counts.refused == REFUSALS_SHOWN + 5
    assert step.refusals == tuple(f"row {number}" for number in range(REFUSALS_SHOWN))


def test_the_next_run_forgets_the_one_before(memory: Memory) -> None:
    begun(memory).interrupt("no answer", NOON)
    begin(memory, NAMES, LATER)

    assert (seen(memory).started_at, seen(memory).reason) == (LATER, "")


def test_each_connection_has_its_own(memory: Memory) -> None:
    begin(memory, NAMES, NOON)

    assert find_progress(Memory(fakeredis.FakeRedis(decode_responses=True), "c-2")) is None


def test_it_is_plain_json(memory: Memory) -> None:
    """For `--json` and for the portal; reading it back gives the same."""
    ongoing = begun(memory)
    ongoing.add(Counter(created=1), ["ü"], NOON)
    ongoing.end_step(LATER)
    ongoing.end(LATER)

    plain = money.loads(money.dumps(as_plain(ongoing.progress)))

    assert plain["started_at"] == "2026-11-24T12:00:00+00:00"
    assert plain["steps"][0]["counts"]["created"] == 1
    assert from_plain(plain) == ongoing.progress


def test_without_redis_it_is_not_known() -> None:
    client = FailingRedis()
    client.fail_at = 1

    with pytest.raises(Transient):
        find_progress(Memory(client, "c-1"))
