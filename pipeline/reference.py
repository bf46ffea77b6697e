"""Brings tax types, account codes and branding themes in Dynamics up to date with Xero (rules F1 to F4).

Safe to run any number of times, from the start after a crash anywhere: what is there already is not written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from clients.batch import Change, Changes
from clients.dataverse import Outcome, key_path, rows_path, text_literal
from clients.http import Payload
from clients.xero import Xero
from core.columns import ACCOUNT_CODE, BRANDING_THEME, TAX_TYPE
from core.errors import Conflict, ConnectorError, LeaseLost, Rejected
from core.tables import Table
from mappers.reference import (
    Entry,
    Write,
    compare,
    key_prefix,
    select,
    to_account_codes,
    to_branding_themes,
    to_tax_types,
)
from pipeline.lanes import Entity
from pipeline.outcomes import Report
from pipeline.progress import Ongoing, begin
from pipeline.reading import read_batch
from pipeline.tools import Tools

REFERENCE = Entity("xero", "reference", "all")
CHUNK = 100  # changes a call, of the 1,000 that Dynamics takes: each is a transaction, and people watch
MOVED = "Rows changed in Dynamics at the same time. It begins again by itself."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three: how it is called, its table, and how Xero's list becomes entries."""

    name: str
    table: Table
    list_all: Callable[[Xero], Iterable[Payload]]
    to_entries: Callable[[Iterable[Payload]], list[Entry]]


# In this order: accounts point to tax types (rule F1).
KINDS = (
    Kind("Tax rates", TAX_TYPE, Xero.list_tax_rates, to_tax_types),
    Kind("Account codes", ACCOUNT_CODE, Xero.list_accounts, to_account_codes),
    Kind("Branding themes", BRANDING_THEME, Xero.list_branding_themes, to_branding_themes),
)


def sync_reference(tools: Tools, report: Report) -> None:
    """Bring all three up to date: one call to Xero each, one `$batch` to read the rows; only differences are written.

    A row that Dynamics refuses, or a list that Xero refuses, holds up nothing else; the progress says so.
    Raises Transient, Limited, Disconnected, Unknown or LeaseLost; repeating is safe.
    """
    ongoing = begin(tools.memory, [kind.name for kind in KINDS], tools.hold())
    try:
        held = read_batch(tools, *(_rows_path(tools, kind.table) for kind in KINDS))
        for kind, rows in zip(KINDS, held, strict=True):
            _sync(tools, kind, rows, ongoing, report)
    except LeaseLost:
        raise  # whoever has the lane now tells how far it is
    except ConnectorError as error:
        ongoing.interrupt(str(error), tools.hold())
        raise
    tools.memory.forget_books()  # the accounts that invoices are made with are Xero's of an hour ago at most: renew
    now = tools.hold()
    if REFERENCE in report.again_in_xero:
        ongoing.interrupt(MOVED, now)
    else:
        ongoing.end(now)
    _log(tools, ongoing)


def _sync(tools: Tools, kind: Kind, rows: Sequence[Payload], ongoing: Ongoing, report: Report) -> None:
    """Do one step; what Xero or Dynamics refuses as a whole ends this step alone."""
    ongoing.begin_step(tools.hold())
    failed = ""
    try:
        entries = kind.to_entries(kind.list_all(tools.xero))
        if entries:
            difference = compare(kind.table, tools.connection.id, entries, rows)
            total = len(difference.writes) + difference.unchanged
            ongoing.expect(total, difference.unchanged, tools.hold())
            for start in range(0, len(difference.writes), CHUNK):
                _write(tools, kind, difference.writes[start : start + CHUNK], ongoing, report)
        else:
            # Every organisation has some of each: taking the answer at its word would deactivate all rows.
            failed = "Xero lists none, which cannot be. Nothing was changed."
    except Rejected as error:
        failed = str(error)
    ongoing.end_step(tools.hold(), failed=failed)


def _write(tools: Tools, kind: Kind, writes: Sequence[Write], ongoing: Ongoing, report: Report) -> None:
    """Write some rows, each on its own: one that is refused is named and holds up no other."""
    now = tools.hold()
    steps = [Changes((_change(kind.table, write),)) for write in writes]
    counted: Counter[str] = Counter()
    refusals: list[str] = []
    unfinished: ConnectorError | None = None
    for write, outcome in zip(writes, tools.dataverse.batch(steps), strict=True):
        error = outcome.error
        if error is None:
            counted[write.what] += 1
        elif _has_moved(write, outcome):
            report.later_in_xero(REFERENCE, now)
        elif isinstance(error, Rejected | Conflict):  # a new row conflicts with one that has its key already
            counted["refused"] += 1
            refusals.append(f"{write.name}: {_in_words(error)}")
        else:
            unfinished = unfinished or error
    ongoing.add(counted, refusals, now)
    if unfinished is not None:
        raise unfinished


def _has_moved(write: Write, outcome: Outcome) -> bool:
    """Whether the row is not the one that was read: somebody has changed or deleted it since."""
    error = outcome.error
    is_gone = isinstance(error, Rejected) and error.status == 404
    return bool(write.etag) and (isinstance(error, Conflict) or is_gone)


def _in_words(error: ConnectorError) -> str:
    """Dynamics' own words where it said any."""
    return " ".join(error.messages) if isinstance(error, Rejected) and error.messages else str(error)


def _change(table: Table, write: Write) -> Change:
    # A new row is an upsert on an id of its own: it may be repeated, and needs no key in the address, which could
    # not hold every code.
    return Change("PATCH", key_path(table.set_name, write.row_id), write.row, if_match=write.etag or None)


def _rows_path(tools: Tools, table: Table) -> str:
    """The rows of this connection are those with its keys; a person's own and another connection's are left alone."""
    mine = f"startswith(stl3_key,{text_literal(key_prefix(tools.connection.id))})"
    return rows_path(table.set_name, {"$select": select(table), "$filter": mine})


def _log(tools: Tools, ongoing: Ongoing) -> None:
    steps = ongoing.progress.steps
    log.info(
        "reference.synced",
        connection=tools.connection.id,
        state=ongoing.progress.state,
        unchanged=sum(step.counts.unchanged for step in steps),
        written=sum(step.counts.total - step.counts.unchanged - step.counts.refused for step in steps),
        refused=sum(step.counts.refused for step in steps),
        failed=sum(step.state == "failed" for step in steps),
    )
