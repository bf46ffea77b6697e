"""Writes outcomes back to Dynamics: Xero details, Sync history, tax and amount due (rules C9, C50 to C53, C60).

Each invoice's changes are one transaction, conditional on its details row being the one that was read, and keyed so
that a repetition writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from clients.batch import OPERATIONS_MAX
from clients.dataverse import Change, Changes, key_path
from clients.dataverse import Outcome as Written
from clients.http import Payload
from clients.xero import parse_xero_time
from core import columns, ids
from core.errors import Conflict, ConnectorError, Rejected
from core.invoice import ACTIVE, Invoice
from mappers import totals
from mappers.dynamics import fingerprint
from mappers.xero import invoice_link
from pipeline.books import read_books
from pipeline.details import change_details, details_path
from pipeline.outcomes import AttemptEnded, Created, Failed, Outcome, Report, Waits
from pipeline.tools import Tools

log = structlog.get_logger()

NO_ATTEMPT: Payload = {"stl3_attemptstarted": None, "stl3_attemptkey": None}


def write_back(tools: Tools, outcomes: Sequence[Outcome], report: Report) -> None:
    """Write the outcomes; rows that moved since they were read are noted in `report` to be looked at again.

    Raises Transient, Limited, Disconnected or Unknown (repeating is safe).
    """
    if not outcomes:
        return
    refused = _write(tools, outcomes, report, whole=True)
    if refused:
        # The invoice or a line of it was closed or deleted meanwhile: what became of it is recorded all the same.
        for _, error in _write(tools, [outcome for outcome, _ in refused], report, whole=False):
            raise error


def _write(
    tools: Tools, outcomes: Sequence[Outcome], report: Report, *, whole: bool
) -> list[tuple[Outcome, ConnectorError]]:
    """Write as many outcomes a call as it takes; return those that Dynamics refuses as they are."""
    refused: list[tuple[Outcome, ConnectorError]] = []
    for group in _groups(outcomes):
        now = tools.hold()
        steps = [Changes(_changes(tools, outcome, now, whole=whole)) for outcome in group]
        for outcome, answer in zip(group, tools.dataverse.batch(steps), strict=True):
            if not _settled(tools, outcome, answer, now, report) and answer.error is not None:
                refused.append((outcome, answer.error))
    return refused


def _groups(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """A call takes 1,000 changes; an invoice has at most one for each line and three more."""
    groups: list[list[Outcome]] = []
    room = 0
    for outcome in outcomes:
        lines = len(outcome.present.invoice.lines) if outcome.present.invoice else 0
        if lines + 3 > room:
            groups.append([])
            room = OPERATIONS_MAX
        groups[-1].append(outcome)
        room -= lines + 3
    return groups


def _settled(tools: Tools, outcome: Outcome, answer: Written, now: datetime, report: Report) -> bool:
    """Return False if Dynamics refuses the changes as they are."""
    error = answer.error
    if error is None:
        log.info(_NAMES[type(outcome)], connection=tools.connection.id, invoice=outcome.present.invoice_id)
        if isinstance(outcome, AttemptEnded):
            report.later(outcome.present.invoice_id, now)
        return True
    if isinstance(error, Conflict):
        report.later(outcome.present.invoice_id, now)
        return True
    if isinstance(error, Rejected):
        return False
    raise error


def _changes(tools: Tools, outcome: Outcome, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    """`whole` False leaves the invoice itself alone."""
    if isinstance(outcome, Created):
        return _created(tools, outcome, now, whole=whole)
    if isinstance(outcome, Failed):
        row: Payload = {"stl3_exportstatus": columns.EXPORT_STATUS["Failed"], "stl3_waitingfor": None}
        row |= {} if outcome.keeps_attempt else NO_ATTEMPT
        text = "\n".join(outcome.messages)
        key = ids.digest("failed", outcome.present.invoice_id, _version(outcome))
        return (
            change_details(tools, outcome.present, row),
            _history(tools, outcome, now, status="Failed", text=text, key=key),
        )
    if isinstance(outcome, Waits):
        return (change_details(tools, outcome.present, {"stl3_waitingfor": outcome.text or None}),)
    return (change_details(tools, outcome.present, NO_ATTEMPT),)


def _created(tools: Tools, outcome: Created, now: datetime, *, whole: bool) -> tuple[Change, ...]:
    document, invoice = outcome.document, outcome.present.invoice
    xero_id = document["InvoiceID"]
    row: Payload = NO_ATTEMPT | {
        "stl3_xeroinvoiceid": xero_id,
        "stl3_xeronumber": document.get("InvoiceNumber"),
        "stl3_xerostatus": document["Status"],
        "stl3_xerourl": invoice_link(read_books(tools).short_code, xero_id),
        "stl3_exportstatus": columns.EXPORT_STATUS["Yes"],
        "stl3_exportdate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_waitingfor": None,
        "stl3_currency": document.get("CurrencyCode"),
        "stl3_amountdue": totals.amount(document, "AmountDue"),
        "stl3_amountpaid": totals.amount(document, "AmountPaid"),
        "stl3_taxinxero": totals.amount(document, "TotalTax"),
        "stl3_xerocontactid": document["Contact"]["ContactID"],
        "stl3_handledstate": str(ACTIVE),
        "stl3_xeroupdated": parse_xero_time(document["UpdatedDateUTC"]).isoformat(),
    }
    text = f"Invoice has been created in Xero - {xero_id}"
    on_invoice: tuple[Change, ...] = ()
    if invoice is not None:
        # What was found in Xero may have been made from the invoice as it was before somebody changed it.
        row["stl3_fingerprint"] = None if outcome.adopted else fingerprint(invoice)
        if differs := totals.difference(invoice, document, outcome.line_ids):
            text += f"\n{differs}"
        if whole and invoice.state == ACTIVE and len(invoice.lines) + 3 <= OPERATIONS_MAX:
            on_invoice = _on_invoice(invoice, outcome)
    key = ids.digest("created", outcome.present.invoice_id, xero_id)
    history = _history(tools, outcome, now, status="Successful", text=text, key=key)
    return (*on_invoice, change_details(tools, outcome.present, row), history)


def _on_invoice(invoice: Invoice, outcome: Created) -> tuple[Change, ...]:
    """Line tax before the amount due: the totals have followed when the amount appears."""
    now_on_lines = {line.id: line.tax for line in invoice.lines}
    taxes = totals.line_taxes(invoice, outcome.document, outcome.line_ids)
    changed = [
        Change("PATCH", f"invoicedetails({line_id})", {"tax": tax}, if_match="*")
        for line_id, tax in taxes.items()
        if tax != now_on_lines[line_id]
    ]
    due = totals.amount(outcome.document, "AmountDue")
    return (*changed, Change("PATCH", f"invoices({invoice.id})", {"stl3_amountdue": due}, if_match="*"))


def _history(tools: Tools, outcome: Outcome, now: datetime, *, status: str, text: str, key: str) -> Change:
    local = now.astimezone(tools.connection.zone)
    row: Payload = {
        columns.NAME: f"Sync - {local:%Y-%m-%d %H:%M:%S}",
        "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({tools.connection.id})",
        "stl3_XeroDetails@odata.bind": f"/{details_path(outcome.present.invoice_id)}",
        "stl3_eventtime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "stl3_action": columns.ACTION["Create"],
        "stl3_details": text,
        "stl3_syncstatus": columns.SYNC_STATUS[status],
    }
    if outcome.present.invoice is not None:
        row["stl3_Invoice@odata.bind"] = f"/invoices({outcome.present.invoice_id})"
    return Change("PATCH", key_path(columns.HISTORY.set_name, {"stl3_operationkey": key}), row)


def _version(outcome: Outcome) -> str:
    """What tells this failure from the next one of the same invoice: the row as it was read."""
    return outcome.present.details.etag if outcome.present.details else "new"


_NAMES = {
    Created: "invoice.exported",
    Failed: "invoice.failed",
    Waits: "invoice.waits",
    AttemptEnded: "attempt.ended",
}
