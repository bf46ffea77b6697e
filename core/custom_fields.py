"""The custom fields of a connection: which fields in Xero are filled from the customer's own columns in Dynamics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal

from core.templates import NOTHING, Column, Template, read_template

INVOICE, LINE, ACCOUNT, CONTACT, PRODUCT = "invoice", "invoicedetail", "account", "contact", "product"

# How the value of a column becomes text: a label or a name comes beside the value, a day and a moment need the zone.
Kind = Literal["text", "number", "label", "lookup", "day", "moment", "wall clock"]
Kinds = Mapping[str, Mapping[str, Kind]]  # by table and column

CONTACT_FIELDS = {"FirstName": 255, "LastName": 255, "EmailAddress": 255, "CompanyNumber": 50, "TaxNumber": 50}
ITEM_FIELDS = {"Name": 50, "Description": 4000, "PurchaseDescription": 4000}
CATEGORIES_MAX = 2
CATEGORY_NAME_MAX = 100

_OF_INVOICE = {"": INVOICE}
_OF_LINE = {"": LINE, "invoice": INVOICE}
_OF_TRACKING = {"": INVOICE, "line": LINE}
_MATCHED_BY = {"AccountNumber", "ContactNumber", "Name"}  # rule C20
_KEYS = ("reference", "due_date", "number", "line_description", "tracking", "contact", "item")


class WrongCustomFields(ValueError):
    """They cannot be used; `mistakes` are sentences for an administrator, each with its place."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__(" ".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class OfCustomer:
    """What an account gives a field of a contact in Xero, and what a contact in Dynamics gives it.

    `whichever`: nobody said which of the two tables has the columns; the metadata does.
    """

    account: Template = NOTHING
    contact: Template = NOTHING
    whichever: bool = False


@dataclass(frozen=True, slots=True)
class CustomFields:
    """An empty template or tuple leaves the field to the standard rule.

    `kinds` says of each column how it is read; it is filled once the columns were found in Dynamics.
    """

    reference: Template = NOTHING
    due_date: Template = NOTHING
    number: Template = NOTHING
    line_description: Template = NOTHING
    tracking: tuple[tuple[str, Template], ...] = ()
    contact: tuple[tuple[str, OfCustomer], ...] = ()
    item: tuple[tuple[str, Template], ...] = ()
    kinds: Kinds = field(default_factory=dict)


EMPTY = CustomFields()


def columns_of(custom: CustomFields) -> dict[str, list[str]]:
    """Return by table the columns that the custom fields need, in order and each once."""
    found: dict[str, set[str]] = {}
    for _, template in named_templates(custom):
        for column in template.columns:
            found.setdefault(column.table, set()).add(column.name)
    return {table: sorted(names) for table, names in sorted(found.items())}


def named_templates(custom: CustomFields) -> Iterator[tuple[str, Template]]:
    """Yield every template with its place, as a person finds it in the setting."""
    for name in ("reference", "due_date", "number", "line_description"):
        yield name, getattr(custom, name)
    for category, template in custom.tracking:
        yield f"tracking.{category}", template
    for name, both in custom.contact:
        yield f"contact.{name}", both.account
        yield f"contact.{name}", both.contact
    for name, template in custom.item:
        yield f"item.{name}", template


def parse(text: str) -> CustomFields:
    """Return the custom fields of a setting; a blank one has none.

    Raises WrongCustomFields (a ValueError) with every mistake, its place and what is possible.
    """
    if not text.strip():
        return EMPTY
    reading = _Reading()
    custom = reading.whole(reading.json(text))
    if reading.mistakes:
        raise WrongCustomFields(reading.mistakes)
    return custom


