"""Webhooks that Dynamics could not deliver: its own failed system jobs, read along with the poll.

Dynamics tries once more at most, tells nobody, and never delivers again. Whatever such a job was about the poll's
other queries find as well, so this is for people, who have to learn that events do not get through (promise H4);
that the invoices are marked by it too costs nothing. Source: Microsoft, "Use WebHooks", failed asynchronous jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import redis
import structlog

from clients.dataverse import Outcome
from clients.odata import rows_path
from core import columns
from core.connections import Connection
from core.errors import Disconnected, Rejected
from core.ids import is_guid
from pipeline.lane_scripts import ask
from pipeline.lanes import Entity

FAILED = 31  # asyncoperation.statuscode
ROWS_MAX = 1000
KEPT = timedelta(days=1)  # how far back people are told of them
OUR_ADDRESS = "/webhooks/dynamics/"  # whatever stands before it: it may be our former address that fails
_STATUS = re.compile(r"\bstatus\D{0,12}(\d{3})\b", re.IGNORECASE)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A delivery that failed at `at`; `invoice_id` is what it was about, empty if it was no invoice or is gone."""

    id: str
    at: datetime
    invoice_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Jobs:
    """What Dynamics said of its failed jobs. `hidden`: why it does not show them; `is_told`: it said either."""

    failed: tuple[FailedJob, ...] = ()
    hidden: str = ""
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Undelivered:
    """How many deliveries failed within a day, since when, and why the last one did; or why nobody can say so."""

    count: int = 0
    since: datetime | None = None
    why: str = ""
    hidden: str = ""

    def words(self, connection: Connection) -> str:
        """Return what people are told, in the connection's time; empty if all is well."""
        if self.since is None:
            return f"it cannot be told whether Dynamics delivers its webhooks: {self.hidden}" if self.hidden else ""
        local = self.since.astimezone(connection.zone)
        webhooks = "1 webhook" if self.count == 1 else f"{self.count} webhooks"
        return f"Dynamics could not deliver {webhooks} since {local.day} {local:%b %H:%M} ({local:%Z}): {self.why}"


def jobs_path(since: datetime) -> str:
    """Return the query for the deliveries to us that failed since then, and the invoices that they were about."""
    moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    details = columns.DETAILS
    query = f"""<fetch top="{ROWS_MAX}">
      <entity name="asyncoperation">
        <attribute name="asyncoperationid" />
        <attribute name="completedon" />
        <attribute name="primaryentitytype" />
        <attribute name="regardingobjectid" />
        <attribute name="errorcode" />
        <attribute name="friendlymessage" />
        <order attribute="completedon" descending="true" />
        <filter type="and">
          <condition attribute="statuscode" operator="eq" value="{FAILED}" />
          <condition attribute="completedon" operator="ge" value="{moment}" />
        </filter>
        <link-entity name="sdkmessageprocessingstep" from="sdkmessageprocessingstepid" to="owningextensionid"
          link-type="inner" alias="step">
          <link-entity name="serviceendpoint" from="serviceendpointid" to="eventhandler" link-type="inner"
            alias="endpoint">
            <filter><condition attribute="url" operator="like" value="%{OUR_ADDRESS}%" /></filter>
          </link-entity>
        </link-entity>
        <link-entity name="invoicedetail" from="invoicedetailid" to="regardingobjectid" link-type="outer"
          alias="line">
          <attribute name="invoiceid" />
        </link-entity>
        <link-entity name="{details.name}" from="{details.id_column}" to="regardingobjectid" link-type="outer"
          alias="details">
          <attribute name="stl3_dynamicsinvoiceid" />
        </link-entity>
      </entity>
    </fetch>"""
    return rows_path("asyncoperations", {"fetchXml": query})


def to_jobs(outcome: Outcome) -> Jobs:
    """Return what the answer to `jobs_path` says: a refusal of it hinders nothing else."""
    if isinstance(outcome.error, Disconnected | Rejected):
        return Jobs(hidden=str(outcome.error))
    if outcome.error is not None:
        return Jobs(is_told=False)
    return Jobs(tuple(_failed(outcome.rows)))


class Harvest:
    """The failed deliveries of one connection, in Redis. Methods raise Transient when Redis does not answer."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        self._connection_id = connection_id
        self._jobs, self._words = f"undelivered:{connection_id}", f"undelivered:{connection_id}:words"

    def fresh(self, jobs: Jobs) -> list[FailedJob]:
        """Return those that were not noted yet: what overlapping polls read again is known."""
        if not jobs.failed:
            return []
        known = ask(lambda: self._redis.zmscore(self._jobs, [job.id for job in jobs.failed]))
        return [job for job, score in zip(jobs.failed, known, strict=True) if score is None]

    def note(self, jobs: Jobs, fresh: Sequence[FailedJob], *, now: datetime) -> None:
        """Note them for a day, and say in the log what is new."""
        if not jobs.is_told:
            return
        if jobs.hidden != self._word("hidden"):
            ask(lambda: self._redis.hset(self._words, "hidden", jobs.hidden))
            if jobs.hidden:
                log.warning("webhooks.not_shown", connection=self._connection_id, reason=jobs.hidden)
        if fresh:
            ask(lambda: self._redis.zadd(self._jobs, {job.id: job.at.timestamp() for job in fresh}))
            last = max(fresh, key=lambda job: job.at)
            ask(lambda: self._redis.hset(self._words, "why", last.why))
            log.warning("webhooks.undelivered", connection=self._connection_id, jobs=len(fresh), reason=last.why)
        ask(lambda: self._redis.zremrangebyscore(self._jobs, "-inf", (now - KEPT).timestamp()))

    def load(self, *, now: datetime) -> Undelivered:
        found = cast(
            "list[tuple[str, float]]",
            ask(
                lambda: self._redis.zrange(self._jobs, (now - KEPT).timestamp(), "inf", byscore=True, withscores=True)
            ),
        )
        if not found:
            return Undelivered(hidden=self._word("hidden"))
        since = datetime.fromtimestamp(found[0][1], UTC)
        return Undelivered(len(found), since, self._word("why"), self._word("hidden"))

    def _word(self, name: str) -> str:
        return cast("dict[str, str]", ask(lambda: self._redis.hgetall(self._words))).get(name, "")


def entities_of(jobs: Iterable[FailedJob]) -> list[Entity]:
    return [Entity("dynamics", "invoice", each) for each in sorted({job.invoice_id for job in jobs} - {""})]


def _failed(rows: Iterable[dict[str, Any]]) -> Iterator[FailedJob]:
    for row in rows:
        invoice_id = row.get("line.invoiceid") or row.get("details.stl3_dynamicsinvoiceid") or ""
        if row.get("primaryentitytype") == "invoice":
            invoice_id = row.get("_regardingobjectid_value") or ""
        invoice_id = str(invoice_id).lower()
        yield FailedJob(
            id=row["asyncoperationid"],
            at=datetime.fromisoformat(row["completedon"]),
            invoice_id=invoice_id if is_guid(invoice_id) else "",
            why=_why(row),
        )


def _why(row: dict[str, Any]) -> str:
    """Return a reason without Dynamics' own words, which nobody knows what they may quote."""
    words = str(row.get("friendlymessage") or "")
    if status := _STATUS.search(words):
        return f"status {status[1]}"
    if "timed out" in words.lower():
        return "no answer in time"
    code = row.get("errorcode")
    return f"error 0x{code & 0xFFFFFFFF:08x}" if isinstance(code, int) else "no reason given"
