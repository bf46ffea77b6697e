"""What Dynamics' metadata says of the columns of custom fields: their kinds, and what is wrong with them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from core.custom_fields import OfCustomer, WrongCustomFields, parse
from core.errors import Disconnected, Limited, Transient
from core.templates import Column, Template
from pipeline.custom_fields import check_columns
from tests.unit.batch_answers import http_part
from tests.unit.dataverse_script import World, refusal


@pytest.fixture
def world() -> World:
    return World()


def described(name: str, of: str, **more: Any) -> dict[str, Any]:
    row = {"LogicalName": name, "AttributeType": of, "AttributeTypeName": {"Value": f"{of}Type"}}
    return row | {"AttributeOf": None, "IsValidForRead": True} | more


def answer(world: World, *tables: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    """What Dynamics says of each table, in their order: its columns, and how those with dates show them."""
    world.say_batch(*(http_part(200, json.dumps({"value": rows})) for pair in tables for rows in pair))


def setting(**fields: Any) -> Any:
    return parse(json.dumps(fields))


@pytest.mark.parametrize(
    ("of", "more", "kind"),
    [
        ("String", {}, "text"),
        ("Memo", {}, "text"),
        ("Integer", {}, "text"),
        ("BigInt", {}, "text"),
        ("Uniqueidentifier", {}, "text"),
        ("Decimal", {}, "number"),
        ("Double", {}, "number"),
        ("Money", {}, "number"),
        ("Picklist", {}, "label"),
        ("State", {}, "label"),
        ("Status", {}, "label"),
        ("Boolean", {}, "label"),
        ("Virtual", {"AttributeTypeName": {"Value": "MultiSelectPicklistType"}}, "label"),
        ("Lookup", {}, "lookup"),
        ("Customer", {}, "lookup"),
        ("Owner", {}, "lookup"),
    ],
)
def test_a_type_says_how_the_column_is_read(world: World, of: str, more: dict[str, Any], kind: str) -> None:
    answer(world, ([described("new_a", of, **more)], []))

    assert check_columns(world.dataverse, setting(reference="new_a")).kinds == {"invoice": {"new_a": kind}}


@pytest.mark.parametrize(
    ("shown", "behavior", "kind"),
    [
        ("DateOnly", "DateOnly", "day"),
        ("DateOnly", "UserLocal", "day"),
        ("DateOnly", "TimeZoneIndependent", "day"),
        ("DateAndTime", "UserLocal", "moment"),
        ("DateAndTime", "TimeZoneIndependent", "wall clock"),
    ],
)
def test_a_date_says_whose_day_it_is(world: World, shown: str, behavior: str, kind: str) -> None:
    dates = [{"LogicalName": "new_a", "Format": shown, "DateTimeBehavior": {"Value": behavior}}]
    answer(world, ([described("new_a", "DateTime")], dates))

    assert check_columns(world.dataverse, setting(due_date="new_a")).kinds == {"invoice": {"new_a": kind}}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (described("new_b", "String"), "reference: the table invoice has no column new_a."),
        (described("new_a", "String", AttributeOf="new_b"), "reference: new_a only repeats new_b; name that column."),
        (described("new_a", "Virtual"), "reference: new_a of invoice holds nothing that can be read as text."),
        (described("new_a", "EntityName"), "reference: new_a of invoice holds nothing that can be read as text."),
        (described("new_a", "String", IsValidForRead=False), "new_a of invoice holds nothing that can be read"),
    ],
)
def test_a_column_without_a_text_of_its_own_is_refused(world: World, row: dict[str, Any], words: str) -> None:
    answer(world, ([row], []))

    with pytest.raises(WrongCustomFields) as wrong:
        check_columns(world.dataverse, setting(reference="new_a"))

    assert words in str(wrong.value)


def test_a_due_date_needs_a_date(world: World) -> None:
    answer(world, ([described("new_a", "String")], []))

    with pytest.raises(WrongCustomFields, match=r"due_date: new_a of invoice holds no date\."):
        check_columns(world.dataverse, setting(due_date="new_a"))


def test_every_mistake_is_told_and_all_is_asked_in_one_call(world: World) -> None:
    """What a column is, and how a date shows itself, of each table that is named."""
    answer(world, ([], []), ([], []), ([described("new_b", "String")], []))

    with pytest.raises(WrongCustomFields) as wrong:
        check_columns(
            world.dataverse,
            setting(reference="{new_a} {new_c}", due_date="new_b", contact={"TaxNumber": "new_d"}),
        )

    assert wrong.value.mistakes == (
        "reference: the table invoice has no column new_a.",
        "reference: the table invoice has no column new_c.",
        "due_date: new_b of invoice holds no date.",
        "contact.TaxNumber: neither account nor contact has new_d, or not as something that can be read as text.",
    )
    (sent,) = world.script.sent
    body = unquote(sent.body.decode())
    assert (
        "EntityDefinitions(LogicalName='invoice')/Attributes"
        "?$select=LogicalName,AttributeType,AttributeTypeName,AttributeOf,IsValidForRead"
        "&$filter=LogicalName eq 'new_a' or LogicalName eq 'new_b' or LogicalName eq 'new_c' "
    ) in body
    assert (
        "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata"
        "?$select=LogicalName,Format,DateTimeBehavior&$filter=LogicalName eq 'new_d' "
    ) in body
    assert "maxpagesize" not in body


@pytest.mark.parametrize(
    ("of_account", "of_contact", "account", "contact"),
    [
        ([described("new_a", "String")], [], True, False),
        ([], [described("new_a", "String")], False, True),
        ([described("new_a", "String")], [described("new_a", "Memo")], True, True),
        ([described("new_a", "Virtual")], [described("new_a", "String")], False, True),
    ],
)
def test_a_contact_field_is_read_from_whichever_table_has_its_column(
    world: World, of_account: list[Any], of_contact: list[Any], account: bool, contact: bool
) -> None:
    answer(world, (of_account, []), (of_contact, []))

    ((_, found),) = check_columns(world.dataverse, setting(contact={"TaxNumber": "new_a"})).contact

    assert found == OfCustomer(
        Template((Column("account", "new_a"),) if account else ()),
        Template((Column("contact", "new_a"),) if contact else ()),
    )


def test_a_table_that_is_named_must_have_the_column(world: World) -> None:
    answer(world, ([], []), ([described("new_b", "String")], []))
    custom = setting(contact={"TaxNumber": {"account": "new_a", "contact": "new_b"}})

    with pytest.raises(WrongCustomFields) as wrong:
        check_columns(world.dataverse, custom)

    assert wrong.value.mistakes == ("contact.TaxNumber: the table account has no column new_a.",)


def test_no_columns_no_call(world: World) -> None:
    assert check_columns(world.dataverse, parse("")) == parse("")
    assert world.script.sent == []


def test_a_refusal_or_a_limit_is_not_the_settings_fault(world: World) -> None:
    world.say_batch(http_part(400, refusal("0x80060888", "no")), http_part(200, '{"value":[]}'))
    world.say_batch(http_part(429, refusal("0x80072322"), "Retry-After: 7"), http_part(200, '{"value":[]}'))
    world.say_batch(http_part(503, ""), http_part(200, '{"value":[]}'))

    with pytest.raises(Disconnected, match="Dynamics refuses to describe its columns"):
        check_columns(world.dataverse, setting(reference="new_a"))
    with pytest.raises(Limited):
        check_columns(world.dataverse, setting(reference="new_a"))
    with pytest.raises(Transient):
        check_columns(world.dataverse, setting(reference="new_a"))
