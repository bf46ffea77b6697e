"""`connector solution build` and `lint`: files, exit codes, what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from core.vault import new_key
from solution.package import build, sha256

APP = "11111111-0000-4000-8000-0000000000a1"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["solution", *arguments])


def test_both_packages_are_written_with_their_sums(tmp_path: Path) -> None:
    result = run("build", "--out", str(tmp_path / "new"))

    assert result.exit_code == 0
    managed, unmanaged = result.stdout.splitlines()
    assert managed == f"{sha256(build(managed=True))}  {tmp_path}/new/StellariseConnector_1_0_0_0_managed.zip"
    assert unmanaged == f"{sha256(build(managed=False))}  {tmp_path}/new/StellariseConnector_1_0_0_0.zip"
    assert {file.name for file in (tmp_path / "new").iterdir()} == {
        "StellariseConnector_1_0_0_0_managed.zip",
        "StellariseConnector_1_0_0_0.zip",
    }


def test_the_figures_come_as_json(tmp_path: Path) -> None:
    made = json.loads(run("build", "--out", str(tmp_path), "--version", "1.2.3.4", "--json").stdout)

    assert [(one["managed"], Path(one["file"]).name) for one in made] == [
        (True, "StellariseConnector_1_2_3_4_managed.zip"),
        (False, "StellariseConnector_1_2_3_4.zip"),
    ]
    assert [one["sha256"] for one in made] == [sha256(Path(one["file"]).read_bytes()) for one in made]


@pytest.mark.parametrize("managed", [True, False])
def test_of_our_packages_the_linter_says_nothing(tmp_path: Path, *, managed: bool) -> None:
    (tmp_path / "ours.zip").write_bytes(build(managed=managed))

    result = run("lint", str(tmp_path / "ours.zip"))

    assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/ours.zip: nothing to complain of\n")
    assert json.loads(run("lint", str(tmp_path / "ours.zip"), "--json").stdout) == []


def test_what_is_wrong_is_named_and_the_exit_code_is_1(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")

    result = run("lint", str(tmp_path / "bad.zip"))

    assert result.exit_code == 1
    assert "no zip" in result.stdout
    (finding,) = json.loads(run("lint", str(tmp_path / "bad.zip"), "--json").stdout)
    assert finding["rule"] == "zip"


def test_a_file_that_is_not_there_is_said() -> None:
    result = run("lint", "nowhere.zip")

    assert result.exit_code == 2
    assert "nowhere.zip" in result.stderr


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = run("build", "--out", str(tmp_path / "file" / "below"))

    assert result.exit_code == 1
    assert "Not a directory" in result.stderr


@pytest.mark.parametrize("version", ["1.2", "1.2.3.x", "²³.1.1.1", "1.2.3.4.5", ""])
def test_a_version_that_is_none(tmp_path: Path, version: str) -> None:
    result = run("build", "--out", str(tmp_path), "--version", version)

    assert result.exit_code == 2
    assert "a version has four numbers" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_its_webhook_the_package_is_as_sound(tmp_path: Path) -> None:
    (managed, _) = json.loads(run("build", "--out", str(tmp_path), "--without-webhook", "--json").stdout)

    assert managed["sha256"] == sha256(build(managed=True, webhook=False)) != sha256(build(managed=True))
    assert run("lint", managed["file"]).exit_code == 0


@pytest.mark.parametrize(
    ("url", "app", "words"),
    [
        ("http://contoso.crm4.dynamics.com", APP, "begins with https://"),
        ("contoso.crm4.dynamics.com", APP, "begins with https://"),
        ("https://", APP, "begins with https://"),
        ("https://contoso.crm4.dynamics.com", APP, "which Dynamics cannot reach"),
        ("https://contoso.crm4.dynamics.com", "me or isdisabled eq false", "is not a valid UUID"),
    ],
)
def test_addresses_and_ids_are_looked_at_before_anybody_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, app: str, words: str
) -> None:
    """H6: no token and no secret in clear, and no webhook that points at this machine."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TOKEN_KEYS", new_key())
    (tmp_path / "admin.json").write_text(json.dumps({"tenant_id": "t", "client_id": "c", "client_secret": "s"}))

    result = run("install", "--url", url, "--app", app, "--admin", str(tmp_path / "admin.json"))

    assert result.exit_code != 0
    assert words in result.stderr
