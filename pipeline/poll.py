"""The poller: every five minutes per connection it marks due whatever needs work, as if no event had ever come."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from xml.sax.saxutils import quoteattr

import redis
import structlog

from clients.odata import rows_path
from core import columns
from core.connections import NEEDS_ATTENTION, PAUSED
from core.errors import Disconnected
from core.gates import delivered_on, start_of
from pipeline.app import App
from pipeline.attention import resume, stop
from pipeline.lane_scripts import ask
from pipeline.lanes import Entity
from pipeline.reading import read_batch
from pipeline.tools import Tools

OVERLAP = timedelta(minutes=10)
NO = columns.EXPORT_STATUS["No"]

log = structlog.get_logger()


def poll(app: App, connection_id: str) -> int:
    """Mark due what needs work on one connection; return how many invoices that were.

    The watermark is Dynamics' own clock minus ten minutes, stored after the marks; without one everything that may
    be affected is read again. Raises Transient or Limited; a lost right stops the connection.
    """
    connection = app.connections.find(connection_id)
    if connection is None or connection.state == PAUSED:
        return 0
    tools = app.connect(connection, app.lanes.now)
    watermark = Watermark(app.redis, connection_id)
    since = watermark.load()
    try:
        found, read_at = find_due(tools, since=since, now=app.lanes.now())
    except Disconnected as error:
        stop(app.connections, tools, str(error))
        return 0
    entities = [Entity("dynamics", "invoice", invoice_id) for invoice_id in sorted(found)]
    if app.lanes.mark(connection_id, entities, due_at=app.lanes.now()):
        app.wake(connection_id)
    watermark.save(read_at - OVERLAP)
    if connection.state == NEEDS_ATTENTION and not any(app.lanes.counts(connection_id).values()):
        resume(app.connections, tools, proved=False)  # else the work that is due shows whether it was repaired
    log.info("connection.polled", connection=connection_id, due=len(entities), complete=since is None)
    return len(entities)


def find_due(tools: Tools, *, since: datetime | None, now: datetime) -> tuple[set[str], datetime]:
    """Return the ids of the invoices that need work, and Dynamics' time when it was asked; one `$batch`."""
    asked = read_batch(
        tools,
        rows_path("invoices", {"fetchXml": _waiting_query(tools, now)}),
        rows_path(columns.DETAILS.set_name, _open_attempts_query(tools)),
        *_changed_queries(tools, since),
    )
    read_at = tools.dataverse.server_time
    if read_at is None:
        raise Disconnected("Dynamics answers without a date: something else is answering at its address")
    waiting, *others = asked
    found = {row["invoiceid"] for row in waiting if _may_go_today(tools, row, now)}
    id_columns = ("stl3_dynamicsinvoiceid", "invoiceid", "_invoiceid_value")
    found |= {row[column] for rows, column in zip(others, id_columns, strict=False) for row in rows}
    return found, read_at


def _may_go_today(tools: Tools, row: dict[str, Any], now: datetime) -> bool:
    """Leave out what the query cannot tell: a Date Delivered that was typed in another zone (rule C11)."""
    zone, delivered = tools.connection.zone, row.get("datedelivered")
    if row.get("details.stl3_xerodetailsid") is None or delivered is None:
        return True
    return delivered_on(datetime.fromisoformat(delivered), zone) <= now.astimezone(zone).date()


def _waiting_query(tools: Tools, now: datetime) -> str:
    """Invoices of this connection without a details row, or not yet exported although their gates are open.

    Every gate that can be asked for is, so that an invoice that waits costs nothing (rules C1 to C7).
    """
    tomorrow = now.astimezone(tools.connection.zone).date() + timedelta(days=1)
    # No day up to today is written later than this, whatever zone it was typed in.
    before = max(start_of(tomorrow, tools.connection.zone), datetime.combine(tomorrow, time(0), UTC))
    return f"""<fetch distinct="true">
      <entity name="invoice">
        <attribute name="invoiceid" />
        <attribute name="datedelivered" />
        <filter type="and">
          <condition attribute="stl3_connector" operator="eq" value={quoteattr(tools.connection.id)} />
          <condition attribute="statecode" operator="eq" value="0" />
          <filter type="or">
            <condition entityname="details" attribute="stl3_xerodetailsid" operator="null" />
            <filter type="and">
              <condition entityname="details" attribute="stl3_exportstatus" operator="eq" value="{NO}" />
              <condition entityname="line" attribute="invoicedetailid" operator="not-null" />
              <condition attribute="pricelevelid" operator="not-null" />
              <condition attribute="customerid" operator="not-null" />
              <condition attribute="datedelivered" operator="not-null" />
              <condition attribute="datedelivered" operator="lt" value="{before:%Y-%m-%dT%H:%M:%SZ}" />
            </filter>
          </filter>
        </filter>
        <link-entity name="{columns.DETAILS.name}" from="stl3_invoice" to="invoiceid" link-type="outer"
          alias="details">
          <attribute name="stl3_xerodetailsid" />
        </link-entity>
        <link-entity name="invoicedetail" from="invoiceid" to="invoiceid" link-type="outer" alias="line" />
      </entity>
    </fetch>"""


def _open_attempts_query(tools: Tools) -> dict[str, str]:
    """One that was put aside is Failed and keeps its open attempt until a person sets it to No."""
    mine = f"stl3_connectionid eq '{tools.connection.id}' and stl3_exportstatus eq {NO}"
    return {"$select": "stl3_dynamicsinvoiceid", "$filter": f"stl3_attemptstarted ne null and {mine}"}


def _changed_queries(tools: Tools, since: datetime | None) -> list[str]:
    """Invoices and lines changed since the watermark: the event of the change may have been lost."""
    if since is None:
        return []
    changed = f"modifiedon ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    mine = f"_stl3_connector_value eq {tools.connection.id}"
    on_line = f"invoiceid/{mine}"
    return [
        rows_path("invoices", {"$select": "invoiceid", "$filter": f"{changed} and {mine}"}),
        rows_path("invoicedetails", {"$select": "_invoiceid_value", "$filter": f"{changed} and {on_line}"}),
    ]


class Watermark:
    """Up to when one connection's Dynamics has been read; losing it costs a complete read."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        self._key = f"watermark:{connection_id}:dynamics"

    def load(self) -> datetime | None:
        text = cast("str | None", ask(lambda: self._redis.get(self._key)))
        return datetime.fromisoformat(text) if text else None

    def save(self, moment: datetime) -> None:
        ask(lambda: self._redis.set(self._key, moment.isoformat()))
