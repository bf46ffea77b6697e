"""What every long-running command needs: settings, logs, the check of Redis, and an orderly end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import structlog

from core import log
from core.errors import ConnectorError, Misconfigured, Transient, Unknown
from core.redis import UNREACHABLE, check_fit, open_redis
from core.settings import Settings, read_settings

REDIS_START_S = 15.0
STOP_S = 10  # from the signal to the end of a process


@contextmanager
def told() -> Iterator[None]:
    """Turn our own errors into a message and exit code 1; anything else is a defect and shows its trace."""
    try:
        yield
    except (Transient, Unknown) as error:
        raise click.ClickException(f"{error}. Try again; `connector doctor` says what is wrong.") from error
    except ConnectorError as error:
        raise click.ClickException(str(error)) from error


def start(process: str) -> Settings:
    """Return the settings of a process that may serve: logs are set up, Redis answers and keeps what it accepts.

    Raises Misconfigured when it may not.
    """
    settings = read_settings()
    log.configure(settings.log_level, settings.log_format, process)
    client = open_redis(settings.redis_url)
    waiting, waited_s = threading.Event(), 0.0
    while True:
        try:
            check_fit(client)
        except UNREACHABLE as error:
            # Processes of one machine start together; Redis may be the last to be ready.
            if waited_s >= REDIS_START_S:
                raise Misconfigured(
                    f"Redis does not answer ({type(error).__name__}). Start the embedded one with `connector redis`, "
                    "or set REDIS_URL."
                ) from error
            waiting.wait(0.25)
            waited_s += 0.25
        else:
            return settings


def stop_on_signals(*, within_s: int | None = None) -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set; a second signal ends the process at once.

    With `within_s` the process ends that many seconds after the signal, whatever it waits for: a Redis that does not
    answer, above all. Nothing that runs with it may need a last word; supervisors would not wait for it either.
    """
    stopping = threading.Event()

    def stop(number: int, _frame: object) -> None:
        if within_s is not None:
            signal.alarm(within_s)  # ends the process even if no Python code runs any more
        structlog.get_logger().info("process.stopping", signal=number)
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
