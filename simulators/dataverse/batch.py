"""`$batch`: multipart bodies to operations and answers back to multipart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.http import Answer

OPERATIONS_MAX = 1000
_BOUNDARY = re.compile(r'boundary="?([^";\s]+)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Operation:
    """One request inside a batch; `content_id` is how others in its changeset name what it makes."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Changeset:
    operations: tuple[Operation, ...]


def parse_batch(content_type: str, body: bytes) -> list[Operation | Changeset]:
    """Return the parts in order; raises Refused for what Dataverse does not take in a batch."""
    parts = [_parse_part(part) for part in _split(content_type, body)]
    count = sum(len(part.operations) if isinstance(part, Changeset) else 1 for part in parts)
    if count > OPERATIONS_MAX:
        raise bad_request(
            f"The current batch of {count} operations exceeds the maximum of {OPERATIONS_MAX} operations.",
            "0x80060888",
        )
    return parts


def _split(content_type: str, body: bytes) -> list[bytes]:
    match = _BOUNDARY.search(content_type)
    if "multipart/mixed" not in content_type.lower() or match is None:
        raise bad_request("Missing boundary delimiter in the batch request.", "0x0")
    # Clients send CRLF or bare LF; from here on it is LF.
    text = b"\n" + body.replace(b"\r\n", b"\n")
    delimiter = b"\n--" + match.group(1).encode()
    pieces = text.split(delimiter)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise bad_request("The batch request body is not terminated by its boundary.", "0x0")
    return [piece.split(b"\n", 1)[-1] for piece in pieces[1:-1]]


def _parse_part(part: bytes) -> Operation | Changeset:
    headers, content = _headers_and_rest(part)
    content_type = headers.get("content-type", "")
    if content_type.lower().startswith("multipart/mixed"):
        return Changeset(tuple(_parse_changed(inner) for inner in _split(content_type, content)))
    if not content_type.lower().startswith("application/http"):
        raise bad_request(f"Invalid content type '{content_type}' in a batch part.", "0x0")
    return _parse_operation(headers, content)


def _parse_changed(part: bytes) -> Operation:
    headers, content = _headers_and_rest(part)
    operation = _parse_operation(headers, content)
    if operation.method == "GET":
        raise bad_request("An invalid HTTP method 'GET' was detected for a request in a change set.", "0x0")
    return operation


def _parse_operation(part_headers: dict[str, str], content: bytes) -> Operation:
    request_line, _, rest = content.lstrip(b"\n").partition(b"\n")
    words = request_line.decode().split(" ")
    if len(words) < 2:
        raise bad_request("The request line of a batch part is not valid.", "0x0")
    headers, body = _headers_and_rest(rest)
    content_id = headers.get("content-id") or part_headers.get("content-id")
    return Operation(words[0].upper(), " ".join(words[1:-1]) or words[1], headers, body.strip(b"\n"), content_id)


def _headers_and_rest(text: bytes) -> tuple[dict[str, str], bytes]:
    if text.startswith(b"\n"):
        return {}, text[1:]
    head, _, rest = text.partition(b"\n\n")
    headers = {}
    for line in head.decode().splitlines():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, rest


def write_batch(boundary: str, parts: list[bytes]) -> bytes:
    """Join answers into a multipart body."""
    return (
        b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
        + f"--{boundary}--\r\n".encode()
    )


def write_operation(answer: Answer, content_id: str | None = None) -> bytes:
    """One answer as a part of a batch response."""
    phrase = HTTPStatus(answer.status).phrase
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"HTTP/1.1 {answer.status} {phrase}", *(f"{k}: {v}" for k, v in answer.headers.items()), "", ""]
    return "\r\n".join(lines).encode() + answer.body


def write_changeset(boundary: str, parts: list[bytes]) -> bytes:
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
    return head.encode() + write_batch(boundary, parts)


def no_batch_inside(operation: Operation) -> None:
    if operation.url.split("?", 1)[0].endswith("$batch"):
        raise Refused(400, "0x0", "A batch request cannot contain another batch request.")
