"""The embedded Redis."""

from __future__ import annotations

import click

from cli.running import told
from core import redis_server
from core.settings import read_settings


@click.command("redis")
def redis_command() -> None:
    """Run the embedded Redis (in the foreground)."""
    with told():
        redis_server.run(read_settings().data_dir)
