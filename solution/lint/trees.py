"""XML of packages: parsed without trusting it, and short ways to read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias, TypeVar

from lxml import etree
from lxml.etree import _Element

Element: TypeAlias = _Element
Named = TypeVar("Named")
_NAMING_ATTRIBUTES = ("PhysicalName", "Name", "name", "schemaName", "attribute", "id", "Id", "value", "Extension")
_NAMING_CHILDREN = ("Name", "UniqueName", "SiteMapUniqueName", "formid", "savedqueryid")
_WHOLE_NUMBER = re.compile(r"-?\d{1,20}")
_DECLARED = re.compile(r"""^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)""")


class Unreadable(Exception):
    """A document cannot be read; `rule` is the rule that it breaks."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def parse(content: bytes, name: str) -> Element:
    """Return the root of a document. Nothing outside of it is read and nothing in it is expanded.

    Raises Unreadable.
    """
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("xml-encoding", f"The file is not UTF-8 (byte {error.start}); exports are.") from error
    declared = _DECLARED.match(words[:200])
    if declared and declared[1].lower() not in ("utf-8", "utf8"):
        raise Unreadable("xml-encoding", f"The file declares the encoding {declared[1]!r}; exports are UTF-8.")
    # A parser of its own for each document: parsers of lxml keep the errors of what they read last.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(words.encode(), parser, base_url=name)
    except etree.XMLSyntaxError as error:
        raise Unreadable("xml-well-formed", f"The file is not well-formed XML: {error.msg}.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(
            "xml-doctype", "The file has a DOCTYPE, which no export has and which can hide other content."
        )
    return root


def text(element: Element, path: str = ".") -> str:
    """Return the text of the first element at `path`, without white space around it; empty if there is none."""
    found = element.find(path)
    return "" if found is None else (found.text or "").strip()


def number(words: str | None) -> int | None:
    """Return a whole number, None if it is none."""
    return int(words) if words is not None and _WHOLE_NUMBER.fullmatch(words) else None


def repeated(named: Iterable[tuple[Named, str]]) -> Iterator[tuple[Named, str]]:
    """Yield what has the name of an earlier one, upper and lower case being the same; what has no name is no such."""
    seen: set[str] = set()
    for one, name in named:
        key = name.lower()
        if key and key in seen:
            yield one, name
        seen.add(key)


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence, sorted."""
    return ", ".join(sorted(names))


def bare(identifier: str) -> str:
    """Return an id or a name as it is compared: in lower case, ids without braces."""
    return identifier.strip().strip("{}").lower()


def file_of(element: Element) -> str:
    """Return the name of the file that an element stands in."""
    return element.getroottree().docinfo.URL or ""


def place_of(element: Element) -> str:
    """Return where an element stands: `Entities/Entity[stl3_history]/Name (line 12)`."""
    steps = [_step(one) for one in (element, *element.iterancestors())][:-1]
    line = f"line {element.sourceline}" if element.sourceline else ""
    return f"{'/'.join(reversed(steps))} ({line})" if steps and line else "/".join(reversed(steps)) or line


def _step(element: Element) -> str:
    tag = str(element.tag).rpartition("}")[2]
    called = _called(element)
    if not called and element.getparent() is not None:
        before = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
        called = str(before + 1) if before or next(element.itersiblings(element.tag), None) is not None else ""
    return f"{tag}[{called}]" if called else tag


def _called(element: Element) -> str:
    for name in _NAMING_ATTRIBUTES:
        if found := element.get(name):
            return found
    return next((found for name in _NAMING_CHILDREN if (found := text(element, name))), "")
