"""A real Redis in a folder of its own, started, stopped, frozen and killed at will."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from core import redis_server
from core.redis import UNREACHABLE, open_redis

START_S = 15.0


def wait_until(holds: Callable[[], bool], *, timeout_s: float = START_S) -> None:
    """Return as soon as `holds` says yes; fails the test after `timeout_s`."""
    deadline, never = time.monotonic() + timeout_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {timeout_s} s: {holds}"
        never.wait(0.02)


@dataclass
class RealRedis:
    """The embedded server in `data_dir`."""

    data_dir: Path
    process: subprocess.Popen[bytes] | None = None
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"unix://{redis_server.socket_path(self.data_dir)}?db=0"

    def start(self) -> None:
        self.process = subprocess.Popen(redis_server.command(self.data_dir), stdout=subprocess.DEVNULL)
        wait_until(self.answers)

    def answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except UNREACHABLE:
                return False

    def client(self) -> redis.Redis:
        return open_redis(self.url)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def running_redis() -> Iterator[RealRedis]:
    """A started server; a short folder name, since sockets have short names."""
    with TemporaryDirectory(prefix="redis ", ignore_cleanup_errors=True) as folder:
        server = RealRedis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
