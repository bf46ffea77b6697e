"""The verdict on each class of failure, as a table, and the bounds of the back-off."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.errors import (
    Conflict,
    ConnectorError,
    Disconnected,
    LeaseLost,
    Limited,
    Misconfigured,
    Rejected,
    Transient,
    Unknown,
)
from pipeline.tries import Count
from pipeline.verdict import (
    BACKOFF_MAX_S,
    FRUITLESS_MAX,
    LIMITED_MIN_S,
    PARK_AFTER,
    SINGLY_AFTER,
    STOPPED_S,
    TELLING_MAX,
    Verdict,
    backoff_s,
    decide,
    is_hopeless,
    keeps_count,
)

LIMITED = Limited("429", retry_after_s=42.5, limit="minute")
REJECTED = Rejected("400", status=400)
DEFECT = ZeroDivisionError("ours")


def decided(error: BaseException, *, size: int = 50, starts: int = 1, failures: int = 1) -> Verdict:
    return decide(error, size=size, starts=starts, failures=failures, jitter=random.Random(1))


@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.parametrize("starts", [1, SINGLY_AFTER, PARK_AFTER, 99])
@pytest.mark.parametrize("failures", [1, 2, 40])
def test_what_the_world_does_never_counts_against_an_invoice(size: int, starts: int, failures: int) -> None:
    """Neither put aside nor singled out, however long it takes: it stays due."""
    given_up = {"size": size, "starts": starts, "failures": failures}

    assert decided(LeaseLost("gone"), **given_up) == Verdict(drop=True)
    assert decided(LIMITED, **given_up) == Verdict(rest_s=42.5)
    assert decided(Disconnected("no right"), **given_up) == Verdict(rest_s=STOPPED_S, stop=True)
    for error in (Transient("503"), Unknown("silence")):
        verdict = decided(error, **given_up)
        assert verdict == Verdict(rest_s=verdict.rest_s)
        assert 0 < verdict.rest_s <= BACKOFF_MAX_S


def test_a_limit_without_a_wait_is_no_reason_to_call_again_at_once() -> None:
    """Retry-After: 0 comes from proxies; without a rest the lane would ask as fast as it can."""
    assert decided(Limited("429", retry_after_s=0, limit="minute")) == Verdict(rest_s=LIMITED_MIN_S)


def test_a_first_conflict_is_read_again_at_once_and_the_next_ones_wait() -> None:
    assert decided(Conflict("412"), failures=1) == Verdict()
    assert decided(Conflict("412"), failures=2).rest_s > 0


@pytest.mark.parametrize(
    "error", [REJECTED, DEFECT, KeyError("x"), Misconfigured("wrong key"), ConnectorError("odd")]
)
def test_what_may_be_one_members_fault_goes_singly_then_waits_then_is_put_aside(error: Exception) -> None:
    assert decided(error, size=2, starts=1) == Verdict(singly=True)
    assert decided(error, size=50, starts=99) == Verdict(singly=True)
    alone = decided(error, size=1, starts=PARK_AFTER - 1)
    assert alone == Verdict(later_s=alone.later_s)
    assert 0 < alone.later_s <= BACKOFF_MAX_S
    assert decided(error, size=1, starts=PARK_AFTER) == Verdict(park=True)


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (DEFECT, True),
        (REJECTED, True),
        (Transient("503"), False),
        (LIMITED, False),
        (Unknown("silence"), False),
        (Conflict("412"), False),
        (Disconnected("no right"), False),
        (LeaseLost("gone"), False),
    ],
)
def test_starts_are_counted_only_where_a_member_may_be_at_fault(error: Exception, counts: bool) -> None:
    assert keeps_count(error) == counts


def test_what_counts_is_what_can_be_put_aside() -> None:
    """Of every class of error: a class that forgets its starts would be tried for ever, the others are not parked."""
    made: dict[type[ConnectorError], ConnectorError] = {Limited: LIMITED, Rejected: REJECTED}
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ConnectorError)]

    assert len(classes) == 9
    for each in classes:
        error: Any = made.get(each) or each("x")
        assert decided(error, size=1, starts=99, failures=9).park == keeps_count(error), each


@given(failures=st.integers(1, 10_000), seed=st.integers())
def test_the_back_off_grows_to_a_quarter_of_an_hour_and_is_spread(failures: int, seed: int) -> None:
    """F34: a storm after an outage."""
    wait_s = backoff_s(failures, random.Random(seed))
    ceiling = min(2**failures, BACKOFF_MAX_S)

    assert ceiling / 2 <= wait_s <= ceiling


def test_the_back_off_follows_from_the_jitter_alone() -> None:
    first = [backoff_s(n, random.Random(5)) for n in range(1, 12)]

    assert first == [backoff_s(n, random.Random(5)) for n in range(1, 12)]
    assert first == sorted(first)
    assert len({backoff_s(9, random.Random(seed)) for seed in range(20)}) == 20


@pytest.mark.parametrize(
    ("count", "hopeless"),
    [
        (Count(1, 1), False),
        (Count(FRUITLESS_MAX - 1, TELLING_MAX - 1), False),
        (Count(2, TELLING_MAX), True),
        (Count(FRUITLESS_MAX, 0), True),
    ],
)
def test_a_document_is_hopeless_sooner_when_others_went_through(count: Count, hopeless: bool) -> None:
    assert is_hopeless(count) == hopeless
