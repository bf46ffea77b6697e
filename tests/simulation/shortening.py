"""Makes a failing story short: leaves out acts and faults, many at once first, as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.fault_plan import Step


def shorten(steps: Sequence[Step], fails: Callable[[frozenset[Step]], bool], *, tries: int) -> frozenset[Step]:
    """Return the steps that need not happen. `fails` tells whether the story without these steps still fails.

    At most `tries` stories are tried, so that what is left may not be the very least.
    """
    out: frozenset[Step] = frozenset()
    kept = list(steps)
    size = max(1, len(kept) // 2)
    while tries > 0 and kept:
        start = 0
        while start < len(kept) and tries > 0:
            part = kept[start : start + size]
            tries -= 1
            if fails(out | frozenset(part)):
                out |= frozenset(part)
                kept = kept[:start] + kept[start + size :]
            else:
                start += size
        if size == 1:
            break
        size = max(1, size // 2)
    return out
