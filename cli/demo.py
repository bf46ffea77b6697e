"""`connector demo`: starts everything, lets a sales user work, shows what becomes of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.live import Live

from cli.running import stop_on_signals
from demo.company import Company
from demo.play import play
from demo.stack import DemoFailed, Stack
from demo.story import EXPORTED, FAILED, WAITS, Sale, plan
from demo.watch import Watcher, came_true, state_of, summary_of, table_of, timeline

SETTLE_S = 60.0


@click.command()
@click.option("--once", is_flag=True, help="Run the story, print it, and exit: 0 if everything came true, else 1.")
@click.option("--invoices", default=16, show_default=True, type=click.IntRange(1, 1000), help="How many are saved.")
@click.option("--keep", is_flag=True, help="Keep data and logs afterwards.")
def demo(*, once: bool, invoices: int, keep: bool) -> None:
    """Watch invoices travel from a simulated Dynamics to a simulated Xero through the real connector."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)  # a log has no window to fit into
    stopping, stack = stop_on_signals(), Stack()
    fine = False
    try:
        company = _open(console, stack)
        sales = plan(company, invoices, datetime.now(UTC).date())  # noqa: TID251 - a person's today
        _play(console, company, sales, stopping)
        fine = all(came_true(sale) for sale in sales)
        _report(console, sales)
        if not once and not stopping.is_set():
            _stay(console, stack, sales, stopping)
    except DemoFailed as error:
        console.print(f"[bold red]The demo failed:[/] {error}")
        keep = True
    finally:
        with console.status("Stopping every process …"):
            stack.stop()
        if keep:
            console.print(f"Data and logs: {stack.folder}")
        else:
            stack.remove_data()
    if not fine:
        raise SystemExit(1)


def _open(console: Console, stack: Stack) -> Company:
    with console.status("Starting the simulated Xero and Dynamics …"):
        stack.start_simulators()
        company = Company(stack)
        company.found()
    with console.status("Starting Redis, web, dispatcher, two workers and poller …"):
        stack.start_connector()
    with console.status("Joining Contoso Furniture's Xero and Dynamics …"):
        company.join(status="Draft")
    return company


def _play(console: Console, company: Company, sales: list[Sale], stopping: threading.Event) -> None:
    """Play and watch, until everything has come true or a minute after the last act has passed."""
    watcher, pause = Watcher(company), threading.Event()
    acting = threading.Thread(
        target=play, args=(company, sales), kwargs={"pause_s": 0.3, "stopping": stopping}, daemon=True
    )
    acting.start()
    waited_s = 0.0
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while not stopping.is_set():
            saved = [sale for sale in sales if sale.invoice_id]
            watcher.look(saved)
            live.update(table_of(saved))
            if not acting.is_alive():
                waited_s += 0.2
                if all(came_true(sale) for sale in sales) or waited_s >= SETTLE_S:
                    break
            pause.wait(0.2)
    acting.join(5)


def _report(console: Console, sales: list[Sale]) -> None:
    console.print(table_of(sales))
    for line in timeline(sales):
        console.print(line, highlight=False)
    console.print(summary_of(sales))


def _stay(console: Console, stack: Stack, sales: list[Sale], stopping: threading.Event) -> None:
    console.print("\nEverything stays up until Ctrl-C:")
    for name, address in (
        ("connector", f"{stack.web}/healthz"),
        ("simulated Xero", f"{stack.addresses['xero']}/_control/calls"),
        ("simulated Dynamics", f"{stack.addresses['dynamics']}/_control/calls"),
        ("logs", str(stack.folder)),
    ):
        console.print(f"  {name:20} {address}", highlight=False)
    console.print("\nAsk about invoices in a second terminal:")
    for line in (f"set -a; . {stack.write_env_file()}; set +a", *_questions(sales), "connector doctor"):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    stopping.wait()


def _questions(sales: list[Sale]) -> list[str]:
    """Return commands about one invoice of each fate."""
    examples = {state_of(sale): sale.facts["invoice"]["invoicenumber"] for sale in reversed(sales)}
    asked = (("explain", WAITS), ("explain", FAILED), ("explain", EXPORTED), ("preview", WAITS))
    return [f"connector {command} {examples[fate]}" for command, fate in asked if fate in examples]
