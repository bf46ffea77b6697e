"""`connector sync`: mark invoices due, as an event would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.invoices import HOW_TO_NAME, chosen, find_invoices, not_found
from cli.running import told
from core.connections import IN_SERVICE, Connection
from core.settings import read_settings
from pipeline.app import App, build_app
from pipeline.broker import open_broker, wake_lane
from pipeline.on_demand import entities_of
from pipeline.poll_dynamics import find_due

LOOK_S = 0.2
STALLED_S = 10.0
NOTHING_GOES = "Nothing goes to Xero or comes back until it serves again."


@click.command()
@click.argument("invoices", nargs=-1, metavar="[INVOICE]...")
@click.option("--all", "everything", is_flag=True, help="Everything that needs work or has changed since yesterday.")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the lanes are empty.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sync(
    invoices: tuple[str, ...], *, everything: bool, connection_id: str | None, wait: bool, as_json: bool
) -> None:
    """Mark invoices due now. INVOICE is the invoice ID of Dynamics (INV-01003), its GUID or a link to it."""
    if bool(invoices) == everything:
        raise click.UsageError("Name invoices, or give --all.")
    with told():
        settings = read_settings()
        broker = open_broker(settings.redis_url)
        app = build_app(settings, wake=lambda lane: wake_lane(broker, lane))
        connections = chosen(app, connection_id)
        located = {connection.id: locate_each(app, connection, invoices) for connection in connections}
        marked = {connection.id: mark(app, connection, located[connection.id]) for connection in connections}
        missing = [named for named in invoices if not any(found[named] for found in located.values())]
        if wait:
            _wait(app, [lane for lane, found in marked.items() if found])
        for words in out_of_service(app, [lane for lane, found in marked.items() if found]):
            click.echo(words, err=True)
    if as_json:
        click.echo(json.dumps({"marked": {lane: sorted(found) for lane, found in marked.items()}}))
    else:
        count = sum(len(found) for found in marked.values())
        click.echo(f"Marked {count} {'invoice' if count == 1 else 'invoices'} due.")
    if missing:
        raise click.ClickException(f"{not_found(missing)} {HOW_TO_NAME}")


def locate_each(app: App, connection: Connection, invoices: tuple[str, ...]) -> dict[str, set[str]]:
    """Return the ids of the invoices of each name in the connection's Dynamics."""
    return {
        named: {located.invoice_id for located in find_invoices(app, connection, named)} for named in set(invoices)
    }


def mark(app: App, connection: Connection, located: dict[str, set[str]]) -> set[str]:
    """Mark these invoices due on both sides, or without any all that need work; return their ids."""
    tools = app.connect(connection, app.lanes.now)
    if located:
        found = set[str]().union(*located.values())
        entities = entities_of(tools, found)
    else:
        due = find_due(tools, since=None, now=app.lanes.now())
        found, entities = {entity.id for entity in due.entities}, due.entities
    if entities:
        app.lanes.end_rest(connection.id)
    if app.lanes.mark(connection.id, entities, due_at=app.lanes.now()):
        app.wake(connection.id)
    return found


def out_of_service(app: App, lanes: Iterable[str]) -> list[str]:
    """Return why nothing goes of what was marked, a line for each connection that does not serve now."""
    known = [connection for lane in lanes if (connection := app.connections.find(lane)) is not None]
    return [
        f"{connection.name}: {connection.state}. {connection.state_reason or NOTHING_GOES}"
        for connection in known
        if connection.state != IN_SERVICE
    ]


def _wait(app: App, lanes: list[str]) -> None:
    """Show how many are done until nothing is due now; a lane that rests is said so and not waited for."""
    pause, console = threading.Event(), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    idle_s, before = 0.0, -1
    with Progress(*columns, transient=True, console=console, disable=not console.is_terminal) as progress:
        open_lanes = {lane: progress.add_task(lane[:8], total=_left(app, lane)) for lane in lanes}
        while open_lanes:
            for lane, task in list(open_lanes.items()):
                left = _left(app, lane)
                total = progress.tasks[task].total or 0
                progress.update(task, completed=max(0, total - left))
                rests = app.lanes.rests_until(lane)
                if rests is not None:
                    console.print(f"{lane}: rests until {rests:%H:%M:%S} UTC; {left} records stay due.")
                if left == 0 or rests is not None:
                    del open_lanes[lane]
            now = sum(_left(app, lane) for lane in open_lanes)
            idle_s, before = (idle_s + LOOK_S if now == before else 0.0), now
            if open_lanes and STALLED_S <= idle_s < STALLED_S + LOOK_S:
                console.print("Nothing moves. Does `connector work` run? Ctrl-C ends the waiting; they stay due.")
            pause.wait(LOOK_S)


def _left(app: App, lane: str) -> int:
    return app.lanes.count_ready(lane)
