"""`$filter`: parsed and compiled to a predicate in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from simulators.dataverse.comparing import (
    OPERATOR_KINDS,
    Getter,
    Predicate,
    compare,
    compare_columns,
    literal_for,
    text_test,
)  # fmt: skip
from simulators.dataverse.errors import Refused, bad_request, unknown_property
from simulators.dataverse.named_functions import named_function
from simulators.dataverse.paths import compile_path
from simulators.dataverse.schema import Column, Schema, Table
from simulators.dataverse.store import Row, Store
from simulators.dataverse.values import parse_moment

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
  | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
  | (?P<moment>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))
  | (?P<day>\d{4}-\d\d-\d\d)
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_@][\w./]*)
  | (?P<sign>[(),:\[\]=])
)""",
    re.VERBOSE,
)
_TEXT_TESTS = ("contains", "startswith", "endswith")
_NAMESPACE = "Microsoft.Dynamics.CRM."


class _Token(NamedTuple):
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class World:
    """What a filter needs besides its text."""

    schema: Schema
    store: Store
    now: datetime
    aliases: Mapping[str, str]
    nulls_are_unequal: bool = True


@dataclass(frozen=True, slots=True)
class _Scope:
    """The table whose rows are tested; inside any/all, paths begin with the variable."""

    table: Table
    variable: str | None = None


def compile_filter(world: World, table: Table, text: str) -> Predicate:
    """Return a predicate for rows of `table`; raises Refused 400 for what Dataverse does not understand."""
    parser = _Parser(world, _tokens(text))
    predicate = parser.expression(_Scope(table))
    if parser.more():
        raise _syntax(text)
    return predicate


@lru_cache  # each is read more than once
def _tokens(text: str) -> tuple[_Token, ...]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _syntax(text)
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tuple(tokens)


def _syntax(text: str) -> Refused:
    return bad_request(f"Syntax error at position 0 in '{text[:200]}'.")


