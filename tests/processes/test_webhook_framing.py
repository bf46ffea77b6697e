"""F16 and F12 on the wire: requests that say where they end in two ways, or never end, against gunicorn itself.

One started web for all. Behind each odd request stands another that is wholly right: were the first read as shorter
than the application thinks, the second would be taken, and its event would be in the inbox.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from core.endpoints import SECRET_HEADER
from tests.processes.redis_world import wait_until
from tests.processes.test_redis_webhooks import Served, running_web
from tests.unit.webhook_caller import resident_bytes
from tests.unit.webhook_corpus import CANARY
from tests.unit.webhook_world import ORGANISATION, context, signature_of
from webhooks.worker import REQUEST_S

pytestmark = pytest.mark.processes

REFUSALS = frozenset({400, 401, 413, 414, 417, 431, 501})
XERO_BODY = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "LUWDSUDGSWNZVALZXBEV"}'
SIGNED = b"x-xero-signature: " + signature_of(XERO_BODY).encode()
SIZE_OF = b"Content-Length: %d\r\n\r\n"
SIZE = b"Content-Length: %d" % len(XERO_BODY)
CHUNKED = b"Transfer-Encoding: chunked"
LAST_CHUNK = b"0\r\n\r\n"
IN_CHUNKS = b"%x\r\n%s\r\n" % (len(XERO_BODY), XERO_BODY) + LAST_CHUNK


@dataclass
class Web:
    """The served application, and an endpoint of it."""

    served: Served
    key: str
    secret: str

    def right(self, *, path: str = "", more: str = "") -> bytes:
        """A request of Dynamics with nothing wrong about it."""
        body = json.dumps(context()).encode()
        head = (
            f"POST {path or f'/webhooks/dynamics/{self.key}'} HTTP/1.1\r\nHost: h\r\n{more}"
            f"{SECRET_HEADER}: {self.secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def answers_to(self, raw: bytes, *, timeout_s: float = 3.0) -> list[int]:
        """Send the bytes, say that nothing follows, return the statuses of all that comes back."""
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=timeout_s) as connection:
            received = b""
            with suppress(ConnectionError):  # refused so early that our last bytes met a closed door
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while more := connection.recv(65536):
                    received += more
        return statuses_in(received)


def statuses_in(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with running_web(tmp_path_factory.mktemp("web")) as served:
        endpoint = served.endpoints.ensure(ORGANISATION)
        yield Web(served, endpoint.key, endpoint.secrets[0])


def xero(*lines: bytes, body: bytes = XERO_BODY, target: bytes = b"/webhooks/xero", version: bytes = b"1.1") -> bytes:
    """A delivery of Xero, rightly signed, with these headers."""
    head = [b"POST " + target + b" HTTP/" + version, b"Host: h", SIGNED, *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def odd_requests(web: Web) -> dict[str, bytes]:
    """Requests that must be refused, with all that comes behind them on their connection."""
    hidden = web.right()
    unread = b"Content-Length: %d" % len(hidden)
    dynamics = b"POST /webhooks/dynamics/x HTTP/1.1\r\nHost: h\r\n"
    framed = {
        **two_ends(len(hidden)),
        **odd_heads(),
        "a body that is a request": dynamics + unread + b"\r\n\r\n",
        "a body of 2 MB that is requests": dynamics + b"Content-Length: 2000000\r\n\r\n" + hidden * 10,
        "an upgrade": dynamics
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
        + unread
        + b"\r\n\r\n",
    }
    return {name: raw + hidden for name, raw in framed.items()}


def two_ends(following: int) -> dict[str, bytes]:
    """Requests that say in two ways where they end, or in none that counts; `following` bytes come behind."""
    short = b"Content-Length: 5"
    return {
        "CL and TE": xero(SIZE, CHUNKED, body=LAST_CHUNK),
        "TE and CL": xero(CHUNKED, short, body=LAST_CHUNK),
        "CL and a TE that ends at once": xero(b"Content-Length: %d" % (5 + following), CHUNKED, body=LAST_CHUNK),
        "TE twice": xero(CHUNKED, CHUNKED, body=LAST_CHUNK),
        "TE chunked, chunked": xero(b"Transfer-Encoding: chunked, chunked", body=LAST_CHUNK),
        "TE and identity": xero(CHUNKED, b"Transfer-Encoding: identity", body=LAST_CHUNK),
        "TE gzip, chunked": xero(b"Transfer-Encoding: gzip, chunked", body=LAST_CHUNK),
        "TE x": xero(b"Transfer-Encoding: x", SIZE),
        "TE xchunked": xero(b"Transfer-Encoding: xchunked", body=LAST_CHUNK),
        "TE with a tab": xero(b"Transfer-Encoding:\tchunked", SIZE, body=LAST_CHUNK),
        "TE in quotes": xero(b'Transfer-Encoding: "chunked"', SIZE, body=LAST_CHUNK),
        "TE with a vertical tab": xero(b"Transfer-Encoding: \x0bchunked", SIZE, body=LAST_CHUNK),
        "TE with a space before the colon": xero(b"Transfer-Encoding : chunked", SIZE, body=LAST_CHUNK),
        "TE folded": xero(b"Transfer-Encoding:\r\n chunked", SIZE, body=LAST_CHUNK),
        "TE behind a bare CR": xero(b"X: y\rTransfer-Encoding: chunked", SIZE, body=LAST_CHUNK),
        "TE in HTTP/1.0": xero(CHUNKED, body=IN_CHUNKS, version=b"1.0"),
        "CL twice, different": xero(SIZE, short),
        "CL twice, equal": xero(SIZE, SIZE),
        "CL as a list": xero(SIZE + b", 5"),
        "CL with a sign": xero(b"Content-Length: +%d" % len(XERO_BODY)),
        "CL below nothing": xero(b"Content-Length: -1"),
        "CL hexadecimal": xero(b"Content-Length: 0x5f"),
        "CL with an underscore": xero(b"Content-Length: 9_5"),
        "CL with a fraction": xero(b"Content-Length: 95.0"),
        "CL empty": xero(b"Content-Length:"),
        "CL with a space before the colon": xero(b"Content-Length : 95"),
        "CL in other digits": xero("Content-Length: ٩٥".encode()),
        "a chunk with a sign": xero(CHUNKED, body=b"+5f\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a chunk below nothing": xero(CHUNKED, body=b"-1\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a chunk with 0x": xero(CHUNKED, body=b"0x5f\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a chunk with an underscore": xero(CHUNKED, body=b"5_f\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a chunk without size": xero(CHUNKED, body=b"\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a chunk that is longer": xero(CHUNKED, body=b"5\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a chunk with bare LF": xero(CHUNKED, body=b"5f\n" + XERO_BODY + b"\n0\n\n"),
        "a chunk of 2**64": xero(CHUNKED, body=b"10000000000000000\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
        "a CR in an extension": xero(CHUNKED, body=b"5f;a\rb\r\n" + XERO_BODY + b"\r\n" + LAST_CHUNK),
    }


def odd_heads() -> dict[str, bytes]:
    """Requests whose heads, or what stands behind the last chunk, are not to be read at all."""
    return {
        "TE in a trailer": xero(CHUNKED, body=IN_CHUNKS[:-2] + b"Transfer-Encoding: x\r\n\r\n"),
        "a trailer without a colon": xero(CHUNKED, body=IN_CHUNKS[:-2] + b"X\r\n\r\n"),
        "1 MB of trailers": xero(CHUNKED, body=IN_CHUNKS[:-2] + b"X: y\r\n" * 170_000 + b"\r\n"),
        "a header with a space": xero(b"x y: z", SIZE),
        "a header with a space before the colon": xero(b"X : z", SIZE),
        "a header without a colon": xero(b"X", SIZE),
        "a header without a name": xero(b": x", SIZE),
        "a header with NUL": xero(b"X: a\x00b", SIZE),
        "a header that is folded": xero(b"X: a\r\n b", SIZE),
        "a header with a bare CR": xero(b"X: a\rb", SIZE),
        "101 headers": xero(*[b"X-%d: y" % number for number in range(100)], SIZE),
        "a header of 10 kB": xero(b"X: " + b"y" * 10_000, SIZE),
        "1 MB of headers": xero(b"X: " + b"y" * 1_000_000, SIZE),
        "bare LF": xero(SIZE, body=b"").replace(b"\r\n", b"\n") + XERO_BODY,
        "a bare LF between": xero(b"X: a\nTransfer-Encoding: chunked", SIZE, body=LAST_CHUNK),
        "an LF in the target": xero(SIZE, target=b"/webhooks/xero?a=\nX: y"),
        "CRLF in the target": xero(SIZE, target=b"/webhooks/xero?a=\r\nX: y HTTP/1.1\r\nZ:"),
        "a space in the target": xero(SIZE, target=b"/webhooks/xero ?a"),
        "NUL in the target": xero(SIZE, target=b"/webhooks/xero\x00"),
        "a target of 10 kB": xero(SIZE, target=b"/webhooks/xero?" + b"a" * 10_000),
        "no target": xero(SIZE, target=b""),
        "HTTP/0.9": b"POST /webhooks/xero\r\n\r\n",
        "HTTP/2.0": xero(SIZE, version=b"2.0"),
        "HTTP/1.1x": xero(SIZE, version=b"1.1x"),
        "another method": xero(SIZE).replace(b"POST", b"po st", 1),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
        "nothing but line ends": b"\r\n" * 1000,
        "a proxy that says whence": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + xero(SIZE),
        "an expectation": xero(b"Expect: 200-maybe", SIZE),
    }


def plain_requests(web: Web) -> dict[str, tuple[bytes, list[int]]]:
    """Requests that look odd and say clearly where they end, with the answers: to them, and to a right one behind."""
    hidden, dynamics = web.right(), b"POST /webhooks/dynamics/x HTTP/1.1\r\nHost: h\r\n"
    in_a_chunk = b"%x\r\n" % len(hidden) + hidden + b"\r\n" + LAST_CHUNK
    with_trailer = IN_CHUNKS[:-2] + b"x-xero-signature: x\r\n\r\n"
    unproven = SIGNED.replace(b"x-xero-", b"x_xero_")
    framed = {
        "right": (xero(SIZE), [200, 200]),
        "in chunks": (xero(CHUNKED, body=IN_CHUNKS), [200, 200]),
        "in chunks, with trailers": (xero(CHUNKED, body=with_trailer), [200, 200]),
        "TE in capitals": (xero(b"TRANSFER-ENCODING: CHUNKED", body=IN_CHUNKS), [200, 200]),
        "TE with an underscore": (
            xero(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=LAST_CHUNK),
            [401, 200],
        ),
        "a signature with an underscore": (xero(SIZE).replace(SIGNED, unproven), [401, 200]),
        "two signatures": (xero(SIGNED, SIZE), [401, 200]),
        "a body that is a request": (dynamics + SIZE_OF % len(hidden) + hidden, [401, 200]),
        "chunks that are a request": (dynamics + CHUNKED + b"\r\n\r\n" + in_a_chunk, [401, 200]),
        "99 headers": (xero(*[b"X-%d: y" % number for number in range(96)], SIZE), [200, 200]),
    }
    return {name: (raw + hidden, statuses) for name, (raw, statuses) in framed.items()}


def complaints_of(web: Web, name: str, raw: bytes, expected: Callable[[list[int]], bool], events: int) -> list[str]:
    before = web.served.inbox.depth()
    statuses = web.answers_to(raw)
    published = web.served.inbox.depth() - before
    return [] if expected(statuses) and published == events else [f"{name}: {statuses}, {published} events"]


def test_f16_what_is_framed_in_two_ways_is_refused_and_hides_nothing(web: Web) -> None:
    """One refusal each, never a 500 (501 is for a transfer coding that does not exist), and the connection ends."""
    requests = odd_requests(web)
    assert len(requests) >= 66
    wait_until(lambda: len(web.served.workers()) == 2)
    workers = web.served.workers()
    before = sum(map(resident_bytes, workers))

    complaints = []
    for name, raw in requests.items():
        # A door that closes on a megabyte may tear the answer, too.
        numbers = (0, 1) if "MB" in name else (1,)
        complaints += complaints_of(
            web, name, raw, lambda got, numbers=numbers: len(got) in numbers and REFUSALS.issuperset(got), events=0
        )

    assert complaints == []
    assert web.served.answers()
    assert web.served.workers() == workers, "a worker died"
    assert sum(map(resident_bytes, workers)) - before < 50_000_000


def test_f12_f16_what_is_framed_clearly_is_read_as_that(web: Web) -> None:
    """The control: a right request behind a whole one is taken. A body is never taken for a request."""
    complaints = [
        complaint
        for name, (raw, wanted) in plain_requests(web).items()
        for complaint in complaints_of(web, name, raw, wanted.__eq__, events=wanted.count(200) - (wanted[0] == 200))
    ]

    assert complaints == []


def test_f16_what_a_sender_said_is_not_in_the_log(web: Web) -> None:
    """Gunicorn quotes what it can't read; the address of an endpoint may carry its secret."""
    secret = f"/webhooks/dynamics/{CANARY}?code={CANARY}"
    quoting = {
        "a request line": f"POST {secret} HTTP/1.1 x\r\n\r\n".encode(),
        "another version": f"POST {secret} {CANARY}/9.9\r\n\r\n".encode(),
        "quotes": f"POST '{CANARY}\" \"{CANARY}' x HTTP/1.1\r\n\r\n".encode(),
        "a method": f"{CANARY}\x00 {secret} HTTP/1.1\r\n\r\n".encode(),
        "a name of a header": xero(f"{CANARY} : {CANARY}".encode(), SIZE),
        "a value": xero(f"X: {CANARY}\x00".encode(), SIZE),
        "a coding": xero(f"Transfer-Encoding: {CANARY}".encode()),
        "an expectation": xero(f"Expect: {CANARY}".encode(), SIZE),
        "a chunk": xero(CHUNKED, body=f"{CANARY}\r\n".encode()),
        "a body": xero(SIZE_OF.rstrip() % 20, body=f'{{"{CANARY}":'.encode()),
        "a target": web.right(path=f"{secret}%00%ff"),
        "headers": web.right(more=f"User-Agent: {CANARY}\r\nCookie: {CANARY}\r\nReferer: {CANARY}\r\n"),
    }
    before = web.served.logs.stat().st_size

    statuses = [status for raw in quoting.values() for status in web.answers_to(raw)]

    written = web.served.logs.read_text("utf-8")[before:]
    assert len(statuses) == len(quoting)
    assert set(statuses) <= {*REFUSALS, 200}
    assert written.count("Invalid request from ip=") >= 7
    assert CANARY.lower() not in written.lower()
    assert web.secret not in written
    assert '"level": "error"' not in web.served.logs.read_text("utf-8")


