"""Short ways to write XML as solution files have it: no declaration, texts as elements, the same bytes each time."""

from __future__ import annotations

from xml.etree.ElementTree import Element, indent, tostring

from solution.names import LANGUAGE

XSI = "http://www.w3.org/2001/XMLSchema-instance"


def node(tag: str, *children: Element | str, **attributes: str) -> Element:
    """Return an element; a string among the children is its text. A trailing `_` keeps attributes from keywords."""
    made = Element(tag, {name.rstrip("_"): value for name, value in attributes.items()})
    for child in children:
        if isinstance(child, str):
            made.text = child
        else:
            made.append(child)
    return made


def texts(**values: str) -> list[Element]:
    """Return an element for each, in this order."""
    return [node(tag, value) for tag, value in values.items()]


def localized(outer: str, inner: str, text: str) -> Element:
    """Return a list of labels in one language: `<outer><inner description= languagecode= /></outer>`."""
    return node(outer, node(inner, description=text, languagecode=LANGUAGE))


def labels(text: str) -> Element:
    return localized("labels", "label", text)


def display_names(text: str) -> Element:
    return localized("displaynames", "displayname", text)


def descriptions(text: str) -> Element:
    return localized("Descriptions", "Description", text)


def localized_names(text: str) -> Element:
    return localized("LocalizedNames", "LocalizedName", text)


def flag(is_so: object) -> str:
    return "1" if is_so else "0"


def render(root: Element) -> bytes:
    """Return the document, indented, without declaration and byte order mark."""
    indent(root)
    rendered: bytes = tostring(root, encoding="utf-8", xml_declaration=False)
    return rendered
