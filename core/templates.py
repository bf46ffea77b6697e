"""Templates: a column of Dynamics, or a text with columns in braces, of which a field in Xero is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MARK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,127}")  # Dataverse's logical names


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table in Dynamics, both by their logical names."""

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Texts and columns in their order; without parts there is none."""

    parts: tuple[str | Column, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(part for part in self.parts if isinstance(part, Column))


NOTHING = Template()


def read_template(text: str, tables: Mapping[str, str]) -> tuple[Template, list[str]]:
    """Return the template of a text and what is wrong with it, each in words that follow "place: ".

    `tables` are the tables that it may read by the prefix that names them, the one of unprefixed columns by "".
    """
    if "{" not in text and "}" not in text:
        if " " in text.strip() or not text.strip():
            return NOTHING, [
                f"“{text}” is neither the logical name of a column, such as new_ponumber, nor a text with a column "
                "in braces, such as PO {new_ponumber}."
            ]
        column, wrong = _column(text.strip(), tables)
        return Template((column,)) if column else NOTHING, wrong
    parts: list[str | Column] = []
    mistakes: list[str] = []
    for part, mistake in _parts(text, tables):
        if mistake:
            mistakes.append(mistake)
        elif isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part:
            parts.append(part)
    template = Template(tuple(parts))
    if not template.columns and not mistakes:
        mistakes.append(f"“{text}” has no column in braces, such as {{new_ponumber}}.")
    return template, mistakes


def _parts(text: str, tables: Mapping[str, str]) -> Iterator[tuple[str | Column | None, str]]:
    """Yield each part, or None and what is wrong with it."""
    position = 0
    for mark in _MARK.finditer(text):
        yield text[position : mark.start()], ""
        position = mark.end()
        if mark[0] in ("{{", "}}"):
            yield mark[0][0], ""
        elif mark[1] is None:
            what = "is not closed" if mark[0] == "{" else "closes nothing"
            where = f"the brace at character {mark.start() + 1} of “{text}”"
            yield None, f"{where} {what}. A brace of the text is written twice."
        else:
            column, wrong = _column(mark[1].strip(), tables)
            yield column, " ".join(wrong)
    yield text[position:], ""


def _column(text: str, tables: Mapping[str, str]) -> tuple[Column | None, list[str]]:
    prefix, dot, name = text.rpartition(".")
    if (dot and not prefix) or prefix not in tables:
        possible = [f"“{each}.”" for each in tables if each]
        hint = f"Possible is {' or '.join(possible)}." if possible else "Columns stand here without one."
        return None, [f"“{text}”: the prefix “{prefix}.” is not possible here. {hint}"]
    if not _NAME.fullmatch(name):
        lower = name.strip().lower()
        hint = f" Is it {lower}?" if _NAME.fullmatch(lower) else ""
        return None, [
            f"“{name}” is not the logical name of a column: these are lower-case letters, digits and underscores, "
            f"such as new_ponumber.{hint}"
        ]
    return Column(tables[prefix], name), []
