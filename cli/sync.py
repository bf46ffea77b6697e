"""`connector sync`: mark invoices due, as an event would."""

from __future__ import annotations

import json
import threading

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.invoices import chosen, find_invoices
from cli.running import told
from core.connections import Connection
from core.settings import read_settings
from pipeline.app import App, build_app
from pipeline.broker import open_broker, wake_lane
from pipeline.lanes import Entity
from pipeline.poll import find_due


@click.command()
@click.argument("invoices", nargs=-1, metavar="[INVOICE]...")
@click.option("--all", "everything", is_flag=True, help="Everything that needs work.")
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
        marked = {connection.id: mark(app, connection, invoices) for connection in chosen(app, connection_id)}
        missing = [] if everything or any(marked.values()) else list(invoices)
        if wait:
            _wait(app, [lane for lane, found in marked.items() if found])
    if as_json:
        click.echo(json.dumps({"marked": {lane: sorted(found) for lane, found in marked.items()}}))
    else:
        click.echo(f"Marked {sum(len(found) for found in marked.values())} invoices due.")
    if missing:
        raise click.ClickException(f"Not found in Dynamics: {', '.join(missing)}")


def mark(app: App, connection: Connection, invoices: tuple[str, ...]) -> set[str]:
    """Mark these invoices due on the connection, or without any all that need work; return their ids."""
    tools = app.connect(connection, app.lanes.now)
    if invoices:
        found = {located.invoice_id for named in invoices for located in find_invoices(app, connection, named)}
    else:
        found, _ = find_due(tools, since=None, now=app.lanes.now())
    entities = [Entity("dynamics", "invoice", invoice_id) for invoice_id in sorted(found)]
    if entities:
        app.lanes.end_rest(connection.id)
    if app.lanes.mark(connection.id, entities, due_at=app.lanes.now()):
        app.wake(connection.id)
    return found


def _wait(app: App, lanes: list[str]) -> None:
    """Show how many are done until nothing is due now; a lane that rests is said so and not waited for."""
    pause = threading.Event()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        open_lanes = {lane: progress.add_task(lane[:8], total=_left(app, lane)) for lane in lanes}
        while open_lanes:
            for lane, task in list(open_lanes.items()):
                left = _left(app, lane)
                total = progress.tasks[task].total or 0
                progress.update(task, completed=max(0, total - left))
                rests = app.lanes.rests_until(lane)
                if rests is not None:
                    progress.console.print(f"{lane}: rests until {rests:%H:%M:%S} UTC; {left} invoices stay due.")
                if left == 0 or rests is not None:
                    del open_lanes[lane]
            pause.wait(0.2)


def _left(app: App, lane: str) -> int:
    return app.lanes.count_ready(lane)
