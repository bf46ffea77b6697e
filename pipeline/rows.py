"""What each outcome changes in Dynamics: Xero details, Sync history, tax and amount due (rules C9, C50 to C63)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from clients.dataverse import Change
from clients.http import Payload
from core import columns
from core.invoice import ACTIVE, Details
from core.tables import MEMO_LENGTH
from mappers import totals
from mappers.agreements import NOBODY, Agreement, document_hash, read_agreement
from mappers.cancelling import state_now
from mappers.dynamics import fingerprint
from mappers.explanations import AGAIN
from mappers.links import invoice_link
from mappers.standing import OPEN_STATUSES, standing_of
from mappers.texts import cut
from pipeline.books import read_books
from pipeline.details import change_details
from pipeline.history import history_row
from pipeline.invoice_rows import change_invoice, fits, tax_changes
from pipeline.outcomes import (
    Agrees,
    AttemptEnded,
    Cancelled,
    Created,
    Failed,
    Followed,
    NotCarried,
    Noted,
    OfExport,
    Outcome,
    Present,
    Rejoined,
    Released,
    Renumbered,
    Updated,
    Waits,
)
from pipeline.rows_from_xero import followed, noted, standing_row, updated_text
from pipeline.rows_of_cancelling import cancelled
from pipeline.tools import Tools

NO_ATTEMPT: Payload = {"stl3_attemptstarted": None, "stl3_attemptkey": None}
NOT_FOLLOWED: Payload = {"stl3_xeroupdated": None}
NOTHING_KNOWN: Payload = dict.fromkeys(
    ("stl3_xerostatus", "stl3_amountdue", "stl3_amountpaid", "stl3_amountcredited")
)
EARLIER_MAX = 10  # documents that a row remembers: as many as its column holds
OF_ENDING: Payload = dict.fromkeys(("stl3_creditnoteid", "stl3_creditnotenumber", "stl3_cancelling"))
OF_ONE_DOCUMENT: Payload = (
    NOT_FOLLOWED
    | NOTHING_KNOWN
    | OF_ENDING
    | dict.fromkeys(
        (
            "stl3_xeroinvoiceid",
            "stl3_xeronumber",
            "stl3_xerourl",
            "stl3_currency",
            "stl3_taxinxero",
            "stl3_fingerprint",
            "stl3_statusbeforeclose",
            "stl3_waitingfor",
        )
    )
)
YES = columns.EXPORT_STATUS["Yes"]


def changes_of(tools: Tools, outcome: Outcome, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    """Return the changes of one transaction; `whole` False leaves the invoice itself alone."""
    match outcome:
        case Followed():
            return followed(tools, outcome, now, whole=whole)
        case Cancelled():
            return cancelled(tools, outcome, now)
        case Noted():
            return noted(tools, outcome, now)
    return _of_export(tools, outcome, now, whole=whole)


def _of_export(tools: Tools, outcome: OfExport, now: datetime, *, whole: bool) -> tuple[Change, ...]:
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
            row["stl3_handledstate"] = state_now(present.invoice)
            history = history_row(tools, present, now, action="Update", status="Failed", text=outcome.text)
            return change_details(tools, present, row), history
        case Rejoined():
            row = {"stl3_agreeddocument": _joined(tools, present).text}
            row |= {"stl3_fingerprint": _print(present)} if outcome.is_all else {}
            history = history_row(tools, present, now, action="Update", status="Successful", text=outcome.text)
            return change_details(tools, present, row), history
        case Agrees():
            row = {"stl3_exportstatus": YES, "stl3_waitingfor": None, **_agreed(tools, present, outcome.document)}
            # Both sides may have been changed alike by people: tax and total of now are not those of our last write.
            # Status and payments are left to following the document, which tells of them.
            standing = standing_of(outcome.document)
            row |= {"stl3_taxinxero": standing.tax}
            row |= {"stl3_amountdue": standing.due} if writes_due(outcome) else {}
            return (
                *_on_invoice(outcome, whole=whole),
                change_details(tools, present, row),
                *_told_difference(tools, outcome, now),
            )
        case Waits():
            return (change_details(tools, present, {"stl3_waitingfor": outcome.text or None}),)
        case AttemptEnded() | Released() | Renumbered():
            return (change_details(tools, present, _begun_anew(tools, outcome)),)


def _begun_anew(tools: Tools, outcome: AttemptEnded | Released | Renumbered) -> Payload:
    """Return what is written before another attempt begins."""
    match outcome:
        case Released():
            return _released(tools, outcome.present)
        case Renumbered():
            return NO_ATTEMPT | {"stl3_xeronumber": outcome.number}
    return NO_ATTEMPT


def _released(tools: Tools, present: Present) -> Payload:
    """What is known of the document is forgotten; what is known of the customer's contact is still true."""
    details = present.details
    assert details is not None, "it named the document"
    earlier = [*details.earlier_ids, details.xero_invoice_id.lower()]
    return OF_ONE_DOCUMENT | {
        "stl3_earlierdocuments": " ".join(list(dict.fromkeys(earlier))[-EARLIER_MAX:]),
        "stl3_agreeddocument": Agreement(connector_id=_agreement(tools, present).connector_id).text,
        "stl3_handledstate": str(ACTIVE),
        "stl3_closedbyconnector": False,
    }


def _told_difference(tools: Tools, outcome: Agrees, now: datetime) -> tuple[Change, ...]:
    """Nothing was written to Xero, but a difference of the totals is always told (rule C40)."""
    present = outcome.present
    differs = totals.difference(present.invoice, outcome.document, outcome.line_ids) if present.invoice else ""
    if not differs:
        return ()
    text = f"The document in Xero says what the invoice says.\n{differs}"
    return (history_row(tools, present, now, action="Update", status="Successful", text=text),)


