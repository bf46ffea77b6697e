"""The result of an import in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

_FAILURE = "failure"
_MEANINGS = (
    (
        r"8004801a|xsd validation failed",
        "The package's form is not the one this server knows. Report it to our support with this message.",
    ),
    (
        r"80048060|solution file is invalid",
        "The file is no solution package. Build or download it again.",
    ),
    (
        r"missing.*dependenc|80071151|8004f036",
        "Something that the solution builds on is not in this organisation. Is Dynamics 365 Sales installed, and "
        "up to date?",
    ),
    (
        r"80040216|publisher|prefix",
        "The publisher of the solution is here under other terms. Report it to our support with this message.",
    ),
    (
        r"80048068|already.*(progress|running)|another (import|solution operation)",
        "Another import is under way in this organisation. Wait until it has ended and run the command again.",
    ),
    (
        r"80048543|timeout|timed out",
        "Dynamics took too long. Run the command again: what was imported is found.",
    ),
    (r"privilege|80040220", "The user may not import solutions. Give it the role System Administrator."),
)


def meaning_of(code: str, message: str) -> str:
    """Return what Dynamics said with what it means, if we know, and what to do."""
    said = f"{message.strip().rstrip('.')} ({code})" if code else message.strip().rstrip(".")
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, f"{code} {message}", re.IGNORECASE):
            return f"{said}. {meaning}"
    return f"{said}."


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
