"""Shows the story to people: a table of the invoices, one of what customers owe, a timeline, how fast it was."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from demo.owed import Owed
from demo.sale import EXPORTED, FAILED, WAITS, Sale
from demo.watch import came_true, disagreement, due_in_xero, dynamics_state, latency_ms, number_of, state_of, step_of
from demo.watch import words_of as said_of

COLOURS = {EXPORTED: "green", WAITS: "yellow", FAILED: "red"}
COLUMNS = (
    ("Invoice", "left"),
    ("Customer", "left"),
    ("Dynamics", "right"),
    ("State", "left"),
    ("Number", "left"),
    ("Xero", "right"),
    ("Tax", "right"),
    ("Due", "right"),
    ("Status", "left"),
    ("ms", "right"),
)
LEFT_OUT_BELOW = {"Number": 130, "Tax": 130, "Customer": 110, "Dynamics": 90}
"""Which columns a window narrower than this many signs does without."""
_ID_BEHIND = re.compile(r" - [0-9a-f]{8}-[0-9a-f-]{27}$")  # the history's, of no use in a narrow column
_ROOT = re.compile(r"^(INV-\d+)-\w+$")  # what a number of Dynamics is known by


def view_of(sales: Sequence[Sale], owed: Sequence[Owed], width: int) -> Group:
    """Return both tables as they fit into a window of this width."""
    return Group(table_of(sales, width), owed_table(owed))


def table_of(sales: Sequence[Sale], width: int) -> Table:
    """Return what has become of each invoice, in both systems."""
    table = Table(
        title="Dynamics 365 ⇄ Xero", title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False
    )
    shown = [name for name, _ in COLUMNS if width >= LEFT_OUT_BELOW.get(name, 0)]
    for name, side in COLUMNS:
        if name in shown:
            table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("It says", overflow="fold")
    for sale in sales:
        if sale.invoice_id:
            cells = _cells(sale)
            table.add_row(*(cells[name] for name in shown), _first_words(sale))
    return table


def owed_table(owed: Sequence[Owed]) -> Table:
    """Return what customers owe, as the account in Dynamics says and as the books do."""
    table = Table(title="What customers owe, brought by each poll", title_justify="left", box=box.SIMPLE_HEAD)
    table.collapse_padding, table.pad_edge = True, False
    for name in ("Customer", "Dynamics", "Overdue", "", "Xero", "Overdue", "Agree"):
        table.add_column(name, justify="left" if name in ("Customer", "", "Agree") else "right", no_wrap=True)
    for each in owed:
        table.add_row(
            each.customer,
            _money(each.in_dynamics),
            _money(each.overdue_in_dynamics),
            each.currency,
            _money(each.in_xero),
            _money(each.overdue_in_xero),
            "[green]✓[/]" if each.agrees else "…",
        )
    return table


def timeline(sales: Sequence[Sale]) -> list[str]:
    """Return one line a step of each sale, in the order in which people acted."""
    lines: list[tuple[float, str]] = []
    for sale in sales:
        lines += [(step.at, f"✓ {_clock(step.at)}  {step.told}") for step in sale.past]
        mark, step = "✓" if came_true(sale) else "✗", step_of(sale)
        text = f"{mark} {_clock(step.at)}  {step.told}"
        if mark == "✗":
            wrong = disagreement(sale) if state_of(sale) == EXPORTED else ""
            rows = len(sale.facts.get("history", []))
            text += f"\n    expected: {sale.expected}, {sale.rows} rows that say {sale.words!r}"
            text += f"\n    it is: {state_of(sale)}, {rows} rows, the last of which says {said_of(sale)!r}. {wrong}"
        lines.append((step.at, text))
    return [text for _, text in sorted(lines)]


def summary_of(sales: Sequence[Sale], owed: Sequence[Owed]) -> Text:
    """Return how many came true, and how fast."""
    steps = [step for sale in sales for step in (*sale.past, step_of(sale))]
    true, agree = sum(map(came_true, sales)), sum(each.agrees for each in owed)
    text = Text(f"{true} of {len(sales)} invoices are where they should be; {agree} of {len(owed)} balances agree")
    text.stylize("bold green" if true == len(sales) and agree == len(owed) else "bold yellow")
    for words, in_xero in (("Act in Dynamics to Xero", False), ("Act in Xero to Dynamics", True)):
        times = sorted(step.ms for step in steps if step.in_xero is in_xero and step.ms is not None)
        if times:
            text.append(f"\n{words}: median {statistics.median(times):.0f} ms, slowest {times[-1]:.0f} ms")
    return text


def _cells(sale: Sale) -> dict[str, str]:
    document, invoice = sale.facts.get("document", {}), sale.facts.get("invoice", {})
    state, took = state_of(sale), latency_ms(sale)
    return {
        "Invoice": _short(number_of(sale)),
        "Customer": sale.customer,
        "Dynamics": _money(invoice.get("totalamount")),
        "State": dynamics_state(sale),
        "Number": _short(document.get("InvoiceNumber", "")),
        "Xero": _money(document.get("Total")),
        "Tax": _money(document.get("TotalTax")),
        "Due": _money(due_in_xero(document)) if document else "",
        "Status": f"[{COLOURS.get(state, 'dim')}]{_status(sale).lower() or state or '…'}[/]",
        "ms": f"{took:.0f}" if took is not None else "",
    }


def _status(sale: Sale) -> str:
    """Return the document's status as the Xero details in Dynamics say it: one that was credited is not just paid."""
    return sale.facts.get("details", {}).get("stl3_xerostatus") or ""


def _first_words(sale: Sale) -> str:
    lines = said_of(sale).splitlines()
    return _ID_BEHIND.sub("", lines[0]) if lines else ""


def _short(number: str) -> str:
    return _ROOT.sub(r"\1", number)


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{Decimal(amount):,.2f}"


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment).astimezone():%H:%M:%S.%f}"[:-3]
