"""The Flask application under every simulator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.routing import Map, Rule, RuleFactory


class _Route(Rule):
    """A route that is only matched: no simulator asks for the address of one of its own routes.

    Werkzeug would compile for each route what builds its address, which takes most of the time that a simulator needs
    to start; the tests start thousands.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        def build(*_args: Any, **_values: Any) -> tuple[str, str]:
            raise NotImplementedError(f"no address is built for {self.rule}")

        return build


class _Routes(Map):
    """The routes of every simulator of one kind, which are the same: each is compiled once in a process."""

    def __init__(self) -> None:
        super().__init__()
        self._known: set[tuple[str, str, frozenset[str]]] = set()

    def add(self, rulefactory: RuleFactory) -> None:
        for rule in rulefactory.get_rules(self):
            this = (rule.rule, rule.endpoint, frozenset(rule.methods or ()))
            if this not in self._known:
                super().add(rule)
                self._known.add(this)


_ROUTES: dict[str, _Routes] = defaultdict(_Routes)


class Simulated(Flask):
    """A Flask application without static files, whose routes are matched and never built."""

    url_rule_class = _Route

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.url_map = _ROUTES[name]
