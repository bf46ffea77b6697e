"""A row of Sync history (rule C51)."""

from __future__ import annotations

from datetime import datetime

from clients.dataverse import Change, key_path
from clients.http import Payload
from core import columns, ids
from core.tables import MEMO_LENGTH
from mappers.texts import cut
from pipeline.details import details_path
from pipeline.outcomes import Present
from pipeline.tools import Tools


def history_row(
    tools: Tools, present: Present, now: datetime, *, action: str, status: str, text: str, of_one: str = ""
) -> Change:
    """Return the row of history (rule C51).

    The details row as it was read tells one operation from the next; `of_one` names what can be done only once.
    """
    row = _row(tools, now, action=action, status=status, text=text)
    row["stl3_XeroDetails@odata.bind"] = f"/{details_path(present.invoice_id)}"
    if present.invoice is not None:
        row["stl3_Invoice@odata.bind"] = f"/invoices({present.invoice_id})"
    version = present.details.etag if present.details else "new"
    key = ids.digest(action, status, present.invoice_id, of_one or version)
    return Change("PATCH", key_path(columns.HISTORY.set_name, {"stl3_operationkey": key}), row)


def history_of_connection(tools: Tools, now: datetime, *, key: str, status: str, text: str) -> Change:
    """Return the row of history for what concerns no single invoice; refused (412) where `key` has told it before."""
    path = key_path(columns.HISTORY.set_name, {"stl3_operationkey": key})
    return Change("PATCH", path, _row(tools, now, action="Update", status=status, text=text), if_none_match="*")


def _row(tools: Tools, now: datetime, *, action: str, status: str, text: str) -> Payload:
    local = now.astimezone(tools.connection.zone)
    return {
        columns.NAME: f"Sync - {local:%Y-%m-%d %H:%M:%S}",
        "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({tools.connection.id})",
        "stl3_eventtime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_action": columns.ACTION[action],
        "stl3_details": cut(text, MEMO_LENGTH),
        "stl3_syncstatus": columns.SYNC_STATUS[status],
    }