class _Parser:
    """Recursive descent: or, and, not, comparison."""

    def __init__(self, world: World, tokens: Sequence[_Token]) -> None:
        self._world = world
        self._tokens = tokens
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def expression(self, scope: _Scope) -> Predicate:
        terms = [self._conjunction(scope)]
        while self._take_word("or"):
            terms.append(self._conjunction(scope))
        return terms[0] if len(terms) == 1 else _any_of(terms)

    def _conjunction(self, scope: _Scope) -> Predicate:
        terms = [self._negation(scope)]
        while self._take_word("and"):
            terms.append(self._negation(scope))
        return terms[0] if len(terms) == 1 else _all_of(terms)

    def _negation(self, scope: _Scope) -> Predicate:
        if self._take_word("not"):
            inner = self._negation(scope)
            return lambda row: not inner(row)
        return self._primary(scope)

    def _primary(self, scope: _Scope) -> Predicate:
        if self._take("("):
            inner = self.expression(scope)
            self._expect(")")
            return inner
        token = self._next()
        if token.kind != "name":
            return self._literal_first(scope, token)
        name = token.text
        if name in _TEXT_TESTS:
            return self._compared_with_true(self._text_test(scope, name))
        if name.startswith(_NAMESPACE) or f"/{_NAMESPACE}" in name:
            return self._named_function(scope, name)
        if name.endswith(("/any", "/all")) and self._peek() == "(":
            return self._lambda(scope, name)
        if name.endswith("/$count"):
            raise bad_request("The query option $count in $filter is not supported.")
        return self._comparison(scope, name)

    def _comparison(self, scope: _Scope, name: str) -> Predicate:
        column, get = self._path(scope, name)
        if not self.more() or self._peek() in (")", "and", "or"):
            if column.kind != "boolean":
                raise bad_request("The $filter expression must evaluate to a single boolean value.")
            return compare(get, "eq", True)
        word = self._operator()
        return self._right_side(scope, column, get, word, self._next())

    def _right_side(self, scope: _Scope, column: Column, get: Getter, word: str, token: _Token) -> Predicate:
        token = self._unaliased(token)
        if token.kind == "name" and token.text not in ("null", "true", "false"):
            _, other = self._path(scope, token.text)
            return compare_columns(get, word, other)
        value = _literal(token)
        wanted = None if value is None else literal_for(column, value, OPERATOR_KINDS[word])
        return compare(get, word, wanted, nulls_are_unequal=self._world.nulls_are_unequal)

    def _literal_first(self, scope: _Scope, token: _Token) -> Predicate:
        """`5 lt quantity` is turned round."""
        word = self._operator()
        column, get = self._path(scope, self._next().text)
        mirrored = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(word, word)
        return self._right_side(scope, column, get, mirrored, token)

    def _text_test(self, scope: _Scope, word: str) -> Predicate:
        self._expect("(")
        column, get = self._path(scope, self._next().text)
        self._expect(",")
        wanted = _literal(self._unaliased(self._next()))
        self._expect(")")
        if column.kind not in ("string", "memo") or not isinstance(wanted, str):
            raise bad_request(
                f"No function signature for the function with name '{word}' matches the specified arguments."
            )
        return text_test(get, word, wanted)

    def _compared_with_true(self, test: Predicate) -> Predicate:
        if self._peek() not in ("eq", "ne"):
            return test
        word, value = self._operator(), self._next().text
        return test if (value == "true") is (word == "eq") else lambda row: not test(row)

    def _lambda(self, scope: _Scope, name: str) -> Predicate:
        path, _, word = name.rpartition("/")
        collection_name = self._without_variable(scope, path)
        collection = scope.table.collections.get(collection_name)
        if collection is None:
            raise unknown_property(collection_name, scope.table.logical_name)
        child = self._world.schema.by_name[collection.table]
        self._expect("(")
        inner: Predicate = lambda _row: True  # noqa: E731 - any() without a condition
        if not self._take(")"):
            variable = self._next().text
            self._expect(":")
            inner = self.expression(_Scope(child, variable))
            self._expect(")")
        store, column, primary_id = self._world.store, collection.column.name, scope.table.primary_id
        quantify: Callable[..., bool] = any if word == "any" else all

        def holds(row: Row) -> bool:
            rows = store.all(child.logical_name)
            return quantify(inner(rows[i]) for i in store.children(child.logical_name, column, row[primary_id]))

        return holds

    def _named_function(self, scope: _Scope, name: str) -> Predicate:
        self._expect("(")
        arguments: dict[str, Any] = {}
        while not self._take(")"):
            key = self._next().text
            self._expect("=")
            arguments[key] = self._argument()
            self._take(",")
        column, get = self._path(scope, str(arguments.get("PropertyName", "")))
        return named_function(name.rpartition(_NAMESPACE)[2], column, get, arguments, self._world.now)

    def _argument(self) -> Any:
        if not self._take("["):
            return _literal(self._unaliased(self._next()))
        items = []
        while not self._take("]"):
            items.append(_literal(self._next()))
            self._take(",")
        return items

    def _path(self, scope: _Scope, name: str) -> tuple[Column, Getter]:
        return compile_path(self._world.schema, self._world.store, scope.table, self._without_variable(scope, name))

    @staticmethod
    def _without_variable(scope: _Scope, name: str) -> str:
        if scope.variable is None:
            return name
        head, _, rest = name.partition("/")
        if head != scope.variable or not rest:
            raise bad_request(f"Could not find a property named '{name}' in the lambda expression.")
        return rest

    def _unaliased(self, token: _Token) -> _Token:
        if not token.text.startswith("@"):
            return token
        text = self._world.aliases.get(token.text)
        if text is None:
            raise bad_request(f"The parameter alias '{token.text}' has no value.")
        return _tokens(text)[0]

    def _operator(self) -> str:
        word = self._next().text
        if word not in OPERATOR_KINDS:
            raise bad_request(f"Syntax error: '{word}' is not a supported operator.")
        return word

    def _next(self) -> _Token:
        if not self.more():
            raise bad_request("Expression expected at the end of $filter.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at].text if self.more() else ""

    def _take(self, sign: str) -> bool:
        if self.more() and self._tokens[self._at] == _Token("sign", sign):
            self._at += 1
            return True
        return False

    def _take_word(self, word: str) -> bool:
        if self.more() and self._tokens[self._at] == _Token("name", word):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise bad_request(f"Syntax error: '{sign}' expected, '{self._peek()}' found.")


def _literal(token: _Token) -> Any:
    match token.kind:
        case "string":
            return token.text[1:-1].replace("''", "'")
        case "guid":
            return token.text.lower()
        case "moment":
            return parse_moment(token.text)
        case "day":
            return date.fromisoformat(token.text)
        case "number":
            return Decimal(token.text) if "." in token.text else int(token.text)
        case _:
            words = {"null": None, "true": True, "false": False}
            if token.text not in words:
                raise bad_request(f"Syntax error: literal expected, '{token.text}' found.")
            return words[token.text]


def _any_of(terms: list[Predicate]) -> Predicate:
    return lambda row: any(term(row) for term in terms)


def _all_of(terms: list[Predicate]) -> Predicate:
    return lambda row: all(term(row) for term in terms)
