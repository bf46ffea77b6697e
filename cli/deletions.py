"""`connector deletions`: what was deleted in Dynamics and is not carried out in Xero yet; the owner's word on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.invoices import chosen
from cli.printing import print_json
from cli.running import told
from core.connections import PAUSED, Connection
from core.settings import read_settings
from pipeline.app import App, build_app
from pipeline.broker import open_broker, wake_lane
from pipeline.deletion_guard import DELETIONS_MAX, Deletion, confirm_deletions, list_deletions

NOTHING_WAITS = "No deleted invoice waits to be carried out in Xero."
QUESTION = "Delete, void or credit their documents in Xero, as the settings say?"


@click.group("deletions")
def deletions_group() -> None:
    """Invoices that were deleted in Dynamics; more than ten at a time wait for a confirmation."""


@deletions_group.command("show")
@click.argument("connection_id", metavar="CONNECTION")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(connection_id: str, *, as_json: bool) -> None:
    """Show the deleted invoices of CONNECTION whose documents in Xero have not been dealt with."""
    with told():
        app = build_app(read_settings(), wake=lambda _: None)
        (connection,) = chosen(app, connection_id)
        found = waiting(app, connection)
    if as_json:
        print_as_json(found)
        return
    show(Console(), found)


@deletions_group.command("confirm")
@click.argument("connection_id", metavar="CONNECTION")
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm_command(connection_id: str, *, yes: bool) -> None:
    """Let the deletions of CONNECTION be carried out in Xero, and the connection go on."""
    with told():
        settings = read_settings()
        broker = open_broker(settings.redis_url)
        app = build_app(settings, wake=lambda lane: wake_lane(broker, lane))
        (connection,) = chosen(app, connection_id)
        ask(app, connection, yes=yes)


def ask(app: App, connection: Connection, *, yes: bool) -> None:
    """Show what waits and, unless `yes`, ask; confirm it. Raises click.Abort on a no, and as `waiting`."""
    found = waiting(app, connection)
    show(Console(), found)
    if found and not yes:
        click.confirm(QUESTION, abort=True)
    confirm(app, connection, found)
    if found:
        count = len(found)
        click.echo(f"Confirmed {count} {'deletion' if count == 1 else 'deletions'}. A worker carries them out now.")
    if connection.state == PAUSED:
        click.echo("The connection is paused: nothing goes to Xero until it serves again.", err=True)


def waiting(app: App, connection: Connection) -> list[Deletion]:
    """Return what was deleted and waits. Raises Transient, Limited or Disconnected."""
    return list_deletions(app.connect(connection, app.lanes.now))


def confirm(app: App, connection: Connection, deletions: Sequence[Deletion]) -> None:
    """Remember the owner's word and let the lane go on at once: it rests after a stop. Raises Transient."""
    confirm_deletions(app.connect(connection, app.lanes.now), deletions)
    app.lanes.end_rest(connection.id)
    entities = [deletion.entity for deletion in deletions]
    if app.lanes.mark(connection.id, entities, due_at=app.lanes.now()):
        app.wake(connection.id)


def print_as_json(deletions: Sequence[Deletion]) -> None:
    print_json([asdict(deletion) for deletion in deletions])


def show(console: Console, deletions: Sequence[Deletion]) -> None:
    """Print them, a row an invoice, and whether they wait for a word."""
    if not deletions:
        console.print(Text(NOTHING_WAITS))
        return
    table = Table("Invoice", "Name", "Xero number", "Xero status", "Amount due", "Confirmed")
    table.columns[4].justify = "right"
    for deletion in deletions:
        due = f"{deletion.amount_due} {deletion.currency}".strip() if deletion.amount_due is not None else ""
        texts = (deletion.number, deletion.name, deletion.xero_number, deletion.xero_status, due)
        table.add_row(*map(Text, texts), "yes" if deletion.is_confirmed else "no")
    console.print(table)
    open_ones = sum(not deletion.is_confirmed for deletion in deletions)
    if open_ones > DELETIONS_MAX:
        console.print(Text(f"{open_ones} at a time: nothing is done in Xero before they are confirmed."))
