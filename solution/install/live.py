"""What the live metadata says of our tables, read as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from clients.dataverse import Dataverse, Outcome, Payload, Read, rows_path, text_literal
from core.errors import Rejected

_PARTS = 5  # that a table is read in
_TYPED = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table as it stands: columns and keys by name, choices by column, relationships by the lookup."""

    set_name: str
    columns: Mapping[str, Payload]
    choices: Mapping[str, Mapping[int, str]]
    keys: Mapping[str, Payload]
    relationships: Mapping[str, Payload]


def read_tables(dataverse: Dataverse, names: Sequence[str]) -> Mapping[str, LiveTable | None]:
    """Return the metadata of these tables by name, None where there is no such table; one `$batch`.

    Raises Transient, Limited or Disconnected.
    """
    paths = [path for name in names for path in _paths(name)]
    outcomes = dataverse.batch([Read(path) for path in paths])
    return {
        name: _table(outcomes[place : place + _PARTS]) for place, name in zip(count(0, _PARTS), names, strict=False)
    }


def _paths(name: str) -> tuple[str, ...]:
    path = f"EntityDefinitions(LogicalName={text_literal(name)})"
    choices = {"$select": "LogicalName", "$expand": "OptionSet($select=Options)"}
    relationships = {"$select": "SchemaName,ReferencingAttribute,ReferencedEntity,CascadeConfiguration"}
    return (
        rows_path(path, {"$select": "LogicalName,EntitySetName"}),
        f"{path}/Attributes",
        rows_path(f"{path}/Attributes/{_TYPED}", choices),
        rows_path(f"{path}/Keys", {"$select": "LogicalName,KeyAttributes,EntityKeyIndexStatus"}),
        rows_path(f"{path}/ManyToOneRelationships", relationships),
    )


def _table(outcomes: Sequence[Outcome]) -> LiveTable | None:
    for outcome in outcomes:
        if isinstance(outcome.error, Rejected) and outcome.error.status == 404:
            return None
        if outcome.error is not None:
            raise outcome.error
    (table,), attributes, choices, keys, relationships = (outcome.rows for outcome in outcomes)
    return LiveTable(
        str(table["EntitySetName"]),
        _by(attributes, "LogicalName"),
        {str(one["LogicalName"]): _options(one.get("OptionSet") or {}) for one in choices},
        _by(keys, "LogicalName"),
        _by(relationships, "ReferencingAttribute"),
    )


def _options(option_set: Mapping[str, Any]) -> dict[int, str]:
    return {int(one["Value"]): label_of(one.get("Label")) for one in option_set.get("Options") or []}


def label_of(label: Mapping[str, Any] | None) -> str:
    """Return the text of a label in the first language that it has."""
    localized = (label or {}).get("LocalizedLabels") or []
    return str(localized[0].get("Label", "")) if localized else ""


def _by(rows: Sequence[Payload], name: str) -> dict[str, Payload]:
    return {str(one[name]).lower(): one for one in rows}
