"""`connector preview`: the exact document that would be sent to Xero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.invoices import locate
from cli.printing import print_json, print_rows, warn
from cli.running import told
from core.invoice import Invoice
from core.settings import read_settings
from mappers.arithmetic import Reckoned, ReckonedLine
from mappers.lines import XeroLine
from mappers.xero import XeroInvoice
from pipeline.app import App, build_app
from pipeline.previewing import Addressee, InXero, Preview
from pipeline.previewing import preview as preview_invoice

Row = tuple[str, str]


@click.command()
@click.argument("invoice")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def preview(invoice: str, *, connection_id: str | None, as_json: bool) -> None:
    """Show the document that Xero would get for INVOICE now, with its totals, and what would be created with it.

    INVOICE is the invoice ID of Dynamics (INV-01003), its GUID or a link to it. Nothing is sent or written; only an
    access token may be renewed.
    """
    with told():
        app = build_app(read_settings(), wake=lambda _: None)
        found, failures = previews(app, invoice, connection_id)
    warn(failures)
    if as_json:
        print_json([as_plain(each) for each in found])
    else:
        for each in found:
            show(Console(), each)


def previews(app: App, named: str, connection_id: str | None) -> tuple[list[Preview], list[str]]:
    """Return what would be sent for each invoice of this name, and what could not be asked.

    Raises Misconfigured if there is none, Transient, Limited or Disconnected.
    """
    hits, failures = locate(app, named, connection_id)
    found = [preview_invoice(app.connect(hit.connection, app.lanes.now), hit.invoice_id) for hit in hits]
    return found, failures


def as_plain(shown: Preview) -> dict[str, Any]:
    """Return the preview as JSON; `document` and what is under `creates` are bodies as Xero would get them."""
    invoice, reckoned, addressee = shown.present.invoice, shown.reckoned, shown.addressee
    return {
        "connection": shown.connection.id,
        "invoice": shown.present.invoice_id,
        "in_xero": in_xero(shown),
        "differs_from_xero": [asdict(one) for one in shown.in_xero.differs] if shown.in_xero else [],
        "problems": list(shown.problems),
        "closed_gates": [asdict(gate) for gate in shown.closed],
        "document": shown.document.as_payload() if shown.document else None,
        "contact": asdict(addressee) if addressee else None,
        "creates": {
            "contacts": [addressee.document] if addressee and addressee.document else [],
            "items": list(shown.new_items),
        },
        "custom_fields": [asdict(each) for each in shown.mapped],
        "totals": {
            "xero": _sums(reckoned) if reckoned else None,
            "dynamics": _own_sums(invoice) if invoice else None,
            "difference": shown.difference,
            "unknown_tax_types": list(reckoned.unknown) if reckoned else [],
        },
    }


def in_xero(shown: Preview) -> str:
    """Return what to say of a document that is there already; empty if there is none."""
    details = shown.present.details
    if details is None or not details.xero_invoice_id:
        return ""
    number, there = details.xero_number or "without a number", shown.in_xero
    said = f"It is in Xero already: {number} ({details.xero_invoice_id})"
    if there is None:
        return f"{said}. This is what an update would send."
    told = f"{len(there.differs)} differences" if there.differs else "it says what the invoice says"
    return f"{said}, {there.status.lower()}; {told}."


def show(console: Console, shown: Preview) -> None:
    """Print it for people: what stands in the way, the header, the lines, the totals, what would be created."""
    print_rows(console, "", list(_heading(shown)))
    print_rows(console, "It cannot be sent", [("✗", problem) for problem in shown.problems])
    held = [(f"✗ {gate.rule} {gate.question}", gate.remedy) for gate in shown.closed]
    print_rows(console, "Gates that are closed", held)
    if shown.document is not None and shown.reckoned is not None and shown.present.invoice is not None:
        print_rows(console, "Document", list(_header(shown.document)))
        console.print(_lines(shown.document, shown.reckoned))
        console.print(Text("In brackets: what Xero takes from the item or the account by itself; it is not sent."))
        console.print(_totals(shown.reckoned, shown.present.invoice))
        print_rows(console, "", list(_remarks(shown)))
    if shown.in_xero is not None:
        print_rows(console, "What differs from the document in Xero", list(_differing(shown.in_xero)))
    if shown.addressee is not None and shown.addressee.document is not None:
        print_rows(console, "Contact that would be created", list(_flat(shown.addressee.document)))
    for item in shown.new_items:
        print_rows(console, "Item that would be created", list(_flat(item)))
    mapped = [(each.place, f"{each.value} ({each.of})") for each in shown.mapped]
    print_rows(console, "Custom fields", mapped)


def _heading(shown: Preview) -> Iterator[Row]:
    invoice = shown.present.invoice
    yield "Connection", f"{shown.connection.name} ({shown.connection.id})"
    name = f"{invoice.number} {invoice.name}".strip() if invoice else "gone from Dynamics, or it cannot be read"
    yield "Invoice", f"{name} ({shown.present.invoice_id})"
    if said := in_xero(shown):
        yield "Xero", said
    if shown.addressee is not None:
        yield "Contact", _told(shown.addressee)


def _told(addressee: Addressee) -> str:
    if addressee.document is not None:
        return f"{addressee.name}: Xero does not know it, it would be created"
    by = "as its earlier documents" if addressee.step == "Xero details" else f"found by its {addressee.step}"
    return f"{addressee.name} ({addressee.id}), {by}"


def _differing(there: InXero) -> Iterator[Row]:
    for one in there.differs:
        yield one.what, f"{one.in_xero} in Xero, {one.in_dynamics} in Dynamics"


def _header(document: XeroInvoice) -> Iterator[Row]:
    payload = document.as_payload()
    for name, value in payload.items():
        if name == "Contact":
            yield name, str(value["ContactID"])
        elif name != "LineItems":
            yield name, str(value)


def _lines(document: XeroInvoice, reckoned: Reckoned) -> Table:
    columns = ("Description", "Quantity", "UnitAmount", "Discount", "Item", "Account", "Tax type", "Amount", "Tax")
    table = Table("", *columns, title="Lines", title_justify="left")
    for number, (line, sums) in enumerate(zip(document.lines, reckoned.lines, strict=True), start=1):
        table.add_row(str(number), *(Text(cell) for cell in _cells(line, sums)))
    return table


def _cells(line: XeroLine, sums: ReckonedLine | None) -> tuple[str, ...]:
    tracking = "".join(f"\n{category}: {option}" for category, option in line.tracking)
    if sums is None:
        return (line.description + tracking, *[""] * 8)
    return (
        line.description + tracking,
        _plain(line.quantity),
        _plain(line.unit_amount),
        _plain(line.discount),
        line.item_code or "",
        _or_implied(line.account_code, sums.account),
        _or_implied(line.tax_type, sums.tax_type),
        _plain(sums.amount),
        _plain(sums.tax),
    )


def _or_implied(sent: str | None, in_force: str) -> str:
    return sent or (f"({in_force})" if in_force else "")


def _totals(reckoned: Reckoned, invoice: Invoice) -> Table:
    """Compared is what rule C40 compares; the tax in Dynamics is written after the export (rule C52)."""
    header = ("Xero", "Dynamics", "Difference")
    table = Table("", *header, title=f"Totals, {invoice.currency}", title_justify="left")
    if invoice.line_amount_types == "Inclusive":
        # Prices contain the tax, so Dynamics has a total only.
        rows = [("Net", reckoned.net, None), ("Tax", reckoned.tax, None), ("Total", reckoned.total, invoice.net)]
    else:
        rows = [
            ("Net", reckoned.net, invoice.net),
            ("Tax", reckoned.tax, invoice.total_tax),
            ("Total", reckoned.total, invoice.total),
        ]
    for name, theirs, ours in rows:
        table.add_row(name, _plain(theirs), _plain(ours), _remark(theirs, ours))
    return table


def _remark(theirs: Decimal, ours: Decimal | None) -> Text:
    if ours is None:
        return Text("")
    if theirs == ours:
        return Text("✓ none", style="green")
    return Text(f"✗ {_plain(theirs - ours)}", style="red")


def _remarks(shown: Preview) -> Iterator[Row]:
    invoice, reckoned = shown.present.invoice, shown.reckoned
    if shown.difference:
        yield "✗ Differs", shown.difference
    elif invoice is not None and reckoned is not None and reckoned.tax != invoice.total_tax:
        yield "Tax", "Xero's is written to Dynamics after the export; a difference before it is none of yours."
    if reckoned is not None and reckoned.unknown:
        yield "✗ Unknown", f"Xero has no active tax rate {', '.join(reckoned.unknown)}; reckoned without its tax."


def _flat(document: dict[str, Any], before: str = "") -> Iterator[Row]:
    """Yield the fields of a body, inner ones with their path."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            for number, each in enumerate(value, start=1):
                yield from _flat(each, f"{before}{name}[{number}].")
        else:
            yield f"{before}{name}", str(value)


def _sums(reckoned: Reckoned) -> dict[str, Decimal]:
    return {"net": reckoned.net, "tax": reckoned.tax, "total": reckoned.total}


def _own_sums(invoice: Invoice) -> dict[str, Decimal]:
    return {"net": invoice.net, "tax": invoice.total_tax, "total": invoice.total}


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
