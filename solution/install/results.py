"""The result of an import in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

_FAILURE = "failure"
_MEANINGS = (
    (
        r"80071151|80048068|(another|previous) \[?(import|uninstall|solution)|already (in progress|running)",
        "Another import is under way in this organisation. Wait until it has ended and run the command again.",
    ),
    (
        r"8004801a|xsd validation failed",
        "The package's form is not the one this server knows. Report it to our support with this message.",
    ),
    (
        r"80048060|solution file is invalid",
        "The file is no solution package. Build or download it again.",
    ),
    (
        r"missing.*dependenc|dependencies are missing|8004801d|8004f036",
        "Something that the solution builds on is not in this organisation. Is Dynamics 365 Sales installed, and "
        "up to date?",
    ),
    (
        r"8004801c|80048062|publisher|prefix",
        "The publisher of the solution is here under other terms. Report it to our support with this message.",
    ),
    (
        r"80048543|timeout|timed out",
        "Dynamics took too long. Run the command again: what was imported is found.",
    ),
    (r"privilege|80040220", "The user may not import solutions. Give it the role System Administrator."),
)


def meaning_of(code: object, message: str) -> str:
    """Return what Dynamics said with what it means, if we know, and what to do.

    `code` is a number, with a sign as the server counts, or its hexadecimal form, or nothing.
    """
    known, said = hexadecimal(code), message.strip().rstrip(".")
    if known:
        said = f"{said} ({known})"
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, f"{known} {message}", re.IGNORECASE):
            return f"{said}. {meaning}"
    return f"{said}."


def hexadecimal(code: object) -> str:
    """Return an error code as documents name it (`0x80048060`); empty for none."""
    text = str(code or "").strip()
    if not text or text == "0":
        return ""
    try:
        return f"0x{int(text) & 0xFFFFFFFF:08x}"
    except ValueError:
        return text


def component_errors(data: str) -> Sequence[str]:
    """Return what went wrong by the log of an import job (XML), a sentence a component; nothing if it cannot be read.

    Every component has a `result` element; failed ones say why in `errorcode` and `errortext`.
    """
    try:
        root = ET.fromstring(data)  # noqa: S314 - Dynamics' own answer; expat refuses what would expand without end
    except ET.ParseError:
        return []
    found: dict[str, None] = {}
    for parent in root.iter():
        for result in parent.findall("result"):
            if result.get("result") == _FAILURE:
                name = parent.get("LocalizedName") or parent.get("name") or parent.get("id") or parent.tag
                words = meaning_of(result.get("errorcode") or "", result.get("errortext") or "no reason given")
                found[f"{name}: {words}"] = None
    return list(found)
