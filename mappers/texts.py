"""Texts as the two systems take them: how long they are there, cut at a word, first lines."""

from __future__ import annotations

WORD_MAX = 100
_ONE_UNIT = "\uffff"  # the last character that UTF-16 writes with one unit; emoji take two


def width(text: str) -> int:
    """Return how long a text is for .NET, in which both systems are written: in units of UTF-16."""
    return len(text) + sum(character > _ONE_UNIT for character in text)


def clip(text: str, length: int) -> str:
    """Return the beginning of a text, `length` units of UTF-16 at most; no character is halved."""
    if width(text) <= length:
        return text
    room = length
    for place, character in enumerate(text):
        room -= 2 if character > _ONE_UNIT else 1
        if room < 0:
            return text[:place]
    return text


def cut(text: str, length: int) -> str:
    """Return a text of at most `length`, cut after a word; within one only where it is longer than words are."""
    if width(text) <= length:
        return text
    kept = clip(text, length - 1)
    is_whole = text[len(kept)].isspace() or not kept.strip()
    words = kept if is_whole else kept.removesuffix(kept.split()[-1])
    return (words if width(kept) - width(words) <= WORD_MAX else kept).rstrip() + "…"


def first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip() if text.strip() else ""
