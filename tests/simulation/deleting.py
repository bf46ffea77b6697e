"""Exported invoices that people delete in Dynamics, and what is seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cli import deletions as command
from core import columns
from pipeline.deletion_guard import DELETIONS_MAX
from pipeline.outcomes import Present
from pipeline.reading import read_invoices
from pipeline.tools import Tools
from tests.world import Line, World

MANY = DELETIONS_MAX + 1
STATUS = columns.EXPORT_STATUS
WRITE = "POST /api.xro/2.0/Invoices"


def exported(world: World, number: int) -> list[str]:
    """Return invoices whose drafts are in Xero, and too old for the lists of the polls."""
    invoice_ids = world.save_invoices(number)
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    world.pass_time(minutes=12)
    world.xero.wire.forget_calls()
    return invoice_ids


def delete(world: World, invoice_ids: Sequence[str]) -> None:
    for invoice_id in invoice_ids:
        world.sales.delete("invoice", invoice_id)


def restore(world: World, invoice_id: str) -> None:
    """Somebody brings it back from Dynamics' recycle bin; the links to it stay lost."""
    world.save_invoice(Line("Restored", "1.00"), invoiceid=invoice_id)


def handled(world: World, invoice_ids: Sequence[str]) -> int:
    return sum(world.details(invoice_id)["stl3_handledstate"] == "deleted" for invoice_id in invoice_ids)


def living(world: World, invoice_ids: Sequence[str]) -> int:
    return sum(len(world.documents_of(invoice_id)) for invoice_id in invoice_ids)


def tools_of(world: World) -> Tools:
    return world.app.connect(world.connection, world.app.lanes.now)


def presents(world: World, invoice_ids: Sequence[str]) -> list[Present]:
    return list(read_invoices(tools_of(world), invoice_ids).values())


def confirm(world: World) -> None:
    """What `connector deletions confirm` does."""
    connection = world.connection
    command.confirm(world.app, connection, command.waiting(world.app, connection))


def put(world: World, invoice_id: str, **row: Any) -> None:
    """Set columns of the details row, as our own work would."""
    details = world.details(invoice_id)
    world.dynamics.overwrite(columns.DETAILS.set_name, details[columns.DETAILS.id_column], row)
