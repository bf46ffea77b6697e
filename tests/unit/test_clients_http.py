"""One call over real loopback sockets: what silence, slowness, size and refusal become."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from clients import http
from clients.http import call, open_session, retry_after_s
from core.errors import Limited, Transient, Unknown
from simulators.clock import Clock
from simulators.serve import Server
from simulators.tls import create_loopback_tls

Talk = Callable[[socket.socket, bytes], None]


@contextmanager
def listening(talk: Talk) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that reads one request a connection and then does `talk`, and the requests."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(_request_of(connection))
                    try:
                        talk(connection, heard[-1])
                    except OSError:
                        continue  # the client has gone, as it should

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)


def _request_of(connection: socket.socket) -> bytes:
    content = b""
    while b"\r\n\r\n" not in content:
        piece = connection.recv(65536)
        if not piece:
            return content
        content += piece
    return content


def saying(content: bytes) -> Talk:
    return lambda connection, _request: connection.sendall(content)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def get(url: str, *, changes: bool = False, timeout_s: http.Seconds = (1, 0.3)) -> http.Answer:
    method = "PUT" if changes else "GET"
    with open_session(None) as session:
        return call(session, method, url, headers={}, timeout_s=timeout_s, changes=changes)


@pytest.mark.parametrize(("changes", "error"), [(False, Transient), (True, Unknown)])
@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(saying(b""), id="closed without an answer"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), id="half a body"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha"), id="half a chunk"),
        pytest.param(saying(b"SSH-2.0-OpenSSH\r\n\r\n"), id="not HTTP"),
        pytest.param(saying(answer(b"nonsense", "Content-Encoding: gzip")), id="broken gzip"),
        pytest.param(lambda _connection, _request: threading.Event().wait(0.8), id="silence"),
    ],
)
def test_an_answer_that_tells_nothing_is_transient_for_a_read_and_unknown_for_a_write(
    talk: Talk, changes: bool, error: type[Exception]
) -> None:
    with listening(talk) as (url, heard), pytest.raises(error) as caught:
        get(url, changes=changes)

    assert type(caught.value) is error
    assert len(heard) == 1, "one attempt"


def test_a_refused_connection_changed_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(Transient):
        get(url, changes=True)


def test_a_host_that_does_not_exist_changed_nothing() -> None:
    with pytest.raises(Transient):
        get("http://nobody.invalid", changes=True)


def test_a_proxy_that_cannot_be_reached_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(Transient):
        get("https://api.xero.com", changes=True)


def test_f40_an_answer_that_is_lost_behind_a_proxy_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """F40: the proxy has passed the write on, and then its connection breaks."""
    with listening(lambda _connection, _request: None) as (proxy, heard):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")

        with pytest.raises(Unknown):
            get("http://example.invalid/x", changes=True)

    assert len(heard) == 1


def test_a_proxy_that_will_not_connect_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(saying(answer(b"no", status="403 Forbidden"))) as (proxy, heard):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "")

        with pytest.raises(Transient):
            get("https://api.xero.com", changes=True)

    assert heard[0].startswith(b"CONNECT api.xero.com:443")


def test_the_proxy_comes_from_the_environment_except_for_the_hosts_named_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        listening(saying(answer(b"by proxy"))) as (proxy, heard),
        listening(saying(answer(b"direct"))) as (direct, _),
    ):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        through = get("http://example.invalid/x")
        beside = get(direct)

    assert (through.body, beside.body) == (b"by proxy", b"direct")
    assert heard[0].startswith(b"GET http://example.invalid/x HTTP/1.1")


def test_an_untrusted_certificate_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    tls = create_loopback_tls(tmp_path, Clock(datetime.now(UTC)))  # noqa: TID251 - OpenSSL reads the machine's clock
    server = Server(_never_called, certificate=(tls.certificate, tls.key)).start()

    with pytest.raises(Transient), open_session(None) as session:
        call(session, "PUT", server.url, headers={}, changes=True)

    server.stop()


def _never_called(_environ: object, _start_response: object) -> list[bytes]:
    raise AssertionError("a request went to a server that can't prove who it is")


def test_our_ca_is_believed_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = create_loopback_tls(tmp_path, Clock(datetime.now(UTC)))  # noqa: TID251
    server = Server(_hello, certificate=(tls.certificate, tls.key)).start()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "no such file"))

    with open_session(str(tls.ca)) as session:
        got = call(session, "GET", server.url, headers={}, changes=False)

    server.stop()
    assert got.body == b"hello"


def _hello(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def test_a_netrc_file_does_not_replace_our_authorization(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with listening(saying(answer(b""))) as (url, heard), open_session(None) as session:
        call(session, "GET", url, headers={"Authorization": "Bearer ours"}, changes=False)

    assert b"Authorization: Bearer ours\r\n" in heard[0]


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with listening(saying(answer(b"", "Location: http://127.0.0.1:9/", status="302 Found"))) as (url, heard):
        got = get(url)

    assert got.status == 302
    assert len(heard) == 1


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_retry_after_is_not_obeyed_by_sleeping(status: str) -> None:
    with listening(saying(answer(b"", "Retry-After: 60", status=status))) as (url, heard):
        got = get(url)

    assert got.headers["retry-after"] == "60"
    assert len(heard) == 1


def test_cookies_are_not_kept() -> None:
    cookie = "Set-Cookie: ARRAffinity=server7; Path=/"
    # This server answers once a connection; without saying so the second call might go to the closed one.
    talk = saying(answer(b"", cookie, "Connection: close"))
    with listening(talk) as (url, heard), open_session(None) as session:
        call(session, "GET", url, headers={}, changes=False)
        call(session, "GET", url, headers={}, changes=False)

    assert b"Cookie" not in heard[1]


def test_gzip_is_offered_and_taken() -> None:
    body = gzip.compress(b'{"Total":0.1}')
    with listening(saying(answer(body, "Content-Encoding: gzip"))) as (url, heard):
        got = get(url)

    assert got.json() == {"Total": Decimal("0.1")}
    assert b"Accept-Encoding: gzip\r\n" in heard[0]


def test_a_bomb_is_given_up_when_it_is_larger_than_we_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_BYTES_MAX", 100_000)
    body = gzip.compress(b"0" * 1_000_000)

    with listening(saying(answer(body, "Content-Encoding: gzip"))) as (url, _), pytest.raises(Unknown) as caught:
        get(url, changes=True)

    assert "100000 bytes" in str(caught.value.__cause__)


def test_an_answer_that_trickles_is_given_up() -> None:
    def trickle(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x")
            threading.Event().wait(0.05)

    with listening(trickle) as (url, _), pytest.raises(Transient) as caught:
        get(url, timeout_s=(0.2, 0.2))

    assert "not complete" in str(caught.value.__cause__)


def test_decimals_come_exactly_as_written() -> None:
    with listening(saying(answer(b'{"a":0.1,"b":1234567.8901,"c":40.0,"d":7}'))) as (url, _):
        got = get(url)

    assert got.json() == {"a": Decimal("0.1"), "b": Decimal("1234567.8901"), "c": Decimal("40.0"), "d": 7}


def test_messages_name_the_call_without_its_query_and_headers() -> None:
    with listening(saying(b"")) as (url, _), pytest.raises(Transient) as caught, open_session(None) as session:
        call(
            session,
            "GET",
            f"{url}/Contacts?where=Name%3D%3D%22Jane%20Doe%22",
            headers={"Authorization": "Bearer canary"},
            changes=False,
        )

    assert "/Contacts: no answer" in str(caught.value)
    assert "Jane" not in str(caught.value)
    assert "canary" not in "".join(_texts(caught.value))


def _texts(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!s} {error!r}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("26", 26.0), ("0.5", 0.5), ("-3", 0.0), ("nan", 9.0), ("soon", 9.0), ("999999999", 86_400.0), (None, 9.0)],
)
def test_retry_after_is_read_with_suspicion(header: str | None, seconds: float) -> None:
    headers = {} if header is None else {"Retry-After": header}

    assert retry_after_s(headers, 9.0) == seconds


def test_our_own_mistakes_are_not_taken_for_the_networks() -> None:
    with pytest.raises(requests.exceptions.MissingSchema), open_session(None) as session:
        call(session, "GET", "api.xero.com", headers={}, changes=False)

    assert not issubclass(requests.exceptions.MissingSchema, Limited)
