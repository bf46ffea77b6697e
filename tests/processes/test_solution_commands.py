"""`connector solution` as an administrator types it, against the simulators' own process over TLS."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from core import columns
from demo.company import ADMIN_APP, CONNECTOR_APP, Company
from demo.stack import Stack
from solution.webhook import ENDPOINT_ID, STEPS

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]


class Place:
    """A Dynamics organisation, and a shell in which commands of the connector are typed."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.dynamics = stack.addresses["dynamics"]
        self.directory = {"tenant_id": stack.addresses["directory"]}
        self.admin = stack.folder / "administrator.json"
        self.admin.write_text(json.dumps(self.directory | ADMIN_APP))

    def found(self) -> None:
        """Let there be an administrator and the connector's app, which has no rights yet."""
        for app, roles in ((CONNECTOR_APP, []), (ADMIN_APP, ["System Administrator"])):
            self.control("apps", self.directory | app)
            self.control("app-users", {"client_id": app["client_id"], "roles": roles})
        self.control("import-switches", {"duration_s": 0.5})

    def control(self, path: str, document: dict[str, Any]) -> Any:
        verify = self.stack.addresses["ca_bundle"]
        answer = requests.post(f"{self.dynamics}/_control/{path}", json=document, verify=verify, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def rows(self, set_name: str) -> list[dict[str, Any]]:
        verify = self.stack.addresses["ca_bundle"]
        answer = requests.get(f"{self.dynamics}/_control/rows/{set_name}", verify=verify, timeout=10)
        answer.raise_for_status()
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    def solution(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "solution", *arguments],
            env=self.stack.environment(),
            cwd=self.stack.folder,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    def here(self, command: str, *more: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        where = ["--url", self.dynamics, "--app", CONNECTOR_APP["client_id"], "--admin", str(self.admin)]
        return self.solution(command, *where, *more, typed=typed)


@pytest.fixture
def place() -> Iterator[Place]:
    stack = Stack()
    try:
        stack.start_simulators()
        place = Place(stack)
        place.found()
        yield place
    finally:
        stack.stop()
        stack.remove_data()


def test_installed_verified_damaged_repaired_and_removed(place: Place) -> None:
    installed = place.here("install")
    assert (installed.returncode, installed.stdout) == (0, "")
    assert installed.stderr.splitlines()[-1] == "Verified"
    assert "The connector's user has got the role Stellarise Connector" in installed.stderr
    (endpoint,) = place.rows("serviceendpoints")
    assert endpoint["url"].startswith(f"{place.stack.web}/webhooks/dynamics/")
    assert "authvalue" not in installed.stderr
    again = place.here("install", "--json")
    assert again.returncode == 0
    organization_id = place.rows("organizations")[0]["organizationid"]
    made = {"solution": "StellariseConnector", "version": "1.0.0.0", "managed": True, "steps_in_solution": True}
    assert json.loads(again.stdout) == made | {"organization_id": organization_id}
    assert len(place.rows("importjobs")) == 1

    assert place.here("verify").stdout == "Everything is as the solution says\n"
    step = STEPS[0].id
    place.control(
        "overwrite", {"set": "sdkmessageprocessingsteps", "id": step, "row": {"statecode": 1, "statuscode": 2}}
    )
    place.control("overwrite", {"set": "serviceendpoints", "id": ENDPOINT_ID, "row": {"url": "https://elsewhere"}})
    damaged = place.here("verify", "--json")
    assert damaged.returncode == 1
    assert {drift["kind"] for drift in json.loads(damaged.stdout)} == {"endpoint", "step"}
    shown = place.here("verify")
    assert (shown.returncode, "it is off" in shown.stdout) == (1, True)
    repaired = place.here("verify", "--repair")
    assert (repaired.returncode, repaired.stdout) == (0, "Everything is as the solution says\n")

    assert place.here("uninstall", typed="n\n").returncode == 1
    assert len(place.rows(columns.DETAILS.set_name)) == 0
    removed = place.here("uninstall", "--yes")
    assert (removed.returncode, removed.stderr.splitlines()[-1]) == (0, "Removed")
    again = place.here("uninstall", "--yes", "--json")
    assert (again.returncode, again.stderr.splitlines()[-1]) == (0, "The solution is not in this organisation")
    assert json.loads(again.stdout) == {
        "solution": "StellariseConnector",
        "organization_id": organization_id,
        "removed": False,
    }
    assert place.here("verify").returncode == 1


def test_webhooks_by_the_web_api_alone_and_the_rows_of_a_connection(place: Place) -> None:
    """For who imports the package by hand: the address, the secret and the steps come afterwards."""
    place.solution("build", "--out", str(place.stack.folder))
    (managed,) = place.stack.folder.glob("*_managed.zip")
    import_by_hand(place, managed)
    assert {row["statecode"] for row in place.rows("sdkmessageprocessingsteps")} == {1}

    set_up = place.here("verify", "--webhooks", "api")

    assert set_up.returncode == 1
    assert "the connector's user does not have it" in set_up.stdout
    assert {row["statecode"] for row in place.rows("sdkmessageprocessingsteps")} == {0}
    assert place.here("install").returncode == 0


def test_of_a_connection_the_record_and_the_settings_come_back() -> None:
    """And its own rights are enough to look."""
    stack = Stack()
    try:
        stack.start_simulators()
        company = Company(stack)
        company.found()
        stack.start("redis")
        company.join()
        place, connection = Place(stack), ("--connection", company.connection_id)
        looked = place.solution("verify", *connection)
        assert (looked.returncode, looked.stdout) == (0, "Everything is as the solution says\n")
        for command in (("install",), ("uninstall", "--yes")):
            refused = place.solution(*command, *connection)
            assert refused.returncode == 1
            assert "is missing. This is an administrator's work: see that --admin names an app that" in refused.stderr
            assert "Give it the connector's security role" not in refused.stderr
        as_admin = (*connection, "--admin", str(place.admin))
        assert place.solution("uninstall", *as_admin, "--yes").returncode == 0

        installed = place.solution("install", *as_admin)

        assert installed.stderr.splitlines()[-1] == "The connector's record and settings are there"
        (record,) = place.rows(columns.CONNECTOR.set_name)
        (settings,) = place.rows(columns.SETTINGS.set_name)
        assert record[columns.CONNECTOR.id_column] == company.connection_id
        assert settings["stl3_connectionid"] == company.connection_id
        assert settings["_stl3_connector_value"] == company.connection_id
    finally:
        stack.stop()
        stack.remove_data()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["install"], "Say which organisation: --connection, or all of --url, --app and --admin."),
        (["install", "--connection", "none"], "There is no connection none."),
        (["verify", "--url", "https://contoso.example"], "Say which organisation"),
        (["install", "--version", "1.2"], "a version has four numbers, such as 1.0.0.0"),
        (["build", "--version", "1.2.x.0"], "a version has four numbers"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_done(place: Place, arguments: list[str], words: str) -> None:
    refused = place.solution(*arguments)

    assert refused.returncode != 0
    assert words in refused.stderr
    assert place.rows("importjobs") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "lacks tenant_id, client_id, client_secret"),
        ('{"client_id": "x"}', "lacks tenant_id"),
    ],
)
def test_a_file_of_an_administrator_that_is_none(place: Place, content: str, words: str) -> None:
    place.admin.write_text(content)

    refused = place.here("install")

    assert refused.returncode == 1
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_administrator_whose_secret_is_wrong(place: Place) -> None:
    place.admin.write_text(
        json.dumps({"tenant_id": place.stack.addresses["directory"], **ADMIN_APP, "client_secret": "x"})
    )

    refused = place.here("install")

    assert refused.returncode == 1
    assert "does not accept the client secret" in refused.stderr


def import_by_hand(place: Place, package: Path) -> None:
    """What the maker portal does when plug-in steps are left off."""
    content = base64.b64encode(package.read_bytes()).decode()
    place.control("import-solution", {"package": content, "enable_steps": False})
