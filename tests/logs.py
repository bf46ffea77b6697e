"""How log lines look in tests."""

from __future__ import annotations

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback


def log_plainly() -> None:
    """Let structlog write as it does by default, but tracebacks as Python does: rich ones take seconds each."""
    structlog.reset_defaults()
    *processors, _ = structlog.get_config()["processors"]
    structlog.configure(processors=[*processors, ConsoleRenderer(exception_formatter=plain_traceback)])