def _created(tools: Tools, outcome: Created, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    present, document = outcome.present, outcome.document
    known = Agreement(document_hash(document) if outcome.is_ours else "", connector_id=tools.connection.id)
    row = NO_ATTEMPT | _exported(tools, document, now)
    row |= {} if is_followed(outcome) else NOT_FOLLOWED | NOTHING_KNOWN
    is_told = present.invoice is not None and present.invoice.connector_id == tools.connection.id  # rule C63
    row |= {
        "stl3_fingerprint": _print(present) if outcome.agrees and is_told else None,
        "stl3_agreeddocument": known.text,
        "stl3_handledstate": str(ACTIVE),
        **OF_ENDING,
        # Of what was found nobody knows whether it was made for the customer of now.
        "stl3_contactof": present.invoice.customer_id if present.invoice is not None and outcome.agrees else None,
    }
    text = f"Invoice has been created in Xero - {document['InvoiceID']}"
    return _with_lines(tools, outcome, now, row=row, action="Create", text=text, whole=whole)


def _updated(tools: Tools, outcome: Updated, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    row = _exported(tools, outcome.document, now) | _agreed(tools, outcome.present, outcome.document)
    if not is_followed(outcome) and outcome.present.details is not None:
        row |= NOT_FOLLOWED | {"stl3_xerostatus": outcome.present.details.xero_status or None}
    row |= {"stl3_contactof": outcome.present.invoice.customer_id} if outcome.present.invoice is not None else {}
    text = f"Invoice has been updated in Xero - {outcome.document['InvoiceID']}"
    return _with_lines(tools, outcome, now, row=row, action="Update", text=text, whole=whole)


def _failed(tools: Tools, outcome: Failed, now: datetime) -> tuple[Change, ...]:
    present = outcome.present
    row: Payload = {"stl3_exportstatus": columns.EXPORT_STATUS["Failed"], "stl3_waitingfor": None}
    row |= {} if outcome.keeps_attempt else NO_ATTEMPT
    if present.details is not None and present.details.xero_invoice_id:
        row["stl3_handledstate"] = state_now(present.invoice)  # what fails does not come again by itself
    text = cut("\n".join(dict.fromkeys(outcome.messages)), MEMO_LENGTH - len(AGAIN) - 1)
    text += "" if outcome.keeps_attempt else f"\n{AGAIN}"
    history = history_row(tools, present, now, action=outcome.action, status="Failed", text=text)
    return change_details(tools, present, row), history


def _exported(tools: Tools, document: Payload, now: datetime) -> Payload:
    """What the details say of a document that was just written (rule C50)."""
    xero_id, is_sales = document["InvoiceID"], document["Type"] == "ACCREC"
    return {
        "stl3_xeroinvoiceid": xero_id,
        "stl3_xeronumber": document.get("InvoiceNumber"),
        "stl3_xerourl": invoice_link(read_books(tools).short_code, xero_id, kind="sales" if is_sales else "bill"),
        "stl3_documentkind": columns.DOCUMENT_KIND["Sales invoice" if is_sales else "Bill"],
        "stl3_exportstatus": YES,
        "stl3_exportdate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_waitingfor": None,
        "stl3_currency": document.get("CurrencyCode"),
        "stl3_xerocontactid": document["Contact"]["ContactID"],
        **standing_row(standing_of(document)),
        "stl3_xeroupdated": updated_text(document),
    }


def is_followed(outcome: Outcome) -> bool:
    """Whether the details row can say all of what has become of the document (rules D).

    Else somebody has done something to it that the history does not tell yet: it is followed next.
    """
    match outcome:
        case Created():
            return standing_of(outcome.document).is_untouched
        case Updated(present=Present(details=Details(xero_status=status))):
            return bool(status == outcome.document["Status"])
    return True


def _agreed(tools: Tools, present: Present, document: Payload) -> Payload:
    """The invoice as it was read and the document as it is: until one of them moves there is nothing to do."""
    known = replace(_agreement(tools, present), document=document_hash(document), sent="")
    handled = state_now(present.invoice)
    return {
        "stl3_fingerprint": _print(present),
        "stl3_agreeddocument": known.text,
        "stl3_handledstate": handled,
    }


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
    if present.invoice is not None and not fits(present.invoice):
        text += "\nXero's tax was not written to its lines: they are more than Dynamics takes in one change."
    of_one = document["InvoiceID"] if action == "Create" else ""
    history = history_row(tools, present, now, action=action, status="Successful", text=text, of_one=of_one)
    return (*_on_invoice(outcome, whole=whole), change_details(tools, present, row), history)


def writes_due(outcome: Outcome) -> bool:
    """Whether what is due is written on the invoice with this outcome.

    Where document and invoice agree and people have approved the document, it is left to following it, on the details
    row as well.
    """
    if isinstance(outcome, Agrees):
        return standing_of(outcome.document).status in OPEN_STATUSES
    return isinstance(outcome, Created | Updated)


def _on_invoice(outcome: Created | Updated | Agrees, *, whole: bool) -> tuple[Change, ...]:
    """Line tax before the amount due: the totals have followed when the amount appears (rules C52, C53)."""
    invoice = outcome.present.invoice
    if not whole or invoice is None or invoice.state != ACTIVE:
        return ()
    taxes = tax_changes(invoice, outcome.document, outcome.line_ids) if fits(invoice) else ()
    if not writes_due(outcome):
        return taxes
    return (*taxes, change_invoice(invoice, {"stl3_amountdue": standing_of(outcome.document).due}))
