"""SIGTERM while busy: each process ends within ten seconds, with Redis or without, and nothing is lost by it.

What a process has in hand it finishes or leaves where the next one finds it (F83).
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import redis

from core.event import Event
from core.inbox import Inbox
from core.redis import inbox_url, open_redis
from demo.sale import Sale
from demo.stack import WEBHOOK_KEY
from pipeline.lanes import LEASE_MS, Entity, Lanes
from tests.processes.city import Cities, City
from tests.processes.redis_world import running_redis, wait_until
from tests.unit.webhook_world import signature_of

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

STOP_S = 10.0
OURS = ("web", "dispatch", "work-1", "poll")
UNACKED = "connector.inbox.unacked"


STUCK = """
import sys, threading
from cli.running import stop_on_signals
from core.inbox import Inbox

def handle(events):
    print("held", flush=True)
    threading.Event().wait()

stopping = stop_on_signals(within_s=1)
Inbox(sys.argv[1]).consume(handle, stopping=stopping)
"""


@pytest.fixture
def city(cities: Cities) -> City:
    return cities.sound_city()


@dataclass(frozen=True)
class End:
    """How a process ended: its exit code, and how long after the signal."""

    code: int
    took_s: float


def terminate(city: City, *names: str) -> dict[str, End]:
    """SIGTERM them all at once, wait for each."""
    processes = {name: city.stack.processes.pop(name) for name in names}
    ends: dict[str, End] = {}
    started = time.monotonic()

    def await_end(name: str, process: subprocess.Popen[bytes]) -> None:
        try:
            code = process.wait(2 * STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        ends[name] = End(code, time.monotonic() - started)

    threads = [threading.Thread(target=await_end, args=each) for each in processes.items()]
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def start_again(city: City, *names: str) -> None:
    for name in names:
        city.stack.start(name)
    city.until(city.stack.is_ready, "web to be ready again")


def redis_url(city: City) -> str:
    return f"unix://{city.stack.folder / 'redis' / 'redis.sock'}?db=0"


@contextmanager
def redis_of(city: City) -> Iterator[redis.Redis]:
    client = open_redis(redis_url(city))
    try:
        yield client
    finally:
        client.close()


def held_sale(city: City) -> Sale:
    """A sale whose document Xero has made, while its answer does not come."""
    city.inject("xero", match="PUT /api.xro/2.0/Invoices", kind="delay-after", delay_s=60)
    sale = city.sale(1)
    city.until(lambda: city.held("xero") == 1, "the answer of Xero to be held")
    return sale


def assert_one_of_each(city: City, sale: Sale) -> None:
    city.until_true(sale)
    assert (sale.facts["documents"], len(sale.facts["history"])) == (1, 1)


def test_f83_a_worker_ends_the_batch_that_it_can_end(city: City) -> None:
    """F83: the answer comes three seconds after the signal, and is written back before the end."""
    sale = held_sale(city)
    releasing = threading.Timer(3, lambda: city.release("xero"))
    releasing.start()

    end = terminate(city, "work-1")["work-1"]

    releasing.join()
    assert (end.code, end.took_s < STOP_S) == (0, True), end
    assert_one_of_each(city, sale)
    with redis_of(city) as client:
        assert client.exists(f"lane:{city.company.connection_id}:lease") == 0
    city.stack.start("work-1")


def fill(inbox: Inbox, city: City, version: str) -> list[str]:
    """Put events into the inbox that lead to nothing; return the keys by which they are remembered when handled."""
    events = [
        Event("dynamics", city.stack.addresses["organization"], "nothing", f"id-{number}", "Update", version, ())
        for number in range(200)
    ]
    for event in events:
        inbox.publish([event])
    return [f"event:{event.key}" for event in events]


def test_f83_a_dispatcher_ends_between_two_messages(city: City) -> None:
    """F05, F83: what it had taken is handled and acknowledged, the rest waits; started again it goes on."""
    city.stack.kill("dispatch")
    inbox = Inbox(inbox_url(redis_url(city)))
    keys = fill(inbox, city, "first")
    city.stack.start("dispatch")
    with redis_of(city) as client:
        wait_until(lambda: client.exists(*keys) > 20, timeout_s=30)

        end = terminate(city, "dispatch")["dispatch"]

        handled, waiting = client.exists(*keys), inbox.depth()
        assert (end.code, end.took_s < STOP_S) == (0, True), end
        assert waiting > 0, "it was in the middle"
        assert handled + waiting == len(keys)
        assert client.hlen(UNACKED) == 0
        city.stack.start("dispatch")
        city.until(lambda: client.exists(*keys) == len(keys), "the rest to be handled")


def half_a_delivery(city: City, record_id: str) -> tuple[socket.socket, bytes]:
    """Begin a delivery of Xero; return the connection and what is still to be sent."""
    event = {
        "resourceUrl": "",
        "resourceId": record_id,
        "tenantId": city.company.tenant_id,
        "tenantType": "ORGANISATION",
        "eventCategory": "INVOICE",
        "eventType": "UPDATE",
        "eventDateUtc": "2026-11-30T10:00:00.000",
    }
    body = json.dumps({"events": [event], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}).encode()
    head = (
        "POST /webhooks/xero HTTP/1.1\r\nHost: connector\r\nContent-Type: application/json\r\n"
        f"x-xero-signature: {signature_of(body, WEBHOOK_KEY)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = city.stack.web.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=15)
    connection.sendall(head.encode() + body[:100])
    return connection, body[100:]


def test_f83_whoever_does_not_end_is_ended() -> None:
    """F83: a dispatcher with which Redis stands still in the middle of a message would need 15 s to give it back.

    The kernel ends it; the message is with the unacknowledged ones, and comes again.
    """
    with running_redis() as server:
        inbox = Inbox(inbox_url(server.url))
        inbox.publish([Event("dynamics", "org", "invoice", "id-1", "Update", "1", ())])
        process = subprocess.Popen([sys.executable, "-c", STUCK, inbox_url(server.url)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        while b"held" not in process.stdout.readline():
            assert process.poll() is None
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

        assert process.returncode == -signal.SIGALRM
        assert 0.9 < time.monotonic() - started < 5
        with server.client() as client:
            assert client.hlen(UNACKED) == 1


def test_f83_web_answers_what_is_under_way_and_waits_for_nobody_who_has_gone_quiet(city: City) -> None:
    """F05, F10, F83: of two half requests one goes on after the signal: 200, and its event is in the inbox.

    The sender of the other one gets no answer, and would deliver again.
    """
    city.stack.kill("dispatch")
    inbox = Inbox(inbox_url(redis_url(city)))
    before, pause = inbox.depth(), threading.Event()
    connection, rest = half_a_delivery(city, "3f1d6f3e-8a57-f011-b4cc-000d3ab1c2d4")
    quiet, _ = half_a_delivery(city, "3f1d6f3e-8a57-f011-b4cc-000d3ab1c2d5")
    pause.wait(0.5)  # they are being read
    answer: list[bytes] = []

    def go_on() -> None:
        pause.wait(1)
        connection.sendall(rest)
        answer.append(connection.recv(4096))

    sending = threading.Thread(target=go_on)
    sending.start()
    end = terminate(city, "web")["web"]
    sending.join()
    connection.close()
    quiet.close()

    assert (end.code, end.took_s < STOP_S) == (0, True), end
    assert answer[0].startswith(b"HTTP/1.1 200 ")
    assert inbox.depth() == before + 1
    start_again(city, "dispatch", "web")


def test_f83_all_of_them_at_once_and_redis_last(city: City) -> None:
    """F20, F83: the machine is restarted while a call to Xero hangs for longer than anybody waits.

    The invoice stays in work, the attempt open: with the lease's end, the sweeper and a look-up it comes true.
    """
    sale = held_sale(city)
    ends = terminate(city, *OURS)
    with redis_of(city) as client:
        lanes, lane = Lanes(client), city.company.connection_id
        assert lanes.is_working(lane, Entity("dynamics", "invoice", sale.invoice_id))
        assert 0 < client.pttl(f"lane:{lane}:lease") <= LEASE_MS
    ends |= terminate(city, "redis")

    assert {name: end.code for name, end in ends.items()} == dict.fromkeys((*OURS, "redis"), 0)
    assert max(end.took_s for end in ends.values()) < STOP_S, ends
    city.release("xero")
    started = time.monotonic()
    start_again(city, "redis", *OURS)
    assert_one_of_each(city, sale)
    assert time.monotonic() - started < 30


def test_f83_without_redis_they_end_as_well(city: City) -> None:
    """F08, F83: Redis has died under a busy worker: nobody waits for it to come back."""
    sale = held_sale(city)
    city.stack.kill("redis")
    threading.Event().wait(1)
    city.release("xero")

    ends = terminate(city, *OURS)

    assert {name: end.code for name, end in ends.items()} == dict.fromkeys(OURS, 0)
    assert max(end.took_s for end in ends.values()) < STOP_S, ends
    start_again(city, "redis", *OURS)
    assert_one_of_each(city, sale)


def test_f83_a_redis_that_stands_still_holds_nobody_up(city: City) -> None:
    """F83: each command takes its five seconds until it fails; one of them is what most have to wait for."""
    server = city.stack.processes["redis"]
    keys = fill(Inbox(inbox_url(redis_url(city))), city, "second")  # the dispatcher is in the middle of them
    server.send_signal(signal.SIGSTOP)
    try:
        threading.Event().wait(1)
        ends = terminate(city, *OURS)
    finally:
        server.send_signal(signal.SIGCONT)

    assert {end.code for end in ends.values()} <= {0, -signal.SIGALRM}, ends
    assert max(end.took_s for end in ends.values()) < STOP_S + 0.5, ends
    start_again(city, *OURS)
    city.until_true(city.sale(2))
    with redis_of(city) as client:
        # One may have been in its hands and comes again after a minute, or be lost in kombu's window (F21).
        city.until(lambda: client.exists(*keys) >= len(keys) - 1, "the rest to be handled")
