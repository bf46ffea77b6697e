"""Puts work aside that fails each time: a dead letter for us, and a word in Dynamics for the people there."""

from __future__ import annotations

import traceback
from dataclasses import replace

import structlog

from clients.dataverse import Changes
from clients.http import Payload
from core import columns, ids
from core.errors import Conflict, ConnectorError, LeaseLost
from core.invoice import CANCELLED
from pipeline.app import App
from pipeline.dead import DeadLetter
from pipeline.details import change_details
from pipeline.from_xero import list_invoices_of
from pipeline.history import history_of_connection, history_row
from pipeline.lanes import Entity, Lease
from pipeline.outcomes import Failed, Noted, Present, Report
from pipeline.reading import find_details, read_invoices, read_preferences
from pipeline.tools import Tools
from pipeline.writeback import write_back
from pipeline.zone import in_zone

# Records that concern no single invoice, or none that is known.
WHAT = {
    "stray": "A document in Xero that may be a second one of an invoice could not be settled",
    "reference": "Tax types, account codes and branding themes could not be brought from Xero",
}
WHAT_IS_OWED = "What a customer owes could not be brought from Xero"

log = structlog.get_logger()


def park(app: App, tools: Tools, lease: Lease, entity: Entity, *, error: str, trace: str) -> None:
    """Put the entity aside and say so in Dynamics; if even that fails, the dead letter says it.

    It leaves the lane before the invoice is touched: reading that may be what kills. An open attempt stays open,
    so that a later round looks for its document before it makes another.
    """
    now = lease.hold()
    reference = ids.digest(tools.connection.id, str(entity), now.isoformat())[:12]
    app.dead.put(DeadLetter(tools.connection.id, entity, reference, error, trace, now))
    lease.finish([entity], again={})
    log.error("entity.parked", connection=tools.connection.id, entity=str(entity), reference=reference)
    message = f"This is our fault, not yours. Our support can find it by the reference {reference}."
    try:
        tools = in_zone(tools, read_preferences(tools))
        _say(tools, entity, message)
    except LeaseLost:
        raise
    except Exception as failure:  # an invoice that cannot even be read: the dead letter is there
        log.warning("dead.unannounced", connection=tools.connection.id, reference=reference, trace=trace_of(failure))


def trace_of(error: BaseException) -> str:
    """Return where it happened, without values: messages and locals may hold a customer's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        f"{frame.name} {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames)
    )


def _say(tools: Tools, entity: Entity, message: str) -> None:
    """Say it on the invoice, or the one whose document it is; of other records in the history of the connection."""
    if (entity.side, entity.kind) == ("dynamics", "invoice"):
        try:
            present = read_invoices(tools, [entity.id])[entity.id]
        except ConnectorError:
            raise
        except Exception:  # what our reading breaks on is why it was put aside
            _say_unread(tools, entity.id, message)
            return
        if not present.is_of(tools.connection.id):
            return  # another connection has it by now
        write_back(tools, [Failed(present, (message,), keeps_attempt=True, action=_action(present))], Report())
    elif entity.kind == "invoice":  # of Xero
        words = f"What happened to the document {entity.id} in Xero could not be followed. {message}"
        for invoice_id in list_invoices_of(tools, [entity.id]):
            present = read_invoices(tools, [invoice_id])[invoice_id]
            outcome = Noted(present, words, once=f"parked {entity.id}", is_renewed=True, gives_up=True)
            write_back(tools, [outcome], Report())
    else:
        _say_of_connection(tools, entity, f"{WHAT.get(entity.kind, WHAT_IS_OWED)} ({entity.id}). {message}")


def _say_unread(tools: Tools, invoice_id: str, message: str) -> None:
    """Say it on an invoice that we cannot read, by its details alone: else each poll would find it again.

    Nothing is said of the invoice's state, which nobody has seen; a row of another connection is left alone.
    """
    details = find_details(tools, invoice_id)
    if details is not None and details.connection_id != tools.connection.id:
        return
    present = Present(invoice_id, None, details)
    action = "Update" if details is not None and details.xero_invoice_id else "Create"
    row: Payload = {"stl3_exportstatus": columns.EXPORT_STATUS["Failed"], "stl3_waitingfor": None}
    history = history_row(tools, present, tools.hold(), action=action, status="Failed", text=message)
    on_invoice = {"stl3_Invoice@odata.bind": f"/invoices({invoice_id})"}
    history = replace(history, row=(history.row or {}) | on_invoice)
    (outcome,) = tools.dataverse.batch([Changes((change_details(tools, present, row), history))])
    if outcome.error is not None:
        raise outcome.error


def _action(present: Present) -> str:
    """Return what was being done to the document, as the history calls it."""
    if present.details is None or not present.details.xero_invoice_id:
        return "Create"
    if present.invoice is None:
        return "Delete"
    return "Cancel" if present.invoice.state == CANCELLED else "Update"


def _say_of_connection(tools: Tools, entity: Entity, text: str) -> None:
    """At most once a day: it is tried again whenever something marks it."""
    now = tools.hold()
    key = ids.digest("parked", tools.connection.id, str(entity), now.date().isoformat())
    row = history_of_connection(tools, now, key=key, status="Failed", text=text)
    (outcome,) = tools.dataverse.batch([Changes((row,))])
    if outcome.error is not None and not isinstance(outcome.error, Conflict):
        raise outcome.error
