"""Fixtures that many tests share."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import count, groupby
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tests.logs import log_plainly
from tests.world import START, World


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that start processes, which mostly wait, among those that reckon: several run side by side."""
    files = {path: list(group) for path, group in groupby(items, lambda item: item.path)}
    waiting = [path for path, group in files.items() if group[0].get_closest_marker("processes")]
    reckoning = [path for path in files if path not in waiting]
    reckoning.sort(key=lambda path: "simulation" not in path.parts)  # which take longest
    every = max(1, len(reckoning) * 2 // 3 // max(1, len(waiting)))  # so that none of them begins near the end
    order: list[Path] = []
    for number, path in enumerate(reckoning):
        order += [waiting.pop(0)] if waiting and number % every == 0 else []
        order.append(path)
    items[:] = [item for path in (*order, *waiting) for item in files[path]]


def pytest_configure() -> None:
    log_plainly()


def pytest_collection_finish() -> None:
    """What was imported lives until the end: looking for cycles in it at each collection took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
