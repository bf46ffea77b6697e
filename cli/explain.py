"""`connector explain`: why is this invoice not in Xero, or what became of it there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.invoices import each_of, locate
from cli.printing import print_json, print_rows, warn
from cli.running import told
from core.settings import read_settings
from pipeline.app import App, build_app
from pipeline.explaining import NOTHING_TO_DO, Explanation
from pipeline.explaining import explain as explain_facts
from pipeline.facts import read_facts


@click.command()
@click.argument("invoices", nargs=-1, required=True, metavar="INVOICE...")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(invoices: tuple[str, ...], *, connection_id: str | None, as_json: bool) -> None:
    """Say where each INVOICE stands and what to do: its gates, its dates, its Xero details and history.

    INVOICE is the invoice ID of Dynamics (INV-01003), its GUID or a link to it. Nothing is changed, and Xero is not
    asked.
    """
    with told():
        app = build_app(read_settings(), wake=lambda _: None)
        found, failures, wrong = each_of(invoices, lambda named: explanations(app, named, connection_id))
    warn(failures)
    if as_json:
        print_json([as_plain(each) for each in found])
    else:
        show(Console(), found)
    if wrong:
        raise click.ClickException("\n".join(wrong))


def explanations(app: App, named: str, connection_id: str | None) -> tuple[list[Explanation], list[str]]:
    """Return what to say of each invoice of this name, and what could not be asked.

    Raises Misconfigured if there is none, Transient, Limited or Disconnected.
    """
    hits, failures = locate(app, named, connection_id)
    return [explain_facts(read_facts(app, hit.connection, hit.invoice_id)) for hit in hits], failures


def as_plain(explanation: Explanation) -> dict[str, Any]:
    plain = asdict(explanation)
    plain["gates"] = [gate | ({"waiting": "", "remedy": ""} if gate["is_open"] else {}) for gate in plain["gates"]]
    rows = ("invoice", "date", "xero", "work")
    return plain | {name: [{"what": what, "said": said} for what, said in plain[name]] for name in rows}


def show(console: Console, found: Sequence[Explanation]) -> None:
    """Print them: the verdict of each first, what to do about it, then everything behind it."""
    for explanation in found:
        number = f"{explanation.number}  " if len(found) > 1 and explanation.number else ""
        console.print(Text(f"{number}{explanation.verdict}", style="bold"))
        for line in explanation.advice:
            console.print(Text(line))
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
        if gate.remedy == NOTHING_TO_DO:
            sign = Text("– closed", style="dim")
        table.add_row(sign, Text(f"{gate.rule} {gate.question}"), Text("" if gate.is_open else gate.remedy))
    return table
