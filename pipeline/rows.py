"""What each outcome changes in Dynamics: Xero details, Sync history, tax and amount due (rules C9, C50 to C63)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from clients.batch import OPERATIONS_MAX
from clients.dataverse import Change, key_path
from clients.http import Payload
from clients.xero import parse_xero_time
from core import columns, ids
from core.invoice import ACTIVE, Invoice
from mappers import totals
from mappers.agreements import NOBODY, Agreement, document_hash, read_agreement
from mappers.dynamics import fingerprint
from mappers.explanations import AGAIN
from mappers.links import invoice_link
from mappers.texts import cut
from pipeline.books import read_books
from pipeline.details import change_details, details_path
from pipeline.outcomes import (
    Agrees,
    AttemptEnded,
    Created,
    Failed,
    NotCarried,
    Outcome,
    Present,
    Rejoined,
    Updated,
    Waits,
)
from pipeline.tools import Tools

BESIDES_LINES = 3  # changes that an invoice has besides one for each line
WORDS_MAX = 2000  # of a column of several lines, where nothing else was declared
NO_ATTEMPT: Payload = {"stl3_attemptstarted": None, "stl3_attemptkey": None}
YES = columns.EXPORT_STATUS["Yes"]


def changes_of(tools: Tools, outcome: Outcome, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    """Return the changes of one transaction; `whole` False leaves the invoice itself alone."""
    present = outcome.present
    match outcome:
        case Created():
            return _created(tools, outcome, now, whole=whole)
        case Updated():
            return _updated(tools, outcome, now, whole=whole)
        case Failed():
            return _failed(tools, outcome, now)
        case NotCarried():
            row: Payload = {"stl3_exportstatus": YES, "stl3_waitingfor": None, "stl3_fingerprint": _print(present)}
            row["stl3_agreeddocument"] = replace(_agreement(tools, present), sent="").text
            history = _history(tools, present, now, action="Update", status="Failed", text=outcome.text)
            return change_details(tools, present, row), history
        case Rejoined():
            row = {"stl3_agreeddocument": _joined(tools, present).text}
            row |= {"stl3_fingerprint": _print(present)} if outcome.is_all else {}
            history = _history(tools, present, now, action="Update", status="Successful", text=outcome.text)
            return change_details(tools, present, row), history
        case Agrees():
            row = {"stl3_exportstatus": YES, "stl3_waitingfor": None, **_agreed(tools, present, outcome.document)}
            # Both sides may have been changed alike by people: the tax of now is not that of our last write.
            row |= _figures(outcome.document)
            return (*_on_invoice(outcome, whole=whole), change_details(tools, present, row))
        case Waits():
            return (change_details(tools, present, {"stl3_waitingfor": outcome.text or None}),)
        case AttemptEnded():
            return (change_details(tools, present, NO_ATTEMPT),)


def _created(tools: Tools, outcome: Created, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    present, document = outcome.present, outcome.document
    known = Agreement(document_hash(document) if outcome.is_ours else "", connector_id=tools.connection.id)
    row = NO_ATTEMPT | _exported(tools, document, now)
    is_told = present.invoice is not None and present.invoice.connector_id == tools.connection.id  # rule C63
    row |= {
        "stl3_fingerprint": _print(present) if outcome.agrees and is_told else None,
        "stl3_agreeddocument": known.text,
        "stl3_handledstate": str(ACTIVE),
        # Of what was found nobody knows whether it was made for the customer of now.
        "stl3_contactof": present.invoice.customer_id if present.invoice is not None and outcome.agrees else None,
    }
    text = f"Invoice has been created in Xero - {document['InvoiceID']}"
    return _with_lines(tools, outcome, now, row=row, action="Create", text=text, whole=whole)


def _updated(tools: Tools, outcome: Updated, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    row = _exported(tools, outcome.document, now) | _agreed(tools, outcome.present, outcome.document)
    row |= {"stl3_contactof": outcome.present.invoice.customer_id} if outcome.present.invoice is not None else {}
    text = f"Invoice has been updated in Xero - {outcome.document['InvoiceID']}"
    return _with_lines(tools, outcome, now, row=row, action="Update", text=text, whole=whole)


def _failed(tools: Tools, outcome: Failed, now: datetime) -> tuple[Change, ...]:
    present = outcome.present
    row: Payload = {"stl3_exportstatus": columns.EXPORT_STATUS["Failed"], "stl3_waitingfor": None}
    row |= {} if outcome.keeps_attempt else NO_ATTEMPT
    text = cut("\n".join(dict.fromkeys(outcome.messages)), WORDS_MAX - len(AGAIN) - 1)
    text += "" if outcome.keeps_attempt else f"\n{AGAIN}"
    history = _history(tools, present, now, action=outcome.action, status="Failed", text=text)
    return change_details(tools, present, row), history


def _exported(tools: Tools, document: Payload, now: datetime) -> Payload:
    """What the details say of a document that was just written (rule C50)."""
    xero_id, is_sales = document["InvoiceID"], document["Type"] == "ACCREC"
    return {
        "stl3_xeroinvoiceid": xero_id,
        "stl3_xeronumber": document.get("InvoiceNumber"),
        "stl3_xerostatus": document["Status"],
        "stl3_xerourl": invoice_link(read_books(tools).short_code, xero_id, kind="sales" if is_sales else "bill"),
        "stl3_documentkind": columns.DOCUMENT_KIND["Sales invoice" if is_sales else "Bill"],
        "stl3_exportstatus": YES,
        "stl3_exportdate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_waitingfor": None,
        "stl3_currency": document.get("CurrencyCode"),
        **_figures(document),
        "stl3_xerocontactid": document["Contact"]["ContactID"],
        "stl3_xeroupdated": parse_xero_time(document["UpdatedDateUTC"]).isoformat(),
    }


def _figures(document: Payload) -> Payload:
    return {
        "stl3_amountdue": totals.amount(document, "AmountDue"),
        "stl3_amountpaid": totals.amount(document, "AmountPaid"),
        "stl3_taxinxero": totals.amount(document, "TotalTax"),
    }


def _agreed(tools: Tools, present: Present, document: Payload) -> Payload:
    """The invoice as it was read and the document as it is: until one of them moves there is nothing to do."""
    known = replace(_agreement(tools, present), document=document_hash(document), sent="")
    return {"stl3_fingerprint": _print(present), "stl3_agreeddocument": known.text}


def _agreement(tools: Tools, present: Present) -> Agreement:
    """Return what the row says; a row that names no connector is of the invoice's first one, which is ours."""
    known = read_agreement(present.details.agreed_document if present.details else "")
    return known if known.connector_id else replace(known, connector_id=tools.connection.id)


