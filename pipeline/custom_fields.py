"""The custom fields of a connection, each column looked up in Dynamics' metadata once an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from clients.dataverse import Dataverse, Read, rows_path, text_literal
from clients.http import Payload
from core.custom_fields import (
    ACCOUNT,
    CONTACT,
    EMPTY,
    CustomFields,
    Kind,
    Kinds,
    OfCustomer,
    WrongCustomFields,
    columns_of,
    named_templates,
    parse,
)
from core.errors import Disconnected, Rejected
from core.preferences import Preferences
from core.templates import NOTHING, Template
from pipeline.tools import Tools

WHERE = "Settings of this connection in Dynamics, column Custom fields"
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("String", "Memo", "Integer", "BigInt", "Uniqueidentifier"), "text"),
    **dict.fromkeys(("Decimal", "Double", "Money"), "number"),
    **dict.fromkeys(("Picklist", "State", "Status", "Boolean", "MultiSelectPicklist"), "label"),
    **dict.fromkeys(("Lookup", "Customer", "Owner"), "lookup"),
}
_DATES = frozenset({"day", "moment", "wall clock"})


def read_custom_fields(tools: Tools, preferences: Preferences) -> CustomFields:
    """Return the custom fields of these preferences, their columns found in Dynamics at most an hour ago.

    Raises Disconnected with every mistake: an administrator has to correct the setting; Transient or Limited.
    """
    setting = preferences.custom_fields
    try:
        custom = parse(setting)
        if custom == EMPTY:
            return EMPTY
        kinds = tools.memory.column_kinds(setting)
        if kinds is not None:
            return _settled(custom, kinds)
        found = check_columns(tools.dataverse, custom)
    except WrongCustomFields as error:
        raise Disconnected(f"The custom fields cannot be used. {error} Correct them ({WHERE}).") from error
    tools.memory.remember_column_kinds(setting, found.kinds)
    return found


def check_columns(dataverse: Dataverse, custom: CustomFields) -> CustomFields:
    """Return the custom fields with what Dynamics says of their columns; one call.

    Raises WrongCustomFields with every mistake, Transient, Limited or Disconnected.
    """
    wanted = columns_of(custom)
    if not wanted:
        return custom
    outcomes = dataverse.batch([read for table, names in wanted.items() for read in _reads(table, names)])
    for outcome in outcomes:
        if isinstance(outcome.error, Rejected):
            raise Disconnected(f"Dynamics refuses to describe its columns: {outcome.error}") from outcome.error
        if outcome.error is not None:
            raise outcome.error
    described = [outcome.rows for outcome in outcomes]
    columns = {
        table: {row["LogicalName"]: row for row in rows} for table, rows in zip(wanted, described[::2], strict=True)
    }
    dates = {
        table: {row["LogicalName"]: row for row in rows} for table, rows in zip(wanted, described[1::2], strict=True)
    }
    if mistakes := list(_mistakes(custom, columns)):
        raise WrongCustomFields(mistakes)
    return _settled(custom, {table: _kinds(rows, dates[table]) for table, rows in columns.items()})


def _reads(table: str, names: Sequence[str]) -> tuple[Read, Read]:
    """What the columns are, and how those that hold dates show them."""
    attributes = f"EntityDefinitions(LogicalName={text_literal(table)})/Attributes"
    which = {"$filter": " or ".join(f"LogicalName eq {text_literal(name)}" for name in names)}
    asked = {"$select": "LogicalName,AttributeType,AttributeTypeName,AttributeOf,IsValidForRead"}
    dates = f"{attributes}/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata"
    return (
        Read(rows_path(attributes, asked | which)),
        Read(rows_path(dates, {"$select": "LogicalName,Format,DateTimeBehavior"} | which)),
    )


def _mistakes(custom: CustomFields, columns: Mapping[str, Mapping[str, Payload]]) -> Iterator[str]:
    """Yield in words what is wrong with the columns of each field."""
    whichever = {f"contact.{name}": both for name, both in custom.contact if both.whichever}
    for place, template in named_templates(custom):
        if place in whichever:
            continue
        for column in template.columns:
            row = columns[column.table].get(column.name)
            if wrong := _wrong(row, column.name, column.table, date=place == "due_date"):
                yield f"{place}: {wrong}"
    for place, both in whichever.items():
        found = _having(both, {table: _kinds(rows, {}) for table, rows in columns.items()})
        if not found.account and not found.contact:
            names = " and ".join(column.name for column in both.account.columns)
            yield f"{place}: neither account nor contact has {names}, or not as something that can be read as text."


def _wrong(row: Payload | None, name: str, table: str, *, date: bool) -> str:
    if row is None:
        return f"the table {table} has no column {name}."
    if row.get("AttributeOf"):
        return f"{name} only repeats {row['AttributeOf']}; name that column."
    kind = _kind(row, None)
    if not kind:
        return f"{name} of {table} holds nothing that can be read as text."
    return f"{name} of {table} holds no date." if date and kind not in _DATES else ""


def _kind(row: Payload, date: Payload | None) -> Kind | None:
    """Return how the column is read; None for one that is not (a file, an image, a part of another column)."""
    if row.get("AttributeOf") or row.get("IsValidForRead") is False:
        return None
    stated = row["AttributeType"]
    if stated == "Virtual":  # what came after the list of types was closed goes by its name
        stated = str((row.get("AttributeTypeName") or {}).get("Value", "")).removesuffix("Type")
    if stated == "DateTime":
        behavior = ((date or {}).get("DateTimeBehavior") or {}).get("Value")
        if behavior == "DateOnly" or (date or {}).get("Format") == "DateOnly":
            return "day"
        return "wall clock" if behavior == "TimeZoneIndependent" else "moment"
    return _KINDS.get(stated)


def _kinds(columns: Mapping[str, Payload], dates: Mapping[str, Payload]) -> dict[str, Kind]:
    """Return the kinds of the columns that can be read."""
    found = ((name, _kind(row, dates.get(name))) for name, row in columns.items())
    return {name: kind for name, kind in found if kind}


def _having(both: OfCustomer, kinds: Kinds) -> OfCustomer:
    """Return it without the side whose table lacks one of the columns."""

    def has(template: Template, table: str) -> bool:
        return all(column.name in kinds.get(table, {}) for column in template.columns)

    return OfCustomer(
        account=both.account if has(both.account, ACCOUNT) else NOTHING,
        contact=both.contact if has(both.contact, CONTACT) else NOTHING,
    )


def _settled(custom: CustomFields, kinds: Kinds) -> CustomFields:
    """Return the custom fields as they are read: with the kinds, and each contact field where its columns are."""
    contact = tuple((name, _having(both, kinds) if both.whichever else both) for name, both in custom.contact)
    return replace(custom, contact=contact, kinds=kinds)
