"""Rules of columns: names, types, the words that describe them, sizes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from solution.lint.findings import Complaints, Rule
from solution.lint.model import PREFIX, Column, Package
from solution.lint.tokens import COLUMN_SETTINGS, COLUMN_TYPES, DISPLAY_MASKS, FORMATS, REQUIRED_LEVELS
from solution.lint.trees import Element, listed, number, repeated, text

_TEXT_LENGTH_MAX = {"nvarchar": 4_000, "ntext": 1_048_576}
_PLACES_MAX = 10
_DATE_ONLY = "2"


def _columns(package: Package) -> Iterator[Column]:
    for table in package.tables.values():
        yield from table.written


def _names(package: Package) -> Complaints:
    for column in _columns(package):
        physical = column.element.get("PhysicalName", "")
        names = [text(column.element, "Name"), text(column.element, "LogicalName")]
        if not physical or set(names) != {physical.lower()}:
            message = "Name and LogicalName are PhysicalName in lower case"
            yield column.element, f"{message}; here are {names[0]!r}, {names[1]!r} and {physical!r}."


def _repeated(package: Package) -> Complaints:
    for table in package.tables.values():
        for element, name in repeated((column.element, column.name) for column in table.written):
            yield element, f"{table.name} has the column {name} twice."


def _prefixes(package: Package) -> Complaints:
    for column in _columns(package):
        prefix, _, rest = column.name.partition("_")
        if column.is_custom and not (PREFIX.fullmatch(prefix) and rest):
            yield column.element, f"{column.name} is a custom column, and its name starts with no publisher's prefix."


def _types(package: Package) -> Complaints:
    for column in _columns(package):
        if column.type not in COLUMN_TYPES:
            yield column.element, f"{column.type!r} is no type of a column, such as nvarchar, ntext, int or picklist."


def _levels(package: Package) -> Complaints:
    for column in _columns(package):
        for one in column.element.iterfind("RequiredLevel"):
            if text(one) not in REQUIRED_LEVELS:
                yield one, f"{text(one)!r} is none of {listed(REQUIRED_LEVELS)}."


def _masks(package: Package) -> Complaints:
    for column in _columns(package):
        unknown = column.mask - DISPLAY_MASKS - {""}
        if unknown:
            yield column.element, f"DisplayMask has {listed(unknown)}; it is made of {listed(DISPLAY_MASKS)}."


def _formats(package: Package) -> Complaints:
    for column in _columns(package):
        known = FORMATS.get(column.type)
        for one in column.element.iterfind("Format"):
            if known and text(one) and text(one) not in known:
                yield one, f"{text(one)!r} is no format of {column.type}, which has {listed(known)}."


def _settings(package: Package) -> Complaints:
    for column in _columns(package):
        for one in column.element:
            tag, value = str(one.tag), text(one)
            known = COLUMN_SETTINGS.get(tag)
            if known and value not in known:
                yield one, f"{tag} is {value!r}; it is one of {listed(known)}."
            if tag.startswith(("Is", "Can", "ValidFor")) and value not in ("0", "1"):
                yield one, f"{tag} is {value!r}; it is 0 or 1."


def _lengths(package: Package) -> Complaints:
    for column in _columns(package):
        longest = _TEXT_LENGTH_MAX.get(column.type)
        if longest is None or column.element.find("AttributeOf") is not None:
            continue
        length = number(text(column.element, "MaxLength"))
        if length is None or length < 1:
            yield (
                column.element,
                f"{column.name} is {column.type} and has no MaxLength, which says how long it can be.",
            )
        elif column.is_custom and length > longest:
            yield column.element, f"MaxLength is {length}; {column.type} has at most {longest}."
        if column.type == "nvarchar" and number(text(column.element, "Length")) is None:
            yield column.element, f"{column.name} is nvarchar and has no Length, which is twice MaxLength."


def _ranges(package: Package) -> Complaints:
    for column in _columns(package):
        least, most = (_amount(column.element, name) for name in ("MinValue", "MaxValue"))
        if least is not None and most is not None and least > most:
            yield column.element, f"MinValue of {column.name} is above its MaxValue."
        for one in column.element.iterfind("Accuracy"):
            places = number(text(one))
            if text(one) and (places is None or not 0 <= places <= _PLACES_MAX):
                yield one, f"Accuracy is {text(one)!r}; it is the number of decimal places, 0 to {_PLACES_MAX}."


def _amount(element: Element, name: str) -> Decimal | None:
    try:
        amount = Decimal(text(element, name))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _days(package: Package) -> Complaints:
    for column in _columns(package):
        if text(column.element, "Behavior") == _DATE_ONLY and text(column.element, "Format") != "date":
            yield column.element, f"{column.name} knows days only (Behavior 2), so its Format is date."


RULES = (
    Rule("column-name", "A column's Name and LogicalName are its PhysicalName in lower case.", _names),
    Rule("column-repeated", "No table has a column twice.", _repeated),
    Rule("column-prefix", "Names of custom columns start with a publisher's prefix.", _prefixes),
    Rule("column-type", "Types of columns are words that exports use.", _types),
    Rule("required-level", "Required levels are none, recommended, required or systemrequired.", _levels),
    Rule("display-mask", "Display masks are made of known words.", _masks),
    Rule("column-format", "Formats of texts, whole numbers and times are known ones.", _formats),
    Rule("column-setting", "Flags of columns are 0 or 1, other settings one of their words.", _settings),
    Rule("text-length", "Texts say how long they can be.", _lengths),
    Rule("number-range", "Numbers have their least value below their greatest, and 0 to 10 decimal places.", _ranges),
    Rule("date-only", "Columns that know days only have the format of days.", _days),
)
