"""Rules D1 to D9 under whatever order of acts, events, faults and deaths: Dynamics ends by saying what Xero says."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.simulation.paying import Paying

TestPaying = Paying.TestCase
TestPaying.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
