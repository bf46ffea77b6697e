"""From an attribute in customizations.xml to a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from simulators.dataverse.schema import Column, Kind, RequiredLevel
from simulators.dataverse.solutions.failing import BAD_ARGUMENT, failed
from simulators.dataverse.solutions.parts import Link
from simulators.dataverse.solutions.xml import flag, label, number, text

_KINDS: dict[str, Kind] = {
    "nvarchar": "string", "ntext": "memo", "int": "integer", "bigint": "bigint", "decimal": "decimal",
    "float": "double", "money": "money", "datetime": "datetime", "picklist": "choice", "bit": "boolean",
    "lookup": "lookup", "customer": "lookup", "owner": "lookup", "uniqueidentifier": "guid", "primarykey": "guid",
    "state": "state", "status": "status",
}  # fmt: skip
_TEXT_FORMATS = {
    "": "Text", "text": "Text", "textarea": "TextArea", "email": "Email", "url": "Url", "phone": "Phone",
    "tickersymbol": "TickerSymbol", "richtext": "RichText", "json": "Json",
}  # fmt: skip
_DATE_FORMATS = {"": "DateAndTime", "datetime": "DateAndTime", "date": "DateOnly"}
_INTEGER_FORMATS = frozenset({"", "none", "duration", "timezone", "language", "locale"})
_USER_LOCAL, _DATE_ONLY, _ZONE_INDEPENDENT = "1", "2", "3"
_LEVELS: dict[str, RequiredLevel] = {
    "": "None",
    "none": "None",
    "recommended": "Recommended",
    "required": "ApplicationRequired",
    "applicationrequired": "ApplicationRequired",
    "systemrequired": "SystemRequired",
}
_NONE_CHOSEN = -1
_REPORTED_AS = "attribute"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a column's description needs from elsewhere in the package."""

    links: Mapping[tuple[str, str], Sequence[Link]]
    option_sets: Mapping[str, Mapping[int, str]]
    managed_by: str


def logical_name(attribute: Element) -> str:
    return (text(attribute, "LogicalName") or text(attribute, "Name") or attribute.get("PhysicalName", "")).lower()


def type_of(attribute: Element) -> str:
    return text(attribute, "Type").lower()


def read_column(attribute: Element, table: str, around: Surroundings) -> Column:
    """Return the column that an attribute describes; raises ImportFailed when it describes none."""
    name = logical_name(attribute)
    if type_of(attribute) not in _KINDS:
        message = f"Unable to find attribute type by name {text(attribute, 'Type')}\nParameter name: name"
        raise failed(BAD_ARGUMENT, message, _REPORTED_AS, f"{table}.{name}")
    level = _LEVELS.get(text(attribute, "RequiredLevel").lower(), "None")
    kind = _KINDS[type_of(attribute)]
    common: dict[str, Any] = {
        "schema_name": attribute.get("PhysicalName") or name,
        "display_name": label(attribute, "displaynames/displayname"),
        "description": label(attribute, "Descriptions/Description"),
        "required": level == "SystemRequired",
        "required_level": level,
        "creatable": flag(attribute, "ValidForCreateApi", default=True),
        "updatable": flag(attribute, "ValidForUpdateApi", default=True),
        "managed_by": around.managed_by,
        "is_custom": True,
    }
    if kind == "datetime":
        return _moment(attribute, table, name, common)
    return Column(name, kind, **common, **_own_part(attribute, table, name, kind, around))


def _own_part(attribute: Element, table: str, name: str, kind: Kind, around: Surroundings) -> dict[str, Any]:
    match kind:
        case "string" | "memo":
            return _texts(attribute, table, name)
        case "integer" | "bigint":
            return _integer(attribute, table, name)
        case "decimal" | "double" | "money":
            return _amount(attribute, kind)
        case "choice":
            return _choice(attribute, around)
        case "boolean":
            return {"options": options(attribute), "default": flag(attribute, "AppDefaultValue")}
        case "lookup":
            return _lookup(table, name, around)
        case _:
            return {}


