"""A batch of the Dataverse client against a script of answers: what becomes of each step."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from clients.dataverse import Change, Changes, Read
from core.errors import Conflict, Limited, Rejected, Transient, Unknown
from tests.unit.batch_answers import http_part, nested
from tests.unit.dataverse_script import ID, ROOT, ROW, World, refusal


@pytest.fixture
def world() -> World:
    return World()


# -- batches ---------------------------------------------------------------------------------------------


def test_a_batch_tells_what_became_of_each_step(world: World) -> None:
    world.say_batch(
        http_part(200, '{"value":[{"total":0.10}]}'),
        nested(
            http_part(204, "", f"OData-EntityId: {ROOT}{ROW}"),
            http_part(200, '{"@odata.etag":"W/\\"8\\""}', f"OData-EntityId: {ROOT}invoices(stl3_key='a')"),
        ),
        nested(http_part(412, refusal("0x80060882", "moved"))),
        http_part(404, refusal("0x80040217", "gone")),
        http_part(429, refusal("0x80072322"), "Retry-After: 7"),
    )

    rows, done, moved, gone, limited = world.dataverse.batch(
        [
            Read("invoices?$select=total"),
            Changes((Change("POST", "invoices", {}), Change("PATCH", "invoices(stl3_key='a')", {}, returns=True))),
            Changes((Change("PATCH", ROW, {}, if_match='W/"7"'),) * 3),
            Read(f"{ROW}?$select=name"),
            Changes((Change("DELETE", ROW),)),
        ]
    )

    assert rows.rows == ({"total": Decimal("0.10")},)
    assert done.ok
    assert done.ids == (ID, None)
    assert done.representations == (None, {"@odata.etag": 'W/"8"'})
    assert isinstance(moved.error, Conflict)
    assert isinstance(gone.error, Rejected)
    assert (gone.error.status, gone.error.code) == (404, "0x80040217")
    assert isinstance(limited.error, Limited)
    assert limited.error.retry_after_s == 7.0
    sent = world.script.sent[0]
    assert (sent.method, sent.url) == ("POST", f"{ROOT}$batch")
    assert sent.headers["Prefer"] == "odata.continue-on-error"


def test_labels_are_asked_for_by_the_reads_that_need_them(world: World) -> None:
    """On further pages too; they cost bytes, so no other read asks for them."""
    following = f"{ROOT}invoices?$skiptoken=2"
    world.say_batch(
        http_part(200, '{"value":[]}'),
        http_part(200, json.dumps({"value": [], "@odata.nextLink": following})),
        http_part(200, '{"value":[]}'),
    )
    world.say({"value": []})

    world.dataverse.batch(
        [Read("accounts?$select=name"), Read("invoices?$select=new_region", labels=True), Read("contacts?$top=1")]
    )

    batch, page = world.script.sent
    preferences = [line for line in batch.body.decode().splitlines() if line.startswith("Prefer: ")]
    assert ["OData.Community.Display.V1.FormattedValue" in line for line in preferences] == [False, True, False]
    assert ["odata.maxpagesize=1000" in line for line in preferences] == [True, True, False]
    assert page.headers["Prefer"] == preferences[1].removeprefix("Prefer: ")


def test_no_steps_no_call(world: World) -> None:
    assert world.dataverse.batch([]) == []
    assert world.script.sent == []


def test_a_single_row_is_a_list_of_one(world: World) -> None:
    world.say_batch(http_part(200, '{"name":"A"}'))

    (outcome,) = world.dataverse.batch([Read(ROW)])

    assert outcome.rows == ({"name": "A"},)


def test_a_read_with_more_pages_is_followed(world: World) -> None:
    following = f"{ROOT}invoices?$skiptoken=2"
    world.say_batch(http_part(200, json.dumps({"value": [{"name": "A"}], "@odata.nextLink": following})))
    world.say({"value": [{"name": "B"}]})

    (outcome,) = world.dataverse.batch([Read("invoices")])

    assert [row["name"] for row in outcome.rows] == ["A", "B"]
    assert world.script.sent[1].url == following


def test_a_page_that_fails_fails_its_read_alone(world: World) -> None:
    following = f"{ROOT}invoices?$skiptoken=2"
    world.say_batch(
        http_part(200, json.dumps({"value": [{"name": "A"}], "@odata.nextLink": following})),
        http_part(200, '{"value":[]}'),
    )
    world.refuse(500)

    first, second = world.dataverse.batch([Read("invoices"), Read("accounts")])

    assert isinstance(first.error, Transient)
    assert first.rows == ()
    assert second.ok


@pytest.mark.parametrize("status", [200, 412])
def test_a_batch_that_stopped_at_a_refusal_has_not_begun_the_rest(world: World, status: int) -> None:
    world.say_batch(http_part(200, '{"value":[]}'), nested(http_part(412, refusal("0x80060882"))), status=status)
    change = Changes((Change("PATCH", ROW, {}, if_match="*"),))

    outcomes = world.dataverse.batch([Read("invoices"), change, change, Read("accounts")])

    assert [type(outcome.error) for outcome in outcomes] == [type(None), Conflict, Transient, Transient]


def test_a_batch_answer_that_was_cut_leaves_its_changes_unknown(world: World) -> None:
    world.say_batch(http_part(200, '{"value":[]}'), end="")
    change = Changes((Change("PATCH", ROW, {}, if_match="*"),))

    outcomes = world.dataverse.batch([Read("invoices"), change, Read("accounts")])

    assert [type(outcome.error) for outcome in outcomes] == [type(None), Unknown, Transient]


def test_a_batch_answer_with_parts_missing_and_nothing_refused_leaves_changes_unknown(world: World) -> None:
    world.say_batch(nested(http_part(204)))
    change = Changes((Change("PATCH", ROW, {}, if_match="*"),))

    outcomes = world.dataverse.batch([change, change])

    assert [type(outcome.error) for outcome in outcomes] == [type(None), Unknown]


def test_a_changeset_with_answers_missing_is_unknown(world: World) -> None:
    world.say_batch(nested(http_part(204)))

    (outcome,) = world.dataverse.batch([Changes((Change("PATCH", ROW, {}, if_match="*"),) * 2)])

    assert isinstance(outcome.error, Unknown)


def test_a_changeset_refused_by_a_plain_part_is_refused(world: World) -> None:
    world.say_batch(http_part(400, refusal("0x80040203", "Bad value")))

    (outcome,) = world.dataverse.batch([Changes((Change("PATCH", ROW, {}, if_match="*"),) * 2)])

    assert isinstance(outcome.error, Rejected)
    assert outcome.error.messages == ("Bad value",)


def test_an_error_within_a_changeset_is_unknown_and_within_a_read_transient(world: World) -> None:
    world.say_batch(http_part(500, refusal("0x80040224")), http_part(500, refusal("0x80040216")))

    changed, asked = world.dataverse.batch([Changes((Change("PATCH", ROW, {}),)), Read("invoices")])

    assert isinstance(changed.error, Unknown)
    assert isinstance(asked.error, Transient)


def test_a_token_that_expired_within_a_batch_is_forgotten(world: World) -> None:
    world.say_batch(http_part(401, ""))

    (outcome,) = world.dataverse.batch([Read("invoices")])

    assert isinstance(outcome.error, Transient)
    assert world.tokens.number == 2
