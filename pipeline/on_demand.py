"""What a person marks due by naming invoices: both of their sides, whatever has been seen of them."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.lanes import Entity
from pipeline.memory import FOREVER
from pipeline.reading import in_chunks, read_invoices
from pipeline.tools import Tools


def entities_of(tools: Tools, invoice_ids: Iterable[str]) -> list[Entity]:
    """Return what has to be marked for these invoices; their documents are read however old what moved them is.

    Raises Transient, Limited or Disconnected.
    """
    wanted = sorted(set(invoice_ids))
    xero_ids = [
        details.xero_invoice_id.lower()
        for chunk in in_chunks(wanted)
        for present in read_invoices(tools, chunk).values()
        if (details := present.details) is not None
        and details.connection_id == tools.connection.id
        and details.xero_invoice_id
    ]
    tools.memory.note_moved(dict.fromkeys(xero_ids, FOREVER))
    return [Entity("dynamics", "invoice", key) for key in wanted] + [
        Entity("xero", "invoice", key) for key in xero_ids
    ]
