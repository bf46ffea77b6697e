"""The dispatcher on Xero's events: what is followed at once, what gathers, and when a record moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.event import Event
from pipeline.dispatch import GATHER, gathers_until
from pipeline.lanes import Entity
from pipeline.memory import Memory
from tests.unit.made import TENANT_ID, connection
from tests.unit.test_dispatch import Bench

LANE = connection().id
MOVED = Event("xero", TENANT_ID, "invoice", "doc-1", "UPDATE", "2026-11-24T10:00:00.123")
MOVED_AT = datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=UTC)
DOCUMENT = Entity("xero", "invoice", "doc-1")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def moved(bench: Bench, *record_ids: str) -> dict[str, datetime]:
    return Memory(bench.redis, LANE).moved(record_ids)


def test_a_document_is_followed_at_once_and_its_time_is_kept(bench: Bench) -> None:
    """Rules D1 to D7: the time tells our own write from news."""
    bench.dispatcher.handle([MOVED])

    assert bench.due() == [str(DOCUMENT)]
    assert bench.lanes.due_at(LANE, DOCUMENT) <= bench.lanes.now()
    assert bench.woken == [LANE]
    assert moved(bench, "doc-1") == {"doc-1": MOVED_AT}


def test_the_newest_time_counts_in_whatever_order_events_come(bench: Bench) -> None:
    later, earlier = (replace(MOVED, version=f"2026-11-24T{hour}:00:00.000") for hour in ("11", "09"))

    bench.dispatcher.handle([MOVED, later, earlier])
    bench.dispatcher.handle([replace(MOVED, version="2026-11-24T10:30:00.000")])

    assert bench.due() == [str(DOCUMENT)]
    assert moved(bench, "doc-1") == {"doc-1": datetime(2026, 11, 24, 11, tzinfo=UTC)}


def test_an_event_without_a_time_that_can_be_read_leads_to_a_reading(bench: Bench) -> None:
    bench.dispatcher.handle([replace(MOVED, version="just now")])

    assert bench.due() == [str(DOCUMENT)]
    assert moved(bench, "doc-1") == {}


@pytest.mark.parametrize("kind", ["contact", "creditnote", "overpayment", "prepayment"])
def test_what_changes_balances_gathers(bench: Bench, kind: str) -> None:
    """Rule D8: what changes within five minutes is read together."""
    events = [replace(MOVED, entity=kind, record_id=f"id-{n}", version=f"2026-11-24T10:00:0{n}") for n in range(3)]

    for event in events:
        bench.dispatcher.handle([event])

    dues = {bench.lanes.due_at(LANE, Entity("xero", kind, event.record_id)) for event in events}
    (due_at,) = dues
    assert bench.lanes.now() < due_at <= bench.lanes.now() + GATHER
    assert bench.woken == []
    assert set(moved(bench, *(event.record_id for event in events))) == {"id-0", "id-1", "id-2"}


def test_each_connection_gathers_until_its_own_moment() -> None:
    """Else all of them would ask at once."""
    now = datetime(2026, 11, 24, 10, tzinfo=UTC)
    moments = [gathers_until(f"connection-{n}", now) for n in range(20)]

    assert len(set(moments)) > 15
    for n, moment in enumerate(moments):
        assert now < moment <= now + GATHER
        assert gathers_until(f"connection-{n}", moment - timedelta(seconds=1)) == moment
        assert gathers_until(f"connection-{n}", moment) == moment + GATHER


def test_events_of_both_sides_may_come_together(bench: Bench) -> None:
    contact = replace(MOVED, entity="contact", record_id="contact-1")

    bench.dispatcher.handle([MOVED, contact])

    assert sorted(bench.due()) == ["xero:contact:contact-1", str(DOCUMENT)]
    assert bench.woken == [LANE]
