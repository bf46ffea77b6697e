"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tests.world import START, World


@pytest.fixture
def fresh_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Opens a new world at each call, with what differs from any other; the ones before it are forgotten.

    In the end no request to Xero of any of them may have been other than the published description says.
    """
    numbers = count()
    complaints: list[list[str]] = []
    with time_machine.travel(START, tick=False) as travel:

        def fresh(**different: Any) -> World:
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            opened = World(folder, travel, **different)
            complaints.append(opened.described.complaints)
            return opened

        yield fresh
    assert [complaint for each in complaints for complaint in each] == []


@pytest.fixture
def world(fresh_world: Callable[..., World]) -> World:
    """Both simulators joined by the pipeline, in this process, on a clock that stands still."""
    return fresh_world()
