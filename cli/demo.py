"""`connector demo`: starts everything, lets a sales user work, shows what becomes of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.live import Live

from cli.running import stop_on_signals
from demo.company import Company
from demo.owed import Owed
from demo.play import play
from demo.sale import CANCELLED, DELETED, EXPORTED, FAILED, WAITS, Sale
from demo.show import summary_of, timeline, view_of
from demo.stack import DemoFailed, Stack
from demo.story import plan
from demo.watch import Watcher, came_true, dynamics_state, number_of, state_of

SETTLE_S = 60.0
POLL_S = 4  # for people who watch; what customers owe follows with the poll


@click.command()
@click.option("--once", is_flag=True, help="Run the story, print it, and exit: 0 if everything came true, else 1.")
@click.option("--invoices", default=17, show_default=True, type=click.IntRange(1, 1000), help="How many are saved.")
@click.option("--keep", is_flag=True, help="Keep data and logs afterwards.")
def demo(*, once: bool, invoices: int, keep: bool) -> None:
    """Watch invoices travel between a simulated Dynamics and a simulated Xero through the real connector.

    Sales people save, cancel and delete them in Dynamics; the accountant approves, pays, voids and credits them in
    Xero.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)  # a log has no window to fit into
    stopping, stack = stop_on_signals(), Stack(poll_interval_s=POLL_S)
    fine = False
    try:
        company = _open(console, stack)
        sales = plan(company, invoices, datetime.now(UTC).date())  # noqa: TID251 - a person's today
        owed = _play(console, company, sales, stopping)
        fine = _is_done(sales, owed)
        _report(console, sales, owed)
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
    with console.status("Starting Redis, web, dispatcher and two workers …"):
        stack.start_connector(poller=False)
    with console.status("Joining Contoso Furniture's Xero and Dynamics, and starting the poller …"):
        company.join(status="Draft")
        stack.start("poll")
    return company


def _play(console: Console, company: Company, sales: list[Sale], stopping: threading.Event) -> list[Owed]:
    """Play and watch, until everything has come true or a minute after the last act; return what customers owe."""
    watcher, pause = Watcher(company), threading.Event()
    acting = threading.Thread(
        target=play, args=(company, sales), kwargs={"pause_s": 0.25, "stopping": stopping}, daemon=True
    )
    acting.start()
    waited_s, owed = 0.0, list[Owed]()
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while not stopping.is_set():
            saved = [sale for sale in sales if sale.invoice_id]
            owed = watcher.look(saved)
            live.update(view_of(saved, owed, console.width))
            if not acting.is_alive():
                waited_s += 0.2
                if _is_done(sales, owed) or waited_s >= SETTLE_S:
                    break
            pause.wait(0.2)
    acting.join(5)
    return owed


def _is_done(sales: list[Sale], owed: list[Owed]) -> bool:
    done = all(came_true(sale) and not sale.then for sale in sales)
    return done and bool(owed) and all(each.agrees for each in owed)


def _report(console: Console, sales: list[Sale], owed: list[Owed]) -> None:
    console.print(view_of(sales, owed, console.width))
    for line in timeline(sales):
        console.print(line, highlight=False)
    console.print(summary_of(sales, owed))


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
    examples = {fate: number_of(sale) for sale in reversed(sales) for fate in (state_of(sale), dynamics_state(sale))}
    fates = (WAITS, FAILED, EXPORTED, CANCELLED, DELETED)
    asked = (*(("explain", fate) for fate in fates), ("preview", WAITS))
    return [f"connector {command} {examples[fate]}" for command, fate in asked if fate in examples]