def _texts(attribute: Element, table: str, name: str) -> dict[str, Any]:
    length, given = number(attribute, "MaxLength"), text(attribute, "Format")
    if length is None:
        raise failed(
            BAD_ARGUMENT, "New string attributes must have a max length value", _REPORTED_AS, f"{table}.{name}"
        )
    if given not in _TEXT_FORMATS:
        message = f"Invalid string format {given} for column {name}"
        raise failed(BAD_ARGUMENT, message, _REPORTED_AS, f"{table}.{name}")
    return {"max_length": length, "text_format": _TEXT_FORMATS[given]}


def _integer(attribute: Element, table: str, name: str) -> dict[str, Any]:
    given = text(attribute, "Format")
    if given not in _INTEGER_FORMATS:
        message = f"The format {given} is not valid for the integer type column {name}"
        raise failed(BAD_ARGUMENT, message, _REPORTED_AS, f"{table}.{name}")
    return _range(attribute)


def _amount(attribute: Element, kind: Kind) -> dict[str, Any]:
    part = _range(attribute)
    accuracy = number(attribute, "Accuracy")
    part["precision"] = (4 if kind == "money" else 2) if accuracy is None else accuracy
    if kind == "money":
        source = number(attribute, "AccuracySource")
        part["precision_source"] = 2 if source is None else source
    return part


def _range(attribute: Element) -> dict[str, Any]:
    low, high = text(attribute, "MinValue"), text(attribute, "MaxValue")
    return {"minimum": Decimal(low) if low else None, "maximum": Decimal(high) if high else None}


def _moment(attribute: Element, table: str, name: str, common: dict[str, Any]) -> Column:
    given, behavior = text(attribute, "Format"), text(attribute, "Behavior") or _USER_LOCAL
    if given not in _DATE_FORMATS:
        message = f"The format {given} is not valid for the datetime type column {name}"
        raise failed(BAD_ARGUMENT, message, _REPORTED_AS, f"{table}.{name}")
    if behavior == _DATE_ONLY:
        return Column(name, "date", **common)
    zone = "TimeZoneIndependent" if behavior == _ZONE_INDEPENDENT else "UserLocal"
    return Column(name, "datetime", date_format=_DATE_FORMATS[given], behavior=zone, **common)  # type: ignore[arg-type]


def _choice(attribute: Element, around: Surroundings) -> dict[str, Any]:
    """A global choice that is not in the package has no options yet: the environment may have it."""
    shared = text(attribute, "OptionSetName").lower()
    inline = options(attribute) or dict(around.option_sets.get(shared, {}))
    default = number(attribute, "AppDefaultValue")
    chosen = None if default in (None, _NONE_CHOSEN) else default
    return {"options": inline, "default": chosen, "option_set": shared}


def options(element: Element, path: str = "optionset/options/option") -> dict[int, str]:
    """Return values and labels of a choice, in the order in which they are shown."""
    return {int(one.get("value", "0")): label(one, "labels/label") for one in element.findall(path)}


def _lookup(table: str, name: str, around: Surroundings) -> dict[str, Any]:
    """The targets are those of the relationships; without one the caller says which columns have none."""
    links = around.links.get((table, name), ())
    if not links:
        return {}
    first = links[0]
    return {
        "targets": tuple(link.target for link in links),
        "navigations": tuple(link.navigation for link in links),
        "collection": first.collection,
        "relationship": first.name,
        "on_delete": first.on_delete,
    }


def read_states(attributes: Sequence[Element]) -> list[Column]:
    """Return state and status columns as the package defines them, the default status first in its state."""
    by_type = {type_of(one): one for one in attributes if type_of(one) in ("state", "status")}
    if len(by_type) != 2:
        return []
    states, statuses = by_type["state"].findall("optionset/states/state"), by_type["status"]
    first = {int(one.get("defaultstatus", "0")) for one in states}
    reasons = statuses.findall("optionset/statuses/status")
    reasons.sort(key=lambda one: int(one.get("value", "0")) not in first)
    if not states or not reasons:
        return []
    state = Column(
        "statecode",
        "state",
        options={int(one.get("value", "0")): label(one, "labels/label") for one in states},
        default=int(states[0].get("value", "0")),
    )
    status = Column(
        "statuscode",
        "status",
        options={int(one.get("value", "0")): label(one, "labels/label") for one in reasons},
        state_of_status={int(one.get("value", "0")): int(one.get("state", "0")) for one in reasons},
    )
    return [state, status]
