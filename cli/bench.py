"""`connector bench`: the benchmarks."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.latency import Latencies, measure
from demo.stack import DemoFailed

WAYS = (("to_xero", "Dynamics → Xero"), ("to_dynamics", "Xero → Dynamics"))
MEANING = "From a save until the document stands in Xero; from a payment until the invoice is Paid."


@click.group("bench")
def bench_group() -> None:
    """Measurements, through real processes on this machine."""


@bench_group.command()
@click.option("--invoices", default=60, show_default=True, type=click.IntRange(2, 10_000), help="How many are saved.")
@click.option("--per-second", default=1.0, show_default=True, help="How fast they are saved, and then paid.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def latency(*, invoices: int, per_second: float, as_json: bool) -> None:
    """From a save in Dynamics to the document in Xero, and from a payment in Xero to Paid in Dynamics."""
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True) as progress:
            tasks = {what: progress.add_task(what, total=invoices + 1) for what in ("Saving", "Paying")}
            found = measure(
                count=invoices,
                per_second=per_second,
                today=datetime.now(UTC).date(),  # noqa: TID251 - a person's today
                progress=lambda what, number: progress.update(tasks[what], completed=number),
            )
    except DemoFailed as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        Console().print(_table(found))
    lost = found.to_xero.missing, found.to_dynamics.missing
    if any(lost):
        raise click.ClickException(f"never arrived: {lost[0]} invoices in Xero, {lost[1]} payments in Dynamics")


def _table(found: Latencies) -> Table:
    names = ("Way", "Acts", "A second", "Missing", "p50 ms", "p90 ms", "p99 ms", "max ms")
    table = Table(*names, caption=MEANING, caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, words in WAYS:
        table.add_row(words, *(str(value) for value in asdict(getattr(found, name)).values()))
    return table