def _joined(tools: Tools, present: Present) -> Agreement:
    connector_id = present.invoice.connector_id if present.invoice is not None else ""
    return replace(_agreement(tools, present), connector_id=connector_id or NOBODY)


def _print(present: Present) -> str | None:
    return fingerprint(present.invoice) if present.invoice is not None else None


def _with_lines(
    tools: Tools, outcome: Created | Updated, now: datetime, *, row: Payload, action: str, text: str, whole: bool
) -> tuple[Change, ...]:
    """Tax, amount due, details and history of a document that was written; the totals are compared (rule C40)."""
    present, document = outcome.present, outcome.document
    if present.invoice is not None and (differs := totals.difference(present.invoice, document, outcome.line_ids)):
        text += f"\n{differs}"
    if present.invoice is not None and not _fits(present.invoice):
        text += "\nXero's tax was not written to its lines: they are more than Dynamics takes in one change."
    of_one = document["InvoiceID"] if action == "Create" else ""
    history = _history(tools, present, now, action=action, status="Successful", text=text, of_one=of_one)
    return (*_on_invoice(outcome, whole=whole), change_details(tools, present, row), history)


def _on_invoice(outcome: Created | Updated | Agrees, *, whole: bool) -> tuple[Change, ...]:
    """Line tax before the amount due: the totals have followed when the amount appears (rules C52, C53).

    Nothing where the invoice is closed, or has more lines than a transaction takes.
    """
    invoice = outcome.present.invoice
    if not whole or invoice is None or invoice.state != ACTIVE:
        return ()
    if not _fits(invoice):
        return ()
    now_on_lines = {line.id: line.tax for line in invoice.lines}
    taxes = totals.line_taxes(invoice, outcome.document, outcome.line_ids)
    changed = [
        Change("PATCH", f"invoicedetails({line_id})", {"tax": tax}, if_match="*")
        for line_id, tax in taxes.items()
        if tax != now_on_lines[line_id]
    ]
    due = totals.amount(outcome.document, "AmountDue")
    return (*changed, Change("PATCH", f"invoices({invoice.id})", {"stl3_amountdue": due}, if_match="*"))


def _fits(invoice: Invoice) -> bool:
    """Whether all of its lines fit into one transaction, with what else is written."""
    return len(invoice.lines) + BESIDES_LINES <= OPERATIONS_MAX


def _history(
    tools: Tools, present: Present, now: datetime, *, action: str, status: str, text: str, of_one: str = ""
) -> Change:
    """Return the row of history (rule C51).

    The details row as it was read tells one operation from the next; `of_one` names what can be done only once.
    """
    local = now.astimezone(tools.connection.zone)
    row: Payload = {
        columns.NAME: f"Sync - {local:%Y-%m-%d %H:%M:%S}",
        "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({tools.connection.id})",
        "stl3_XeroDetails@odata.bind": f"/{details_path(present.invoice_id)}",
        "stl3_eventtime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_action": columns.ACTION[action],
        "stl3_details": cut(text, WORDS_MAX),
        "stl3_syncstatus": columns.SYNC_STATUS[status],
    }
    if present.invoice is not None:
        row["stl3_Invoice@odata.bind"] = f"/invoices({present.invoice_id})"
    version = present.details.etag if present.details else "new"
    key = ids.digest(action, status, present.invoice_id, of_one or version)
    return Change("PATCH", key_path(columns.HISTORY.set_name, {"stl3_operationkey": key}), row)
