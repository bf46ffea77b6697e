"""Validation of customizations.xml by Microsoft's schemas, which are not part of this project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

from lxml import etree

from solution.lint.findings import FINDINGS_MAX, Finding
from solution.lint.reading import CUSTOMIZATIONS
from solution.lint.trees import Element, Unreadable, parse, place_of

RULES = {"xsd": "customizations.xml is valid by Microsoft's published schemas, where their folder is given."}
ENTRY = "CustomizationsSolution.xsd"
_XS = "{http://www.w3.org/2001/XMLSchema}"
_LOOK_AHEAD = re.compile(r"\(\?[=!][^()]*\)")


class _Error(Protocol):
    """What lxml says about an error; its stubs leave it out."""

    line: int
    message: str
    path: str | None


def validate(customizations: Element, schemas: Path) -> Iterator[Finding]:
    """Yield what the schemas in the folder `schemas` find, and a finding if they cannot be used themselves."""
    try:
        schema = _schema(schemas)
        schema.validate(customizations.getroottree())
    except (Unreadable, OSError, etree.LxmlError) as error:
        yield Finding("xsd", "", str(schemas), f"The schemas in this folder cannot be used: {error}.")
        return
    for fault in islice(cast("Iterable[_Error]", schema.error_log), FINDINGS_MAX):
        yield Finding("xsd", CUSTOMIZATIONS, _place(customizations, fault), fault.message)


def _place(customizations: Element, error: _Error) -> str:
    try:
        found = customizations.getroottree().xpath(error.path or "/*")
    except etree.XPathError:  # the path has a prefix of the document's own
        found = []
    first = found[0] if isinstance(found, list) and found else None
    return place_of(first) if isinstance(first, Element) else f"line {error.line}"


@lru_cache(maxsize=4)
def _schema(folder: Path) -> etree.XMLSchema:
    """Return the schemas of a folder as one. Raises Unreadable, OSError or LxmlError."""
    files = {path.name.lower(): path for path in folder.iterdir()}
    root = _document(files, ENTRY)
    included = {ENTRY.lower()}
    while (include := root.find(f"{_XS}include")) is not None:
        name = include.get("schemaLocation", "").lower()
        parts = [] if name in included else list(_document(files, name))
        included.add(name)
        place = root.index(include)
        root[place : place + 1] = parts
    _repair(root)
    return etree.XMLSchema(root)


def _document(files: dict[str, Path], name: str) -> Element:
    if name.lower() not in files:
        raise Unreadable("xsd", f"{name} is not among them")
    return parse(files[name.lower()].read_bytes(), name)


def _repair(schema: Element) -> None:
    """Make of schemas that .NET understands such as libxml2 understands, which mean the same but for look-aheads.

    In patterns, `^` and `$` are anchors to .NET and signs to libxml2, which always compares the whole text; it knows
    no look-ahead; and it refuses a choice in which the same element can be meant in two ways.
    """
    for pattern in schema.iter(f"{_XS}pattern"):
        bare = _LOOK_AHEAD.sub("", pattern.get("value", ""))
        pattern.set("value", bare.removeprefix("^").removesuffix("$"))
    for control in schema.iter(f"{_XS}complexType"):
        if control.get("name") == "FormXmlControlType":
            for parameters in control.iter(f"{_XS}element"):
                if parameters.get("name") == "parameters":
                    _flatten(parameters)


def _flatten(parameters: Element) -> None:
    """Let each of the elements that a choice of sequences names stand there, in any order."""
    kind = parameters.find(f"{_XS}complexType")
    if kind is None:
        return
    named = {one.get("name"): one for one in reversed(list(_outermost(kind)))}
    for child in list(kind):
        kind.remove(child)
    choice = etree.SubElement(kind, f"{_XS}choice", {"minOccurs": "0", "maxOccurs": "unbounded"})
    choice.extend(reversed(list(named.values())))


def _outermost(kind: Element) -> Iterator[Element]:
    for child in kind:
        if child.tag == f"{_XS}element":
            yield child
        else:
            yield from _outermost(child)
