"""The way from a Xero document to its invoice in Dynamics, where Xero refuses a link to the address of Dynamics."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Response

from core.addresses import invoice_page
from core.errors import Transient
from webhooks.reading import find_guid

log = structlog.get_logger()


def open_invoice(connection_id: str, invoice_id: str, find_dynamics_url: Callable[[str], str | None]) -> Response:
    """Answer with the way to the invoice in the connection's own Dynamics, or with 404 (rule C18).

    Both ids are normalised and nothing else of the request is used, so that it leads nowhere else. Whether the
    invoice exists, and may be seen, is for Dynamics to say.
    """
    connection, invoice = find_guid(connection_id), find_guid(invoice_id)
    if connection is None or invoice is None:
        return Response(status=404)
    try:
        dynamics_url = find_dynamics_url(connection)
    except Transient as error:
        log.warning("invoice.not_opened", reason=str(error))
        return Response(status=503)
    if dynamics_url is None:
        return Response(status=404)
    log.info("invoice.opened", connection=connection, invoice=invoice)
    return Response(status=302, headers={"Location": invoice_page(dynamics_url, invoice)})
