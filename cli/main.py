"""`connector`: every command of the product."""

from __future__ import annotations

import click

from cli.lazy import LazyGroup
from cli.printing import print_what_can_be_printed

COMMANDS = {
    "demo": "cli.demo:demo",
    "redis": "cli.redis:redis_command",
    "web": "cli.processes:web",
    "dispatch": "cli.processes:dispatch",
    "work": "cli.processes:work_command",
    "poll": "cli.processes:poll_command",
    "bridge": "cli.bridge:bridge_command",
    "simulate": "cli.simulate:simulate",
    "solution": "cli.solution:solution_group",
    "connections": "cli.connections:connections_group",
    "teams": "cli.teams:teams_group",
    "sync": "cli.sync:sync",
    "reference": "cli.reference:reference_group",
    "deletions": "cli.deletions:deletions_group",
    "dead": "cli.dead:dead_group",
    "explain": "cli.explain:explain",
    "preview": "cli.preview:preview",
    "doctor": "cli.doctor:doctor",
    "bench": "cli.bench:bench_group",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@click.version_option(package_name="connector-dynamics-xero")
def main() -> None:
    """Connector for Dynamics 365 and Xero."""
    print_what_can_be_printed()


@main.group("keys")
def keys_group() -> None:
    """Keys that protect stored secrets."""


@keys_group.command("new")
def new_key_command() -> None:
    """Print a fresh key for TOKEN_KEYS."""
    from core.vault import new_key  # noqa: PLC0415

    click.echo(new_key())


if __name__ == "__main__":
    main()
