"""Time zones by their IANA names, and words that help whoever wrote another name."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

EXAMPLE = "Europe/London"


def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of this IANA name, or None; never looks for a file that is no zone."""
    return ZoneInfo(name) if name in _names() else None


def unknown_zone(name: str) -> str:
    """Return what is wrong with a name that is no zone's, with the one that was probably meant or an example."""
    spelled = name.strip().replace(" ", "_").casefold()
    by_folded = {known.casefold(): known for known in _names()}
    # Between short names such as BST and MST letters alone are no likeness.
    close = [spelled] if spelled in by_folded else get_close_matches(spelled, filter(_is_long, by_folded), n=1)
    hint = f"did you mean {by_folded[close[0]]}?" if close else f"write an IANA name such as {EXAMPLE}."
    return f"“{name}” is not a time zone: {hint}"


def _is_long(name: str) -> bool:
    """Whether it says a region and a place."""
    return "/" in name


@cache
def _names() -> frozenset[str]:
    """The list is read from the disk, so it is read once. "Factory" and "localtime" say nothing."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}
