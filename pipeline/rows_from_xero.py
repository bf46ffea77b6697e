"""What following a document changes in Dynamics: invoice, Xero details, Sync history (rules D1 to D7, D9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from clients.dataverse import Change
from clients.http import Payload
from clients.xero import parse_xero_time
from core.invoice import ACTIVE, Invoice
from mappers.standing import Standing
from pipeline.details import change_details
from pipeline.history import history_row
from pipeline.invoice_rows import change_invoice, close, fits, reopen, says_due, tax_changes
from pipeline.outcomes import Followed, Noted
from pipeline.tools import Tools

NOTHING_SEEN = "1970-01-01T00:00:00+00:00"  # whatever Xero shows is newer


def followed(tools: Tools, outcome: Followed, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    """Return the changes of one transaction; `whole` False leaves the invoice itself alone."""
    present, texts = outcome.present, outcome.texts
    row = standing_row(outcome.standing) | {
        "stl3_xeronumber": outcome.document.get("InvoiceNumber"),
        "stl3_xeroupdated": updated_text(outcome.document),
    }
    row |= {"stl3_xerocontactid": outcome.contact_id} if outcome.contact_id else {}
    row |= _closing(outcome, whole=whole)
    if not texts:
        return (*_on_invoice(outcome, whole=whole), change_details(tools, present, row))
    row["stl3_exportdate"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    status = "Failed" if outcome.is_refused else "Successful"
    # What Dynamics refuses is tried again whenever the document is looked at, and told once for each of its states.
    of_one = f"refused {updated_text(outcome.document)}" if outcome.is_refused else ""
    history = history_row(tools, present, now, action="Update", status=status, text="\n".join(texts), of_one=of_one)
    return (*_on_invoice(outcome, whole=whole), change_details(tools, present, row), history)


def noted(tools: Tools, outcome: Noted, now: datetime) -> tuple[Change, ...]:
    """Return the row of history; with it, where nothing was ever followed, that it has been given up."""
    present, details = outcome.present, outcome.present.details
    words = {"action": outcome.action, "status": outcome.status, "text": outcome.text}
    history = history_row(tools, present, now, **words, of_one=outcome.once)
    if outcome.gives_up and details is not None and details.xero_updated is None:
        return change_details(tools, present, {"stl3_xeroupdated": NOTHING_SEEN}), history
    return (history if outcome.is_renewed else replace(history, if_none_match="*"),)


def is_known(outcome: Followed) -> bool:
    """Whether Dynamics says all of it already, so that nothing has to be written (I5)."""
    details, standing = outcome.present.details, outcome.standing
    if details is None or outcome.texts or outcome.contact_id:
        return False
    if _closing(outcome, whole=True) or _on_invoice(outcome, whole=True):
        return False
    said = (
        details.xero_status,
        details.amount_due,
        details.amount_paid,
        details.amount_credited,
        details.tax_in_xero,
    )
    is_seen = details.xero_updated == parse_xero_time(outcome.document["UpdatedDateUTC"])
    is_named = details.xero_number == (outcome.document.get("InvoiceNumber") or "")
    stands = (standing.status, standing.due, standing.paid, standing.credited, standing.tax)
    return is_seen and is_named and said == stands


def standing_row(standing: Standing) -> Payload:
    """Return what the details row says of where the document stands."""
    return {
        "stl3_xerostatus": standing.status,
        "stl3_amountdue": standing.due,
        "stl3_amountpaid": standing.paid,
        "stl3_amountcredited": standing.credited,
        "stl3_taxinxero": standing.tax,
    }


def updated_text(document: Payload) -> str:
    """Return the document's update time as the details row keeps it."""
    return parse_xero_time(document["UpdatedDateUTC"]).isoformat()


def _closing(outcome: Followed, *, whole: bool) -> Payload:
    """Return by what the details row remembers that the connector closed the invoice, or no longer did."""
    details, invoice = outcome.present.details, outcome.present.invoice
    if outcome.closes and whole and invoice is not None:
        return {"stl3_closedbyconnector": True, "stl3_statusbeforeclose": invoice.status_reason}
    is_over = details is not None and details.closed_by_connector and outcome.standing.status != "PAID"
    if is_over and (whole or not outcome.reopens):
        return {"stl3_closedbyconnector": False, "stl3_statusbeforeclose": None}
    return {}


def _on_invoice(outcome: Followed, *, whole: bool) -> tuple[Change, ...]:
    """Return what follows on the invoice.

    Where its state changes, the first change is conditional on the invoice as it was read: somebody may have
    cancelled it meanwhile. What is written before it is closed is written while that is allowed.
    """
    invoice = outcome.present.invoice
    if not whole or invoice is None:
        return ()
    due = {"stl3_amountdue": outcome.standing.due}
    if outcome.reopens:
        assert outcome.present.details is not None
        opening = reopen(invoice, outcome.present.details.status_before_close)
        return (opening, *_taxes(outcome, invoice), change_invoice(invoice, due))
    if outcome.closes:
        return (change_invoice(invoice, due, as_read=True), *_taxes(outcome, invoice), close(invoice))
    if invoice.state != ACTIVE:
        return ()
    return (*_taxes(outcome, invoice), *(() if _says_due(outcome, invoice) else (change_invoice(invoice, due),)))


def _says_due(outcome: Followed, invoice: Invoice) -> bool:
    """Whether the invoice says what is due, in the places that Dynamics keeps of it.

    Xero has cents of any currency. The details row keeps them all, so they are written once where Dynamics rounds.
    """
    details, due = outcome.present.details, outcome.standing.due
    if invoice.amount_due == due:
        return True
    is_written = details is not None and details.amount_due == due
    return is_written and says_due(invoice, due)


def _taxes(outcome: Followed, invoice: Invoice) -> tuple[Change, ...]:
    """A dead document says nothing about tax any more."""
    if outcome.standing.is_dead or not fits(invoice):
        return ()
    return tax_changes(invoice, outcome.document, outcome.line_ids)
