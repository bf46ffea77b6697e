"""A Dataverse `$batch`: its parts as values, the request's bytes, and the answer's bytes taken apart again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict

from clients.http import Answer, Payload
from clients.odata import tagged
from core import ids, money

OPERATIONS_MAX = 1000
_END = b"\r\n"
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})")
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Read:
    """A GET; `path` is relative to the Web API and URL-encoded (`odata.rows_path`).

    `labels`: values come with what a person sees, `column@OData.Community.Display.V1.FormattedValue`; many bytes.
    """

    path: str
    labels: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a changeset; `path` as of `Read`, or `$1` for the row that the first change made.

    `returns`: True or column names, to get the row back. A PATCH by id should bear `if_match` ("*": it exists).
    """

    method: str
    path: str
    row: Payload | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    returns: bool | tuple[str, ...] = False


@dataclass(frozen=True, slots=True)
class Changes:
    """A changeset: all of its changes happen or none. `$n` in a path or a bind is the row of the n-th change."""

    changes: tuple[Change, ...]


Step = Read | Changes


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one step: one answer a change, or the one refusal for them all."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A batch ready to send."""

    content_type: str
    body: bytes


def write_request(url: str, steps: Sequence[Step], *, prefer_for: Callable[[Read], str]) -> Request:
    """Return the request; `url` is the Web API's, with a slash at the end. `prefer_for` gives a Read's Prefer."""
    operations = sum(len(step.changes) if isinstance(step, Changes) else 1 for step in steps)
    assert operations <= OPERATIONS_MAX, f"{operations} operations in one batch"
    root = urlsplit(url).path
    parts = [_write_step(root, step, prefer_for) for step in steps]
    # From the content: the same batch has the same bytes, and no content can hold a hash of itself.
    boundary = f"batch_{_digest(*parts)}"
    return Request(f"multipart/mixed; boundary={boundary}", _multipart(boundary, parts))


def read_answer(answer: Answer) -> tuple[list[Part], bool]:
    """Return the answer's parts in order, and whether it came to its end. Raises ValueError if it is no batch."""
    pieces, is_complete = _split(answer.body, _boundary(answer.headers.get("Content-Type", "")))
    return [_read_part(piece) for piece in pieces], is_complete


def is_batch(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").lower().startswith("multipart/mixed")


def _write_step(root: str, step: Step, prefer_for: Callable[[Read], str]) -> bytes:
    if isinstance(step, Read):
        headers = {"Accept": "application/json", "Prefer": prefer_for(step)}
        return _http_part({}, "GET", root + step.path, headers, None)
    assert step.changes, "an empty changeset"
    parts = [_write_change(root, number, change) for number, change in enumerate(step.changes, start=1)]
    boundary = f"changeset_{_digest(*parts)}"
    return _END.join(
        [f"Content-Type: multipart/mixed; boundary={boundary}".encode(), b"", _multipart(boundary, parts)]
    )


def _write_change(root: str, number: int, change: Change) -> bytes:
    headers = {"Content-Type": "application/json; type=entry", "Accept": "application/json"}
    path = change.path
    if change.if_match is not None:
        headers["If-Match"] = change.if_match
    if change.if_none_match is not None:
        headers["If-None-Match"] = change.if_none_match
    if change.returns:
        headers["Prefer"] = "return=representation"
    if isinstance(change.returns, tuple):
        path += f"?$select={','.join(change.returns)}"
    target = path if path.startswith("$") else root + tagged(path)
    body = None if change.row is None else money.dumps(change.row)
    return _http_part({"Content-ID": str(number)}, change.method, target, headers, body)


def _http_part(
    mime: Mapping[str, str], method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    outer = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary", **mime}
    lines = [*_header_lines(outer), b"", f"{method} {target} HTTP/1.1".encode("ascii"), *_header_lines(headers)]
    return _END.join([*lines, b"", body or b""])


def _header_lines(headers: Mapping[str, str]) -> Iterator[bytes]:
    for name, value in headers.items():
        assert not {"\r", "\n"} & set(value), f"a line end in {name}"
        yield f"{name}: {value}".encode("ascii")


def _multipart(boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = b"--" + boundary.encode()
    return b"".join(mark + _END + part + _END for part in parts) + mark + b"--" + _END


def _digest(*parts: bytes) -> str:
    return ids.digest(*(part.decode("ascii") for part in parts))[:32]


def _read_part(piece: bytes) -> Part:
    headers, content = _head_and_body(piece)
    if headers.get("Content-Type", "").lower().startswith("multipart/mixed"):
        inner, _ = _split(content, _boundary(headers["Content-Type"]))
        return Part(tuple(answer for each in inner for answer in _read_part(each).answers))
    status = _STATUS_LINE.match(content.lstrip())
    if status is None:
        raise ValueError("a part without status line")
    inner_headers, body = _head_and_body(content.lstrip().split(b"\n", 1)[1] if b"\n" in content.lstrip() else b"")
    return Part((Answer(int(status[1]), inner_headers, body.strip()),))


def _head_and_body(content: bytes) -> tuple[CaseInsensitiveDict[str], bytes]:
    """Split at the first blank line; a head without lines begins with it."""
    if content.startswith((b"\r\n", b"\n")):
        return CaseInsensitiveDict(), content
    head, *rest = _BLANK_LINE.split(content, maxsplit=1)
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for line in head.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    return headers, rest[0] if rest else b""


def _boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ValueError("no boundary")
    return found[1].strip().encode()


def _split(body: bytes, boundary: bytes) -> tuple[list[bytes], bool]:
    """Return what lies between the boundaries, and whether the last one closed the list."""
    mark = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    pieces: list[bytes] = []
    start: int | None = None
    for found in mark.finditer(body):
        if start is not None:
            pieces.append(body[start : found.start()].removeprefix(b"\r").removeprefix(b"\n"))
        if found[1]:
            return pieces, True
        start = found.end()
    return pieces, False
