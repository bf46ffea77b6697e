"""Xero's tracking categories with their options, found whatever the case and spaces in which they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Category:
    """A category that can be used.

    `options`: Xero's spelling of each by its folded name; `archived`: the folded names of those out of use.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    archived: tuple[str, ...] = ()


Tracking = Mapping[str, Category]  # by folded name


def folded(name: str) -> str:
    """Return what two spellings of one name have in common."""
    return " ".join(name.split()).casefold()
