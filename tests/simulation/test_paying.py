"""Rules D1 to D9 and E0 to E12 under whatever order of acts, events, faults and deaths: all is as it must be at rest.

Dynamics says what Xero says; what was cancelled or deleted is ended in Xero as the rules say; the books add up.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.simulation.paying import Paying

TestPaying = Paying.TestCase
TestPaying.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
