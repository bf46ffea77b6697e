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
BACK = (
    ("Approved in Xero", "Fourth Coffee", "invoice active, [1-9]"),
    ("Paid in Xero", "Litware Interiors", "invoice paid, 0.00 due"),
    ("Paid in part in Xero", "Adventure Works Cycles", "invoice active, [1-9]"),
    ("Paid in Xero", "Northwind Traders", "invoice paid, 0.00 due"),
    ("Payment removed in Xero", "Northwind Traders", "invoice active, [1-9]"),
    ("Voided in Xero", "Blue Yonder Airlines", "invoice active, 0.00 due"),
    ("Credited in full in Xero", "Adventure Works Cycles", "invoice active, 0.00 due"),
    ("Paid in Xero", "Adventure Works Cycles", "invoice paid, 0.00 due"),
)
ENDED = (
    ("Draft cancelled in Dynamics", "Litware Interiors", "draft deleted"),
    ("Cancelled in Dynamics", "Fourth Coffee", r"CN-INV-\d+ applied"),
    ("Deleted in Dynamics", "Litware Interiors", r"CN-INV-\d+ applied"),
)
pytestmark = [pytest.mark.processes, pytest.mark.timeout(170)]


def test_once_runs_the_story_and_exits_with_0() -> None:
    """One of each kind: broken ones, of which one is repaired, waiting ones, a draft that is changed (rule C61).

    Then what happens in Xero comes back: an approval, payments, one removed again, a void, a credit note. And what
    is cancelled and deleted in Dynamics ends in Xero (rules E1 and E2).
    """
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo", "--once"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "17 of 17 invoices are where they should be; 5 of 5 balances agree" in done.stdout
    assert re.search(r"✓ \S+ +One piece more on the draft for Fourth Coffee: in Xero after", done.stdout)
    assert "Xero says: Account code '299' is not" in done.stdout
    assert re.search(r"✓ \S+ +Account to be corrected for Fourth Coffee: failed", done.stdout)
    assert re.search(r"✓ \S+ +Corrected and set to No for Fourth Coffee: in Xero after", done.stdout)
    for act, customer, after in BACK:
        assert re.search(rf"✓ \S+ +{act} for {customer}: in Dynamics after \d+ ms, {after}", done.stdout), act
    for act, customer, after in ENDED:
        assert re.search(rf"✓ \S+ +{act} for {customer}: in Xero after \d+ ms, {after}, 0.00 due", done.stdout), act
    assert re.search(r"Act in Dynamics to Xero: median \d+ ms", done.stdout)
    assert re.search(r"Act in Xero to Dynamics: median \d+ ms", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 150


def test_ctrl_c_stops_every_process_that_it_started() -> None:
    """It stays up with commands that work in another shell, until a signal; then nothing of it is left."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--invoices", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    folder, commands = "", []
    for line in demo.stdout:
        if line.strip().startswith("logs "):
            folder = line.split()[-1]
        if line.startswith("  set -a") or commands:
            commands.append(line.strip())
        if line.strip() == "connector doctor":
            break
    assert len(_processes_of(folder)) >= 7
    shell = {"PATH": "/usr/bin:/bin", "REDIS_URL": "redis://elsewhere.example", "COLUMNS": "150"}
    asked = subprocess.run(
        ["sh", "-ec", "\n".join(commands)],
        cwd=folder,
        env=shell,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("It is in Xero: INV-0001, Authorised.")

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
