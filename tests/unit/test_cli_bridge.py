"""`connector bridge` and the doctor, when something that the bridge needs is missing or wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine

from cli.bridge import hosts_in
from cli.doctor import examine
from cli.main import main
from core.connections import Connections
from core.errors import Transient
from core.settings import read_settings
from tests.unit.webhook_world import ORGANISATION

CONNECTION = "Endpoint=sb://bus.example;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0LWtleQ=="


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SERVICEBUS_CONNECTION", "SERVICEBUS_QUEUE", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def run() -> Result:
    return CliRunner().invoke(main, ["bridge"])


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "SERVICEBUS_CONNECTION and SERVICEBUS_QUEUE"),
        ({"SERVICEBUS_CONNECTION": CONNECTION}, "SERVICEBUS_QUEUE"),
        ({"SERVICEBUS_QUEUE": "dynamics"}, "SERVICEBUS_CONNECTION"),
    ],
)
def test_missing_settings_are_told_before_anything_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    result = run()

    assert result.exit_code == 1
    assert f"The bridge needs {missing}." in result.output
    assert "c2VjcmV0LWtleQ" not in result.output


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICEBUS_CONNECTION", CONNECTION)
    monkeypatch.setenv("SERVICEBUS_QUEUE", "dynamics")
    monkeypatch.setitem(sys.modules, "azure.servicebus", None)  # as it is where the package is not installed

    result = run()

    assert result.exit_code == 1
    assert "pip install connector-dynamics-xero[bridge]" in result.output


def test_the_doctor_looks_at_the_bus_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    without = {check.what for check in examine()}
    monkeypatch.setenv("SERVICEBUS_QUEUE", "dynamics")
    [check] = [check for check in examine() if check.what == "Service Bus"]

    assert "Service Bus" not in without
    assert (check.is_fine, "SERVICEBUS_CONNECTION" in check.said) == (False, True)


def test_f09_a_database_that_is_away_is_no_unknown_organisation() -> None:
    """F09: there is no table in this one."""
    find_hosts = hosts_in(Connections(create_engine("sqlite://")))

    with pytest.raises(Transient, match="database"):
        find_hosts(ORGANISATION)


def test_the_key_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICEBUS_CONNECTION", CONNECTION)

    assert "c2VjcmV0LWtleQ" not in repr(read_settings(None))
