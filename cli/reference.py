"""`connector reference`: bring tax types, account codes and branding themes in Dynamics up to date, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.invoices import chosen
from cli.printing import print_json, print_rows
from cli.reference_watch import Watched, looked_at, watch
from cli.running import told
from core.connections import Connection
from core.settings import read_settings
from pipeline.app import App, build_app
from pipeline.broker import open_broker, wake_lane
from pipeline.progress import Progress, Step, as_plain
from pipeline.reference import REFERENCE

COUNTED = ("created", "updated", "reactivated", "deactivated", "unchanged", "refused")
NONE_KNOWN = "No synchronisation is known."  # Redis forgets them, after months or with everything else
_STATES = {"waiting": "interrupted", "running": "under way", "done": "done", "failed": "done, but not all of it"}


@click.group("reference")
def reference_group() -> None:
    """Tax rates, account codes and branding themes of Xero, as Dynamics offers them."""


@reference_group.command("sync")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it is done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sync_command(connection_id: str | None, *, wait: bool, as_json: bool) -> None:
    """Bring them up to date now. A worker does it; this command asks for it and shows how far it is."""
    with told():
        settings = read_settings()
        broker = open_broker(settings.redis_url)
        app = build_app(settings, wake=lambda lane: wake_lane(broker, lane))
        marked = [(connection, mark(app, connection)) for connection in chosen(app, connection_id)]
        watched = watch(app, marked) if wait else [Watched(connection) for connection, _ in marked]
    if as_json:
        print_json([_plain(each) for each in watched])
    elif wait:
        show(Console(), watched)
    else:
        click.echo("Marked due. `connector reference show` tells how far it is.")
    if unfinished := [f"{each.connection.name}: {each.said}" for each in watched if each.said]:
        raise click.ClickException("\n".join(unfinished))


@reference_group.command("show")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(connection_id: str | None, *, as_json: bool) -> None:
    """Show the synchronisation that is under way, or what came of the last one."""
    with told():
        app = build_app(read_settings(), wake=lambda _: None)
        found = [looked_at(app, connection) for connection in chosen(app, connection_id)]
    if as_json:
        print_json([_plain(each) for each in found])
        return
    show(Console(), found)
    for each in found:
        if each.said:
            click.echo(f"{each.connection.name}: {each.said}")


def mark(app: App, connection: Connection) -> datetime:
    """Mark the reference data of a connection due, as the night does; return when, to the ms by which lanes count."""
    now = app.lanes.now()
    app.lanes.end_rest(connection.id)
    if app.lanes.mark(connection.id, [REFERENCE], due_at=now):
        app.wake(connection.id)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def show(console: Console, watched: Sequence[Watched]) -> None:
    """Print how far each connection is, a table of what was done, and what was refused."""
    for each in watched:
        progress = each.progress
        if progress is None:
            print_rows(console, each.connection.name, [("State", NONE_KNOWN)] if not each.said else [])
            continue
        print_rows(console, each.connection.name, _told(progress))
        console.print(_table(progress.steps))
        for step in progress.steps:
            for refusal in step.refusals:
                console.print(Text(f"Refused: {refusal}"))
            if step.reason:
                console.print(Text(f"{step.name}: {step.reason}"))


def _told(progress: Progress) -> list[tuple[str, str]]:
    rows = [("State", _STATES[progress.state]), ("Begun", f"{progress.started_at:%Y-%m-%d %H:%M:%S} UTC")]
    if progress.ended_at is not None:
        rows.append(("Ended", f"{progress.ended_at:%Y-%m-%d %H:%M:%S} UTC"))
    return [*rows, ("Why", progress.reason)] if progress.reason else rows


def _table(steps: Sequence[Step]) -> Table:
    """A column a step: three fit into any terminal."""
    table = Table("", *(step.name for step in steps))
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("State", *(_state(step) for step in steps), end_section=True)
    for name in COUNTED:
        table.add_row(name.capitalize(), *(str(getattr(step.counts, name)) for step in steps))
    return table


def _state(step: Step) -> str:
    if step.state != "running":
        return step.state
    return f"{step.counts.total} of {'?' if step.total is None else step.total}"


def _plain(each: Watched) -> dict[str, Any]:
    return {
        "connection": each.connection.id,
        "name": each.connection.name,
        "said": each.said,
        "progress": as_plain(each.progress) if each.progress is not None else None,
    }
