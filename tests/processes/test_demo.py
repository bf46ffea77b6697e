"""`connector demo`, as a visitor runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.processes, pytest.mark.timeout(170)]


def test_once_runs_the_story_and_exits_with_0() -> None:
    """Ten invoices of ten kinds, one broken on purpose, two that wait: each ends where it should."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo", "--once", "--invoices", "10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 of 10 invoices are where they should be" in done.stdout
    unfolded = re.sub(r"[\s│]+", "", done.stdout)
    assert "Xerosays:Accountcode'299'isnotavalidcode" in unfolded


def test_ctrl_c_stops_every_process_that_it_started() -> None:
    """It stays up with the addresses until a signal, then nothing of it is left."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--invoices", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    folder = ""
    for line in demo.stdout:
        if line.strip().startswith("logs "):
            folder = line.split()[-1]
            break
    assert len(_processes_of(folder)) >= 7

    demo.send_signal(signal.SIGINT)
    demo.stdout.read()

    assert demo.wait(30) == 0
    demo.stdout.close()
    assert _processes_of(folder) == []
    assert not Path(folder).exists()


def _processes_of(folder: str) -> list[int]:
    """The processes whose environment names the demo's folder."""
    assert folder
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"DATA_DIR={folder}".encode() in environment.split(b"\0") and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found
