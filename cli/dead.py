"""`connector dead`: what was put aside because it failed each time; show it, try it again, or forget it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.printing import print_json, print_rows, warn
from cli.running import told
from core.connections import PAUSED, Connection
from core.errors import ConnectorError
from core.inbox import Inbox
from core.redis import inbox_url
from core.settings import read_settings
from pipeline import letters
from pipeline.app import App, build_app
from pipeline.broker import open_broker, wake_lane
from pipeline.letters import Known, Letter, chosen_letters, list_letters, look_up

NONE = "Nothing was put aside."
WHAT_DROPPING_MEANS = (
    "Dropping forgets the letters and nothing else: an invoice stays Failed in Dynamics until somebody sets its "
    "export status to No; what a message of the inbox would have said, the next poll finds."
)
ERROR_MAX = 80


@dataclass(frozen=True, slots=True)
class Desk:
    """Where letters are looked at: the parts of a process, the inbox, and the connections by id."""

    app: App
    inbox: Inbox
    connections: Mapping[str, Connection]


@click.group("dead")
def dead_group() -> None:
    """Dead letters: what was put aside because it failed each time."""


@dead_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(*, as_json: bool) -> None:
    """List what was put aside, oldest first: invoices and other records, and messages of the inbox."""
    with told():
        desk = open_desk()
        found = list_letters(desk.app, desk.inbox)
        known, failures = look_up(desk.app, found)
        now = desk.app.lanes.now()
    warn(failures)
    if as_json:
        print_json([as_plain(desk, letter, known, now) for letter in found])
    else:
        show_list(Console(), desk, found, known, now)


@dead_group.command("show")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(reference: str, *, as_json: bool) -> None:
    """Show all that is known of one letter: what failed and where, what it means, what to do."""
    with told():
        desk = open_desk()
        found = chosen_letters(list_letters(desk.app, desk.inbox), [reference])
        known, failures = look_up(desk.app, found)
        now = desk.app.lanes.now()
    warn(failures)
    if as_json:
        print_json([as_plain(desk, letter, known, now) for letter in found])
        return
    for letter in found:
        show_one(Console(), desk, letter, known, now)


@dead_group.command("replay")
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@click.option("--all", "everything", is_flag=True, help="All that can be replayed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay_command(references: tuple[str, ...], *, everything: bool, as_json: bool) -> None:
    """Let what was put aside be tried again. What fails again comes back as a new letter.

    Of an invoice that is Failed the export status is set to No in Dynamics, as a person would; a message of the inbox
    goes back into it.
    """
    if bool(references) == everything:
        raise click.UsageError("Name references, or give --all.")
    with told():
        desk = open_desk()
        found = list_letters(desk.app, desk.inbox)
        chosen = found if everything else chosen_letters(found, references)
        done, failed = replay_each(desk, chosen)
    if as_json:
        print_json({"replayed": done, "failed": failed})
    else:
        show_replayed(desk, chosen, done)
    if failed:
        raise click.ClickException("\n".join(f"{reference}: {why}" for reference, why in failed.items()))


@dead_group.command("drop")
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drop_command(references: tuple[str, ...], *, yes: bool, as_json: bool) -> None:
    """Forget letters. Nothing is tried again by that, and nothing changes in Dynamics or Xero."""
    with told():
        desk = open_desk()
        found = chosen_letters(list_letters(desk.app, desk.inbox), references)
        click.echo(WHAT_DROPPING_MEANS, err=True)
        if not yes:
            click.confirm(f"Drop {_count(len(found))}?", abort=True, err=True)
        for letter in found:
            letters.drop(desk.app, desk.inbox, letter)
    if as_json:
        print_json({"dropped": [letter.reference for letter in found]})
    else:
        click.echo(f"Dropped {_count(len(found))}.")


def open_desk() -> Desk:
    """Raises Misconfigured."""
    settings = read_settings()
    broker = open_broker(settings.redis_url)
    app = build_app(settings, wake=lambda lane: wake_lane(broker, lane))
    return desk_of(app, Inbox(inbox_url(settings.redis_url)))


def desk_of(app: App, inbox: Inbox) -> Desk:
    return Desk(app, inbox, {connection.id: connection for connection in app.connections.list_all()})


def replay_each(desk: Desk, chosen: Sequence[Letter]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what else was done for each that was replayed, and why the others were not, by reference."""
    done: dict[str, str] = {}
    failed: dict[str, str] = {}
    for letter in chosen:
        try:
            done[letter.reference] = letters.replay(desk.app, desk.inbox, letter)
        except ConnectorError as error:
            failed[letter.reference] = f"not replayed, it stays: {error}"
    return done, failed


