"""`connector bench latency`, as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.processes, pytest.mark.timeout(170)]


def test_latency_measures_both_ways_and_loses_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "bench", "latency", "--invoices", "3", "--per-second", "4", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["to_xero", "to_dynamics"]
    for way in found.values():
        assert (way["count"], way["missing"]) == (3, 0)
        assert 0 < way["p50_ms"] <= way["p90_ms"] <= way["p99_ms"] <= way["max_ms"]
