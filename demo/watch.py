"""Looks at both simulators and says what has become of each sale, as a table for people."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests
from rich import box
from rich.table import Table
from rich.text import Text

from clients.xero import parse_xero_time
from core import columns
from demo.company import Company
from demo.story import EXPORTED, FAILED, WAITS, Sale, Step

_TOTALS = (("invoice", "totalamount"), ("document", "Total"))
_ID_BEHIND = re.compile(r" - [0-9a-f]{8}-[0-9a-f-]{27}$")  # the history's, of no use in a narrow column
COLOURS = {EXPORTED: "green", WAITS: "yellow", FAILED: "red"}


class Watcher:
    """Reads what stands in Dynamics and Xero through the simulators' control API: it costs the connector nothing."""

    def __init__(self, company: Company) -> None:
        self._addresses = company.stack.addresses
        self._tenant_id = company.tenant_id
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would replace the CA of the simulators
        self._session.verify = self._addresses["ca_bundle"]

    def look(self, sales: Sequence[Sale]) -> None:
        """Bring the facts of the sales up to date."""
        invoices = {row["invoiceid"]: row for row in self._rows("invoices")}
        details = {row["stl3_dynamicsinvoiceid"]: row for row in self._rows(columns.DETAILS.set_name)}
        history: dict[str, list[Any]] = {}
        for row in self._rows(columns.HISTORY.set_name):
            history.setdefault(row["_stl3_invoice_value"], []).append(row)
        books = self._get(f"{self._addresses['xero']}/_control/state/{self._tenant_id}")
        documents = {row["InvoiceID"]: row for row in books["Invoices"]}
        for sale in sales:
            row = details.get(sale.invoice_id, {})
            sale.facts = {
                "invoice": invoices.get(sale.invoice_id, {}),
                "details": row,
                "history": history.get(sale.invoice_id, []),
                "document": documents.get(row.get("stl3_xeroinvoiceid"), {}),
                "documents": sum(sale.invoice_id in document.get("Url", "") for document in books["Invoices"]),
            }

    def _rows(self, set_name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._get(f"{self._addresses['dynamics']}/_control/rows/{set_name}")["rows"]
        return rows

    def _get(self, address: str) -> Any:
        answer = self._session.get(address, timeout=10)
        answer.raise_for_status()
        return json.loads(answer.content, parse_float=Decimal)


def state_of(sale: Sale) -> str:
    """Return what has become of a sale so far; empty while nothing has."""
    details = sale.facts.get("details", {})
    status = columns.EXPORT_STATUS.label(details.get("stl3_exportstatus"))
    if status == "Yes" and sale.facts["document"]:
        return EXPORTED
    if status == "Failed":
        return FAILED
    return WAITS if details.get("stl3_waitingfor") else ""


def words_of(sale: Sale) -> str:
    """Return what its row in Dynamics says: the newest history entry, or what it waits for."""
    rows = sale.facts.get("history", [])
    said = rows[-1].get("stl3_details") if rows else sale.facts.get("details", {}).get("stl3_waitingfor")
    return str(said or "")


def came_true(sale: Sale) -> bool:
    """Whether exactly what was expected has become of the sale by now, totals to the cent."""
    if state_of(sale) != sale.expected or sale.words not in words_of(sale):
        return False
    document, invoice = sale.facts["document"], sale.facts["invoice"]
    if sale.expected != EXPORTED:
        return not sale.facts["documents"]
    same = Decimal(document["Total"]) == Decimal(invoice["totalamount"])
    same = same and sale.status in ("", document["Status"])
    return same and sale.facts["documents"] == 1 and len(sale.facts["history"]) == sale.rows


def latency_ms(sale: Sale) -> float | None:
    """Return the time from the click on Save to the document in Xero as it was last written; None before that."""
    document = sale.facts.get("document")
    if not document:
        return None
    took_s = parse_xero_time(document["UpdatedDateUTC"]).timestamp() - sale.saved_at
    return took_s * 1000 if took_s >= 0 else None


def step_of(sale: Sale) -> Step:
    """Return what has become of it so far as a step that is done."""
    return Step(sale.saved_at, told_of(sale), latency_ms(sale))


def told_of(sale: Sale) -> str:
    """Return in a line what was saved and what became of it."""
    took = latency_ms(sale)
    fate = f"in Xero after {took:.0f} ms" if took is not None else state_of(sale) or "nothing"
    return f"{sale.title} for {sale.customer}: {fate}{', as a draft' if sale.status == 'DRAFT' else ''}"


def table_of(sales: Sequence[Sale]) -> Table:
    table = Table(
        title="Dynamics 365 → Xero", title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False
    )
    for name in ("Invoice", "Customer", "Dynamics", "Number", "Xero", "Tax", "Status", "ms"):
        table.add_column(name, justify="right" if name in ("Dynamics", "Xero", "Tax", "ms") else "left", no_wrap=True)
    table.add_column("It says", overflow="fold")
    for sale in sales:
        if sale.invoice_id:
            table.add_row(*_cells(sale))
    return table


def summary_of(sales: Sequence[Sale]) -> Text:
    """Return how many came true, and how fast."""
    every = [*(step.ms for sale in sales for step in sale.past), *(latency_ms(sale) for sale in sales)]
    times = sorted(ms for ms in every if ms is not None)
    true = sum(came_true(sale) for sale in sales)
    text = Text(f"{true} of {len(sales)} invoices are where they should be")
    if times:
        text.append(f"; save to Xero: median {statistics.median(times):.0f} ms, slowest {times[-1]:.0f} ms")
    text.stylize("bold green" if true == len(sales) else "bold yellow")
    return text


def _cells(sale: Sale) -> list[str]:
    document, invoice = sale.facts.get("document", {}), sale.facts.get("invoice", {})
    state, took = state_of(sale), latency_ms(sale)
    history = words_of(sale).splitlines()
    return [
        invoice.get("invoicenumber", ""),
        sale.customer,
        _money(invoice.get("totalamount")),
        document.get("InvoiceNumber", ""),
        _money(document.get("Total")),
        _money(document.get("TotalTax")),
        f"[{COLOURS.get(state, 'dim')}]{document.get('Status', '').lower() or state or '…'}[/]",
        f"{took:.0f}" if took is not None else "",
        _ID_BEHIND.sub("", history[0]) if history else "",
    ]


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{Decimal(amount):,.2f}"


def timeline(sales: Sequence[Sale]) -> list[str]:
    """Return one line a step of each sale, in the order in which people acted."""
    lines: list[tuple[float, str]] = []
    for sale in sales:
        lines += [(step.at, f"✓ {_clock(step.at)}  {step.told}") for step in sale.past]
        mark = "✓" if came_true(sale) else "✗"
        text = f"{mark} {_clock(sale.saved_at)}  {told_of(sale)}"
        if mark == "✗":
            totals = (sale.facts.get(side, {}).get(name) for side, name in _TOTALS)
            text += f"\n    expected: {sale.expected}; totals {' and '.join(map(_money, totals))}; {words_of(sale)}"
        lines.append((sale.saved_at, text))
    return [text for _, text in sorted(lines)]


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment).astimezone():%H:%M:%S.%f}"[:-3]
