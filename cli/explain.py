"""`connector explain`: why is this invoice not in Xero, or what became of it there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.invoices import locate
from cli.printing import print_json, print_rows, warn
from cli.running import told
from core.settings import read_settings
from pipeline.app import App, build_app
from pipeline.explaining import Explanation
from pipeline.explaining import explain as explain_facts
from pipeline.facts import read_facts


@click.command()
@click.argument("invoice")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(invoice: str, *, connection_id: str | None, as_json: bool) -> None:
    """Say where INVOICE stands and what to do: its gates, its dates, its Xero details, its place in the lane.

    INVOICE is the invoice ID of Dynamics (INV-01003), its GUID or a link to it. Nothing is changed, and Xero is not
    asked.
    """
    with told():
        app = build_app(read_settings(), wake=lambda _: None)
        found, failures = explanations(app, invoice, connection_id)
    warn(failures)
    if as_json:
        print_json([as_plain(each) for each in found])
    else:
        show(Console(), found)


def explanations(app: App, named: str, connection_id: str | None) -> tuple[list[Explanation], list[str]]:
    """Return what to say of each invoice of this name, and what could not be asked.

    Raises Misconfigured if there is none, Transient, Limited or Disconnected.
    """
    hits, failures = locate(app, named, connection_id)
    return [explain_facts(read_facts(app, hit.connection, hit.invoice_id)) for hit in hits], failures


def as_plain(explanation: Explanation) -> dict[str, Any]:
    plain = asdict(explanation)
    rows = ("invoice", "date", "xero", "work")
    return plain | {name: [{"what": what, "said": said} for what, said in plain[name]] for name in rows}


def show(console: Console, found: Sequence[Explanation]) -> None:
    """Print them, the verdict of each first."""
    for explanation in found:
        console.print(Text(explanation.verdict, style="bold"))
        print_rows(console, "", explanation.invoice)
        if explanation.gates:
            console.print(_gates(explanation))
        print_rows(console, "Date Delivered", explanation.date)
        print_rows(console, "Xero details and history", explanation.xero)
        print_rows(console, "Work", explanation.work)


def _gates(explanation: Explanation) -> Table:
    table = Table("", "Gate", "What to do", title="Gates", title_justify="left")
    for gate in explanation.gates:
        sign = Text("✓ open", style="green") if gate.is_open else Text("✗ closed", style="red")
        table.add_row(sign, Text(f"{gate.rule} {gate.question}"), Text("" if gate.is_open else gate.remedy))
    return table
