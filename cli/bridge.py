"""`connector bridge`: events of Dynamics from an Azure Service Bus queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
import structlog
from sqlalchemy.exc import SQLAlchemyError

from cli.running import start, stop_on_signals, told
from core.connections import Connections
from core.database import open_database
from core.errors import Misconfigured, Transient
from core.inbox import Inbox
from core.redis import inbox_url
from core.settings import Settings, read_settings
from webhooks.bridge import Bridge
from webhooks.servicebus import host_of

if TYPE_CHECKING:
    from webhooks.bus import Bus

END_S = 7.0  # from the signal to the end, whatever the bus does


@click.command("bridge")
def bridge_command() -> None:
    """Take events of Dynamics from an Azure Service Bus queue."""
    with told():
        check_bridge(read_settings())  # before anything is waited for
        settings = start("bridge")
        open_queue(settings).close()
        stopping = stop_on_signals()
        bridge = Bridge(
            lambda: open_queue(settings),
            publish=Inbox(inbox_url(settings.redis_url)).publish,
            find_hosts=hosts_in(Connections(open_database(settings.database_url))),
            stopping=stopping,
        )
        structlog.get_logger().info("bridge.started", queue=settings.servicebus_queue)
        run_until_stopped(bridge.run, stopping)


def check_bridge(settings: Settings) -> None:
    """Raise Misconfigured, saying how to mend it, unless the bridge can be started."""
    missing = [
        name
        for name, value in (
            ("SERVICEBUS_CONNECTION", settings.servicebus_connection),
            ("SERVICEBUS_QUEUE", settings.servicebus_queue),
        )
        if not value
    ]
    if missing:
        raise Misconfigured(
            f"The bridge needs {' and '.join(missing)}. Without a Service Bus queue it is not needed."
        )
    if find_spec("azure") is None or find_spec("azure.servicebus") is None:
        raise Misconfigured(
            "The bridge needs Microsoft's SDK for Service Bus: `pip install connector-dynamics-xero[bridge]`."
        )


def open_queue(settings: Settings) -> Bus:
    """Return the queue of the settings, connected on first use. Raises Misconfigured if they describe none."""
    from webhooks.bus import Bus  # noqa: PLC0415 - the SDK is an optional extra

    return Bus(settings.servicebus_connection, settings.servicebus_queue, ca_bundle=settings.ca_bundle)


def hosts_in(connections: Connections) -> Callable[[str], frozenset[str]]:
    """Return the look-up of the hosts at which an organisation is connected; it raises Transient without database."""

    def find_hosts(organisation: str) -> frozenset[str]:
        try:
            return frozenset(host_of(found.dynamics_url) for found in connections.list_of_dynamics(organisation))
        except SQLAlchemyError as error:
            raise Transient(f"the database does not answer: {type(error).__name__}") from error

    return find_hosts


def run_until_stopped(run: Callable[[], None], stopping: threading.Event, *, end_s: float = END_S) -> None:
    """Run until `run` returns, at most `end_s` longer than until `stopping` is set; what it raises is raised here.

    It runs in a thread of its own: a signal reaches only the main thread, and not while that one looks up a name or
    waits for a peer that has gone silent. Messages that are left behind so come again when their locks run out.
    """
    raised: list[BaseException] = []

    def keep() -> None:
        try:
            run()
        except BaseException as error:  # told by the main thread
            raised.append(error)
        finally:
            stopping.set()

    thread = threading.Thread(target=keep, name="bridge", daemon=True)
    thread.start()
    stopping.wait()
    thread.join(end_s)
    if raised:
        raise raised[0]
    if thread.is_alive():
        structlog.get_logger().warning("bridge.left_behind", after_s=end_s)
