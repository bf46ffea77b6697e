"""What `explain` and `preview` look with: a memory that leaves nothing behind, and questions to a lane."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import fakeredis
import pytest

from core.books import Item, Side, Terms
from core.preferences import Preferences
from core.tracking import Category
from pipeline.memory import Forgetful, Memory
from tests.unit.lane_benches import LANE, Bench, claim, entity, held, mark
from tests.unit.made import books

A, B = entity("a"), entity("b")


@pytest.fixture(params=["in Redis", "for one look"])
def memory(request: pytest.FixtureRequest) -> Memory:
    return (
        Forgetful() if request.param == "for one look" else Memory(fakeredis.FakeRedis(decode_responses=True), "c-1")
    )


def everything(memory: Memory) -> list[Any]:
    return [
        memory.contact_ids(["a", "b"]),
        memory.items(),
        memory.books(),
        memory.terms(["x-1", "x-2"], sales=True),
        memory.preferences(),
        memory.column_kinds("{}"),
        memory.tracking(),
    ]


def test_both_memories_keep_the_same(memory: Memory) -> None:
    """Whoever uses one does not notice which."""
    assert everything(memory) == [{}, None, None, {}, None, None, None]
    chair, desk = Item("CHAIR-01", Side("200", "OUTPUT2")), Item("DESK-02")
    memory.add_items({"chair-01": chair})  # nothing was listed: nothing to add to
    assert memory.items() is None

    memory.remember_contacts({"a": "x-1"})
    memory.remember_contacts({"b": "x-2"})
    memory.remember_items({"chair-01": chair})
    memory.add_items({"desk-02": desk})
    memory.remember_books(books())
    memory.remember_terms({"x-1": Terms(30, "DAYSAFTERBILLDATE")}, sales=True)
    memory.remember_terms({"x-2": None}, sales=True)
    memory.remember_preferences(Preferences(status="AUTHORISED"))
    memory.remember_column_kinds("{}", {"invoice": {"new_a": "text"}})
    memory.remember_tracking({"region": Category("Region", {"north": "North"})})

    assert everything(memory) == [
        {"a": "x-1", "b": "x-2"},
        {"chair-01": chair, "desk-02": desk},
        books(),
        {"x-1": Terms(30, "DAYSAFTERBILLDATE"), "x-2": None},
        Preferences(status="AUTHORISED"),
        {"invoice": {"new_a": "text"}},
        {"region": Category("Region", {"north": "North"})},
    ]


def test_both_memories_forget_the_same(memory: Memory) -> None:
    memory.remember_contacts({"a": "x-1", "b": "x-2"})
    memory.remember_items({})
    memory.remember_books(books())
    memory.remember_preferences(Preferences())

    memory.forget_contacts(["a", "z"])
    memory.forget_items()
    memory.forget_books()
    memory.forget_preferences()

    assert everything(memory) == [{"b": "x-2"}, None, None, {}, None, None, None]


def test_one_look_knows_nothing_of_another() -> None:
    Forgetful().remember_contacts({"a": "x-1"})

    assert Forgetful().contact_ids(["a"]) == {}


def test_a_lane_says_when_an_entity_is_due_and_whether_somebody_has_it(bench: Bench) -> None:
    """Also on the real server, whose numbers come in another form."""
    mark(bench, A, seconds=60)
    mark(bench, B)
    due_at = bench.lanes.due_at(LANE, A)
    assert due_at is not None
    assert timedelta(seconds=58) < due_at - bench.lanes.now() < timedelta(seconds=61)
    assert not bench.lanes.is_working(LANE, B)

    assert claim(held(bench)) == [B]

    assert bench.lanes.is_working(LANE, B)
    assert bench.lanes.due_at(LANE, B) is None
    assert bench.lanes.due_at("another", A) is None
