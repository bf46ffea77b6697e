"""The dispatcher: which lanes an event marks, and that a crash between any two of its steps only repeats."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from core.errors import Transient
from core.event import Event
from core.preferences import Preferences
from pipeline.dispatch import KEY_KEPT_S, Dispatcher
from pipeline.lanes import Entity, Lanes
from pipeline.memory import Memory
from tests.unit.failing_redis import FailingRedis
from tests.unit.made import ORGANIZATION_ID, TENANT_ID, connection

CHANGED = Event("dynamics", ORGANIZATION_ID, "invoice", "id-1", "Update", "v-1", ("name",))
SETTINGS = replace(CHANGED, entity="stl3_stellariseconnectorsettings", record_id="s-1")
MARKED = Entity("dynamics", "invoice", "id-1")


class Known:
    """The connections, as the dispatcher asks for them."""

    def __init__(self, *known: Any) -> None:
        self.known = known

    def list_of_dynamics(self, organization_id: str) -> Any:
        return (each for each in self.known if each.dynamics_organization_id == organization_id)

    def list_of_xero(self, tenant_id: str) -> Any:
        return (each for each in self.known if each.xero_tenant_id == tenant_id)


class Bench:
    def __init__(self, *known: Any) -> None:
        self.redis = FailingRedis()
        self.lanes = Lanes(self.redis)
        self.woken: list[str] = []
        self.refuses = False
        connections: Any = Known(*(known or (connection(),)))
        self.dispatcher = Dispatcher(connections, self.lanes, self.redis, self.wake)

    def wake(self, connection_id: str) -> None:
        if self.refuses:
            raise Transient("the queue is away")
        self.woken.append(connection_id)

    def due(self, connection_id: str = connection().id) -> list[str]:
        return self.redis.zrange(f"lane:{connection_id}:due", 0, -1)

    def remembered(self) -> int:
        return len(self.redis.keys("event:*"))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_event_marks_wakes_and_is_remembered(bench: Bench) -> None:
    bench.dispatcher.handle([CHANGED])

    assert bench.due() == [str(MARKED)]
    assert bench.woken == [connection().id]
    assert bench.redis.ttl(f"event:{CHANGED.key}") == KEY_KEPT_S


def test_a_repeated_delivery_is_ignored(bench: Bench) -> None:
    bench.dispatcher.handle([CHANGED])
    bench.redis.delete(*bench.redis.keys("lane*"))

    bench.dispatcher.handle([CHANGED, CHANGED])

    assert bench.due() == []


def test_two_real_changes_are_two(bench: Bench) -> None:
    bench.dispatcher.handle([CHANGED])
    bench.redis.delete(*bench.redis.keys("lane*"))

    bench.dispatcher.handle([replace(CHANGED, version="v-2")])

    assert bench.due() == [str(MARKED)]


def test_many_events_of_one_connection_mark_together_and_wake_once(bench: Bench) -> None:
    bench.dispatcher.handle([replace(CHANGED, record_id=f"id-{n % 3}", version=f"v-{n}") for n in range(9)])

    assert len(bench.due()) == 3
    assert bench.woken == [connection().id]
    assert bench.remembered() == 9


def test_an_id_is_marked_in_one_spelling(bench: Bench) -> None:
    bench.dispatcher.handle([replace(CHANGED, record_id="ID-1"), CHANGED])

    assert bench.due() == [str(MARKED)]


def test_every_connection_of_the_organisation_is_told_and_no_other() -> None:
    bench = Bench(
        connection(id="c-1"),
        connection(id="c-2", xero_tenant_id="tenant-2"),
        connection(id="c-3", dynamics_organization_id="another"),
    )

    bench.dispatcher.handle([CHANGED])

    assert [bench.due(each) for each in ("c-1", "c-2", "c-3")] == [[str(MARKED)], [str(MARKED)], []]
    assert sorted(bench.woken) == ["c-1", "c-2"]


@pytest.mark.parametrize(
    "event",
    [
        replace(CHANGED, organisation="unknown"),
        replace(CHANGED, side="xero"),
        replace(CHANGED, entity="stl3_taxtype"),
        Event("xero", TENANT_ID, "stl3_invented", "id-1", "Update", "v-1"),
    ],
    ids=["unknown organisation", "that organisation on the other side", "not followed", "not followed in Xero"],
)
def test_what_is_nobodys_or_not_followed_marks_nothing_and_comes_once(bench: Bench, event: Event) -> None:
    bench.dispatcher.handle([event])

    assert bench.redis.keys("lane*") == []
    assert bench.woken == []
    assert bench.remembered() == 1


def test_no_events_nothing_to_do(bench: Bench) -> None:
    bench.dispatcher.handle([])

    assert bench.redis.keys("*") == []


def test_a_settings_event_drops_the_preferences_at_once() -> None:
    """Rule B: they are cached for at most a minute."""
    bench = Bench(connection(id="c-1"), connection(id="c-2", dynamics_organization_id="another"))
    memories = [Memory(bench.redis, each) for each in ("c-1", "c-2")]
    for memory in memories:
        memory.remember_preferences(Preferences(status="AUTHORISED"))

    bench.dispatcher.handle([SETTINGS])

    assert [memory.preferences() for memory in memories] == [None, Preferences(status="AUTHORISED")]
    assert bench.due("c-1") == []


def test_the_steps_stand_in_their_order(bench: Bench) -> None:
    """R4, F06: Look, mark, wake, remember: the event is remembered last of all."""
    bench.dispatcher.handle([CHANGED])

    last = bench.redis.sent[-1]
    first = bench.redis.sent.index("MGET")
    marks = [number for number, command in enumerate(bench.redis.sent) if command.startswith("EVAL")]
    assert last == "PIPELINE"
    assert all(first < number < len(bench.redis.sent) - 1 for number in marks)
    assert marks


def steps() -> range:
    """Every command that handling one event of each kind sends."""
    bench = Bench()
    bench.dispatcher.handle([SETTINGS, CHANGED])
    return range(1, len(bench.redis.sent) + 1)


@pytest.mark.parametrize("step", steps())
def test_a_redis_that_goes_at_any_step_only_makes_the_message_come_again(step: int) -> None:
    bench = Bench()
    Memory(bench.redis, connection().id).remember_preferences(Preferences(status="AUTHORISED"))
    bench.redis.fail_at = len(bench.redis.sent) + step
    with pytest.raises(Transient):
        bench.dispatcher.handle([SETTINGS, CHANGED])

    bench.redis.fail_at = 0
    assert bench.remembered() == 0, "not remembered, or the repetition would be ignored"
    bench.dispatcher.handle([SETTINGS, CHANGED])

    assert bench.due() == [str(MARKED)]
    assert Memory(bench.redis, connection().id).preferences() is None
    assert bench.woken or bench.redis.exists(f"lane:{connection().id}:rung"), "woken, or by the sweep in 5 s"
    assert bench.redis.zscore("lanes", connection().id) is not None


def test_a_queue_that_refuses_the_wake_up_leaves_the_event_unremembered(bench: Bench) -> None:
    bench.refuses = True

    with pytest.raises(Transient):
        bench.dispatcher.handle([CHANGED])

    assert bench.due() == [str(MARKED)]
    assert bench.remembered() == 0


def test_keys_are_those_of_the_events(bench: Bench) -> None:
    different = [
        CHANGED,
        replace(CHANGED, version="v-2"),
        replace(CHANGED, columns=()),
        replace(CHANGED, message="Delete"),
    ]

    bench.dispatcher.handle(different)

    assert bench.remembered() == len(different)
    assert all(one.key != other.key for one, other in pairwise(different))
