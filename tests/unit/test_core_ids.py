"""Ids and keys are derived: the same for the same thing, different for any other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ids

TEXTS = st.text(alphabet=st.one_of(st.sampled_from("ab:0123\x00"), st.characters()), max_size=6)
PARTS = st.lists(TEXTS, max_size=5)
STARTED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("derive", [ids.digest, ids.derived_id])
def test_no_two_lists_of_parts_share_a_key(derive: object) -> None:
    lists = [("a:b", "c"), ("a", "b:c"), ("a", "b", "c"), ("abc",), ("ab", "c"), ("", "abc"), ("abc", ""), ("1:a",)]

    assert len({derive(*parts) for parts in lists}) == len(lists)


@given(one=PARTS, other=PARTS)
def test_digests_are_equal_exactly_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (ids.digest(*one) == ids.digest(*other)) == (one == other)
    assert (ids.derived_id(*one) == ids.derived_id(*other)) == (one == other)


@given(parts=PARTS)
def test_moving_a_boundary_changes_the_digest(parts: list[str]) -> None:
    joined = "".join(parts)

    assert ids.digest(joined) != ids.digest(joined, "")
    assert ids.digest(*parts) == ids.digest(*parts)
    assert len(ids.digest(*parts)) == 64


def test_a_lone_surrogate_has_a_digest_too() -> None:
    """JSON can carry one, so an event can."""
    assert ids.digest("\ud800") != ids.digest("\udfff")


def test_a_connection_id_depends_on_both_organisations_whatever_their_case() -> None:
    """Rule G8: joining the same two again gives the same connection."""
    first = ids.connection_id("AAAA", "bbbb")

    assert first == ids.connection_id("aaaa", "BBBB")
    assert str(UUID(first)) == first
    assert len({first, ids.connection_id("bbbb", "aaaa"), ids.connection_id("aaaa", "cccc")}) == 3


def test_equal_documents_have_equal_hashes_whatever_their_order() -> None:
    assert ids.content_hash({"a": 1, "b": [1, 2]}) == ids.content_hash({"b": [1, 2], "a": 1})
    assert ids.content_hash([1, 2]) != ids.content_hash([2, 1])


def test_an_idempotency_key_fits_and_changes_with_each_part() -> None:
    keys = {
        ids.idempotency_key("c", "r", STARTED),
        ids.idempotency_key("d", "r", STARTED),
        ids.idempotency_key("c", "s", STARTED),
        ids.idempotency_key("c", "r", STARTED + timedelta(seconds=1)),
    }

    assert len(keys) == 4
    assert all(len(key) <= 128 for key in keys)


def test_the_zone_in_which_a_start_is_written_does_not_change_the_key() -> None:
    """The start is written by Redis' time and read back from Dynamics."""
    elsewhere = STARTED.astimezone(timezone(timedelta(hours=5)))

    assert ids.idempotency_key("c", "r", elsewhere) == ids.idempotency_key("c", "r", STARTED)