def as_plain(desk: Desk, letter: Letter, known: Mapping[str, Known], now: datetime) -> dict[str, Any]:
    entity, connection = letter.entity, desk.connections.get(letter.connection_id)
    stands = _stands(letter, known)
    return {
        "reference": letter.reference,
        "source": letter.source,
        "at": letter.at,
        "age_s": int((now - letter.at).total_seconds()) if letter.at else None,
        "connection": letter.connection_id or None,
        "connection_name": connection.name if connection else None,
        "side": entity.side if entity else None,
        "kind": entity.kind if entity else None,
        "id": entity.id if entity else None,
        "number": stands.number or None,
        "export_status": stands.export_status or None,
        "error": letter.error,
        "text": letter.text,
        "meaning": letter.meaning,
        "remedy": letter.remedy,
    }


def show_list(
    console: Console, desk: Desk, found: Sequence[Letter], known: Mapping[str, Known], now: datetime
) -> None:
    if not found:
        console.print(Text(NONE))
        return
    table = Table("Reference", "Since", "Connection", "What", "Error", "Age", "Export status now")
    for letter in found:
        error = letter.error if len(letter.error) <= ERROR_MAX else f"{letter.error[:ERROR_MAX]}…"
        texts = (_since(desk, letter), _connection(desk, letter), _what(letter, known), error, _age(letter, now))
        status = _stands(letter, known).export_status
        table.add_row(Text(letter.reference, no_wrap=True), *map(Text, texts), Text(status))
    console.print(table)


def show_one(console: Console, desk: Desk, letter: Letter, known: Mapping[str, Known], now: datetime) -> None:
    rows = [
        ("Reference", letter.reference),
        ("Since", f"{_since(desk, letter)} {_age(letter, now)}".strip()),
        ("Connection", _connection(desk, letter)),
        ("What", _what(letter, known)),
        ("Export status now", _stands(letter, known).export_status),
        ("Error", letter.error),
        ("Trace" if letter.source == "lane" else "Text", letter.text),
        ("What it means", letter.meaning),
        ("What to do", letter.remedy),
    ]
    print_rows(console, "", [(label, said) for label, said in rows if said])


def show_replayed(desk: Desk, chosen: Sequence[Letter], done: Mapping[str, str]) -> None:
    """Say what was replayed, and what keeps it from being tried at once."""
    for reference, also in done.items():
        click.echo(f"{reference}: is tried again{f'; {also}' if also else ''}.")
    for lane in sorted({letter.connection_id for letter in chosen if letter.reference in done} - {""}):
        connection, rests = desk.connections[lane], desk.app.lanes.rests_until(lane)
        if connection.state == PAUSED:
            click.echo(f"{connection.name} is paused: nothing goes before it serves again.", err=True)
        elif rests is not None:
            click.echo(f"{connection.name} waits, next try {_told(rests, connection)}.", err=True)


def _connection(desk: Desk, letter: Letter) -> str:
    if not letter.connection_id:
        return ""
    connection = desk.connections.get(letter.connection_id)
    return connection.name if connection else f"gone ({letter.connection_id})"


def _what(letter: Letter, known: Mapping[str, Known]) -> str:
    if letter.entity is None:
        return "message of the inbox" if letter.source == "inbox" else "not readable"
    number = _stands(letter, known).number
    return f"{letter.entity.side} {letter.entity.kind} {letter.entity.id}{f' ({number})' if number else ''}"


def _stands(letter: Letter, known: Mapping[str, Known]) -> Known:
    return known.get(letter.entity.id, Known()) if letter.entity else Known()


def _since(desk: Desk, letter: Letter) -> str:
    return _told(letter.at, desk.connections.get(letter.connection_id)) if letter.at else ""


def _told(moment: datetime, connection: Connection | None) -> str:
    local = moment.astimezone(connection.zone if connection else UTC)
    return f"{local.day} {local:%b %Y %H:%M:%S} ({local:%Z})"


def _age(letter: Letter, now: datetime) -> str:
    if letter.at is None:
        return ""
    old = max(now - letter.at, timedelta(0))
    steps: tuple[tuple[str, Callable[[timedelta], int]], ...] = (
        ("d", lambda age: age.days),
        ("h", lambda age: int(age.total_seconds()) // 3600),
        ("min", lambda age: int(age.total_seconds()) // 60),
    )
    return next((f"{count(old)} {unit}" for unit, count in steps if count(old)), "now")


def _count(number: int) -> str:
    return "1 dead letter" if number == 1 else f"{number} dead letters"
