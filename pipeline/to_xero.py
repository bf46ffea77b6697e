"""Brings invoices to Xero, and what has changed about them since: read both sides, compare, do what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core import gates
from core.ids import is_guid
from pipeline.attempts import create, resolve
from pipeline.cancelling import end, is_ending
from pipeline.changed import is_exported, sort_out
from pipeline.deletions import relink
from pipeline.documents import prepare
from pipeline.dues import say_due_again
from pipeline.outcomes import AttemptEnded, Outcome, Present, Renumbered, Report, Waits
from pipeline.reading import read_invoices
from pipeline.rows import writes_due
from pipeline.tools import Tools
from pipeline.updates import carry_over
from pipeline.writeback import write_back


def carry(tools: Tools, invoice_ids: Iterable[str], report: Report) -> None:
    """Bring these invoices (at most 50) as far as they can go now (rules C).

    Raises what `core.errors` names; whatever was not finished is then still due.
    """
    # Dynamics refuses to look for anything else, which must not stop the connection.
    presents = read_invoices(tools, filter(is_guid, invoice_ids))
    ended: set[str] = set()
    open_rows = [present.details for present in presents.values() if _has_open_attempt(present, tools)]
    if open_rows:
        # An open attempt outranks every gate: what it made is found before anything new is decided.
        resolved = resolve(tools, [row for row in open_rows if row is not None], report)
        write_back(tools, resolved, report)
        # The next attempt is another round's: whoever decides about retries must see that this one made nothing.
        ended = {outcome.present.invoice_id for outcome in resolved if isinstance(outcome, AttemptEnded | Renumbered)}
        presents = read_invoices(tools, presents.keys() - ended)

    now = tools.hold()
    mine = tools.connection.id
    ours = [present for present in presents.values() if present.is_of(mine) and not _has_open_attempt(present, tools)]
    mended = relink(tools, ours, report)
    ours = [present for present in ours if present.invoice_id not in mended]
    ending = [present for present in ours if is_ending(present)]
    ours = [present for present in ours if not is_ending(present)]
    fresh = [present for present in ours if not is_exported(present)]
    outcomes: list[Outcome] = [
        outcome for present in fresh if (outcome := _waits(tools, present, now, report)) is not None
    ]
    ready = [present for present in fresh if _may_go(tools, present, now)]
    if ready:
        members, failed = prepare(tools, ready)
        outcomes += failed
        if members:
            outcomes += create(tools, members, report)
    write_back(tools, outcomes, report)
    # Only then: an update of which nobody knows what became of it must not keep new documents from being recorded.
    changed, outcomes = sort_out(tools, filter(is_exported, ours), report)
    if changed:
        outcomes += carry_over(tools, changed, report)
    write_back(tools, outcomes, report)
    said = {outcome.present.invoice_id for outcome in outcomes if writes_due(outcome)}
    rest = [present for present in ours if is_exported(present) and present.invoice_id not in said]
    say_due_again(tools, rest, report)
    if ending:
        write_back(tools, end(tools, ending, report), report)


def _has_open_attempt(present: Present, tools: Tools) -> bool:
    details = present.details
    return (
        details is not None and details.attempt_started is not None and details.connection_id == tools.connection.id
    )


def _may_go(tools: Tools, present: Present, now: datetime) -> bool:
    if present.invoice is None:
        return False
    found = gates.gates_of(present.invoice, present.details, tools.connection, now)
    return all(gate.is_open for gate in found)


def _waits(tools: Tools, present: Present, now: datetime, report: Report) -> Waits | None:
    """Return what its details row has to say now about an invoice that waits (rule C9), if it says something else.

    The row of an invoice whose connector was changed is taken over from the other connection.
    """
    invoice, details = present.invoice, present.details
    if invoice is None or (details is not None and details.export_status != "No"):
        return None
    if opens_at := gates.opens_at(invoice, tools.connection, now):
        report.later(present.invoice_id, opens_at)
    text = gates.waiting_text(gates.gates_of(invoice, details, tools.connection, now))
    if not text:
        return None
    if details is not None and (details.waiting_for, details.connection_id) == (text, tools.connection.id):
        return None
    return Waits(present, text)
