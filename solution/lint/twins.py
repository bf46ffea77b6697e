"""The comparison of a managed package with its unmanaged twin: they differ in the flag that says which is which."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from solution.lint.findings import Finding
from solution.lint.reading import MANIFEST, Contents, read
from solution.lint.trees import Element, text

RULES = {"twins": "A managed package and its unmanaged twin differ in the flag Managed and in nothing else."}
_MANAGED = "SolutionManifest/Managed"


def differences(managed: bytes, unmanaged: bytes) -> list[Finding]:
    """Return in what two packages differ beyond the flag. Raises nothing."""
    ours, theirs = read(managed), read(unmanaged)
    return [*ours.findings, *theirs.findings, *_differences(ours, theirs)]


def _differences(managed: Contents, unmanaged: Contents) -> Iterator[Finding]:
    for name in sorted(managed.parts.keys() ^ unmanaged.parts.keys()):
        which = "managed" if name in managed.parts else "unmanaged"
        yield Finding("twins", name, "", f"Only the {which} package has this file.")
    for name in sorted(managed.parts.keys() & unmanaged.parts.keys()):
        first, second = managed.documents.get(name), unmanaged.documents.get(name)
        if first is not None and second is not None:
            yield from _of_documents(name, first, second)
        elif managed.parts[name] != unmanaged.parts[name]:
            yield Finding("twins", name, "", "The packages hold different files of this name.")


def _of_documents(name: str, managed: Element, unmanaged: Element) -> Iterator[Finding]:
    if name == MANIFEST:
        for document, flag in ((managed, "1"), (unmanaged, "0")):
            if text(document, _MANAGED) != flag:
                yield Finding(
                    "twins", name, _MANAGED, f"Managed is {text(document, _MANAGED)!r}; it should be {flag}."
                )
    first, second = (_canonical(document).splitlines() for document in (managed, unmanaged))
    for line, (one, other) in enumerate(zip(first, second, strict=False), start=1):
        if one != other:
            message = f"The managed package has {one.strip()[:100]!r}, the unmanaged one {other.strip()[:100]!r}."
            yield Finding("twins", name, f"line {line}", message)
            return
    if len(first) != len(second):
        yield Finding("twins", name, "", "One package has more in this file than the other.")


def _canonical(document: Element) -> str:
    """Return a document without its flag, an element a line, equal if documents mean the same."""
    canonical = etree.tostring(document, method="c14n").decode()
    for flag in "01":
        canonical = canonical.replace(f"<Managed>{flag}</Managed>", "<Managed></Managed>")
    return canonical.replace("><", ">\n<")
