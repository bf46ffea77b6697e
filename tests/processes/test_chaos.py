"""A small chaos, and the parts that make it: everything is killed, frozen and cut off; nothing is lost or doubled.

F20, F21, F22, F23, F24, F25, F26, F40, F41, F53, F61: see the docstrings. The large one is `make chaos`.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from simulators.clock import Clock
from simulators.serve import Server
from simulators.tls import create_loopback_tls
from tests.chaos import aof
from tests.chaos.driver import Options, Run
from tests.chaos.proxy import AFTER, BEFORE, CUTS, MIDDLE, Proxies, Proxy, Records, Weather, end_of_handshake
from tests.processes.redis_world import running_redis

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


def test_a_small_chaos_loses_and_doubles_nothing() -> None:
    """Forty invoices, ten kills and more; people stop wherever they are when these are done.

    F20: SIGKILL at any moment. F21, F22: of the dispatcher, of a worker with messages. F23: a worker is frozen past
    its lease. F24, F25: another one, and the poll, take over. F26: Redis is killed, loses its last second, and
    everything. F40, F41, F61: connections are cut before a request, after it, and in its answer.
    """
    options = Options(
        invoices=40,
        kill_every_s=1.0,
        kills_min=10,
        save_s=6.0,
        longest_s=18.0,
        poll_interval_s=3,
        freeze_every_s=2.0,
        freeze_s=(16.0, 16.5),
        hurry=False,
        pace=0.15,
    )

    state = Run(options, lambda _state: None).run()

    assert state.findings == [], state.logs
    assert state.acts["save"] == state.in_xero == state.agreed == 40
    assert state.tally.kills.total() >= 10
    assert state.tally.kills["redis"] >= 1
    assert state.tally.flushes == 1
    assert state.tally.freezes >= 1
    assert sum(proxy.counts[kind] for proxy in state.proxies for kind in CUTS) > 0
    assert state.is_well, state.settled_after_s


# -- the proxy -------------------------------------------------------------------------------------------------------


class Echo:
    """A server that answers each message with itself, and knows what it has heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while message := connection.recv(1000):
                    self.heard.append(message)
                    connection.sendall(message)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    running = Proxies()
    yield running
    running.stop()


class Fixed(random.Random):
    """Draws a cut each time, and of the kinds always the same one."""

    def __init__(self, kind: str) -> None:
        super().__init__(0)
        self._kind = kind

    def random(self) -> float:
        return 0.0

    def choice(self, _kinds: object) -> str:  # type: ignore[override]
        return self._kind


def ask(port: int, message: bytes = b"sixteen letters.") -> bytes:
    """Return what comes back until the connection ends or nothing more can come."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(message)
        try:
            while len(answer) < len(message) and (piece := client.recv(100)):
                answer += piece
        except ConnectionError:
            pass
    return answer


@pytest.mark.parametrize(
    ("kind", "answer", "is_heard"), [(BEFORE, b"", 0), (AFTER, b"", 1), (MIDDLE, b"sixteen ", 1)]
)
def test_f40_a_connection_is_cut(proxies: Proxies, echo: Echo, kind: str, answer: bytes, is_heard: int) -> None:
    """F40: before the request nothing arrives; after it, and in the answer, the server has done its work."""
    proxy = Proxy("echo", echo.port, Weather(1.0), Fixed(kind))
    port = proxies.listen(proxy)

    before = ask(port)
    proxies.switch(on=True)

    assert before == b"sixteen letters."
    assert ask(port) == answer
    assert (len(echo.heard) - 1, proxy.counts[kind]) == (is_heard, 1)


def test_a_request_that_is_delayed_arrives(proxies: Proxies, echo: Echo) -> None:
    proxy = Proxy("echo", echo.port, Weather(0.0, 1.0, 0.1), random.Random(1), is_on=True)

    assert ask(proxies.listen(proxy)) == b"sixteen letters."
    assert proxy.counts.total() == 1


def test_nobody_behind_the_proxy_is_an_end(proxies: Proxies) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert ask(proxies.listen(Proxy("nobody", port, Weather(0.0), random.Random(1)))) == b""


def test_the_heads_of_tls_records_are_found_in_any_pieces() -> None:
    """What a server sends of its own after a handshake is no answer, and the end of a handshake is no request."""
    bye, secret = b"\x14\x03\x03\x00\x01\x01", b"\x17\x03\x03\x00\x03abc"
    counts = []
    for size in (1, 3, 100):
        records, stream = Records(), bye + secret * 3
        for at in range(0, len(stream), size):
            records.feed(stream[at : at + size])
        counts.append(records.count)

    assert counts == [4, 4, 4]
    assert end_of_handshake(bye + secret + secret) == len(bye + secret)


# -- the simulators ------------------------------------------------------------------------------------------------


def test_a_client_that_says_nothing_keeps_nobody_out_of_a_simulator(tmp_path: Path) -> None:
    """F23: a worker that is frozen between connecting and its TLS handshake is no trouble of anybody else's."""
    clock = Clock()
    tls = create_loopback_tls(tmp_path, clock)
    server = Server(Flask("nothing"), certificate=(tls.certificate, tls.key)).start()

    try:
        with socket.create_connection(("localhost", int(server.url.rsplit(":", 1)[1]))):
            answer = requests.get(f"{server.url}/", verify=str(tls.ca), timeout=10)
    finally:
        server.stop()

    assert answer.status_code == 404


# -- Redis loses its last second -------------------------------------------------------------------------------------


def test_f26_redis_comes_back_without_what_it_had_written_last() -> None:
    """F26: killing it alone loses nothing; with the tail cut off it starts, and knows no more of what came after."""
    with running_redis() as server:
        client = server.client()
        client.set("early", "1")
        mark = aof.mark(server.data_dir)
        assert mark is not None
        client.set("late", "1")

        server.kill()
        lost = aof.cut_back(mark)
        server.start()

        assert lost > 0
        assert server.client().mget("early", "late") == ["1", None]
