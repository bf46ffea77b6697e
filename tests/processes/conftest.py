"""Fixtures that the tests through processes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes.city import Cities, open_city, shared_cities


@pytest.fixture(scope="module")
def cities(request: pytest.FixtureRequest) -> Iterator[Cities]:
    """Where everything hears of what happens, and one worker works."""
    yield from shared_cities(request.session, lambda: open_city(workers=1))
