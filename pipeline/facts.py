"""Reads what says where an invoice stands, for one connection; nothing is changed and Xero is not asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from clients.dataverse import Read, rows_path, text_literal
from clients.http import Payload
from core import columns
from core.connections import Connection
from core.errors import Disconnected
from core.invoice import Details, Invoice
from core.preferences import Preferences
from pipeline.app import App
from pipeline.custom_fields import read_custom_fields
from pipeline.dead import DeadLetter
from pipeline.deletions import is_there
from pipeline.lanes import Entity
from pipeline.memory import Forgetful, Memory
from pipeline.outcomes import Present
from pipeline.reading import read_batch, read_invoices, read_preferences
from pipeline.tools import Tools
from pipeline.troubles import Trouble, Troubles
from pipeline.zone import in_zone

HISTORY_ROWS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the Sync history."""

    at: datetime | None
    action: str
    text: str
    worked: bool


@dataclass(frozen=True, slots=True)
class InXero:
    """What the Xero details say of the document itself, as a person reads it."""

    status: str = ""
    url: str = ""
    exported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What our own lane and dead letters say: `due_at` None means not marked, `trouble` why the lane rests."""

    due_at: datetime | None = None
    is_claimed: bool = False
    rests_until: datetime | None = None
    trouble: Trouble = field(default_factory=Trouble)
    dead: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """What is known of an exported invoice that Dynamics does not show.

    `is_proven`: it was deleted. `not_shown`: why nobody knows. `is_held`: it was deleted with many others, and the
    connection's owner has not said yet whether that was meant.
    """

    is_proven: bool = True
    not_shown: str = ""
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Where an invoice stands for one connection at `now`; the connection has the time zone that is in force.

    `trouble`: what an administrator has to repair before anything of this connection goes. `history` begins with
    the newest row. `gone` matters where an exported invoice is not there.
    """

    connection: Connection
    now: datetime
    invoice_id: str
    invoice: Invoice | None
    details: Details | None
    in_xero: InXero = InXero()
    history: tuple[Entry, ...] = ()
    work: Work = Work()
    trouble: str = ""
    gone: Gone = Gone()
    preferences: Preferences = field(default_factory=Preferences)


def read_facts(app: App, connection: Connection, invoice_id: str) -> Facts:
    """Raises Transient, Limited or Disconnected."""
    working = app.connect(connection, app.lanes.now)
    tools, trouble = _usable(replace(working, memory=Forgetful()))
    present = read_invoices(tools, [invoice_id])[invoice_id]
    details, history = read_batch(tools, *_reads(invoice_id))
    return Facts(
        connection=tools.connection,
        now=app.lanes.now(),
        invoice_id=invoice_id,
        invoice=present.invoice,
        details=present.details,
        in_xero=_in_xero(details[0]) if details else InXero(),
        history=tuple(_entry(row) for row in history),
        work=_work(app, connection.id, present),
        trouble=trouble,
        gone=_gone(tools, working.memory, present),
        preferences=read_preferences(tools),
    )


def _gone(tools: Tools, memory: Memory, present: Present) -> Gone:
    """`memory` is that of the workers."""
    details, invoice_id = present.details, present.invoice_id
    if present.invoice is not None or details is None or not details.xero_invoice_id:
        return Gone()
    try:
        exists = is_there(tools, invoice_id)
    except Disconnected as error:
        return Gone(is_proven=False, not_shown=str(error))
    is_held = invoice_id in memory.held_deletions() - memory.confirmed_deletions([invoice_id])
    return Gone(is_proven=not exists and not details.is_linked, is_held=is_held)


def _usable(tools: Tools) -> tuple[Tools, str]:
    """Return tools that can read the invoice whatever is wrong with the settings, and what that is.

    Nothing here needs the customer's own columns; a mistake in them must not hide the rest.
    """
    preferences = read_preferences(tools)
    troubles = []
    try:
        read_custom_fields(tools, preferences)
    except Disconnected as error:
        troubles.append(str(error))
    try:
        tools = in_zone(tools, preferences)
    except Disconnected as error:
        troubles.append(str(error))
    tools.memory.remember_preferences(replace(preferences, custom_fields=""))
    return tools, " ".join(troubles)


def _reads(invoice_id: str) -> tuple[Read, Read]:
    mine = f"stl3_dynamicsinvoiceid eq {text_literal(invoice_id)}"
    details = {"$select": "stl3_xerostatus,stl3_xerourl,stl3_exportdate", "$filter": mine}
    history = {
        "$select": "stl3_eventtime,stl3_action,stl3_details,stl3_syncstatus",
        "$filter": f"stl3_XeroDetails/{mine}",  # by the details: the lookup to a deleted invoice is empty
        "$orderby": "stl3_eventtime desc,versionnumber desc",  # several within one second
        "$top": str(HISTORY_ROWS),
    }
    return Read(rows_path(columns.DETAILS.set_name, details)), Read(rows_path(columns.HISTORY.set_name, history))


def _in_xero(row: Payload) -> InXero:
    return InXero(
        row.get("stl3_xerostatus") or "", row.get("stl3_xerourl") or "", _moment(row.get("stl3_exportdate"))
    )


def _entry(row: Payload) -> Entry:
    return Entry(
        at=_moment(row.get("stl3_eventtime")),
        action=columns.ACTION.label(row.get("stl3_action")) or "",
        text=row.get("stl3_details") or "",
        worked=columns.SYNC_STATUS.label(row.get("stl3_syncstatus")) == "Successful",
    )


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _work(app: App, lane: str, present: Present) -> Work:
    entities = [Entity("dynamics", "invoice", present.invoice_id)]
    if present.details is not None and present.details.xero_invoice_id:
        entities.append(Entity("xero", "invoice", present.details.xero_invoice_id.lower()))
    dead = (letter for letter in app.dead.list_all() if letter.connection_id == lane and letter.entity in entities)
    dues = [due_at for entity in entities if (due_at := app.lanes.due_at(lane, entity)) is not None]
    return Work(
        due_at=min(dues, default=None),
        is_claimed=any(app.lanes.is_working(lane, entity) for entity in entities),
        rests_until=app.lanes.rests_until(lane),
        trouble=Troubles(app.redis, lane).load(),
        dead=tuple(dead),
    )
