"""What an outcome of cancelling changes in Dynamics: Xero details and Sync history; the invoice itself is closed."""

from __future__ import annotations

from datetime import datetime

from clients.dataverse import Change
from clients.http import Payload
from core import columns
from core.invoice import CANCELLED
from core.tables import MEMO_LENGTH
from mappers.cancelling import state_now
from mappers.standing import standing_of
from mappers.texts import cut
from pipeline.details import change_details
from pipeline.history import history_row
from pipeline.outcomes import Cancelled
from pipeline.rows_from_xero import standing_row, updated_text
from pipeline.tools import Tools


def cancelled(tools: Tools, outcome: Cancelled, now: datetime) -> tuple[Change, ...]:
    """Return the changes of one transaction: what was under way is over, the state of now is dealt with."""
    present = outcome.present
    row: Payload = {
        "stl3_handledstate": state_now(present.invoice),
        "stl3_cancelling": None,
        "stl3_waitingfor": None,
        "stl3_creditnoteid": outcome.note_id or None,
        "stl3_creditnotenumber": outcome.note_number or None,
    }
    if present.invoice is None and present.details is not None and present.details.linked_to:
        row["stl3_Invoice@odata.bind"] = None  # a person had let the row name another invoice
    if not keeps_request(outcome):
        row["stl3_exportstatus"] = columns.EXPORT_STATUS["Failed" if outcome.is_failed else "Yes"]
    if outcome.is_followed and outcome.document is not None:
        row |= standing_row(standing_of(outcome.document)) | {"stl3_xeroupdated": updated_text(outcome.document)}
    if not outcome.text:
        return (change_details(tools, present, row),)
    row["stl3_exportdate"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    history = history_row(
        tools,
        present,
        now,
        action=outcome.act,
        status="Failed" if outcome.is_failed else "Successful",
        text=cut(outcome.text, MEMO_LENGTH),
        of_one=outcome.once,
    )
    return change_details(tools, present, row), history


def keeps_request(outcome: Cancelled) -> bool:
    """Whether a person has asked for the invoice to be sent again, which is dealt with next (rule E8)."""
    invoice, details = outcome.present.invoice, outcome.present.details
    is_active = invoice is not None and invoice.state != CANCELLED
    return is_active and details is not None and details.export_status == "No" and not outcome.is_failed
