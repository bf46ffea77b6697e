"""Links between the two systems: from Xero to the invoice in Dynamics, which carry its origin, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, quote, urlsplit
from uuid import UUID

from core.addresses import OPEN_INVOICE, invoice_page, is_refused_by_xero, redirect_to_invoice
from core.connections import Connection
from mappers.basis import Unmappable

XERO_LOGIN_PAGE = "https://go.xero.com/organisationlogin/default.aspx"
XERO_PAGES = {
    "sales": "/AccountsReceivable/View.aspx?InvoiceID=",
    "bill": "/AccountsPayable/Edit.aspx?InvoiceID=",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Which invoice of which Dynamics organisation a Xero document came from; it travels in the document's Url."""

    organization_id: str
    invoice_id: str


def origin_of(connection: Connection, invoice_id: str) -> Origin:
    """Return the origin of an invoice in this connection's Dynamics."""
    return Origin(connection.dynamics_organization_id.lower(), invoice_id.lower())


def is_from(connection: Connection, origin: Origin) -> bool:
    """Whether it is the origin of an invoice in this connection's Dynamics, not in a copy of it."""
    return origin.organization_id == connection.dynamics_organization_id.lower()


def origin_url(connection_id: str, dynamics_url: str, public_url: str, origin: Origin) -> str:
    """Return the link to the invoice in Dynamics that also carries its origin (rule C18).

    The organisation stands in the fragment: no server sees it, and copies of an environment, which share the ids
    of their invoices, stay apart. Where Xero would refuse the address of Dynamics the link leads there by our own;
    browsers keep the fragment on the way. Raises Unmappable where Xero would refuse that as well.
    """
    address = invoice_page(dynamics_url, origin.invoice_id)
    if is_refused_by_xero(dynamics_url):
        address = redirect_to_invoice(public_url, connection_id, origin.invoice_id)
        if is_refused_by_xero(public_url):
            raise Unmappable(refused_addresses(dynamics_url, public_url))
    return f"{address}#{origin.organization_id}"


def refused_addresses(dynamics_url: str, public_url: str) -> str:
    """Return what to do where no link to an invoice is one that Xero takes."""
    return (
        f"Xero takes no document whose link contains its own name. The address of Dynamics ({dynamics_url}) "
        f"contains it, and so does the connector's own ({public_url}), which could lead there. Ask the administrator "
        "to set PUBLIC_URL to an address without “xero”."
    )


def find_origin(document: Mapping[str, Any]) -> Origin | None:
    """Return the origin of a Xero invoice, or None if it did not come from this connector.

    People write anything into a Url, links into Dynamics too: only one that holds all its ids is ours. Its host does
    not count: PUBLIC_URL and the address of Dynamics may have changed since.
    """
    try:
        parts = urlsplit(str(document.get("Url") or ""))
        invoice_id = _of_page(parts) or _of_redirect(parts)
        return Origin(str(UUID(parts.fragment)), invoice_id) if invoice_id else None
    except ValueError:
        return None


def invoice_link(short_code: str, xero_invoice_id: str, *, kind: Literal["sales", "bill"]) -> str:
    """Return the link that opens a sales invoice or a bill in Xero (rule C50)."""
    target = quote(f"{XERO_PAGES[kind]}{xero_invoice_id}", safe="")
    return f"{XERO_LOGIN_PAGE}?shortcode={quote(short_code, safe='')}&redirecturl={target}"


def _of_page(parts: SplitResult) -> str | None:
    """Raises ValueError for an id that is none."""
    named = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return str(UUID(named.get("id", ""))) if named.get("etn") == "invoice" else None


def _of_redirect(parts: SplitResult) -> str | None:
    """Raises ValueError for ids that are none."""
    _, ours, ids = parts.path.rpartition(f"{OPEN_INVOICE}/")
    if not ours:
        return None
    _connection_id, invoice_id = (str(UUID(each)) for each in ids.split("/", 1))
    return invoice_id
