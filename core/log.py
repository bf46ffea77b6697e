"""Structured logs: JSON lines, or text for a terminal; secrets are taken out before anything is written."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"secret|password|passwd|token|authori[sz]ation|cookie|signature|credential|api_?key|webhook_?key|bearer|\bcode\b|^key$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 " + REDACTED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), REDACTED),
    (
        re.compile(r"(?i)([?&;](?:code|token|secret|key|sig|access_token|refresh_token|client_secret)=)[^&\s\"']+"),
        r"\1" + REDACTED,
    ),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1" + REDACTED + "@"),
)
_QUIET: Final = {
    "alembic": logging.WARNING,
    "azure": logging.CRITICAL,  # it logs with a trace what it raises as well, at each attempt to connect
    "dramatiq": logging.WARNING,
    "gunicorn.access": logging.WARNING,
    "kombu": logging.WARNING,
    "msal": logging.WARNING,
    "urllib3": logging.WARNING,
    "werkzeug": logging.WARNING,
}

Entry = MutableMapping[str, Any]


def configure(
    level: str = "INFO", fmt: str = "json", process: str = "connector", *, stream: TextIO | None = None
) -> None:
    """Set up logging for this process: `level` as in logging, `fmt` json or console, `process` its name in each line.

    Lines of the libraries take the same way as ours.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_process(process),
    ]
    last: list[Any] = [structlog.processors.format_exc_info, redact]
    if fmt == "console":
        last.append(structlog.dev.ConsoleRenderer(colors=bool(getattr(stream or sys.stderr, "isatty", bool)())))
    else:
        last.append(structlog.processors.JSONRenderer(default=str))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _bridge(shared, last, level, stream or sys.stderr)


def redact(_logger: Any, _method: str, entry: Entry) -> Entry:
    """Take secrets out of a log entry: by the name of the field, and by the look of a text."""
    return {name: REDACTED if _names_secret(name) else _scrubbed(value) for name, value in entry.items()}


def _bridge(shared: list[Any], last: list[Any], level: str, stream: TextIO) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
    logging.captureWarnings(True)


def _with_process(process: str) -> Any:
    def add_process(_logger: Any, _method: str, entry: Entry) -> Entry:
        entry["process"] = process
        return entry

    return add_process


def _names_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return {name: REDACTED if _names_secret(str(name)) else _scrubbed(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(item) for item in value]
    if isinstance(value, Exception):
        return _scrubbed(repr(value))
    return value
