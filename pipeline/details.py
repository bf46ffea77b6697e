"""One change to an invoice's Xero details row, conditional on the row being the one that was read."""

from __future__ import annotations

from clients.dataverse import Change, key_path
from clients.http import Payload
from core import columns
from core.invoice import Invoice
from pipeline.outcomes import Present
from pipeline.tools import Tools


def details_path(invoice_id: str) -> str:
    """Return the path of the row, by its alternate key."""
    return key_path(columns.DETAILS.set_name, {"stl3_dynamicsinvoiceid": invoice_id})


def change_details(tools: Tools, present: Present, row: Payload, *, returns: tuple[str, ...] = ()) -> Change:
    """Return the change that writes `row`; the row is made if there was none, made ours if it was another's.

    Dynamics refuses it (412) if the row has moved, or was made, since `present` was read. `returns` names columns
    to get back.
    """
    details, invoice = present.details, present.invoice
    written: Payload = {}
    if details is None or details.connection_id != tools.connection.id:
        written = {
            "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({tools.connection.id})",
            "stl3_connectionid": tools.connection.id,
            "stl3_xerocontactid": None,  # another organisation's, if any
            "stl3_contactof": None,
        }
    if details is None:
        written |= {
            columns.NAME: invoice.name if invoice else "",
            "stl3_Invoice@odata.bind": f"/invoices({present.invoice_id})",
            "stl3_dynamicsnumber": invoice.number if invoice else "",
            "stl3_documentkind": columns.DOCUMENT_KIND[_kind(invoice)],
            "stl3_exportstatus": columns.EXPORT_STATUS["No"],
        }
    return Change(
        "PATCH",
        details_path(present.invoice_id),
        written | row,
        if_match=details.etag if details else None,
        if_none_match=None if details else "*",
        returns=returns or False,
    )


def _kind(invoice: Invoice | None) -> str:
    return "Bill" if invoice is not None and not invoice.is_sales else "Sales invoice"
