"""`connector reference` between running processes: it asks, a worker does it, and the result is a table."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.columns import ACCOUNT_CODE, BRANDING_THEME, TAX_TYPE
from core.tables import Table
from core.vault import new_key
from tests.processes.city import City, open_city
from tests.processes.test_commands import run

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]
TAX_RATES = "GET /api.xro/2.0/TaxRates"


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    made = open_city(workers=1)
    yield made
    made.close()


def asked(city: City, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(city.stack.folder, "reference", *arguments, **city.stack.environment())


def counted(answer: str) -> list[dict[str, int]]:
    (only,) = json.loads(answer)
    return [step["counts"] for step in only["progress"]["steps"]]


def rows(city: City, table: Table) -> list[dict[str, Any]]:
    """The rows of the synchronisation; the company has one of its own."""
    return [row for row in city.rows(table.set_name) if row["stl3_key"].startswith(f"{city.company.connection_id}:")]


def act(city: City, action: str, **arguments: Any) -> None:
    city._control("POST", "xero", "act", {"tenant_id": city.company.tenant_id, "action": action, **arguments})


def test_before_the_first_time_it_says_so(city: City) -> None:
    done = asked(city, "show")

    assert done.returncode == 0
    assert "No synchronisation is known." in done.stdout


def test_it_is_done_when_the_command_ends(city: City) -> None:
    """Rule F3: on demand. The rows are there, and the table says how many of each."""
    done = asked(city, "sync")

    assert (done.returncode, done.stderr) == (0, "")
    made = [str(len(rows(city, table))) for table in (TAX_TYPE, ACCOUNT_CODE, BRANDING_THEME)]
    assert "0" not in made
    shown = [line.replace("│", " ").split() for line in done.stdout.splitlines()]
    assert ["State", "done", "done", "done"] in shown
    assert ["Created", *made] in shown
    assert ["Refused", "0", "0", "0"] in shown
    assert "200 - Sales" in {row["stl3_name"] for row in rows(city, ACCOUNT_CODE)}


def test_what_has_changed_is_counted_for_machines(city: City) -> None:
    """JSON alone on stdout; `show` tells the same afterwards."""
    asked(city, "sync")
    act(city, "archive_account", code="260")
    act(city, "alter_account", code="200", Name="Turnover")

    done = asked(city, "sync", "--json", "--connection", city.company.connection_id)

    assert done.returncode == 0
    taxes, accounts, themes = counted(done.stdout)
    assert (accounts["updated"], accounts["deactivated"], accounts["created"]) == (1, 1, 0)
    assert taxes["unchanged"] == len(rows(city, TAX_TYPE))
    assert themes["unchanged"] == len(rows(city, BRANDING_THEME))
    assert json.loads(asked(city, "show", "--json").stdout) == json.loads(done.stdout)
    assert "done" in asked(city, "show").stdout


def test_it_may_be_asked_for_without_waiting(city: City) -> None:
    act(city, "add_account", Code="298", Name="Fair", Type="REVENUE")

    done = asked(city, "sync", "--no-wait")

    assert done.returncode == 0
    assert "connector reference show" in done.stdout
    city.until(lambda: "298 - Fair" in {row["stl3_name"] for row in rows(city, ACCOUNT_CODE)}, "the account")


def test_a_lane_that_rests_is_told_and_not_waited_for(city: City) -> None:
    """Exit 1: it has not been done yet. Asking again tries at once."""
    headers = {"X-Rate-Limit-Problem": "day", "Retry-After": "1200"}
    city.inject("xero", match=TAX_RATES, kind="status-before", status=429, headers=headers)

    done = asked(city, "sync")

    assert done.returncode == 1
    assert "The lane rests until" in done.stderr
    assert "stays due" in done.stderr
    assert "interrupted" in done.stdout
    assert asked(city, "sync").returncode == 0


def test_a_step_that_fails_is_an_error(city: City) -> None:
    city.inject("xero", match=TAX_RATES, kind="status-before", status=404)

    done = asked(city, "sync", "--json")

    assert done.returncode == 1
    assert "Not everything could be done" in done.stderr
    (only,) = json.loads(done.stdout)
    assert [step["state"] for step in only["progress"]["steps"]] == ["failed", "done", "done"]


def _hears_ctrl_c() -> None:
    """Tests that run in the background of a shell ignore it, and what they start would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_without_a_worker_it_says_what_is_missing(city: City) -> None:
    """It waits on, and Ctrl-C ends the waiting: the worker does it when it comes."""
    city.stack.kill("work-1")
    act(city, "add_account", Code="297", Name="Stall", Type="REVENUE")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "cli", "reference", "sync"],
        cwd=city.stack.folder,
        env=dict(city.stack.environment()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 - nothing else runs in this process
    )
    assert waiting.stderr is not None

    line = waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    waiting.communicate(timeout=30)

    assert line.startswith("Nothing moves. Does `connector work` run?")
    assert waiting.returncode == 1
    city.stack.start("work-1")
    city.until(lambda: "297 - Stall" in {row["stl3_name"] for row in rows(city, ACCOUNT_CODE)}, "the account")


@pytest.mark.parametrize("command", ["sync", "show"])
def test_a_connection_that_is_unknown_is_told(city: City, command: str) -> None:
    done = asked(city, command, "--connection", "nope")

    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no connection nope" in done.stderr


@pytest.mark.parametrize("command", ["sync", "show"])
def test_without_redis_it_says_so(city: City, command: str, tmp_path: Path) -> None:
    wrong = {"REDIS_URL": f"unix://{tmp_path / 'none.sock'}?db=0", "TOKEN_KEYS": new_key()}

    done = run(city.stack.folder, "reference", command, **{**city.stack.environment(), **wrong})

    assert done.returncode == 1
    assert "Redis does not answer" in done.stderr
    assert "Traceback" not in done.stderr
