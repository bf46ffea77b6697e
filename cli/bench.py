"""`connector bench`: the benchmarks."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.latency import measure
from demo.stack import DemoFailed


@click.group("bench")
def bench_group() -> None:
    """Measurements, through real processes on this machine."""


@bench_group.command()
@click.option("--invoices", default=60, show_default=True, type=click.IntRange(2, 10_000), help="How many are saved.")
@click.option("--per-second", default=1.0, show_default=True, help="How fast they are saved.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def latency(*, invoices: int, per_second: float, as_json: bool) -> None:
    """From a save in Dynamics to the document in Xero."""
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("Saving", total=invoices + 1)
            found = measure(
                count=invoices,
                per_second=per_second,
                today=datetime.now(UTC).date(),  # noqa: TID251 - a person's today
                progress=lambda number: progress.update(task, completed=number),
            )
    except DemoFailed as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        table = Table("Invoices", "A second", "Missing", "p50 ms", "p90 ms", "p99 ms", "max ms")
        table.add_row(*(str(value) for value in asdict(found).values()))
        Console().print(table)
    if found.missing:
        raise click.ClickException(f"{found.missing} invoices never reached Xero")
