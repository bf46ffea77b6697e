"""Takes from a dead Redis what it had written last, as a power cut does: killing it alone loses nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n")


@dataclass(frozen=True)
class Mark:
    """How long the append-only file was at some moment."""

    file: Path
    size: int


def mark(data_dir: Path) -> Mark | None:
    """Return how long the file is that a running server appends to; None if there is none yet."""
    files = sorted((data_dir / "redis" / "appendonlydir").glob("*.incr.aof"), key=_number_of)
    return Mark(files[-1], files[-1].stat().st_size) if files else None


def cut_back(at: Mark) -> int:
    """Take away all that was appended after the mark, whole commands only; return how many bytes that were.

    The server has to be dead. If it has begun another file since, that one is newer as a whole, and none is cut.
    """
    files = sorted(at.file.parent.glob("*.incr.aof"), key=_number_of)
    if not files or files[-1] != at.file:
        return 0
    content = at.file.read_bytes()
    end = boundary(content, at.size)
    with at.file.open("r+b") as opened:
        opened.truncate(end)
    return len(content) - end


def boundary(content: bytes, offset: int) -> int:
    """Return where the first command begins at or after `offset`; the end if none does."""
    found = _COMMAND.search(content, offset)
    return found.start() if found else len(content)


def _number_of(file: Path) -> int:
    return int(file.name.split(".")[-3])
