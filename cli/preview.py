"""`connector preview`: the exact document that would be sent to Xero."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

import click
from rich.console import Console

from cli.invoices import each_of, locate
from cli.previewed import answer, in_xero, show
from cli.printing import print_json, warn
from cli.running import told
from core.invoice import Invoice
from core.settings import read_settings
from mappers.arithmetic import Reckoned
from pipeline.app import App, build_app
from pipeline.previewing import Preview
from pipeline.previewing import preview as preview_invoice


@click.command()
@click.argument("invoices", nargs=-1, required=True, metavar="INVOICE...")
@click.option("--connection", "connection_id", default=None, help="Only this connection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def preview(invoices: tuple[str, ...], *, connection_id: str | None, as_json: bool) -> None:
    """Show the document that Xero would get for INVOICE now, with its totals, and what would be created with it.

    INVOICE is the invoice ID of Dynamics (INV-01003), its GUID or a link to it. Nothing is sent or written; only an
    access token may be renewed.
    """
    with told():
        app = build_app(read_settings(), wake=lambda _: None)
        found, failures, wrong = each_of(invoices, lambda named: previews(app, named, connection_id))
    warn(failures)
    if as_json:
        print_json([as_plain(each) for each in found])
    else:
        for each in found:
            show(Console(), each)
    if wrong:
        raise click.ClickException("\n".join(wrong))


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
        "answer": answer(shown),
        "in_xero": in_xero(shown),
        "differs_from_xero": [asdict(one) for one in shown.in_xero.differs] if shown.in_xero else [],
        "problems": list(shown.problems),
        "closed_gates": [asdict(gate) for gate in shown.closed],
        "document": shown.body,
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
            "unknown_accounts": list(shown.unknown_accounts),
        },
    }


def _sums(reckoned: Reckoned) -> dict[str, Decimal]:
    return {"net": reckoned.net, "tax": reckoned.tax, "total": reckoned.total}


def _own_sums(invoice: Invoice) -> dict[str, Decimal]:
    return {"net": invoice.net, "tax": invoice.total_tax, "total": invoice.total}
