"""Short ways to write down tables and columns; every table gets the columns that the platform itself keeps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from simulators.dataverse.schema import Column, OnDelete, Table


def text(name: str, max_length: int = 100, **more: Any) -> Column:
    return Column(name, "string", max_length=max_length, **more)


def memo(name: str, max_length: int = 2000, **more: Any) -> Column:
    return Column(name, "memo", max_length=max_length, **more)


def integer(name: str, **more: Any) -> Column:
    return Column(name, "integer", **more)


def decimal(name: str, precision: int = 2, **more: Any) -> Column:
    return Column(name, "decimal", precision=precision, **more)


def money(name: str, *, source: int = 2, **more: Any) -> Column:
    return Column(name, "money", precision_source=source, **more)


def computed_money(name: str) -> Column:
    return money(name, creatable=False, updatable=False)


def boolean(name: str, default: bool | None = None, **more: Any) -> Column:
    return Column(name, "boolean", default=default, **more)


def moment(name: str, **more: Any) -> Column:
    return Column(name, "datetime", **more)


def midnight(name: str, **more: Any) -> Column:
    """A moment that forms show as a day: midnight in the zone of whoever typed it."""
    return Column(name, "datetime", date_format="DateOnly", **more)


def day(name: str, **more: Any) -> Column:
    return Column(name, "date", **more)


def choice(name: str, options: Mapping[int, str] | None = None, **more: Any) -> Column:
    return Column(name, "choice", options=dict(options or {}), **more)


def guid(name: str, **more: Any) -> Column:
    return Column(name, "guid", **more)


def lookup(
    name: str,
    *targets: str,
    navigation: str = "",
    collection: str = "",
    on_delete: OnDelete = "remove_link",
    **more: Any,
) -> Column:
    """A lookup. With several targets each navigation property is `<navigation>_<target>`."""
    stem = navigation or name
    navigations = (stem,) if len(targets) == 1 else tuple(f"{stem}_{target}" for target in targets)
    return Column(
        name,
        "lookup",
        targets=targets,
        navigations=navigations,
        collection=collection or f"{targets[0]}_{name}",
        on_delete=on_delete,
        **more,
    )


def currency(collection: str, *, creatable: bool = True, updatable: bool = True) -> Column:
    """The currency that a row's amounts are in."""
    return lookup(
        "transactioncurrencyid",
        "transactioncurrency",
        collection=collection,
        on_delete="restrict",
        creatable=creatable,
        updatable=updatable,
    )


def rate() -> Column:
    """The rate of that currency when the row took it, kept by the platform."""
    return decimal("exchangerate", 12, creatable=False, updatable=False)


def state(options: Mapping[int, str], default: int = 0) -> Column:
    return Column("statecode", "state", options=dict(options), default=default)


def status(options: Mapping[int, tuple[int, str]]) -> Column:
    """`options`: status value to (state it belongs to, label); the first of a state is its default."""
    return Column(
        "statuscode",
        "status",
        options={value: label for value, (_, label) in options.items()},
        state_of_status={value: of_state for value, (of_state, _) in options.items()},
    )


ACTIVE_INACTIVE = (state({0: "Active", 1: "Inactive"}), status({1: (0, "Active"), 2: (1, "Inactive")}))


def table(
    logical_name: str,
    set_name: str,
    *columns: Column,
    schema_name: str = "",
    primary_name: str = "name",
    primary_id: str = "",
    display_name: str = "",
    ownership: Literal["user", "organization", "none"] = "organization",
    code: int = 0,
    **more: Any,
) -> tuple[Table, list[Column]]:
    """Return a table and all its columns, ready for `Schema.add_table`."""
    made = Table(
        logical_name=logical_name,
        set_name=set_name,
        primary_id=primary_id or f"{logical_name}id",
        primary_name=primary_name,
        schema_name=schema_name or logical_name.capitalize(),
        display_name=display_name or schema_name or logical_name.capitalize(),
        ownership=ownership,
        object_type_code=code,
        **more,
    )
    given = {column.name for column in columns}
    system = _system_columns(made.logical_name, made.schema_name, made.primary_id, made.ownership)
    return made, [*(column for column in system if column.name not in given), *columns]


@cache  # every environment has the same tables, and columns never change
def _system_columns(name: str, schema_name: str, primary_id: str, ownership: str) -> tuple[Column, ...]:
    columns = [
        Column(primary_id, "guid", required=True, updatable=False, schema_name=f"{schema_name}Id"),
        Column("createdon", "datetime", creatable=False, updatable=False),
        Column("modifiedon", "datetime", creatable=False, updatable=False),
        Column("overriddencreatedon", "datetime", updatable=False),
        Column("versionnumber", "bigint", creatable=False, updatable=False),
        Column("timezoneruleversionnumber", "integer"),
        *(
            lookup(person, "systemuser", collection=f"lk_{name}_{person}", creatable=False, updatable=False)
            for person in ("createdby", "modifiedby", "modifiedonbehalfby")
        ),
        *ACTIVE_INACTIVE,
    ]
    if ownership == "user":
        owner = Column(
            "ownerid",
            "lookup",
            targets=("systemuser",),
            navigations=("ownerid",),
            collection=f"user_{name}s",
            on_delete="restrict",
        )
        unit = lookup("owningbusinessunit", "businessunit", collection=f"business_unit_{name}s", creatable=False)
        columns += [owner, unit]
    return tuple(columns)
