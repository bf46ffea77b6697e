"""`connector`: every command of the product."""

from __future__ import annotations

import click

from cli.bench import bench_group
from cli.connections import connections_group
from cli.deletions import deletions_group
from cli.demo import demo
from cli.doctor import doctor
from cli.explain import explain
from cli.preview import preview
from cli.printing import print_what_can_be_printed
from cli.processes import dispatch, poll_command, redis_command, web, work_command
from cli.reference import reference_group
from cli.simulate import simulate
from cli.sync import sync


@click.group()
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


COMMANDS = (
    demo,
    redis_command,
    web,
    dispatch,
    work_command,
    poll_command,
    simulate,
    connections_group,
    sync,
    reference_group,
    deletions_group,
    explain,
    preview,
    doctor,
    bench_group,
)
for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    main()
