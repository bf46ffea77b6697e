"""Texts as Xero takes them: cut at a word, first lines."""

from __future__ import annotations

WORD_MAX = 100


def cut(text: str, length: int) -> str:
    """Return at most `length` characters, cut after a word; within one only where it is longer than words are."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    words = kept if text[length - 1].isspace() else kept.removesuffix(kept.split()[-1])
    return (words if length - len(words) <= WORD_MAX else kept).rstrip() + "…"


def first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip() if text.strip() else ""
