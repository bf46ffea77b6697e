"""What a process does every few seconds beside its main work, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger()


def repeat(do: Callable[[], object], *, every_s: float, stopping: threading.Event, name: str) -> None:
    """Do it again and again until `stopping`; while the database is away, nothing is done. Returns at once."""

    def go_on() -> None:
        while not stopping.wait(every_s):
            try:
                do()
            except SQLAlchemyError as error:
                log.warning("background.no_database", name=name, error=type(error).__name__)

    threading.Thread(target=go_on, name=name, daemon=True).start()
