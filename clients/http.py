"""One HTTP call: one attempt, bounded in time and size, and silence told apart from refusal."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3 import Retry
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from core import money
from core.errors import ConnectorError, Transient, Unknown

Payload = dict[str, Any]  # a JSON object as a vendor spells it
Seconds = tuple[float, float]
READ_TIMEOUT_S: Seconds = (5, 30)
WRITE_TIMEOUT_S: Seconds = (5, 45)
ANSWER_BYTES_MAX = 32 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_RETRY_AFTER_MAX_S = 86_400.0
_NO_TUNNEL = "Tunnel connection failed"  # http.client: the proxy would not connect, so nothing was sent through it
_POOL = 20  # connections kept open to one host: more than the 5 calls that Xero allows, fewer than Dynamics' 52


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; `headers` ignore case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's document, decimals exact. Raises ValueError."""
        return money.loads(self.body)

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def open_session(ca_bundle: str | None) -> requests.Session:
    """Return a session that never retries, follows no redirect and takes only the proxy from the environment."""
    session = _Session()
    session.trust_env = False  # else a ~/.netrc replaces our Authorization and REQUESTS_CA_BUNDLE our CA
    session.verify = ca_bundle or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # connections share nothing, nor a server
    session.headers.update({"User-Agent": "connector-dynamics-xero", "Accept-Encoding": "gzip"})
    once = HTTPAdapter(max_retries=Retry(0, redirect=0, read=False), pool_maxsize=_POOL)
    session.mount("https://", once)
    session.mount("http://", once)
    return session


def call(
    session: requests.Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeout_s: Seconds = READ_TIMEOUT_S,
    changes: bool,
) -> Answer:
    """Make one call and return its answer, whatever the status.

    `changes` says that the call is meant to change something: then silence raises Unknown instead of Transient,
    unless the request surely never left. `timeout_s`: to connect, and for each wait on the answer; a trickling
    answer gets both together once more.
    """
    what = f"{method} {describe(url)}"
    try:
        with session.request(
            method,
            url,
            data=body,
            headers=dict(headers),
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = _read(response, seconds=sum(timeout_s))
    except (requests.ConnectionError, requests.Timeout, HTTPError, _Unusable) as error:
        if changes and not _never_left(error):
            raise Unknown(f"{what}: no trustworthy answer, it may have been applied") from error
        raise Transient(f"{what}: no answer") from error
    return Answer(response.status_code, response.headers, content)


def describe(url: str) -> str:
    """Return host and path for messages: a query may hold names of people."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def unanswered(what: str, *, changes: bool, reference: str | None = None) -> ConnectorError:
    """Return the error for an answer that tells nothing (5xx, unreadable): Unknown for a write, else Transient."""
    if changes:
        return Unknown(f"{what}; it may have been applied: look before repeating", reference=reference)
    return Transient(what, reference=reference)


def retry_after_s(headers: Mapping[str, str], default_s: float) -> float:
    """Return Retry-After in seconds, at most a day; `default_s` when it is missing or no number."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return default_s
    return min(max(seconds, 0.0), _RETRY_AFTER_MAX_S) if seconds == seconds else default_s  # noqa: PLR0124 - NaN


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self._proxies: dict[str, dict[str, str]] = {}  # by origin: reading the environment costs as much as a call

    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: MutableMapping[str, str] | None,
        stream: bool | None,
        verify: bool | str | None,
        cert: Any,
    ) -> Any:
        origin = "/".join(str(url).split("/", 3)[:3])
        if origin not in self._proxies:
            self._proxies[origin] = get_environ_proxies(origin, no_proxy=None)
        from_environment = self._proxies[origin]
        return super().merge_environment_settings(url, {**from_environment, **(proxies or {})}, stream, verify, cert)


class _Unusable(Exception):
    """The answer is too large or comes too slowly."""


def _read(response: requests.Response, *, seconds: float) -> bytes:
    ends = time.monotonic() + seconds  # the socket's own time-out starts anew with each byte of a trickle
    content = bytearray()
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            raise _Unusable(f"more than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() > ends:
            raise _Unusable(f"not complete after {seconds:g} s")
    return bytes(content)


def _never_left(error: BaseException) -> bool:
    """Whether the failure came before the request: no connection, no proxy, or a certificate we refused.

    That it was the proxy's failure is not enough: an answer that is lost between the proxy and us is one as well.
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        cause = pending.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        if isinstance(cause, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError):
            return True
        if isinstance(cause, OSError) and str(cause).startswith(_NO_TUNNEL):
            return True
        pending += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
    return False