@dataclass
class Slow:
    """Senders of a byte now and then, in a thread of their own."""

    port: int
    begin: bytes
    connections: list[socket.socket] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def add(self, number: int) -> None:
        for _ in range(number):
            self.connections.append(socket.create_connection(("127.0.0.1", self.port), timeout=10))
            self.connections[-1].sendall(self.begin)

    def drip(self) -> None:
        while not self.ended.wait(0.2):
            for connection in list(self.connections):
                try:
                    connection.sendall(b"x")
                except OSError:
                    connection.close()
                    self.connections.remove(connection)  # the server had enough of it


def test_f16_senders_of_a_byte_now_and_then_hold_nobody_up_for_long(web: Web) -> None:
    """Three leave threads enough. Sixteen have them all, until the time for a request is over."""
    half_a_head = b"POST /webhooks/xero HTTP/1.1\r\nHost: h\r\nX: "
    half_a_body = f"POST /webhooks/dynamics/{web.key} HTTP/1.1\r\nHost: h\r\n{SECRET_HEADER}: {web.secret}\r\n"
    slow = Slow(web.served.port, half_a_head)
    dripping = threading.Thread(target=slow.drip)
    dripping.start()
    try:
        alone = quantile_ms(web)
        slow.add(3)
        beside = quantile_ms(web)
        slow.begin = half_a_body.encode() + b"Content-Length: 5000\r\n\r\n{"
        slow.add(13)
        started = time.monotonic()
        [status] = web.answers_to(web.right(), timeout_s=3 * REQUEST_S)
        waited_s = time.monotonic() - started
        wait_until(lambda: not slow.connections, timeout_s=REQUEST_S)
    finally:
        slow.ended.set()
        dripping.join()
        for connection in slow.connections:
            connection.close()
    print(f"p99 {alone:.0f} ms, beside three slow ones {beside:.0f} ms; sixteen cost {waited_s:.1f} s")
    assert beside < 10 * alone + 250
    assert status == 200
    assert waited_s < REQUEST_S + 5
    assert quantile_ms(web) < 10 * alone + 250


def quantile_ms(web: Web, number: int = 200) -> float:
    """Return how long all but one of a hundred requests take."""
    took = []
    for _ in range(number):
        started = time.perf_counter()
        assert web.answers_to(xero(SIZE)) == [200]
        took.append((time.perf_counter() - started) * 1000)
    return sorted(took)[-1 - number // 100]
