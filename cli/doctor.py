"""`connector doctor`: is everything fit to serve, and if not, what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.bridge import check_bridge, open_queue
from core.addresses import is_refused_by_xero
from core.clock import SystemClock
from core.connections import Connection
from core.database import open_database
from core.errors import ConnectorError, Misconfigured
from core.mails import Mails
from core.redis import UNREACHABLE, check_fit, open_redis
from core.settings import LOOPBACK_HOSTS, Settings, read_settings
from core.vault import Vault
from mappers.links import refused_addresses
from pipeline.app import App, build_app
from pipeline.lane_facts import read_lane_facts
from pipeline.schedule import Schedule

LATE_S = 60  # a poller looks every two seconds
MAIL_LATE = timedelta(minutes=10)
DEAD_LIST = "`connector dead list` shows what, and `connector dead replay` lets it be tried again"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `said` is what is wrong, or what was found."""

    what: str
    is_fine: bool
    said: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Check settings, Redis, the database, keys and every connection; exit 1 if anything is wrong."""
    checks = list(examine())
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        table = Table("", "Check")
        table.add_column("Result", overflow="fold")
        for check in checks:
            sign = Text("✓", style="green") if check.is_fine else Text("✗", style="red")
            table.add_row(sign, Text(check.what), Text(check.said))
        Console().print(table)
    if not all(check.is_fine for check in checks):
        raise SystemExit(1)


def examine() -> Iterator[Check]:
    """Yield the checks one by one; those that need what has failed are left out."""
    try:
        settings = read_settings()
    except ConnectorError as error:
        yield Check("Settings", is_fine=False, said=str(error))
        return
    yield Check("Settings", is_fine=True, said="complete")
    yield _check("Redis keeps what it accepts", lambda: _redis(settings))
    yield _check("Keys", lambda: f"{Vault(settings.token_keys).count} in TOKEN_KEYS")
    yield _check("Database", lambda: f"{open_database(settings.database_url).dialect.name}, newest schema")
    yield _webhook_key(settings)
    yield _public_url(settings)
    yield _check("Mails", lambda: waiting_mails(settings, SystemClock().now()))
    if settings.servicebus_connection or settings.servicebus_queue:
        yield _check("Service Bus", lambda: look_at_bus(settings))
    try:
        app = build_app(settings, wake=lambda _: None)
        found = list(app.connections.list_all())
    except ConnectorError:
        return
    if found:
        yield _check("Poller", lambda: poller(app, settings, found))
    for connection in found:
        yield _check(f"{connection.name}: Dynamics", lambda: _dynamics(app, connection))  # noqa: B023
        yield _check(f"{connection.name}: Xero", lambda: _xero(app, connection))  # noqa: B023
        yield _check(f"{connection.name}: Webhooks", lambda: webhooks(app, connection))  # noqa: B023
        yield _check(f"{connection.name}: Put aside", lambda: put_aside(app, connection))  # noqa: B023
        if is_refused_by_xero(connection.dynamics_url):
            yield _check(f"{connection.name}: Link", lambda: _link(settings, connection))  # noqa: B023


def _check(what: str, look: Callable[[], str]) -> Check:
    try:
        return Check(what, is_fine=True, said=look())
    except ConnectorError as error:
        return Check(what, is_fine=False, said=str(error))
    except UNREACHABLE as error:
        return Check(
            what,
            is_fine=False,
            said=f"does not answer: {str(error).rstrip('.')}. Start it: `connector redis`, or set REDIS_URL.",
        )


def _redis(settings: Settings) -> str:
    client = open_redis(settings.redis_url)
    check_fit(client)
    seconds, _ = client.time()
    skew = abs(SystemClock().now().timestamp() - seconds)
    return f"append-only, noeviction; its clock is {skew:.0f} s from ours"


def waiting_mails(settings: Settings, now: datetime) -> str:
    """Return how mails go out. Raises Misconfigured if some have waited for long."""
    if not settings.mail_url:
        return "no mail server (MAIL_URL): people register by an invitation only"
    mails = Mails(open_database(settings.database_url), Vault(settings.token_keys))
    if late := mails.count_older(now - MAIL_LATE):
        minutes = MAIL_LATE // timedelta(minutes=1)
        raise Misconfigured(
            f"{late} mails have waited for more than {minutes} minutes. `connector poll` sends them; its log says "
            "mail.delayed and why."
        )
    return "sent as they come"


def _webhook_key(settings: Settings) -> Check:
    what = "Xero's webhook key"
    if settings.xero_webhook_key:
        return Check(what, is_fine=True, said="set")
    return Check(
        what, is_fine=False, said="XERO_WEBHOOK_KEY is empty: events from Xero are refused, polls still work."
    )


def _public_url(settings: Settings) -> Check:
    host = urlsplit(settings.public_url).hostname or ""
    if host in LOOPBACK_HOSTS:
        said = f"{settings.public_url} is this machine: Microsoft and Xero cannot post to it. Set PUBLIC_URL."
        simulated = urlsplit(settings.xero_api_url).hostname in LOOPBACK_HOSTS
        return Check("Public address", is_fine=simulated, said="this machine, as Xero is" if simulated else said)
    return Check("Public address", is_fine=True, said=settings.public_url)


def look_at_bus(settings: Settings) -> str:
    """Return what can be said of the queue that the bridge reads; takes no message and locks none.

    Raises Misconfigured or Transient when the bridge could not read it.
    """
    check_bridge(settings)
    queue = open_queue(settings)
    try:
        waits = queue.look()
    finally:
        queue.close()
    return f"the queue {settings.servicebus_queue} can be read; {'messages wait in it' if waits else 'it is empty'}"


def _dynamics(app: App, connection: Connection) -> str:
    who = app.connect(connection, app.lanes.now).dataverse.who_am_i()
    if str(who["OrganizationId"]).lower() != connection.dynamics_organization_id:
        raise ConnectorError("another organisation answers at this address now; this connection is not used for it")
    return f"answers as user {who['UserId']}"


def _xero(app: App, connection: Connection) -> str:
    tools = app.connect(connection, app.lanes.now)
    organisation = tools.xero.get_organisation()
    return f"{organisation['Name']} answers"


def poller(app: App, settings: Settings, known: Sequence[Connection]) -> str:
    """Without a poller nobody notices what no event told, and lost wake-ups stay lost: an operator has to know."""
    schedule, now = Schedule(app.redis, interval_s=settings.poll_interval_s), app.lanes.now()
    late_s = max((seconds for _, seconds in schedule.find_late(now_ms=int(now.timestamp() * 1000))), default=0)
    if not schedule.knows_any():
        if all(now - connection.created_at < timedelta(seconds=LATE_S) for connection in known):
            return "it takes in new connections within half a minute"
        raise ConnectorError("no poll was ever begun here. Start the poller: `connector poll`.")
    if late_s > LATE_S:
        raise ConnectorError(f"a poll has been due for {late_s} s and nobody began it. Is `connector poll` running?")
    return f"polls begin as they fall due, every {settings.poll_interval_s} s"


def webhooks(app: App, connection: Connection) -> str:
    """Events that do not get through only come late, by the poll; an operator has to know (promise H4)."""
    found = read_lane_facts(app, connection.id).undelivered
    if found.since is not None:
        raise ConnectorError(
            f"{found.words(connection)}. Is `connector web` running, and does PUBLIC_URL lead to it? What they were "
            "about is found by the poll."
        )
    return found.words(connection) or "Dynamics has told of none that it could not deliver within a day"


def put_aside(app: App, connection: Connection) -> str:
    count = read_lane_facts(app, connection.id).dead
    if count:
        raise ConnectorError(f"{count} {'record was' if count == 1 else 'records were'} put aside: {DEAD_LIST}")
    return "nothing"


def _link(settings: Settings, connection: Connection) -> str:
    """Xero refuses links to this Dynamics, so they lead through us (rule C18)."""
    if is_refused_by_xero(settings.public_url):
        raise ConnectorError(refused_addresses(connection.dynamics_url, settings.public_url))
    return f"from Xero to Dynamics through {settings.public_url}"
