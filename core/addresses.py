"""Addresses of an invoice in Dynamics, and of the redirect to it where Xero refuses the first (rule C18)."""

from __future__ import annotations

XERO_REFUSES = "xero"
OPEN_INVOICE = "/open/invoice"  # below PUBLIC_URL; the ids of connection and invoice follow


def invoice_page(dynamics_url: str, invoice_id: str) -> str:
    """Return the address at which Dynamics shows an invoice."""
    return f"{dynamics_url}/main.aspx?pagetype=entityrecord&etn=invoice&id={invoice_id}"


def redirect_to_invoice(public_url: str, connection_id: str, invoice_id: str) -> str:
    """Return our own address that leads to that page; `connector web` answers there."""
    return f"{public_url}{OPEN_INVOICE}/{connection_id}/{invoice_id}"


def is_refused_by_xero(address: str) -> bool:
    """Whether Xero takes no document with a link to this address.

    Its host is what usually has Xero's name in it; an on-premises organisation may have it in the path, and which of
    the two counts is written down nowhere.
    """
    return XERO_REFUSES in address.lower()
