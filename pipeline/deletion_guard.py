"""Asks the owner before many deletions in Dynamics are carried out in Xero: one mistake must not empty the books.

What waits and what was done lately is counted in Dynamics; what the owner has confirmed is remembered in Redis, and
asked again if that is lost. See docs/decisions/0016-deletions.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog

from clients.dataverse import odata_in, rows_path
from core import columns
from core.errors import Disconnected
from core.ids import is_guid
from core.money import exact, round_to
from mappers.cancelling import GONE
from pipeline.lanes import Entity
from pipeline.outcomes import Present
from pipeline.reading import in_chunks, read_batch
from pipeline.tools import Tools

DELETIONS_MAX = 10  # in one round that nobody is asked about
ROUND = timedelta(minutes=5)
IDS_PER_CALL = 1000
_SELECT = (
    f"stl3_dynamicsinvoiceid,stl3_dynamicsnumber,{columns.NAME},stl3_xeronumber,stl3_xerostatus,"
    "stl3_amountdue,stl3_currency"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deletion:
    """An exported invoice that was deleted in Dynamics, as its Xero details say; nothing was done in Xero yet.

    `is_confirmed`: the owner wants it to be carried out.
    """

    invoice_id: str
    number: str
    name: str
    xero_number: str
    xero_status: str
    amount_due: Decimal | None
    currency: str
    is_confirmed: bool

    @property
    def entity(self) -> Entity:
        return Entity("dynamics", "invoice", self.invoice_id)


def ask_owner(tools: Tools, gone: Iterable[Present]) -> None:
    """Let these deletions be carried out, or raise Disconnected: their owner is asked first. One read.

    Those that were dealt with before, and are tried again, need no word. Raises Transient or Limited as well.
    """
    fresh = {present.invoice_id for present in gone if not _is_dealt_with(present)}
    if not fresh or fresh <= tools.memory.confirmed_deletions(fresh):
        return
    now = tools.hold()
    rows, done = read_batch(tools, _waiting_path(tools), _done_path(tools, since=now - ROUND))
    lately = {row["stl3_dynamicsinvoiceid"] for row in done}
    waiting = [deletion for deletion in _deletions(tools, rows) if not deletion.is_confirmed]
    lately -= tools.memory.confirmed_deletions(lately)
    if not _is_too_many(tools, waiting, lately):
        return
    waiting = _without_living(tools, waiting)
    if not _is_too_many(tools, waiting, lately):
        return
    _stop(tools, waiting)


def check_held(tools: Tools) -> None:
    """Raise Disconnected while deletions wait for the word of the owner, whatever else is due.

    For a connection that has stopped: other work would show that it may go on. Dynamics is asked only where deletions
    were held back. Raises Transient or Limited as well.
    """
    if not tools.memory.held_deletions():
        return
    (rows,) = read_batch(tools, _waiting_path(tools))
    waiting = [deletion for deletion in _deletions(tools, rows) if not deletion.is_confirmed]
    waiting = _without_living(tools, waiting)
    if _is_too_many(tools, waiting, ()):
        _stop(tools, waiting)
    tools.memory.release_deletions()


def list_deletions(tools: Tools) -> list[Deletion]:
    """Return what was deleted and is not carried out yet, by number; it may be more than Dynamics has told us of.

    Raises Transient, Limited or Disconnected.
    """
    (rows,) = read_batch(tools, _waiting_path(tools))
    found = _without_living(tools, list(_deletions(tools, rows)))
    return sorted(found, key=lambda deletion: (deletion.number, deletion.invoice_id))


def confirm_deletions(tools: Tools, deletions: Sequence[Deletion]) -> None:
    """Remember that the owner wants these deletions to be carried out. Raises Transient."""
    tools.memory.confirm_deletions([deletion.invoice_id for deletion in deletions])
    tools.memory.release_deletions()


def _is_too_many(tools: Tools, waiting: Sequence[Deletion], lately: Collection[str]) -> bool:
    """What was held back once waits for its word, also when the round is over."""
    if len(waiting) + len(lately) > DELETIONS_MAX:
        return True
    return not tools.memory.held_deletions().isdisjoint(deletion.invoice_id for deletion in waiting)


def _stop(tools: Tools, waiting: Sequence[Deletion]) -> None:
    tools.memory.hold_deletions([deletion.invoice_id for deletion in waiting])
    log.warning("deletions.held", connection=tools.connection.id, invoices=len(waiting))
    raise Disconnected(words(len(waiting), tools.connection.id))


def words(count: int, connection_id: str) -> str:
    """Return what is said of so many deletions: what happened, what was not done, and what to do."""
    invoices = "1 invoice that is in Xero was" if count == 1 else f"{count} invoices that are in Xero were"
    return (
        f"{invoices} deleted in Dynamics. More than {DELETIONS_MAX} at a time may be a mistake, so nothing was done "
        f"in Xero for {'it' if count == 1 else 'them'}, and the connection waits for its owner. "
        f"`connector deletions show {connection_id}` lists what was deleted. If that was meant, "
        f"`connector deletions confirm {connection_id}` lets it be carried out. If not, restore the invoices in "
        "Dynamics: the connection then goes on by itself."
    )


def _is_dealt_with(present: Present) -> bool:
    return present.details is not None and present.details.handled_state == GONE


def _without_living(tools: Tools, deletions: Sequence[Deletion]) -> list[Deletion]:
    """Leave out those whose invoices live, and whose Xero details have only lost their name."""
    invoice_ids = [deletion.invoice_id for deletion in deletions]
    living: set[str] = set()
    for start in range(0, len(invoice_ids), IDS_PER_CALL):
        reads = [_living_path(chunk) for chunk in in_chunks(invoice_ids[start : start + IDS_PER_CALL])]
        living |= {row["invoiceid"] for rows in read_batch(tools, *reads) for row in rows}
    return [deletion for deletion in deletions if deletion.invoice_id not in living]


def _living_path(invoice_ids: Sequence[str]) -> str:
    return rows_path("invoices", {"$select": "invoiceid", "$filter": odata_in("invoiceid", invoice_ids)})


def _waiting_path(tools: Tools) -> str:
    # What is null is unequal to everything in OData, but not in Dynamics' own comparisons.
    not_dealt_with = f"(stl3_handledstate eq null or stl3_handledstate ne '{GONE}')"
    query = {"$select": _SELECT, "$filter": f"{_gone_here(tools)} and {not_dealt_with}"}
    return rows_path(columns.DETAILS.set_name, query)


def _done_path(tools: Tools, *, since: datetime) -> str:
    lately = f"stl3_handledstate eq '{GONE}' and stl3_exportdate ge {since:%Y-%m-%dT%H:%M:%SZ}"
    query = {"$select": "stl3_dynamicsinvoiceid", "$filter": f"{_gone_here(tools)} and {lately}"}
    return rows_path(columns.DETAILS.set_name, query)


def _gone_here(tools: Tools) -> str:
    mine = f"stl3_connectionid eq '{tools.connection.id}'"
    return f"{mine} and _stl3_invoice_value eq null and stl3_xeroinvoiceid ne null"


def _deletions(tools: Tools, rows: Sequence[dict[str, Any]]) -> Iterable[Deletion]:
    """Leave out a row whose id of the invoice somebody has spoilt: it is no work either."""
    known = [row for row in rows if is_guid(row["stl3_dynamicsinvoiceid"])]
    confirmed = tools.memory.confirmed_deletions(row["stl3_dynamicsinvoiceid"] for row in known)
    for row in known:
        yield Deletion(
            invoice_id=row["stl3_dynamicsinvoiceid"],
            number=row.get("stl3_dynamicsnumber") or "",
            name=row.get(columns.NAME) or "",
            xero_number=row.get("stl3_xeronumber") or "",
            xero_status=row.get("stl3_xerostatus") or "",
            amount_due=_in_cents(row.get("stl3_amountdue")),
            currency=row.get("stl3_currency") or "",
            is_confirmed=row["stl3_dynamicsinvoiceid"] in confirmed,
        )


def _in_cents(number: Decimal | int | None) -> Decimal | None:
    """In the document's currency; Xero keeps cents of any."""
    return None if number is None else round_to(exact(number), 2)
