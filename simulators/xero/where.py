"""The grammar of the `where` and `order` parameters: text in, a predicate over records out."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from simulators.xero.codec import Record

Getter = Callable[[Record], Any]
Fields = Mapping[str, Getter]
"""The fields that may be asked for, by dotted name."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*") | (?P<number>-?\d+(?:\.\d+)?) | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
      | (?P<sign>==|!=|<>|<=|>=|&&|\|\||[=<>(),.!])
    )""",
    re.VERBOSE,
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUAL, _UNEQUAL = ("=", "=="), ("!=", "<>")
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda whole, part: part in whole,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


class QueryError(ValueError):
    """The query can't be understood; Xero answers QueryParseException."""


class Operand(NamedTuple):
    """One side of a comparison: how to read it, and the field's name or the constant if it is one."""

    read: Getter
    name: str | None = None
    constant: Any = None


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed `where`; `equalities` are the fields that every match has at a known value."""

    matches: Callable[[Record], bool]
    equalities: dict[str, Any] = field(default_factory=dict)


def comparable(value: Any) -> Any:
    """Make values comparable as Xero compares them: text without case, dates as midnight UTC."""
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return Decimal(value) if isinstance(value, int) else value


def parse_where(text: str, fields: Fields) -> Query:
    """Parse a whole `where`. Raises QueryError."""
    parser = _Parser(_tokens(text), {name.lower(): (name, getter) for name, getter in fields.items()})
    query = parser.either()
    if parser.peek() is not None:
        raise QueryError(f"Syntax error at '{parser.peek()}'")
    return query


def parse_order(text: str, fields: Fields) -> list[tuple[Getter, bool]]:
    """Return (getter, descending) for each part of an `order`. Raises QueryError."""
    known = {name.lower(): getter for name, getter in fields.items()}
    keys = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if name.lower() not in known or direction.strip().upper() not in {"", "ASC", "DESC"}:
            raise QueryError(f"No property or field '{part.strip()}' exists")
        keys.append((known[name.lower()], direction.strip().upper() == "DESC"))
    return keys


def _tokens(text: str) -> list[str]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            raise QueryError(f"Syntax error '{text[position:].strip()[:1]}' (at index {position})")
        tokens.append(found[0].strip())
        position = found.end()
    if not tokens:
        raise QueryError("Expression expected (at index 0)")
    return tokens


class _Parser:
    def __init__(self, tokens: list[str], fields: Mapping[str, tuple[str, Getter]]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._position = 0

    def peek(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def either(self) -> Query:
        query = self._both()
        while self._take("or", "||"):
            query = _or(query, self._both())
        return query

    def _both(self) -> Query:
        query = self._single()
        while self._take("and", "&&"):
            query = _and(query, self._single())
        return query

    def _single(self) -> Query:
        if self._take("!", "not"):
            inner = self._single()
            return Query(lambda record: not inner.matches(record))
        if self._take("("):
            query = self.either()
            self._expect(")")
            return query
        return self._comparison()

    def _comparison(self) -> Query:
        left = self._operand()
        sign = self.peek()
        if sign not in _COMPARISONS:
            return Query(lambda record: left.read(record) is True)
        self._position += 1
        return _compare(left, sign, self._operand())

    def _operand(self) -> Operand:
        token = self._next()
        if token.startswith('"'):
            return _constant(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if re.match(r"-?\d", token):
            return _constant(Decimal(token))
        word = token.lower()
        if word in {"null", "true", "false"}:
            return _constant({"null": None, "true": True, "false": False}[word])
        if word in {"guid", "datetime", "datetime.parse"}:
            return _constant(self._call(word))
        if self.peek() == "(":
            return self._method(token)
        if word not in self._fields:
            raise QueryError(f"No property or field '{token}' exists")
        name, getter = self._fields[word]
        return Operand(lambda record: comparable(getter(record)), name)

    def _method(self, token: str) -> Operand:
        name, _, method = token.rpartition(".")
        if name.lower() not in self._fields:
            raise QueryError(f"No applicable method '{method}' exists")
        getter = self._fields[name.lower()][1]
        arguments = [str(value).lower() for value in self._arguments()]
        if method.lower() in {"tolower", "toupper"} and not arguments:
            return Operand(lambda record: comparable(getter(record)), name)
        if method.lower() not in _TEXT_TESTS or len(arguments) != 1:
            raise QueryError(f"No applicable method '{method}' exists")
        test = _TEXT_TESTS[method.lower()]
        return Operand(lambda record: test(str(getter(record) or "").lower(), arguments[0]))

    def _call(self, word: str) -> Any:
        arguments = self._arguments()
        try:
            if word == "datetime":
                year, month, day, *clock = (int(argument) for argument in arguments)
                hour, minute, second, *_ = (*clock, 0, 0, 0)
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            (text,) = arguments
            return str(text) if word == "guid" else datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
        except (TypeError, ValueError) as error:
            raise QueryError(f"No applicable method '{word}' exists") from error

    def _arguments(self) -> list[Any]:
        self._expect("(")
        arguments: list[Any] = []
        while not self._take(")"):
            arguments.append(self._operand().constant)
            if self.peek() != ")":
                self._expect(",")
        return arguments

    def _next(self) -> str:
        token = self.peek()
        if token is None:
            raise QueryError("Expression expected")
        self._position += 1
        return token

    def _take(self, *words: str) -> bool:
        token = self.peek()
        if token is not None and token.lower() in words:
            self._position += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise QueryError(f"'{word}' expected")


def _constant(value: Any) -> Operand:
    constant = comparable(value)
    return Operand(lambda _record: constant, constant=value)


def _compare(left: Operand, sign: str, right: Operand) -> Query:
    compare, loose = _COMPARISONS[sign], sign not in _EQUAL + _UNEQUAL

    def matches(record: Record) -> bool:
        one, other = left.read(record), right.read(record)
        if loose and (one is None or other is None):
            return False  # nothing is neither before nor after anything
        try:
            return compare(one, other)
        except TypeError as error:
            raise QueryError("Operator incompatible with operand types") from error

    if sign in _EQUAL and left.name and isinstance(right.constant, str):
        return Query(matches, {left.name: right.constant.lower()})
    return Query(matches)


def _and(one: Query, other: Query) -> Query:
    return Query(lambda record: one.matches(record) and other.matches(record), {**one.equalities, **other.equalities})


def _or(one: Query, other: Query) -> Query:
    return Query(lambda record: one.matches(record) or other.matches(record))
