"""Packages for tests of the linter: ours, opened, spoilt and packed again."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from lxml import etree

from solution import package
from solution.lint.reading import CONTENT_TYPES, CUSTOMIZATIONS, MANIFEST
from solution.lint.trees import Element

REFERENCE = Path(__file__).resolve().parents[2].parent / "shared" / "reference"
SCHEMAS = REFERENCE / "solution-xsd" / "9.0.0.2090"
SAMPLES = REFERENCE / "solution-samples"
Documents = dict[str, Element]
Spoil = Callable[[Documents], None]


@cache
def ours(*, managed: bool) -> bytes:
    return package.build(managed=managed)


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def unzipped(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def spoilt(spoil: Spoil, *, managed: bool = False) -> bytes:
    """Return our package with what `spoil` does to its documents."""
    documents = {name: etree.fromstring(content) for name, content in unzipped(ours(managed=managed)).items()}
    spoil(documents)
    return zipped({name: etree.tostring(root) for name, root in documents.items()})


def _found(documents: Documents, path: str) -> list[Element]:
    name, _, inner = path.partition("//")
    root = documents[{"": CUSTOMIZATIONS, "solution": MANIFEST, "types": CONTENT_TYPES}[name]]
    found = root.xpath(f".//{inner}")
    assert isinstance(found, list), path
    assert found, f"nothing at {path}"
    return [one for one in found if isinstance(one, Element)]


def say(path: str, words: str) -> Spoil:
    """Put a text into the element at `path`: an XPath, `solution//` and `types//` lead into the other documents."""

    def spoil(documents: Documents) -> None:
        _found(documents, path)[0].text = words

    return spoil


def mark(path: str, name: str, value: str | None) -> Spoil:
    """Give the element at `path` an attribute, or take it away."""

    def spoil(documents: Documents) -> None:
        element = _found(documents, path)[0]
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return spoil


def drop(path: str) -> Spoil:
    """Take away every element at `path`."""

    def spoil(documents: Documents) -> None:
        for element in _found(documents, path):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)

    return spoil


def add(path: str, xml: str, *, first: bool = False) -> Spoil:
    """Put XML into the element at `path`, behind all else there or before it."""

    def spoil(documents: Documents) -> None:
        element = _found(documents, path)[0]
        element.insert(0 if first else len(element), etree.fromstring(xml))

    return spoil


def twice(path: str) -> Spoil:
    """Repeat the element at `path` behind itself."""

    def spoil(documents: Documents) -> None:
        element = _found(documents, path)[0]
        element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))

    return spoil


def to_front(path: str) -> Spoil:
    """Put the element at `path` before all others beside it."""

    def spoil(documents: Documents) -> None:
        element = _found(documents, path)[0]
        parent = element.getparent()
        assert parent is not None
        parent.insert(0, element)

    return spoil


def both(*spoils: Spoil) -> Spoil:
    def spoil(documents: Documents) -> None:
        for one in spoils:
            one(documents)

    return spoil
