"""What a log line looks like, and what never gets into one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from core import log
from tests.logs import log_plainly


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers, root.level = before, level
    logging.captureWarnings(False)
    log_plainly()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_process(stream: io.StringIO) -> None:
    log.configure("INFO", "json", "work", stream=stream)

    structlog.get_logger().info("record.synced", record="r-1", took_ms=3)

    [line] = lines(stream)
    assert (line["event"], line["record"], line["took_ms"]) == ("record.synced", "r-1", 3)
    assert (line["process"], line["level"]) == ("work", "info")
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_take_the_same_way_and_are_quiet(stream: io.StringIO) -> None:
    log.configure("INFO", "json", "work", stream=stream)

    logging.getLogger("kombu").info("chatter")
    logging.getLogger("kombu").warning("Authorization: Bearer abcdefghijkl")
    logging.getLogger("other.library").info("hello %s", "you")

    first, second = lines(stream)
    assert first["event"] == "Authorization: Bearer [redacted]"
    assert (second["event"], second["logger"]) == ("hello you", "other.library")


@pytest.mark.parametrize(
    "fields",
    [
        {"client_secret": "s3cret"},
        {"refresh_token": "s3cret"},
        {"Authorization": "Basic s3cret"},
        {"headers": {"Cookie": "s3cret", "X-Xero-Signature": "s3cret"}},
        {"listed": [{"password": "s3cret"}]},
        {"url": "https://h/webhooks/dynamics/k?code=s3cret&x=1"},
        {"reason": "POST with Bearer s3cret.s3cret_s3cret failed"},
        {"database": "postgresql://user:s3cret@h/db"},
        {"error": ValueError("client_secret=x&refresh_token=s3cret")},
        {"jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzM2NyZXQiOjF9.s3cret"},
    ],
)
def test_secrets_are_taken_out(stream: io.StringIO, fields: dict[str, Any]) -> None:
    log.configure("INFO", "json", "web", stream=stream)

    structlog.get_logger().info("call.failed", **fields)

    assert "s3cret" not in stream.getvalue()
    assert "[redacted]" in stream.getvalue()


def test_a_trace_is_scrubbed_too(stream: io.StringIO) -> None:
    log.configure("INFO", "json", "web", stream=stream)

    try:
        raise ValueError("https://user:s3cret@host/")
    except ValueError:
        structlog.get_logger().exception("call.failed")

    [line] = lines(stream)
    assert "ValueError" in line["exception"]
    assert "s3cret" not in stream.getvalue()


def test_the_console_form_is_for_people(stream: io.StringIO) -> None:
    log.configure("DEBUG", "console", "web", stream=stream)

    structlog.get_logger().debug("web.started", port=8000)

    assert "web.started" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()


def test_lines_below_the_level_are_left_out(stream: io.StringIO) -> None:
    log.configure("WARNING", "json", "web", stream=stream)

    structlog.get_logger().info("web.started")

    assert stream.getvalue() == ""
