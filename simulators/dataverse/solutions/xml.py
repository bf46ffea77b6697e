"""Short ways to read the solution files' XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

LANGUAGE = "1033"


def text(element: Element, path: str, default: str = "") -> str:
    """Return the text at a path, without blanks around it."""
    return (element.findtext(path) or default).strip()


def flag(element: Element, path: str, *, default: bool = False) -> bool:
    """Read 1/0 or true/false."""
    found = text(element, path).lower()
    return found in ("1", "true") if found else default


def number(element: Element, path: str) -> int | None:
    found = text(element, path)
    return int(found) if found else None


def guid(value: str | None) -> str:
    """Return an id without braces, in lower case."""
    return (value or "").strip().strip("{}").lower()


def label(element: Element, path: str) -> str:
    """Return the description in our language below a path such as `LocalizedNames/LocalizedName`, or the first."""
    found = element.findall(path)
    chosen = next((one for one in found if one.get("languagecode") == LANGUAGE), found[0] if found else None)
    return (chosen.get("description") or "") if chosen is not None else ""


def as_text(element: Element | None) -> str:
    """Return an element as XML, without what stands behind it."""
    if element is None:
        return ""
    tail, element.tail = element.tail, None
    try:
        return tostring(element, encoding="unicode")
    finally:
        element.tail = tail
