"""Events: what their key tells apart, and that nothing but an event is read as one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.event import Event

PLAIN = Event("dynamics", "org-1", "invoice", "id-1", "Update", "v-1", ("name",))
TEXT = st.text(max_size=10)
EVENTS = st.builds(
    Event,
    side=st.sampled_from(["dynamics", "xero"]),
    organisation=TEXT,
    entity=TEXT,
    record_id=TEXT,
    message=TEXT,
    version=TEXT,
    columns=st.lists(TEXT, max_size=4).map(lambda names: tuple(sorted(names))),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "different",
    [
        {"side": "xero"},
        {"organisation": "org-2"},
        {"entity": "invoicedetail"},
        {"record_id": "id-2"},
        {"message": "Create"},
        {"version": "v-2"},
        {"columns": ()},
        {"columns": ("name", "total")},
        {"version": "v-1name", "columns": ()},
    ],
    ids=str,
)
def test_every_field_is_part_of_the_key(different: dict[str, Any]) -> None:
    """R16: an event key too wide or too narrow."""
    assert replace(PLAIN, **different).key != PLAIN.key


@given(one=EVENTS, other=EVENTS)
def test_keys_are_equal_exactly_for_equal_events(one: Event, other: Event) -> None:
    assert (one.key == other.key) == (one == other)
    assert len(one.key) <= 128


@given(event=EVENTS)
def test_an_event_survives_the_queue(event: Event) -> None:
    assert Event.from_json(json.loads(json.dumps(event.as_json()))) == event


def test_an_older_message_without_columns_is_read() -> None:
    """F33: a message of another version."""
    older = PLAIN.as_json()
    del older["columns"]

    assert Event.from_json(older) == replace(PLAIN, columns=())


def test_a_newer_message_with_more_fields_is_read() -> None:
    """F33: a message of another version."""
    assert Event.from_json(PLAIN.as_json() | {"invented": 1}) == PLAIN


@given(document=JSON)
def test_anything_else_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="not an event"):
        Event.from_json(document)


@given(field=st.sampled_from(sorted(Event.__slots__)), value=JSON)
def test_a_field_of_a_wrong_type_is_refused(field: str, value: Any) -> None:
    """Columns are a list of texts, the others texts, the side one of two."""
    document = PLAIN.as_json() | {field: value}
    if field == "columns":
        fits = isinstance(value, list) and all(isinstance(name, str) for name in value)
    else:
        fits = isinstance(value, str) and (field != "side" or value in ("dynamics", "xero"))

    if fits:
        assert Event.from_json(document).as_json() == document
    else:
        with pytest.raises(ValueError, match="not an event"):
            Event.from_json(document)


@pytest.mark.parametrize("field", sorted(set(Event.__slots__) - {"columns"}))
def test_a_missing_field_is_refused(field: str) -> None:
    document = PLAIN.as_json()
    del document[field]

    with pytest.raises(ValueError, match=field):
        Event.from_json(document)


@pytest.mark.parametrize("columns", ["name", {"name": 1}, None, 7, [1]])
def test_columns_are_a_list_of_texts_or_it_is_no_event(columns: Any) -> None:
    with pytest.raises(ValueError, match="not an event"):
        Event.from_json(PLAIN.as_json() | {"columns": columns})
