"""What a lane remembers, the dead letters, the counts of fruitless attempts: in Redis, and none of it needed."""

from __future__ import annotations

from datetime import timedelta

import fakeredis
import pytest
import time_machine

from core.books import Item, Side, Terms
from core.custom_fields import Kinds
from core.errors import Transient
from core.preferences import Preferences
from core.tracking import Category
from pipeline.dead import DeadLetter, DeadLetters
from pipeline.lanes import Entity
from pipeline.memory import BOOKS_S, DELETIONS_S, FOREVER, ITEMS_S, PREFERENCES_S, Memory
from pipeline.tries import Count, Tries
from tests.unit.failing_redis import FailingRedis
from tests.unit.lane_benches import START
from tests.unit.made import NOON, books


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis(decode_responses=True)


@pytest.fixture
def memory(client: fakeredis.FakeRedis) -> Memory:
    return Memory(client, "c-1")


# -- memory ------------------------------------------------------------------------------------------------


def test_nothing_is_remembered_at_first(memory: Memory) -> None:
    assert (memory.books(), memory.items(), memory.preferences()) == (None, None, None)
    assert memory.contact_ids(["a"]) == memory.contact_ids([]) == {}


def test_what_is_remembered_comes_back(memory: Memory) -> None:
    items = {"chair-01": Item("CHAIR-01", Side("400", "OUTPUT2"), Side("310")), "desk-02": Item("DESK-02")}
    kept = books(sales_terms=Terms(20, "OFFOLLOWINGMONTH"))
    memory.remember_books(kept)
    memory.remember_items(items)
    memory.remember_preferences(Preferences(status="AUTHORISED", create_contacts=False))
    memory.remember_contacts({"a": "x-1", "b": "x-2"})

    assert memory.books() == kept
    assert memory.items() == items
    assert memory.preferences() == Preferences(status="AUTHORISED", create_contacts=False)
    assert memory.contact_ids(["a", "c", "a"]) == {"a": "x-1"}


def test_an_item_that_was_made_joins_those_that_are_remembered(memory: Memory) -> None:
    chair, desk = Item("CHAIR-01", Side("400")), Item("DESK-02")
    memory.add_items({"chair-01": chair})
    assert memory.items() is None

    memory.remember_items({"chair-01": chair})
    memory.add_items({"desk-02": desk})

    assert memory.items() == {"chair-01": chair, "desk-02": desk}


def test_terms_are_remembered_by_side_and_so_is_having_none(memory: Memory) -> None:
    net_20 = Terms(20, "DAYSAFTERBILLDATE")
    memory.remember_terms({"x-1": net_20}, sales=True)
    memory.remember_terms({"x-2": None}, sales=True)

    assert memory.terms(["x-1", "x-2", "x-3"], sales=True) == {"x-1": net_20, "x-2": None}
    assert memory.terms(["x-1"], sales=False) == {}


def test_numbers_of_contacts_are_listed_anew_after_a_day_and_remembered_until_then(
    client: fakeredis.FakeRedis,
) -> None:
    """Those of before stay: the nightly round needs no new list."""
    memory = Memory(client, "c-1")
    assert memory.numbered(["x-1"]) is None
    memory.remember_numbered({"x-1": "customer-1", "x-2": "customer-2"})

    assert memory.numbered(["x-1", "x-3"]) == {"x-1": "customer-1"}
    assert memory.numbered([]) == {}
    client.delete("memory:3:c-1:numbers-listed")
    assert memory.numbered(["x-1"]) is None
    assert sorted(memory.list_numbered()) == ["x-1", "x-2"]

    memory.remember_numbered({"x-3": "customer-3"})
    assert memory.list_numbered() == ["x-3"]
    memory.remember_numbered({})
    assert memory.list_numbered() == []
    assert memory.numbered(["x-3"]) == {}


def test_the_kinds_of_columns_belong_to_one_setting(memory: Memory) -> None:
    """A setting that was changed is looked up anew."""
    kinds: Kinds = {"invoice": {"new_a": "text", "new_b": "label"}, "contact": {}}
    memory.remember_column_kinds("setting", kinds)

    assert memory.column_kinds("setting") == kinds
    assert memory.column_kinds("another") is None
    memory.forget_column_kinds()
    assert memory.column_kinds("setting") is None


def test_tracking_categories_come_back(memory: Memory) -> None:
    tracking = {"region": Category("Region", {"north": "North"}, ("south",)), "branch": Category("Branch")}
    assert memory.tracking() is None
    memory.remember_tracking(tracking)

    assert memory.tracking() == tracking
    memory.forget_tracking()
    assert memory.tracking() is None


def test_no_items_is_something_to_remember(memory: Memory) -> None:
    memory.remember_items({})

    assert memory.items() == {}


def test_one_connection_does_not_know_what_another_remembers(client: fakeredis.FakeRedis, memory: Memory) -> None:
    """Invariant I4."""
    memory.remember_contacts({"a": "x-1"})
    memory.remember_books(books())

    other = Memory(client, "c-2")

    assert other.contact_ids(["a"]) == {}
    assert other.books() is None


def test_what_is_forgotten_is_gone_alone(memory: Memory) -> None:
    memory.remember_contacts({"a": "x-1", "b": "x-2"})
    memory.remember_books(books())
    memory.remember_items({})
    memory.remember_preferences(Preferences())

    memory.forget_contacts(["a"])
    memory.forget_contacts([])
    memory.forget_items()
    memory.forget_preferences()

    assert memory.contact_ids(["a", "b"]) == {"b": "x-2"}
    assert (memory.items(), memory.preferences(), memory.books()) == (None, None, books())
    memory.forget_books()
    assert memory.books() is None


