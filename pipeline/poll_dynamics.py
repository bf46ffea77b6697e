"""What in Dynamics needs work, asked in one call: as if no event had ever come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import quoteattr

from clients.odata import rows_path
from core import columns
from core.errors import Disconnected
from core.gates import delivered_on
from core.ids import is_guid
from core.invoice import ACTIVE, CANCELLED, PAID
from mappers.cancelling import GONE
from pipeline.lanes import Entity
from pipeline.poll_jobs import Jobs, jobs_path, to_jobs
from pipeline.reading import ask_batch, keep_preferences, preferences_path, rows_of
from pipeline.tools import Tools
from pipeline.zone import in_zone

FIRST_TO_BEGIN = timedelta(hours=14)  # how far the easternmost zone is ahead of UTC
LOST = timedelta(days=1)  # how far back changes are looked for when the watermark is lost
NO, YES, FAILED = (columns.EXPORT_STATUS[label] for label in ("No", "Yes", "Failed"))
_DETAILS_AND_LINES = f"""<link-entity name="{columns.DETAILS.name}" from="stl3_invoice" to="invoiceid"
          link-type="outer" alias="details">
          <attribute name="stl3_xerodetailsid" />
          <attribute name="stl3_xeroinvoiceid" />
        </link-entity>
        <link-entity name="invoicedetail" from="invoiceid" to="invoiceid" link-type="outer" alias="line" />"""


@dataclass(frozen=True, slots=True)
class Due:
    """Ids of the invoices that need work, and of documents in Xero that nobody has followed since they were written.

    `read_at` is Dynamics' time when it was asked, `jobs` what it could not deliver to us.
    """

    invoice_ids: frozenset[str]
    xero_ids: frozenset[str]
    read_at: datetime
    jobs: Jobs

    @property
    def entities(self) -> list[Entity]:
        invoices = [Entity("dynamics", "invoice", invoice_id) for invoice_id in sorted(self.invoice_ids)]
        return invoices + [Entity("xero", "invoice", xero_id) for xero_id in sorted(self.xero_ids)]


def find_due(tools: Tools, *, since: datetime | None, now: datetime) -> Due:
    """Return what needs work whatever was heard of it, and what has changed since then; one `$batch`.

    Raises Transient, Limited or Disconnected. That Dynamics does not show its jobs hinders nothing.
    """
    since = since or now - LOST
    *asked, jobs = ask_batch(
        tools,
        preferences_path(tools),
        rows_path("invoices", {"fetchXml": _waiting_query(tools, now)}),
        rows_path(columns.DETAILS.set_name, _unfinished_query(tools)),
        rows_path("invoices", {"fetchXml": _changed_query(tools, since)}),
        rows_path(columns.DETAILS.set_name, _not_followed_query(tools)),
        rows_path(columns.DETAILS.set_name, {"fetchXml": _ending_query(tools)}),
        jobs_path(since),
    )
    read_at = tools.dataverse.server_time
    if read_at is None:
        raise Disconnected("Dynamics answers without a date: something else is answering at its address")
    settings, waiting, unfinished, changed, not_followed, ending = map(rows_of, asked)
    tools = in_zone(tools, keep_preferences(tools, settings))
    found = {row["invoiceid"] for row in waiting if _may_go_today(tools, row, now)}
    found |= {row["stl3_dynamicsinvoiceid"] for row in (*unfinished, *ending)}
    found |= {row["invoiceid"] for row in changed}
    found = {invoice_id for invoice_id in found if is_guid(str(invoice_id))}  # people can edit our columns
    xero_ids = {row["stl3_xeroinvoiceid"].lower() for row in not_followed}
    return Due(frozenset(found), frozenset(xero_ids), read_at, to_jobs(jobs))


def _may_go_today(tools: Tools, row: dict[str, Any], now: datetime) -> bool:
    """Leave out what the query cannot tell: where the day has not begun in the zone in force (rules B9, C11)."""
    zone, delivered = tools.connection.zone, row.get("datedelivered")
    is_new, is_exported = (row.get(f"details.{name}") for name in ("stl3_xerodetailsid", "stl3_xeroinvoiceid"))
    if is_new is None or is_exported is not None or delivered is None:
        return True
    return delivered_on(datetime.fromisoformat(delivered), zone) <= now.astimezone(zone).date()


def _waiting_query(tools: Tools, now: datetime) -> str:
    """Invoices of this connection without a details row, or with export status No although their gates are open.

    Every gate that can be asked for is, so that an invoice that waits costs nothing (rules C1 to C7). One that is
    exported belongs to the connection of its details row, whatever its connector and Date Delivered say (rule C63).
    """
    # The zone in force comes with the same answer. No day that has begun anywhere is written later than this.
    before = datetime.combine((now + FIRST_TO_BEGIN).date() + timedelta(days=1), time(0), UTC)
    return f"""<fetch distinct="true">
      <entity name="invoice">
        <attribute name="invoiceid" />
        <attribute name="datedelivered" />
        <filter type="or">
          <filter type="and">
            <condition attribute="statecode" operator="eq" value="{ACTIVE}" />
            <condition attribute="stl3_connector" operator="eq" value={quoteattr(tools.connection.id)} />
            <condition entityname="details" attribute="stl3_xerodetailsid" operator="null" />
          </filter>
          <filter type="and">
            <condition entityname="details" attribute="stl3_exportstatus" operator="eq" value="{NO}" />
            <condition entityname="line" attribute="invoicedetailid" operator="not-null" />
            <condition attribute="pricelevelid" operator="not-null" />
            <condition attribute="customerid" operator="not-null" />
            <condition attribute="datedelivered" operator="not-null" />
            <filter type="or">
              <filter type="and">
                <condition attribute="statecode" operator="eq" value="{ACTIVE}" />
                <condition attribute="stl3_connector" operator="eq" value={quoteattr(tools.connection.id)} />
                <condition entityname="details" attribute="stl3_xeroinvoiceid" operator="null" />
                <condition attribute="datedelivered" operator="lt" value="{before:%Y-%m-%dT%H:%M:%SZ}" />
              </filter>
              <filter type="and">
                <condition attribute="statecode" operator="in">
                  <value>{ACTIVE}</value><value>{PAID}</value>
                </condition>
                {_exported_here(tools)}
              </filter>
            </filter>
          </filter>
        </filter>
        {_DETAILS_AND_LINES}
      </entity>
    </fetch>"""


def _unfinished_query(tools: Tools) -> dict[str, str]:
    """Attempts to create that are open, and updates whose end nobody wrote down; not what waits or has failed.

    One that was put aside is Failed and keeps its open attempt until a person sets it to No. What a person has set to
    No does not say yet what it waits for, if it has to: it is found until it does.
    """
    creating = f"(stl3_attemptstarted ne null and stl3_exportstatus eq {NO})"
    updating = (
        f"(stl3_fingerprint eq null and stl3_xeroinvoiceid ne null and stl3_exportstatus eq {YES}"
        " and stl3_waitingfor eq null and stl3_Invoice/statecode eq 0)"
    )
    here = f"(stl3_xeroinvoiceid ne null or stl3_Invoice/_stl3_connector_value eq {tools.connection.id})"
    silent = f"(stl3_exportstatus eq {NO} and stl3_waitingfor eq null and {here})"
    mine = f"stl3_connectionid eq '{tools.connection.id}'"
    return {"$select": "stl3_dynamicsinvoiceid", "$filter": f"{mine} and ({creating} or {updating} or {silent})"}


def _ending_query(tools: Tools) -> str:
    """Exported invoices that were cancelled, deleted or made active again, where that is not dealt with (rules E).

    Every end of the work, a failure too, notes the state that was dealt with, so it is found once. What a person has
    set to No is found as well, except on an invoice that is active again: that is one to be sent, which waits for its
    gates. Of a document that fails, what was begun waits for its person.
    """
    return f"""<fetch>
      <entity name="{columns.DETAILS.name}">
        <attribute name="stl3_dynamicsinvoiceid" />
        <filter type="and">
          <condition attribute="stl3_connectionid" operator="eq" value={quoteattr(tools.connection.id)} />
          <condition attribute="stl3_xeroinvoiceid" operator="not-null" />
          <filter type="or">
            <filter type="and">
              <condition attribute="stl3_invoice" operator="null" />
              {_not_dealt_with(GONE)}
            </filter>
            <filter type="and">
              <condition entityname="invoice" attribute="statecode" operator="eq" value="{CANCELLED}" />
              {_not_dealt_with(str(CANCELLED))}
            </filter>
            <filter type="and">
              <condition entityname="invoice" attribute="statecode" operator="in">
                <value>{ACTIVE}</value><value>{PAID}</value>
              </condition>
              <condition attribute="stl3_handledstate" operator="in">
                <value>{CANCELLED}</value><value>{GONE}</value>
              </condition>
              <condition attribute="stl3_exportstatus" operator="in">
                <value>{YES}</value><value>{FAILED}</value>
              </condition>
            </filter>
            <filter type="and">
              <condition attribute="stl3_exportstatus" operator="eq" value="{NO}" />
              <filter type="or">
                <condition attribute="stl3_invoice" operator="null" />
                <condition entityname="invoice" attribute="statecode" operator="eq" value="{CANCELLED}" />
              </filter>
            </filter>
            <filter type="and">
              <condition attribute="stl3_cancelling" operator="not-null" />
              <condition attribute="stl3_exportstatus" operator="in">
                <value>{NO}</value><value>{YES}</value>
              </condition>
            </filter>
          </filter>
        </filter>
        <link-entity name="invoice" from="invoiceid" to="stl3_invoice" link-type="outer" alias="invoice" />
      </entity>
    </fetch>"""


def _not_dealt_with(state: str) -> str:
    """A row that names no state is of an invoice that was active when it was exported."""
    return f"""<filter type="or">
                <condition attribute="stl3_handledstate" operator="null" />
                <condition attribute="stl3_handledstate" operator="ne" value="{state}" />
              </filter>"""


def _not_followed_query(tools: Tools) -> dict[str, str]:
    """Documents that were written or found and have not been looked at since: what moved meanwhile is not known."""
    return {
        "$select": "stl3_xeroinvoiceid",
        "$filter": (
            f"stl3_connectionid eq '{tools.connection.id}' and stl3_xeroinvoiceid ne null"
            " and stl3_xeroupdated eq null"
        ),
    }


def _changed_query(tools: Tools, since: datetime) -> str:
    """Invoices changed since then, or a line of them: the event of the change may have been lost.

    What failed is left out: a later edit alone does not make it go (rule C60).
    """
    moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"""<fetch distinct="true">
      <entity name="invoice">
        <attribute name="invoiceid" />
        <filter type="and">
          <filter type="or">
            <condition entityname="details" attribute="stl3_exportstatus" operator="null" />
            <condition entityname="details" attribute="stl3_exportstatus" operator="ne" value="{FAILED}" />
          </filter>
          <filter type="or">
            <condition attribute="modifiedon" operator="ge" value="{moment}" />
            <condition entityname="line" attribute="modifiedon" operator="ge" value="{moment}" />
          </filter>
          <filter type="or">
            <condition attribute="stl3_connector" operator="eq" value={quoteattr(tools.connection.id)} />
            {_exported_here(tools)}
          </filter>
        </filter>
        {_DETAILS_AND_LINES}
      </entity>
    </fetch>"""


def _exported_here(tools: Tools) -> str:
    return f"""<filter type="and">
                  <condition entityname="details" attribute="stl3_connectionid" operator="eq"
                    value={quoteattr(tools.connection.id)} />
                  <condition entityname="details" attribute="stl3_xeroinvoiceid" operator="not-null" />
                </filter>"""
