"""The settings row in Dynamics → our preferences (rules B1 to B11)."""

from __future__ import annotations

from typing import Any

import simplejson

from core import columns
from core.custom_fields import WrongCustomFields, parse
from core.preferences import Preferences

_SWITCHES = {
    "usexeronumber": "use_xero_number",
    "createcontacts": "create_contacts",
    "createproducts": "create_products",
    "requireproducts": "require_products",
    "createcreditnotes": "create_credit_notes",
}
_TEXTS = {
    "salesaccount": "sales_account",
    "purchaseaccount": "purchase_account",
    "timezone": "timezone",
    "freightaccount": "freight_account",
    "customfields": "custom_fields",
}
_CHOICES = ("defaultstatus", "cancelby")
SELECT = ",".join(columns.PREFIX + name for name in (*_SWITCHES, *_TEXTS, *_CHOICES))


def to_preferences(row: dict[str, Any]) -> Preferences:
    """Return the preferences of a settings row; what is empty there keeps its default."""
    chosen: dict[str, Any] = {}
    for column, name in _SWITCHES.items():
        if (label := _label(row, column)) is not None:
            chosen[name] = label == "Yes"
    for column, name in _TEXTS.items():
        if text := (row.get(columns.PREFIX + column) or "").strip():
            chosen[name] = text
    if status := _label(row, "defaultstatus"):
        chosen["status"] = status.upper()
    if cancel_by := _label(row, "cancelby"):
        chosen["cancel_by"] = cancel_by
    return Preferences(**chosen)


def _label(row: dict[str, Any], column: str) -> str | None:
    return columns.options_of(columns.SETTINGS.name, column).label(row.get(columns.PREFIX + column))


def to_row(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the settings columns for these preferences, named as in `core.preferences`; only those given.

    Raises ValueError naming a preference or a value that does not exist.
    """
    row: dict[str, Any] = {}
    switches = {name: column for column, name in _SWITCHES.items()}
    texts = {name: column for column, name in _TEXTS.items()}
    choices = {"status": "defaultstatus", "cancel_by": "cancelby"}
    for name, value in chosen.items():
        if name in switches and isinstance(value, bool):
            row[columns.PREFIX + switches[name]] = _option(switches[name], "Yes" if value else "No")
        elif name == "custom_fields" and isinstance(value, str | dict):
            row[columns.PREFIX + texts[name]] = _short(texts[name], _custom_fields(value))
        elif name in texts and isinstance(value, str):
            row[columns.PREFIX + texts[name]] = _short(texts[name], value)
        elif name in choices and isinstance(value, str):
            row[columns.PREFIX + choices[name]] = _option(choices[name], value)
        else:
            known = ", ".join(sorted((*switches, *texts, *choices)))
            raise ValueError(f"settings: {name} = {value!r} is not possible; settings are {known}")
    return row


def _custom_fields(value: str | dict[str, Any]) -> str:
    """Return them as the text that stands in Dynamics, laid out for people. Raises ValueError if they are wrong."""
    text = (
        value
        if isinstance(value, str)
        else simplejson.dumps(value, use_decimal=True, ensure_ascii=False, indent=2 * " ")
    )
    try:
        parse(text)
    except WrongCustomFields as error:
        raise ValueError(f"settings: custom_fields: {error}") from error
    return text


def _short(column: str, text: str) -> str:
    declared = next(each for each in columns.SETTINGS.columns if each.name == columns.PREFIX + column)
    if len(text) > declared.max_length:
        raise ValueError(f"settings: {text[:60]!r} is longer than {declared.max_length} characters")
    return text


def _option(column: str, label: str) -> int:
    options = columns.options_of(columns.SETTINGS.name, column)
    found = {text.casefold(): value for text, value in options.values.items()}
    if label.casefold() not in found:
        raise ValueError(f"settings: {label!r} is not possible; choose one of {', '.join(options.values)}")
    return found[label.casefold()]
