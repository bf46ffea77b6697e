"""Starts every process of the connector and the simulators on free loopback ports, and stops them all."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from core.vault import new_key

ROOT = Path(__file__).parent.parent
READY_S = 30.0
STOP_S = 15.0
LAST = ("redis", "simulators")  # the others speak to these until they end
WEBHOOK_KEY = "demo-webhook-key-0123456789abcdefghijklmnopqrstuvwxyz=="


class DemoFailed(Exception):
    """A process did not come up; the message names its log."""


@dataclass
class Stack:
    """The processes of a demo. `start` brings them up, `stop` ends every one of them.

    `addresses` are those of `connector simulate`; `web` is the connector's own. `folder` holds data and logs.
    `settings` are environment variables of the connector's processes beside, or instead of, those of the demo.
    """

    workers: int = 2
    poll_interval_s: int = 10
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="connector-")))
    addresses: dict[str, str] = field(default_factory=dict)
    web: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_simulators(self) -> None:
        """Bring up both simulators and learn their addresses."""
        process = self._spawn("simulators", "simulate", "all", "--tls-dir", str(self.folder / "tls"), pipe=True)
        line = process.stdout.readline() if process.stdout else b""
        try:
            self.addresses = json.loads(line)
        except ValueError as error:
            raise DemoFailed(f"the simulators did not start; see {self.log_of('simulators')}") from error
        self.web = f"http://127.0.0.1:{free_port()}"

    def start_connector(self, *, poller: bool = True) -> None:
        """Bring up Redis, web, dispatcher, workers and poller, and wait until webhooks are received.

        A poller hears of a new connection within half a minute; one that is started after it, at once.
        """
        self.start("redis")
        self.start("web")
        self.start("dispatch")
        for number in range(1, self.workers + 1):
            self.start(f"work-{number}")
        if poller:
            self.start("poll")
        wait_until(self.is_ready, self, "web")

    def is_ready(self) -> bool:
        """Whether webhooks are received."""
        try:
            return requests.get(f"{self.web}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def start(self, name: str) -> None:
        """Start one process by name: redis, web, dispatch, work-N, poll."""
        arguments = [name.split("-", 1)[0]]
        if name == "web":
            arguments += ["--port", self.web.rsplit(":", 1)[1]]
        self._spawn(name, *arguments)

    def kill(self, name: str) -> None:
        """SIGKILL: the process gets no chance to end in order."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def pause(self, name: str) -> None:
        """SIGSTOP: the process stands still, and knows nothing of it."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT: a process that was paused goes on."""
        self.processes[name].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop everything, the connector before what it speaks to; kill what does not end by itself."""
        ours = [process for name, process in self.processes.items() if name not in LAST]
        for group in (ours, [self.processes[name] for name in LAST if name in self.processes]):
            for process in group:
                process.send_signal(signal.SIGTERM)
            for process in group:
                _wait(process)
        self.processes.clear()

    def remove_data(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def run(self, *arguments: str) -> str:
        """Run a `connector` command in the demo's environment; return what it printed. Raises DemoFailed."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemoFailed(f"connector {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def environment(self) -> Mapping[str, str]:
        """The settings of the demo's processes; nothing of the caller's own installation is read."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        settings = {
            "PYTHONPATH": str(ROOT),
            "DATA_DIR": str(self.folder),
            "TOKEN_KEYS": self._key(),
            "PUBLIC_URL": self.web,
            "XERO_WEBHOOK_KEY": WEBHOOK_KEY,
            "POLL_INTERVAL_SECONDS": str(self.poll_interval_s),
            "LOG_FORMAT": "json",
        }
        if self.addresses:
            settings |= {
                "XERO_API_URL": self.addresses["xero"],
                "XERO_IDENTITY_URL": self.addresses["xero"],
                "XERO_LOGIN_URL": self.addresses["xero"],
                "MICROSOFT_AUTHORITY": self.addresses["login"],
                "CA_BUNDLE": self.addresses["ca_bundle"],
            }
        return inherited | settings | self.settings

    def write_env_file(self) -> Path:
        """Write what a shell has to read (`set -a; . FILE`) to run commands here, whatever it had set before."""
        file, bin_folder = self.folder / "demo.env", Path(sys.executable).parent
        names = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
        settings = {name: value for name, value in self.environment().items() if name not in names} | {
            "REDIS_URL": f"unix://{self.folder / 'redis' / 'redis.sock'}?db=0",
            "DATABASE_URL": f"sqlite:///{self.folder / 'connector.db'}",
        }
        lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
        file.touch(mode=0o600)
        file.write_text("\n".join([*lines, f'PATH={shlex.quote(str(bin_folder))}:"$PATH"', ""]))
        return file

    def _key(self) -> str:
        kept = self.folder / "token.key"
        if not kept.exists():
            kept.touch(mode=0o600)
            kept.write_text(new_key())
        return kept.read_text()

    def _spawn(self, name: str, *arguments: str, pipe: bool = False) -> subprocess.Popen[bytes]:
        with self.log_of(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", *arguments],
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone: we stop the others in order
            )
        self.processes[name] = process
        return process


def wait_until(done: Any, stack: Stack, waiting_for: str, *, timeout_s: float = READY_S) -> None:
    """Return when `done()` is true. Raises DemoFailed when a process has ended or time is up."""
    pause, waited_s = threading.Event(), 0.0
    while not done():
        for name, process in stack.processes.items():
            if process.poll() is not None:
                raise DemoFailed(f"{name} ended with {process.returncode}; see {stack.log_of(name)}")
        if waited_s >= timeout_s:
            raise DemoFailed(f"{waiting_for} was not ready in {timeout_s:.0f} s; see {stack.folder}")
        pause.wait(0.05)
        waited_s += 0.05


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