def test_nothing_is_remembered_for_ever(client: fakeredis.FakeRedis) -> None:
    with time_machine.travel(START, tick=False) as travel:
        memory = Memory(client, "c-1")
        memory.remember_preferences(Preferences())
        memory.remember_books(books())
        memory.remember_items({})

        travel.shift(timedelta(seconds=PREFERENCES_S + 1))
        assert (memory.preferences(), memory.books() is None, memory.items()) == (None, False, {})
        travel.shift(timedelta(seconds=max(BOOKS_S, ITEMS_S)))
        assert (memory.books(), memory.items()) == (None, None)


def test_preferences_live_a_minute_at_most() -> None:
    assert PREFERENCES_S <= 60


def test_when_a_record_moved_is_remembered_until_it_was_followed(memory: Memory) -> None:
    """Of several times the newest; FOREVER is newer than any."""
    memory.note_moved({"a": NOON, "b": NOON})
    memory.note_moved({"a": NOON - timedelta(minutes=1), "b": FOREVER, "c": NOON + timedelta(milliseconds=1)})
    memory.note_moved({})

    assert memory.moved(["a", "b", "c", "d"]) == {
        "a": NOON,
        "b": FOREVER,
        "c": NOON + timedelta(milliseconds=1),
    }
    assert memory.moved([]) == {}
    memory.forget_moved(["a", "d"])
    memory.forget_moved([])
    assert memory.moved(["a", "b"]) == {"b": FOREVER}


# -- dead letters ------------------------------------------------------------------------------------------

ENTITY = Entity("dynamics", "invoice", "id-1")
LETTER = DeadLetter("c-1", ENTITY, "ref-1", "KeyError", "work work.py:1", NOON)


def test_letters_are_listed_once_an_entity_and_dropped(client: fakeredis.FakeRedis) -> None:
    dead = DeadLetters(client)
    other = DeadLetter("c-2", Entity("xero", "invoice", "a:b|c"), "ref-2", "E", "t", NOON)
    later = DeadLetter("c-1", ENTITY, "ref-3", "TypeError", "t", NOON)
    for letter in (other, LETTER, later):
        dead.put(letter)

    assert list(dead.list_all()) == [later, other]
    dead.drop(later)
    dead.drop(later)
    assert list(dead.list_all()) == [other]


# -- fruitless attempts ------------------------------------------------------------------------------------


def test_attempts_are_counted_and_those_that_tell_something_apart(client: fakeredis.FakeRedis) -> None:
    tries = Tries(client, "c-1")

    assert tries.add("i-1", NOON) == Count(1, 0)
    tries.note_made(NOON + timedelta(seconds=1))
    assert tries.add("i-1", NOON) == Count(2, 1)
    assert tries.add("i-1", NOON + timedelta(seconds=2)) == Count(3, 1)
    assert tries.add("i-2", NOON) == Count(1, 1)
    assert Tries(client, "c-2").add("i-1", NOON) == Count(1, 0)


def test_a_count_that_is_forgotten_begins_again(client: fakeredis.FakeRedis) -> None:
    tries = Tries(client, "c-1")
    tries.note_made(NOON)
    tries.add("i-1", NOON)
    tries.add("i-2", NOON)

    tries.forget(["i-1"])
    tries.forget([])

    assert tries.add("i-1", NOON + timedelta(hours=1)) == Count(1, 0)
    assert tries.add("i-2", NOON + timedelta(hours=1)) == Count(2, 1)


def test_without_redis_everything_is_transient() -> None:
    client = FailingRedis()
    client.fail_at = 1
    memory, dead, tries = Memory(client, "c-1"), DeadLetters(client), Tries(client, "c-1")
    calls = [
        lambda: memory.contact_ids(["a"]),
        lambda: memory.remember_contacts({"a": "x"}),
        lambda: memory.forget_contacts(["a"]),
        memory.items,
        memory.books,
        memory.preferences,
        memory.forget_items,
        lambda: memory.remember_books(books()),
        lambda: dead.put(LETTER),
        lambda: list(dead.list_all()),
        lambda: dead.drop(LETTER),
        lambda: tries.add("i-1", NOON),
        lambda: tries.note_made(NOON),
        lambda: tries.forget(["i-1"]),
    ]

    for call in calls:
        with pytest.raises(Transient):
            call()


# -- deletions that wait for their owner -------------------------------------------------------------------


def test_what_the_owner_has_confirmed_is_known_for_a_week(client: fakeredis.FakeRedis) -> None:
    """Whatever has not been carried out by then is asked again."""
    memory = Memory(client, "c-1")
    assert memory.confirmed_deletions(["a"]) == memory.confirmed_deletions([]) == set()
    memory.confirm_deletions([])

    memory.confirm_deletions(["a", "b"])

    assert memory.confirmed_deletions(["a", "c"]) == {"a"}
    assert Memory(client, "c-2").confirmed_deletions(["a"]) == set()
    assert [client.ttl(key) for key in client.keys("*confirmed")] == [DELETIONS_S]


def test_what_is_held_back_is_known_until_it_is_released(memory: Memory) -> None:
    """The last list counts."""
    assert memory.held_deletions() == set()

    memory.hold_deletions(["a", "b"])
    memory.hold_deletions(["b", "c"])
    assert memory.held_deletions() == {"b", "c"}

    memory.release_deletions()
    assert memory.held_deletions() == set()
