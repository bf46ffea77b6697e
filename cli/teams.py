"""`connector teams`: the teams of the portal, and what an operator does for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console

from cli.connections import get_connection, open_connections
from cli.printing import print_rows
from cli.running import told
from core.errors import Misconfigured
from core.settings import Settings, read_settings
from portal.opening import open_people
from portal.people import INVITED_FOR, OWNER, People, Team


@click.group("teams")
def teams_group() -> None:
    """Teams of the portal: list them, make one, give it a connection."""


@teams_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the teams, with their people and connections."""
    with told():
        settings = read_settings()
        connections = open_connections(settings)
        with _people(settings) as people:
            found = [
                {
                    "id": team.id,
                    "name": team.name,
                    "people": [f"{one.email} ({one.role})" for one in people.list_members(team.id)],
                    "invited": [one.email for one in people.list_invitations(team.id)],
                    "connections": [one.name for one in connections.list_of_team(team.id)],
                }
                for team in people.list_teams()
            ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo("There are no teams yet. `connector teams create` makes one.", err=True)
    for row in found:
        print_rows(Console(), "", [(name, _in_one_line(value)) for name, value in row.items()])


def _in_one_line(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


@teams_group.command("create")
@click.argument("name")
@click.argument("email")
def create_command(name: str, email: str) -> None:
    """Make the team NAME and print a link by which EMAIL registers as its owner; no mail is needed for that."""
    with told():
        settings = read_settings()
        if not name.strip() or "@" not in email:
            raise Misconfigured("Give the name of a company and an e-mail address.")
        with _people(settings) as people:
            team_id = people.create_team(" ".join(name.split())).id
            token = people.invite(team_id, email.strip().casefold(), OWNER)
            people.commit()
    click.echo(f"Made {name} ({team_id}). Good for {INVITED_FOR.days} days, for {email} alone:")
    click.echo(f"{settings.public_url}/register?invitation={token}")


@teams_group.command("give")
@click.argument("team_id")
@click.argument("connection_id")
def give_command(team_id: str, connection_id: str) -> None:
    """Let the people of a team see a connection, and nobody else."""
    with told():
        settings = read_settings()
        connection = get_connection(settings, connection_id)
        with _people(settings) as people:
            team = people.session.get(Team, team_id)
            if team is None:
                raise Misconfigured(f"There is no team {team_id}. `connector teams list` shows them.")
            name = team.name
        open_connections(settings).save_team(connection.id, team_id)
    click.echo(f"{connection.name} belongs to {name} now.")


@contextmanager
def _people(settings: Settings) -> Iterator[People]:
    people = open_people(settings)
    try:
        yield people
    finally:
        people.session.remove()
