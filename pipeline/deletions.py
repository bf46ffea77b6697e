"""Tells invoices that were deleted in Dynamics from those that we are not shown, and mends links that people remove.

An invoice is deleted when two things say so: its Xero details row names no invoice any more, as Dynamics takes the
name away in the same transaction, and Dynamics answers that there is none of its id. See
docs/decisions/0016-deletions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog

from clients.dataverse import Changes, Read
from clients.odata import key_path, rows_path
from core.connections import PAUSED
from core.errors import Conflict, ConnectorError, Disconnected, Rejected
from pipeline.deletion_guard import ask_owner
from pipeline.details import change_details
from pipeline.outcomes import Present, Report
from pipeline.tools import Tools

NO_SUCH_ROW = "0x80040217"
LOOK_AGAIN_AFTER = timedelta(minutes=5)  # the event of the deletion, or the poll, comes before that

log = structlog.get_logger()


def prove_deleted(tools: Tools, presents: Sequence[Present], report: Report) -> set[str]:
    """Return which of these exported invoices, of which Dynamics has shown none, were deleted there; one `$batch`.

    The others are noted in `report` to be looked at again. Raises Disconnected where neither is known, since then a
    right is missing, and where so many were deleted that their owner is asked first; Transient and Limited.
    """
    missing = [present for present in presents if _is_missing(tools, present)]
    if not missing:
        return set()
    exists = _look(tools, [present.invoice_id for present in missing])
    now = tools.hold()
    gone: list[Present] = []
    unlinked: list[Present] = []
    for present in missing:
        if not exists[present.invoice_id] and not _is_linked(present):
            gone.append(present)
        elif exists[present.invoice_id] and not _is_linked(present):
            unlinked.append(present)
        else:
            # It came back, or it went after its Xero details had been read: the two say different things.
            report.later(present.invoice_id, now + LOOK_AGAIN_AFTER)
    _relink(tools, unlinked, report)
    if tools.connection.state != PAUSED:  # nothing is done meanwhile
        ask_owner(tools, gone)
    return {present.invoice_id for present in gone}


def relink(tools: Tools, presents: Iterable[Present], report: Report) -> set[str]:
    """Let Xero details name their invoices again, where a person has removed the name of one that lives.

    Return those invoices: they are looked at again, as their rows have moved. Asks nothing where all have their
    name. Raises Transient, Limited, Disconnected or Unknown; repeating is safe.
    """
    unlinked = [present for present in presents if present.invoice is not None and _has_lost_link(tools, present)]
    return _relink(tools, unlinked, report)


def _relink(tools: Tools, presents: Sequence[Present], report: Report) -> set[str]:
    if not presents:
        return set()
    now = tools.hold()
    steps = [Changes((change_details(tools, present, _named(present)),)) for present in presents]
    moved: set[str] = set()
    for present, answer in zip(presents, tools.dataverse.batch(steps), strict=True):
        if answer.error is None or isinstance(answer.error, Conflict):
            moved.add(present.invoice_id)
            report.later(present.invoice_id, now)
        elif _is_no_such_row(answer.error):
            # Deleted since it was read; its Xero details, which were read behind it, said so already.
            moved.add(present.invoice_id)
            report.later(present.invoice_id, now + LOOK_AGAIN_AFTER)
        elif isinstance(answer.error, Rejected):
            log.warning("link.refused", connection=tools.connection.id, invoice=present.invoice_id)
        else:
            raise answer.error
    log.info("links.mended", connection=tools.connection.id, invoices=len(moved))
    return moved


def _named(present: Present) -> dict[str, str]:
    return {"stl3_Invoice@odata.bind": f"/invoices({present.invoice_id})"}


def is_there(tools: Tools, invoice_id: str) -> bool:
    """Whether Dynamics has this invoice. Raises Disconnected where it does not say, Transient or Limited."""
    return _look(tools, [invoice_id])[invoice_id]


def _look(tools: Tools, invoice_ids: Sequence[str]) -> Mapping[str, bool]:
    """Return whether Dynamics has an invoice of each id.

    Asked one by one: a list leaves out what is not shown to us, a single read refuses it.
    """
    paths = [rows_path(key_path("invoices", invoice_id), {"$select": "invoiceid"}) for invoice_id in invoice_ids]
    answers = tools.dataverse.batch([Read(path) for path in paths])
    return {key: _exists(answer.error) for key, answer in zip(invoice_ids, answers, strict=True)}


def _exists(error: ConnectorError | None) -> bool:
    if error is None:
        return True
    if _is_no_such_row(error):
        return False
    if isinstance(error, Rejected | Disconnected):
        why = str(error).rstrip(".")
        raise Disconnected(
            "Dynamics does not show the connector an invoice that is in Xero, and does not say that it was deleted: "
            f"{why}. Does the connector's user still have the right to read all invoices?",
            reference=error.reference,
        ) from error
    raise error


def _is_no_such_row(error: ConnectorError) -> bool:
    return isinstance(error, Rejected) and error.status == 404 and error.code.lower() == NO_SUCH_ROW


def _is_missing(tools: Tools, present: Present) -> bool:
    details = present.details
    if present.invoice is not None or details is None or not details.xero_invoice_id:
        return False
    return details.connection_id == tools.connection.id


def _is_linked(present: Present) -> bool:
    return present.details is not None and present.details.is_linked


def _has_lost_link(tools: Tools, present: Present) -> bool:
    """A row that is bound to another connection is left alone; one that only waits goes with its invoice."""
    details = present.details
    if details is None or details.is_linked:
        return False
    return details.connection_id == tools.connection.id or not details.is_bound
