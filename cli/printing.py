"""How commands print: JSON with exact numbers, small tables of what customers wrote, warnings beside the output."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import click
import simplejson
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_what_can_be_printed() -> None:
    """A terminal or log that does not know a character gets a question mark instead of the command's end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_json(document: Any) -> None:
    """Decimals keep their digits; dates and times are ISO."""
    is_ascii = not (sys.stdout.encoding or "").lower().startswith("utf")
    click.echo(simplejson.dumps(document, use_decimal=True, ensure_ascii=is_ascii, indent="  ", default=_plain))


def print_rows(console: Console, title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print labels and texts; nothing without rows. What people wrote is no markup."""
    if not rows:
        return
    table = Table(title=title or None, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")  # links are to be copied whole
    for label, text in rows:
        table.add_row(Text(label), Text(text))
    console.print(table)


def warn(failures: Iterable[str]) -> None:
    """Say on stderr what could not be asked."""
    for failure in failures:
        click.echo(f"Not asked: {failure}", err=True)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
