"""How many examples the tests try that make up their input; more of them when asked for.

Fifty times as many as usual, with no end to how long a test may take:
`python -m pytest -p tests.unit.soaking --hypothesis-profile=soak --timeout=0 tests/unit/test_webhooks_fuzz.py`.
With any other profile of Hypothesis the number is in proportion to what that has.
"""

from __future__ import annotations

from typing import Final

from hypothesis import settings

settings.register_profile("soak", max_examples=5_000, deadline=None)

USUAL: Final = 100  # what Hypothesis has if nobody says anything


def many(usual: int) -> settings:
    """Return settings for so many examples, or for more when the profile says so; without any limit of time."""
    return settings(max_examples=max(usual, usual * settings.default.max_examples // USUAL), deadline=None)


def is_soaking() -> bool:
    return settings.default.max_examples > USUAL
