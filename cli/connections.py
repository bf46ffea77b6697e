"""`connector connections`: import, list, show, remove."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.lane_shown import lane_json, lane_rows
from cli.printing import print_json, print_rows, warn
from cli.running import told
from clients.http import open_session
from core import redis
from core.clock import SystemClock
from core.connections import Connection, Connections
from core.consents import Consents
from core.database import open_database
from core.endpoints import SECRET_HEADER, Endpoints
from core.errors import ConnectorError, Misconfigured, Transient
from core.settings import Settings, read_settings
from core.vault import Vault
from pipeline.app import build_app, connector
from pipeline.connect import Joined, Joiner
from pipeline.lane_facts import LaneFacts, read_lane_facts
from pipeline.lanes import Lanes


@click.group("connections")
def connections_group() -> None:
    """Connections between a Xero and a Dynamics organisation."""


@connections_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_command(file: Path, as_json: bool) -> None:
    """Create or renew the connections that FILE (JSON) describes, and print where Dynamics has to post."""
    with told():
        settings = read_settings()
        entries = _entries(file)
        joiner, joined, wrong = open_joiner(settings), [], []
        for number, entry in enumerate(entries, start=1):
            try:
                joined.append(joiner.join(entry))
            except ConnectorError as error:
                wrong.append(f"entry {number}: {error}")
    if as_json:
        click.echo(json.dumps([_endpoint_json(settings, one) for one in joined], indent=2))
    else:
        for one in joined:
            click.echo(f"{one.connection.name}  ({one.connection.id})")
            click.echo(f"  Dynamics posts to  {endpoint_address(settings, one)}")
            click.echo(f"  with the header    {SECRET_HEADER}: {one.endpoint.secrets[0]}")
    if wrong:
        raise click.ClickException("\n".join(wrong))


@connections_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the connections."""
    with told():
        found = list(open_connections(read_settings()).list_all())
    if as_json:
        click.echo(json.dumps([_plain(connection) for connection in found], indent=2))
        return
    if not found:
        click.echo("There are no connections yet. `connector connections import` makes them.", err=True)
        return
    for row in found:
        print_rows(Console(), "", _told(row))


@connections_group.command("show")
@click.argument("connection_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(connection_id: str, as_json: bool) -> None:
    """Show one connection: its state, what is due, why it waits and until when, dead letters, lost webhooks.

    Nothing is changed, and neither Xero nor Dynamics is asked.
    """
    with told():
        settings = read_settings()
        connection = get_connection(settings, connection_id)
        facts, missing = _lane_facts(settings, connection)
    warn(missing)
    if as_json:
        print_json(_plain(connection) | lane_json(facts))
        return
    print_rows(Console(), "", _told(connection))
    if facts is not None:
        print_rows(Console(), "Lane", lane_rows(connection, facts))


@connections_group.command("remove")
@click.argument("connection_id")
@click.confirmation_option(prompt="Invoices will not flow any more. Remove the connection?")
def remove_command(connection_id: str) -> None:
    """Forget a connection here; nothing is deleted in Xero or Dynamics."""
    with told():
        settings = read_settings()
        connection = get_connection(settings, connection_id)
        lanes = Lanes(redis.open_redis(settings.redis_url))
        lanes.now()  # Without Redis nothing is removed: a second try would not find it, and its lane would stay.
        open_connections(settings).remove(connection.id)
        lanes.forget(connection.id)
    click.echo(f"Removed {connection.name}.")


def open_joiner(settings: Settings) -> Joiner:
    """Return what makes connections."""
    engine, vault, clock = open_database(settings.database_url), Vault(settings.token_keys), SystemClock()
    client = redis.open_redis(settings.redis_url)
    return Joiner(
        settings,
        Connections(engine),
        Consents(engine, vault),
        Endpoints(engine, vault),
        connector(settings, engine=engine, client=client, clock=clock, session=open_session(settings.ca_bundle)),
        clock.now,
    )


def open_connections(settings: Settings) -> Connections:
    return Connections(open_database(settings.database_url))


def get_connection(settings: Settings, connection_id: str) -> Connection:
    """Raises Misconfigured when there is none."""
    found = open_connections(settings).find(connection_id)
    if found is None:
        raise Misconfigured(f"There is no connection {connection_id}. `connector connections list` shows them.")
    return found


def _lane_facts(settings: Settings, connection: Connection) -> tuple[LaneFacts | None, list[str]]:
    """Return how its lane stands, or why nobody knows: the rest is shown without Redis as well."""
    try:
        return read_lane_facts(build_app(settings, wake=lambda _: None), connection.id), []
    except Transient as error:
        return None, [f"{connection.name}: {error}"]


def endpoint_address(settings: Settings, joined: Joined) -> str:
    return f"{settings.public_url}/webhooks/dynamics/{joined.endpoint.key}"


def _entries(file: Path) -> list[Any]:
    try:
        entries = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Misconfigured(f"{file}: not JSON: {error}") from error
    if not isinstance(entries, list):
        raise Misconfigured(f"{file}: must hold a list of connections")
    return entries


def _endpoint_json(settings: Settings, joined: Joined) -> dict[str, Any]:
    return {
        "connection": joined.connection.id,
        "organization_id": joined.endpoint.organization_id,
        "address": endpoint_address(settings, joined),
        "header": SECRET_HEADER,
        "secret": joined.endpoint.secrets[0],
    }


def _plain(connection: Connection) -> dict[str, Any]:
    return {name: str(getattr(connection, name)) for name in Connection.__slots__}


def _told(row: Connection) -> list[tuple[str, str]]:
    return [
        ("Connection", row.id),
        ("Name", row.name),
        ("State", f"{row.state}: {row.state_reason}" if row.state_reason else row.state),
        ("Xero organisation", row.xero_tenant_id),
        ("Dynamics", row.dynamics_url),
    ]
