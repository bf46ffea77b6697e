"""The portal beside the webhooks: each gets what is its own, and pages cannot keep deliveries waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from core.addresses import redirect_to_invoice
from portal.keys import derive
from portal.wsgi import at_its_address, attempts_url, beside, lazily

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def saying(words: str) -> Response:
    return Response(words)


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/webhooks/xero", "webhooks"),
        ("/webhooks/dynamics/key", "webhooks"),
        ("/healthz", "webhooks"),
        ("/readyz", "webhooks"),
        (redirect_to_invoice("", "c", "i"), "webhooks"),
        ("/", "portal"),
        ("/login", "portal"),
        ("/webhooks", "portal"),
        ("/open/other", "portal"),
        ("//webhooks/xero", "portal"),
    ],
)
def test_each_address_has_one_that_answers(path: str, who: str) -> None:
    both = beside(saying("webhooks"), saying("portal"), at_once_max=1)

    assert Client(both).get(path).text == who


def test_pages_leave_threads_for_deliveries() -> None:
    asked, answer = threading.Semaphore(0), threading.Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.release()
        assert answer.wait(30)
        return saying("page")(environ, start_response)

    def portal(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_file = environ["PATH_INFO"].startswith("/static/")
        return saying("file")(environ, start_response) if is_file else slow(environ, start_response)

    both = beside(saying("taken"), portal, at_once_max=2, wait_s=0)
    with ThreadPoolExecutor(2) as pool:
        pages = [pool.submit(lambda: Client(both).get("/").text) for _ in range(2)]
        for _ in pages:
            assert asked.acquire(timeout=30)

        refused = Client(both).get("/")
        delivered, style = Client(both).post("/webhooks/xero"), Client(both).get("/static/portal.css")
        answer.set()

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert (delivered.text, style.text) == ("taken", "file")
        assert [page.result() for page in pages] == ["page", "page"]
    assert Client(both).get("/").text == "page"


def test_a_page_waits_a_little_for_its_turn() -> None:
    asked, answer = threading.Semaphore(0), threading.Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.release()
        assert answer.wait(30)
        return saying("page")(environ, start_response)

    both = beside(saying("taken"), slow, at_once_max=1, wait_s=30)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: Client(both).get("/").text)
        assert asked.acquire(timeout=30)
        second = pool.submit(lambda: Client(both).get("/").text)
        answer.set()

        assert (first.result(), second.result()) == ("page", "page")


def test_a_page_that_breaks_gives_its_place_back() -> None:
    def broken(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        raise ArithmeticError

    both = beside(saying("webhooks"), broken, at_once_max=1)

    for _ in range(3):
        with pytest.raises(ArithmeticError):
            Client(both).get("/")


@pytest.mark.parametrize(
    ("public_url", "root"),
    [
        ("https://connector.example", "https://connector.example/"),
        ("https://connector.example:8443", "https://connector.example:8443/"),
        ("http://localhost:8000", "http://localhost:8000/"),
    ],
)
def test_the_portal_is_where_the_settings_say(public_url: str, root: str) -> None:
    @Request.application
    def telling(request: Request) -> Response:
        return Response(request.root_url)

    there = at_its_address(telling, public_url, trusted_proxies=0)

    for header in ("X-Other", "Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"):
        assert Client(there).get("/", headers={header: "evil.example"}).text == root


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "198.51.100.1", "127.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1, 198.51.100.1", "198.51.100.1"),
        (2, "10.0.0.1, 198.51.100.1, 192.0.2.1", "198.51.100.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed(proxies: int, forwarded: str, seen: str) -> None:
    @Request.application
    def telling(request: Request) -> Response:
        return Response(request.remote_addr)

    there = at_its_address(telling, "https://connector.example", trusted_proxies=proxies)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    answer = Client(there).get("/", headers=headers, environ_overrides={"REMOTE_ADDR": "127.0.0.1"})

    assert answer.text == seen


def test_it_is_built_once_and_at_its_first_request() -> None:
    built: list[int] = []

    def build() -> Response:
        built.append(1)
        return saying("page")

    lazy = lazily(build)
    assert built == []
    with ThreadPoolExecutor(4) as pool:
        assert {pool.submit(lambda: Client(lazy).get("/").text).result() for _ in range(8)} == {"page"}
    assert built == [1]


def test_a_portal_that_could_not_be_built_is_tried_again() -> None:
    tries = iter([OSError("the database is away"), saying("page")])

    def build() -> Response:
        made = next(tries)
        if isinstance(made, OSError):
            raise made
        return made

    lazy = lazily(build)
    with pytest.raises(OSError, match="away"):
        Client(lazy).get("/")

    assert Client(lazy).get("/").text == "page"


@pytest.mark.parametrize(
    ("redis", "attempts"),
    [
        ("unix:///var/redis.sock?db=0", "redis+unix:///var/redis.sock?db=0"),
        ("redis://:secret@host:6379/1", "redis://:secret@host:6379/1"),
        ("rediss://host/0", "rediss://host/0"),
    ],
)
def test_attempts_are_counted_in_our_redis(redis: str, attempts: str) -> None:
    assert attempts_url(redis) == attempts


def test_each_purpose_has_a_key_of_its_own() -> None:
    made = [*derive(["a", "b"], "sessions"), *derive(["a", "b"], "recovery codes")]

    assert len(set(made)) == 4
    assert {len(each) for each in made} == {44}
    assert derive(["a", "b"], "sessions") == made[:2]
