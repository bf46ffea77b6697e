"""Rules of elements: which may stand where, how often, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Package
from solution.lint.tokens import CHILDREN, ORDERS, TOP_LEVEL
from solution.lint.trees import Element, repeated, text

_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_PATHS = {
    "Entity": "Entities/Entity",
    "attribute": "Entities/Entity/EntityInfo/entity/attributes/attribute",
    "EntityKey": "Entities/Entity/EntityInfo/entity/EntityKeys/EntityKey",
    "EntityRelationship": "EntityRelationships/EntityRelationship",
    "systemform": "Entities/Entity/FormXml/forms/systemform",
    "savedquery": "Entities/Entity/SavedQueries/savedqueries/savedquery",
}
# Newer exports begin a step with it, older ones have it in its place.
_ANYWHERE = "SdkMessageId"


def _judged(package: Package) -> Iterator[Element]:
    for path in _PATHS.values():
        yield from package.customizations.iterfind(path)
    yield from package.customizations.iter(*ORDERS)


def _known(package: Package) -> Complaints:
    for element in _judged(package):
        tag = str(element.tag)
        known = CHILDREN.get(tag) or ORDERS[tag]
        for one in element:
            if one.tag not in known:
                yield one, f"{one.tag} is nothing that {tag} can hold."


def _once(package: Package) -> Complaints:
    for element in (package.customizations, *_judged(package)):
        for one, name in repeated((child, str(child.tag)) for child in element):
            yield one, f"{name} stands there twice."


def _order(package: Package) -> Complaints:
    yield from _out_of_order(package.customizations, TOP_LEVEL)
    for element in package.customizations.iter(*ORDERS):
        yield from _out_of_order(element, ORDERS[str(element.tag)])


def _out_of_order(element: Element, order: tuple[str, ...]) -> Complaints:
    last = -1
    for one in element:
        if one.tag not in order or one.tag == _ANYWHERE:
            continue
        place = order.index(str(one.tag))
        if place < last:
            yield one, f"{one.tag} stands behind {order[last]}; it belongs before."
        last = max(last, place)


def _versions(package: Package) -> Complaints:
    for one in package.customizations.iter("IntroducedVersion"):
        if not _VERSION.fullmatch(text(one)):
            yield one, f"{text(one)!r} is no version, such as 1.0.0.0."


RULES = (
    Rule("unknown-element", "Elements hold nothing but what they can hold.", _known),
    Rule("repeated-element", "What can stand there once does not stand there twice.", _once),
    Rule(
        "element-order",
        "Parts of customizations.xml, of steps, endpoints and option sets stand in their order.",
        _order,
    ),
    Rule("introduced-version", "Versions of parts are two to four numbers.", _versions),
)
