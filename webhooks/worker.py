"""Gunicorn's worker with threads, for senders that nobody knows: what it may wait for, and what it may say."""

from __future__ import annotations

import logging
import re
import socket
import time
from contextlib import suppress
from typing import Any, Final

from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

REQUEST_S: Final = 10.0  # for all bytes of a request; Xero gives up after 5 s, and Dataverse sends at once

_QUOTED: Final = re.compile(r"b?['\"].*", re.DOTALL)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """Stops listening to a request that is not complete in time.

    Gunicorn reads head and body in one of few threads and waits for ever: as many senders of a byte a second would
    end all service. All methods here are called in the main thread alone, the last one at least once a second.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        self._since[conn] = time.monotonic()
        super().enqueue_req(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        self._since.pop(conn, None)  # before it goes on: a request that came along with this one begins anew
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        super().murder_pending()
        late = time.monotonic() - REQUEST_S
        for conn in [conn for conn, since in self._since.items() if since < late]:
            # A thread that waits sees the end of the request. What has arrived is read, and an answer still goes out.
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)


class Quiet(Logger):  # type: ignore[misc]  # gunicorn is untyped
    """Gunicorn's words go the way of all logs, without what a sender said: there may be a secret in an address."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        words = str(msg)
        if words.startswith("Invalid request"):
            words = _QUOTED.sub("…", words)
        super().warning(words, *args, **kwargs)