class _Reading:
    """Reads one setting and collects what is wrong with it."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def json(self, text: str) -> Any:
        try:
            return json.loads(text, parse_float=Decimal, object_pairs_hook=self._object)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise WrongCustomFields([f"This is not JSON: {error.msg} ({where})."]) from error
        except (RecursionError, ValueError) as error:  # nested too deeply; a number that is too long
            raise WrongCustomFields(["This is not JSON that can be read."]) from error

    def whole(self, document: Any) -> CustomFields:
        entries = self._entries("", document, _KEYS)
        return CustomFields(
            reference=self._template("reference", entries.get("reference"), _OF_INVOICE),
            due_date=self._due_date(entries.get("due_date")),
            number=self._template("number", entries.get("number"), _OF_INVOICE),
            line_description=self._template("line_description", entries.get("line_description"), _OF_LINE),
            tracking=self._tracking(entries.get("tracking")),
            contact=self._contact(entries.get("contact")),
            item=self._item(entries.get("item")),
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self.mistakes.append(f"“{name}” stands there twice.")
        return dict(pairs)

    def _entries(self, place: str, document: Any, known: tuple[str, ...]) -> dict[str, Any]:
        """Return the entries of an object whose keys are known; `place` is empty for the whole."""
        if not isinstance(document, dict):
            self._say(place or "This", f"must be an object in braces; possible in it: {', '.join(known)}.")
            return {}
        for name in (each for each in document if each not in known):
            self._unknown(f"{place}.{name}" if place else name, name, known)
        return {name: document[name] for name in known if document.get(name) is not None}

    def _unknown(self, place: str, name: str, known: tuple[str, ...]) -> None:
        if known is not _KEYS and name in _MATCHED_BY and place.startswith("contact."):
            self._say(place, "is not possible, as the connector finds contacts by it.")
            return
        folded = {each.lower(): each for each in known}
        close = get_close_matches(name.lower(), folded, n=1)
        hint = f"Did you mean {folded[close[0]]}? " if close else ""
        self._say(place, f"is not known. {hint}Possible are {', '.join(known)}.")

    def _template(self, place: str, value: Any, tables: Mapping[str, str]) -> Template:
        if value is None:
            return NOTHING
        if not isinstance(value, str):
            self._say(place, "must be a text in quotes: a column's logical name, or a text with {column}s.")
            return NOTHING
        template, mistakes = read_template(value, tables)
        self.mistakes += [f"{place}: {mistake}" for mistake in mistakes]
        return NOTHING if mistakes else template

    def _due_date(self, value: Any) -> Template:
        template = self._template("due_date", value, _OF_INVOICE)
        if template and (len(template.parts) != 1 or not template.columns):
            self._say("due_date", "is one column that holds a date, without other text.")
        return template

    def _tracking(self, value: Any) -> tuple[tuple[str, Template], ...]:
        if value is None:
            return ()
        if not isinstance(value, dict):
            self._say("tracking", 'must be an object: the names of tracking categories, {"Region": "new_region"}.')
            return ()
        folded = [" ".join(name.split()).casefold() for name in value]
        if len(value) > CATEGORIES_MAX:
            self._say("tracking", f"has {len(value)} categories; Xero takes at most {CATEGORIES_MAX} on a line.")
        for name, key in zip(value, folded, strict=True):
            if not key or len(name) > CATEGORY_NAME_MAX:
                self._say("tracking", f"“{name}” cannot be the name of a category ({CATEGORY_NAME_MAX} characters).")
            elif folded.count(key) > 1:
                self._say("tracking", f"“{name}” is the same category as another one.")
        return tuple(
            (" ".join(name.split()), self._template(f"tracking.{name}", inner, _OF_TRACKING))
            for name, inner in value.items()
            if inner is not None
        )

    def _contact(self, value: Any) -> tuple[tuple[str, OfCustomer], ...]:
        entries = {} if value is None else self._entries("contact", value, tuple(CONTACT_FIELDS))
        return tuple((name, self._of_customer(f"contact.{name}", inner)) for name, inner in entries.items())

    def _of_customer(self, place: str, value: Any) -> OfCustomer:
        if not isinstance(value, dict):
            account = self._template(place, value, {"": ACCOUNT})
            contact = Template(
                tuple(Column(CONTACT, part.name) if isinstance(part, Column) else part for part in account.parts)
            )
            return OfCustomer(account, contact, whichever=True)
        entries = self._entries(place, value, (ACCOUNT, CONTACT))
        if all(inner is None for inner in value.values()):
            self._say(place, "names no column. Write what an account gives it, a contact, or both.")
        return OfCustomer(
            account=self._template(f"{place}.account", entries.get(ACCOUNT), {"": ACCOUNT}),
            contact=self._template(f"{place}.contact", entries.get(CONTACT), {"": CONTACT}),
        )

    def _item(self, value: Any) -> tuple[tuple[str, Template], ...]:
        entries = {} if value is None else self._entries("item", value, tuple(ITEM_FIELDS))
        return tuple((name, self._template(f"item.{name}", inner, {"": PRODUCT})) for name, inner in entries.items())

    def _say(self, place: str, words: str) -> None:
        self.mistakes.append(f"{place} {words}" if place == "This" else f"{place}: {words}")
